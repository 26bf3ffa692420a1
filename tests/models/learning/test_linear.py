"""The linear part is the ridge logistic regression that it says it is, held to the catalogue's signs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from helpers.thorough import examples
from models.arrays import Floats
from models.learning.linear import fit_linear
from models.scoring.linear import Linear, signed_log

TRUE = np.array([1.2, -0.8, 0.0, 0.5])


def world(n: int = 4_000, seed: int = 1, unknown: float = 0.15) -> tuple[Floats, NDArray[np.int8]]:
    """Four indicators, the last sometimes unknown and then riskier, and what visits found."""
    rng = np.random.default_rng(seed)
    X = rng.normal(0, 3, (n, 4))
    gone = rng.random(n) < unknown
    y = (rng.random(n) < expit(signed_log(X) @ TRUE - 1 + 0.7 * gone)).astype(np.int8)
    X[gone, 3] = np.nan
    return X, y


def design(X: Floats) -> Floats:
    """Signed logs, unknown ones at the median, then the flags of those columns that are sometimes unknown."""
    z = signed_log(X)
    gone = np.isnan(z)
    filled = np.where(gone, np.nanmedian(z, axis=0), z)
    return np.hstack([filled, gone[:, gone.any(axis=0)].astype(float)])


def oracle(X: Floats, y: NDArray[np.int8], strength: float, weight: Floats | None = None) -> Floats:
    """What scikit-learn's logistic regression says on the same standardised design: margins."""
    z = design(X)
    share = np.ones(len(z)) if weight is None else weight / weight.mean()
    mean = np.average(z, axis=0, weights=share)
    scaled = (z - mean) / np.sqrt(np.average((z - mean) ** 2, axis=0, weights=share))
    plain = LogisticRegression(C=strength, tol=1e-10, max_iter=10_000).fit(scaled, y, sample_weight=share)
    return np.asarray(plain.decision_function(scaled), dtype=np.float64)


@pytest.mark.parametrize("strength", [0.001, 0.01, 1.0])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("directions", [(0, 0, 0, 0), (1, -1, 0, 1)])
def test_where_no_sign_binds_it_is_scikit_learns_logistic_regression(
    strength: float, weighted: bool, directions: tuple[int, ...]
) -> None:
    X, y = world()
    weight = np.random.default_rng(5).uniform(0.5, 8.0, len(y)) if weighted else None
    found, _ = fit_linear(X, y, directions=directions, strength=strength, weight=weight)
    assert found.margin(X) == pytest.approx(oracle(X, y, strength, weight), abs=1e-4)


def test_where_a_sign_binds_the_coefficient_is_nought_and_the_others_are_those_without_it() -> None:
    X, y = world()
    found, _ = fit_linear(X, y, directions=(-1, 0, 0, 0), strength=0.01)
    assert found.coefficients[0] == 0
    assert found.margin(X) == pytest.approx(oracle(X[:, 1:], y, 0.01), abs=1e-4)


@pytest.mark.parametrize("seed", range(5))
def test_no_coefficient_has_the_sign_that_the_catalogue_excludes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    X, y = rng.lognormal(2, 1, (300, 8)), rng.integers(0, 2, 300).astype(np.int8)
    directions = rng.permutation([-1, -1, -1, 1, 1, 1, 0, 0])
    free, _ = fit_linear(X, y, directions=[0] * 8, strength=1.0)
    bound, _ = fit_linear(X, y, directions=directions.tolist(), strength=1.0)
    assert (np.asarray(free.coefficients) * directions < 0).any()  # so that the next line can fail
    assert (np.asarray(bound.coefficients) * directions >= 0).all()


def test_a_column_that_never_varies_or_is_never_known_adds_nothing() -> None:
    X, y = world()
    more = np.column_stack([X, np.full(len(X), 7.0), np.full(len(X), np.nan)])
    found, _ = fit_linear(more, y, directions=[0] * 6, strength=0.01)
    plain, _ = fit_linear(X, y, directions=[0] * 4, strength=0.01)
    other = more.copy()
    other[:, 4:] = 1e6
    assert found.margin(other) == pytest.approx(plain.margin(X), abs=1e-9)


def test_only_the_ratios_of_weights_matter() -> None:
    X, y = world()
    weight = np.random.default_rng(5).uniform(0.5, 8.0, len(y))
    once, ten = (fit_linear(X, y, directions=[0] * 4, strength=0.01, weight=w)[0] for w in (weight, 10 * weight))
    assert once.coefficients == pytest.approx(ten.coefficients, abs=1e-9)


def test_the_same_rows_give_the_same_numbers() -> None:
    X, y = world()
    first, second = (fit_linear(X, y, directions=[1, -1, 0, 1], strength=0.01)[0] for _ in range(2))
    assert first == second


def test_values_beyond_the_fits_range_count_as_the_nearest_in_it() -> None:
    X, y = world(unknown=0.0)
    found, _ = fit_linear(X, y, directions=[1, -1, 0, 1], strength=0.01)
    for column in range(4):
        for end, beyond in ((X[:, column].max(), 1e12), (X[:, column].min(), -1e12)):
            rows = np.tile(X[0], (2, 1))
            rows[:, column] = end, beyond
            at_end, far = found.margin(rows)
            assert far == pytest.approx(at_end, abs=1e-12)
    # Within the range a value counts as it is.
    inside = np.tile(X[0], (2, 1))
    inside[:, 0] = np.quantile(X[:, 0], [0.3, 0.6])
    assert np.diff(found.margin(inside))[0] > 0.01


def test_a_value_unknown_to_the_fit_counts_as_the_median() -> None:
    X, y = world(unknown=0.0)
    found, _ = fit_linear(X, y, directions=[0] * 4, strength=0.01)
    rows = np.tile(X[0], (2, 1))
    rows[:, 3] = np.nan, np.median(X[:, 3])
    assert np.diff(found.margin(rows))[0] == pytest.approx(0.0, abs=1e-3)


numbers = st.floats(-5, 5).map(lambda x: round(x, 3))
ranges = st.tuples(numbers, numbers, numbers).map(sorted)
values = st.one_of(st.floats(-1e9, 1e9), st.just(float("nan")))
column = st.tuples(numbers, numbers, ranges, numbers, st.floats(0, 1), st.lists(values, min_size=3, max_size=3))
Column = tuple[float, float, list[float], float, float, list[float]]


def linear(columns: list[Column], intercept: float) -> tuple[Linear, Floats]:
    """A linear part of these columns, and three rows to ask it about."""
    coefficients, unknown, spans, mean, share, asked = zip(*columns, strict=True)
    low, median, high = zip(*spans, strict=True)
    made = Linear(
        intercept=intercept, coefficients=coefficients, unknown=unknown, median=median, low=low, high=high, mean=mean,
        share_unknown=share,
    )  # fmt: skip
    return made, np.array(asked, dtype=np.float64).T


@settings(max_examples=examples(200), deadline=None)
@given(st.lists(column, min_size=1, max_size=5), numbers)
def test_contributions_add_up_to_the_margin_and_no_margin_passes_the_bounds(
    columns: list[Column], intercept: float
) -> None:
    made, X = linear(columns, intercept)
    margin = made.margin(X)
    by_hand = []
    for row in X:
        total = intercept
        for (coefficient, flag, (low, median, high), *_), value in zip(columns, row, strict=True):
            if np.isnan(value):
                total += coefficient * median + flag
            else:
                total += coefficient * min(max(float(np.sign(value) * np.log1p(abs(value))), low), high)
        by_hand.append(total)
    assert margin == pytest.approx(by_hand, abs=1e-9)
    assert made.base + made.contributions(X).sum(axis=1) == pytest.approx(margin, abs=1e-9)
    least, greatest = made.bounds()
    assert (margin >= least - 1e-9).all()
    assert (margin <= greatest + 1e-9).all()


@settings(max_examples=examples(100), deadline=None)
@given(st.lists(column, min_size=1, max_size=4), numbers)
def test_the_bounds_are_reached(columns: list[Column], intercept: float) -> None:
    made, _ = linear(columns, intercept)
    grids = [np.array([np.nan, -1e9, 1e9])] * len(columns)
    every = np.stack([g.ravel() for g in np.meshgrid(*grids)], axis=1)
    margin = made.margin(every)
    assert made.bounds() == pytest.approx((margin.min(), margin.max()), abs=1e-9)


def test_one_row_and_many_give_the_same_margin_to_the_last_bit() -> None:
    X, y = world()
    found, _ = fit_linear(X, y, directions=[0] * 4, strength=0.01)
    assert [found.margin(X[k : k + 1])[0] for k in range(200)] == found.margin(X)[:200].tolist()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"unknown": (0.0,)}, "unknown: one finite number per indicator"),
        ({"coefficients": (1.0, float("inf"))}, "coefficients: one finite number"),
        ({"low": (2.0, 0.0)}, "low <= median <= high"),
        ({"intercept": float("nan")}, "intercept"),
    ],
)
def test_a_linear_part_that_cannot_be_is_refused(change: dict[str, object], message: str) -> None:
    whole: dict[str, object] = {"intercept": 0.0, "coefficients": (1.0, 2.0)}
    whole |= dict.fromkeys(("unknown", "mean", "share_unknown"), (0.0, 0.0))
    whole |= {"low": (-1.0, -1.0), "median": (0.0, 0.0), "high": (1.0, 1.0)}
    Linear.model_validate(whole)
    with pytest.raises(ValueError, match=message):
        Linear.model_validate(whole | change)
