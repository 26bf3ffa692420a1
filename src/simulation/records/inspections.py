"""Draws and visits, month by month: who is drawn, who is visited for a cause, what is found.

The random arm draws by a cheap running class from what the regulator knows when the month
begins. The targeted arm goes where complaints, alerts and hunches point; at equal records it
picks an enterprise that would be found violating ``hunch`` times as readily as one that would
not, so the odds ratio between the arms is exactly ``hunch`` and known.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.contract import codes as c
from simulation.base.rng import Bools, Floats, Ints
from simulation.records.events import PER_MONTH, Chunk, Events
from simulation.records.registry import licence_lapsed
from simulation.world.latent import average_probability, conduct_log_odds, probability
from simulation.world.life import STATUS

RESULTS = list(c.RESULT.codes)
BIT = {code: 1 << i for i, code in enumerate(RESULTS)}
FATE = {code: i for i, code in enumerate(c.DRAW_FATE.codes)}
RANDOM, TARGETED = 0, 1
"""Slot of a visit within its month; the arms' places in the code list are the same."""
TRIGGER = {code: i for i, code in enumerate(c.TRIGGER.codes)}
FIRST_VISIT_DAY = 9
"""Draws are made in a month's first days and carried out after them."""
PLANNED_RATE = 0.11
"""Problem rate at which a stronger hunch leaves the number of targeted visits as it is [K]."""


@dataclass(frozen=True)
class Sight:
    """Something the regulator came to know, and its points in the running class."""

    row: Ints
    known: Ints
    points: float


@dataclass(frozen=True)
class Visits:
    """Visits of both arms; ``events.slot`` says the arm."""

    events: Events
    trigger: Ints
    results: Ints
    """Bit masks of result codes."""
    misconduct: Bools
    """Whether misconduct was found (rather than a missing report or an empty place)."""
    lost: Bools
    """Whether code 6 was given."""
    inspector: Ints

    @property
    def targeted(self) -> Bools:
        """Which visits are of the targeted arm."""
        return np.asarray(self.events.slot % PER_MONTH == TARGETED)


@dataclass(frozen=True)
class Draws:
    """Draws of the random arm, whatever became of them."""

    events: Events
    ppm: Ints
    fate: Ints
    visit_day: Ints


@dataclass(frozen=True)
class Rounds:
    """What the inspections of a chunk brought, and the truth they measured."""

    visits: Visits
    draws: Draws
    truth: Floats
    """(n, months): probability that an average inspector's visit finds a violation."""


def penalty_days(chunk: Chunk, visits: Events, misconduct: Bools) -> tuple[Ints, Ints]:
    """Return, for each visit, the days its penalty is decided and known; -1 without a penalty."""
    p, lags = chunk.world.policy.inspection, chunk.world.policy.lags
    fined = misconduct & (chunk.uniform("fined", visits) < p.penalty_share)
    decided = visits.day + chunk.span("decision", lags["penalty_decision"], visits)
    known = decided + chunk.lag_of("visit penalty", "penalties", visits)
    return np.where(fined, decided, -1), np.where(fined, known, -1)


def result_days(chunk: Chunk, visits: Events) -> tuple[Ints, Ints]:
    """Return the days a visit and its result become known."""
    first = visits.day + chunk.lag("inspections", visits)
    return first, first + chunk.lag_of("results", "inspection_results", visits)


def _feed(chunk: Chunk, sights: list[Sight]) -> Floats:
    """Return points by month: what became known in month t counts from month t+1 on."""
    months = chunk.world.calendar.months
    feed = np.zeros((len(chunk.pop), months + 1))
    for sight in sights:
        month = chunk.world.calendar.month_of(sight.known) + 1
        inside = (month >= 0) & (month <= months)
        np.add.at(feed, (sight.row[inside], month[inside]), sight.points)
    return feed


def _conduct_codes(chunk: Chunk, e: Events) -> Ints:
    """Return the result codes of visits that found misconduct."""
    fields = [i.field for i in chunk.world.policy.industries]
    place = np.array(
        [0 if f in ("food", "drug") else 1 if f in ("product_quality", "special_equipment") else 2 for f in fields]
    )[chunk.pop.industry[e.row]]
    p = chunk.world.policy.results

    def drawn(purpose: str, weights: dict[str, float]) -> Ints:
        return np.array([BIT[code] for code in weights])[chunk.pick(purpose, list(weights.values()), e)]

    first = np.choose(place, [drawn("code", weights) for weights in (p.food_drug, p.quality, p.other)])
    more = drawn("second code", p.second)
    return np.where(chunk.uniform("two codes", e) < p.two_codes, first | more, first)


def _results(chunk: Chunk, e: Events, found: Bools, unfiled: Bools, lost: Bools) -> Ints:
    """Return the result codes of visits from what there was to find."""
    p, life = chunk.world.policy.inspection, chunk.life
    codes = np.where(found, _conduct_codes(chunk, e), 0) | np.where(unfiled, BIT["B"], 0)
    # Nobody there: nothing else can be seen.
    codes = np.where(lost, BIT["6"], codes)
    codes = np.where(codes == 0, BIT["1"], codes)
    u = chunk.uniform("not seen", e)
    dormant = life.dormant[e.row, e.month]
    closed = dormant & (u < p.closed_if_dormant)
    codes = np.where(closed, BIT["7"], codes)
    codes = np.where(~dormant & (u < p.field_missed), BIT["F"], codes)
    over = life.ended[e.row] <= e.day
    status = life.status[e.row]
    annulled = chunk.uniform("annulled", e) < 0.02
    gone = np.where(status == STATUS["revoked"], BIT["10"], np.where(annulled, BIT["11"], BIT["9"]))
    gone = np.where(status == STATUS["moved_out"], BIT["12"], gone)
    return np.where(over, gone, codes)


def _static_points(chunk: Chunk) -> Floats:
    pts, pop = chunk.world.policy.inspection.points, chunk.pop
    risk = np.array([i.risk for i in chunk.world.policy.industries])[pop.industry]
    points: Floats = pts.industry * np.maximum(risk, 0.0) + pts.shell_address * pop.shell
    return points


def inspect(chunk: Chunk, sights: list[Sight], complaints: Events, complaints_known: Ints) -> Rounds:
    """Run the months: draw, visit, find; the class of a month rests on what was known before it."""
    world, pop, life = chunk.world, chunk.pop, chunk.life
    cal, p, risk = world.calendar, world.policy.inspection, world.policy.risk
    n, s = len(pop), world.stream
    log_odds = conduct_log_odds(world, pop, chunk.latent) + risk.lapsed * licence_lapsed(chunk)
    feed = _feed(chunk, sights)
    pressing = np.zeros((n, cal.months + 1), dtype=np.int64)
    in_time = complaints_known < cal.starts[complaints.month + 1]
    np.add.at(pressing, (complaints.row[in_time], complaints.month[in_time] + 1), 1)
    ppm = np.round(1e6 * (1.0 - (1.0 - np.array(p.yearly_shares)) ** (1.0 / 12))).astype(np.int64)
    static = _static_points(chunk)
    points = 2 * p.points_before * np.maximum(s.normal("points before", pop.index), 0.0) ** 2
    deterred, visited = np.zeros(n), np.zeros((n, cal.months), dtype=np.int8)
    truth = np.zeros((n, cal.months))
    visit_parts: list[tuple[Ints, ...]] = []
    draw_parts: list[tuple[Ints, ...]] = []

    for t in range(cal.months):
        begin, length = int(cal.starts[t]), int(cal.starts[t + 1] - cal.starts[t])
        points = points * p.point_memory + feed[:, t]
        young = (begin - pop.founded) < 2 * 365
        total = static + points + p.points.listed * life.listed[:, t] + p.points.young * young
        klass = np.searchsorted(p.class_cuts, total, side="right")

        z = log_odds[:, t] - risk.deterrence * deterred
        missing = np.where(life.unfiled[:, t], risk.unfiled_found, 0.0)
        empty = np.where(life.lost[:, t], risk.lost_found, 0.0)
        truth[:, t] = 1.0 - (1.0 - average_probability(z, p.strictness_sd)) * (1.0 - missing) * (1.0 - empty)

        pair = s.below("inspector", p.inspectors_per_district, pop.index, t)
        inspector = pop.district * 100 + pair
        strict = p.strictness_sd * s.normal("strictness", inspector)
        found = s.uniform("found", pop.index, t) < probability(z + strict)
        unfiled = s.uniform("unfiled found", pop.index, t) < missing
        lost = s.uniform("place empty", pop.index, t) < empty
        violating = found | unfiled | lost

        drawn = life.exists[:, t] & (s.uniform("draw", pop.index, t) * 1e6 < ppm[klass])
        row = np.flatnonzero(drawn)
        recent = visited[row, max(0, t - 12) : t].sum(axis=1)
        u = s.uniform("fate", pop.index[row], t)
        fate = np.where(u < p.not_carried_out, FATE["not_carried_out"], FATE["carried_out"])
        fate = np.where((u > 1 - p.excused), FATE["excused"], fate)
        fate = np.where(recent >= p.cap_visits_per_year, FATE["capped"], fate)
        day = begin + s.below("draw day", FIRST_VISIT_DAY - 2, pop.index[row], t)
        visit_day = begin + s.days("visit day", (FIRST_VISIT_DAY, length - 1), pop.index[row], t)
        draw_parts.append((row, np.full_like(row, t), day, ppm[klass[row]], fate, visit_day))
        out = fate == FATE["carried_out"]

        base = p.targeted_base + np.array(p.targeted_alert)[klass]
        asked = p.targeted_complaint * np.minimum(pressing[:, t], 2)
        chance = np.minimum((base + asked) / (1.0 + PLANNED_RATE * (p.hunch - 1.0)), 1.0 / p.hunch)
        u = s.uniform("targeted", pop.index, t)
        picked = life.exists[:, t] & (u < chance * np.where(violating, p.hunch, 1.0))
        hot = np.flatnonzero(picked)
        hot_day = begin + s.below("targeted day", length, pop.index[hot], t)
        why = s.choice("lead", [0.5, 0.2, 0.3], pop.index[hot], t)
        why = np.array([TRIGGER["lead"], TRIGGER["alert"], TRIGGER["special"]])[why]
        why = np.where(pressing[hot, t] > 0, TRIGGER["complaint"], why)

        rows = np.concatenate([row[out], hot])
        arm = np.concatenate([np.full(out.sum(), RANDOM), np.full(len(hot), TARGETED)])
        days = np.concatenate([visit_day[out], hot_day])
        trigger = np.concatenate([np.full(out.sum(), TRIGGER["draw"]), why])
        e = Events(rows, np.full_like(rows, t), days, t * PER_MONTH + arm)
        results = _results(chunk, e, found[rows], unfiled[rows], lost[rows])
        seen = found[rows] & ~lost[rows] & (results & (BIT["F"] | BIT["7"]) == 0) & (life.ended[rows] > days)
        place_empty = (results & BIT["6"]) != 0
        visit_parts.append(
            (e.row, e.month, e.day, e.slot, trigger, results, seen * 1, place_empty * 1, inspector[rows])
        )

        visited[rows, t] = 1
        deterred *= risk.deterrence_memory
        deterred[rows[seen]] = 1.0
        known_results = result_days(chunk, e)[1]
        troubled = violating[rows] & (results & (BIT["F"] | BIT["7"]) == 0)
        _later(chunk, feed, t, rows[troubled], known_results[troubled], p.points.problem_found)
        fined_known = penalty_days(chunk, e, seen)[1]
        _later(chunk, feed, t, rows[fined_known > 0], fined_known[fined_known > 0], p.points.penalty)

    v = [np.concatenate(x) for x in zip(*visit_parts, strict=True)]
    d = [np.concatenate(x) for x in zip(*draw_parts, strict=True)]
    visits = Visits(Events(*v[:4]), v[4], v[5], v[6] == 1, v[7] == 1, v[8])
    draws = Draws(Events(d[0], d[1], d[2], d[1] * PER_MONTH), d[3], d[4], d[5])
    return Rounds(visits, draws, truth)


def _later(chunk: Chunk, feed: Floats, now: int, row: Ints, known: Ints, points: float) -> None:
    """Add points from the month after something becomes known, always a month still to come."""
    month = np.maximum(chunk.world.calendar.month_of(known) + 1, now + 1)
    inside = month < feed.shape[1]
    np.add.at(feed, (row[inside], month[inside]), points)
