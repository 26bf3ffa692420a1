"""Maps of the real folders beside the adapters in code: the same visits, places, and all rows accounted for."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pytest

from features.adapters import ADAPTERS, AdapterReport
from features.adapters.table import load_map
from features.check import check_folder
from helpers.root import ROOT

pytestmark = [pytest.mark.real, pytest.mark.slow]

MAPS = ROOT / "data" / "maps"
Made = tuple[Path, AdapterReport]


@pytest.fixture(scope="module")
def by_map(chicago: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    out = tmp_path_factory.mktemp("by_map")
    return out, ADAPTERS["table"](chicago, out, city_map=MAPS / "chicago.toml")


@pytest.fixture(scope="module")
def by_code(chicago: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    out = tmp_path_factory.mktemp("by_code")
    return out, ADAPTERS["chicago"](chicago, out, inspections=("canvass",))


def asked(query: str, folder: Path, table: str) -> list[tuple[object, ...]]:
    return duckdb.execute(query, [str(folder / f"{table}.parquet")]).fetchall()


def test_chicagos_map_is_short_and_reads_nothing_that_looks_ahead() -> None:
    assert len((MAPS / "chicago.toml").read_text(encoding="utf-8").splitlines()) <= 80
    city = load_map(MAPS / "chicago.toml")
    read = {column for _, _, column in city.reads()}
    assert not read & {"pass_flag", "fail_flag", "pastCritical", "timeSinceLast", "maxDate", "LICENSE_STATUS"}
    assert not {file for _, file, _ in city.reads()} & {"inspector_visits_anonymised", "city_model_scores"}


def test_chicago_by_map_has_the_visits_of_the_adapter_in_code(by_map: Made, by_code: Made) -> None:
    columns = "occurred_at, known_at, arm, trigger, result_codes"
    query = f"SELECT {columns}, count(*) FROM read_parquet(?) GROUP BY ALL ORDER BY ALL"
    assert asked(query, by_map[0], "inspections") == asked(query, by_code[0], "inspections")


def test_chicago_by_map_has_its_places_in_their_trades_and_districts(by_map: Made, by_code: Made) -> None:
    query = (
        "SELECT industry, region, known_at, count(*) FROM read_parquet(?) WHERE version = 1 GROUP BY ALL ORDER BY ALL"
    )
    assert asked(query, by_map[0], "registration") == asked(query, by_code[0], "registration")


def test_chicago_by_map_finds_its_serious_visits_and_its_calls(by_map: Made, by_code: Made) -> None:
    serious = (
        "SELECT occurred_at, count(*) FROM read_parquet(?) WHERE name = 'serious' AND value > 0 GROUP BY 1 ORDER BY 1"
    )
    talks = "SELECT occurred_at, count(*) FROM read_parquet(?) GROUP BY 1 ORDER BY 1"
    assert asked(serious, by_map[0], "measures") == asked(talks, by_code[0], "warning_talks")
    [(calls,)] = asked("SELECT count(*) FROM read_parquet(?) WHERE kind = 'sanitation_call'", by_map[0], "events")
    [(expected,)] = asked("SELECT count(*) FROM read_parquet(?)", by_code[0], "complaints")
    # The map counts a place without a licence as older than the calls, and of two rows of one call takes the earlier.
    assert isinstance(calls, int)
    assert isinstance(expected, int)
    assert abs(calls - expected) <= 0.01 * expected


def test_the_contract_takes_chicago_by_map_whole(by_map: Made, tmp_path: Path) -> None:
    folder, report = by_map
    assert report.balanced
    totals = check_folder(folder, date(2100, 1, 1), tmp_path).as_dict()["totals"]
    assert (totals["quarantined"], totals["merged"], totals["orphans"]) == (0, 0, 0)


def test_miyun_by_map_has_the_visits_of_the_adapter_in_code(shared: Path, tmp_path: Path) -> None:
    source = shared / "data" / "beijing_open"
    report = ADAPTERS["table"](source, tmp_path / "map", city_map=MAPS / "miyun.toml")
    ADAPTERS["beijing"](source, tmp_path / "code", inspections=["miyun_emergency"])
    query = "SELECT occurred_at, known_at, result_codes, count(*) FROM read_parquet(?) GROUP BY ALL ORDER BY ALL"
    assert report.balanced
    assert asked(query, tmp_path / "map", "inspections") == asked(query, tmp_path / "code", "inspections")
    totals = check_folder(tmp_path / "map", date(2100, 1, 1), tmp_path / "checked").as_dict()["totals"]
    assert (totals["quarantined"], totals["orphans"]) == (0, 0)
