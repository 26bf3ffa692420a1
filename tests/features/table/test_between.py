"""Between two months: what aged, what was corrected and what is new, each seen in a world of its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow.parquet as pq
import pytest

from features.engine.choice import run_engine
from features.engine.duckdb_engine import as_frame
from features.errors import ConfigError
from features.records.store import open_folder
from features.scope import Scope
from features.table.between import Between, between
from features.table.month import write_clean_table
from helpers.december import AFTER, BEFORE, CASES, write_december

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SCOPE = Scope("hebei", names=["penalties_3y"])


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_december(tmp_path_factory.mktemp("between") / "clean")


def counts(found: Between) -> dict[str, list[float]]:
    worlds = [found.last, found.aged, found.corrected, found.now]
    return {case: [float(w.xs(case)["penalties_3y"].iloc[0]) for w in worlds] for case in CASES}


EXPECTED = {
    "aged": [1, 0, 0, 0],
    "revoked": [1, 1, 0, 0],
    "new": [0, 0, 0, 1],
    "new and revoked": [0, 0, 0, 0],
    "kept": [1, 1, 1, 1],
    "moved out of order": [1, 1, 1, 1],
}


def test_each_thing_that_happens_to_a_record_is_seen_in_its_own_world(clean: Path) -> None:
    assert counts(between(clean, CASES, BEFORE, AFTER, SCOPE)) == EXPECTED


def test_the_worlds_are_of_the_same_enterprises_in_the_same_order(clean: Path) -> None:
    found = between(clean, CASES, BEFORE, AFTER, SCOPE)
    for world in (found.last, found.aged, found.corrected, found.now):
        assert list(world.index.get_level_values("enterprise_id")) == sorted(CASES)
    assert set(found.last.index.get_level_values("cutoff")) == {BEFORE}
    assert set(found.aged.index.get_level_values("cutoff")) == {AFTER}


def test_a_folder_opened_for_corrections_holds_no_record_first_known_since(clean: Path) -> None:
    store = open_folder(clean, records_before=BEFORE)
    found = store.con.execute("SELECT record_id, version FROM raw_penalties ORDER BY ALL").fetchall()
    store.close()
    assert found == [("p1", 1), ("p2", 1), ("p2", 2), ("p5", 1), ("p6", 1), ("p6", 2)]


def test_a_table_of_corrections_says_that_it_is_one(clean: Path, tmp_path: Path) -> None:
    about = write_clean_table(clean, AFTER, tmp_path / "c.parquet", Scope("hebei"), records_before=BEFORE)
    assert about["records_before"] == "2025-12-01"
    found = pq.read_table(tmp_path / "c.parquet").to_pandas().set_index("enterprise_id")["penalties_3y"]
    assert found.to_dict() == {case: of[2] for case, of in EXPECTED.items()}


@pytest.mark.slow
def test_spark_sees_the_same_corrections(spark: SparkSession, clean: Path) -> None:
    pairs = pd.DataFrame({"enterprise_id": CASES}).assign(cutoff=AFTER)
    with run_engine("spark", clean, records_before=BEFORE) as (_, batches):
        found = as_frame(list(batches(pairs, SCOPE)))
    pd.testing.assert_frame_equal(found, between(clean, CASES, BEFORE, AFTER, SCOPE).corrected, check_exact=True)


def test_months_in_the_wrong_order_and_a_day_of_knowledge_are_refused(clean: Path) -> None:
    with pytest.raises(ConfigError, match="earlier cut-off first, got 2026-01-01 and 2025-12-01"):
        between(clean, CASES, AFTER, BEFORE, SCOPE)
    with pytest.raises(ConfigError, match="leave the scope's known_as_of open"):
        between(clean, CASES, BEFORE, AFTER, replace(SCOPE, known_as_of=AFTER))
