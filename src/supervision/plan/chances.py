"""Chances of a draw: the probability that the policy gives each enterprise, and why."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from models.arrays import Bools, Floats, Ints
from models.scoring.classification import GRADES, Grade
from supervision.errors import InfeasibleError
from supervision.measures import FIELDS
from supervision.plan.policy import Rules
from supervision.plan.sampling import MILLION, to_ppm
from supervision.standing import months_before


@dataclass(frozen=True)
class Frame:
    """Whom a plan draws from: one place of every array for each enterprise of the month, sorted by id.

    Parameters
    ----------
    ids
        Enterprise ids.
    district
        Number of the district in ``districts``; -1: not known, so that no pair can be sent.
    districts
        District codes, sorted.
    grade, strict
        0 for A to 3 for D: the general class, and the strictest of it and the sectors' grades (SAMR (9)).
    fields, main
        Mask of the fields it is in, and number of the main one.
    visits
        Made and waiting since the year of plans began.
    probability, low, high
        Chance of a violation and the ends of its interval; where there is no interval, the chance itself.
    alone
        Not visited unprompted: classes left alone, observation period, triggered supervision.
    must
        Visits still due this year by the articles or a direct determination.
    base, equal
        Probability by class and must, and that of the random share, the same for all that it reaches.
    ppm
        What they are drawn with, parts per million.
    """

    ids: npt.NDArray[np.object_]
    district: Ints
    districts: tuple[str, ...]
    grade: Ints
    strict: Ints
    fields: Ints
    main: Ints
    visits: Ints
    probability: Floats
    low: Floats
    high: Floats
    alone: Bools
    must: Ints
    base: Floats
    equal: Floats
    ppm: Ints

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def stratum(self) -> Ints:
        """Number of the stratum: district, then class, then main field."""
        return (self.district * len(GRADES) + self.strict) * len(FIELDS) + self.main


def places(grades: tuple[Grade, ...]) -> list[int]:
    """Return the numbers of classes, 0 for A."""
    return [GRADES.index(g) for g in grades]


def months_left(cutoff: date, first_month: int) -> int:
    """Return the months of the year of plans that are left, this one included.

    Examples
    --------
    >>> months_left(date(2026, 11, 1), 1)
    2
    """
    return 12 - (cutoff.month - first_month) % 12


def build_frame(standing: pd.DataFrame, rules: Rules, cutoff: date) -> Frame:
    """Return the frame of a month, with everyone's probability.

    Parameters
    ----------
    standing
        As `supervision.standing.standing` gives it.
    rules
        Policies.
    cutoff
        First day of the month.

    Raises
    ------
    InfeasibleError
        If a cap forbids what a measure asks for.
    """
    plan, shares, measures = rules.plan, rules.shares, rules.measures
    grade = standing["grade"].map(GRADES.index).to_numpy(dtype=np.int64)
    sector = standing["sector"].to_numpy(dtype=np.int64)
    strict = measures.strictest(grade, sector)
    fields = standing["fields"].to_numpy(dtype=np.int64)
    main = measures.main_field(fields)
    visits = standing["visits"].to_numpy(dtype=np.int64)
    region = standing["region"].astype(object).where(standing["region"].notna(), "").astype(str)
    code, names = pd.factorize(region.str[: plan.capacity.district_digits], sort=True)
    placed = np.array([name != "" for name in names], dtype=bool)[code] if len(names) else np.zeros(0, dtype=bool)
    observed = _observed(standing, strict, rules, cutoff)
    quiet = np.isin(strict, places(plan.alone.classes))

    asked = measures.visits_asked(fields, grade, sector, plan.special_actions)
    if plan.must.determined:
        asked = np.maximum(asked, standing["determined"].to_numpy(dtype=bool).astype(np.int64))
    _check_caps(asked, strict, rules)
    must = np.where(placed, np.maximum(asked - visits, 0), 0)

    share = np.array(shares.shares, dtype=np.float64)[strict]
    for name, own in plan.field_shares.items():
        inside = (fields >> FIELDS.index(name)) & 1 == 1
        share = np.where(inside, np.maximum(share, np.array(own, dtype=np.float64)[strict]), share)
    by_class = np.where(quiet | observed, 0.0, share / shares.rounds)
    base = np.where(placed, np.maximum(by_class, np.minimum(must / months_left(cutoff, plan.first_month), 1.0)), 0.0)

    reached = placed & ~observed & (~quiet | plan.alone.random_share)
    wanted = plan.least_random / (1 - plan.least_random) * base.sum()
    equal = np.where(reached, min(1.0, wanted / max(1, int(reached.sum()))), 0.0)
    chance = standing["probability"].to_numpy(dtype=np.float64)
    ends = [standing[f"probability_{end}"].to_numpy(dtype=np.float64) for end in ("low", "high")]
    return Frame(
        ids=standing["enterprise_id"].to_numpy(dtype=object),
        district=np.where(placed, code, -1).astype(np.int64),
        districts=tuple(names),
        grade=grade,
        strict=strict,
        fields=fields,
        main=main,
        visits=visits,
        probability=chance,
        low=np.where(np.isnan(ends[0]), chance, ends[0]),
        high=np.where(np.isnan(ends[1]), chance, ends[1]),
        alone=(quiet | observed) & (must == 0),
        must=must,
        base=base,
        equal=equal,
        ppm=to_ppm(base + equal),
    )


def _observed(standing: pd.DataFrame, strict: Ints, rules: Rules, cutoff: date) -> Bools:
    """Tell who of the new industries is in its observation period or visited only when triggered (SAMR (10), HB 20)."""
    new = rules.plan.new
    if not new.industries:
        return np.zeros(len(standing), dtype=bool)
    kinds, names = pd.factorize(standing["industry"])
    hit = np.array([str(name).startswith(new.industries) for name in names] + [False], dtype=bool)[kinds]
    since = np.datetime64(months_before(cutoff, new.months))
    young = standing["established"].to_numpy(dtype="datetime64[D]") >= since
    quiet = (young & np.isin(strict, places(new.observed))) | np.isin(strict, places(new.triggered))
    return np.asarray(hit & quiet)


def _check_caps(asked: Ints, strict: Ints, rules: Rules) -> None:
    broken = []
    for k, (letter, cap) in enumerate(zip(GRADES, rules.shares.caps, strict=True)):
        most = int(asked[strict == k].max(initial=0))
        if cap and most > cap:
            broken.append(
                f"caps: class {letter} may be visited {cap} times a year (sampling.toml, plan {rules.plan.sampling!r}),"
                f" and measures.toml asks for {most} visits of some of it; least change: a cap of {most} for {letter}"
            )
    if broken:
        raise InfeasibleError(broken)


def check_capacity(frame: Frame, prompted: Bools, pairs: Mapping[str, int], rules: Rules) -> None:
    """Check that every district has room for its draws, also when chance rounds up, and its prompted visits.

    Parameters
    ----------
    frame
        With probabilities.
    prompted
        Who is visited for a cause.
    pairs
        Pairs by district.
    rules
        Policies.

    Raises
    ------
    InfeasibleError
        Naming each district that has none, and the least change by pairs, by visits a pair, and by shares.
    """
    each, known = rules.plan.capacity.visits_per_pair, frame.district >= 0
    size = len(frame.districts)
    drawn = _sums(frame.district[known], frame.ppm[known], size)
    causes = _sums(frame.district[known], prompted[known].astype(np.int64), size)
    fixed = _sums(frame.district[known], to_ppm(np.where(frame.must > 0, frame.base, 0.0))[known], size)
    broken = []
    for k, name in enumerate(frame.districts):
        need = int(causes[k]) + -(-int(drawn[k]) // MILLION)
        have = pairs.get(name, 0)
        if need <= have * each:
            continue
        more = math.ceil(need / each)
        changes = [f"{more} pairs ({2 * more} inspectors)"]
        if have:
            changes.append(f"visits_per_pair = {math.ceil(need / have)}")
        factor = _factor(frame, k, have * each - int(causes[k]))
        if factor > 0:
            changes.append(f"shares of {math.floor(100 * factor)} % of what they are")
        loose = int(drawn[k] - fixed[k])
        broken.append(
            f"capacity: district {name} has {have} pairs for {have * each} visits a month and needs up to {need}"
            f" ({int(causes[k])} for a cause, {int(fixed[k]) / MILLION:.1f} must-checks,"
            f" {loose / MILLION:.1f} by share); least change: {' or '.join(changes)}"
        )
    if broken:
        raise InfeasibleError(broken)


def _factor(frame: Frame, district: int, room: int) -> float:
    """Return what all shares must be multiplied by for a district's draws to fit; 0 or less where that is not enough.

    Must-checks stay, and the random share follows both: ``factor x class part + fixed part <= room``.
    """
    here, fixed = frame.district == district, frame.must > 0
    total = max(float(frame.base.sum()), 1e-12)
    by_must = float(frame.base[fixed].sum()) / total
    equal = float(frame.equal[here].sum())
    stays = float(frame.base[here & fixed].sum()) + equal * by_must
    moves = float(frame.base[here & ~fixed].sum()) + equal * (1 - by_must)
    return (room - stays) / moves if moves > 0 else 0.0


def _sums(group: Ints, values: Ints, size: int) -> Ints:
    """Sum whole numbers by group, exactly."""
    out = np.zeros(size, dtype=np.int64)
    np.add.at(out, group, values)
    return out
