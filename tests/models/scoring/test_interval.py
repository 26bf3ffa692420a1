"""The interval of the mean risk holds it as often as it says, and is never out of order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError
from scipy.special import expit, logit

from helpers.thorough import examples
from models.arrays import Floats
from models.learning.calibration import fit_calibrator
from models.scoring.calibrators import AnyCalibrator, Kind
from models.scoring.interval import Uncertainty, _spline, fit_uncertainty


def sample(
    seed: int, firms: int = 700, visits: int = 2
) -> tuple[Floats, NDArray[np.int8], NDArray[np.object_], Floats]:
    """Visits of firms that each share an error beyond the margin, drawn with unequal probability."""
    rng = np.random.default_rng(seed)
    firm = np.repeat(np.arange(firms), visits)
    margin = np.repeat(rng.normal(-2, 1.2, firms), visits)
    y = (rng.random(len(firm)) < expit(0.8 * margin + 0.3)).astype(np.int8)
    return margin, y, firm.astype(object), rng.choice([1.0, 3.0, 10.0], len(firm))


def interval(seed: int, repetitions: int = 60) -> tuple[Uncertainty, AnyCalibrator]:
    margin, y, firm, weight = sample(seed)
    found = fit_calibrator("platt", margin, y, weight)
    return fit_uncertainty(found, margin, y, firm, weight, seed=1, repetitions=repetitions), found


def test_the_interval_holds_the_point_and_narrows_with_more_visits() -> None:
    found, point = interval(3)
    margin = np.linspace(-8, 4, 50)
    low, high = found.interval(margin)
    inside = (margin > found.margins[0]) & (margin < found.margins[-1])
    p = point.probability(margin)
    assert (low[inside] <= p[inside] + 1e-6).all()
    assert (p[inside] <= high[inside] + 1e-6).all()
    margin_, y, firm, weight = sample(4, firms=6_000)
    more = fit_uncertainty(
        fit_calibrator("platt", margin_, y, weight), margin_, y, firm, weight, seed=1, repetitions=60
    )
    widths = [np.subtract(*reversed(u.interval(np.array([-2.0]))))[0] for u in (found, more)]
    assert widths[1] < widths[0] / 2
    assert (found.visits, found.enterprises) == (1_400, 700)


def test_the_same_visits_and_seed_give_the_same_interval() -> None:
    assert interval(5)[0].model_dump_json() == interval(5)[0].model_dump_json()


@pytest.mark.parametrize("kind", ["platt", "beta", "isotonic"])
def test_every_calibrator_has_its_interval(kind: Kind) -> None:
    margin, y, firm, weight = sample(6)
    found = fit_calibrator(kind, margin, y, weight)
    low, high = fit_uncertainty(found, margin, y, firm, weight, seed=1, repetitions=20).interval(margin)
    assert (low <= high).all()
    assert (low >= 0).all()
    assert (high <= 1).all()


@given(st.lists(st.floats(-50, 50), min_size=1, max_size=30))
@settings(deadline=None, max_examples=examples(50))
def test_ends_are_never_out_of_order_and_never_fall_with_the_margin(margins: list[float]) -> None:
    found, _ = FIXED
    low, high = found.interval(np.sort(margins))
    assert (low <= high).all()
    assert (np.diff(low) >= -1e-12).all()
    assert (np.diff(high) >= -1e-12).all()


FIXED = interval(7, repetitions=20)


def test_the_curve_is_straight_beyond_its_outer_knots_and_bends_smoothly_within() -> None:
    """What a restricted cubic spline promises, whatever its coefficients."""
    knots = np.array([-3.0, -2.0, -1.0, 0.5, 2.0])
    theta = np.array([0.3, 0.8, -1.5, 2.0, 0.7])
    for beyond in (np.linspace(-9, -3, 7), np.linspace(2, 8, 7)):
        assert np.diff(_spline(beyond, knots) @ theta, n=2) == pytest.approx(0.0, abs=1e-9)
    step = 1e-3
    curve = _spline(np.arange(-4, 3, step), knots) @ theta
    bends = np.diff(curve, n=2) / step**2
    assert np.abs(bends).max() > 0.1
    assert np.abs(np.diff(bends)).max() < 0.05


@pytest.mark.parametrize("margin", [np.zeros(40), np.repeat([-1.0, 1.0], 20), np.repeat([-1.0, 0.0, 1.0, 2.0], 10)])
def test_few_distinct_margins_still_have_an_interval(margin: Floats) -> None:
    y = (np.arange(40) % 3 == 0).astype(np.int8)
    found = fit_calibrator("platt", margin, y)
    firm = np.arange(40).astype(object)
    low, high = fit_uncertainty(found, margin, y, firm, np.ones(40), seed=1, repetitions=20).interval(margin)
    assert ((low <= high) & (low > 0) & (high < 1)).all()


def test_an_interval_out_of_order_is_refused() -> None:
    good = FIXED[0].model_dump()
    for change in ({"low": good["high"], "high": good["low"]}, {"margins": good["margins"][::-1]}, {"low": ()}):
        with pytest.raises(ValidationError):
            Uncertainty.model_validate({**good, **change})


@pytest.mark.long
def test_ninety_five_of_a_hundred_intervals_hold_the_true_risk() -> None:
    """Over 300 samples, at three margins: 95 % give or take three binomial deviations, and what a bootstrap lacks."""
    at = np.array([-4.0, -2.0, 0.0])
    truth = expit(0.8 * at + 0.3)
    held = np.zeros(3)
    for seed in range(300):
        low, high = interval(1000 + seed, repetitions=200)[0].interval(at)
        held += (low <= truth) & (truth <= high)
    assert (held / 300 > 0.90).all(), held / 300
    assert (held / 300 < 0.99).all(), held / 300
    assert logit(truth[1]) == pytest.approx(0.8 * -2 + 0.3)


@pytest.mark.long
def test_where_the_truth_bends_a_straight_calibrators_interval_holds_it_nearly_as_often() -> None:
    """Refits of the straight map alone held it in 0 to 4 of 100 samples at the bend."""
    at = np.array([-3.0, -2.0, -1.0])

    def bend(m: Floats) -> Floats:
        risk: Floats = expit(np.where(m < -2, -1.3 + 0.4 * (m + 2), -1.3 + 1.2 * (m + 2)))
        return risk

    held = np.zeros(3)
    for seed in range(100):
        margin, _, firm, weight = sample(seed, firms=3_000)
        y = (np.random.default_rng([seed, 1]).random(len(margin)) < bend(margin)).astype(np.int8)
        straight = fit_calibrator("platt", margin, y, weight)
        low, high = fit_uncertainty(straight, margin, y, firm, weight, seed=1, repetitions=100).interval(at)
        held += (low <= bend(at)) & (bend(at) <= high)
    assert (held / 100 > 0.8).all(), held / 100
