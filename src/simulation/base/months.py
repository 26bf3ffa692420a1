"""The simulated calendar: months as positions, days as integers since 1970-01-01."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from features.errors import ConfigError
from simulation.base.rng import Ints

EPOCH = date(1970, 1, 1)
NEVER = 10**6
"""A day after every simulated day."""


def day_number(day: date) -> int:
    """Return the days since 1970-01-01, as Parquet dates count."""
    return (day - EPOCH).days


@dataclass(frozen=True)
class Calendar:
    """Months ``0 … months-1`` before ``end``.

    Parameters
    ----------
    first
        Months since 1970-01 of month 0.
    months
        How many months.
    """

    first: int
    months: int

    @classmethod
    def before(cls, end: date, months: int) -> Calendar:
        """Return the calendar of the ``months`` months before ``end``, the first day of a month.

        Raises
        ------
        ConfigError
            If the end is no first day of a month or the number of months is out of range.
        """
        if end.day != 1:
            raise ConfigError(f"the end of a simulation is the first day of a month, not {end}")
        if not 1 <= months <= 240:
            raise ConfigError(f"a simulation has 1 to 240 months, not {months}")
        return cls((end.year - 1970) * 12 + end.month - 1 - months, months)

    def start(self, month: Ints | int) -> Ints:
        """Return the first day of each month; positions outside the history are fine."""
        whole = np.asarray(month, dtype=np.int64) + self.first
        return whole.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)

    def month_of(self, day: Ints) -> Ints:
        """Return the position of the month a day lies in."""
        days = np.asarray(day, dtype=np.int64).astype("datetime64[D]")
        return days.astype("datetime64[M]").astype(np.int64) - self.first

    @property
    def starts(self) -> Ints:
        """First days of months ``0 … months`` (one more than there are months)."""
        return self.start(np.arange(self.months + 1))

    @property
    def begin(self) -> int:
        """First day of the history."""
        return int(self.starts[0])

    @property
    def end(self) -> int:
        """First day after the history."""
        return int(self.starts[-1])

    @property
    def years(self) -> range:
        """Calendar years the history touches."""
        return range(1970 + self.first // 12, 1970 + (self.first + self.months - 1) // 12 + 1)

    def month_at(self, year: int, month: int) -> int:
        """Return the position of a calendar month; may lie outside the history."""
        return (year - 1970) * 12 + month - 1 - self.first

    def calendar_month(self, position: int) -> int:
        """Return 1 … 12 for a position."""
        return (self.first + position) % 12 + 1

    def year(self, position: int) -> int:
        """Return the calendar year of a position."""
        return 1970 + (self.first + position) // 12
