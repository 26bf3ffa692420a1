"""By group: calibration is tested, burden and false alarms are measured, and a hidden bargain shows."""

from __future__ import annotations

import json

import numpy as np
import pytest

from helpers.henan_year import henan_year
from models.evaluation import TestVisits, check_band_contract, fairness, load_contract, load_sampling
from models.evaluation.group_fairness import Fairness, GroupFairness
from models.evaluation.intervals import gap, ratio, weighted_mean, weighted_rate
from models.scoring.bands import load_bands

CONTRACT = load_contract("hebei")
HENAN = load_sampling("hebei").plans["henan"]
EVEN = (0.6, 0.6, 1.0, 1.0)


@pytest.fixture(scope="module")
def visits() -> TestVisits:
    """Small firms are riskier, and the model says so: size0 is what lies above the median risk."""
    v = henan_year(30_000, seed=1, shares=EVEN)
    riskier = v.probability > np.median(v.probability)
    return TestVisits(v.frame.assign(size=np.where(riskier, "small", "large")), "random")


def of(found: Fairness, group: str) -> GroupFairness:
    [row] = [g for g in found.groups if g.group == group]
    return row


def test_a_group_that_is_riskier_is_visited_more_and_that_is_no_fail(visits: TestVisits) -> None:
    found = fairness(visits, HENAN, CONTRACT, name="henan")
    small, large = of(found, "small"), of(found, "large")
    assert small.burden > large.burden
    assert small.burden_ratio_low > 1 > large.burden_ratio_high
    assert small.calibration != "fail"
    assert found.verdict != "fail"
    assert small.rate_low < small.expected < small.rate_high


def test_burdens_and_shares_add_up_to_everyones(visits: TestVisits) -> None:
    found = fairness(visits, HENAN, CONTRACT)
    assert sum(g.firms_share for g in found.groups) == pytest.approx(1)
    assert sum(g.firms_share * g.burden_ratio for g in found.groups) == pytest.approx(1)


def test_a_group_that_is_called_riskier_than_it_is_fails_and_shows_false_alarms(visits: TestVisits) -> None:
    frame = visits.frame.copy()
    there = (frame["size"] == "small").to_numpy()
    lucky = there & (np.random.default_rng(0).random(len(frame)) < 0.5)
    frame.loc[lucky, ["y", "severity", "restates"]] = 0
    before, after = (fairness(v, HENAN, CONTRACT) for v in (visits, TestVisits(frame, "random")))
    assert of(after, "small").calibration == "fail"
    assert of(after, "large").calibration != "fail"
    assert after.verdict == "fail"
    assert of(after, "small").observed_over_expected_high < 1
    assert of(after, "small").false_alarms > of(before, "small").false_alarms
    assert of(after, "small").needless_low > of(before, "small").needless


def test_false_alarms_and_misses_by_hand(visits: TestVisits) -> None:
    row = of(fairness(visits, HENAN, CONTRACT), "small")
    mine = visits.frame[visits.frame["size"] == "small"]
    clean, bad = mine[mine["y"] == 0], mine[mine["y"] == 1]
    close = ["C", "D"]
    assert row.false_alarms == pytest.approx(np.average(clean["grade"].isin(close), weights=clean["weight"]))
    assert row.misses == pytest.approx(np.average(~bad["grade"].isin(close), weights=bad["weight"]))


def test_the_contracts_own_checks_are_not_made_twice(visits: TestVisits) -> None:
    contract = check_band_contract(visits, load_bands("hebei"), CONTRACT)
    once, again = fairness(visits, HENAN, CONTRACT, checks=contract.checks), fairness(visits, HENAN, CONTRACT)
    assert once.as_dict() == again.as_dict()
    json.dumps(once.as_dict(), allow_nan=False)


def test_without_a_random_arm_nothing_is_judged(visits: TestVisits) -> None:
    found = fairness(TestVisits(visits.frame, "targeted"), HENAN, CONTRACT)
    assert {g.calibration for g in found.groups} == {"cannot tell"}
    assert found.verdict == "cannot tell"
    assert "targeted" in found.text


def test_a_rate_of_nothing_has_an_interval_and_holds_what_could_have_been() -> None:
    rate = weighted_rate(np.zeros(100), np.ones(100), np.arange(100))
    assert (rate.value, rate.low) == (0.0, 0.0)
    assert 0.02 < rate.high < 0.06
    heavy = weighted_rate(np.zeros(100), np.r_[np.full(5, 100.0), np.ones(95)], np.arange(100))
    assert heavy.high > 0.3


def test_no_visits_have_no_rate() -> None:
    none = np.zeros(0)
    assert np.isnan(weighted_rate(none, none, none.astype(int)).value)
    assert np.isnan(weighted_mean(none, none, none.astype(int)).value)
    assert np.isnan(gap(none, none, none, none.astype(int)).value)
    assert np.isnan(ratio(none, none, none, none.astype(int)).value)


def test_repeats_of_one_enterprise_do_not_make_a_rate_surer() -> None:
    rng = np.random.default_rng(1)
    y, w = (rng.random(300) < 0.2).astype(float), rng.random(300) + 0.5
    once = weighted_rate(y, w, np.arange(300))
    often = weighted_rate(np.repeat(y, 3), np.repeat(w, 3), np.repeat(np.arange(300), 3))
    assert (often.low, often.high) == pytest.approx((once.low, once.high), rel=0.02)
