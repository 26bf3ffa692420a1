"""Segments follow each other in time, and nothing later reaches back."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from features.errors import ConfigError
from models.study.experiment import SEGMENTS, Arms, Rolling, Split
from models.study.splits import FOLD, Assignment, SegmentOrderError, assign, check_order, folds, segments
from models.study.weights import MissingProbabilityError, design_weights

PLAN = Split(
    fit_from=date(2024, 1, 1),
    fit_to=date(2024, 7, 1),
    stop_from=date(2024, 8, 1),
    stop_to=date(2024, 9, 1),
    calibrate_from=date(2024, 10, 1),
    calibrate_to=date(2025, 1, 1),
    test_from=date(2025, 2, 1),
    test_to=date(2025, 6, 1),
    gap_days=28,
)
AS_OF = date(2025, 7, 1)
STAGES = segments(PLAN, AS_OF)
ARMS = Arms()
FIRST = date(2023, 11, 1)

Visits = list[tuple[int, int, str, int]]
"""Day of the visit, days until its result was known, arm, and what it found."""
outcome = st.tuples(st.integers(0, 640), st.integers(0, 90), st.sampled_from(["random", "targeted"]), st.integers(0, 1))


def frame(rows: Visits) -> pd.DataFrame:
    visited = [FIRST + timedelta(days=d) for d, _, _, _ in rows]
    return pd.DataFrame(
        {
            "visited_on": visited,
            "known_at": [v + timedelta(days=lag) for v, (_, lag, _, _) in zip(visited, rows, strict=True)],
            "arm": [arm for _, _, arm, _ in rows],
            "probability_ppm": pd.array([20_000 if arm == "random" else None for _, _, arm, _ in rows], "Int64"),
            "violation": [y for _, _, _, y in rows],
        }
    )


@given(st.lists(outcome, max_size=60))
@settings(deadline=None)
def test_every_outcome_is_used_in_one_segment_or_counted_as_left_out(rows: Visits) -> None:
    out = assign(frame(rows), STAGES, ARMS)
    assert (out.segment != "").sum() + sum(out.dropped.values()) == len(rows)


@given(st.lists(outcome, max_size=60))
@settings(deadline=None)
def test_a_stage_sees_only_what_was_known_when_it_could_have_run(rows: Visits) -> None:
    data = frame(rows)
    out = assign(data, STAGES, ARMS)
    for segment in segments(PLAN, AS_OF):
        used = data[(out.segment == segment.name).to_numpy()]
        assert (used["known_at"] < segment.known_before).all()
        assert ((used["visited_on"] >= segment.start) & (used["visited_on"] < segment.end)).all()
        assert used["arm"].isin(ARMS.of(segment.name)).all()


@given(st.lists(outcome, min_size=1, max_size=60), st.lists(outcome, max_size=20), st.integers(0, 1))
@settings(deadline=None)
def test_what_happens_in_the_test_period_changes_nothing_before_it(rows: Visits, invented: Visits, flip: int) -> None:
    data = frame(rows)
    before = assign(data, STAGES, ARMS)
    late = (data["visited_on"] >= PLAN.test_from).to_numpy()
    changed = data.copy()
    changed.loc[late, "violation"] = flip
    changed.loc[late, "arm"] = "targeted"
    changed.loc[late, "known_at"] = changed.loc[late, "visited_on"].map(lambda d: d + timedelta(days=11))
    more = frame(invented)
    more = more[more["visited_on"] >= PLAN.test_from]
    after = assign(pd.concat([changed, more], ignore_index=True), STAGES, ARMS)
    for name in SEGMENTS[:-1]:
        assert before.segment[before.segment == name].index.equals(after.segment[after.segment == name].index)


def test_overlapping_segments_are_refused() -> None:
    data = frame([(100, 5, "random", 0), (90, 5, "random", 1)])
    with pytest.raises(SegmentOrderError, match="overlap"):
        check_order(data, Assignment(pd.Series(["fit", "test"]), {}))
    late = frame([(100, 80, "random", 0), (140, 5, "random", 1)])
    with pytest.raises(SegmentOrderError, match="known after"):
        check_order(late, Assignment(pd.Series(["fit", "test"]), {}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stop_from": date(2024, 7, 1)}, "at least 28 days"),
        ({"test_from": date(2025, 2, 10)}, "first of a month"),
        ({"fit_to": date(2023, 12, 1)}, "must be before"),
        ({"calibrate_from": date(2024, 6, 1)}, "at least 28 days"),
    ],
)
def test_a_plan_whose_segments_touch_or_run_backwards_is_refused(change: dict[str, date], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Split(**{**PLAN.model_dump(), **change})


def test_design_weights_are_one_over_the_draw_probability() -> None:
    drawn = pd.DataFrame({"probability_ppm": pd.array([10_000, 20_000, 100_000], "Int64")})
    weights = design_weights(drawn, "design")
    assert weights.mean() == pytest.approx(1)
    assert weights / weights[2] == pytest.approx([10, 5, 1])
    assert (design_weights(drawn, "equal") == np.ones(3)).all()
    with pytest.raises(MissingProbabilityError, match="no draw probability"):
        design_weights(pd.DataFrame({"probability_ppm": pd.array([None], "Int64")}), "design")


def test_a_random_visit_without_a_draw_probability_can_teach_but_not_measure() -> None:
    data = frame([(100, 2, "random", 0), (500, 2, "random", 1)])
    data["probability_ppm"] = pd.array([None, None], "Int64")
    out = assign(data, STAGES, ARMS)
    assert list(out.segment) == ["fit", ""]
    assert out.dropped == {"test: no draw probability": 1}


@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 3), st.integers(1, 4), st.sampled_from([0, 20, 28, 45, 56]))
@settings(deadline=None)
def test_every_rolling_origin_lies_before_the_calibration_and_each_stage_after_the_last(
    n: int, step: int, stop: int, validate: int, gap: int
) -> None:
    plan = Split(
        fit_from=date(2020, 1, 1),
        fit_to=date(2024, 6, 1),
        stop_from=date(2024, 8, 1),
        stop_to=date(2024, 9, 1),
        calibrate_from=date(2024, 11, 1),
        calibrate_to=date(2025, 1, 1),
        test_from=date(2025, 3, 1),
        gap_days=gap,
    )
    rolling = Rolling(folds=n, step_months=step, stop_months=stop, validate_months=validate)
    found = folds(plan, rolling, AS_OF)
    assert len(found) == n
    for number, origin in enumerate(found):
        assert tuple(s.name for s in origin) == FOLD
        assert origin[0].start == plan.fit_from
        for before, after in pairwise(origin):
            assert before.start < before.end
            assert after.start >= before.end + timedelta(days=gap)
            assert before.known_before <= after.start  # what a stage learns from was known when the next began
        assert origin[-1].end <= plan.calibrate_from
        assert origin[-1].known_before <= plan.calibrate_from
        if number:
            assert all(a.end < b.end for a, b in zip(origin, found[number - 1], strict=True))


def test_a_plan_too_short_for_its_rolling_origins_is_refused() -> None:
    with pytest.raises(ConfigError, match="origin 2 of 4 would fit from 2024-01-01"):
        folds(PLAN, Rolling(folds=4, step_months=3, stop_months=1, validate_months=1, least_months=3), AS_OF)
    assert folds(PLAN, Rolling(folds=0), AS_OF) == []
