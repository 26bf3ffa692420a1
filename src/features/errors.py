"""Errors a user can act on; the command line prints their message and exits with 2."""

from __future__ import annotations


class FenleiError(Exception):
    """Base of every error that is the caller's to mend."""


class ConfigError(FenleiError):
    """A policy or experiment file is missing or wrong."""


class WrongKey(ValueError):
    """What a policy's own check finds wrong, with the key it is about: the reader of the file tells its line.

    Parameters
    ----------
    message
        What was expected.
    place
        The key within the policy that checks, from the outside in; numbers from 0 within arrays.
    """

    def __init__(self, message: str, *place: str | int) -> None:
        super().__init__(message)
        self.place = place


class SourceError(FenleiError):
    """A source folder can't be read as the contract asks."""


class RecordError(SourceError):
    """A record given for one enterprise breaks the contract, and where.

    Parameters
    ----------
    enterprise_id
        Whose record it is.
    expected
        What was expected there, without the value.
    part, table
        "table" or "relation" and its name.
    row, column
        Number of the row, from 0, and the column; None where all of it is meant.
    got
        The value as it is shown in the message; a caller's answer leaves it out, since it may be a person's.
    """

    def __init__(
        self,
        enterprise_id: str,
        expected: str,
        *,
        part: str = "table",
        table: str | None = None,
        row: int | None = None,
        column: str | None = None,
        got: str | None = None,
    ) -> None:
        places = [f"record of {enterprise_id}"]
        places += [] if table is None else [f"{part} {table}"]
        places += [] if row is None else [f"row {row}"]
        places += [] if column is None else [f"column {column}"]
        said = expected if got is None else f"got {got}, expected {expected}"
        super().__init__(f"{', '.join(places)}: {said}")
        self.enterprise_id = enterprise_id
        self.expected = expected
        self.part = part
        self.table = table
        self.row = row
        self.column = column


class EngineError(FenleiError):
    """An engine could not compute something; names the step, and the table and column where they are known."""


class CatalogueError(FenleiError):
    """An indicator is declared wrongly, or a name is not in the catalogue."""
