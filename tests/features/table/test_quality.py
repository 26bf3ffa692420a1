"""Beside every indicator table stands what it is worth; and a notebook gets the same indicators in one call."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from features import CATALOGUE, cohort, compute_indicators, indicators
from features.errors import SourceError
from features.records.store import open_folder
from features.scope import Scope
from features.table.month import read_table, write_clean_table
from helpers.scope import HEBEI

CUTOFF = date(2026, 1, 1)


@pytest.fixture(scope="module")
def written(small_clean: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("quality") / "i.parquet"
    write_clean_table(small_clean, CUTOFF, path, HEBEI)
    return path


def test_quality_says_of_every_indicator_what_the_table_holds(written: Path) -> None:
    quality = json.loads(written.with_name("i.parquet.quality.json").read_text(encoding="utf-8"))
    frame, about = read_table(written)
    assert list(quality["indicators"]) == list(CATALOGUE)
    assert quality["catalogue"] == about["catalogue"]
    assert quality["cutoff"] == "2026-01-01"
    for name, said in quality["indicators"].items():
        column = frame[name]
        assert said["share_known"] == pytest.approx(column.notna().mean())
        assert said["share_zero"] == pytest.approx((column == 0).mean())
        if column.notna().any():
            assert (said["min"], said["max"]) == (column.min(), column.max())
            assert said["median"] == column.quantile(0.5, interpolation="lower")
    assert len(list(written.parent.iterdir())) == 4  # and its comparisons; no half-written file is left


def test_staleness_is_counted_from_the_last_known_version(small_clean: Path, tmp_path: Path) -> None:
    """A source that stopped reporting shows in the indicators that read it, and changes the hash of the sources."""
    stopped = tmp_path / "clean"
    stopped.mkdir()
    for file in small_clean.iterdir():
        (stopped / file.name).write_bytes(file.read_bytes())
    penalties = pd.read_parquet(stopped / "penalties.parquet")
    penalties[penalties["known_at"] < date(2025, 7, 1)].to_parquet(stopped / "penalties.parquet", index=False)
    found = []
    for clean, name in ((small_clean, "a.parquet"), (stopped, "b.parquet")):
        write_clean_table(clean, CUTOFF, tmp_path / name, HEBEI)
        found.append(json.loads((tmp_path / f"{name}.quality.json").read_text(encoding="utf-8")))
    assert found[0]["indicators"]["penalties_3y"]["stale_days"] < 60
    assert found[1]["indicators"]["penalties_3y"]["stale_days"] >= 184
    assert found[0]["sources_hash"] != found[1]["sources_hash"]
    assert found[0]["sources"]["tax"] == found[1]["sources"]["tax"]


def test_a_notebook_gets_the_same_from_source_clean_folder_and_store(small_province: Path, small_clean: Path) -> None:
    wanted = compute_indicators(
        small_clean, cohort(small_clean, [CUTOFF], HEBEI), Scope("hebei", names=["penalties_3y", "complaints_1y"])
    )
    asked = Scope("hebei", names=["penalties_3y", "complaints_1y"])
    pd.testing.assert_frame_equal(indicators(small_province, "2026-01", asked, show_progress=False), wanted)
    pd.testing.assert_frame_equal(indicators(str(small_clean), CUTOFF, asked, show_progress=False), wanted)
    store = open_folder(small_clean)
    some = cohort(store, [CUTOFF], HEBEI).head(20)
    pd.testing.assert_frame_equal(indicators(store, some, asked, show_progress=False), wanted.head(20))
    store.close()


def test_a_notebook_is_told_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such folder"):
        indicators(tmp_path / "nowhere", CUTOFF, HEBEI)
    with pytest.raises(SourceError, match=r"cut-off .*: got .*, expected a day"):
        indicators(tmp_path, "January", HEBEI)
