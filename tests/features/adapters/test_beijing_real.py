"""The Beijing adapter on the real rows: accounts, rates near those of the source's own notes, bytes."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from features.adapters import ADAPTERS, AdapterReport
from features.check import check_folder
from helpers.beijing import BEIJING

pytestmark = [pytest.mark.real, pytest.mark.slow]

Made = tuple[Path, AdapterReport]


@pytest.fixture(scope="module")
def culture(beijing: dict[str, Made]) -> Made:
    return beijing["culture"]


@pytest.fixture(scope="module")
def districts(beijing: dict[str, Made]) -> Made:
    return beijing["districts"]


@pytest.mark.parametrize("which", ["culture", "districts"])
def test_no_row_of_any_file_is_lost(which: str, shared: Path, request: pytest.FixtureRequest) -> None:
    _, report = request.getfixturevalue(which)
    source = shared / "data" / "beijing_open"
    rows = {p.name: pq.read_metadata(p).num_rows for p in source.glob("*.parquet")}
    said = {f.file: f.rows_in for f in report.files} | {f: n for f, (n, _) in report.left_out.items()}
    assert said == rows
    for f in report.files:
        assert f.rows_in == f.mapped + f.merged + f.unmapped.total(), f.file


def test_no_outcome_of_the_real_files_is_unknown(culture: Made, districts: Made) -> None:
    for _, report in (culture, districts):
        for f in report.files:
            assert f.unmapped["outcome not in the mapping"] == 0, f.file


@pytest.mark.parametrize(("which", "low", "high"), [("culture", 0.015, 0.045), ("districts", 0.08, 0.18)])
def test_violation_rates_are_those_of_the_source(
    which: str, low: float, high: float, request: pytest.FixtureRequest
) -> None:
    out, _ = request.getfixturevalue(which)
    query = "SELECT avg((result_codes <> '1')::INT) FROM read_parquet(?)"
    answer = duckdb.execute(query, [str(out / "inspections.parquet")]).fetchall()[0]
    assert answer is not None
    assert low < answer[0] < high


def test_only_fengtai_and_miyun_have_random_visits(culture: Made, districts: Made) -> None:
    query = "SELECT count(*) FILTER (arm = 'random') FROM read_parquet(?)"
    counts = [
        duckdb.execute(query, [str(out / "inspections.parquet")]).fetchall()[0] for out, _ in (culture, districts)
    ]
    assert counts[0] == (0,)
    assert counts[1] is not None
    assert counts[1][0] > 50


@pytest.mark.parametrize("which", ["culture", "districts"])
def test_the_contract_quarantines_nothing(which: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    out, _ = request.getfixturevalue(which)
    totals = check_folder(out, date(2099, 1, 1), tmp_path).as_dict()["totals"]
    assert (totals["quarantined"], totals["merged"], totals["orphans"]) == (0, 0, 0)


def test_same_input_same_bytes(culture: Made, shared: Path, tmp_path: Path) -> None:
    out, _ = culture
    ADAPTERS["beijing"](shared / "data" / "beijing_open", tmp_path, inspections=BEIJING["culture"])
    for path in sorted(out.iterdir()):
        again = (tmp_path / path.name).read_bytes()
        assert hashlib.sha256(path.read_bytes()).digest() == hashlib.sha256(again).digest(), path.name
