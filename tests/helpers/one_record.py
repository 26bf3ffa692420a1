"""One enterprise's record, plain but for what a test adds: registered long ago, reports filed, all tables given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from features.contract import TABLES
from features.engine.record.record import Record

CUTOFF = date(2026, 1, 1)


def row(record_id: str, on: date, *, known: date | None = None, **cells: Any) -> dict[str, Any]:
    """A row that was known the day it happened."""
    return {"record_id": record_id, "version": 1, "occurred_at": on, "known_at": known or on, **cells}


def report(year: int, **cells: Any) -> dict[str, Any]:
    """An annual report, filed in March of the year after."""
    money = {"revenue_fen": 10**9, "assets_fen": 10**9, "liabilities_fen": 10**8}
    figures: dict[str, Any] = {**money, "employees": 12, "amended": False}
    return row(f"ar{year}", date(year + 1, 3, 1), report_year=year, **figures, **cells)


def plain(
    tables: Mapping[str, Sequence[Mapping[str, Any]]] | None = None, cutoff: date = CUTOFF, name: str = "E1"
) -> Record:
    """The record; a test's tables take the place of the plain ones."""
    register = row(
        "reg", date(2014, 5, 1), name="某某有限公司", enterprise_type="limited_company", industry="F52", status="active"
    )
    known: dict[str, Sequence[Mapping[str, Any]]] = {name: [] for name in TABLES if not TABLES[name].of_places}
    known["registration"] = [register]
    known["annual_reports"] = [report(year) for year in range(2015, cutoff.year - 1)]
    return Record(name, cutoff, {**known, **(tables or {})})
