"""Calibration tests: their figures, their size and power in small; the long versions are in test_promises_long.py."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from helpers.henan_year import henan_year
from models.arrays import Floats, Ints
from models.evaluation.band_contract.calibration_tests import (
    calibration_slope,
    equal_mass_bins,
    error_test,
    residual_correlation,
)
from models.evaluation.band_contract.power import ErrorPower, shifted
from models.evaluation.metrics import Sample, calibration_error_kernel
from models.evaluation.verdicts import holm, inside, overall, se_to_tell


def test_the_error_is_the_one_that_metrics_reports() -> None:
    v = henan_year(20_000, seed=1)
    w = v.weight
    found = error_test(v.y, v.probability, w, v.cluster, bins=10, level=0.95, seed=0)
    sample = Sample(v.y, w, v.cluster, np.zeros(len(v), np.uint64))
    assert found.error == pytest.approx(float(calibration_error_kernel(sample, v.probability, 10)(w[None, :])[0]))
    assert found.bins == 10


def test_bins_hold_equal_weight_and_never_part_equal_probabilities() -> None:
    rng = np.random.default_rng(0)
    p, w = np.round(rng.random(5000), 2), rng.random(5000) + 0.1
    place = equal_mass_bins(p, w, 10)
    mass = np.bincount(place, weights=w) / w.sum()
    assert mass == pytest.approx(np.full(10, 0.1), abs=0.02)
    for value in np.unique(p):
        assert len(np.unique(place[p == value])) == 1


def test_a_perfect_model_on_a_year_of_henan_shows_the_error_the_domain_names() -> None:
    """0.009 for everyone, 0.03 in a tenth: the calibration error of a perfect model is not 0."""
    v = henan_year(seed=2, groups={"region": 10})
    everyone = error_test(v.y, v.probability, v.weight, v.cluster, bins=10, level=0.95, seed=0)
    assert everyone.usual == pytest.approx(0.009, abs=0.0015)
    t = v.take(v.group("region") == "region4")
    tenth = error_test(t.y, t.probability, t.weight, t.cluster, bins=10, level=0.95, seed=0)
    assert tenth.usual == pytest.approx(0.03, abs=0.004)


def test_without_enough_visits_a_p_value_is_refined_only_where_it_is_small() -> None:
    v = henan_year(5_000, seed=3, shift=1.0)
    small = error_test(v.y, v.probability, v.weight, v.cluster, bins=10, level=0.95, seed=0, family=40)
    assert small.simulations > 2000
    assert small.p_value < 0.05 / 40
    v = henan_year(5_000, seed=3)
    large = error_test(v.y, v.probability, v.weight, v.cluster, bins=10, level=0.95, seed=0, family=40)
    assert (large.simulations, large.p_value > 0.01) == (2000, True)


def test_visits_to_the_same_firm_make_the_limit_wider() -> None:
    v = henan_year(60_000, seed=4, repeat=0.9)
    alone = error_test(v.y, v.probability, v.weight, np.arange(len(v)), bins=10, level=0.95, seed=0)
    together = error_test(v.y, v.probability, v.weight, v.cluster, bins=10, level=0.95, seed=0)
    assert together.correlation > 0.8
    assert alone.correlation == 0
    assert together.limit > 1.15 * alone.limit


def test_residual_correlation_finds_what_was_put_in() -> None:
    rng = np.random.default_rng(5)
    firm = np.repeat(np.arange(20_000), 2)
    p = np.full(len(firm), 0.2)
    own, common = rng.random(len(firm)), rng.random(20_000)[firm]
    y = (np.where(rng.random(len(firm)) < np.sqrt(0.4), common, own) < p).astype(float)
    assert residual_correlation(y, p, firm) == pytest.approx(0.4, abs=0.03)
    assert residual_correlation(y, p, np.arange(len(firm))) == 0.0


@pytest.mark.parametrize("sign", [1, -1])
def test_a_shift_makes_exactly_the_error_asked_for(sign: int) -> None:
    v = henan_year(5_000, seed=6)
    q = shifted(v.probability, v.weight, 0.03, sign)
    assert q is not None
    assert np.average(np.abs(q - v.probability), weights=v.weight) == pytest.approx(0.03)
    assert np.all(sign * (q - v.probability) > 0)


def test_no_rate_can_fall_by_more_than_itself() -> None:
    v = henan_year(5_000, seed=6)
    assert shifted(v.probability, v.weight, 0.5, -1) is None


def test_power_grows_with_visits_and_the_number_named_reaches_it() -> None:
    v = henan_year(20_000, seed=7)
    power = ErrorPower.of(v.probability, v.weight, v.cluster, bins=10, level=0.95, error=0.02)
    assert power.at(1) < power.at(4) < power.at(16)
    needed = power.visits_to_tell(len(v), 0.8)
    assert needed is not None
    assert power.at(needed / len(v)) == pytest.approx(0.8, abs=0.005)
    assert power.at(1) < 0.8 < power.at(2 * needed / len(v))


def test_power_is_what_simulated_visits_show() -> None:
    v = henan_year(60_000, seed=8)
    power = ErrorPower.of(v.probability, v.weight, v.cluster, bins=10, level=0.95, error=0.02)
    rng = np.random.default_rng(1)
    for sign in (1, -1):
        q = shifted(v.probability, v.weight, 0.02, sign)
        assert q is not None
        place = equal_mass_bins(v.probability, v.weight, 10)

        def errors(truth: Floats, times: int = 400, place: Ints = place) -> Floats:
            y = rng.random((times, len(v))) < truth
            gaps = (y - v.probability) * v.weight / v.weight.sum()
            found: Floats = np.abs(np.column_stack([gaps[:, place == b].sum(axis=1) for b in range(10)])).sum(axis=1)
            return found

        limit = np.quantile(errors(v.probability, 2000), 0.95)
        seen = float((errors(q) > limit).mean())
        one = ErrorPower(
            power.shifts[(0 if sign == 1 else 1) :][:1],
            power.null_sd,
            power.other_sd[(0 if sign == 1 else 1) :][:1],
            0.95,
            power.normals,
        )
        assert seen == pytest.approx(one.at(), abs=0.07)


def test_the_slope_is_that_of_a_weighted_logistic_regression() -> None:
    v = henan_year(20_000, seed=9, slope=0.8)
    slope = calibration_slope(v.y, v.probability, v.weight, v.cluster, 0.95)
    fit = LogisticRegression(C=np.inf, tol=1e-10).fit(logit(v.probability)[:, None], v.y, sample_weight=v.weight)
    assert slope.value == pytest.approx(float(fit.coef_[0, 0]), abs=1e-4)


def test_a_firm_visited_twice_with_the_same_result_is_no_second_witness() -> None:
    v = henan_year(40_000, seed=10)
    once = calibration_slope(v.y, v.probability, v.weight, v.cluster, 0.95)
    twice = np.repeat(np.arange(len(v)), 2)
    again = calibration_slope(v.y[twice], v.probability[twice], v.weight[twice], v.cluster[twice], 0.95)
    assert again.value == pytest.approx(once.value)
    assert again.se == pytest.approx(once.se, rel=0.01)


@pytest.mark.parametrize(
    ("y", "p"),
    [
        (np.zeros(50), np.linspace(0.1, 0.5, 50)),
        (np.ones(50), np.linspace(0.1, 0.5, 50)),
        (np.arange(50) % 2, np.full(50, 0.3)),
        ((np.arange(50) >= 25).astype(float), np.linspace(0.1, 0.9, 50)),
        (np.array([1.0, 0.0]), np.array([0.2, 0.4])),
    ],
)
def test_a_slope_that_no_data_can_give_is_not_given(y: NDArray[np.generic], p: Floats) -> None:
    slope = calibration_slope(y.astype(float), p, np.ones(len(y)), np.arange(len(y)), 0.95)
    assert np.isnan(slope.value)


def test_the_planned_error_is_what_a_calibrated_model_shows() -> None:
    v = henan_year(60_000, seed=11)
    planned = calibration_slope(v.y, v.probability, v.weight, v.cluster, 0.95).se_planned
    rng = np.random.default_rng(2)
    drawn = [
        calibration_slope(
            (rng.random(len(v)) < v.probability).astype(float), v.probability, v.weight, v.cluster, 0.95
        ).value
        for _ in range(150)
    ]
    assert np.std(drawn) == pytest.approx(planned, rel=0.15)


def test_holm_is_holms() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []
    adjusted = holm([0.2, float("nan"), 0.01])
    assert np.isnan(adjusted[1])
    assert [adjusted[0], adjusted[2]] == pytest.approx([0.2, 0.02])


def test_an_interval_that_straddles_an_end_can_not_tell() -> None:
    assert inside(0.92, 1.08, (0.9, 1.1)) == "pass"
    assert inside(0.88, 1.02, (0.9, 1.1)) == "cannot tell"
    assert inside(0.8, 1.3, (0.9, 1.1)) == "cannot tell"
    assert inside(1.11, 1.3, (0.9, 1.1)) == "fail"
    assert inside(float("nan"), float("nan"), (0.9, 1.1)) == "cannot tell"


def test_one_fail_outweighs_all_and_nothing_is_no_pass() -> None:
    assert overall(["pass", "cannot tell", "fail"]) == "fail"
    assert overall(["pass", "cannot tell"]) == "cannot tell"
    assert overall(["pass", "pass"]) == "pass"
    assert overall([]) == "cannot tell"


@pytest.mark.parametrize(("truth", "promised"), [(1.0, (0.9, 1.1)), (0.12, (0.09, 0.18)), (0.25, (0.09, 0.18))])
def test_the_standard_error_named_gives_the_verdict_with_the_stated_chance(
    truth: float, promised: tuple[float, float]
) -> None:
    se = se_to_tell(truth, promised, 0.95, 0.8)
    assert se is not None
    drawn = truth + se * np.random.default_rng(3).standard_normal(20_000)
    wanted = "pass" if promised[0] < truth < promised[1] else "fail"
    told = [inside(d - 1.959964 * se, d + 1.959964 * se, promised) == wanted for d in drawn]
    assert np.mean(told) == pytest.approx(0.8, abs=0.015)


def test_a_truth_at_the_end_of_its_range_can_never_be_told() -> None:
    assert se_to_tell(0.09, (0.09, 0.18), 0.95, 0.8) is None


def test_logit_edges_stay_finite() -> None:
    p = np.array([0.0, 1.0, 0.3, 0.4, 0.6])
    slope = calibration_slope(np.array([0, 1, 0, 1, 0.0]), p, np.ones(5), np.arange(5), 0.95)
    assert np.isnan(slope.value) or np.isfinite(slope.value)
    assert np.isfinite(expit(logit(np.clip(p, 1e-6, 1 - 1e-6)))).all()
