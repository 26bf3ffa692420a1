"""Dates of a given record held against one another, as the check of a source folder does.

A calling system gets told what a check would set aside: an event before the enterprise was registered, or decades
before its first version became known, would else feed windows that it can't belong to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from features.contract import TABLES
from features.contract.believable import believable

Rows = Sequence[Mapping[str, Any]]


def too_early(tables: Mapping[str, Rows]) -> Iterator[tuple[str, int, str]]:
    """Yield table, number of the row and what its ``occurred_at`` should be, for every event that lies too early.

    Cells that are no dates are left to the contract's own check.

    Examples
    --------
    >>> register = [{"record_id": "r", "occurred_at": "2015-03-01", "known_at": "2015-03-05"}]
    >>> visit = {"record_id": "i", "occurred_at": "2014-03-01", "known_at": "2014-03-09"}
    >>> list(too_early({"registration": register, "inspections": [visit]}))
    [('inspections', 0, 'a day no earlier than the registration of the enterprise on 2015-03-01')]
    """
    policy = believable()
    founded = min((day for row in tables.get("registration", ()) if (day := _day(row, "occurred_at"))), default=None)
    for table, rows in tables.items():
        if TABLES[table].required or table in policy.lasting_tables:
            continue
        first: dict[object, date] = {}
        for row in rows:
            if known := _day(row, "known_at"):
                name = str(row.get("record_id"))
                first[name] = min(known, first.get(name, known))
        for number, row in enumerate(rows):
            occurred = _day(row, "occurred_at")
            if occurred is None:
                continue
            if founded and occurred < founded:
                yield table, number, f"a day no earlier than the registration of the enterprise on {founded}"
            known = first.get(str(row.get("record_id")))
            if known and _years_before(known, policy.longest_lag_years) > occurred:
                yield table, number, f"a day within {policy.longest_lag_years} years before known_at"


def month_is_over(cutoff: date, today: date) -> bool:
    """Tell whether the month that starts at a cut-off lies before today.

    Examples
    --------
    >>> month_is_over(date(2026, 1, 1), date(2026, 1, 31)), month_is_over(date(2026, 1, 1), date(2026, 2, 1))
    (False, True)
    """
    return today >= date(cutoff.year + cutoff.month // 12, cutoff.month % 12 + 1, cutoff.day if cutoff.day < 29 else 28)


def _years_before(day: date, years: int) -> date:
    if day.year <= years:
        return date.min
    try:
        return day.replace(year=day.year - years)
    except ValueError:  # 29 February
        return day.replace(year=day.year - years, day=28)


def _day(row: Mapping[str, Any], column: str) -> date | None:
    try:
        return date.fromisoformat(row[column])
    except (KeyError, TypeError, ValueError):
        return None
