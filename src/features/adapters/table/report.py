"""Account of a map's run: every row's fate as of any adapter, and cells that were not what the map expected."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from features.adapters.report import AdapterReport, FileReport

SHOWN = 3
"""Rows named for each kind of fault; the others are counted."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A cell that can't be read: file, column, row from 1, and what was expected. Its value is not kept."""

    file: str
    column: str
    row: int
    expected: str


@dataclass
class MapReport(AdapterReport):
    """What a map made of a folder.

    Parameters
    ----------
    faults
        Number of cells by (file, column, what was expected).
    examples
        The first rows of each, in the order of the file.
    left
        By (file, table, reason) the first rows that became nothing.
    """

    faults: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    examples: dict[tuple[str, str, str], list[int]] = field(default_factory=dict)
    left: dict[tuple[str, str, str], list[int]] = field(default_factory=dict)

    def fault(self, found: Fault) -> None:
        """Count a cell that can't be read."""
        kind = (found.file, found.column, found.expected)
        self.faults[kind] += 1
        rows = self.examples.setdefault(kind, [])
        if len(rows) < SHOWN:
            rows.append(found.row)

    def leave(self, account: FileReport, file: str, row: int, reason: str) -> None:
        """Count a row that becomes nothing, and remember the first of each reason."""
        account.unmapped[reason] += 1
        rows = self.left.setdefault((file, account.table, reason), [])
        if len(rows) < SHOWN:
            rows.append(row)

    def left_lines(self) -> list[str]:
        """Return one line a reason for which rows became nothing: file, table, the first rows, the reason."""
        return [
            f"{file}, for {table}, row{'s' if len(rows) > 1 else ''} {', '.join(map(str, rows))}"
            f"{' …' if len(rows) == SHOWN else ''}: {reason}"
            for (file, table, reason), rows in sorted(self.left.items())
        ]

    def begin(self, file: str, table: str, rows: int, merged: int, lag: int, rule: str) -> FileReport:
        """Open the account of one rule over a file: its rows, and those merged before it was asked."""
        account = FileReport(file, table, rows + merged, 0, merged, lag_days=lag, lag_source=rule)
        self.files.append(account)
        return account

    def fault_lines(self) -> list[str]:
        """Return one line a kind of fault: file, column, rows, what was expected."""
        return [
            f"{file}, column {column}, row{'s' if n > 1 else ''} {', '.join(map(str, self.examples[kind]))}"
            f"{f' and {n - SHOWN:,} more' if n > SHOWN else ''}: expected {expected}"
            for kind, n in sorted(self.faults.items())
            for file, column, expected in [kind]
        ]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        faults = [
            {"file": f, "column": c, "expected": e, "cells": n, "rows": self.examples[f, c, e]}
            for (f, c, e), n in sorted(self.faults.items())
        ]
        left = [
            {"file": file, "table": table, "reason": reason, "rows": rows}
            for (file, table, reason), rows in sorted(self.left.items())
        ]
        return {**super().as_dict(), "faults": faults, "left": left}
