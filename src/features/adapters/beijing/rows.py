"""Rows: each source row becomes one draft record, or is left out with the reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from features.adapters.names import Code, is_masked_person, is_short, normalise_name, read_code
from features.adapters.text import is_no_day, parse_date
from features.contract.identity import holds_identity_number

Cells = Mapping[str, str | None]
"""One source row: column to the text as published."""

PERSON = "natural person"
SHORT_NAME = "name too short to tell from a person's"
NOBODY = "no enterprise name or code"
NO_DATE = "no date"
BAD_DATE = "date not readable"
PLACEHOLDER = "date that stands for 'not known'"
BAD_OUTCOME = "outcome not in the mapping"
DELETED = "deleted by the source"
NO_DECISION_DATE = "no decision date"

LAG_RULE = "7 working days to collect (at most 10 calendar days) and up to 20 days to publish [K: in calendar days]"
PUBLISHED_LAG_DAYS = 30
"""Reporting lag of a source that gives only the day of the event; see `LAG_RULE`."""


class Unmappable(Exception):
    """A row that can't become a record; its text is the reason that is counted."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A row that reads well, its enterprise not yet resolved.

    Parameters
    ----------
    name, code
        Normalised name ("" when missing) and code.
    occurred, known
        When it happened and when the regulator came to know it.
    key
        What makes two rows of one enterprise the same record.
    values
        Contract columns of the table.
    region
        District of the authority, where the source is one district's.
    """

    name: str
    code: Code
    occurred: date
    known: date
    key: str
    values: dict[str, Any] = field(default_factory=dict)
    region: str | None = None


@dataclass(frozen=True)
class SourceFile:
    """One file of the folder and how its rows are read.

    Parameters
    ----------
    file
        File name without ``.parquet``.
    table
        Contract table it feeds.
    columns
        Columns that must be there.
    parse
        Reads one row; raises `Unmappable`.
    lag_days, lag_source
        Calendar days from the event until it is known, and the rule that says so.
    """

    file: str
    table: str
    columns: tuple[str, ...]
    parse: Callable[[Cells], Draft]
    lag_days: int = PUBLISHED_LAG_DAYS
    lag_source: str = LAG_RULE


def who(row: Cells, name_column: str, code_column: str | None) -> tuple[str, Code]:
    """Name and code of a row's enterprise.

    Raises
    ------
    Unmappable
        If it is, or may be, a natural person, or is nobody at all.
    """
    name = normalise_name(row[name_column])
    code = read_code(row[code_column] if code_column else None)
    if is_masked_person(name) or holds_identity_number(name):
        raise Unmappable(PERSON)
    if code.value is None and is_short(name):
        raise Unmappable(SHORT_NAME)
    if not name and code.value is None:
        raise Unmappable(NOBODY)
    return name, code


def number_of(text: str | None) -> str | None:
    """Return a document's or licence's number as published; None when there is none, or when it is a person's."""
    value = (text or "").strip()
    return None if holds_identity_number(value, record_number=True) else value or None


def when(row: Cells, column: str) -> date:
    """Date of a row.

    Raises
    ------
    Unmappable
        If the cell is empty or can't be read.
    """
    text = (row[column] or "").strip()
    if text in ("", "/"):
        raise Unmappable(NO_DATE)
    day = parse_date(text)
    if day is None:
        raise Unmappable(BAD_DATE)
    if is_no_day(day):
        raise Unmappable(PLACEHOLDER)
    return day


def known_on(occurred: date, lag_days: int, published: str | None = None) -> date:
    """Day the record became known: its own publication date where it has one, else after the lag.

    A publication date before the event is a slip and is not believed.
    """
    day = parse_date(published)
    return day if day is not None and day >= occurred else occurred + timedelta(days=lag_days)
