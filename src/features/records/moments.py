"""Moments that records can answer for: none after the day they were taken, no cohort before they begin."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from features.errors import ConfigError
from features.records.connection import Opened


def check_day(what: str, day: date, as_of: date | None, folder: Path | None, *, within: bool = False) -> None:
    """Refuse a day that the records don't reach: what came between would count as never having happened.

    The first day after them is a cut-off they reach: it looks at what was known before it.

    Parameters
    ----------
    what, day
        What the day is to the caller ("cut-off"), and the day.
    as_of
        Day the records were taken; None: not known, nothing is refused.
    folder
        Where the records are, for the message.
    within
        The day must be one of the records' own.

    Raises
    ------
    ConfigError
        If it is later.
    """
    if as_of is not None and day > as_of + timedelta(days=0 if within else 1):
        raise ConfigError(
            f"{what} {day} is after {as_of}, the day the records{_of(folder)} were taken: what came between is not in "
            "them and would count as none"
        )


def check_ends(store: Opened, cutoffs: Iterable[Any], known_as_of: date | None = None) -> None:
    """Refuse cut-offs, and a day of knowledge, after the day that a clean folder's records were taken.

    Rows in memory have no such day: whoever gives them answers for the cut-off.

    Raises
    ------
    ConfigError
        If one is later; both dates are named.
    """
    if store.as_of is None:
        return
    last = max(_days(cutoffs), default=None)
    if last is not None:
        check_day("cut-off", last, store.as_of, store.folder)
    if known_as_of is not None:
        check_day("known-as-of", known_as_of, store.as_of, store.folder)


def check_begins(store: Opened, cutoffs: Iterable[Any], known_as_of: date | None = None) -> None:
    """Refuse the cohort of a moment before the first day that any table of a clean folder covers: it would be empty.

    Raises
    ------
    ConfigError
        If there is one; both dates are named.
    """
    begin = min(store.covers_from.values(), default=None)
    if store.as_of is None or begin is None:
        return
    for what, day in (("cut-off", min(_days(cutoffs), default=None)), ("known-as-of", known_as_of)):
        if day is not None and day < begin:
            raise ConfigError(f"{what} {day} is before {begin}, the day on which the records begin")


def _days(cutoffs: Iterable[Any]) -> set[date]:
    return {pd.Timestamp(day).date() for day in pd.unique(pd.Series(list(cutoffs), dtype=object))}


def _of(folder: Path | None) -> str:
    return f" of {folder}" if folder is not None else ""
