"""Weights of labelled visits: by design, and by the chance that a visit was made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.errors import FenleiError
from models.arrays import Floats
from models.study.circumstances import Circumstances

MOST_WEIGHT = 20.0
"""Greatest inverse-probability weight, in units of the mean: the few visits of a kind that is hardly ever visited
must not decide the fit."""

DENSITY_RATIO: dict[str, Any] = {
    "objective": "binary",
    "metric": "binary_logloss",
    "learning_rate": 0.05,
    "num_leaves": 8,
    "max_depth": 3,
    "min_data_in_leaf": 200,
    "lambda_l2": 1.0,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbosity": -1,
}
"""LightGBM's parameters of the small model that tells visited rows from the cohort's."""


class MissingProbabilityError(FenleiError):
    """An outcome that is weighted by its draw has no draw probability."""


@dataclass(frozen=True)
class Rows:
    """Rows that a strategy learns from.

    Parameters
    ----------
    X
        Indicators, float64 [n, k].
    y
        0/1 [n].
    circumstances
        Of the visits [n]; None: nothing is known of them, or nothing is made of it.
    weight
        Weights of the fit [n]; None: all alike.
    """

    X: Floats
    y: NDArray[Any]
    circumstances: Circumstances | None = None
    weight: Floats | None = None


def inverse_probability(visited: Floats, cohort: Floats, *, seed: int) -> Floats:
    """Weights that make the visited rows' indicators spread as the cohort's, mean 1.

    A small LightGBM tells visited rows from rows of the cohort; its odds, learned on the other half of the rows,
    are the density ratio.

    Parameters
    ----------
    visited, cohort
        Indicators, float64 [n, k] and [m, k], of the same span of time.
    seed
        Of the split into halves.

    Returns
    -------
    ndarray of shape (n,)
        At most `MOST_WEIGHT` before they are scaled to mean 1.
    """
    X = np.vstack([visited, cohort])
    of_cohort = np.repeat([0.0, 1.0], [len(visited), len(cohort)])
    half = np.random.default_rng(seed).integers(0, 2, len(X))
    ratio = np.empty(len(visited))
    for side in (0, 1):
        others, own = half != side, np.flatnonzero(half[: len(visited)] == side)
        booster = lgb.train(
            {**DENSITY_RATIO, "seed": seed},
            lgb.Dataset(X[others], of_cohort[others]),
            num_boost_round=100,
        )
        if len(own):
            ratio[own] = np.exp(np.asarray(booster.predict(visited[own], raw_score=True), dtype=np.float64))
    capped = np.minimum(ratio / ratio.mean(), MOST_WEIGHT)
    return np.asarray(capped / capped.mean(), dtype=np.float64)


def design_weights(outcomes: pd.DataFrame, weights: str) -> np.ndarray:
    """Weights of outcomes for calibrating and measuring, mean 1.

    Parameters
    ----------
    outcomes
        Column ``probability_ppm``: the draw probability in parts per million.
    weights
        "design": 1/draw probability; "equal": all 1.

    Raises
    ------
    MissingProbabilityError
        If "design" is asked for and an outcome has none.
    """
    if weights == "equal" or outcomes.empty:
        return np.ones(len(outcomes))
    raw = 1e6 / outcomes["probability_ppm"].to_numpy(dtype=float, na_value=np.nan)
    if not np.isfinite(raw).all():
        raise MissingProbabilityError("a design-weighted outcome has no draw probability")
    return np.asarray(raw / raw.mean())
