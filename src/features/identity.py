"""What the contract asks of a caller's rows together: whose they are, when they were known, and each version once.

The same rules hold in `features.check` over a whole source. There a bad row is set aside and counted; a caller is
told at once, because a record with rows set aside is another record.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from features.engine.record.rows import Columns, Given
from features.errors import SourceError


def distinct(what: str, rows: Sequence[Given], found: Columns) -> Columns:
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
    dict
        Each (record_id, version) once.

    Raises
    ------
    SourceError
        If a row is another enterprise's, was known before it occurred, has a blank record_id or one with ``;``,
        or repeats a version with other values.
    """
    identifiers = found["record_id"]
    for place, ((own, _, _), owner) in enumerate(zip(rows, found["enterprise_id"], strict=True)):
        if own != owner:
            raise _wrong(what, rows[place], "enterprise_id", owner, "the enterprise the record is given for")
    for place, identifier in enumerate(identifiers):
        if ";" in identifier or identifier != identifier.strip() or not identifier:
            raise _wrong(what, rows[place], "record_id", identifier, "text without ; and without blanks around it")
    for place, (known, occurred) in enumerate(zip(found["known_at"], found["occurred_at"], strict=True)):
        if known < occurred:
            raise _wrong(what, rows[place], "known_at", known, "no day before occurred_at")
    return found if len(set(identifiers)) == len(identifiers) else _merged(what, rows, found)


def _merged(what: str, rows: Sequence[Given], found: Columns) -> Columns:
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
                raise _wrong(what, rows[place], column, values[place], expected)
    return found if len(kept) == len(rows) else {c: [values[k] for k in kept] for c, values in found.items()}


def _wrong(what: str, row: Given, column: str, value: Any, expected: str) -> SourceError:
    own, number, _ = row
    shown = value.isoformat() if isinstance(value, date) else value
    return SourceError(f"record of {own}, {what}, row {number}, column {column}: got {shown!r}, expected {expected}")
