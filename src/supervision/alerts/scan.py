"""Scan for bursts: many events of one key within days, judged against the key's own base rate.

A key's events are Poisson with a rate of its own; the rates are gamma over keys, fitted by moments to the base period.
A window that begins with an event holds k − 1 more by the negative binomial that follows; times the events expected in
a month, that bounds the chance of any such window in the month (union over the windows' first events).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import nbinom

MONTH_DAYS = 365.25 / 12
_SPAN = 1_000_000
"""More days than any history has: keys times it, plus the day, keeps keys apart in one sorted array."""
_POISSON = 1e-6
"""Least excess variance: below it the rates count as equal."""


@dataclass(frozen=True)
class Burst:
    """A window of one key: rows of the events frame, and its chance."""

    key: int
    rows: NDArray[np.int64]
    chance: float


def gamma_rates(counts: NDArray[np.int64], cells: NDArray[np.int64], exposure: float) -> tuple[float, float]:
    """Fit gamma rates to counts by moments.

    Parameters
    ----------
    counts, cells
        Each count that occurs, 0 included, and how many cells have it; shape (m,).
    exposure
        What a count was taken over, days or windows.

    Returns
    -------
    tuple of float
        Shape, and rate in units of exposure. No events at all: half an event among all cells.
    """
    number = max(1, int(cells.sum()))
    total, squares = max(0.5, float(int((counts * cells).sum()))), float(int((counts * counts * cells).sum()))
    mean = total / number
    excess = max(squares / number - mean * mean - mean, _POISSON * mean * mean)
    shape = mean * mean / excess
    return shape, shape / mean * exposure


@dataclass(frozen=True)
class Scan:
    """What windows are judged by.

    Parameters
    ----------
    window, base
        Days.
    least
        Fewer events are no burst.
    alpha
        Chance in a month below which a window is a burst.
    shape, rate
        Gamma of the keys' rates, `gamma_rates`.
    begin
        First day covered: the base period does not reach before it.
    since
        One event at least must be known on this day or later.
    """

    window: int
    base: int
    least: int
    alpha: float
    shape: float
    rate: float
    begin: int
    since: int

    def bursts(self, events: pd.DataFrame) -> list[Burst]:
        """Find the most unlikely burst of each key that has one.

        Parameters
        ----------
        events
            Columns key (int), day and known (int days), sorted by key and day.
        """
        if events.empty:
            return []
        key, day = events["key"].to_numpy(np.int64), events["day"].to_numpy(np.int64)
        known = events["known"].to_numpy(np.int64)
        place, here = key * _SPAN + day, np.arange(len(key))
        stop = np.searchsorted(place, place + self.window, side="left")
        from_day = np.maximum(day - self.base, min(self.begin, int(day.min())))
        earlier = np.searchsorted(place, place, side="left") - np.searchsorted(
            place, key * _SPAN + from_day, side="left"
        )
        asked = np.flatnonzero(stop - here >= self.least)
        more = (stop - here)[asked] - 1
        r = self.shape + earlier[asked]
        b = self.rate + np.clip(day[asked] - self.begin, 1, self.base)
        # P(at least `more` further events | a window begins here): the first event speaks for a higher rate.
        chance = np.minimum(1.0, r / b * MONTH_DAYS * nbinom.sf(more - 1, r + 1.0, b / (b + self.window)))
        found: dict[int, Burst] = {}
        for i, p in zip(asked.tolist(), chance.tolist(), strict=True):
            rows = here[i : stop[i]]
            held = found.get(int(key[i]))
            if p > self.alpha or not (known[rows] >= self.since).any():
                continue
            if held is None or (p, -len(rows)) < (held.chance, -len(held.rows)):
                found[int(key[i])] = Burst(int(key[i]), rows, p)
        return [found[name] for name in sorted(found)]
