"""Whole-chain promises: every table matters, and the same seed gives the same bytes all the way."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from features import CATALOGUE, cohort, compute_indicators
from features.catalogue.relations import tables_read
from features.check import check_folder
from features.contract import TABLES
from features.contract.local import LOCAL_TABLES
from features.engine.duckdb_engine import evaluate
from features.errors import SourceError
from features.records.store import open_folder
from features.scope import Scope
from features.table.month import read_table, write_clean_table, write_table
from helpers.scope import HEBEI
from simulation import simulate

CUTOFF = date(2026, 1, 1)


def test_the_simulated_province_has_no_quarantined_row(small_province: Path, tmp_path: Path) -> None:
    report = check_folder(small_province, CUTOFF, tmp_path)
    assert report.totals["quarantined"] == 0
    assert set(report.tables) == set(TABLES)
    assert report.ok


OF_A_PLACE = {table.name for table in LOCAL_TABLES}
"""Tables that a place's own map alone reads; `tests/features/catalogue/sectors/test_place.py` holds them."""


@pytest.mark.parametrize("table", [name for name in TABLES if name not in OF_A_PLACE])
def test_some_indicator_varies_because_of_the_table(table: str, small_clean: Path) -> None:
    """Emptying a table (registration: changing its attributes) moves an indicator that reads it."""
    readers = [n for n, i in CATALOGUE.items() if table in tables_read(i.formula.parts)]
    assert readers
    pairs = cohort(small_clean, [CUTOFF], HEBEI)
    store = open_folder(small_clean)
    try:
        full = evaluate(store, pairs, Scope("hebei", names=readers))
        if table == "registration":
            changed = "SELECT * REPLACE (occurred_at - 1000 AS occurred_at, NULL AS address_id)"
        else:
            changed = "SELECT *"
        store.con.execute(f"ALTER VIEW raw_{table} RENAME TO full_{table}")
        limit = "" if table == "registration" else " LIMIT 0"
        store.con.execute(f"CREATE VIEW raw_{table} AS {changed} FROM full_{table}{limit}")
        less = evaluate(store, pairs, Scope("hebei", names=readers))
    finally:
        store.close()
    moved = [n for n in readers if not full[n].equals(less[n])]
    assert any((full[n] != full[n].iloc[0]).any() for n in moved)


def digests(folder: Path) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.iterdir()) if p.is_file()}


def test_same_seed_gives_the_same_bytes_of_records_and_indicators(tmp_path: Path) -> None:
    found = []
    for run in ("one", "two"):
        folder = tmp_path / run / "province"
        simulate(folder, enterprises=600, months=48, seed=3)
        write_table(folder, CUTOFF, tmp_path / run / "indicators.parquet", HEBEI)
        found.append(digests(folder) | digests(tmp_path / run))
    assert found[0] == found[1]
    simulate(tmp_path / "other" / "province", enterprises=600, months=48, seed=4)
    assert digests(tmp_path / "other" / "province") != found[0]


def test_a_written_indicator_table_reads_back_as_it_was_computed(small_clean: Path, tmp_path: Path) -> None:
    about = write_clean_table(small_clean, CUTOFF, tmp_path / "i.parquet", HEBEI)
    frame, meta = read_table(tmp_path / "i.parquet")
    assert meta["catalogue"] == about["catalogue"]
    assert meta["enterprises"] == len(frame)
    again = compute_indicators(small_clean, cohort(small_clean, [CUTOFF], HEBEI), HEBEI)
    pd.testing.assert_frame_equal(frame.drop(columns="uscc"), again)


def test_a_past_month_recomputed_from_a_later_source_is_the_same_table(tmp_path: Path) -> None:
    """The source goes on for a year: the indicators of a month in between stay byte for byte the same."""
    past = date(2025, 1, 1)
    simulate(tmp_path / "later", enterprises=600, months=48, seed=3)
    write_table(tmp_path / "later", past, tmp_path / "a.parquet", HEBEI)
    cut = tmp_path / "cut"
    cut.mkdir()
    for file in (tmp_path / "later").glob("*.parquet"):
        rows = pd.read_parquet(file, dtype_backend="pyarrow")  # numpy would make decimals of whole amounts
        rows[rows["known_at"] < past].to_parquet(cut / file.name)
    (cut / "manifest.json").write_bytes((tmp_path / "later" / "manifest.json").read_bytes())
    write_table(cut, past, tmp_path / "b.parquet", HEBEI)
    pd.testing.assert_frame_equal(read_table(tmp_path / "a.parquet")[0], read_table(tmp_path / "b.parquet")[0])


@pytest.mark.parametrize("what", ["missing", "csv", "other"])
def test_what_is_no_indicator_table_is_said_to_be_none(what: str, tmp_path: Path) -> None:
    path = tmp_path / f"{what}.parquet"
    if what == "csv":
        path.write_text("enterprise_id,cutoff\nE1,2026-01-01\n", encoding="utf-8")
    elif what == "other":
        pd.DataFrame({"enterprise_id": ["E1"], "cutoff": [CUTOFF]}).to_parquet(path)
    with pytest.raises(SourceError, match=f"{what}.parquet is no indicator table"):
        read_table(path)
