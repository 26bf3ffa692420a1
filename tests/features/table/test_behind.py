"""Records behind a value are those that were counted, and nothing of a person is taken from them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from features.catalogue import catalogue_of
from features.contract import TABLES
from features.engine.duckdb_engine import evaluate
from features.policies import features_policy
from features.population.cohort import cohort
from features.records.store import RecordStore, opened
from features.table.behind import Behind, evidence_rows, records_behind
from helpers.scope import HEBEI

CUTOFF = date(2026, 1, 1)
CATALOGUE = catalogue_of(features_policy("hebei"))
COUNTS = (
    "penalties_ever",
    "complaints_1y",
    "licences_held",
    "abnormal_listings_3y",
    "draws_unvisited_3y",
    "honours_3y",
)


@pytest.fixture(scope="module")
def store(small_clean: Path) -> Iterator[RecordStore]:
    with opened(small_clean) as found:
        yield found


@pytest.fixture(scope="module")
def frame(store: RecordStore) -> pd.DataFrame:
    pairs = cohort(store, [CUTOFF], HEBEI).iloc[::60]
    return evaluate(store, pairs, HEBEI)


def behind(store: RecordStore, enterprise_id: str, most: int = 3) -> dict[str, Behind]:
    return records_behind(store, enterprise_id, CUTOFF, CATALOGUE.values(), "hebei", most=most)


def test_as_many_records_are_behind_a_count_as_it_counts(store: RecordStore, frame: pd.DataFrame) -> None:
    seen = 0
    for enterprise_id, (_, row) in zip(frame.index.get_level_values(0), frame.iterrows(), strict=True):
        found = behind(store, str(enterprise_id))
        for name in COUNTS:
            if row[name] == row[name]:
                assert (found[name].count if name in found else 0) == row[name], (enterprise_id, name)
                seen += row[name] > 0
    assert seen > 20


def test_behind_days_since_and_a_latest_state_stands_the_one_record_they_are_read_off(
    store: RecordStore, frame: pd.DataFrame
) -> None:
    visited = frame[frame["days_since_clean_visit"] < 3650]
    assert len(visited) > 5
    days_since = visited["days_since_clean_visit"]
    for enterprise_id, days in zip(days_since.index.get_level_values(0), days_since, strict=True):
        found = behind(store, str(enterprise_id))["days_since_clean_visit"]
        assert found.count == 1
        assert found.rows[0].day is not None
        assert (CUTOFF - found.rows[0].day).days == days


def test_every_record_is_of_before_the_cutoff_newest_first_and_no_more_than_asked(
    store: RecordStore, frame: pd.DataFrame
) -> None:
    for enterprise_id, _ in frame.index[:10]:
        for name, found in behind(store, str(enterprise_id), most=2).items():
            days = [row.day for row in found.rows if row.day is not None]
            assert len(found.rows) == min(2, found.count), name
            assert days == sorted(days, reverse=True)
            assert all(day < CUTOFF for day in days)


def test_nothing_of_a_person_is_taken_from_a_record(store: RecordStore, frame: pd.DataFrame) -> None:
    """No text of a row but its number is shown: no holder, inspector or person."""
    texts = {
        str(value)
        for name in ("persons_roles", "shareholdings", "inspections", "registration")
        for column in TABLES[name].own
        if column.is_text
        for [value] in store.con.execute(f"SELECT DISTINCT {column.name} FROM raw_{name}").fetchall()
        if value is not None and len(str(value)) > 3
    }
    for enterprise_id, _ in frame.index[:10]:
        for found in behind(store, str(enterprise_id)).values():
            for row in found.rows:
                words = set(f"{row.kind_en} {row.kind_zh}".replace(",", " ").replace("，", " ").split())
                assert not words & texts
                if row.record.startswith(("persons_roles:", "shareholdings:")):
                    assert (row.kind_en, row.kind_zh) == ("", "")


def test_the_records_of_a_direct_determination_are_found_by_their_number(store: RecordStore, small_clean: Path) -> None:
    everyone = cohort(store, [CUTOFF], HEBEI)
    listed = {e for [e] in store.con.execute("SELECT DISTINCT enterprise_id FROM raw_serious_list").fetchall()}
    pairs = everyone[everyone["enterprise_id"].isin(listed)].head(20)
    hits = evaluate(store, pairs, HEBEI)["evidence_H13_1"]
    hit = hits[hits.str.len() > 0].head(1)
    (enterprise_id, _), [record] = hit.index[0], hit.iloc[0].split(";")[:1]
    found = evidence_rows(store, enterprise_id, CUTOFF, [record, "serious_list:nothing", "no_table:1"], "hebei")
    assert set(found) == {record}
    assert found[record].zh == "严重违法失信名单"
    assert found[record].kind_zh
