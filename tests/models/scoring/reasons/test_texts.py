from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike

from features.catalogue import CATALOGUE
from helpers import small_model as small
from helpers.thorough import examples
from models.arrays import Floats
from models.scoring.reasons.points import family_points, scaled_points, spread, strongest
from models.scoring.reasons.texts import _UNITS_ZH, reason, value_texts

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


def test_the_words_say_what_it_is_its_value_and_its_effect_in_both_languages() -> None:
    up = reason(small.CATALOGUE["penalties_3y"], 2.0, 83.25)
    assert up.text_en == "penalties in the last three years: 2 penalties, raises the score by 83.2 points"
    assert up.text_zh == "近三年行政处罚次数：2次，使风险分上升83.2分"
    down = reason(small.CATALOGUE["years_operating"], 12.5, -20.0)
    assert down.text_en == "years since it was established: 12.50 years, lowers the score by 20.0 points"
    assert down.text_zh == "经营年限：12.50年，使风险分下降20.0分"
    assert "by" not in reason(small.CATALOGUE["penalties_3y"], 0.0, 0.01).text_en
    assert (up.indicator, up.zh, up.family, up.value, up.points) == (
        "penalties_3y", "近三年行政处罚次数", "regulatory", 2.0, 83.25,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("value", "unit", "en", "zh"),
    [
        (123456.0, "fen", "1,234.56 yuan", "1,234.56元"),
        (0.25, "share", "25.0%", "25.0%"),
        (1.0, "0/1", "yes", "是"),
        (0.0, "0/1", "no", "否"),
        (1.0, "penalties", "1 penalty", "1次"),
        (1.0, "branches", "1 branch", "1家"),
        (0.0, "days", "0 days", "0天"),
        (math.nan, "days", "unknown", "未知"),
        (3.0, "widgets", "3 widgets", "3widgets"),
        (3.0, "", "3", "3"),
    ],
)
def test_a_value_is_shown_in_its_unit(value: float, unit: str, en: str, zh: str) -> None:
    assert value_texts(value, unit) == (en, zh)


def test_no_reason_shows_a_column_name_or_argues_against_itself() -> None:
    for entry in CATALOGUE.values():
        for value, points in ((0.5, -3.0), (2.0, 3.0)):
            text = reason(entry, value, points)
            assert text.text_en.startswith(f"{entry.en}: ")
            assert text.text_zh.startswith(f"{entry.zh}：")
            assert "_" not in text.text_en
            assert "risk" not in text.text_en.removeprefix(entry.en)
            assert "风险越" not in text.text_zh


def test_every_unit_of_the_catalogue_has_a_chinese_word() -> None:
    units = {entry.unit for entry in CATALOGUE.values()} - {"fen", "share", "0/1"}
    assert units <= set(_UNITS_ZH)


def test_an_unknown_value_says_so_and_not_more() -> None:
    unknown = reason(small.CATALOGUE["penalties_3y"], math.nan, 5.0)
    assert unknown.text_en == "penalties in the last three years: unknown, raises the score by 5.0 points"
    assert "未知，使风险分上升5.0分" in unknown.text_zh
