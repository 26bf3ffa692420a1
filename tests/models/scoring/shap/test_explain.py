"""Contributions by tables are LightGBM's own, to the last digits, and the same by every way."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import lightgbm as lgb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.root import ROOT
from helpers.thorough import examples
from models.arrays import Floats
from models.errors import ModelFileError
from models.scoring.shap import few, many, pieces
from models.scoring.shap.explain import BLOCK, FEW, TreeShap, threads
from models.scoring.shap.tables import build
from models.scoring.shap.trees import read_forest


def data(seed: int, n: int, k: int, missing: float) -> tuple[Floats, Floats]:
    """Rows of counts, zeros and decimals with unknown values, and a target that many of them decide."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, k))
    X[:, ::3] = rng.poisson(0.7, size=X[:, ::3].shape)
    X[rng.random((n, k)) < missing] = np.nan
    known = np.nan_to_num(X, nan=0.4)
    return X, np.sign(known).sum(axis=1) + known[:, 0] * known[:, -1] + rng.normal(size=n)


def boosted(X: Floats, y: Floats, trees: int = 8, *, categories: list[int] | None = None, **params: Any) -> lgb.Booster:
    given = {"objective": "regression", "verbosity": -1, "min_data_in_leaf": 1, "num_threads": 1, "seed": 1}
    rows = lgb.Dataset(X, y, categorical_feature=categories or "auto", params={"min_data_in_bin": 1, **params})
    trained = lgb.train({**given, **params}, rows, trees)
    return lgb.Booster(model_str=trained.model_to_string())


def theirs(booster: lgb.Booster, X: Floats) -> Floats:
    return np.asarray(booster.predict(X, pred_contrib=True, num_threads=1), dtype=np.float64)


def check(booster: lgb.Booster, X: Floats, memory: int = pieces.MEMORY) -> None:
    text = booster.model_to_string()
    expected = theirs(booster, X)
    found = TreeShap(text).contributions(X)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)
    np.testing.assert_allclose(found.sum(axis=1), booster.predict(X, raw_score=True), rtol=0, atol=1e-9)
    explainer = build(read_forest(text), memory)
    np.testing.assert_allclose(few.contributions(explainer, X), expected[:, :-1], rtol=0, atol=1e-9)
    assert (few.contributions(explainer, X) == many.contributions(explainer, X)).all()


@settings(max_examples=examples(12), deadline=None)
@given(
    seed=st.integers(0, 10_000),
    k=st.integers(1, 14),
    leaves=st.integers(2, 40),
    depth=st.sampled_from([1, 2, 4, -1]),
    missing=st.sampled_from([0.0, 0.2, 0.9]),
    treated=st.sampled_from([{}, {"zero_as_missing": True}, {"use_missing": False}]),
    memory=st.sampled_from([pieces.MEMORY, 30_000, 0]),
)
def test_contributions_are_those_of_lightgbm(
    seed: int, k: int, leaves: int, depth: int, missing: float, treated: dict[str, Any], memory: int
) -> None:
    X, y = data(seed, 400, k, missing)
    booster = boosted(X, y, num_leaves=leaves, max_depth=depth, **treated)
    strangers = data(seed + 1, 60, k, 0.3)[0]
    strangers[::7] *= 1e6  # beyond every threshold
    check(booster, strangers, memory)


def test_long_ways_without_a_table_are_exact() -> None:
    """A chain: each leaf lies behind one more feature, up to twenty."""
    rng = np.random.default_rng(3)
    X = (rng.random((4000, 20)) < 0.9).astype(float)
    first = np.where(X.all(axis=1), 20, X.argmin(axis=1))
    booster = boosted(X, 0.7**first, trees=3, num_leaves=31, learning_rate=0.5)
    explainer = build(read_forest(booster.model_to_string()))
    assert np.diff(explainer.long.feature_start).max() > 12
    check(booster, X[:80])


def test_more_than_a_byte_of_thresholds_on_one_feature() -> None:
    rng = np.random.default_rng(5)
    X = rng.normal(size=(3000, 2))
    booster = boosted(X, rng.normal(size=3000), trees=30, num_leaves=60, max_bin=2000)
    explainer = build(read_forest(booster.model_to_string()))
    assert np.diff(explainer.coding.grid_start).max() > 256
    check(booster, X[:100])


def test_a_booster_that_learned_nothing_adds_nothing() -> None:
    booster = boosted(np.zeros((50, 3)), np.full(50, 2.5))
    found = TreeShap(booster.model_to_string()).contributions(np.zeros((2, 3)))
    assert (found[:, :-1] == 0).all()
    assert found[:, -1] == pytest.approx(booster.predict(np.zeros((2, 3)), raw_score=True))


def test_no_rows_and_one_row_have_contributions() -> None:
    X, y = data(1, 300, 4, 0.1)
    booster = boosted(X, y)
    made = TreeShap(booster.model_to_string())
    assert made.contributions(X[:0]).shape == (0, 5)
    assert made.contributions(X[:1]) == pytest.approx(theirs(booster, X[:1]), abs=1e-9)


@pytest.fixture(scope="module")
def large() -> tuple[TreeShap, Floats]:
    X, y = data(2, 2 * BLOCK + FEW, 9, 0.1)
    return TreeShap(boosted(X, y, trees=20).model_to_string()), X


def test_a_row_gives_the_same_bits_with_whichever_rows_it_is_asked(large: tuple[TreeShap, Floats]) -> None:
    made, X = large
    whole = made.contributions(X)
    for rows in (slice(0, FEW), slice(FEW, 2 * FEW + 1), slice(BLOCK - 3, BLOCK + 4), slice(BLOCK - 5, None)):
        assert (made.contributions(X[rows]) == whole[rows]).all()


def test_the_number_of_threads_changes_no_bit(large: tuple[TreeShap, Floats], monkeypatch: pytest.MonkeyPatch) -> None:
    made, X = large
    found = []
    for number in ("1", "2"):
        monkeypatch.setenv("OMP_NUM_THREADS", number)
        found.append(made.contributions(X))
    assert (found[0] == found[1]).all()


def test_threads_are_as_many_as_the_caller_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(8)))
    for name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    assert threads(100 * BLOCK) == 8
    assert threads(BLOCK) == 1
    monkeypatch.setenv("NUMBA_NUM_THREADS", "5")
    assert threads(100 * BLOCK) == 5
    monkeypatch.setenv("OMP_NUM_THREADS", "3,2")
    assert threads(100 * BLOCK) == 3


def test_rows_of_another_width_are_refused(large: tuple[TreeShap, Floats]) -> None:
    with pytest.raises(ValueError, match=r"reads rows of 9 columns, got shape \(4, 8\)"):
        large[0].contributions(np.zeros((4, 8)))


def test_a_booster_with_other_shares_is_refused() -> None:
    rng = np.random.default_rng(0)
    X = rng.integers(0, 6, size=(400, 2)).astype(float)
    y = (X[:, 0] % 2) + rng.normal(size=400) * 0.1
    by_category = boosted(X, y, categories=[0])
    with pytest.raises(ModelFileError, match="tree 0 splits a category"):
        TreeShap(by_category.model_to_string())
    with pytest.raises(ModelFileError, match="has linear leaves"):
        TreeShap(boosted(X + 0.5 * rng.normal(size=X.shape), y, linear_tree=True).model_to_string())
    several = boosted(X, X[:, 1] % 3, objective="multiclass", num_class=3)
    with pytest.raises(ModelFileError, match="one margin"):
        TreeShap(several.model_to_string())
    averaged = boosted(X, y, boosting="rf", bagging_freq=1, bagging_fraction=0.5)
    with pytest.raises(ModelFileError, match="one margin"):
        TreeShap(averaged.model_to_string())


@pytest.mark.slow
def test_few_rows_wait_for_no_compiler() -> None:
    code = """
import sys, numpy as np
from helpers import small_model
made = small_model.model()
made.contributions(np.zeros((200, 5)))
sys.exit("numba" in sys.modules)
"""
    env = os.environ | {"PYTHONPATH": str(ROOT / "tests")}
    assert subprocess.run([sys.executable, "-c", code], check=False, env=env).returncode == 0
