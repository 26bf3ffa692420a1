"""Random events: how many, when, and in which slot of their table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.base.rng import Bools, Floats, Ints
from simulation.world.drift import hastened
from simulation.world.latent import Latent
from simulation.world.life import Life
from simulation.world.population import Population, World

COMPLAINTS = ("complaint_genuine", "complaint_other")
"""Kinds of complaint that a new rule of reporting touches; campaigns are not people's complaints."""
PER_MONTH = 32
"""Slots of a month: an enterprise has at most so many records of one table in one month."""


@dataclass(frozen=True)
class Events:
    """Flat arrays of events, in order of enterprise and month."""

    row: Ints
    """Place of the enterprise in the chunk."""
    month: Ints
    day: Ints
    slot: Ints

    def __len__(self) -> int:
        return len(self.row)

    def where(self, keep: Bools) -> Events:
        """Return the events marked."""
        return Events(self.row[keep], self.month[keep], self.day[keep], self.slot[keep])


@dataclass(frozen=True)
class Chunk:
    """Everything later parts need about one chunk of enterprises."""

    world: World
    pop: Population
    latent: Latent
    life: Life

    def uniform(self, purpose: str, e: Events) -> Floats:
        """Return a uniform number for each event."""
        return self.world.stream.uniform(purpose, self.pop.index[e.row], e.slot)

    def normal(self, purpose: str, e: Events) -> Floats:
        """Return a normal number for each event."""
        return self.world.stream.normal(purpose, self.pop.index[e.row], e.slot)

    def span(self, purpose: str, days: tuple[int, int], e: Events) -> Ints:
        """Return days within an inclusive span for each event."""
        return self.world.stream.days(purpose, days, self.pop.index[e.row], e.slot)

    def lag(self, table: str, e: Events) -> Ints:
        """Return the reporting lag of each event."""
        return self.lag_of(table, table, e)

    def lag_of(self, purpose: str, table: str, e: Events) -> Ints:
        """Return the lag of a table for a purpose of its own, as the rules of the event's month have it."""
        days = self.span("lag " + purpose, self.world.policy.lags[table], e)
        return hastened(self.world.drift, self.world.policy, table, e.month, days)

    def pick(self, purpose: str, weights: list[float], e: Events) -> Ints:
        """Return positions in proportion to weights for each event."""
        return self.world.stream.choice(purpose, weights, self.pop.index[e.row], e.slot)

    def who(self, e: Events) -> Ints:
        """Return the index of each event's enterprise."""
        return self.pop.index[e.row]

    def misconduct(self, e: Events) -> Floats:
        """Return the misconduct of each event's enterprise and month."""
        return self.latent.misconduct[e.row, e.month]

    def distress(self, e: Events) -> Floats:
        """Return the distress of each event's enterprise and month."""
        return self.latent.distress[e.row, e.month]


def strike(chunk: Chunk, kind: str, *, offset: int = 0, most: int = 3, dormant_too: bool = False) -> Events:
    """Draw the events of one kind.

    Parameters
    ----------
    chunk
        The enterprises.
    kind
        Name of the rate in the policy's ``[events]``.
    offset
        First slot of this kind within a month; kinds that share a table have ranges of their own.
    most
        Most events of one enterprise in one month.
    dormant_too
        Whether events strike the dormant as well (courts and creditors do).
    """
    world, pop = chunk.world, chunk.pop
    rate, months = world.policy.events[kind], np.arange(world.calendar.months)
    exposure = np.array([i.exposure for i in world.policy.industries])[pop.industry]
    base = rate.per_year / 12 * np.exp(rate.size * np.minimum(pop.size, 3.0)) * (exposure if rate.exposed else 1.0)
    expected = base[:, None]
    if kind in COMPLAINTS:
        expected = expected * np.where(months >= world.drift.rule_change, world.policy.drift.rule_complaints, 1.0)
    if rate.misconduct or rate.distress:
        # Divided by the mean of the lognormal, so that the rate a year stays near the one stated.
        spread = 0.5 * (rate.misconduct + 0.4 * rate.distress) ** 2 + 0.5 * (0.9 * rate.distress) ** 2
        bent = rate.misconduct * chunk.latent.misconduct + rate.distress * chunk.latent.distress
        expected = expected * np.exp(np.minimum(bent, 4.0) - spread)
    open_ = chunk.life.active | (chunk.life.dormant & _through(chunk)) if dormant_too else chunk.life.active
    drawn = world.stream.uniform("event " + kind, pop.index[:, None], months[None, :])
    row, month = np.nonzero((drawn > np.exp(-expected)) & open_)
    if not len(row):
        empty = np.zeros(0, dtype=np.int64)
        return Events(empty, empty, empty, empty)
    mean = np.broadcast_to(expected, drawn.shape)[row, month]
    u, term = drawn[row, month], np.exp(-mean)
    below, count = term.copy(), np.ones(len(row), dtype=np.int64)
    for k in range(1, most):
        term = term * mean / k
        below += term
        count += u > below
    return spread_out(chunk, "day " + kind, row, month, count, offset)


def _through(chunk: Chunk) -> Bools:
    ended = chunk.life.ended[:, None] >= chunk.world.calendar.starts[None, 1:]
    return np.asarray(chunk.life.exists & ended)


def spread_out(chunk: Chunk, purpose: str, row: Ints, month: Ints, count: Ints, offset: int) -> Events:
    """Turn counts a month into single events with a day and a slot."""
    row, month = np.repeat(row, count), np.repeat(month, count)
    number = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    slot = month * PER_MONTH + offset + number
    starts = chunk.world.calendar.starts
    u = chunk.world.stream.uniform(purpose, chunk.pop.index[row], slot)
    day = starts[month] + (u * (starts[month + 1] - starts[month])).astype(np.int64)
    return Events(row, month, day, slot)
