"""Cells of any city's files: made text, whole number or day, and put to the tests of a map."""

from __future__ import annotations

import hashlib
import math
import re
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache

from features.adapters.table.city import Day, Test, Told, Where
from features.adapters.text import is_no_day, parse_date

Cell = str | int | date | None
Cells = Mapping[str, Cell]
"""One row: column to what its cell says; None where it says nothing, or nothing that can be read."""


class Unmappable(Exception):
    """A row that can't become a record; its text is the reason that is counted."""


class Unreadable(Exception):
    """A cell that is there and is not what was expected, which is its text."""


def text(value: object) -> str | None:
    """Return a cell as text without blanks around it and with single ones inside; None when nothing is there."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    return " ".join(str(value).split()) or None


def whole(value: object) -> int | None:
    """Return a cell as a whole number (``30790``, ``30790.0``, ``"1,200"``); None when nothing is there.

    Raises
    ------
    Unreadable
        If it is none.
    """
    given = text(value)
    if given is None:
        return None
    try:
        number = float(unicodedata.normalize("NFKC", given).replace(",", ""))
    except ValueError:
        raise Unreadable("a whole number") from None
    if not number.is_integer():
        raise Unreadable("a whole number")
    return int(number)


def day(value: object, how: Day) -> date | None:
    """Return a cell as a day; None when nothing is there.

    Raises
    ------
    Unreadable
        If it is no day as the map says days are written, or one that stands for "not known".
    """
    if isinstance(value, datetime):
        found: date | None = value.date()
    elif isinstance(value, date):
        found = value
    else:
        given = text(value)
        if given is None:
            return None
        found = _parsed(given, how.format)
    if found is None:
        expected = f"a day written {' or '.join(how.format)}" if how.format else "a day"
        raise Unreadable(expected)
    if is_no_day(found) or (how.earliest is not None and found < how.earliest):
        raise Unreadable("a day that is believable" + (f", from {how.earliest} on" if how.earliest else ""))
    return found


@lru_cache(maxsize=100_000)
def _parsed(given: str, formats: tuple[str, ...]) -> date | None:
    for form in formats:
        try:
            return datetime.strptime(given, form).date()
        except ValueError:
            continue
    return None if formats else parse_date(given)


@lru_cache(maxsize=100_000)
def folded(given: str) -> str:
    """Return a text as tests compare it: compatibility forms and case folded, single blanks."""
    return " ".join(unicodedata.normalize("NFKC", given).casefold().split())


def _number(cell: Cell) -> int | None:
    if isinstance(cell, str):
        try:
            return whole(cell)
        except Unreadable:
            return None
    return cell if isinstance(cell, int) else None


def passes(test: Test, cell: Cell) -> bool:
    """Whether a cell passes a test."""
    if test.known is not None:
        return (cell is not None) == test.known
    if test.none_of:
        return cell is None or folded(str(cell)) not in {folded(each) for each in test.none_of}
    if cell is None:
        return False
    if test.one_of:
        return folded(str(cell)) in {folded(each) for each in test.one_of}
    if test.pattern is not None:
        return re.search(test.pattern, str(cell)) is not None
    number = _number(cell)
    least, most = test.at_least, test.at_most
    return number is not None and (least is None or number >= least) and (most is None or number <= most)


def meets(where: Where, row: Cells) -> bool:
    """Whether a row passes all tests."""
    return all(passes(test, row[column]) for column, test in where.items())


@lru_cache(maxsize=10_000)
def _regex(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


def told(how: Told | None, row: Cells) -> str | None:
    """Return what a row tells by a rule of the map; None when it tells nothing."""
    if how is None:
        return None
    if how.value is not None:
        return how.prefix + how.value
    cell = row[how.column or ""]
    if cell is None:
        return None
    given: str | None = str(cell)
    if how.words:
        given = next((value for words, value in how.words if _regex(words).search(str(cell))), None)
    elif how.codes:
        given = {folded(k): v for k, v in how.codes.items()}.get(folded(str(cell)))
    elif how.pattern and (found := _regex(how.pattern).search(str(cell))):
        given = found[0]
    elif how.pattern:
        given = None
    return how.prefix + given if given else None


def opaque(kind: str, *parts: object) -> str:
    """Return a short, deterministic id of anything, unlike that of any other kind."""
    return hashlib.sha256("|".join([kind, *map(str, parts)]).encode()).hexdigest()[:20]
