from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.metrics import roc_auc_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from helpers import small_model as small
from helpers.thorough import examples
from models.arrays import Floats
from models.learning.classifier import RiskClassifier
from models.scoring.bands import attainable_margins
from models.scoring.linear import signed_log
from models.scoring.reasons.points import family_points
from models.study.circumstances import Circumstances

NAMES = list(small.NAMES)
WEIGHTS = (
    "weights are scaled to mean 1 before the penalties, and LightGBM bins columns and counts min_data_in_leaf by rows: "
    "a row of weight 2 is not the same as two rows"
)


Rows = tuple[pd.DataFrame, NDArray[np.int8], pd.DataFrame, NDArray[np.int8], Floats]
"""Rows to fit on and their outcomes, later rows and theirs, and the later rows' true risk."""


def failing(_: RiskClassifier) -> dict[str, str]:
    """The checks that can't hold, and why."""
    return {"check_sample_weight_equivalence_on_dense_data": WEIGHTS}


# Small leaves too: most of scikit-learn's checks give so few rows that the default's trees would not split.
@parametrize_with_checks(  # type: ignore[untyped-decorator]  # scikit-learn comes without types
    [RiskClassifier(), RiskClassifier(min_data_in_leaf=1, lambda_l2=0.0)], expected_failed_checks=failing
)
def test_it_keeps_scikit_learns_contract(estimator: RiskClassifier, check: Callable[[RiskClassifier], None]) -> None:
    check(estimator)


@pytest.fixture(scope="module")
def data() -> Rows:
    fit, truth = small.rows(4_000, 1)
    later, later_truth = small.rows(2_000, 2)
    return (
        fit[NAMES],
        small.outcomes(truth, 3),
        later[NAMES],
        small.outcomes(later_truth, 4),
        later_truth,
    )


def fitted(data: Rows, **params: Any) -> RiskClassifier:
    x, y, *_ = data
    return RiskClassifier(**{"n_estimators": 60, "monotone": small.DIRECTIONS, **params}).fit(x, y)


def test_it_finds_the_truth_behind_the_outcomes(data: Rows) -> None:
    model = fitted(data)
    *_, later, y, truth = data
    assert roc_auc_score(y, model.decision_function(later)) > roc_auc_score(y, truth) - 0.03


def test_the_same_inputs_give_the_same_two_parts_whatever_the_threads(data: Rows) -> None:
    both = [fitted(data, feature_fraction=0.8, num_threads=n) for n in (1, 2)]
    bodies = {model.booster_text().split("\nparameters:")[0] for model in both}
    assert len(bodies) == 1
    assert both[0].linear_ == both[1].linear_
    assert fitted(data).booster_text() == fitted(data).booster_text()
    assert (
        fitted(data, feature_fraction=0.6, seed=1).booster_text()
        != fitted(data, feature_fraction=0.6, seed=2).booster_text()
    )


@pytest.mark.parametrize("families", [None, small.FAMILIES])
@pytest.mark.parametrize(
    "shape",
    [
        {},
        {"min_data_in_leaf": 5, "max_depth": 7, "num_leaves": 47},
        {"min_data_in_leaf": 5, "max_depth": 7, "num_leaves": 47, "monotone_penalty": 2.0},
    ],
)
def test_more_of_a_riskier_indicator_never_lowers_the_margin(
    data: Rows, families: dict[str, str] | None, shape: dict[str, Any]
) -> None:
    model = fitted(data, families=families, **shape)
    later = data[2].head(200)
    for name, direction in small.DIRECTIONS.items():
        if direction == 0:
            continue
        grid = np.quantile(data[0][name], np.linspace(0, 1, 15))
        curves = np.array([model.decision_function(later.assign(**{name: v})) for v in grid])
        assert (direction * np.diff(curves, axis=0) >= -1e-12).all(), name


def test_the_penalty_keeps_directions_from_the_first_splits(data: Rows) -> None:
    def at_the_root(penalty: float) -> set[str]:
        trees = fitted(data, monotone_penalty=penalty).booster_.trees_to_dataframe()
        return set(trees.loc[trees["node_depth"] == 1, "split_feature"].dropna())

    bound = {name for name, direction in small.DIRECTIONS.items() if direction}
    assert at_the_root(0.0) & bound
    assert not at_the_root(2.0) & bound


def test_without_a_direction_noise_breaks_monotonicity_so_the_test_above_can_fail(data: Rows) -> None:
    model = fitted(data, monotone=None)
    grid = np.linspace(0, 30, 60)
    curves = np.array([model.decision_function(data[2].head(50).assign(years_operating=v)) for v in grid])
    assert (np.diff(curves, axis=0) > 1e-9).any()


def test_families_stay_additive_under_interaction_constraints(data: Rows) -> None:
    def mixed(model: RiskClassifier) -> bool:
        trees = model.booster_.trees_to_dataframe().dropna(subset="split_feature")
        seen = trees.assign(family=trees["split_feature"].map(small.FAMILIES)).groupby("tree_index")["family"]
        return any(len(set(families)) > 1 for _, families in seen)

    assert mixed(fitted(data))
    assert not mixed(fitted(data, families=small.FAMILIES))


def by_family(model: RiskClassifier, rows: pd.DataFrame) -> tuple[tuple[str, ...], np.ndarray]:
    """What each family adds to the margin of each row."""
    return family_points(model.contributions(rows)[:, :-1], [small.FAMILIES[n] for n in NAMES])


def test_with_additive_families_each_adds_what_its_own_terms_and_trees_say_and_together_the_margin(data: Rows) -> None:
    model, rows = fitted(data, families=small.FAMILIES, tree_share=0.25), data[2].head(300)
    assert model.linear_ is not None
    linear = model.linear_.contributions(rows.to_numpy())
    names, sums = by_family(model, rows)
    base = model.contributions(rows)[0, -1]
    np.testing.assert_allclose(sums.sum(axis=1) + base, model.decision_function(rows), rtol=0, atol=1e-9)
    trees = model.booster_.trees_to_dataframe().dropna(subset="split_feature")
    family_of = trees.groupby("tree_index")["split_feature"].first().map(small.FAMILIES)
    assert set(family_of) == set(names)
    x = rows.to_numpy()
    for name, found in zip(names, sums.T, strict=True):
        trees = sum(
            model.booster_.predict(x, raw_score=True, start_iteration=int(k), num_iteration=1)
            for k in family_of.index[family_of == name]
        )
        terms = linear[:, [small.FAMILIES[n] == name for n in NAMES]].sum(axis=1)
        own = 0.75 * terms + 0.25 * trees
        # A contribution counts from the mean of the fit's rows, a tree's answer from 0: they differ by one constant.
        assert min(np.ptp(terms), np.ptp(trees)) > 0.01
        np.testing.assert_allclose(found - own, (found - own)[0], rtol=0, atol=1e-9)


def test_with_additive_families_what_one_adds_does_not_move_with_anothers_indicators(data: Rows) -> None:
    rows = data[2].head(300)
    apart, mixed = fitted(data, families=small.FAMILIES), fitted(data)
    for family in dict.fromkeys(small.FAMILIES.values()):
        others = [n for n in NAMES if small.FAMILIES[n] != family]
        changed = rows.assign(**{n: rows[n].to_numpy()[::-1] for n in others})

        def moved(model: RiskClassifier, family: str = family, changed: pd.DataFrame = changed) -> float:
            names, before = by_family(model, rows)
            k = names.index(family)
            return float(np.abs(by_family(model, changed)[1][:, k] - before[:, k]).max())

        assert moved(apart) == 0.0
        assert moved(mixed) > 1e-3  # so that the line above can fail


def test_directions_by_name_and_by_position_are_the_same(data: Rows) -> None:
    by_position = fitted(data, monotone=[small.DIRECTIONS[n] for n in NAMES])
    assert by_position.booster_text() == fitted(data).booster_text()
    assert by_position.linear_ == fitted(data).linear_


def test_the_margin_of_the_first_so_many_trees_is_that_of_a_fit_of_so_many(data: Rows) -> None:
    later = data[2]
    model = fitted(data, n_estimators=40, feature_fraction=0.6)
    linear, trees = model.parts(later, [10, 25, 40])
    for at, rounds in enumerate((10, 25, 40)):
        fewer = fitted(data, n_estimators=rounds, feature_fraction=0.6)
        assert fewer.booster_.current_iteration() == rounds
        np.testing.assert_allclose(0.5 * linear + 0.5 * trees[:, at], fewer.decision_function(later), atol=1e-12)
    again = lgb.Booster(model_str=model.booster_text())
    assert (again.predict(later.to_numpy(), raw_score=True) == trees[:, 2]).all()


def test_with_the_trees_alone_there_is_no_linear_part_and_without_them_nothing_else(data: Rows) -> None:
    later = data[2]
    trees, linear, both = (fitted(data, tree_share=share) for share in (1.0, 0.0, 0.25))
    assert trees.linear_ is None
    assert linear.linear_ is not None
    np.testing.assert_allclose(linear.decision_function(later), linear.linear_.margin(later.to_numpy()), atol=1e-12)
    mean = 0.75 * linear.decision_function(later) + 0.25 * trees.decision_function(later)
    np.testing.assert_allclose(both.decision_function(later), mean, atol=1e-12)


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_a_share_of_the_trees_that_is_none_is_refused(data: Rows, share: float) -> None:
    with pytest.raises(ValueError, match="tree_share"):
        fitted(data, tree_share=share)


def test_weights_act_and_only_their_ratios_matter(data: Rows) -> None:
    x, y, *_ = data
    weight = np.where(x["penalties_3y"] > 0, 5.0, 1.0)
    params: dict[str, Any] = {"n_estimators": 20, "learning_rate": 0.3}
    plain, weighted, scaled = (
        RiskClassifier(**params).fit(x, y, sample_weight=w) for w in (None, weight, np.full(len(y), 8.0))
    )
    assert weighted.booster_text() != plain.booster_text() == scaled.booster_text()
    assert weighted.linear_ != plain.linear_ == scaled.linear_


def of_terms(terms: Floats) -> Circumstances:
    return Circumstances(np.asarray(terms, dtype=np.float64)[:, None], np.full(len(terms), -1))


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_circumstances_that_add_nothing_are_none(data: Rows, share: float) -> None:
    """LightGBM starts at the base rate only without an offset; with one we do it, and tell the trees as it does."""
    x, y, later, *_ = data
    plain = fitted(data, tree_share=share)
    zero = RiskClassifier(n_estimators=60, monotone=small.DIRECTIONS, tree_share=share)
    zero.fit(x, y, circumstances=of_terms(np.zeros(len(x))))
    assert zero.effects_.terms.tolist() == [0.0]
    assert np.abs(zero.decision_function(later) - plain.decision_function(later)).max() < 1e-6
    assert np.abs(zero.contributions(later) - plain.contributions(later)).max() < 1e-6


@pytest.mark.parametrize("params", [{"min_data_in_leaf": 3_000}, {"n_estimators": 1, "lambda_l2": 1e6}])
def test_with_circumstances_a_fit_that_learns_nothing_more_says_the_base_rate(
    data: Rows, params: dict[str, Any]
) -> None:
    x, y, *_ = data
    weight = np.where(y == 1, 1.0, 2.0)
    seen = of_terms(np.asarray(np.arange(len(y)) % 2, dtype=np.float64))
    y = np.where((np.arange(len(y)) % 8 == 1), 1, y)  # visits with the term find more
    model = RiskClassifier(**params, tree_share=1.0).fit(x, y, sample_weight=weight, circumstances=seen)
    assert model.effects_.terms[0] > 0.5
    expected = 1 / (1 + np.exp(-model.decision_function(x) - model.effects_.of(seen)))
    assert np.average(expected, weights=weight) == pytest.approx(np.average(y, weights=weight), abs=1e-4)
    assert lgb.Booster(model_str=model.booster_text()).predict(x.to_numpy()).std() < 0.01


@pytest.mark.filterwarnings("ignore:The set_.* function:PendingDeprecationWarning")
@pytest.mark.filterwarnings("ignore:LightGBM binary classifier with TreeExplainer:UserWarning")
@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 1.0])
def test_contributions_are_shaps_and_the_linear_terms_and_sum_to_the_margin(data: Rows, share: float) -> None:
    import shap  # here, because importing it warns about matplotlib

    model = fitted(data, tree_share=share)
    rows = data[2].head(100).to_numpy()
    parts = model.contributions(data[2].head(100))
    expected = share * shap.TreeExplainer(model.booster_).shap_values(rows)
    if model.linear_ is not None:
        # A coefficient times the distance from the mean of the fit, of the value and of its being unknown.
        z, fit = (signed_log(frame.to_numpy()) for frame in (data[2].head(100), data[0]))
        gone, median = np.isnan(z), np.nanmedian(fit, axis=0)
        away = np.where(gone, median, np.clip(z, np.nanmin(fit, axis=0), np.nanmax(fit, axis=0)))
        away -= np.where(np.isnan(fit), median, fit).mean(axis=0)
        expected += (1 - share) * away * model.linear_.coefficients
        expected += (1 - share) * (gone - np.isnan(fit).mean(axis=0)) * model.linear_.unknown
    np.testing.assert_allclose(parts[:, :-1], expected, atol=1e-9)
    np.testing.assert_allclose(parts.sum(axis=1), model.decision_function(data[2].head(100)), atol=1e-9)


anything = st.one_of(st.floats(-1e15, 1e15), st.just(float("nan")))


@settings(max_examples=examples(60), deadline=None)
@given(st.lists(st.lists(anything, min_size=5, max_size=5), min_size=1, max_size=4), st.sampled_from([0.0, 0.25, 0.75]))
def test_contributions_add_up_to_every_margin_and_none_passes_the_bounds_of_both_parts(
    data_rows: list[list[float]], share: float
) -> None:
    model = blends()[share]
    assert model.linear_ is not None
    rows = pd.DataFrame(data_rows, columns=NAMES)
    margin, parts = model.decision_function(rows), model.contributions(rows)
    np.testing.assert_allclose(parts.sum(axis=1), margin, rtol=0, atol=1e-9)
    linear, trees = model.linear_.bounds(), attainable_margins(model.booster_text())
    low, high = ((1 - share) * a + share * b for a, b in zip(linear, trees, strict=True))
    assert ((margin >= low - 1e-9) & (margin <= high + 1e-9)).all()


@lru_cache(maxsize=1)
def blends() -> dict[float, RiskClassifier]:
    rows, truth = small.rows(4_000, 1)
    y = small.outcomes(truth, 3)
    made = {s: RiskClassifier(n_estimators=40, monotone=small.DIRECTIONS, tree_share=s) for s in (0.0, 0.25, 0.75)}
    return {share: model.fit(rows[NAMES], y) for share, model in made.items()}


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_coefficients_have_the_catalogues_sign(data: Rows, share: float) -> None:
    x, y, *_ = data
    wrong = {name: -direction for name, direction in small.DIRECTIONS.items()}
    held, turned = (
        RiskClassifier(n_estimators=5, monotone=d, tree_share=share).fit(x, y) for d in (small.DIRECTIONS, wrong)
    )
    assert held.linear_ is not None
    assert turned.linear_ is not None
    bound = [n for n in NAMES if small.DIRECTIONS[n]]
    found = dict(zip(NAMES, held.linear_.coefficients, strict=True))
    assert all(found[n] * small.DIRECTIONS[n] > 0 for n in bound)
    # Told the wrong sign of all of them it says nothing of them, rather than against it.
    assert all(dict(zip(NAMES, turned.linear_.coefficients, strict=True))[n] * wrong[n] >= 0 for n in bound)
    assert dict(zip(NAMES, turned.linear_.coefficients, strict=True))["penalties_3y"] == 0


def test_a_wrong_column_order_is_refused_not_scored(data: Rows) -> None:
    with pytest.raises(ValueError, match="feature names"):
        fitted(data).decision_function(data[2][NAMES[::-1]])


@pytest.mark.parametrize(
    ("params", "weight", "message"),
    [
        ({"monotone": [1, 0]}, None, "2 entries for 5 columns"),
        ({"monotone": {"penalties_3y": 2}}, None, "-1, 0 or 1"),
        ({}, 0.0, "non-zero"),
        ({}, -1.0, "[Nn]egative"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    data: Rows, params: dict[str, Any], weight: float | None, message: str
) -> None:
    x, y, *_ = data
    with pytest.raises(ValueError, match=message):
        RiskClassifier(**params).fit(x, y, sample_weight=None if weight is None else np.full(len(y), weight))


def test_directions_by_name_need_named_columns(data: Rows) -> None:
    with pytest.raises(ValueError, match="named columns"):
        RiskClassifier(monotone=small.DIRECTIONS).fit(data[0].to_numpy(), data[1])


@pytest.mark.parametrize("what", ["monotone", "families"])
def test_a_name_that_is_no_column_is_refused(data: Rows, what: str) -> None:
    given: dict[str, Any] = {what: {"typo": 1 if what == "monotone" else "basic"}}
    with pytest.raises(ValueError, match=rf"{what} names columns that are not there: \['typo'\]; there are \["):
        RiskClassifier(**given).fit(data[0], data[1])


def test_one_class_is_no_lesson(data: Rows) -> None:
    with pytest.raises(ValueError, match="one class"):
        RiskClassifier().fit(data[0], np.zeros(len(data[0])))


@settings(max_examples=examples(10), deadline=None)
@given(st.integers(0, 1000))
def test_a_clone_learns_the_same(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = pd.DataFrame(rng.normal(size=(300, 3)), columns=["a", "b", "c[d]"])
    y = (x["a"] + rng.normal(size=300) > 0).astype(int)
    model = RiskClassifier(n_estimators=5, monotone={"a": 1})
    assert clone(model).fit(x, y).booster_text() == model.fit(x, y).booster_text()
