"""Drift 漂移: what changes in the middle of a history, each by an option, its month drawn by the seed.

``shock``: an economic shock adds distress, most where margins are thin, and fades. ``new_industry``: a trade that
was not there before is taken up by part of the newly founded. ``rule_change``: a rule changes reporting, so that
more complaints are recorded and decisions are published sooner, while nobody behaves otherwise.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from features.errors import ConfigError
from simulation.base.months import Calendar
from simulation.base.rng import Floats, Ints, Stream
from simulation.config import Industry, SimulationPolicy

KINDS = ("shock", "new_industry", "rule_change")


@dataclass(frozen=True)
class Drift:
    """Months in which what was asked for begins; the number of months of the history when it never does."""

    shock: int
    new_industry: int
    rule_change: int

    @classmethod
    def drawn(cls, kinds: Collection[str], calendar: Calendar, policy: SimulationPolicy, stream: Stream) -> Drift:
        """Draw the months of the kinds asked for.

        Raises
        ------
        ConfigError
            If there is no such kind.
        """
        unknown = sorted(set(kinds) - set(KINDS))
        if unknown:
            raise ConfigError(f"no drift called {', '.join(unknown)}; there is: {', '.join(KINDS)}")
        low, high = policy.drift.begins
        months = {}
        for place, kind in enumerate(KINDS):
            share = low + (high - low) * float(stream.uniform("drift begins", place)[0])
            months[kind] = int(share * calendar.months) if kind in kinds else calendar.months
        return cls(**months)

    def said(self, calendar: Calendar) -> dict[str, str]:
        """Return the first day of what begins within the history, by kind."""
        begins = {kind: getattr(self, kind) for kind in KINDS}
        days = {kind: np.datetime64(int(calendar.start(t)), "D") for kind, t in begins.items() if t < calendar.months}
        return {kind: str(day) for kind, day in days.items()}


def with_new_industry(policy: SimulationPolicy) -> SimulationPolicy:
    """Return the policy with the new trade behind the others, where `new_trade` finds it."""
    return policy.model_copy(update={"industries": [*policy.industries, policy.drift.new_industry]})


def added_distress(drift: Drift, calendar: Calendar, policy: SimulationPolicy, industry: Ints) -> Floats:
    """Return what the shock adds to distress, shape (n, months)."""
    after = np.arange(calendar.months) - drift.shock
    course = policy.drift.shock_size * 0.5 ** (np.maximum(after, 0) / policy.drift.shock_half_life_months)
    felt = 1.0 + policy.drift.shock_strain * strains(policy.industries)[industry]
    return np.asarray(np.maximum(felt, 0.0)[:, None] * np.where(after >= 0, course, 0.0)[None, :])


def strains(industries: list[Industry]) -> Floats:
    """Return how much strain tells in each trade."""
    return np.array([i.strain for i in industries])


def new_trade(drift: Drift, calendar: Calendar, policy: SimulationPolicy, founded: Ints, u: Floats, old: Ints) -> Ints:
    """Return each enterprise's trade, the new one for part of those founded since it began."""
    if drift.new_industry >= calendar.months:
        return old
    taken = (founded >= int(calendar.start(drift.new_industry))) & (u < policy.drift.new_industry_share)
    return np.where(taken, len(policy.industries) - 1, old)


def hastened(drift: Drift, policy: SimulationPolicy, table: str, month: Ints, days: Ints) -> Ints:
    """Return reporting lags as the new rule leaves them: those of its tables shrink from its month on."""
    if table not in policy.drift.rule_tables:
        return days
    return np.where(month >= drift.rule_change, (days * policy.drift.rule_lag_factor).astype(np.int64), days)
