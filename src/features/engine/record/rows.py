"""Rows that a caller gives as dicts, checked against the contract and made into typed columns.

A column is looked at as a whole first (which types, which codes are there): a thousand records hold hundreds of
thousands of cells. Only where that finds something unusual are its rows read one by one, so that the error can name
the row and the column.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from features.contract import Column
from features.contract.believable import believable, bounds
from features.contract.identity import EXPECTED, RECORD_NUMBERS, any_holds, holds_identity_number, masked
from features.contract.uscc import repair
from features.errors import RecordError
from features.near import did_you_mean

Given = tuple[str, int, Mapping[str, Any]]
"""Enterprise, number of the row within its record, and the row."""

Columns = dict[str, list[Any]]
"""Cells by column, all equally many: text, int, bool, date or None."""


def _text(value: Any) -> str:
    if not isinstance(value, str) or not _writable(value):
        raise ValueError("text")
    return value


def _writable(text: str) -> bool:
    """Whether a text has no half of a surrogate pair, which UTF-8 can't write."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("a whole number")
    if not -(2**63) <= value < 2**63:
        raise ValueError("a whole number of 64 bits")
    return value


def _day(value: Any) -> date:
    try:
        if isinstance(value, datetime):
            if value.tzinfo is not None:  # a UTC evening is the next day in China
                raise TypeError("a moment")
            return value.date()
        return value if isinstance(value, date) else date.fromisoformat(value)
    except (TypeError, ValueError) as err:
        raise ValueError("a date such as 2026-01-31, without a zone") from err


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def _code(value: Any) -> str | None:
    return repair(_text(value)) or None


_ENTERPRISE = Column("enterprise_id", "text", "", required=True)
_CONVERT: dict[str, Callable[[Any], Any]] = {
    "date": _day,
    "int": _whole,
    "fen": _whole,
    "bool": _flag,
    "uscc": _code,
}
_USUAL: dict[str, type] = {"date": date, "int": int, "fen": int, "bool": bool}


def convert(column: Column, value: Any) -> Any:
    """Return the value as the contract's type; ValueError says what was expected."""
    if value is None:
        if column.required:
            raise ValueError("a value: the column is required")
        return None
    read: Callable[[Any], Any] = _CONVERT.get(column.type, _text)
    converted = read(value)
    if column.codes is not None:
        parts = converted.split(";") if column.type == "codes" else [converted]
        if not all(p in column.codes for p in parts):
            raise ValueError(f"one of {sorted(column.codes.codes)}")
    if column.type in ("int", "fen"):
        low, high = bounds(column)
        if not low <= converted <= high:
            raise ValueError(f"at least {low}" if converted < low else f"at most {high}")
    if column.type == "date" and believable().is_placeholder(converted):
        raise ValueError(believable().expected_day)
    number, code = column.name in RECORD_NUMBERS, column.type == "uscc"
    if column.is_text and holds_identity_number(converted, record_number=number, code=code):
        raise ValueError(EXPECTED)
    return converted


def _usual(column: Column, values: Sequence[Any]) -> bool:
    """Whether all values are as the contract has them, so that nothing is to convert or refuse."""
    kinds = set(map(type, values))
    if type(None) in kinds:
        if column.required:
            return False
        kinds.discard(type(None))
    usual: type = _USUAL.get(column.type, str)
    if not kinds <= {usual}:
        return False
    if column.codes is not None:
        different = set(values) - {None}
        if column.type == "codes":
            different = {part for value in different for part in value.split(";")}
        return all(code in column.codes for code in different)
    if column.type == "uscc" and any(_code(value) != value for value in values if value is not None):
        return False
    if usual is str:
        writable = _writable("".join(v for v in values if v is not None))
        number, code = column.name in RECORD_NUMBERS, column.type == "uscc"
        return writable and not any_holds(values, record_number=number, code=code)
    numbers = {v for v in values if v is not None}
    if column.type == "date":
        return not any(believable().is_placeholder(day) for day in numbers)
    if column.type in ("int", "fen") and numbers:
        low, high = bounds(column)
        return bool(low <= min(numbers) and max(numbers) <= high)
    return True


def _days(values: Sequence[Any]) -> list[Any]:
    """Turn ISO texts into dates, each different one once; what is no date stays for `convert` to refuse."""
    known: dict[Any, Any] = {}
    for value in {v for v in values if type(v) is str}:
        try:
            known[value] = date.fromisoformat(value)
        except ValueError:
            known[value] = value
    return [known.get(v, v) if type(v) is str else v for v in values]


def checked_columns(
    table: str,
    columns: Sequence[Column],
    rows: Sequence[Given],
    defaults: Mapping[str, Any],
    *,
    part: str = "table",
) -> Columns:
    """Check rows and return them as columns.

    Parameters
    ----------
    table
        Name of the table or relation, for errors.
    columns
        Contract columns, without ``enterprise_id``, which comes first in the result.
    rows
        ``enterprise_id`` may stand in a row; else it is the record's.
    defaults
        Values of columns that a row lacks.
    part
        "table" or "relation", for errors.

    Raises
    ------
    RecordError
        If a column is unknown or a value does not fit; names record, row, column and what was expected.
    """
    names = {c.name for c in columns} | {"enterprise_id"}
    for enterprise_id, number, row in rows:
        if not row.keys() <= names:
            unknown = sorted(set(row) - names)[0]
            said = f"unknown column {masked(str(unknown))}{did_you_mean(unknown, names)}"
            raise RecordError(enterprise_id, said, part=part, table=table, row=number)
    cells: dict[str, list[Any]] = {"enterprise_id": [row.get("enterprise_id", own) for own, _, row in rows]}
    usual = _usual(_ENTERPRISE, cells["enterprise_id"])
    for column in columns:
        name, default = column.name, defaults.get(column.name)
        values = [row.get(name, default) for _, _, row in rows]
        cells[column.name] = _days(values) if column.type == "date" else values
        usual = usual and _usual(column, cells[column.name])
    if not usual:
        every = [_ENTERPRISE, *columns]
        for place, (enterprise_id, number, _) in enumerate(rows):
            for column in every:
                value = cells[column.name][place]
                try:
                    cells[column.name][place] = convert(column, value)
                except ValueError as err:
                    raise RecordError(
                        enterprise_id,
                        str(err),
                        part=part,
                        table=table,
                        row=number,
                        column=column.name,
                        got=masked(repr(value)),
                    ) from err
    return cells


def numbered(rows: Iterable[Mapping[str, Any]], enterprise_id: str) -> list[Given]:
    """Number the rows of one record."""
    return [(enterprise_id, number, row) for number, row in enumerate(rows)]


def distinct(table: str, rows: Sequence[Given], found: Columns) -> Columns:
    """Hold the rows of one table against each other and leave out further copies of identical ones.

    Parameters
    ----------
    table
        Its name, for errors.
    rows
        As they were given, with the enterprise they were given for.
    found
        The same rows as typed columns, in the same order.

    Returns
    -------
    dict
        Each (record_id, version) once.

    Raises
    ------
    RecordError
        If a row is another enterprise's, was known before it occurred, has a blank record_id or one with ``;``,
        or repeats a version with other values.
    """
    identifiers = found["record_id"]
    for place, ((own, _, _), owner) in enumerate(zip(rows, found["enterprise_id"], strict=True)):
        if own != owner:
            raise _wrong(table, rows[place], "enterprise_id", owner, "the enterprise the record is given for")
    for place, identifier in enumerate(identifiers):
        if ";" in identifier or identifier != identifier.strip() or not identifier:
            raise _wrong(table, rows[place], "record_id", identifier, "text without ; and without blanks around it")
    for place, (known, occurred) in enumerate(zip(found["known_at"], found["occurred_at"], strict=True)):
        if known < occurred:
            raise _wrong(table, rows[place], "known_at", known, "no day before occurred_at")
    return found if len(set(identifiers)) == len(identifiers) else _merged(table, rows, found)


def _merged(table: str, rows: Sequence[Given], found: Columns) -> Columns:
    """Compare the rows that share a record_id."""
    first: dict[tuple[str, int], int] = {}
    kept: list[int] = []
    for place, key in enumerate(zip(found["record_id"], found["version"], strict=True)):
        before = first.setdefault(key, place)
        if before == place:
            kept.append(place)
            continue
        for column, values in found.items():
            if values[place] != values[before]:
                number = rows[before][1]
                expected = f"the value of row {number}, which has the same record_id and version"
                raise _wrong(table, rows[place], column, values[place], expected)
    return found if len(kept) == len(rows) else {c: [values[k] for k in kept] for c, values in found.items()}


def _wrong(table: str, row: Given, column: str, value: Any, expected: str) -> RecordError:
    own, number, _ = row
    shown = value.isoformat() if isinstance(value, date) else value
    return RecordError(own, expected, table=table, row=number, column=column, got=masked(repr(shown)))
