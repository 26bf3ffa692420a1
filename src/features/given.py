"""Paths and days as callers give them, as the code takes them.

A notebook passes a path as text, a day as text or a timestamp, a frame of another library (`features.frames`). All that
says clearly what it means is taken; the rest is an error that says what was expected.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeAlias

from features.errors import SourceError

PathLike: TypeAlias = str | os.PathLike[str]
DayLike: TypeAlias = date | str

DAY = "a day such as 2026-01-31"


def as_path(given: Any, what: str) -> Path:
    """Return a path, also of a text.

    Raises
    ------
    SourceError
        If it is neither; ``what`` says which path was expected.
    """
    if isinstance(given, str | os.PathLike):
        return Path(given)
    raise SourceError(f"{what}: expected a path, got {type(given).__name__}")


def as_day(given: Any, what: str) -> date:
    """Return a day, also of an ISO text or of a timestamp at midnight of its own zone.

    A timestamp within a day is refused: whether it means that day or the next is not known, and in another zone it may
    be either.

    Raises
    ------
    SourceError
        If it is none; ``what`` says which day was expected.
    """
    if hasattr(given, "item"):  # numpy's
        given = given.item()
    if isinstance(given, str):
        try:
            given = datetime.fromisoformat(given)
        except ValueError as err:
            raise SourceError(f"{what}: got {given!r}, expected {DAY}") from err
    if not isinstance(given, date) or given != given:  # NaT is a datetime, and not equal to itself
        raise SourceError(f"{what}: got {type(given).__name__}, expected {DAY}")
    if not isinstance(given, datetime):
        return given
    if (given.hour, given.minute, given.second, given.microsecond) != (0, 0, 0, 0):
        raise SourceError(
            f"{what}: got {given.isoformat(sep=' ')}, expected {DAY}, or midnight in its own zone: "
            "a time within a day may mean another day elsewhere"
        )
    return date(given.year, given.month, given.day)


def as_days(given: Any, what: str) -> list[date]:
    """Return the days of a sequence, or of one day alone; errors as `as_day`."""
    if isinstance(given, date | str) or not isinstance(given, Iterable):
        return [as_day(given, what)]
    return [as_day(day, f"{what} {k}") for k, day in enumerate(given)]
