"""Records of regulators and courts: visits and what follows from them, lists, suits, samples."""

from __future__ import annotations

import numpy as np

from features.contract import TABLES
from features.contract import codes as c
from simulation.base.months import NEVER
from simulation.base.rng import Bools, Floats, Ints
from simulation.base.rows import NULL, TableRows
from simulation.records.events import Chunk, Events, strike
from simulation.records.inspections import (
    FATE,
    Rounds,
    Sight,
    Visits,
    penalty_days,
    result_days,
)
from simulation.records.registry import FIRST_LICENCE, LICENCE_DAYS, LICENCE_STATUS, licence_grant
from simulation.world.latent import probability
from simulation.world.life import APPLICATION_DAYS, STATUS, THREE_YEARS

FIELDS = list(c.FIELD.codes)
KIND_BIT = {code: 1 << i for i, code in enumerate(c.PENALTY_KIND.codes)}
REASON = {code: i for i, code in enumerate(c.ABNORMAL_REASON.codes)}
SERIOUS = {code: i for i, code in enumerate(c.SERIOUS_REASON.codes)}
LISTED_END = {code: i for i, code in enumerate(c.LIST_END.codes)}
BLACK = {code: i for i, code in enumerate(c.BLACKLIST_KIND.codes)}
TALK = {code: i for i, code in enumerate(c.TALK_KIND.codes)}
RECALL = {code: i for i, code in enumerate(c.RECALL_KIND.codes)}
REPAIR = {code: i for i, code in enumerate(c.REPAIR_STATE.codes)}
PRODUCT_FIELDS = ["food", "drug", "product_quality", "special_equipment"]
"""Fields of trades whose products are sampled and recalled."""
MARKET, OTHER_DEPARTMENT = 0, 1
PLACE = {name: i for i, name in enumerate(TABLES)}
YEAR = 365
Tables = dict[str, TableRows]

# Slots of a table's months: visits' penalties use 0 and 1 (the arm), others start here.
OTHER_PENALTY, REVOCATION_SLOT = 8, 9500
ESCALATED_SLOT = 9400
YEARLY_SLOT = 9000


def industry_field(chunk: Chunk, e: Events, purpose: str, general: float = 0.35) -> Ints:
    """Return the field of each event: the industry's own, or one that concerns every firm."""
    own = np.array([FIELDS.index(i.field) for i in chunk.world.policy.industries])[chunk.pop.industry[e.row]]
    common = [FIELDS.index(f) for f in ("consumer", "price", "advertising", "registration", "competition")]
    common += [FIELDS.index(f) for f in ("intellectual_property", "measurement", "certification")]
    other = np.array(common)[chunk.pick(purpose + " field", [5, 3, 3, 3, 1, 1, 1, 1], e)]
    return np.where(chunk.uniform(purpose + " own field", e) < general, other, own)


def money(chunk: Chunk, e: Events, purpose: str, log_yuan: float, by_size: float) -> Ints:
    """Return heavy-tailed amounts in fen, whole yuan."""
    logs = log_yuan + by_size * chunk.pop.size[e.row] + 1.2 * chunk.normal(purpose, e)
    return np.exp(np.minimum(logs, 22.0)).astype(np.int64) * 100


def tells(chunk: Chunk, what: str, e: Events) -> Floats:
    """Return the chance that an event turns out as misconduct makes it likely."""
    logit, misconduct = chunk.world.policy.tells[what]
    return probability(logit + misconduct * chunk.misconduct(e))


def record_suits_and_samples(chunk: Chunk, tables: Tables) -> list[Sight]:
    """Write lawsuits, product samples, blacklists and other departments' penalties."""
    p = chunk.world.policy.inspection.points
    sights = []
    for role, (kind, log_yuan) in enumerate([("lawsuit_defendant", 11.0), ("lawsuit_plaintiff", 10.5)]):
        e = strike(chunk, kind, offset=8 * role, dormant_too=role == 0)
        known = e.day + chunk.lag("lawsuits", e)
        amount = money(chunk, e, kind, log_yuan, 0.5)
        tables["lawsuits"].add(chunk.who(e), e.slot, known, e.day, suit_role=role, amount_fen=amount)
        if role == 0:
            sights.append(Sight(e.row, known, p.lawsuit))

    e = strike(chunk, "sample")
    field = np.array([i.field for i in chunk.world.policy.industries])[chunk.pop.industry[e.row]]
    e = e.where(np.isin(field, PRODUCT_FIELDS))
    known = e.day + chunk.lag("product_samples", e)
    bad = chunk.uniform("sample fails", e) < tells(chunk, "sample_fails", e)
    tables["product_samples"].add(
        chunk.who(e), e.slot, known, e.day, field=industry_field(chunk, e, "sample", 0.0), result=bad * 1
    )
    sights.append(Sight(e.row[bad], known[bad], p.sample_failed))

    for number, kind in enumerate(["judgment_debtor", "blacklist"]):
        e = strike(chunk, kind, offset=8 * number, most=1, dormant_too=True)
        known = e.day + chunk.lag("blacklists", e)
        others = [BLACK[k] for k in ("tax", "customs", "labour", "environment", "other")]
        other = np.array(others)[chunk.pick("list", [4, 0.5, 3, 2, 2], e)]
        list_kind = np.full(len(e), BLACK["judgment_debtor"]) if number == 0 else other
        who, amount = chunk.who(e), money(chunk, e, kind, 11.5, 0.4)
        tables["blacklists"].add(who, e.slot, known, e.day, list_kind=list_kind, amount_fen=amount)
        sights.append(Sight(e.row, known, p.blacklisted))
        end = e.day + chunk.span("list days", (120, 3 * YEAR), e)
        repaired = chunk.uniform("list repaired", e) < chunk.world.policy.penalties.blacklist_repaired
        why = np.where(repaired, LISTED_END["repaired"], LISTED_END["expired"])
        gone = known.clip(min=end) + 2
        tables["blacklists"].add(who, e.slot, gone, ended_on=end.clip(min=e.day), end_reason=why)

    e = strike(chunk, "penalty_other", offset=OTHER_PENALTY, most=2)
    known = e.day + chunk.lag("penalties", e)
    _penalise(chunk, tables, e, e.day, known, OTHER_DEPARTMENT)
    sights.append(Sight(e.row, known, p.penalty))
    return sights


def _penalise(chunk: Chunk, tables: Tables, e: Events, decided: Ints, known: Ints, authority: int) -> None:
    """Write penalties; a revoked licence ends the licence, a heavy one enters the serious list."""
    purpose, who = f"penalty {authority}", chunk.who(e)
    u = chunk.uniform(purpose + " kind", e)
    p = chunk.world.policy.penalties
    kinds = np.where(u < p.warning, KIND_BIT["warning"], KIND_BIT["fine"])
    hard = 1 - p.suspension - p.stripped
    kinds = np.where(u > hard - p.confiscation, KIND_BIT["fine"] | KIND_BIT["confiscation"], kinds)
    kinds = np.where(u > hard, KIND_BIT["fine"] | KIND_BIT["suspension"], kinds)
    granted = licence_grant(chunk)[e.row]
    stripped = (u > 1 - p.stripped) & (decided > granted + 60) & (decided < granted + LICENCE_DAYS)
    kinds = np.where(stripped, KIND_BIT["fine"] | KIND_BIT["licence_revoked"], kinds)
    fine = np.where(kinds & KIND_BIT["fine"], money(chunk, e, purpose + " fine", p.log_fine, 0.45), 0)
    taken = np.where(kinds & KIND_BIT["confiscation"], money(chunk, e, purpose + " taken", p.log_taken, 0.4), 0)
    fields = industry_field(chunk, e, purpose)
    if authority == OTHER_DEPARTMENT:
        others = [FIELDS.index(f) for f in ("tax", "environment", "safety", "labour", "construction", "other")]
        fields = np.array(others)[chunk.pick("department", [3, 2, 2, 2, 2, 1], e)]
    tables["penalties"].add(
        who, e.slot, known, decided,
        document_no=e.slot, authority_kind=authority, field=fields, penalty_kinds=kinds, fine_fen=fine,
        confiscated_fen=taken,
    )  # fmt: skip
    tables["licences"].add(
        who[stripped], FIRST_LICENCE, known[stripped],
        licence_status=LICENCE_STATUS["revoked"], ended_on=decided[stripped],
    )  # fmt: skip
    heavy = chunk.uniform(purpose + " serious", e) < p.serious
    heavy &= chunk.world.calendar.end > decided + 20
    own = [FIELDS.index(f) for f in ("food", "drug")]
    reason = np.where(np.isin(fields, own), SERIOUS["food_drug"], SERIOUS["consumer"])
    reason = np.where(fields == FIELDS.index("competition"), SERIOUS["competition"], reason)
    reason = np.where(fields == FIELDS.index("product_quality"), SERIOUS["quality"], reason)
    entry = decided + chunk.span(purpose + " serious day", (15, 60), e)
    seen = np.maximum(entry + chunk.lag("serious_list", e), known)
    tables["serious_list"].add(who[heavy], e.slot[heavy], seen[heavy], entry[heavy], reason=reason[heavy])
    repaired = chunk.uniform(purpose + " serious repaired", e) < p.serious_repaired
    end = entry + np.where(repaired, chunk.span(purpose + " serious days", (YEAR, 2 * YEAR), e), THREE_YEARS)
    why = np.where(repaired, LISTED_END["repaired"], LISTED_END["expired"])
    tables["serious_list"].add(who[heavy], e.slot[heavy], end[heavy] + 3, ended_on=end[heavy], end_reason=why[heavy])


def record_rounds(chunk: Chunk, tables: Tables, rounds: Rounds) -> None:
    """Write draws, visits, their results, and the penalties, talks and listings that follow."""
    d, e = rounds.draws, rounds.draws.events
    first = e.day + chunk.lag("draws", e)
    tables["draws"].add(
        chunk.who(e), e.slot, first, e.day, plan_id=e.month, probability_ppm=d.ppm, fate=FATE["pending"]
    )
    closed = chunk.world.calendar.starts[e.month + 1] + chunk.span("plan closed", (0, 10), e)
    settled = np.where(d.fate == FATE["carried_out"], d.visit_day + 1, closed)
    tables["draws"].add(chunk.who(e), e.slot, settled, fate=d.fate)

    visits, e = rounds.visits, rounds.visits.events
    who, known = chunk.who(e), result_days(chunk, e)
    tables["inspections"].add(
        who, e.slot, known[0], e.day,
        arm=visits.targeted * 1, trigger=visits.trigger,
        draw_id=np.where(visits.targeted, NULL, e.slot), field=industry_field(chunk, e, "visit"),
        inspector_id=visits.inspector, result_codes=NULL,
    )  # fmt: skip
    tables["inspections"].add(who, e.slot, known[1], result_codes=visits.results)
    decided, fined_known = penalty_days(chunk, e, visits.misconduct)
    fined = decided > 0
    fine_events = e.where(fined)
    _penalise(chunk, tables, fine_events, decided[fined], fined_known[fined], MARKET)
    _list_after_visits(chunk, tables, visits, known[1])

    talked = visits.misconduct & (chunk.uniform("talk after visit", e) < chunk.world.policy.inspection.talk_share)
    t = e.where(talked)
    held = t.day + chunk.span("talk day", (3, 40), t)
    tables["warning_talks"].add(
        chunk.who(t), t.slot, held + chunk.lag("warning_talks", t), held,
        talk_kind=np.where(chunk.uniform("talk kind", t) < 0.6, TALK["talk"], TALK["warning"]),
    )  # fmt: skip


def _list_after_visits(chunk: Chunk, tables: Tables, visits: Visits, known: Ints) -> None:
    """List those not found at their place (code 6) and those who published falsehoods (code C)."""
    life, cal = chunk.life, chunk.world.calendar
    months = cal.months
    again = np.full((len(chunk.pop), months + 1), months, dtype=np.int64)
    for t in range(months - 1, -1, -1):
        again[:, t] = np.where(life.lost[:, t], again[:, t + 1], t)
    e = visits.events
    back = again[e.row, e.month]
    # One entry for one absence, however many visits find the place empty.
    _, once = np.unique(np.where(visits.lost, e.row * 1000 + back, -1 - np.arange(len(e))), return_index=True)
    first = np.zeros(len(e), dtype=np.bool_)
    first[once] = True
    first &= visits.lost
    end = np.where(back < months, cal.start(back) + chunk.span("found again day", (25, 90), e), NEVER)
    _enter_abnormal(chunk, tables, e, first, "not_contactable", known, end)
    false = (visits.results & (1 << list(c.RESULT.codes).index("C"))) != 0
    end = known + chunk.span("false days", (60, 500), e)
    _enter_abnormal(chunk, tables, e, false & ~visits.lost, "false_information", known, end)


def _enter_abnormal(chunk: Chunk, tables: Tables, e: Events, which: Bools, reason: str, after: Ints, end: Ints) -> None:
    """Write entries in the abnormal list and their removal by repair."""
    start = after + chunk.span("abnormal day " + reason, (3, 20), e)
    which = which & (start < chunk.life.ended[e.row])
    e, start, end = e.where(which), start[which], end[which]
    end = np.maximum(end, start + chunk.world.policy.lags["abnormal_list"][1] + APPLICATION_DAYS + 1)
    slot = e.slot + (0 if reason == "not_contactable" else 8)
    known = start + chunk.lag("abnormal_list", e)
    tables["abnormal_list"].add(chunk.who(e), slot, known, start, reason=REASON[reason])
    _remove(chunk, tables, "abnormal_list", e.row, slot, end)


def _remove(chunk: Chunk, tables: Tables, table: str, row: Ints, slot: Ints, end: Ints) -> None:
    """End entries by repair: the application comes first, the removal with the grant."""
    kept = (end < chunk.world.calendar.end) & (end < chunk.life.ended[row])
    row, slot, end = row[kept], slot[kept], end[kept]
    who = chunk.pop.index[row]
    tables[table].add(who, slot, end + 1, ended_on=end, end_reason=LISTED_END["repaired"])
    applied = end - chunk.world.stream.days("repair days " + table, (1, APPLICATION_DAYS), who, slot)
    # Slots of repairs: those of the abnormal list first, penalties behind, serious entries last.
    place = slot if table == "abnormal_list" else slot + 100
    tables["repairs"].add(
        who, place, applied + 1, applied, ref_table=PLACE[table], ref_record_id=slot, state=REPAIR["applied"]
    )
    tables["repairs"].add(who, place, end + 1, state=REPAIR["granted"])


def record_abnormal_list(chunk: Chunk, tables: Tables) -> list[Sight]:
    """Write entries for missing reports, their end, what follows after three years, revocations."""
    cal, life, s = chunk.world.calendar, chunk.life, chunk.world.stream
    x = life.listings
    who = chunk.pop.index[x.row]
    slot = YEARLY_SLOT + x.year - cal.years.start + 4
    known = x.start + s.days("abnormal lag", chunk.world.policy.lags["abnormal_list"], who, x.year)
    tables["abnormal_list"].add(who, slot, known, x.start, reason=REASON["no_annual_report"])
    limit = x.start + THREE_YEARS
    long = (np.minimum(x.end, life.ended[x.row]) > limit) & (limit < cal.end)
    tables["abnormal_list"].add(
        who[long], slot[long], limit[long] + 1, ended_on=limit[long], end_reason=LISTED_END["escalated"]
    )
    _remove(chunk, tables, "abnormal_list", x.row[~long], slot[~long], x.end[~long])
    serious = ESCALATED_SLOT + x.year[long] - cal.years.start + 4
    entry = limit[long] + 3
    tables["serious_list"].add(who[long], serious, entry + 3, entry, reason=SERIOUS["abnormal_three_years"])
    _remove(chunk, tables, "serious_list", x.row[long], serious, np.maximum(x.end[long], entry + 30))

    gone = np.flatnonzero(life.status == STATUS["revoked"])
    day = life.ended[gone] - 5
    lag = s.days("revocation lag", (1, 5), chunk.pop.index[gone])
    tables["penalties"].add(
        chunk.pop.index[gone], REVOCATION_SLOT, day + lag, day,
        document_no=REVOCATION_SLOT, authority_kind=MARKET, field=FIELDS.index("registration"),
        penalty_kinds=KIND_BIT["business_licence_revoked"], fine_fen=0, confiscated_fen=0,
    )  # fmt: skip

    e = strike(chunk, "not_published", offset=16, most=1)
    known = e.day + chunk.lag("abnormal_list", e)
    tables["abnormal_list"].add(chunk.who(e), e.slot, known, e.day, reason=REASON["not_published"])
    end = e.day + chunk.span("not published days", (20, 400), e)
    _remove(chunk, tables, "abnormal_list", e.row, e.slot, end)
    return [Sight(e.row, known, chunk.world.policy.inspection.points.problem_found)]


def record_recalls(chunk: Chunk, tables: Tables) -> None:
    """Write recalls and their end; drawn by streams of their own, and nothing else follows from them."""
    e = strike(chunk, "recall", most=1)
    own = np.array([i.field for i in chunk.world.policy.industries])[chunk.pop.industry[e.row]]
    e = e.where(np.isin(own, PRODUCT_FIELDS))
    who, known = chunk.who(e), e.day + chunk.lag("recalls", e)
    ordered = chunk.uniform("recall ordered", e) < tells(chunk, "recall_ordered", e)
    levels = chunk.pick("recall level", [0.15, 0.35, 0.5], e)
    tables["recalls"].add(
        who, e.slot, known, e.day,
        recall_kind=np.where(ordered, RECALL["ordered"], RECALL["voluntary"]),
        field=industry_field(chunk, e, "recall", 0.0), recall_level=levels,
    )  # fmt: skip
    end = e.day + chunk.span("recall days", (20, 150), e)
    done = end < chunk.life.ended[e.row]
    tables["recalls"].add(who[done], e.slot[done], (np.maximum(end, known) + 1)[done], ended_on=end[done])


def record_talks(chunk: Chunk, tables: Tables) -> None:
    """Write reminders and warnings that no visit brought about."""
    e = strike(chunk, "talk", offset=8, most=1)
    kind = chunk.pick("other talk kind", [0.6, 0.3, 0.1], e)
    tables["warning_talks"].add(chunk.who(e), e.slot, e.day + chunk.lag("warning_talks", e), e.day, talk_kind=kind)
