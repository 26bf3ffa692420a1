from __future__ import annotations

from collections.abc import Callable
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
from models.learning.classifier import LATER, RiskClassifier
from models.scoring.reasons.points import family_points

NAMES = list(small.NAMES)
WEIGHTS = (
    "LightGBM bins columns and counts min_data_in_leaf by rows, not by weight: a row of weight 2 is not the "
    "same as two rows"
)


Rows = tuple[pd.DataFrame, NDArray[np.int8], pd.DataFrame, NDArray[np.int8], Floats]
"""Rows to fit on and their outcomes, later rows and theirs, and the later rows' true risk."""


def failing(estimator: RiskClassifier) -> dict[str, str]:
    """The checks that can't hold, and why."""
    if estimator.min_data_in_leaf < 50:
        return {"check_sample_weight_equivalence_on_dense_data": WEIGHTS}
    return {}  # leaves of 50 rows: trees don't split in the check's 30 rows


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


def test_the_same_inputs_give_the_same_booster_text_whatever_the_threads(data: Rows) -> None:
    texts = {fitted(data, feature_fraction=0.8, num_threads=n).booster_text() for n in (1, 2)}
    bodies = {text.split("\nparameters:")[0] for text in texts}
    assert len(bodies) == 1
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


def test_with_additive_families_each_adds_what_its_own_trees_say_and_together_the_margin(data: Rows) -> None:
    model, rows = fitted(data, families=small.FAMILIES), data[2].head(300)
    names, sums = by_family(model, rows)
    base = model.contributions(rows)[0, -1]
    np.testing.assert_allclose(sums.sum(axis=1) + base, model.decision_function(rows), rtol=0, atol=1e-9)
    trees = model.booster_.trees_to_dataframe().dropna(subset="split_feature")
    family_of = trees.groupby("tree_index")["split_feature"].first().map(small.FAMILIES)
    assert set(family_of) == set(names)
    x = rows.to_numpy()
    for name, found in zip(names, sums.T, strict=True):
        own = sum(
            model.booster_.predict(x, raw_score=True, start_iteration=int(k), num_iteration=1)
            for k in family_of.index[family_of == name]
        )
        # A contribution counts from the mean of the fit's rows, a tree's answer from 0: they differ by one constant.
        assert np.ptp(own) > 0.01
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


def test_the_later_set_stops_the_fit_and_the_booster_is_cut_there(data: Rows) -> None:
    x, y, later, later_y, _ = data
    model = RiskClassifier(n_estimators=500, learning_rate=0.3, early_stopping_rounds=10)
    seen: list[float] = []

    def watch(env: lgb.callback.CallbackEnv) -> None:
        (name, _, loss, _), *_ = env.evaluation_result_list
        assert name == LATER
        seen.append(loss)

    model.fit(x, y, eval_set=(later, later_y), callbacks=[watch])
    assert model.best_iteration_ == int(np.argmin(seen)) + 1 < len(seen) < 500
    assert model.booster_.current_iteration() == model.best_iteration_
    again = lgb.Booster(model_str=model.booster_text())
    assert (again.predict(later.to_numpy(), raw_score=True) == model.decision_function(later)).all()


def test_weights_act_and_only_their_ratios_matter(data: Rows) -> None:
    x, y, *_ = data
    weight = np.where(x["penalties_3y"] > 0, 5.0, 1.0)
    params: dict[str, Any] = {"n_estimators": 20, "learning_rate": 0.3}
    plain = RiskClassifier(**params).fit(x, y).booster_text()
    assert RiskClassifier(**params).fit(x, y, sample_weight=weight).booster_text() != plain
    assert RiskClassifier(**params).fit(x, y, sample_weight=np.full(len(y), 8.0)).booster_text() == plain


def with_offset(data: Rows, c: float, **params: Any) -> RiskClassifier:
    x, y, later, later_y, _ = data
    model = RiskClassifier(**{"n_estimators": 60, "monotone": small.DIRECTIONS, **params})
    return model.fit(x, y, eval_set=(later, later_y, None, np.full(len(later), c)), offset=np.full(len(x), c))


def test_an_offset_of_nought_is_no_offset(data: Rows) -> None:
    """LightGBM starts at the base rate only without an offset; with one we do it, and tell the trees as it does."""
    x, y, later, later_y, _ = data
    plain = RiskClassifier(n_estimators=60, monotone=small.DIRECTIONS).fit(x, y, eval_set=(later, later_y))
    zero = with_offset(data, 0.0)
    assert zero.best_iteration_ == plain.best_iteration_
    assert np.abs(zero.decision_function(later) - plain.decision_function(later)).max() < 1e-6
    assert np.abs(zero.contributions(later) - plain.contributions(later)).max() < 1e-6


@pytest.mark.parametrize("c", [-3.0, 0.7])
def test_an_offset_that_all_rows_share_only_moves_the_margin(data: Rows, c: float) -> None:
    later = data[2]
    moved = with_offset(data, c).decision_function(later) - with_offset(data, 0.0).decision_function(later)
    assert np.abs(moved + c).max() < 1e-6


@pytest.mark.parametrize("params", [{"min_data_in_leaf": 3_000}, {"n_estimators": 1, "lambda_l2": 1e6}])
def test_with_an_offset_a_fit_that_learns_nothing_more_says_the_base_rate(data: Rows, params: dict[str, Any]) -> None:
    x, y, *_ = data
    weight = np.where(y == 1, 1.0, 2.0)
    offset = np.where(np.arange(len(y)) % 2, 1.0, 0.0)
    model = RiskClassifier(**params).fit(x, y, sample_weight=weight, offset=offset)
    expected = 1 / (1 + np.exp(-model.decision_function(x) - offset))
    assert np.average(expected, weights=weight) == pytest.approx(np.average(y, weights=weight), abs=1e-4)
    assert lgb.Booster(model_str=model.booster_text()).predict(x.to_numpy()).std() < 0.01


@pytest.mark.filterwarnings("ignore:The set_.* function:PendingDeprecationWarning")
@pytest.mark.filterwarnings("ignore:LightGBM binary classifier with TreeExplainer:UserWarning")
def test_contributions_are_shaps_and_sum_to_the_margin(data: Rows) -> None:
    import shap  # here, because importing it warns about matplotlib

    model = fitted(data)
    rows = data[2].head(100).to_numpy()
    parts = model.contributions(data[2].head(100))
    explainer = shap.TreeExplainer(model.booster_)
    np.testing.assert_allclose(parts[:, :-1], explainer.shap_values(rows), atol=1e-9)
    np.testing.assert_allclose(parts.sum(axis=1), model.decision_function(data[2].head(100)), atol=1e-9)


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
