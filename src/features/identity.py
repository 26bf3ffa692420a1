"""What the contract asks of a caller's rows together: whose they are, when they were known, and each version once.

The same rules hold in `features.check` over a whole source. There a bad row is set aside and counted; a caller is
told at once, because a record with rows set aside is another record.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from features.errors import SourceError
from features.given import Given


def distinct(what: str, rows: Sequence[Given], found: pa.Table) -> pa.Table:
    """Hold the rows of one table against each other and leave out further copies of identical ones.

    Parameters
    ----------
    what
        "table" and its name, for messages.
    rows
        As they were given, with the enterprise they were given for.
    found
        The same rows as typed columns, in the same order.

    Returns
    -------
    pyarrow.Table
        Each (record_id, version) once.

    Raises
    ------
    SourceError
        If a row is another enterprise's, was known before it occurred, has a blank record_id or one with ``;``,
        or repeats a version with other values.
    """
    owners = found.column("enterprise_id").to_pylist()
    identifiers = found.column("record_id").to_pylist()
    for place, ((own, _, _), owner) in enumerate(zip(rows, owners, strict=True)):
        if own != owner:
            raise _wrong(what, rows[place], "enterprise_id", owner, "the enterprise the record is given for")
    for place, identifier in enumerate(identifiers):
        if ";" in identifier or identifier != identifier.strip() or not identifier:
            raise _wrong(what, rows[place], "record_id", identifier, "text without ; and without blanks around it")
    early = pc.less(found.column("known_at"), found.column("occurred_at"))
    if pc.any(early).as_py():
        place = early.to_pylist().index(True)
        raise _wrong(what, rows[place], "known_at", _cell(found, "known_at", place), "no day before occurred_at")
    if len(set(identifiers)) == len(identifiers):
        return found
    return _merged(what, rows, found, identifiers)


def _merged(what: str, rows: Sequence[Given], found: pa.Table, identifiers: Sequence[str]) -> pa.Table:
    """Compare the rows that share a record_id."""
    versions = found.column("version").to_pylist()
    first: dict[tuple[str, int], int] = {}
    kept: list[int] = []
    for place, key in enumerate(zip(identifiers, versions, strict=True)):
        before = first.setdefault(key, place)
        if before == place:
            kept.append(place)
            continue
        for column in found.column_names:
            if (value := _cell(found, column, place)) != _cell(found, column, before):
                number = rows[before][1]
                expected = f"the value of row {number}, which has the same record_id and version"
                raise _wrong(what, rows[place], column, value, expected)
    return found if len(kept) == len(rows) else found.take(kept)


def _cell(found: pa.Table, column: str, place: int) -> Any:
    return found.column(column)[place].as_py()


def _wrong(what: str, row: Given, column: str, value: Any, expected: str) -> SourceError:
    own, number, _ = row
    shown = value.isoformat() if isinstance(value, date) else value
    return SourceError(f"record of {own}, {what}, row {number}, column {column}: got {shown!r}, expected {expected}")
