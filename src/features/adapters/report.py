"""Account that an adapter gives of every source row, and the signature that all adapters share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

PERSONS = "cells that hold a person's identity number (removed)"
"""Key of `AdapterReport.counts`: how many such cells stood in the columns that are read."""


@dataclass
class FileReport:
    """The account of one source file: ``rows_in = mapped + merged + sum(unmapped)``.

    Parameters
    ----------
    file, table
        Source file and the contract table it feeds ("" when it is left out).
    rows_in, mapped, merged
        Rows read, rows that became a record, rows that joined a record already there.
    unmapped
        Reason to number of rows that became nothing.
    lag_days, lag_source
        The reporting lag used for the file in calendar days, and the rule it comes from.
    """

    file: str
    table: str
    rows_in: int = 0
    mapped: int = 0
    merged: int = 0
    unmapped: Counter[str] = field(default_factory=Counter)
    lag_days: int = 0
    lag_source: str = ""

    @property
    def balanced(self) -> bool:
        """Whether every row is accounted for."""
        return self.rows_in == self.mapped + self.merged + self.unmapped.total()

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, reasons in alphabetical order."""
        return {
            "file": self.file,
            "table": self.table,
            "rows_in": self.rows_in,
            "mapped": self.mapped,
            "merged": self.merged,
            "unmapped": dict(sorted(self.unmapped.items())),
            "lag_days": self.lag_days,
            "lag_source": self.lag_source,
        }


@dataclass
class AdapterReport:
    """What an adapter read, wrote and left out.

    Parameters
    ----------
    source
        One line that names the source.
    files
        One account per source file that was read.
    left_out
        File to ``(rows, why)`` for files that feed no table.
    missing
        Files the adapter knows but did not find.
    tables
        Contract table to number of records written.
    counts
        Other figures worth telling: entities, repaired codes, names with several codes …
    """

    source: str
    files: list[FileReport] = field(default_factory=list)
    left_out: dict[str, tuple[int, str]] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    tables: dict[str, int] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def balanced(self) -> bool:
        """Whether every row of every file read is accounted for."""
        return all(f.balanced for f in self.files)

    @property
    def unmapped(self) -> int:
        """Rows of the files read that became no record."""
        return sum(f.unmapped.total() for f in self.files)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "source": self.source,
            "files": [f.as_dict() for f in self.files],
            "left_out": {k: {"rows": n, "why": why} for k, (n, why) in sorted(self.left_out.items())},
            "missing": sorted(self.missing),
            "tables": dict(sorted(self.tables.items())),
            "counts": dict(sorted(self.counts.items())),
        }


class Adapter(Protocol):
    """Turns a folder of outside data into a folder that obeys the source contract."""

    def __call__(self, source: Path, out: Path, *, inspections: Sequence[str]) -> AdapterReport:
        """Read ``source``, write the contract folder ``out`` and account for every row.

        Parameters
        ----------
        source, out
            Folder of the outside data; folder to write, made if needed.
        inspections
            Which of the source's inspection files give the outcomes.
        """
        ...
