"""The rows beside a table: the same cells, found by id and by code, made once, and never another table's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.catalogue.evidence import EVIDENCE
from features.errors import SourceError
from serving.current.rows import VALUES, RowStore, rows_of_table

COLUMNS = ("one", "two", "absent")
SHARED = "91110000600037341L"


def table_of(path: Path, n: int = 500, seed: int = 3) -> pd.DataFrame:
    """Write a table of n enterprises, of which the first two share a code, and return it."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "enterprise_id": [f"企业{i:04d}" for i in range(n)],
            "uscc": [SHARED, SHARED.lower(), None, *(f"code{i}" for i in range(3, n))],
            "one": rng.normal(size=n),
            "two": np.where(rng.random(n) < 0.2, np.nan, rng.normal(size=n)),
        }
    )
    for name in EVIDENCE:
        frame[name] = pd.Series(np.where(rng.random(n) < 0.1, "penalties:p1;penalties:p2", ""), dtype=object)
    frame.loc[5, "evidence_H13_1"] = None
    frame.to_parquet(path)
    return frame


def test_every_cell_is_the_table_s(tmp_path: Path) -> None:
    frame = table_of(tmp_path / "t.parquet")
    store = rows_of_table(tmp_path / "t.parquet", COLUMNS)
    places = [store.place_of(one) for one in frame["enterprise_id"]]
    assert places == list(range(len(frame)))
    values = store.values([place for place in places if place is not None])
    np.testing.assert_array_equal(values[:, :2], frame[["one", "two"]].to_numpy())
    assert np.isnan(values[:, 2]).all()
    for name in EVIDENCE:
        told = [store.line(k).evidence[name] for k in range(len(frame))]
        assert told == [None if pd.isna(cell) else cell for cell in frame[name]]
    assert store.place_of("nobody") is None


def test_a_code_finds_all_that_are_registered_under_it_in_its_usual_spelling(tmp_path: Path) -> None:
    table_of(tmp_path / "t.parquet")
    store = rows_of_table(tmp_path / "t.parquet", COLUMNS)
    assert store.places_with(SHARED) == [0, 1]
    assert store.places_with("CODE7") == [7]
    assert store.places_with("code7") == []


def test_rows_are_made_once_and_anew_when_the_table_changes_while_the_old_stay_readable(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    before = table_of(path)
    old = rows_of_table(path, COLUMNS)
    made = (old.folder / VALUES).stat().st_mtime_ns
    again = rows_of_table(path, COLUMNS)
    assert (again.folder, (again.folder / VALUES).stat().st_mtime_ns) == (old.folder, made)
    after = table_of(path, seed=4)
    new = rows_of_table(path, COLUMNS)
    assert new.folder != old.folder
    assert new.values([9])[0, 0] == after["one"].iloc[9]
    assert old.values([9])[0, 0] == before["one"].iloc[9]
    assert not old.folder.exists()


def test_a_table_touched_but_not_changed_keeps_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    table_of(path)
    old = rows_of_table(path, COLUMNS)
    made = (old.folder / VALUES).stat().st_mtime_ns
    path.touch()
    again = rows_of_table(path, COLUMNS)
    assert (again.folder / VALUES).stat().st_mtime_ns == made


def test_rows_cut_short_are_not_read_but_made_again(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    frame = table_of(path)
    folder = rows_of_table(path, COLUMNS).folder
    (folder / VALUES).write_bytes(b"\0" * 16)
    with pytest.raises(SourceError, match="another size than was written"):
        RowStore(folder)
    assert rows_of_table(path, COLUMNS).values([3])[0, 0] == frame["one"].iloc[3]
