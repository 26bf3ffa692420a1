"""Nothing known at or after a cut-off reaches an indicator of that cut-off."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from features.catalogue import CATALOGUE, RECENT
from features.catalogue.evidence import EVIDENCE
from features.contract import TABLES
from features.engine.duckdb_engine import evaluate
from features.records.store import open_frames
from features.scope import Scope
from helpers.records import CUTOFF, ENTERPRISES, move_the_future, province
from helpers.scope import EVERYTHING
from helpers.thorough import examples

EARLY = {t: date(2000, 1, 1) for t in TABLES}
RECORDS = 12
"""Of each table in an example: planning the statements costs far more than the rows."""


def indicators(tables: dict[str, pd.DataFrame], cutoff: date = CUTOFF, known: date | None = None) -> pd.DataFrame:
    store = open_frames(tables, EARLY)
    try:
        pairs = pd.DataFrame({"enterprise_id": list(ENTERPRISES), "cutoff": cutoff})
        return evaluate(store, pairs, Scope("hebei", known_as_of=known, peers=True))
    finally:
        store.close()


@settings(max_examples=examples(5), deadline=None)
@given(seed=st.integers(0, 10**6), other=st.integers(0, 10**6))
@example(seed=1, other=2)
def test_the_future_cant_reach_in(seed: int, other: int) -> None:
    tables = province(seed, records=RECORDS)
    pd.testing.assert_frame_equal(indicators(tables), indicators(move_the_future(tables, CUTOFF, other)))


def test_the_past_does_reach_in() -> None:
    """The promise above could be kept by reading nothing: moving the past must change every indicator."""
    changed: set[str] = set()
    every = set(CATALOGUE) | set(RECENT) | set(EVIDENCE)
    for seed in range(6):
        tables = province(seed, records=25)
        before = indicators(tables)
        after = indicators(move_the_future(tables, date(2019, 1, 1), seed + 99))
        changed |= {c for c in before.columns if not before[c].equals(after[c])}
        if changed == every:
            return
    assert changed == every


@settings(max_examples=examples(5), deadline=None)
@given(seed=st.integers(0, 10**6))
def test_todays_knowledge_of_a_past_month_is_the_picture_with_todays_versions(seed: int) -> None:
    """`known_as_of` lets later knowledge in, and only it: records that occurred later stay out."""
    tables = province(seed, records=RECORDS)
    later = date(2025, 1, 1)
    moved = move_the_future(tables, later, seed + 1)
    pd.testing.assert_frame_equal(indicators(tables, known=later), indicators(moved, known=later))


@settings(max_examples=examples(5), deadline=None)
@given(seed=st.integers(0, 10**6))
def test_order_of_rows_and_cohort_changes_nothing(seed: int) -> None:
    tables = province(seed, records=RECORDS)
    shuffled = {t: f.sample(frac=1, random_state=seed) for t, f in tables.items()}
    pd.testing.assert_frame_equal(indicators(tables), indicators(shuffled))


@pytest.mark.parametrize("cutoffs", [[date(2023, 1, 1), date(2024, 1, 1), date(2022, 7, 1)]])
def test_many_cutoffs_at_once_equal_one_at_a_time(cutoffs: list[date]) -> None:
    tables = province(11, records=20)
    store = open_frames(tables, EARLY)
    pairs = pd.DataFrame([(e, c) for e in ENTERPRISES for c in cutoffs], columns=["enterprise_id", "cutoff"])
    together = evaluate(store, pairs, EVERYTHING)
    store.close()
    alone = pd.concat([indicators(tables, c) for c in cutoffs]).sort_index()
    pd.testing.assert_frame_equal(together, alone)


def test_a_window_that_the_source_does_not_cover_is_unknown_not_zero() -> None:
    tables = province(3)
    store = open_frames(tables, {**EARLY, "penalties": date(2022, 6, 1)})
    pairs = pd.DataFrame({"enterprise_id": list(ENTERPRISES), "cutoff": CUTOFF})
    found = evaluate(store, pairs, EVERYTHING)
    store.close()
    assert found["penalties_3y"].isna().all()
    assert found["penalties_1y"].notna().all()
    tables.pop("penalties")
    store = open_frames(tables, EARLY)
    assert evaluate(store, pairs, EVERYTHING)[["penalties_1y", "days_since_penalty"]].isna().all().all()
    store.close()


def test_never_is_the_finite_safe_end() -> None:
    empty = province(5)
    for table in ("penalties", "inspections"):
        empty[table] = empty[table].iloc[0:0]
    found = indicators(empty)
    assert (found["days_since_penalty"] == 3650).all()
    assert (found["days_since_clean_visit"] == 3650).all()
