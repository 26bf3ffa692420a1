from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter
from scipy.special import expit

from helpers.thorough import examples
from models.arrays import Floats, Ints
from models.errors import ModelError
from models.evaluation.intervals import kish
from models.learning.calibration import KINDS, Cells, choose_calibrator, fit_calibrator, log_loss, refit
from models.scoring.calibrators import Beta, Calibrator, Isotonic, Kind, Platt, Spline, spline_design

MARGINS = st.lists(st.floats(-8, 8, allow_nan=False), min_size=8, max_size=60)


def draw(
    truth: Callable[[Floats], Floats], n: int = 40_000, seed: int = 0, spread: float = 1.2
) -> tuple[Floats, Ints, Floats]:
    """Margins, outcomes by a true risk of the margin, and that risk."""
    rng = np.random.default_rng(seed)
    margin = rng.normal(-2, spread, n)
    risk = truth(margin)
    return margin, (rng.random(n) < risk).astype(int), risk


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=examples(60), deadline=None)
@given(margins=MARGINS, seed=st.integers(0, 99), drop=st.booleans())
def test_a_higher_margin_is_always_a_higher_probability(
    kind: Kind, margins: list[float], seed: int, drop: bool
) -> None:
    # Outcomes may even fall with the margin: the order of enterprises must survive all the same.
    rng = np.random.default_rng(seed)
    m = np.asarray(margins)
    y = (rng.random(len(m)) < expit(-m if drop else m)).astype(int)
    y[:2] = 0, 1
    calibrator = fit_calibrator(kind, m, y, rng.uniform(0.1, 20, len(m)))
    grid = np.unique(np.concatenate([np.linspace(-12, 12, 400), m.round(3)]))
    odds = calibrator.log_odds(grid)
    assert np.isfinite(odds).all()
    assert (np.diff(odds) > 0).all()
    probability = calibrator.probability(grid)
    assert ((probability >= 0) & (probability <= 1)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_tails_go_on_in_a_straight_line_and_stay_finite(kind: Kind) -> None:
    margin, y, _ = draw(lambda m: expit(0.7 * m - 0.4), n=5_000)
    calibrator = fit_calibrator(kind, margin, y)
    for far in (np.array([60.0, 70.0, 80.0]), np.array([-80.0, -70.0, -60.0]), np.array([1e5, 2e5, 3e5])):
        odds = calibrator.log_odds(far)
        assert np.isfinite(odds).all()
        assert odds[2] - odds[1] == pytest.approx(odds[1] - odds[0], rel=1e-6)
        assert odds[1] > odds[0]


@pytest.mark.parametrize("kind", KINDS)
def test_the_truth_is_found_again(kind: Kind) -> None:
    margin, y, risk = draw(lambda m: expit(0.7 * m - 0.4))
    found = fit_calibrator(kind, margin, y).probability(margin)
    assert np.abs(found - risk).mean() < 0.006
    raw = np.abs(expit(margin) - risk).mean()
    assert raw > 0.02, "the raw margin must be wrong, or this test shows nothing"


def test_platt_recovers_slope_and_intercept() -> None:
    margin, y, _ = draw(lambda m: expit(0.7 * m - 0.4), n=200_000)
    platt = fit_calibrator("platt", margin, y)
    assert isinstance(platt, Platt)
    assert platt.slope == pytest.approx(0.7, abs=0.02)
    assert platt.intercept == pytest.approx(-0.4, abs=0.05)


def test_a_bend_that_a_line_cannot_follow_is_chosen_out_of_time() -> None:
    def bent(m: Floats) -> Floats:
        risk: Floats = expit(np.where(m < -2, -3.0 + 0.1 * (m + 2), -3.0 + 2.0 * (m + 2)))
        return risk

    fit, later = draw(bent, seed=1), draw(bent, seed=2)
    choice = choose_calibrator((*fit[:2], None), (*later[:2], None))
    assert choice.losses["isotonic"] < choice.losses["platt"]
    assert choice.losses[choice.calibrator.kind] < choice.losses["platt"]
    # Asked first, the line gives way to what follows the bend.
    turned = choose_calibrator((*fit[:2], None), (*later[:2], None), kinds=("platt", "isotonic"))
    assert isinstance(turned.calibrator, Isotonic)
    straight = choose_calibrator((*fit[:2], None), (*later[:2], None), kinds=("platt",))
    assert isinstance(straight.calibrator, Platt)


def test_within_noise_the_first_calibrator_is_kept_even_where_another_has_the_lesser_loss() -> None:
    first_though_not_least = 0
    for seed in range(40):
        fit, later = draw(expit, n=2_000, seed=2 * seed), draw(expit, n=1_000, seed=2 * seed + 1)
        choice = choose_calibrator((*fit[:2], None), (*later[:2], None))
        least = min(choice.losses, key=choice.losses.__getitem__)
        first_though_not_least += choice.calibrator.kind == "spline" != least
    # Where a line is the truth, the least loss is another's by luck alone.
    assert first_though_not_least >= 8


def test_a_splines_log_odds_are_the_integral_of_the_slope_between_its_knots() -> None:
    knots = np.array([-3.0, -1.0, 0.5, 2.0])
    slopes = np.array([0.4, 1.3, 0.2, 0.9])
    spline = Spline(knots=tuple(knots), slopes=tuple(slopes), intercept=-0.7)
    for end in (-9.0, -3.0, -1.7, 0.0, 0.5, 1.9, 7.0):
        steps = np.linspace(-3.0, end, 20_001)
        slope = np.interp(steps, knots, slopes)
        expected = -0.7 + np.sum((slope[1:] + slope[:-1]) / 2 * np.diff(steps))
        assert spline.log_odds(end) == pytest.approx(expected, abs=1e-6)
    assert spline_design(knots[:1], knots).tolist() == [[0.0] * 4]


def test_a_spline_of_few_visits_is_nearly_a_line_and_of_many_bends_with_the_truth() -> None:
    """Truth of class D that no line holds: log-odds rise ever more slowly."""

    def bent(m: Floats) -> Floats:
        risk: Floats = expit(np.where(m < -1, m, -1 + 0.4 * (m + 1)))
        return risk

    def off(kind: Kind, n: int, seed: int) -> float:
        margin, y, _ = draw(bent, n=n, seed=seed, spread=1.5)
        grid = np.linspace(-4, 1.5, 60)
        return float(np.mean((fit_calibrator(kind, margin, y).probability(grid) - bent(grid)) ** 2))

    def slopes(n: int) -> float:
        margin, y, _ = draw(bent, n=n, seed=3, spread=1.5)
        found = fit_calibrator("spline", margin, y)
        assert isinstance(found, Spline)
        return float(np.ptp(found.slopes))

    few = np.mean([[off(kind, 400, seed) for kind in ("spline", "platt")] for seed in range(30)], axis=0)
    many = np.mean([[off(kind, 40_000, seed) for kind in ("spline", "platt")] for seed in range(5)], axis=0)
    assert few[0] < 1.05 * few[1]
    assert many[0] < 0.25 * many[1]
    assert slopes(200) < 0.5 * slopes(40_000)


def test_a_spline_of_equal_margins_is_a_line() -> None:
    m, y = np.zeros(8), np.array([0, 1] * 4)
    assert fit_calibrator("spline", m, y).probability(0.0) == pytest.approx(0.5)


@pytest.mark.parametrize("kind", KINDS)
def test_design_weights_undo_a_biased_draw(kind: Kind) -> None:
    margin, y, risk = draw(lambda m: expit(0.7 * m - 0.4), n=120_000)
    rng = np.random.default_rng(5)
    # Violators are drawn four times as often, and weighted back by 1 / draw probability.
    chance = np.where(y == 1, 0.8, 0.2)
    kept = rng.random(len(y)) < chance
    weighted = fit_calibrator(kind, margin[kept], y[kept], 1 / chance[kept]).probability(margin)
    plain = fit_calibrator(kind, margin[kept], y[kept]).probability(margin)
    assert abs(weighted.mean() - risk.mean()) < 0.005 < 0.05 < plain.mean() - risk.mean()


@pytest.mark.parametrize("kind", KINDS)
def test_only_ratios_of_weights_matter_and_weight_0_is_absence(kind: Kind) -> None:
    margin, y, _ = draw(expit, n=2_000)
    w = np.random.default_rng(1).integers(0, 3, len(y)).astype(float)
    one = fit_calibrator(kind, margin, y, w)
    grid = np.linspace(-6, 3, 50)
    scaled = fit_calibrator(kind, margin, y, w * 1000)
    absent = fit_calibrator(kind, margin[w > 0], y[w > 0], w[w > 0])
    np.testing.assert_allclose(scaled.log_odds(grid), one.log_odds(grid), atol=1e-4)
    np.testing.assert_allclose(absent.log_odds(grid), one.log_odds(grid), atol=1e-2)


@pytest.mark.parametrize("kind", KINDS)
def test_json_gives_the_same_calibrator_back(kind: Kind) -> None:
    margin, y, _ = draw(expit, n=3_000)
    calibrator = fit_calibrator(kind, margin, y)
    again = TypeAdapter(Calibrator).validate_json(calibrator.model_dump_json())
    assert again == calibrator
    assert (again.probability(margin) == calibrator.probability(margin)).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("risk", [0.001, 0.09, 0.5, 0.98])
def test_the_margin_at_a_risk_has_that_risk(kind: Kind, risk: float) -> None:
    margin, y, _ = draw(lambda m: expit(0.7 * m - 0.4), n=5_000)
    calibrator = fit_calibrator(kind, margin, y)
    assert calibrator.probability(calibrator.margin_at(risk)) == pytest.approx(risk, rel=1e-9)


def test_equal_margins_get_one_probability() -> None:
    m = np.repeat([-1.0, 0.0, 1.0], 100)
    y = np.tile([0, 0, 0, 1], 75)
    isotonic = fit_calibrator("isotonic", m, y)
    assert isotonic.probability(np.array([0.0])) == pytest.approx(0.25, abs=0.01)


@pytest.mark.parametrize(
    ("margin", "y", "w", "message"),
    [
        ([0.0, 1.0], [0, 0], None, "with and without"),
        ([0.0, 1.0], [1, 1], None, "with and without"),
        ([0.0, 1.0, 2.0], [0, 1], None, "shapes"),
        ([0.0, np.inf], [0, 1], None, "finite"),
        ([0.0, 1.0], [0, 2], None, "0 or 1"),
        ([0.0, 1.0], [0, 1], [1.0, -1.0], "negative"),
        ([0.0, 1.0, 2.0], [0, 0, 1], [1.0, 1.0, 0.0], "with and without"),
    ],
)
def test_rows_that_teach_nothing_are_refused(
    margin: list[float], y: list[int], w: list[float] | None, message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        fit_calibrator("platt", margin, y, w)


def test_a_flat_or_falling_calibrator_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="slope"):
        Platt(slope=0.0, intercept=0.0)
    with pytest.raises(ValueError, match="greater than"):
        Beta(a=-1.0, b=1.0, c=0.0)
    with pytest.raises(ValueError, match="slopes must be"):
        Spline(knots=(0.0, 1.0), slopes=(1.0, 0.0), intercept=0.0)
    with pytest.raises(ValueError, match="knots must"):
        Spline(knots=(1.0, 1.0), slopes=(1.0, 1.0), intercept=0.0)
    with pytest.raises(ValueError, match="strictly increase"):
        Isotonic(margins=(0.0, 1.0), odds=(0.5, 0.5))


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_visits_written_as_cells_refit_to_the_same_calibrator(kind: Kind) -> None:
    margin, y, _ = draw(lambda m: expit(0.7 * m - 0.4), n=2_000)
    weight = np.random.default_rng(1).choice([1.0, 3.0, 10.0], len(y))
    found = fit_calibrator(kind, margin, y, weight)
    w = weight / weight.mean()
    whole = refit(found, Cells(margin, y.astype(float), w, visits=kish(w), unit=1.0))
    assert whole.log_odds(margin) == pytest.approx(found.log_odds(margin), abs=1e-6)
    # Equal margins summed: two visits of half the weight each, and cells that nobody was drawn from.
    twice = Cells(
        np.r_[np.repeat(margin, 2), 9.0],
        np.r_[np.repeat(y, 2).astype(float), 0.0],
        np.r_[np.repeat(w / 2, 2), 0.0],
        visits=kish(w),
        unit=1.0,
    )
    assert refit(found, twice).log_odds(margin) == pytest.approx(found.log_odds(margin), abs=1e-4)


def test_with_a_generator_a_splines_refits_differ_by_what_its_penalty_decided_and_no_other_kinds() -> None:
    margin, y, _ = draw(lambda m: expit(0.7 * m - 0.4), n=2_000)
    cells = Cells(margin, y.astype(float), np.ones(len(y)), visits=float(len(y)), unit=1.0)
    for kind in KINDS:
        found = fit_calibrator(kind, margin, y)
        again = refit(found, cells, np.random.default_rng(3)).log_odds(margin)
        assert (np.abs(again - found.log_odds(margin)).max() > 0.01) == (kind == "spline")


def test_log_loss_is_the_mean_by_weight() -> None:
    assert log_loss([0.5, 0.9], [0, 1], [3.0, 1.0]) == pytest.approx(-(3 * np.log(0.5) + np.log(0.9)) / 4)
    assert np.isfinite(log_loss([0.0], [1]))
