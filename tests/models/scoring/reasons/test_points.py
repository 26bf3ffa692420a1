from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike

from helpers import small_model as small
from helpers.thorough import examples
from models.arrays import Floats
from models.scoring.reasons.points import family_points, scaled_points, spread, strongest

CONTRIBUTION = st.floats(-3, 3, allow_nan=False)


def explained(contributions: ArrayLike, base_margin: float = -1.5) -> tuple[Floats, Floats, Floats]:
    """Points of rows of contributions under the small model's score map."""
    score_map = small.model().score_map
    parts = np.asarray(contributions, dtype=float)
    margin = base_margin + parts.sum(axis=1)
    score, base = score_map.score(margin), float(score_map.score(base_margin))
    slope = float(score_map.slope(base_margin))
    return parts, scaled_points(parts, margin, base_margin, score, base, slope), score - base


@settings(max_examples=examples(200), deadline=None)
@given(st.lists(st.lists(CONTRIBUTION, min_size=4, max_size=4), min_size=1, max_size=8))
def test_points_add_up_to_the_score_above_the_base(rows: list[list[float]]) -> None:
    _, points, total = explained(rows)
    np.testing.assert_allclose(points.sum(axis=1), total, atol=1e-6)


@settings(max_examples=examples(100), deadline=None)
@given(st.lists(CONTRIBUTION, min_size=4, max_size=4))
def test_points_keep_the_sign_and_the_order_of_contributions(row: list[float]) -> None:
    parts, points, total = explained([row])
    if abs(total[0]) > 1e-3:
        assert (np.sign(points[np.abs(parts) > 1e-6]) == np.sign(parts[np.abs(parts) > 1e-6])).all()
        big = parts[0, np.argsort(parts[0])]
        assert (np.diff(points[0, np.argsort(parts[0])])[np.diff(big) > 1e-6] > 0).all()


@pytest.mark.parametrize("away", [0.0, 1e-17, 1e-12, -1e-10, 1e-8, 1e-5])
def test_a_margin_at_the_base_gives_no_wild_points(away: float) -> None:
    # Large contributions that cancel: the quotient would be 0 / 0.
    parts, points, total = explained([[1.0, -1.0 + away, 0.0, 0.0]])
    slope = float(small.model().score_map.slope(-1.5))
    np.testing.assert_allclose(points, parts * slope, rtol=1e-3, atol=1e-9)
    assert points.sum() == pytest.approx(total[0], abs=1e-6)


def test_nothing_contributed_is_nothing_given() -> None:
    _, points, total = explained([[0.0, 0.0, 0.0, 0.0]])
    assert not points.any()
    assert total[0] == 0


@given(st.lists(st.floats(-300, 300), min_size=3, max_size=3), st.floats(-0.05, 0.05))
@example([0.0, 0.0, 2.225073858507e-311], 0.03125)
def test_rounding_is_spread_and_leaves_zeros_alone(row: list[float], moved: float) -> None:
    points = np.array([[*row, 0.0]])
    out = spread(points, points.sum(axis=1) + moved)
    assert out[0, -1] == 0
    if np.abs(points).sum() > 1e-6:
        assert out.sum() == pytest.approx(points.sum() + moved, abs=1e-6)
        assert np.abs(out - points).sum() == pytest.approx(abs(moved), abs=1e-9)


def test_family_points_are_the_sums_of_their_indicators() -> None:
    points = np.array([[1.0, 2.0, 4.0], [-1.0, 0.5, 0.0]])
    names, sums = family_points(points, ["basic", "societal", "basic"])
    assert names == ("basic", "societal")
    np.testing.assert_allclose(sums, [[5.0, 2.0], [-1.0, 0.5]])


def test_a_familys_points_move_with_the_rest_of_the_margin_though_its_log_odds_do_not() -> None:
    # Points are log-odds times the score map's mean slope up to the firm's own margin: exactness ends at the log-odds.
    parts, points, _ = explained([[0.5, 0.1, 0.0, 0.0], [0.5, 2.5, 0.0, 0.0]])
    _, odds = family_points(parts, ["basic", "societal", "societal", "societal"])
    _, sums = family_points(points, ["basic", "societal", "societal", "societal"])
    assert odds[0, 0] == odds[1, 0]
    assert abs(sums[0, 0] - sums[1, 0]) > 1


def test_the_strongest_come_first_whatever_their_sign() -> None:
    assert strongest(np.array([[1.0, -5.0, 3.0, 0.0]]), 2).tolist() == [[1, 2]]
    assert strongest(np.array([[2.0, -2.0, 2.0]]), 9).tolist() == [[0, 1, 2]]
