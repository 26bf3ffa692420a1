"""Report of a check, as data and as a table for people."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from features.contract import TABLES

if TYPE_CHECKING:
    from rich.console import Group


REASONS_NAMED = 3
"""How many reasons for quarantine a sentence names."""

NOTICES = frozenset({"time_of_day", "time_with_zone"})
"""Kinds of oddity that need no mending: what was taken for what, said once."""


@dataclass(frozen=True)
class Oddity:
    """Something odd that stops no row: a kind, in words, how often, and a few examples."""

    table: str
    kind: str
    text: str
    count: int = 1
    examples: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the warning as plain JSON types."""
        return {
            "table": self.table,
            "kind": self.kind,
            "text": self.text,
            "count": self.count,
            "examples": list(self.examples),
        }


@dataclass(frozen=True)
class TableReport:
    """What became of the rows of one table.

    Parameters
    ----------
    table, file
        Contract table and name of the file.
    rows_in, kept, merged, quarantined, unmapped
        Every row that came in is in exactly one of the other four. ``merged`` are further copies
        of a kept row; ``unmapped`` are rows an adapter could not map (a check itself has none).
    orphans, orphan_enterprises
        Kept rows whose enterprise is not in the clean registration, and how many enterprises those are.
    reasons
        Quarantined rows by ``column: kind``; a row with two reasons counts under both.
    hints
        What such rows look like and what the source should do, and in how many rows; without their values.
    missing_columns
        Optional columns the file doesn't have; they are empty in the clean table.
    """

    table: str
    file: str
    rows_in: int
    kept: int
    merged: int
    quarantined: int
    unmapped: int = 0
    orphans: int = 0
    orphan_enterprises: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    hints: dict[str, int] = field(default_factory=dict)
    missing_columns: tuple[str, ...] = ()

    @property
    def balanced(self) -> bool:
        """Whether nothing is lost: rows in = kept + merged + quarantined + unmapped."""
        return self.rows_in == self.kept + self.merged + self.quarantined + self.unmapped

    @property
    def fate(self) -> str:
        """Sentence on what became of the rows, with the commonest reasons for quarantine."""
        common = sorted(self.reasons.items(), key=lambda one: (-one[1], one[0]))[:REASONS_NAMED]
        why = f" ({', '.join(f'{reason} {n:,}' for reason, n in common)})" if common else ""
        return (
            f"of {self.rows_in:,} rows of {self.file}, {self.kept:,} are usable and {self.quarantined:,} "
            f"went to quarantine{why}"
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the table's report as plain JSON types."""
        return {
            "file": self.file,
            "rows_in": self.rows_in,
            "kept": self.kept,
            "merged": self.merged,
            "quarantined": self.quarantined,
            "unmapped": self.unmapped,
            "orphans": self.orphans,
            "orphan_enterprises": self.orphan_enterprises,
            "reasons": dict(sorted(self.reasons.items())),
            "hints": dict(sorted(self.hints.items())),
            "missing_columns": list(self.missing_columns),
        }


@dataclass(frozen=True)
class CheckReport:
    """What a check of a folder found.

    Parameters
    ----------
    as_of
        Day after which nothing may be known.
    tables
        Report by table, in contract order; only tables that are there.
    warnings
        What is odd but stopped no row.
    """

    as_of: date
    tables: dict[str, TableReport]
    warnings: tuple[Oddity, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every row was usable (none quarantined, unmapped, left out or lost) and registration has one."""
        return (
            self.tables["registration"].kept > 0
            and not self.misnamed
            and all(t.balanced and not t.quarantined and not t.unmapped for t in self.tables.values())
        )

    @property
    def misnamed(self) -> tuple[Oddity, ...]:
        """Files and columns that are not read because they are only almost named as the contract has them."""
        return tuple(w for w in self.warnings if w.kind in ("misnamed_file", "misnamed_column"))

    @property
    def missing_tables(self) -> tuple[str, ...]:
        """Optional tables that the folder doesn't have; their indicators will be unknown."""
        return tuple(name for name in TABLES if name not in self.tables)

    @property
    def orphans(self) -> int:
        """Kept rows whose enterprise is not in the clean registration, over all tables."""
        return sum(t.orphans for t in self.tables.values())

    @property
    def totals(self) -> dict[str, int]:
        """Rows in, kept, merged, quarantined, unmapped and orphans over all tables."""
        total: Counter[str] = Counter()
        for t in self.tables.values():
            total.update(
                rows_in=t.rows_in,
                kept=t.kept,
                merged=t.merged,
                quarantined=t.quarantined,
                unmapped=t.unmapped,
                orphans=t.orphans,
            )
        return dict(total)

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON types; the same check gives the same dictionary."""
        return {
            "as_of": self.as_of.isoformat(),
            "ok": self.ok,
            "totals": self.totals,
            "tables": {name: t.as_dict() for name, t in self.tables.items()},
            "missing_tables": list(self.missing_tables),
            "warnings": [w.as_dict() for w in self.warnings],
        }


def render(report: CheckReport) -> Group:
    """Return the report for a terminal: a table of counts, the reasons, the warnings (rich)."""
    from rich.console import Group
    from rich.markup import escape
    from rich.table import Table
    from rich.text import Text

    grid = Table(title=f"Source tables against the contract, as of {report.as_of}", title_justify="left")
    grid.add_column("table")
    for name in ("rows in", "kept", "merged", "quarantined", "orphans"):
        grid.add_column(name, justify="right")
    for name, t in report.tables.items():
        bad = f"[red]{t.quarantined:,}[/red]" if t.quarantined else "0"
        grid.add_row(
            f"{name} {TABLES[name].zh}",
            f"{t.rows_in:,}",
            f"{t.kept:,}",
            f"{t.merged:,}",
            bad,
            f"{t.orphans:,}",
        )
    total = report.totals
    grid.add_section()
    grid.add_row(
        "all",
        *(f"{total[k]:,}" for k in ("rows_in", "kept", "merged", "quarantined", "orphans")),
        style="bold",
    )
    lines = [
        f"[red]quarantined[/red] {name}: {count:,} x {escape(reason)}"
        for name, t in report.tables.items()
        for reason, count in sorted(t.reasons.items(), key=lambda item: (-item[1], item[0]))
    ]
    lines += [
        f"[red]what to do[/red] {name}: {count:,} x {escape(hint)}"
        for name, t in report.tables.items()
        for hint, count in sorted(t.hints.items())
    ]
    lines += [f"[red]misnamed[/red] {_where(w)}{escape(w.text)}" for w in report.misnamed]
    inferred = [w.table for w in report.warnings if w.kind == "coverage_inferred"]
    if inferred:
        lines.append(
            "[yellow]warning[/yellow] covers_from not said by the source, taken from the earliest known_at: "
            + ", ".join(inferred)
        )
    for w in report.warnings:
        if w.kind == "coverage_inferred" or w in report.misnamed:
            continue
        shown = f" (such as {', '.join(w.examples)})" if w.examples else ""
        count = f"{w.count:,} x " if w.table else ""  # what concerns the folder is there once
        label = "notice" if w.kind in NOTICES else "[yellow]warning[/yellow]"
        lines.append(f"{label} {_where(w)}{count}{escape(w.text + shown)}")
    if report.missing_tables:
        lines.append(f"not there, so unknown: {', '.join(report.missing_tables)}")
    lines.append(f"[bold]{_verdict(report)}[/bold]")
    return Group(grid, *(Text.from_markup(line) for line in lines))


def _where(oddity: Oddity) -> str:
    return f"{oddity.table}: " if oddity.table else ""


def _verdict(report: CheckReport) -> str:
    if report.ok:
        return "every row is usable"
    said = []
    if report.misnamed:
        said.append("something was left out: see the names above")
    if any(t.quarantined for t in report.tables.values()):
        said.append("not every row is usable; see quarantine/")
    return "; ".join(said) or "registration has no usable row"
