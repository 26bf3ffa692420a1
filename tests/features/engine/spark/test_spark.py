"""DuckDB, Spark and the one-enterprise path give the same table, cell for cell."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from features.catalogue import CATALOGUE, RECENT, of_province
from features.catalogue.evidence import EVIDENCE
from features.catalogue.relations import POPULATION
from features.check import check_folder
from features.contract import TABLES
from features.engine.choice import run_engine
from features.engine.duckdb_engine import as_frame, compute_indicators
from features.engine.record.record import extract_context, indicators_of
from features.engine.spark import compute_indicators as on_spark
from features.errors import SourceError
from features.records.store import open_folder
from features.scope import Scope
from features.table.month import read_table, write_clean_table
from helpers.clean import clean_folder
from helpers.place import PLACE, write_place
from helpers.records import CUTOFF, ENTERPRISES, move_the_future, province
from helpers.scope import EVERYTHING
from simulation import simulate

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

COVERED = {t: date(2000, 1, 1) for t in TABLES} | {"penalties": date(2021, 6, 1)}
END = date(2026, 1, 1)
CUTOFFS = (CUTOFF, date(2023, 7, 1), date(2022, 3, 31))


def assert_same_cells(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    """Index, columns, types, every number to its last bit, and every text; unknown equals unknown."""
    pd.testing.assert_frame_equal(found, expected, check_exact=True)


def assert_full(table: pd.DataFrame, evidence: int) -> None:
    """Two empty tables are equal, too: nearly all indicators, and so many rules' evidence, tell enterprises apart."""
    indicators = table[[*CATALOGUE, *RECENT]]
    assert (indicators != indicators.iloc[0]).any().mean() > 0.95
    assert sum((table[c].fillna("") != "").any() for c in EVIDENCE) >= evidence


def everyone(cutoffs: tuple[date, ...] = CUTOFFS) -> pd.DataFrame:
    return pd.DataFrame([(e, c) for e in ENTERPRISES for c in cutoffs], columns=["enterprise_id", "cutoff"])


def three_ways(clean: Path, folder: Path, *, every: int) -> pd.DataFrame:
    """Write the cohort's table by DuckDB and by Spark, and compute each ``every``-th enterprise as a single record."""
    for engine in ("duckdb", "spark"):
        write_clean_table(clean, END, folder / engine / "i.parquet", EVERYTHING, engine=engine)
    files = [sorted((folder / engine).iterdir()) for engine in ("duckdb", "spark")]
    beside = ("groups.parquet", "peers.parquet", "quality.json")
    assert [f.name for f in files[0]] == ["i.parquet", *(f"i.parquet.{name}" for name in beside)]
    # Keys, credit codes, indicators, evidence, metadata and what stands beside: the same bytes.
    assert [f.read_bytes() for f in files[1]] == [f.read_bytes() for f in files[0]]
    written = read_table(folder / "spark" / "i.parquet")[0].drop(columns="uscc")
    some = written.index.get_level_values("enterprise_id").tolist()[::every]
    store = open_folder(clean)
    records = extract_context(store, some, END, EVERYTHING)
    store.close()
    singly = pd.concat([indicators_of(records[k : k + 1000], EVERYTHING) for k in range(0, len(records), 1000)])
    assert_same_cells(singly, written.loc[some])
    return written


@pytest.mark.slow
def test_a_simulated_province_is_the_same_three_ways(spark: SparkSession, small_clean: Path, tmp_path: Path) -> None:
    assert_full(three_ways(small_clean, tmp_path, every=20), evidence=3)


@pytest.mark.long
def test_twenty_thousand_enterprises_are_the_same_three_ways(spark: SparkSession, tmp_path: Path) -> None:
    simulate(tmp_path / "province", enterprises=20_000, months=60, seed=11)
    check_folder(tmp_path / "province", END, tmp_path / "checked")
    table = three_ways(tmp_path / "checked" / "clean", tmp_path, every=1)
    assert len(table) > 15_000
    assert_full(table, evidence=4)


@pytest.fixture(scope="module")
def random_clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random records with several versions, objections and repairs, crowded around the edges of windows."""
    return clean_folder(tmp_path_factory.mktemp("random") / "clean", province(1, records=60), COVERED)


@pytest.fixture(scope="module")
def random_clean_moved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, with all changed that becomes known at or after the cut-off."""
    moved = move_the_future(province(1, records=60), CUTOFF, 2)
    # Nothing is known before it occurs: the record path would refuse it.
    tables = {t: rows.assign(occurred_at=rows[["occurred_at", "known_at"]].min(axis=1)) for t, rows in moved.items()}
    return clean_folder(tmp_path_factory.mktemp("moved") / "clean", tables, COVERED)


@pytest.mark.slow
def test_a_places_own_indicators_are_the_same_on_spark(
    spark: SparkSession, random_clean: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FENLEI_POLICIES", str(write_place(tmp_path / "policies")))
    own = Scope(PLACE, names=[name for name in of_province(PLACE) if name not in CATALOGUE])
    expected = compute_indicators(random_clean, everyone(), own)
    assert expected[list(own.names or ())].notna().any().all()
    assert_same_cells(on_spark(random_clean, everyone(), own), expected)


@pytest.mark.slow
def test_random_records_at_several_cutoffs_are_the_same_and_the_future_cant_reach_in(
    spark: SparkSession, random_clean: Path, random_clean_moved: Path
) -> None:
    """Spark, with another future, gives what DuckDB gives without it."""
    expected = compute_indicators(random_clean, everyone(), EVERYTHING)
    assert_full(expected, evidence=len(EVIDENCE))
    assert_same_cells(on_spark(random_clean_moved, everyone(), EVERYTHING), expected)
    later = everyone((date(2024, 7, 1),))
    assert not compute_indicators(random_clean_moved, later, EVERYTHING).equals(
        compute_indicators(random_clean, later, EVERYTHING)
    )


@pytest.mark.slow
def test_todays_knowledge_of_past_months_is_the_same_and_parts_change_nothing(
    spark: SparkSession, random_clean: Path
) -> None:
    known = date(2024, 7, 1)
    names = [n for n, i in CATALOGUE.items() if not POPULATION.keys() & set(i.tables)][::4]
    expected = compute_indicators(random_clean, everyone(), Scope("hebei", known_as_of=known, names=names))
    assert not expected.equals(compute_indicators(random_clean, everyone(), Scope("hebei", names=names)))
    with run_engine("spark", random_clean) as (_, batches):
        parts = list(batches(everyone(), Scope("hebei", known_as_of=known, names=names), part=5))
    assert [p.num_rows for p in parts] == [5, 5, 2]
    assert_same_cells(as_frame(parts), expected)


@pytest.mark.slow
def test_a_window_cut_short_and_an_unknown_enterprise_are_the_same(spark: SparkSession, tmp_path: Path) -> None:
    covered = COVERED | {"complaints": date(2023, 1, 6), "penalties": date(2023, 1, 9)}
    clean = clean_folder(tmp_path / "clean", province(1, records=20), covered)
    pairs = pd.concat([everyone(), pd.DataFrame({"enterprise_id": ["NOBODY"], "cutoff": [CUTOFF]})])
    scope = Scope("hebei", names=["complaints_1y", "penalties_1y", "years_operating"])
    expected = compute_indicators(clean, pairs, scope)
    now = expected[expected.index.get_level_values("cutoff") == CUTOFF]
    assert now["complaints_1y"].notna().tolist() == [True, True, True, True, False]
    assert now["penalties_1y"].isna().all()
    assert now.tail(1).isna().all().all()
    assert_same_cells(on_spark(clean, pairs, scope), expected)


def alone(clean: Path) -> pd.DataFrame:
    store = open_folder(clean)
    records = extract_context(store, ENTERPRISES, CUTOFF, EVERYTHING)
    store.close()
    return indicators_of(records, EVERYTHING)


def test_the_future_cant_reach_the_record_path(random_clean: Path, random_clean_moved: Path) -> None:
    assert_same_cells(alone(random_clean_moved), alone(random_clean))


def test_a_cohort_that_is_wrong_is_refused(spark: SparkSession, random_clean: Path) -> None:
    with pytest.raises(SourceError, match=r"given twice.*E1"):
        on_spark(random_clean, pd.concat([everyone(), everyone().head(1)]), Scope("hebei", names=["penalties_1y"]))
    with pytest.raises(SourceError, match="missing: cutoff"):
        on_spark(random_clean, everyone()[["enterprise_id"]], Scope("hebei", names=["penalties_1y"]))
