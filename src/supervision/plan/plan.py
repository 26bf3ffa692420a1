"""A month's plan: drawn from a published month of the ledger, dealt to pairs, every draw with its fate."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.contract import codes
from models.arrays import Bools
from models.scoring.classification import GRADES
from serving.ledger.place import check_month
from serving.ledger.read import Ledger
from supervision.measures import FIELDS, fields_of
from supervision.plan.chance import Chance
from supervision.plan.chances import Frame, build_frame, check_capacity
from supervision.plan.expected import Expected, expect
from supervision.plan.given import Inspector, Lead
from supervision.plan.pairs import Pair, deal, draw_pairs
from supervision.plan.policy import Rules
from supervision.plan.sampling import MILLION, row_order, systematic
from supervision.plan.shown import described
from supervision.standing import Span, months_before, opened_records, standing, year_start

Objects = npt.NDArray[np.object_]

PLANNED, MERGED, CAPPED, EXCUSED, NO_DISTRICT = "planned", "merged", "capped", "excused", "no_district"
"""Fates of a draw: visited by itself; in one visit with what else asks for it; the firm has had its visits; excused;
no pair can be sent, since its district is not known (prompted visits alone: nobody without a district is drawn)."""
CONTRACT_FATE = {PLANNED: "pending", MERGED: "pending", CAPPED: "capped", EXCUSED: "excused"}
"""Fate of a draw as the contract's table ``draws`` has it; results bring ``carried_out`` or ``not_carried_out``."""


@dataclass(frozen=True)
class Asked:
    """What a plan is made of, besides the ledger.

    Parameters
    ----------
    rules
        Policies.
    inspectors
        Who inspects.
    leads
        What asks for a visit by itself.
    excused
        Enterprises excused from draws this month.
    records
        Clean records; None: those that the ledger's last run kept.
    """

    rules: Rules
    inspectors: Sequence[Inspector]
    leads: Sequence[Lead] = ()
    excused: Sequence[str] = ()
    records: Path | None = None


@dataclass(frozen=True)
class SpotPlan:
    """A plan.

    Parameters
    ----------
    id
        Province, month and the seed's first hash digits.
    chance
        Seed and month.
    frame
        Whom it was drawn from, with everyone's probability.
    rows
        One row a draw or prompted visit, with `supervision.plan.policy.PLAN_COLUMNS`, sorted by district and id.
    pairs, reserve
        Pairs of inspectors, and those without a partner.
    expected
        What it finds.
    rules
        Policies kept.
    manifest
        Hash of the month it was drawn from.
    has_records
        Whether fields, visits and complaints were known.
    """

    id: str
    chance: Chance
    frame: Frame
    rows: pd.DataFrame
    pairs: list[Pair]
    reserve: list[str]
    expected: Expected
    rules: Rules
    manifest: str
    has_records: bool

    @property
    def draws(self) -> pd.DataFrame:
        """Rows of the contract's table ``draws``: every draw with its probability and fate."""
        drawn = self.rows[self.rows["arm"] == "random"]
        day = check_month(self.chance.month)
        return pd.DataFrame(
            {
                "record_id": self.id + "-" + drawn["enterprise_id"],
                "version": 1,
                "enterprise_id": drawn["enterprise_id"],
                "occurred_at": day,
                "known_at": day,
                "record_state": "active",
                "plan_id": self.id,
                "probability_ppm": drawn["probability_ppm"].astype("int64"),
                "fate": drawn["fate"].map(CONTRACT_FATE),
            }
        ).reset_index(drop=True)


def draw(frame: Frame, chance: Chance) -> Bools:
    """Draw from a frame; the same seed gives the same enterprises."""
    order = row_order(frame.stratum, chance.numbers("enterprise", frame.ids))
    return systematic(frame.ppm, order, chance.number("start") % MILLION)


def plan_id(province: str, chance: Chance) -> str:
    """Return a plan's name: the same for the same province, month and seed."""
    return f"{province}-{chance.month}-{hashlib.sha256(chance.seed.encode()).hexdigest()[:8]}"


@dataclass(frozen=True)
class Drawn:
    """What was drawn, place by place as in the frame.

    Parameters
    ----------
    frame
        Whom it was drawn from.
    drawn, prompted
        Whether each is drawn, and visited for a cause.
    fate, pair
        What becomes of each that is; and the pair's id.
    causes
        What asks for a visit by itself, by enterprise.
    pairs, reserve
        Pairs of inspectors, and those without a partner.
    """

    frame: Frame
    drawn: Bools
    prompted: Bools
    fate: Objects
    pair: Objects
    causes: dict[str, list[Lead]]
    pairs: list[Pair]
    reserve: list[str]

    @property
    def going(self) -> Bools:
        """Who is visited."""
        return (self.drawn | self.prompted) & np.isin(self.fate, (PLANNED, MERGED))


def draw_plan(stands: pd.DataFrame, chance: Chance, asked: Asked) -> Drawn:
    """Draw enterprises and inspectors from the standing of a month's enterprises; see `make_plan`."""
    rules = asked.rules
    frame = build_frame(stands, rules, check_month(chance.month))
    causes = _causes(stands, asked)
    prompted = np.isin(frame.ids.astype(str), np.array(sorted(causes), dtype=str))
    pairs, reserve = draw_pairs(asked.inspectors, chance)
    by_district = {d: [p for p in pairs if p.district == d] for d in frame.districts}
    check_capacity(frame, prompted, {d: len(found) for d, found in by_district.items()}, rules)
    drawn = draw(frame, chance)
    fate = _fates(frame, drawn, prompted, set(asked.excused), rules)
    nobody = np.full(len(frame), None, dtype=object)
    made = Drawn(frame, drawn, prompted, fate, nobody, causes, pairs, reserve)
    return replace(made, pair=_dealt(frame, made.going, by_district, causes, rules, chance))


def make_plan(ledger: Ledger, chance: Chance, asked: Asked) -> SpotPlan:
    """Draw the plan of a published month.

    Parameters
    ----------
    ledger
        Of the province.
    chance
        Seed and month.
    asked
        Policies, inspectors, leads, excuses, records.

    Raises
    ------
    LedgerError
        If the month is not published.
    InfeasibleError
        If the policies ask for what can't be had; says what, and the least change.
    """
    rules, month = asked.rules, ledger.month(chance.month)
    cutoff = check_month(chance.month)
    must = rules.plan.must
    span = Span(year_start(cutoff, rules.plan.first_month), months_before(cutoff, must.complaint_months))
    with opened_records(month, asked.records) as store:
        stands = standing(month, store, span, rules.measures)
        has_records = store is not None
    made = draw_plan(stands, chance, asked)
    name = plan_id(rules.province, chance)
    rows = described(_rows(made, name, rules), month, rules)
    rows = rows.sort_values(["district", "enterprise_id"], ignore_index=True)
    expected = expect(made.frame, made.drawn & made.going, rules.plan.level)
    return SpotPlan(
        name, chance, made.frame, rows, made.pairs, made.reserve, expected, rules, month.manifest_hash, has_records
    )


def _rows(made: Drawn, name: str, rules: Rules) -> pd.DataFrame:
    """Return one row a draw or prompted visit, without what the ledger shows of the enterprise."""
    frame, listed = made.frame, np.flatnonzero(made.drawn | made.prompted)
    items = [_items(frame, int(i), made.causes, rules) for i in listed]
    ppm = pd.Series(pd.array(frame.ppm[listed], dtype="Int64"))
    return pd.DataFrame(
        {
            "plan_id": name,
            "enterprise_id": frame.ids[listed],
            "district": [frame.districts[d] if d >= 0 else None for d in frame.district[listed]],
            "grade": [GRADES[g] for g in frame.grade[listed]],
            "measure_grade": [GRADES[g] for g in frame.strict[listed]],
            "main_field": [FIELDS[k] for k in frame.main[listed]],
            "items": [";".join(names) for names, _ in items],
            "items_zh": ["；".join(texts) for _, texts in items],
            "arm": np.where(made.drawn[listed], "random", "targeted").astype(object),
            "why": [_why(frame, int(i), bool(made.drawn[i]), made.causes) for i in listed],
            "probability_ppm": ppm.where(made.drawn[listed]),
            "fate": made.fate[listed],
            "pair": made.pair[listed],
        }
    )


def _causes(stands: pd.DataFrame, asked: Asked) -> dict[str, list[Lead]]:
    """Return what asks for a visit by itself, by enterprise: leads given, and open complaints on record."""
    out: dict[str, list[Lead]] = {}
    for lead in asked.leads:
        out.setdefault(lead.enterprise_id, []).append(lead)
    least = asked.rules.plan.must.open_complaints
    if least:
        many = stands.loc[stands["complaints"] >= least, ["enterprise_id", "complaints"]]
        for who, count in many.itertuples(index=False):
            out.setdefault(who, []).append(Lead(who, "complaint", "", f"未办结投诉举报{count}件"))
    return out


def _fates(frame: Frame, drawn: Bools, prompted: Bools, excused: set[str], rules: Rules) -> Objects:
    """Return the fate of every draw and prompted visit; the draw stands whatever becomes of it."""
    cap = np.array(rules.shares.caps, dtype=np.int64)[frame.strict]
    capped = drawn & (cap > 0) & (frame.visits >= cap) & (frame.must == 0)
    let_off = drawn & np.isin(frame.ids.astype(str), np.array(sorted(excused), dtype=str))
    fate = np.full(len(frame), "", dtype=object)
    fate[drawn] = PLANNED
    fate[capped] = CAPPED
    fate[let_off] = EXCUSED
    fate[prompted & ~drawn] = PLANNED
    fate[prompted & drawn] = MERGED
    fate[prompted & (frame.district < 0)] = NO_DISTRICT
    return fate


def _dealt(
    frame: Frame,
    going: Bools,
    by_district: dict[str, list[Pair]],
    causes: dict[str, list[Lead]],
    rules: Rules,
    chance: Chance,
) -> Objects:
    """Deal the visits of every district to its pairs."""
    capacity = rules.plan.capacity
    special = sum(1 << FIELDS.index(name) for name in capacity.specialist)
    out = np.full(len(frame), None, dtype=object)
    at = np.flatnonzero(going)
    for d in np.unique(frame.district[at]).tolist():
        here = at[frame.district[at] == d]
        visits = [(str(frame.ids[i]), int(frame.fields[i]) | _lead_mask(causes.get(frame.ids[i], ()))) for i in here]
        got = deal(visits, by_district[frame.districts[d]], capacity.visits_per_pair, special, chance)
        out[here] = [pair.id for pair in got]
    return out


def _lead_mask(leads: Sequence[Lead]) -> int:
    return sum({1 << FIELDS.index(lead.field) for lead in leads if lead.field})


def _why(frame: Frame, i: int, drawn: bool, causes: dict[str, list[Lead]]) -> str:
    """Say what led to a visit: its causes, and how it was drawn."""
    found = sorted({lead.cause for lead in causes.get(frame.ids[i], ())})
    if drawn:
        found.append("must_check" if frame.must[i] else "class_share" if frame.base[i] else "random_share")
    return ";".join(found)


def _items(frame: Frame, i: int, causes: dict[str, list[Lead]], rules: Rules) -> tuple[list[str], list[str]]:
    """Return fields to look at in the one visit (SC (16)), and the same in Chinese with the items that leads name.

    Class D: key items in full, so that the fields that everybody is in are looked at, too (HB 17(4)).
    """
    leads = causes.get(frame.ids[i], [])
    names = list(fields_of(int(frame.fields[i]) | _lead_mask(leads)))
    if not names or GRADES[frame.strict[i]] == "D":
        names += [name for name in rules.measures.everywhere if name not in names]
    texts = [codes.FIELD.codes[name][1] for name in names]
    return names, texts + [lead.item for lead in leads if lead.item]
