"""The classifier: a linear part and shallow LightGBM trees, both monotone, scikit-learn compatible.

The margin is ``(1 - tree_share) * linear + tree_share * trees``, a mean in log-odds: on real records the linear part
alone was ahead of the trees alone, and the mean of the two ahead of both or level with the better. `lightgbm.train` is
called directly: the fit is then decided by exactly the parameters written here, and a booster's text is all there is
to keep of the trees. ``decision_function`` is the margin (log-odds before calibration), from which score, probability
and contributions all come.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Self

import lightgbm as lgb
import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import ValidationError
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from models.arrays import Floats
from models.learning.linear import Effects, fit_linear
from models.scoring.linear import blend, blended_parts
from models.scoring.shap.explain import TreeShap
from models.study.circumstances import Circumstances
from models.study.parameters import LearnerParameters

FEW_ROWS = 50_000
"""Rows below which one thread fits and scores."""

_PLAIN = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")


class RiskClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # sklearn ships no types
    """Binary classifier of violations, monotone where the catalogue gives a direction.

    Parameters
    ----------
    n_estimators, learning_rate, num_leaves, max_depth, min_data_in_leaf
        Shape of the boosting. Depth 4 and 15 leaves keep contributions for everyone affordable.
    feature_fraction, lambda_l1, lambda_l2, min_gain_to_split, max_bin
        LightGBM's parameters of the same names.
    monotone : mapping of column name to -1/0/+1, or a sequence of one per column, optional
        Names left out are free. A mapping needs named columns (a DataFrame).
    monotone_penalty : float
        Keeps columns with a direction from the first splits of a tree: none at the first floor(penalty) levels, less
        and less penalised below. A split that binds all below it to a direction is dear early in a tree, and greedy
        growth does not see it. The directions hold all the same.
    families : mapping of column name to family, or a sequence of one per column, optional
        When given, no tree mixes families (interaction constraints). The margin is then exactly a sum of one term a
        family, and a family's term depends on its own columns alone. That holds in log-odds: points of the score are
        log-odds scaled by where the whole margin stands (`models.scoring.reasons.points.scaled_points`).
    tree_share : float
        Weight of the trees in the margin, 0 to 1; with 1 there is no linear part.
    strength : float
        Of the linear part: scikit-learn's C, the inverse of its penalty.
    seed, num_threads : int
        With LightGBM's deterministic row-wise mode, the same inputs give the same booster text.

    ``feature_importances_`` is each column's share of the gain; it says what the trees used, not which way, nor for
    whom. `contributions` says that, exactly. For SHAP's own plots give it the booster:
    ``shap.TreeExplainer(learner.booster_)``; of this class it knows nothing, and says so.

    Attributes
    ----------
    booster_ : lightgbm.Booster
        The trees, read back from their own text: what is scored is what is saved.
    linear_ : models.scoring.linear.Linear or None
        The linear part; None where ``tree_share`` is 1.
    effects_ : models.learning.linear.Effects
        What the visits' circumstances add, in log-odds; no part of the margin.
    classes_ : ndarray of shape (2,)
        The second is the violation.

    Examples
    --------
    With ``X`` a frame of indicators and ``y`` what visits found:

    >>> learner = RiskClassifier(n_estimators=5, monotone={"penalties_3y": 1}).fit(X, y)
    >>> learner.predict_proba(X).shape == (len(X), 2)
    True
    """

    def __init__(
        self,
        *,
        tree_share: float = 0.5,
        strength: float = 0.01,
        n_estimators: int = 200,
        learning_rate: float = 0.05,
        num_leaves: int = 15,
        max_depth: int = 4,
        min_data_in_leaf: int = 50,
        feature_fraction: float = 1.0,
        lambda_l1: float = 0.0,
        lambda_l2: float = 1.0,
        min_gain_to_split: float = 0.0,
        max_bin: int = 255,
        monotone: Mapping[str, int] | Sequence[int] | None = None,
        monotone_penalty: float = 0.0,
        families: Mapping[str, str] | Sequence[str] | None = None,
        seed: int = 0,
        num_threads: int = 2,
    ) -> None:
        self.tree_share = tree_share
        self.strength = strength
        self.n_estimators = n_estimators
        self.learning_rate = learning_rate
        self.num_leaves = num_leaves
        self.max_depth = max_depth
        self.min_data_in_leaf = min_data_in_leaf
        self.feature_fraction = feature_fraction
        self.lambda_l1 = lambda_l1
        self.lambda_l2 = lambda_l2
        self.min_gain_to_split = min_gain_to_split
        self.max_bin = max_bin
        self.monotone = monotone
        self.monotone_penalty = monotone_penalty
        self.families = families
        self.seed = seed
        self.num_threads = num_threads

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.classifier_tags.multi_class = False
        return tags

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        circumstances: Circumstances | None = None,
    ) -> Self:
        """Learn.

        Parameters
        ----------
        X : array-like of shape (n, k), float64; NaN is unknown, infinity is refused
        y : array-like of shape (n,) with exactly two classes; the greater one is the violation
        sample_weight : array-like of shape (n,), optional
            Not negative. Scaled to mean 1, so that regularisation means the same under any unit of weight.
        circumstances : Circumstances of n visits, optional
            What raises or lowers what a visit finds and no column says, such as its arm. Their effects are found by the
            linear part, together with its coefficients; the trees then start at them. The margin that is learned is
            that of a visit whose circumstances add nothing.

        Raises
        ------
        ValueError
            If a parameter is out of its range, y has not two classes, weights are negative or all 0, a direction is not
            -1, 0 or 1, or directions or families name a column that is not there.
        """
        _check_ranges(self.get_params(deep=False))
        rows, target = validate_data(self, X, y, dtype=np.float64, ensure_all_finite="allow-nan")
        check_classification_targets(target)
        if type_of_target(target, input_name="y") != "binary" or len(np.unique(target)) != 2:
            raise ValueError(_two_classes(target))
        self.classes_, coded = np.unique(target, return_inverse=True)
        weight = None
        if sample_weight is not None:
            weight = _check_sample_weight(sample_weight, rows, dtype=np.float64, ensure_non_negative=True)
            weight = weight / weight.mean()
        params = self.lightgbm_params() | {"num_threads": self._threads(rows)}
        seen = circumstances if circumstances is not None and circumstances.known else None
        self.linear_, self.effects_ = None, Effects(np.zeros(0), np.zeros(0))
        if seen is not None or self.tree_share < 1:
            found, self.effects_ = fit_linear(
                rows,
                coded,
                directions=params.get("monotone_constraints", [0] * rows.shape[1]),
                strength=self.strength,
                weight=weight,
                circumstances=seen,
            )
            self.linear_ = found if self.tree_share < 1 else None
        self.booster_ = self._trees(params, rows, coded, weight, None if seen is None else self.effects_.of(seen))
        return self

    def _trees(
        self, params: dict[str, Any], rows: Floats, coded: NDArray[Any], weight: Floats | None, offset: Floats | None
    ) -> lgb.Booster:
        """Return the booster, read back from its own text: what is scored is what is saved.

        With an offset it starts where the outcomes stand at these log-odds, as LightGBM starts at the base rate.
        """
        base = 0.0
        if offset is not None:
            base = _level(coded, offset, weight)
            offset = offset + base
        booster = lgb.train(params, self._dataset(rows, coded, weight, offset), num_boost_round=self.n_estimators)
        if base:
            # LightGBM leaves out of the trees what it was given to start from; the first one takes it back, as it does
            # when LightGBM itself starts at the base rate.
            for leaf in range(booster.dump_model(num_iteration=1)["tree_info"][0]["num_leaves"]):
                booster.set_leaf_output(0, leaf, booster.get_leaf_output(0, leaf) + base)
        return lgb.Booster(model_str=booster.model_to_string())

    def booster_text(self) -> str:
        """Return the fitted booster as LightGBM's text, the form in which a model is kept."""
        check_is_fitted(self)
        return str(self.booster_.model_to_string())

    @property
    def feature_importances_(self) -> Floats:
        """Share of each column in the gain of all splits, shape (k,); they sum to 1, or are all 0 without a split.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before `fit`.
        """
        check_is_fitted(self, "booster_")
        gain = np.asarray(self.booster_.feature_importance(importance_type="gain"), dtype=np.float64)
        return gain / gain.sum() if gain.sum() > 0 else gain

    def decision_function(self, X: ArrayLike) -> Floats:
        """Return the margin of each row, shape (n,): log-odds before calibration."""
        check_is_fitted(self)
        linear, trees = self.parts(X, [self.booster_.current_iteration()])
        return blend(linear, trees[:, 0], self.tree_share)

    def parts(self, X: ArrayLike, rounds: Sequence[int]) -> tuple[Floats, Floats]:
        """Return the margins of the linear part, shape (n,), and of the first so many trees, shape (n, r).

        Without a linear part its margins are 0; see `models.scoring.linear.blend`.
        """
        check_is_fitted(self)
        given: Floats = validate_data(self, X, reset=False, dtype=np.float64, ensure_all_finite="allow-nan")
        trees = np.empty((len(given), len(rounds)))
        for at, many in enumerate(rounds):
            trees[:, at] = self.booster_.predict(
                given, raw_score=True, num_iteration=int(many), num_threads=self._threads(given)
            )
        return np.zeros(len(given)) if self.linear_ is None else self.linear_.margin(given), trees

    def predict_proba(self, X: ArrayLike) -> Floats:
        """Return uncalibrated probabilities, shape (n, 2), in the order of ``classes_``."""
        chance = expit(self.decision_function(X))
        return np.column_stack([1.0 - chance, chance])

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the likelier class of each row, shape (n,)."""
        margin = self.decision_function(X)
        return np.asarray(self.classes_[(margin > 0).astype(np.intp)])

    def contributions(self, X: ArrayLike) -> Floats:
        """Return what each column adds to the margin, shape (n, k + 1); the last column is the base."""
        check_is_fitted(self)
        rows: Floats = validate_data(self, X, reset=False, dtype=np.float64, ensure_all_finite="allow-nan")
        parts = TreeShap(self.booster_text()).contributions(rows)
        if self.linear_ is None:
            return parts
        return blended_parts(self.linear_, rows, parts, self.tree_share)

    def _threads(self, rows: Floats) -> int:
        """Return one thread for few rows: on a busy machine threads wait for one another far longer than they work."""
        return 1 if len(rows) < FEW_ROWS else self.num_threads

    def lightgbm_params(self) -> dict[str, Any]:
        """Return the parameters for ``lightgbm.train``; constraints need ``fit`` to know the columns."""
        params: dict[str, Any] = {
            "objective": "binary",
            "metric": "binary_logloss",
            "learning_rate": self.learning_rate,
            "num_leaves": self.num_leaves,
            "max_depth": self.max_depth,
            "min_data_in_leaf": self.min_data_in_leaf,
            "feature_fraction": self.feature_fraction,
            "lambda_l1": self.lambda_l1,
            "lambda_l2": self.lambda_l2,
            "min_gain_to_split": self.min_gain_to_split,
            "max_bin": self.max_bin,
            "deterministic": True,
            "force_row_wise": True,
            "seed": self.seed,
            "num_threads": self.num_threads,
            "verbosity": -1,
        }
        directions = self._per_column(self.monotone, 0, "monotone")
        if directions is not None:
            if any(d not in (-1, 0, 1) for d in directions):
                raise ValueError(f"monotone: directions are -1, 0 or 1, got {sorted(set(directions))}")
            params["monotone_constraints"] = [int(d) for d in directions]
            # The only method that keeps its word: over 50 random fits LightGBM 4.7's "intermediate" broke a
            # constraint in 5 curves of 350 and "advanced" in 120, "basic" in none.
            params["monotone_constraints_method"] = "basic"
            params["monotone_penalty"] = self.monotone_penalty
        groups = self._per_column(self.families, "", "families")
        if groups is not None:
            params["interaction_constraints"] = [
                [i for i, g in enumerate(groups) if g == family] for family in dict.fromkeys(groups)
            ]
        return params

    def _per_column(self, given: Mapping[str, Any] | Sequence[Any] | None, default: Any, what: str) -> list[Any] | None:
        """Return one entry per column of a mapping by name or a sequence."""
        if given is None:
            return None
        if isinstance(given, Mapping):
            names = getattr(self, "feature_names_in_", None)
            if names is None:
                raise ValueError(f"{what} by name needs named columns: fit a DataFrame, or give a sequence")
            if unknown := sorted(set(given) - {str(name) for name in names}):
                raise ValueError(f"{what} names columns that are not there: {unknown}; there are {[*map(str, names)]}")
            return [given.get(str(name), default) for name in names]
        if len(given) != self.n_features_in_:
            raise ValueError(f"{what} has {len(given)} entries for {self.n_features_in_} columns")
        return list(given)

    def _dataset(self, X: Floats, coded: NDArray[Any], weight: Floats | None, offset: Floats | None) -> lgb.Dataset:
        """Return a LightGBM dataset."""
        names = [str(name) for name in getattr(self, "feature_names_in_", ())]
        # LightGBM refuses names with JSON's special characters; contract names are all plain.
        plain = names if names and all(_PLAIN.match(name) for name in names) else "auto"
        return lgb.Dataset(
            np.ascontiguousarray(X),
            label=coded.astype(np.float64),
            weight=weight,
            init_score=offset,
            feature_name=plain,
        )


def _check_ranges(params: Mapping[str, Any]) -> None:
    """Refuse a parameter out of its range, before LightGBM does in its own words."""
    plain = {k: v.item() if isinstance(v, np.generic) else v for k, v in params.items()}
    try:
        LearnerParameters.model_validate({k: v for k, v in plain.items() if k in LearnerParameters.model_fields})
    except ValidationError as err:
        said = "; ".join(f"{e['loc'][0]}: {e['msg']}, got {e['input']!r}" for e in err.errors())
        raise ValueError(f"RiskClassifier: {said}") from err


def _level(coded: NDArray[Any], offset: Floats, weight: ArrayLike | None) -> float:
    """Return the log-odds that, added to each row's offset, expect as many of the greater class as there are."""
    w = np.ones(len(coded)) if weight is None else np.asarray(weight, dtype=np.float64)
    found = float(w @ coded)
    level = 0.0
    for _ in range(50):
        p = expit(offset + level)
        step = (found - float(w @ p)) / max(float(w @ (p * (1 - p))), 1e-300)
        level += float(np.clip(step, -2.0, 2.0))
        if abs(step) < 1e-10:
            break
    return level


def _two_classes(y: NDArray[Any]) -> str:
    """Return what is wrong with a target that has not two classes, in scikit-learn's words."""
    kind = type_of_target(y)
    if kind == "binary":
        return "RiskClassifier can't be trained with one class: y needs rows with and without a violation"
    return f"Only binary classification is supported. The type of the target is {kind}."
