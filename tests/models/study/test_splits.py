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
from models.study.experiment import Arms, Origins, Split
from models.study.splits import FOLD, Assignment, SegmentOrderError, assign, check_order, folds, segments
from models.study.weights import MissingProbabilityError, design_weights

PLAN = Split(
    learn_from=date(2024, 1, 1),
    test_from=date(2025, 2, 1),
    test_to=date(2025, 6, 1),
    gap_days=28,
)
BEGIN = date(2024, 1, 1)
AS_OF = date(2025, 7, 1)
STAGES = segments(PLAN, BEGIN, AS_OF)
ORIGINS = folds(PLAN, Origins(), BEGIN)
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
    for segment in STAGES:
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
    assert before.segment[before.segment == "fit"].index.equals(after.segment[after.segment == "fit"].index)
    for stages in ORIGINS:
        ours, theirs = assign(data, stages, ARMS).segment, assign(pd.concat([changed, more]), stages, ARMS).segment
        assert ours[ours != ""].tolist() == theirs[theirs != ""].tolist()


@given(st.lists(outcome, max_size=60))
@settings(deadline=None)
def test_a_fit_at_an_origin_holds_only_what_was_known_then(rows: Visits) -> None:
    data = frame(rows)
    for stages in ORIGINS:
        validate = stages[1]
        found = assign(data, stages, ARMS).segment.to_numpy()
        assert (data.loc[found == "fit", "known_at"] < validate.start).all()
        assert (data.loc[found == "validate", "known_at"] < PLAN.test_from).all()
        # Everything that happened since is as if it were not.
        then = data[data["known_at"] < validate.start]
        assert list(data.index[found == "fit"]) == list(then.index[assign(then, stages, ARMS).segment == "fit"])


def test_everything_known_before_the_test_teaches_but_for_visits_of_the_last_days() -> None:
    day = (PLAN.test_from - FIRST).days
    rows: Visits = [
        (61, 5, "random", 0), (day - 29, 28, "targeted", 1), (day - 29, 29, "random", 1), (day - 28, 1, "random", 0),
        (day, 5, "random", 1), (60, 5, "random", 0),
    ]  # fmt: skip
    assert list(assign(frame(rows), STAGES, ARMS).segment) == ["fit", "fit", "", "", "test", ""]
    assert [s.known_before for s in STAGES] == [PLAN.test_from, AS_OF + timedelta(days=1)]
    assert (STAGES[0].start, STAGES[0].end) == (BEGIN, PLAN.test_from - timedelta(days=28))


def test_overlapping_segments_are_refused() -> None:
    data = frame([(100, 5, "random", 0), (90, 5, "random", 1)])
    with pytest.raises(SegmentOrderError, match="overlap"):
        check_order(data, Assignment(pd.Series(["fit", "test"]), {}), ("fit", "test"))
    late = frame([(100, 80, "random", 0), (140, 5, "random", 1)])
    with pytest.raises(SegmentOrderError, match="known after"):
        check_order(late, Assignment(pd.Series(["fit", "test"]), {}), ("fit", "test"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"learn_from": date(2025, 1, 4)}, "must be before test_from 2025-02-01 less 28 days"),
        ({"test_from": date(2025, 2, 10)}, "first of a month"),
        ({"test_to": date(2025, 6, 2)}, "first of a month"),
        ({"test_to": date(2025, 2, 1)}, "must be before test_to"),
    ],
)
def test_a_plan_that_runs_backwards_or_cuts_a_month_is_refused(change: dict[str, date], message: str) -> None:
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


@given(st.integers(1, 8), st.integers(1, 4), st.integers(1, 12), st.sampled_from([0, 20, 28, 45, 56]))
@settings(deadline=None)
def test_every_rolling_origin_lies_before_the_test_and_each_stage_after_the_last(
    count: int, months: int, least: int, gap: int
) -> None:
    plan = Split(learn_from=date(2022, 3, 15), test_from=date(2025, 3, 1), gap_days=gap)
    begin = date(2022, 3, 15)
    found = folds(plan, Origins(count=count, months=months, least_months=least), begin)
    # As many as there is room for: from March 2022 to the test are 36 months. The first of them may be all gap.
    room = [date(2025, 3, 1), *(stages[1].start for stages in found)]
    passed = (room[0].year * 12 + room[0].month - room[1].year * 12 - room[1].month) // months - 1
    assert passed == {1: {28: 1, 45: 2, 56: 2, 20: 1}, 2: {45: 1, 56: 1}, 3: {56: 1}}.get(months, {}).get(gap, 0)
    assert len(found) == min(count, (36 - least) // months - passed)
    for number, stages in enumerate(found):
        assert tuple(s.name for s in stages) == FOLD
        fit, validate = stages
        assert fit.start == begin
        assert fit.end == validate.start - timedelta(days=gap)
        assert fit.known_before == validate.start  # what it learns from was known when its visits began
        assert validate.start + timedelta(days=13) < validate.end <= plan.test_from - timedelta(days=gap)
        assert validate.known_before == plan.test_from
        if number:
            before = found[number - 1]
            assert validate.end == min(before[1].start, plan.test_from - timedelta(days=gap))
            assert fit.end < before[0].end
        assert (validate.start - begin).days >= 30 * least - 20


@pytest.mark.parametrize("months", [2, 3])
def test_the_origins_months_follow_each_other_without_a_gap_up_to_the_last_days(months: int) -> None:
    found = folds(PLAN, Origins(count=3, months=months, least_months=3), BEGIN)
    oldest_first = [stages[1] for stages in reversed(found)]
    for before, after in pairwise(oldest_first):
        assert before.end == after.start
    assert oldest_first[-1].end == PLAN.test_from - timedelta(days=PLAN.gap_days)


def test_a_plan_too_short_for_a_single_origin_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"origins: the last one, 2 months before the test begins on 2025-02-01"):
        folds(PLAN, Origins(least_months=12), BEGIN)
    assert len(folds(PLAN, Origins(least_months=11), BEGIN)) == 1
