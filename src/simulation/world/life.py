"""Life course of an enterprise: reporting, dormancy, loss of contact, the abnormal list, the end."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.contract import codes as c
from simulation.base.months import NEVER
from simulation.base.rng import Bools, Ints
from simulation.world.latent import Latent, probability
from simulation.world.population import Population, World

STATUS = {code: i for i, code in enumerate(c.ENTERPRISE_STATUS.codes)}
THREE_YEARS = 3 * 365
APPLICATION_DAYS = 8
"""Most days from an application for repair to the removal it brings."""


@dataclass(frozen=True)
class Listing:
    """Entries in the abnormal list for missing annual reports, flat arrays."""

    row: Ints
    year: Ints
    """The first missing report's year."""
    start: Ints
    end: Ints
    """Day of removal; ``NEVER`` when it outlives the history."""


@dataclass(frozen=True)
class Life:
    """The life course of one chunk."""

    dormant: Bools
    lost: Bools
    unfiled: Bools
    """(n, months): a due annual report is missing when the month begins."""
    listed: Bools
    """(n, months): in the abnormal list when the month begins."""
    ended: Ints
    """(n,) day of the end; ``NEVER`` without one."""
    status: Ints
    """(n,) final status."""
    liquidating: Ints
    """(n,) day liquidation began; ``NEVER`` without one."""
    exists: Bools
    """(n, months): on the register when the month begins."""
    active: Bools
    """(n, months): on the register from the first to the last day of the month, and not dormant."""
    submitted: dict[int, Ints]
    """Report year -> (n,) day of submission; ``NEVER`` when not submitted, -1 when none was due."""
    listings: Listing


def _first(hit: Bools) -> Ints:
    """Return the first true month of each row; the number of months when there is none."""
    return np.asarray(np.where(hit.any(axis=1), hit.argmax(axis=1), hit.shape[1]), dtype=np.int64)


def _lost(world: World, pop: Population, latent: Latent, dormant: Bools) -> Bools:
    """Return the months in which the registered place is empty."""
    p, s, cal = world.policy.life, world.stream, world.calendar
    month = np.arange(cal.months)[None, :]
    factor = np.where(pop.shell, p.shell_factor, 1.0)
    hazard = p.lost_per_year / 12 * factor[:, None] * np.exp(0.4 * latent.misconduct + 0.3 * latent.distress)
    begins = s.uniform("lost", pop.index[:, None], month) < hazard
    stays = s.uniform("found again", pop.index[:, None], month) > 1.0 / p.lost_months
    lost = np.empty_like(begins)
    state = s.uniform("lost at start", pop.index) < p.lost_at_start * factor
    for t in range(cal.months):
        state = (state & stays[:, t]) | begins[:, t]
        lost[:, t] = state
    gone = s.uniform("dormant and gone", pop.index) < p.dormant_lost
    return np.asarray(lost | (dormant & gone[:, None]))


def _reports(world: World, pop: Population, latent: Latent, dormant: Bools, ended: Ints) -> dict[int, Ints]:
    """Return the day each year's report was submitted."""
    p, s, cal = world.policy.life, world.stream, world.calendar
    submitted = {}
    for year in range(cal.years.start - 3, cal.years.stop - 1):
        june = cal.month_at(year + 1, 6)
        t = min(max(june, 0), cal.months - 1)
        logit = (
            p.on_time_logit
            - p.on_time_misconduct * latent.misconduct[:, t]
            - p.on_time_distress * latent.distress[:, t]
        )
        chance = np.where(dormant[:, t], 0.04, probability(logit))
        key = year
        on_time = s.uniform("report on time", pop.index, key) < chance
        begin, due = int(cal.start(june - 5)), int(cal.start(june + 1))
        # Most firms report in the last weeks.
        early = begin + ((due - begin) * s.uniform("report day", pop.index, key) ** 0.5).astype(np.int64)
        hazard = np.where(dormant[:, t], p.late_month_hazard_dormant, p.late_month_hazard)
        waited = np.log(s.uniform("report late", pop.index, key)) / np.log1p(-hazard)
        late = due + (np.minimum(waited, 1000.0) * 30.4).astype(np.int64)
        day = np.where(on_time, np.minimum(early, due - 1), late)
        in_time = day < np.minimum(ended, cal.end)
        owed = np.where(in_time, day, np.where(ended >= due, NEVER, -1))
        submitted[year] = np.where(pop.founded < begin, owed, -1)
    return submitted


def _listings(world: World, pop: Population, submitted: dict[int, Ints], ended: Ints) -> Listing:
    """Return the entries: listed in July, removed when the last missing report is in."""
    s, cal = world.stream, world.calendar
    rows, years, starts, ends = [], [], [], []
    n = len(pop)
    start, end, of = np.full(n, -1), np.full(n, -1), np.zeros(n, dtype=np.int64)

    def close(which: Bools) -> None:
        keep = which & (start >= 0) & (end >= cal.begin)
        rows.append(np.flatnonzero(keep))
        years.append(of[keep])
        starts.append(start[keep])
        ends.append(np.where(end[keep] < cal.end, end[keep], NEVER))

    for year, day in submitted.items():
        july = int(cal.start(cal.month_at(year + 1, 7)))
        entry = july + s.days("listing day", (2, 20), pop.index, year)
        missed = (day > entry) & (entry < np.minimum(ended, cal.end))
        out = np.where(day < NEVER, day + s.days("removal day", (2, 12), pop.index, year), NEVER)
        # The regulator knows of the entry before anyone applies to be removed.
        out = np.maximum(out, entry + world.policy.lags["abnormal_list"][1] + APPLICATION_DAYS + 1)
        new = missed & (end <= entry)
        close(new)
        start, of = np.where(new, entry, start), np.where(new, year, of)
        end = np.where(new, out, np.where(missed, np.maximum(end, out), end))
    close(np.ones(n, dtype=np.bool_))
    return Listing(*(np.concatenate(x) for x in (rows, years, starts, ends)))


def _span_months(world: World, n: int, row: Ints, start: Ints, end: Ints) -> Bools:
    """Mark the months whose first day lies in (start, end]; shape (n, months)."""
    months = world.calendar.months
    marks = np.zeros((n, months + 1), dtype=np.int32)
    first = np.clip(np.searchsorted(world.calendar.starts, start, side="right"), 0, months)
    last = np.clip(np.searchsorted(world.calendar.starts, end, side="right"), 0, months)
    np.add.at(marks, (row, first), 1)
    np.add.at(marks, (row, last), -1)
    return np.asarray(marks[:, :-1].cumsum(axis=1) > 0)


def _revoked(world: World, pop: Population, listings: Listing) -> Ints:
    """Return the day a business licence is revoked for years of silence; ``NEVER`` when it is not."""
    p, s = world.policy.life, world.stream
    wait = np.log(s.uniform("revocation", pop.index[listings.row], listings.year)) / np.log1p(-p.revoke_month_hazard)
    day = listings.start + ((p.revoke_after_months + np.minimum(wait, 1000.0)) * 30.4).astype(np.int64)
    day = np.where(day < listings.end, day, NEVER)
    revoked = np.full(len(pop), NEVER)
    np.minimum.at(revoked, listings.row, day)
    return revoked


def _draw_end(world: World, pop: Population, latent: Latent, dormant: Bools) -> tuple[Ints, Ints]:
    """Return day and status of an end by deregistration or moving away."""
    p, s, cal = world.policy.life, world.stream, world.calendar
    month = np.arange(cal.months)[None, :]
    hazard = p.cancel_per_year / 12 * np.exp(0.35 * latent.distress) * np.where(dormant, p.dormant_cancel, 1.0)
    cancel = _first(s.uniform("cancel", pop.index[:, None], month) < hazard)
    move = _first(s.uniform("move", pop.index[:, None], month) < p.move_per_year / 12)
    at = np.minimum(cancel, move)
    day = cal.start(at) + s.below("end day", 28, pop.index)
    # Nobody ends within half a year of founding.
    kept = (at < cal.months) & (day > pop.founded + 180)
    status = np.where(move < cancel, STATUS["moved_out"], STATUS["cancelled"])
    return np.where(kept, day, NEVER), np.where(kept, status, STATUS["active"])


def live(world: World, pop: Population, latent: Latent) -> Life:
    """Simulate the life courses of one chunk."""
    p, s, cal = world.policy.life, world.stream, world.calendar
    n, month = len(pop), np.arange(cal.months)[None, :]
    factor = np.where(pop.shell, p.shell_factor, 1.0)[:, None]
    hazard = p.dormant_per_year / 12 * factor * np.exp(0.3 * latent.misconduct + 0.4 * latent.distress)
    asleep = _first(s.uniform("dormant", pop.index[:, None], month) < hazard)
    asleep[s.uniform("dormant at start", pop.index) < p.dormant_at_start * factor[:, 0]] = 0
    dormant = month >= asleep[:, None]
    ended, status = _draw_end(world, pop, latent, dormant)
    submitted = _reports(world, pop, latent, dormant, ended)
    revoked = _revoked(world, pop, _listings(world, pop, submitted, ended))
    by_revocation = revoked < np.minimum(ended, cal.end)
    ended = np.where(by_revocation, revoked, ended)
    status = np.where(by_revocation, STATUS["revoked"], status)
    # An end cuts off what would have been reported later, so reports are drawn again with the true end.
    submitted = _reports(world, pop, latent, dormant, ended)
    listings = _listings(world, pop, submitted, ended)

    missing = [(np.flatnonzero(d >= 0), y, d[d >= 0]) for y, d in submitted.items()]
    due = np.concatenate([np.full(len(r), int(cal.start(cal.month_at(y + 1, 7))) - 1) for r, y, _ in missing])
    unfiled = _span_months(
        world, n, np.concatenate([r for r, _, _ in missing]), due, np.concatenate([d for _, _, d in missing])
    )
    begins = cal.starts[None, :-1]
    exists = (pop.founded[:, None] < begins) & (ended[:, None] >= begins)
    through = exists & (ended[:, None] >= cal.starts[None, 1:])
    wound_up = (status == STATUS["cancelled"]) & (s.uniform("liquidation", pop.index) < p.liquidation_share)
    liquidating = np.where(wound_up, ended - s.days("liquidation days", (50, 120), pop.index), NEVER)
    liquidating = np.where(liquidating >= cal.begin, liquidating, NEVER)
    return Life(
        dormant=dormant,
        lost=_lost(world, pop, latent, dormant),
        unfiled=unfiled,
        listed=_span_months(world, n, listings.row, listings.start, listings.end),
        ended=ended,
        status=status,
        liquidating=liquidating,
        exists=exists,
        active=through & ~dormant,
        submitted=submitted,
        listings=listings,
    )
