"""Shares are Shapley's, by the definition: every subset of the features, and what a tree expects knowing only it."""

from __future__ import annotations

from itertools import chain, combinations
from math import factorial
from typing import Any

import lightgbm as lgb
import numpy as np
import pytest

from models.arrays import Floats
from models.scoring.shap.explain import TreeShap
from models.scoring.shap.shares import shares_of
from models.scoring.shap.trees import Leaf


def expected(node: dict[str, Any], row: Floats, known: tuple[int, ...]) -> float:
    """What a tree expects of a row of which only some features are known: the training rows' share elsewhere."""
    if "leaf_value" in node:
        return float(node["leaf_value"])
    left, right = node["left_child"], node["right_child"]
    value = row[node["split_feature"]]
    if node["split_feature"] in known:
        to_left = node["default_left"] if np.isnan(value) else value <= node["threshold"]
        return expected(left if to_left else right, row, known)
    counts = [child.get("leaf_count", child.get("internal_count")) for child in (left, right)]
    both = expected(left, row, known), expected(right, row, known)
    return float((counts[0] * both[0] + counts[1] * both[1]) / node["internal_count"])


def shapley(tree: dict[str, Any], row: Floats) -> Floats:
    k = len(row)
    found = np.zeros(k)
    for i in range(k):
        rest = [j for j in range(k) if j != i]
        for known in chain.from_iterable(combinations(rest, size) for size in range(k)):
            weight = factorial(len(known)) * factorial(k - len(known) - 1) / factorial(k)
            found[i] += weight * (expected(tree, row, (*known, i)) - expected(tree, row, known))
    return found


@pytest.mark.parametrize("seed", range(6))
def test_contributions_are_shapleys_by_every_subset(seed: int) -> None:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(200, 5)).round(1)
    X[rng.random(X.shape) < 0.2] = np.nan
    y = np.nan_to_num(X) @ rng.normal(size=5) + np.nan_to_num(X[:, 0] * X[:, 1])
    booster = lgb.train(
        {"verbosity": -1, "num_leaves": 12, "min_data_in_leaf": 2, "num_threads": 1}, lgb.Dataset(X, y), 3
    )
    trees = [tree["tree_structure"] for tree in booster.dump_model()["tree_info"]]
    found = TreeShap(booster.model_to_string()).contributions(X[:8])
    for row, parts in zip(X[:8], found, strict=True):
        assert parts[:-1] == pytest.approx(sum(shapley(tree, row) for tree in trees), abs=1e-9)
        assert parts[-1] == pytest.approx(sum(expected(tree, row, ()) for tree in trees), abs=1e-9)


def test_a_leaf_behind_one_feature_gives_it_all() -> None:
    [[shares]] = shares_of([Leaf(2.0, (4,), (0.25,), ((),))])
    assert shares == pytest.approx([-0.5, 1.5])


def test_two_features_share_what_both_let_through() -> None:
    """Half each of what neither explains alone: with z = 1/2 both, v = 8."""
    [[first, second]] = shares_of([Leaf(8.0, (0, 1), (0.5, 0.5), ((), ()))])
    # Outcomes: neither, the first alone, the second alone, both.
    assert first == pytest.approx([-1, 1, -3, 3])
    assert second == pytest.approx([-1, -3, 1, 3])
