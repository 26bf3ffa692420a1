"""A source folder written for a check, and what the check laid down beside it."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from features.check import CheckReport, check_folder

AS_OF = date(2024, 6, 30)
REGISTRATION = """\
record_id,version,enterprise_id,occurred_at,known_at,uscc,name,enterprise_type,status
r1,1,e1,2020-01-01,2020-01-05,91110000600037341L,甲,limited_company,active
r2,1,e2,2020-01-01,2020-01-05,,乙,limited_company,active
"""
PENALTIES = "record_id,version,enterprise_id,occurred_at,known_at,penalty_kinds,fine_fen\n"


def check(folder: Path, **options: Any) -> CheckReport:
    """Check a folder into ``out`` beside it."""
    return check_folder(folder, AS_OF, folder.parent / "out", **options)


def clean(folder: Path, table: str, columns: str = "*") -> list[tuple[Any, ...]]:
    """Clean rows of a table."""
    return duckdb.read_parquet(str(folder.parent / "out" / "clean" / f"{table}.parquet")).project(columns).fetchall()


def quarantined(folder: Path, table: str) -> dict[int, str]:
    """Reasons by source row."""
    path = folder.parent / "out" / "quarantine" / f"{table}.parquet"
    return dict(duckdb.read_parquet(str(path)).project("source_row, reason").fetchall())


def penalties(folder: Path, *lines: str) -> None:
    """Write penalties as CSV."""
    (folder / "penalties.csv").write_text(PENALTIES + "\n".join(lines) + "\n", encoding="utf-8")


def parquet(folder: Path, table: str, **columns: Any) -> None:
    """Write a one- or two-row Parquet table: good values, but for the columns given."""
    rows = len(next(iter(columns.values())))
    good: dict[str, Any] = {
        "record_id": [f"p{i}" for i in range(rows)],
        "version": [1] * rows,
        "enterprise_id": ["e1"] * rows,
        "occurred_at": [date(2024, 1, 5)] * rows,
        "known_at": [date(2024, 2, 1)] * rows,
        "penalty_kinds": ["fine"] * rows,
    }
    pq.write_table(pa.table({**good, **columns}), folder / f"{table}.parquet")


def manifest(folder: Path, **said: Any) -> None:
    """Write what the source says of itself."""
    (folder / "manifest.json").write_text(json.dumps(said), encoding="utf-8")
