from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from features.errors import ConfigError
from helpers import small_model as small
from helpers.thorough import examples
from models.arrays import Floats
from models.errors import ModelError
from models.learning.classifier import RiskClassifier
from models.scoring.bands import SCALE, BandPolicy, ScoreMap, attainable_margins, freeze_score_map, load_bands
from models.scoring.calibrators import Platt
from models.scoring.classification import GRADES

HEBEI = load_bands("hebei")
PLATT = Platt(slope=0.8, intercept=-0.3)


def shared(**changes: object) -> BandPolicy:
    return BandPolicy.model_validate({**HEBEI.model_dump(), "anchor": "share", **changes})


def margins(n: int = 20_000, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).normal(-2.2, 0.9, n)


@pytest.mark.parametrize(
    ("province", "score", "grade"),
    [
        ("hebei", 0, "A"), ("hebei", 200, "A"), ("hebei", 200.1, "B"),
        ("hebei", 500, "B"), ("hebei", 500.1, "C"), ("hebei", 750, "C"), ("hebei", 750.1, "D"), ("hebei", 1000, "D"),
        ("henan", 199.9, "A"), ("henan", 200, "B"), ("henan", 499.9, "B"), ("henan", 500, "C"),
        ("henan", 749.9, "C"), ("henan", 750, "D"), ("henan", 1000, "D"),
        ("ningxia", 200.1, "A"), ("ningxia", 250, "A"), ("ningxia", 250.1, "B"),
        ("ningxia", 500, "B"), ("ningxia", 750, "C"), ("ningxia", 750.1, "D"),
    ],
)  # fmt: skip
def test_each_province_closes_its_classes_where_its_text_says(province: str, score: float, grade: str) -> None:
    assert load_bands(province).grade(score) == grade


@pytest.mark.parametrize("score", [-0.1, 1000.1, float("nan")])
def test_no_score_lies_off_the_scale(score: float) -> None:
    with pytest.raises(ModelError, match="between 0 and 1000"):
        HEBEI.grade(score)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cuts": (500, 200, 750)}, "cuts must strictly increase"),
        ({"cuts": (200, 500, 1000)}, "cuts must strictly increase"),
        ({"rates": (0.1, 0.1, 0.3)}, "rates must strictly increase"),
        ({"shares": (0.5, 0.3, 0.1, 0.2)}, "sum to 1"),
        ({"closed": "both"}, "left"),
        ({"tail_points": 200}, "tail_points"),
        ({"colour": "red"}, "Extra inputs"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(
    change: dict[str, tuple[int, int, int]]
    | dict[str, tuple[float, float, float]]
    | dict[str, tuple[float, float, float, float]]
    | dict[str, str]
    | dict[str, int],
    message: str,
) -> None:
    with pytest.raises(ValidationError, match=message):
        shared(**change)


def test_a_province_without_bands_is_told_who_has_some() -> None:
    with pytest.raises(ConfigError, match="hebei"):
        load_bands("atlantis")


def test_the_stated_rate_sits_exactly_at_each_cut() -> None:
    score_map = freeze_score_map(HEBEI, margins(), (-9.0, 6.0), PLATT)
    for cut, rate in zip(HEBEI.cuts, HEBEI.rates, strict=True):
        at = np.interp(cut, score_map.scores, score_map.margins)
        assert PLATT.probability(at) == pytest.approx(rate, rel=1e-9)
    assert score_map.unreachable == ()


def test_shares_fall_as_stated_and_weights_count() -> None:
    m = margins()
    weight = np.where(m > -2, 3.0, 1.0)
    for w in (None, weight):
        score = freeze_score_map(shared(), m, (-9.0, 6.0), PLATT, w).score(m)
        mix = np.bincount(HEBEI.grade_index(score), weights=w, minlength=4)
        np.testing.assert_allclose(mix / mix.sum(), HEBEI.shares, atol=1e-3)


@pytest.mark.parametrize("province", ["hebei", "henan"])
def test_a_cut_never_splits_firms_of_one_margin_whatever_side_is_closed(province: str) -> None:
    m = np.repeat(np.linspace(-3, 1, 12), 50)
    bands = load_bands(province).model_copy(update={"anchor": "share"})
    score = freeze_score_map(bands, m, (-4.0, 2.0), PLATT).score(m)
    assert not np.isin(score, bands.cuts).any()
    assert set(bands.grade_index(score)) == {0, 1, 2, 3}


def test_too_few_margins_for_four_classes_is_said() -> None:
    with pytest.raises(ModelError, match="too few"):
        freeze_score_map(shared(), np.repeat([-1.0, 0.0, 1.0], 10), (-2.0, 2.0), PLATT)


@settings(max_examples=examples(100), deadline=None)
@given(
    seed=st.integers(0, 10_000),
    spread=st.floats(0.01, 4),
    centre=st.floats(-6, 4),
    anchor=st.sampled_from(["rate", "share"]),
)
def test_a_higher_attainable_margin_is_always_a_higher_score(
    seed: int, spread: float, centre: float, anchor: str
) -> None:
    m = np.random.default_rng(seed).normal(centre, spread, 300)
    ends = (float(m.min()) - 1.0, float(m.max()) + 1.0)
    score_map = freeze_score_map(shared(anchor=anchor), m, ends, PLATT)
    grid = np.linspace(*ends, 500)
    score = score_map.score(grid)
    assert (np.diff(score) > 0).all()
    assert score[0] > 0
    assert score[-1] < SCALE, "0 and 1000 are limits nobody reaches, so nobody is flattened there"


def test_the_slope_is_what_the_score_does_to_the_right() -> None:
    score_map = freeze_score_map(HEBEI, margins(), (-9.0, 6.0), PLATT)
    at = np.array([-8.0, *score_map.margins[:-1], 5.0])
    rise = (score_map.score(at + 1e-4) - score_map.score(at)) / 1e-4
    np.testing.assert_allclose(score_map.slope(at), rise, rtol=1e-6)


def test_a_class_the_model_cannot_reach_is_named() -> None:
    timid = freeze_score_map(HEBEI, margins() * 0.01 - 2.0, (-2.3, -1.7), PLATT)
    assert timid.unreachable == ("A", "C", "D")
    assert "A" not in freeze_score_map(HEBEI, margins(), (-9.0, 6.0), PLATT).unreachable


def test_rare_margins_take_up_few_points() -> None:
    m = margins()
    score_map = freeze_score_map(HEBEI, m, (-60.0, 60.0), PLATT)
    assert score_map.score(np.quantile(m, 0.001)) == pytest.approx(HEBEI.tail_points, abs=1)
    assert score_map.score(np.quantile(m, 0.9995)) > 700


def test_no_row_passes_the_attainable_margins_of_its_booster() -> None:
    frame, truth = small.rows(3_000, 5)
    names = list(small.NAMES)
    model = RiskClassifier(n_estimators=30).fit(frame[names], small.outcomes(truth, 6))
    low, high = attainable_margins(model.booster_text())
    extreme = np.random.default_rng(1).choice([-1e12, -1, 0, 1, 1e12, np.nan], size=(5_000, len(names)))
    for rows in (frame[names].to_numpy(), extreme):
        margin = model.booster_.predict(rows, raw_score=True)
        assert low - 1e-9 <= margin.min() <= margin.max() <= high + 1e-9
    assert high - low < 20


def test_the_promised_ranges_join_at_the_stated_rates() -> None:
    ranges = [HEBEI.promised(grade) for grade in GRADES]
    assert ranges[0][0] == 0.0
    assert ranges[-1][1] == 1.0
    assert [low for low, _ in ranges[1:]] == [high for _, high in ranges[:-1]] == list(HEBEI.rates)


def test_the_map_survives_json_and_a_flat_one_cannot_be_made() -> None:
    score_map = freeze_score_map(HEBEI, margins(), (-9.0, 6.0), PLATT)
    assert ScoreMap.model_validate_json(score_map.model_dump_json()) == score_map
    with pytest.raises(ValidationError, match="strictly increase"):
        ScoreMap(margins=(0.0, 0.0, 1.0), scores=(0.0, 500.0, 1000.0))
    with pytest.raises(ValidationError, match="run from 0"):
        ScoreMap(margins=(0.0, 1.0), scores=(1.0, 1000.0))


@pytest.mark.parametrize(
    ("m", "w", "message"),
    [([], None, "finite margins"), ([1.0, np.nan], None, "finite"), ([1.0, 2.0], [0.0, 0.0], "all 0")],
)
def test_a_population_that_is_none_is_refused(m: list[float], w: list[float] | None, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        freeze_score_map(HEBEI, np.array(m), (-1.0, 3.0), PLATT, w)
