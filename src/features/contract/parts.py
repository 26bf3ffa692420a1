"""Columns that several tables share."""

from __future__ import annotations

from features.contract.types import Column

ENDED = Column("ended_on", "date", "结束日期", "when it ended; a later version brings it; empty: still runs")


def money(name: str, zh: str, meaning: str = "", minimum: int | None = 0) -> Column:
    """Return an optional column of money."""
    return Column(name, "fen", zh, meaning, minimum=minimum)


def ref(name: str, zh: str, meaning: str) -> Column:
    """Return a required column that refers to something by id."""
    return Column(name, "text", zh, meaning, required=True)
