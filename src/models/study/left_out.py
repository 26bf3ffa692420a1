"""Indicators that a study leaves out: why, and which date would have kept them; and those with a window cut short."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import numpy as np
import pandas as pd

from features.catalogue.declaration import Indicator
from features.engine.plan import bases_of, covered_by, read_by
from models.study.indicators import enough, unknown_months, varies


@dataclass(frozen=True)
class LeftOut:
    """An indicator that a study does not learn from, why, and what would have kept it.

    Parameters
    ----------
    name
        The indicator.
    reason
        "constant": its known values never vary in the fit; "uncovered": it is unknown for everyone at too many
        cut-offs.
    share
        Share of the fit's rows at cut-offs where somebody's value is known.
    value
        The one value of a constant; None for "uncovered", and where nothing was ever known.
    records_from
        Table to the latest first day covered that would have kept it, for the tables that begin later.
    begins
        Table to the first day that it covers, of the same tables; None where the source lacks it.
    learn_from
        Earliest ``learn_from`` that would have kept it with these records; None where there is none.
    asked
        The study's least share.
    """

    name: str
    reason: Literal["constant", "uncovered"]
    share: float
    value: float | None
    records_from: Mapping[str, date]
    begins: Mapping[str, date | None]
    learn_from: date | None
    asked: float

    @property
    def why(self) -> str:
        """The reason, in words."""
        if self.reason == "constant":
            return "constant: never known" if self.value is None else f"constant: always {self.value:g} where known"
        return f"covered for too small a part: {self.share:.0%} of the fit's rows, asked for are {self.asked:.0%}"

    @property
    def remedy(self) -> str:
        """What would have kept it; empty where no date would."""
        ways = []
        if self.records_from:
            named = [
                f"{table} covered from {day} on ({_begins(self.begins[table])})"
                for table, day in self.records_from.items()
            ]
            ways.append(" and ".join(named))
        if self.learn_from:
            ways.append(f"split.learn_from = {self.learn_from}")
        return ", or ".join(ways)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for ``--json``."""
        return {
            "name": self.name,
            "reason": self.reason,
            "share_covered": self.share,
            "value": self.value,
            "records_from": {table: day.isoformat() for table, day in self.records_from.items()},
            "learn_from": None if self.learn_from is None else self.learn_from.isoformat(),
        }


def _begins(day: date | None) -> str:
    return "the source has none" if day is None else f"it begins {day}"


def left_out(
    frame: pd.DataFrame,
    indicators: Sequence[Indicator],
    covered: float,
    *,
    covers_from: Mapping[str, date],
    days_a_year: int,
) -> tuple[LeftOut, ...]:
    """Say of indicators that are not `models.study.indicators.usable` why, and which date would have kept them.

    Parameters
    ----------
    frame, covered
        As for `models.study.indicators.usable`.
    indicators
        Those that are left out.
    covers_from
        First day covered, by table.
    days_a_year
        ``uncovered_days_a_year`` of ``features.toml``.
    """
    cutoffs, month = np.unique(pd.to_datetime(frame.index.get_level_values("cutoff")), return_inverse=True)
    rows = np.bincount(month, minlength=len(cutoffs))
    days = [pd.Timestamp(c).date() for c in cutoffs]
    found = []
    for i in indicators:
        values = frame[i.name].to_numpy(dtype=np.float64)
        gone = unknown_months(values, month, rows)
        unknown = int(rows[gone].sum())
        share = 1 - unknown / max(1, len(frame))
        known = values[~np.isnan(values)]
        if enough(unknown, len(frame), covered):
            value = float(known[0]) if len(known) else None
            found.append(LeftOut(i.name, "constant", share, value, {}, {}, None, covered))
            continue
        # Cut-offs may be unknown at the beginning up to the share that the study allows.
        allowed = sum(enough(int(sofar), len(frame), covered) for sofar in np.cumsum(rows))
        first = days[allowed]
        needed = needed_from(i, first, days_a_year)
        late = {t: d for t, d in needed.items() if t not in covers_from or covers_from[t] > d}
        learn_from = None
        for k, day in enumerate(days):
            rest, later = rows[k:], month >= k
            if enough(int(rest[gone[k:]].sum()), int(rest.sum()), covered) and varies(values[later]):
                learn_from = day
                break
        begins = {t: covers_from.get(t) for t in late}
        found.append(LeftOut(i.name, "uncovered", share, None, late, begins, learn_from, covered))
    return tuple(found)


def needed_from(indicator: Indicator, cutoff: date, days_a_year: int) -> dict[str, date]:
    """Return the latest day from which each table may be covered for an indicator to be known at a cut-off."""
    needed: dict[str, date] = {}
    for table, _, latest in _needs(indicator, cutoff, days_a_year):
        needed[table] = min(latest, needed.get(table, latest))
    return dict(sorted(needed.items()))


def _needs(indicator: Indicator, cutoff: date, days_a_year: int) -> Iterator[tuple[str, date, date]]:
    """Every contract table that an indicator reads, the first day of its window, and the latest that is tolerated."""
    for aggregate in indicator.formula.parts:
        for source, window in read_by(aggregate):
            for table in bases_of(source):
                yield table, *covered_by(window, cutoff, days_a_year)


def short_windows(
    indicators: Iterable[Indicator], cutoffs: Iterable[date], covers_from: Mapping[str, date], days_a_year: int
) -> dict[str, int]:
    """Return the indicators with a window that is not covered whole at some cut-off, yet tolerated; and days lacking.

    Parameters
    ----------
    indicators, cutoffs
        Those that a study learns from, and its cut-offs.
    covers_from, days_a_year
        As for `left_out`.
    """
    short: dict[str, int] = {}
    days = sorted(set(cutoffs))
    for i in indicators:
        for cutoff in days:
            needs = list(_needs(i, cutoff, days_a_year))
            if all(covers_from.get(table, date.max) <= latest for table, _, latest in needs):
                lacking = max((covers_from[table] - start).days for table, start, _ in needs)
                if lacking > 0:
                    short[i.name] = max(lacking, short.get(i.name, 0))
    return short
