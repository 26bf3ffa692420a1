"""A second check takes over the tables that did not change, and says what a full check says."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from features.check import check_folder
from features.check.again import STATE, check_again
from simulation import simulate, soil

AS_OF = date(2026, 1, 1)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small province with some dirt."""
    folder = tmp_path_factory.mktemp("again") / "source"
    simulate(folder, enterprises=80, months=24, seed=2, end=AS_OF)
    soil(folder, 0.01, seed=2, as_of=AS_OF)
    return folder


def _same(one: Path, other: Path) -> None:
    for part in ("clean", "quarantine"):
        names = sorted(p.name for p in (one / part).iterdir())
        assert names == sorted(p.name for p in (other / part).iterdir())
        for name in names:
            assert (one / part / name).read_bytes() == (other / part / name).read_bytes(), name
    assert json.loads((one / "report.json").read_text()) == json.loads((other / "report.json").read_text())


def _full(source: Path, out: Path, day: date = AS_OF) -> Path:
    check_folder(source, day, out)
    return out


def test_nothing_is_read_twice_and_the_result_is_the_same(source: Path, tmp_path: Path) -> None:
    first = check_again(source, AS_OF, tmp_path / "a")
    assert first.reused == ()
    second = check_again(source, AS_OF, tmp_path / "a")
    assert set(second.reused) == set(second.report.tables)
    _same(tmp_path / "a", _full(source, tmp_path / "b"))


def _grown(source: Path, folder: Path, table: str) -> Path:
    """The same records, one row of a table another one."""
    shutil.copytree(source, folder)
    path = folder / f"{table}.parquet"
    rows = pd.read_parquet(path).iloc[:-1]
    duckdb.from_df(rows).write_parquet(str(path))
    return folder


@pytest.mark.parametrize("table", ["penalties", "registration"])
def test_a_changed_table_is_read_and_the_others_are_not(source: Path, tmp_path: Path, table: str) -> None:
    check_again(source, AS_OF, tmp_path / "a")
    grown = _grown(source, tmp_path / "grown", table)
    found = check_again(grown, AS_OF, tmp_path / "a")
    assert table not in found.reused
    assert len(found.reused) > 10
    _same(tmp_path / "a", _full(grown, tmp_path / "b"))


def test_an_event_before_a_registration_that_is_new_is_set_aside(source: Path, tmp_path: Path) -> None:
    check_again(source, AS_OF, tmp_path / "a")
    later = tmp_path / "later"
    shutil.copytree(source, later)
    path = later / "registration.parquet"
    rows = pd.read_parquet(path)
    first = pd.read_parquet(source / "penalties.parquet")["enterprise_id"].iloc[0]
    rows.loc[rows["enterprise_id"] == first, "occurred_at"] = "2025-12-01"
    rows.loc[rows["enterprise_id"] == first, "known_at"] = "2025-12-02"
    duckdb.from_df(rows).write_parquet(str(path))
    found = check_again(later, AS_OF, tmp_path / "a")
    assert "penalties" not in found.reused
    _same(tmp_path / "a", _full(later, tmp_path / "b"))


def test_a_later_day_reads_again_what_was_quarantined(source: Path, tmp_path: Path) -> None:
    first = check_again(source, AS_OF, tmp_path / "a")
    day = date(2026, 2, 1)
    found = check_again(source, day, tmp_path / "a")
    dirty = {name for name, table in first.report.tables.items() if table.quarantined}
    assert dirty
    assert not dirty & set(found.reused)
    _same(tmp_path / "a", _full(source, tmp_path / "b", day))


def test_clean_files_that_somebody_touched_are_made_again(source: Path, tmp_path: Path) -> None:
    check_again(source, AS_OF, tmp_path / "a")
    clean = tmp_path / "a" / "clean" / "penalties.parquet"
    clean.write_bytes(clean.read_bytes()[:-1] + b"X")
    assert "penalties" not in check_again(source, AS_OF, tmp_path / "a").reused
    _same(tmp_path / "a", _full(source, tmp_path / "b"))


def test_another_contract_reads_everything_again(source: Path, tmp_path: Path) -> None:
    check_again(source, AS_OF, tmp_path / "a")
    state = tmp_path / "a" / STATE
    state.write_text(state.read_text().replace('"contract": "', '"contract": "0', 1))
    assert check_again(source, AS_OF, tmp_path / "a").reused == ()
