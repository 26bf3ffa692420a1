"""Baselines on the same visits: the rules, the firm's own past rate, a plain logistic regression."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from models.arrays import Floats


def past_violation_rate(outcomes: pd.DataFrame, *, prior: float, strength: float) -> Floats:
    """Own past violation rate of each row's enterprise, as known at the row's cut-off.

    Parameters
    ----------
    outcomes
        ``enterprise_id``, ``cutoff``, ``visited_on``, ``known_at``, ``violation``: every outcome there is,
        all arms. A visit counts for a row when it happened and was known before that row's cut-off.
    prior, strength
        The rate is shrunk to ``prior`` as if by ``strength`` visits, so one visit doesn't make a 0 or a 1;
        a firm never visited gets the prior, and all such firms tie.

    Returns
    -------
    ndarray of float64, shape [n]
    """
    # A visit is in a row's past once both its day and its result lie before the cut-off.
    ready = pd.concat([pd.to_datetime(outcomes[c]) for c in ("visited_on", "known_at")], axis=1).max(axis=1)
    events = pd.DataFrame(
        {
            "firm": outcomes["enterprise_id"].to_numpy(),
            "ready": ready.to_numpy(),
            "violation": outcomes["violation"].to_numpy(dtype=float),
        }
    ).sort_values(["ready", "firm"], kind="stable")
    by_firm = events.groupby("firm", sort=False)["violation"]
    events["bad"], events["seen"] = by_firm.cumsum(), by_firm.cumcount() + 1.0
    asked = pd.DataFrame(
        {
            "firm": outcomes["enterprise_id"].to_numpy(),
            "cutoff": pd.to_datetime(outcomes["cutoff"]).to_numpy(),
            "row": np.arange(len(outcomes)),
        }
    ).sort_values("cutoff", kind="stable")
    past = pd.merge_asof(
        asked,
        events[["firm", "ready", "bad", "seen"]],
        left_on="cutoff",
        right_on="ready",
        by="firm",
        allow_exact_matches=False,  # known on the day of the cut-off is not known before it
    ).sort_values("row", kind="stable")
    bad, seen = past["bad"].fillna(0.0).to_numpy(), past["seen"].fillna(0.0).to_numpy()
    return np.asarray((bad + prior * strength) / (seen + strength), dtype=float)


def _plain(X: Floats) -> Floats:
    """Signed log of the values, so that money and counts weigh alike; unknown stays unknown."""
    return np.asarray(np.sign(X) * np.log1p(np.abs(X)))


class LogisticBaseline:
    """Logistic regression on signed logs, unknown values set to the median and flagged.

    A linear model that sees the same indicators: what it can't do is what the trees are for.
    """

    def __init__(self, strength: float = 0.1) -> None:
        self.strength = strength

    def fit(self, X: Floats, y: NDArray[np.generic], weight: Floats | None = None) -> LogisticBaseline:
        """Fit on [n, k] indicators with NaN for unknown, labels [n] and weights [n]."""
        flat = _plain(X)
        missing = np.isnan(flat)
        known = ~missing.all(axis=0)
        self.medians_ = np.zeros(X.shape[1])
        self.medians_[known] = np.nanmedian(flat[:, known], axis=0)
        self.flagged_ = np.flatnonzero(missing.any(axis=0) & known)
        self.pipeline_: Pipeline = make_pipeline(
            StandardScaler(), LogisticRegression(C=self.strength, max_iter=5000, tol=1e-5)
        )
        self.pipeline_.fit(self._design(flat), y, logisticregression__sample_weight=weight)
        return self

    def _design(self, flat: Floats) -> Floats:
        missing = np.isnan(flat)
        return np.hstack([np.where(missing, self.medians_, flat), missing[:, self.flagged_].astype(float)])

    def margin(self, X: Floats) -> Floats:
        """Log odds [n]."""
        return np.asarray(self.pipeline_.decision_function(self._design(_plain(X))), dtype=float)
