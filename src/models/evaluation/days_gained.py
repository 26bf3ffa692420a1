"""Days earlier: how much sooner violations would have been found, had a list's visits been made riskiest first.

The metric of Chicago's food inspections (2014): the same visits on the same days, only who is visited when changes. It
needs no counterfactual beyond that a violation would have been there a few days sooner or later. What is one list is
the ``window``: each month's visits, as a province would plan them; or the whole test at once, as Chicago's figure was
told. Every visit keeps the score of its own month's first day, so a whole test longer than a month is no list that
anybody could have drawn up: it shows how far an order reaches, not what a plan would bring.

A baseline's order is measured on the same lists and the same resamples, so the difference is paired.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.arrays import Bools, Floats, Ints
from models.errors import ModelInputError
from models.evaluation.verdicts import NAN, plain
from models.evaluation.visits import TestVisits

Window = Literal["month", "whole test", "origin"]
WINDOWS: tuple[Window, ...] = ("month", "whole test")


@dataclass(frozen=True)
class RivalDays:
    """The same lists by a baseline's order, and the model less it, paired; intervals by enterprise."""

    rival: str
    days: float
    days_low: float
    days_high: float
    days_severity: float
    days_severity_low: float
    days_severity_high: float
    difference: float
    difference_low: float
    difference_high: float
    difference_severity: float
    difference_severity_low: float
    difference_severity_high: float


@dataclass(frozen=True)
class DaysEarlier:
    """Mean days by which a violation would have been found earlier, over the lists of a window.

    Parameters
    ----------
    window
        "month": each month's visits are one list. "whole test": all of them are.
    arm
        Which visits these are.
    days, days_severity
        By score; the latter weighted by severity.
    random
        What visits in random order would have brought (0 unless the actual order was informed).
    best
        With every violation first.
    first_half, first_half_made
        Share of the violations in the first half of a list's visits: by score, and as the visits were made.
    rivals
        The same by each baseline's order.
    """

    window: Window
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
    random_low: float
    random_high: float
    best: float
    best_low: float
    best_high: float
    first_half: float
    first_half_low: float
    first_half_high: float
    first_half_made: float
    first_half_made_low: float
    first_half_made_high: float
    rivals: tuple[RivalDays, ...]
    text: str

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return plain(self)


def days_earlier(
    visits: TestVisits,
    *,
    window: Window = "month",
    rivals: Mapping[str, Floats] | None = None,
    codes: str = "all",
    repetitions: int = 500,
    level: float = 0.95,
    seed: int = 0,
) -> DaysEarlier:
    """Re-order each list's visits by score and compare the days on which violations are found.

    Parameters
    ----------
    visits
        Of any arm: a visiting list is what it is, so nothing is weighted by design.
    window
        What is one list; "origin": the visits of a value of the column ``origin``.
    rivals
        Name to scores of the same visits, higher is riskier. Equal scores are visited in the order of a hash of the
        enterprise id, the model's as well as a baseline's.
    codes
        "all", or "without 6 and B".
    repetitions, level, seed
        Of the bootstrap: whole enterprises are drawn, and each resampled list is ordered anew.

    Raises
    ------
    ModelInputError
        If a baseline's scores are not as many as the visits.
    """
    scores = {name: np.asarray(score, dtype=np.float64) for name, score in (rivals or {}).items()}
    for name, score in scores.items():
        if score.shape != (len(visits),):
            raise ModelInputError(f"days earlier: {name} has scores of shape {score.shape} for {len(visits)} visits")
    kept = visits if codes == "all" else visits.without_restating()
    if codes != "all":
        rows: Bools = visits.frame["restates"].to_numpy(dtype=np.int64) == 0
        scores = {name: score[rows] for name, score in scores.items()}
    if not len(kept) or not kept.y.any():
        nothing = (NAN,) * 18
        text = "no violation to find earlier"
        return DaysEarlier(window, visits.arm, codes, kept.months, len(kept), 0, *nothing, (), text)
    lists = _Lists(kept, window, scores)
    point = lists.figures(np.ones(len(kept), dtype=np.int64))
    rng = np.random.default_rng([seed, 0xDA75])
    firms = kept.enterprises
    drawn = []
    for _ in range(repetitions):
        times = np.bincount(rng.integers(0, firms, firms), minlength=firms)[kept.cluster]
        if (times * kept.y).any():
            drawn.append(lists.figures(times))
    draws = np.stack(drawn) if drawn else np.full((1, *point.shape), NAN)

    def told(value: Floats, resampled: Floats) -> tuple[float, float, float]:
        low, high = np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2])
        return float(value), float(low), float(high)

    def figure(order: int, what: int) -> tuple[float, float, float]:
        return told(point[order, what], draws[:, order, what])

    def less(order: int, what: int) -> tuple[float, float, float]:
        return told(point[0, what] - point[order, what], draws[:, 0, what] - draws[:, order, what])

    found = tuple(
        RivalDays(name, *figure(k, DAYS), *figure(k, SEVERITY), *less(k, DAYS), *less(k, SEVERITY))
        for k, name in enumerate(scores, start=1)
    )
    days, random, best, half = (figure(k, w) for k, w in ((0, DAYS), (-1, DAYS), (-2, DAYS), (0, HALF)))
    return DaysEarlier(
        window,
        visits.arm,
        codes,
        kept.months,
        len(kept),
        int(kept.y.sum()),
        *days,
        *figure(0, SEVERITY),
        *random,
        *best,
        *half,
        *figure(-1, HALF),
        found,
        _sentence(kept, window, days, random[0], best[0], found),
    )


DAYS, SEVERITY, HALF = range(3)
"""Columns of `_Lists.figures`."""


class _Order:
    """Visits in one order, lists one after the other."""

    def __init__(self, rows: NDArray[np.intp], day: Ints, lists: Ints, values: Floats) -> None:
        self.rows, self.day, self.lists, self.values = rows, day[rows], lists[rows], values[rows]

    def figures(self, times: Ints, passed: Ints, half: Floats) -> Floats:
        """Return `DAYS`, `SEVERITY`, `HALF`, each visit standing on its list so many times.

        ``passed`` sums the calendar's days before each slot; ``half`` is the slot in the middle of each list.
        """
        often = times[self.rows]
        last = np.cumsum(often)
        first = last - often  # a visit's copies take the slots [first, last) of the calendar
        moved = often * self.day - (passed[last] - passed[first])
        early = np.clip(half[self.lists] - first, 0, often)
        whole, days, halves = np.stack([often, moved, early]).astype(np.float64) @ self.values
        return np.append(_over(days, whole), _over(halves, whole)[0])


class _Lists:
    """The lists of a window in every order that is asked about: the model's, the baselines', every violation first."""

    def __init__(self, visits: TestVisits, window: Window, scores: Mapping[str, Floats]) -> None:
        self.values = np.column_stack([visits.y, visits.severity])
        day = pd.to_datetime(visits.frame["visited_on"]).to_numpy().astype("datetime64[D]").astype(np.int64)
        self.day: Ints = day - day.min()
        self.list: Ints = np.zeros(len(visits), dtype=np.int64)
        if window == "month":
            self.list = np.unique(visits.month, return_inverse=True)[1].astype(np.int64)
        elif window == "origin":
            self.list = np.unique(visits.frame["origin"].to_numpy(dtype=str), return_inverse=True)[1].astype(np.int64)
        tie = visits.sample().tie
        self.calendar = np.lexsort((tie, self.day, self.list))
        orders = [np.lexsort((tie, -by, self.list)) for by in (visits.score, *scores.values(), visits.y)]
        self.orders = [_Order(rows, self.day, self.list, self.values) for rows in (*orders, self.calendar)]

    def figures(self, times: Ints) -> Floats:
        """Return `DAYS`, `SEVERITY` and `HALF` of every order; ``times`` says how often each visit stands on a list.

        The last row is of no order: the days are the mean over all orders, and the half is that of the visits as they
        were made.
        """
        slots = np.repeat(self.day[self.calendar], times[self.calendar])
        passed = np.concatenate(([0], np.cumsum(slots)))
        many = np.bincount(self.list, weights=times)
        half = np.cumsum(many) - many / 2
        *rows, made = (order.figures(times, passed, half) for order in self.orders)
        mean = np.bincount(self.list, weights=times * self.day) / np.maximum(many, 1)
        lot = times * (self.day - mean[self.list])
        return np.stack([*rows, np.append(_over(lot @ self.values, times @ self.values), made[HALF])])


def _over(top: Floats, bottom: Floats) -> Floats:
    return np.asarray(np.divide(top, bottom, out=np.full(len(top), NAN), where=bottom > 0))


def _sentence(
    visits: TestVisits,
    window: Window,
    days: tuple[float, float, float],
    random: float,
    best: float,
    rivals: tuple[RivalDays, ...],
) -> str:
    lists = {
        "month": f"each of {visits.months} months one list",
        "whole test": f"{visits.months} months as one list",
        "origin": "the visits after each moment one list",
    }[window]
    arm = "random arm" if visits.arm == "random" else f"no random arm, {visits.arm} visits"
    against = ", ".join(
        f"{r.rival.replace('_', ' ')} {r.difference:+.1f} [{r.difference_low:+.1f}, {r.difference_high:+.1f}]"
        for r in rivals
    )
    return (
        f"{lists} ({arm}): violations found {days[0]:.1f} days earlier [{days[1]:.1f}, {days[2]:.1f}] on average by "
        f"score; in random order {random:.1f}, at best {best:.1f}"
        + (f"; model less the baselines: {against}" if against else "")
    )
