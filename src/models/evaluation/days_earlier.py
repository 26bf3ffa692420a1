"""Days earlier: had a month's visits been made riskiest first, how much earlier would its violations have been found?

The metric of Chicago's food inspections (2014): the same visits on the same days, only who is visited when changes. It
needs no counterfactual beyond that a violation would have been there a few days sooner or later.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from models.evaluation.verdicts import NAN, plain
from models.evaluation.visits import Floats, Ints, TestVisits


@dataclass(frozen=True)
class DaysEarlier:
    """Mean days by which a violation would have been found earlier, over months.

    ``days`` by score; ``days_severity`` weighted by severity; ``random`` what visits in random order would have
    brought (0 unless the actual order was informed); ``best`` with every violation first. Intervals by enterprise.
    """

    arm: str
    codes: str
    months: int
    visits: int
    violations: int
    days: float
    days_low: float
    days_high: float
    days_severity: float
    days_severity_low: float
    days_severity_high: float
    random: float
    best: float
    text: str

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return plain(self)


def days_earlier(
    visits: TestVisits, *, codes: str = "all", repetitions: int = 500, level: float = 0.95, seed: int = 0
) -> DaysEarlier:
    """Re-order each month's visits by score and compare the days on which violations are found.

    Parameters
    ----------
    visits
        Of any arm: a visiting list is what it is, so nothing is weighted by design.
    codes
        "all", or "without 6 and B".
    repetitions, level, seed
        Of the bootstrap: whole enterprises are drawn, and each resampled list is ordered anew.
    """
    kept = visits if codes == "all" else visits.without_restating()
    n = len(kept)
    if not n or not kept.y.any():
        nothing = (NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN)
        return DaysEarlier(visits.arm, codes, kept.months, n, 0, *nothing, "no violation to find earlier")
    day = pd.to_datetime(kept.frame["visited_on"]).to_numpy().astype("datetime64[D]").astype(np.int64)
    _, month = np.unique(kept.month, return_inverse=True)
    tie = kept.sample().tie
    order = np.lexsort((tie, -kept.score, month))
    calendar = np.lexsort((day, month))
    gain = _gain(day, order, calendar)
    rng = np.random.default_rng([seed, 0xDA75])
    firms = kept.enterprises
    drawn: list[tuple[float, float]] = []
    for _ in range(repetitions):
        times = np.bincount(rng.integers(0, firms, firms), minlength=firms)[kept.cluster]
        again = _gain(day, np.repeat(order, times[order]), np.repeat(calendar, times[calendar]))
        weight = times * kept.y
        if weight.any():
            drawn.append((_mean(again, kept.y), _mean(again, kept.severity)))
    ends = np.quantile(np.asarray(drawn), [(1 - level) / 2, (1 + level) / 2], axis=0) if drawn else np.full((2, 2), NAN)
    slots = np.bincount(month, weights=day) / np.bincount(month)
    best = _gain(day, np.lexsort((tie, -kept.y, month)), calendar)
    days = _mean(gain, kept.y)
    random = float(np.average(day - slots[month], weights=kept.y))
    most = _mean(best, kept.y)
    return DaysEarlier(
        visits.arm,
        codes,
        kept.months,
        n,
        int(kept.y.sum()),
        days,
        float(ends[0, 0]),
        float(ends[1, 0]),
        _mean(gain, kept.severity),
        float(ends[0, 1]),
        float(ends[1, 1]),
        random,
        most,
        f"violations found {days:.1f} days earlier [{ends[0, 0]:.1f}, {ends[1, 0]:.1f}] on average by score; in random "
        f"order {random:.1f}, at best {most:.1f} ({visits.arm} arm, {kept.months} months)",
    )


def _gain(day: Ints, order: Ints, calendar: Ints) -> tuple[Ints, Floats]:
    """Return rows in their new order, and the days each is found earlier."""
    return order, (day[order] - day[calendar]).astype(np.float64)


def _mean(gain: tuple[Ints, Floats], value: Floats) -> float:
    order, days = gain
    weight = value[order]
    return float(weight @ days / weight.sum()) if weight.sum() > 0 else NAN
