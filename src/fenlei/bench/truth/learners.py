"""Learners on raw counts, beside the truth: a logistic regression, LightGBM, and LightGBM taught the truth."""

from __future__ import annotations

from typing import Any

import lightgbm as lgb
import numpy as np
from sklearn.linear_model import LogisticRegressionCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from models.arrays import Floats

SETTINGS: dict[str, Any] = {
    "objective": "cross_entropy",  # takes labels 0 and 1, and probabilities as well
    "learning_rate": 0.08,
    "feature_fraction": 0.5,
    "lambda_l2": 10.0,
    "num_threads": 1,  # waiting threads cost more than they give on a shared machine
    "max_bin": 63,
    "verbosity": -1,
    "deterministic": True,
    "force_row_wise": True,
    "seed": 1,
}
FEW = {"num_leaves": 8, "min_data_in_leaf": 40, "rounds": 120}
"""For one year of labels."""
MANY = {"num_leaves": 31, "min_data_in_leaf": 100, "rounds": 350}
"""For the truth, which has no noise of its own."""


def straightened(X: Floats) -> Floats:
    """Return counts and amounts on a log scale, unknown made 0 with a column that says so."""
    unknown = np.isnan(X)
    shown = np.where(unknown, 0.0, X)
    logs = np.sign(shown) * np.log1p(np.abs(shown))
    told = unknown[:, unknown.any(axis=0)].astype(np.float64)
    return np.hstack([logs, told])


def logistic(X: Floats, y: Floats, apply_to: Floats, weight: Floats | None = None) -> Floats:
    """Fit a logistic regression, its penalty chosen by cross-validation; return probabilities for ``apply_to``."""
    both = straightened(np.vstack([X, apply_to]))
    model = make_pipeline(
        StandardScaler(),
        LogisticRegressionCV(
            Cs=[0.001, 0.005, 0.03],
            cv=3,
            scoring="neg_log_loss",
            max_iter=200,
            l1_ratios=(0.0,),
            use_legacy_attributes=False,
        ),
    )
    model.fit(both[: len(X)], y, logisticregressioncv__sample_weight=weight)
    return np.asarray(model.predict_proba(both[len(X) :])[:, 1], dtype=np.float64)


def boosted(
    X: Floats, y: Floats, apply_to: Floats, weight: Floats | None = None, *, size: dict[str, int] = FEW
) -> Floats:
    """Fit LightGBM to labels or probabilities; return probabilities for ``apply_to``."""
    settings = SETTINGS | {k: v for k, v in size.items() if k != "rounds"}
    model = lgb.train(settings, lgb.Dataset(X, y, weight=weight), num_boost_round=size["rounds"])
    return np.asarray(model.predict(apply_to), dtype=np.float64)
