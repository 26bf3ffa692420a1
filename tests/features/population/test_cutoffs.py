"""A visit's cut-off is the first of its month, or the Monday of its week: never later than the visit."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pandas as pd

from features.population.outcomes import outcomes_by_day

END = date(2026, 1, 2)


def test_by_week_the_cutoff_is_the_monday_on_or_before_the_visit(small_clean: Path) -> None:
    found = outcomes_by_day(small_clean, [END], province="hebei", cutoff="week")[END]
    assert len(found) > 100
    assert {day.weekday() for day in found["cutoff"]} == {0}
    away = pd.to_datetime(found["visited_on"]) - pd.to_datetime(found["cutoff"])
    assert away.min() >= timedelta(0)
    assert away.max() < timedelta(days=7)


def test_the_cutoff_moves_no_outcome(small_clean: Path) -> None:
    month, week = (
        outcomes_by_day(small_clean, [END], province="hebei", cutoff=of)[END].drop(columns="cutoff")
        for of in ("month", "week")
    )
    pd.testing.assert_frame_equal(month, week)
    by_month = outcomes_by_day(small_clean, [END], province="hebei")[END]
    assert {day.day for day in by_month["cutoff"]} == {1}


def test_who_visited_for_what_is_told_with_the_outcome(small_clean: Path) -> None:
    found = outcomes_by_day(small_clean, [END], province="hebei")[END]
    assert found["inspector_id"].notna().any()
    assert set(found.loc[found["arm"] == "targeted", "trigger"].dropna())
