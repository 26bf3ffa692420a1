"""Records of what others say and of trust given: complaints, media, honours, grades, commitments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.contract import codes as c
from simulation.base.rng import Ints
from simulation.base.rows import TableRows
from simulation.records.conduct import industry_field, tells
from simulation.records.events import PER_MONTH, Chunk, Events, spread_out, strike
from simulation.records.inspections import Sight

Tables = dict[str, TableRows]
OUTCOME = {code: i for i, code in enumerate(c.COMPLAINT_OUTCOME.codes)}
COMMITMENT = {code: i for i, code in enumerate(c.COMMITMENT_STATE.codes)}


@dataclass(frozen=True)
class Voices:
    """All complaints, and what they add to the running class."""

    events: Events
    known: Ints
    sights: list[Sight]


def _join(parts: list[Events]) -> Events:
    return Events(*(np.concatenate([getattr(e, f) for e in parts]) for f in ("row", "month", "day", "slot")))


def record_complaints(chunk: Chunk, tables: Tables) -> Voices:
    """Write complaints of the wronged, of others, and campaigns that strike anyone, the innocent most."""
    genuine = strike(chunk, "complaint_genuine", most=6)
    other = strike(chunk, "complaint_other", offset=8, most=6)
    campaign = strike(chunk, "campaign", most=1)
    count = chunk.span("campaign size", chunk.world.policy.complaints.campaign_size, campaign)
    swarm = spread_out(chunk, "campaign day", campaign.row, campaign.month, count, 16)
    e = _join([genuine, other, swarm])
    kind = np.repeat([0, 1, 2], [len(genuine), len(other), len(swarm)])
    u = chunk.uniform("complaint outcome", e)
    p = chunk.world.policy.complaints
    cuts = np.cumsum([p.genuine, p.other, p.campaign], axis=1)
    outcomes = np.array([OUTCOME[name] for name in ("upheld", "mediated", "unfounded", "malicious")])
    outcome = outcomes[np.minimum((u[:, None] >= cuts[kind]).sum(axis=1), len(outcomes) - 1)]
    known = e.day + chunk.lag("complaints", e)
    settled = known + chunk.span("outcome lag", chunk.world.policy.lags["complaint_outcomes"], e)
    report = chunk.uniform("report", e) < np.array(p.reports)[kind]
    tables["complaints"].add(
        chunk.who(e), e.slot, known, e.day,
        complaint_kind=report * 1, field=industry_field(chunk, e, "complaint", 0.5), outcome=OUTCOME["pending"],
    )  # fmt: skip
    tables["complaints"].add(chunk.who(e), e.slot, settled, outcome=outcome)
    upheld = outcome == OUTCOME["upheld"]
    points = chunk.world.policy.inspection.points.complaint
    sights = [Sight(e.row, known, points * 0.3), Sight(e.row[upheld], settled[upheld], points)]
    return Voices(e, known, sights)


def record_opinion_and_honours(chunk: Chunk, tables: Tables) -> None:
    """Write reports in the media and honours."""
    e = strike(chunk, "opinion")
    bad = tells(chunk, "opinion_negative", e)
    u = chunk.uniform("tone", e)
    tone = np.where(u < bad, 0, np.where(u < bad + 0.6 * (1 - bad), 1, 2))
    attention = chunk.pick("attention", [0.65, 0.27, 0.08], e)
    known = e.day + chunk.lag("public_opinion", e)
    tables["public_opinion"].add(chunk.who(e), e.slot, known, e.day, tone=tone, attention=attention, confirmed=0)
    # A human looks at what is loud and negative (H12.4).
    checked = (tone == 0) & (attention == 2) & (chunk.uniform("confirmed", e) < 0.7)
    later = known + chunk.span("confirmed after", (1, 6), e)
    tables["public_opinion"].add(chunk.who(e)[checked], e.slot[checked], later[checked], confirmed=1)

    e = strike(chunk, "honour", most=1)
    kind = chunk.pick("honour kind", [5, 1.5, 1.5, 2], e)
    tables["honours"].add(chunk.who(e), e.slot, e.day + chunk.lag("honours", e), e.day, honour_kind=kind)
    end = e.day + 3 * 365
    over = (kind == 0) & (end < chunk.world.calendar.end)
    tables["honours"].add(chunk.who(e)[over], e.slot[over], end[over], ended_on=end[over])


def record_trust(chunk: Chunk, tables: Tables) -> None:
    """Write commitments with how they were kept, and the yearly public credit evaluation."""
    e = strike(chunk, "commitment", most=1)
    known = e.day + chunk.lag("commitments", e)
    tables["commitments"].add(chunk.who(e), e.slot, known, e.day, state=COMMITMENT["open"])
    kept = chunk.uniform("kept", e) < tells(chunk, "commitment_kept", e)
    state = np.where(kept, COMMITMENT["kept"], COMMITMENT["broken"])
    settled = known + chunk.span("commitment days", (40, 200), e)
    tables["commitments"].add(chunk.who(e), e.slot, settled, state=state)

    pop, s, cal = chunk.pop, chunk.world.stream, chunk.world.calendar
    graded = s.uniform("graded", pop.index) < 0.6
    for year in cal.years:
        t = cal.month_at(year, 4)
        if not 0 <= t < cal.months:
            continue
        seen = (
            0.6 * chunk.latent.misconduct[:, t]
            + 0.3 * chunk.latent.distress[:, t]
            + 1.1 * s.normal("credit", pop.index, year)
        )
        grade = np.searchsorted([-1.1, 0.6, 1.9], seen)
        hit = graded & chunk.life.active[:, t]
        who = pop.index[hit]
        day = int(cal.starts[t]) + s.days("credit day", (0, 25), who, year)
        known = day + s.days("credit lag", chunk.world.policy.lags["credit_evaluations"], who, year)
        tables["credit_evaluations"].add(who, t * PER_MONTH, known, day, grade=grade[hit])
