"""A table of figures that a terminal shows and a page holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.table import Table


@dataclass
class Grid:
    """A title, columns and rows of texts.

    Parameters
    ----------
    name
        Of the block of a page that it fills.
    title
        What is measured.
    note
        A sentence below the rows, such as what bounds them.
    """

    name: str
    title: str
    columns: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)
    note: str = ""

    def shown(self) -> Table:
        """Return it for the terminal."""
        table = Table(title=self.title, caption=self.note or None)
        for column in self.columns:
            table.add_column(column, justify="right")
        for row in self.rows:
            table.add_row(*row)
        return table

    def markdown(self) -> str:
        """Return it for a page."""
        lines = [f"{self.title[:1].upper()}{self.title[1:]}.", "", "| " + " | ".join(self.columns) + " |"]
        lines.append("|" + "---|" * len(self.columns))
        lines += ["| " + " | ".join(row) + " |" for row in self.rows]
        return "\n".join([*lines, "", self.note] if self.note else lines)
