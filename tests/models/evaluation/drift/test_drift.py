"""Drift: what moved is found, what is unripe is not judged, an estimate says what it assumes, when to learn again."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from features.catalogue import CATALOGUE, RECENT
from helpers.henan_year import henan_year
from models.errors import ModelInputError
from models.evaluation import (
    Stability,
    TestVisits,
    ask_retrain,
    before_labels,
    calibration_drift,
    freeze_classes,
    freeze_indicators,
    freeze_numbers,
    indicator_drift,
    load_drift,
    monthly,
    stability,
)
from models.review.review import SHARED

POLICY = load_drift("hebei")


def indicators(rows: int, seed: int, moved: float = 0.0, count: int = 30) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({f"i{k:02d}": rng.poisson(1.5, rows) + rng.normal(0, 0.3, rows) for k in range(count)})
    frame["flag"] = (rng.random(rows) < 0.02).astype(float)
    frame["rare"] = np.where(rng.random(rows) < 0.001, 1.0, np.nan)
    frame["i03"] += moved
    return frame


def test_only_the_indicator_that_moved_alarms() -> None:
    frozen = freeze_indicators(indicators(5000, 0), POLICY)
    found = indicator_drift(frozen, indicators(5000, 1, moved=0.3), POLICY, month="2026-05")
    assert [d.indicator for d in found if d.alarm] == ["i03"]
    assert found[0].indicator == "i03"
    assert found[0].month in found[0].text
    assert all(d.p_adjusted >= d.p_value for d in found)


def test_an_indicator_that_becomes_unknown_alarms() -> None:
    frozen = freeze_indicators(indicators(5000, 0), POLICY)
    gone = indicators(5000, 1)
    gone.loc[gone.index[:400], "flag"] = np.nan
    [flag] = [d for d in indicator_drift(frozen, gone, POLICY) if d.alarm]
    assert (flag.indicator, flag.unknown_then, flag.unknown) == ("flag", 0.0, 0.08)


def test_a_missing_indicator_is_named() -> None:
    with pytest.raises(ModelInputError, match="i03"):
        indicator_drift(freeze_indicators(indicators(50, 0), POLICY), indicators(50, 1).drop(columns="i03"), POLICY)


def test_no_drift_gives_no_alarm_in_most_months() -> None:
    frozen = freeze_indicators(indicators(3000, 0), POLICY)
    alarms = [any(d.alarm for d in indicator_drift(frozen, indicators(3000, s), POLICY)) for s in range(1, 21)]
    assert sum(alarms) <= 3  # one month in a hundred, corrected for 32 indicators


def test_a_value_that_firms_share_moves_as_its_groups_do_not_as_its_firms() -> None:
    """Sixteen industries' rates, measured anew each month: nothing happened, though every firm changed its bin."""
    rng = np.random.default_rng(3)
    industry = rng.integers(0, 16, 3000)

    def month(shift: float = 0.0) -> pd.DataFrame:
        return pd.DataFrame({"rate": rng.normal(1.0 + shift, 0.3, 16)[industry]})

    first = month()
    frozen = {shared: freeze_indicators(first, POLICY, shared=["rate"] if shared else []) for shared in (False, True)}
    later = [month() for _ in range(40)]
    alarms = {k: sum(indicator_drift(f, m, POLICY)[0].alarm for m in later) for k, f in frozen.items()}
    assert alarms[False] == 40
    assert alarms[True] <= 3
    assert frozen[True]["rate"].different == 16
    assert sum(indicator_drift(frozen[True], month(shift=3.0), POLICY)[0].alarm for _ in range(20)) == 20


def test_what_stands_for_a_whole_industry_or_district_is_known_to_be_shared() -> None:
    shared = {name for name, i in (CATALOGUE | RECENT).items() if i.shared}
    assert {"industry_rate_ratio_1y", "local_industry_rate_ratio_random", "type_rate_ratio_random"} <= shared
    assert not shared & {"years_operating", "problem_rate_all", "related_bad_share"}
    assert shared == SHARED


def test_unripe_months_are_shown_with_their_share_and_judged_by_nobody() -> None:
    visits = henan_year(60_000, seed=1)
    late = visits.month == "2025-12"
    frame = visits.frame.copy()
    frame.loc[late, "y"] = 1  # what is known early looks terrible
    awaited = {"2025-12": int(late.sum()), "2026-01": 40}
    found = calibration_drift(TestVisits(frame, "random"), awaited, POLICY)
    by_month = {m.month: m for m in found.months}
    assert not by_month["2025-12"].ripe
    assert by_month["2025-12"].ripe_share == pytest.approx(0.5)
    assert "unripe, 50%" in by_month["2025-12"].text
    assert (by_month["2026-01"].visits, by_month["2026-01"].ripe_share) == (0, 0.0)
    assert found.ripe_months == 11
    assert found.gap_low < 0 < found.gap_high
    assert not ask_retrain(POLICY, calibration=found).asked


def test_months_together_are_surer_than_one() -> None:
    found = calibration_drift(henan_year(60_000, seed=2), {}, POLICY)
    assert found.gap_high - found.gap_low < 0.5 * min(m.gap_high - m.gap_low for m in found.months)
    assert found.visits == sum(m.visits for m in found.months)


def test_no_ripe_month_has_no_verdict() -> None:
    visits = henan_year(2_000, seed=3)
    found = calibration_drift(visits, dict.fromkeys(set(visits.month), 10_000), POLICY)
    assert np.isnan(found.gap)
    assert found.text == "no month is ripe"
    assert not ask_retrain(POLICY, calibration=found).asked
    json.dumps(found.as_dict(), allow_nan=False)


def test_a_month_without_violations_still_has_an_interval() -> None:
    visits = henan_year(3_000, seed=4)
    found = calibration_drift(TestVisits(visits.frame.assign(y=0, severity=0, restates=0), "random"), {}, POLICY)
    assert all(m.gap_high > m.gap > m.gap_low for m in found.months)


def test_the_estimate_before_labels_holds_what_is_then_found() -> None:
    hits = 0
    for seed in range(60):
        month = henan_year(15_000, seed=seed)
        told = before_labels(month.probability, month.weight, month="2026-06", seed=seed, draws=500)
        hits += bool(told.low <= np.average(month.y, weights=month.weight) <= told.high)
    assert hits >= 60 * 0.95 - 4 * np.sqrt(60 * 0.95 * 0.05)
    assert "assumption" in told.text


def test_the_estimate_sees_who_is_visited_and_not_what_a_probability_is_worth() -> None:
    month, worse = henan_year(60_000, seed=5), henan_year(60_000, seed=5, shift=1.0)
    same = before_labels(month.probability, month.weight).rate
    assert before_labels(worse.probability, worse.weight).rate == pytest.approx(same, rel=1e-9)
    riskier = month.probability > 0.1
    assert before_labels(month.probability[riskier], month.weight[riskier]).rate > same


def test_the_expected_ranking_is_what_is_then_found() -> None:
    month = henan_year(100_000, seed=6)
    told = before_labels(month.probability, month.weight)
    rng = np.random.default_rng(9)
    found = [
        roc_auc_score(rng.random(len(month)) < month.probability, month.probability, sample_weight=month.weight)
        for _ in range(40)
    ]
    assert told.auc == pytest.approx(np.mean(found), abs=4 * np.std(found) / np.sqrt(40))


def test_many_visits_are_told_as_few_would_be() -> None:
    p = np.random.default_rng(0).uniform(0.05, 0.3, 20_001)
    exact, normal = before_labels(p[:20_000], np.ones(20_000)), before_labels(p, np.ones(20_001))
    assert (exact.low, exact.high) == pytest.approx((normal.low, normal.high), abs=1e-3)


def scores(shift: float, n: int = 5000) -> Stability:
    rng = np.random.default_rng(7)
    frozen = freeze_numbers("score", rng.normal(300, 100, n), POLICY.bins)
    return stability(frozen, rng.normal(300 + shift, 100, n), POLICY, month="2026-05")


def test_two_months_of_large_drift_ask_for_a_new_model_and_one_does_not() -> None:
    large, none = scores(60), scores(0)
    assert large.alarm
    assert not ask_retrain(POLICY, scores=[none, none, large]).asked
    assert not ask_retrain(POLICY, scores=[large]).asked
    asked = ask_retrain(POLICY, scores=[none, large, large])
    assert asked.asked
    assert "scores drifted" in asked.text
    assert not ask_retrain(POLICY, scores=[large, large, none]).asked


def test_a_drift_that_is_sure_and_small_does_not_ask() -> None:
    small = scores(8, n=200_000)
    assert small.alarm
    assert not ask_retrain(POLICY, scores=[small, small]).asked


def test_a_vanished_class_asks_at_once() -> None:
    frozen = freeze_classes(np.repeat(np.array(list("ABCD"), dtype=object), [5600, 3200, 1150, 50]))
    now = stability(frozen, np.repeat(np.array(list("ABC"), dtype=object), [5600, 3250, 1150]), POLICY)
    assert "class D" in ask_retrain(POLICY, classes=[now]).text


def test_calibration_that_left_its_place_asks_in_either_direction() -> None:
    for shift, words in ((0.9, "more is found"), (-2.0, "less is found")):
        found = calibration_drift(henan_year(300_000, seed=8, shift=shift), {}, POLICY)
        assert words in ask_retrain(POLICY, calibration=found).text


def test_a_tenth_of_the_indicators_far_away_for_two_months_asks() -> None:
    frozen = freeze_indicators(indicators(3000, 0, count=5), POLICY)
    far = indicator_drift(frozen, indicators(3000, 1, moved=3.0, count=5), POLICY)
    near = indicator_drift(frozen, indicators(3000, 1, count=5), POLICY)
    assert ask_retrain(POLICY, indicators=[far, far]).asked
    assert not ask_retrain(POLICY, indicators=[near, far]).asked
    assert not ask_retrain(POLICY).asked


def test_what_was_not_seen_is_no_pass() -> None:
    seen = calibration_drift(henan_year(300_000, seed=2), {}, POLICY)
    none = scores(0)
    assert ask_retrain(POLICY, scores=[none, none], calibration=seen).verdict == "pass"
    assert ask_retrain(POLICY).verdict == "cannot tell"
    assert "ripened" in ask_retrain(POLICY, scores=[none, none]).text
    assert "1 months only" in ask_retrain(POLICY, scores=[none], calibration=seen).text
    assert ask_retrain(POLICY, scores=[scores(60)] * 2).verdict == "fail"


def test_every_month_is_compared_in_order() -> None:
    rng = np.random.default_rng(3)
    frozen = freeze_numbers("score", rng.normal(size=3000), POLICY.bins)
    month = np.repeat(["2026-02", "2026-01", "2026-03"], 1000)
    values = rng.normal(size=3000) + 2 * (month == "2026-03")
    assert [(s.month, s.alarm) for s in monthly(frozen, values, month, POLICY)] == [
        ("2026-01", False), ("2026-02", False), ("2026-03", True)
    ]  # fmt: skip
