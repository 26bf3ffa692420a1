"""Ranking by learners on raw counts in a simulated province, beside the oracle and the ceiling."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from fenlei.bench.truth.learners import MANY, boosted, logistic
from fenlei.bench.truth.raw_counts import raw_counts
from fenlei.bench.truth.visits import enterprise_months, labelled_visits
from models.arrays import Floats
from models.evaluation.drift.expected import expected_auc
from models.evaluation.metrics import Interval, Sample, auc_kernel, resample, top_kernel

LEARN = (date(2024, 1, 1), date(2024, 12, 1))
"""Months of the one year of labels."""
TEST = (date(2025, 2, 1), date(2025, 12, 1))
REPETITIONS = 1000
CEILING = "ceiling: LightGBM taught the truth"
ORACLE = "oracle: the truth itself"
LOGISTIC = "logistic regression, one year of labels"
BOOSTED = "LightGBM, one year of labels"


@dataclass(frozen=True)
class Ranked:
    """One learner on the random arm's test visits, weighted by 1 / draw probability.

    ``expected`` is its AUC with each label replaced by the true risk, so without the labels' noise;
    ``gain`` its AUC above chance as a share of the ceiling's, on the same resamples.
    """

    name: str
    auc: Interval
    expected: float
    lift: Interval
    gain: Interval
    expected_gain: float


@dataclass(frozen=True)
class Ranking:
    """All learners in one province."""

    seed: int
    enterprises: int
    labels: int
    visits: int
    rows: list[Ranked]


def rank(folder: Path, *, seed: int, enterprises: int, taught: int = 100_000) -> Ranking:
    """Learn on one year of random-arm labels, measure on the random arm of the next.

    Parameters
    ----------
    folder
        Simulated folder, 60 months ending 2026-01-01, its truth beside it.
    seed, enterprises
        Of the simulation, for the heading.
    taught
        Enterprise-months whose truth the ceiling is taught.
    """
    visits = labelled_visits(folder)
    visits = visits[~visits["targeted"].to_numpy(dtype=bool)]
    learn, test = (visits[visits["cutoff"].between(*span)] for span in (LEARN, TEST))
    told = enterprise_months(folder, *LEARN, taught)
    keys = ["enterprise_id", "cutoff"]
    X = raw_counts(folder, pd.concat([learn[keys], test[keys], told[keys]], ignore_index=True)).to_numpy()
    a, b = len(learn), len(learn) + len(test)
    y = learn["y"].to_numpy()
    truth = np.concatenate([learn["risk"], told["risk"]])
    scores = {
        ORACLE: test["risk"].to_numpy(),
        CEILING: boosted(np.vstack([X[:a], X[b:]]), truth, X[a:b], size=MANY),
        LOGISTIC: logistic(X[:a], y, X[a:b]),
        BOOSTED: boosted(X[:a], y, X[a:b]),
    }
    return Ranking(seed, enterprises, len(learn), len(test), list(_measured(test, scores)))


def _measured(test: pd.DataFrame, scores: dict[str, Floats]) -> Iterator[Ranked]:
    ids = test["enterprise_id"].to_numpy(dtype=object)
    sample = Sample.of(test["y"].to_numpy(), ids, test["weight"].to_numpy())
    risk, weight = test["risk"].to_numpy(), sample.weight
    kernels = {name: (auc_kernel(sample, s), top_kernel(sample, s)) for name, s in scores.items()}
    draws = [sample.weight[None, :], *resample(sample, REPETITIONS, 1)]
    rates = np.concatenate([(w @ sample.y) / w.sum(axis=1) for w in draws])
    aucs = {name: np.concatenate([auc(w) for w in draws]) for name, (auc, _) in kernels.items()}
    tops = {name: np.concatenate([top(w) for w in draws]) for name, (_, top) in kernels.items()}
    expected = {name: expected_auc(s, risk, weight) for name, s in scores.items()}
    for name in scores:
        yield Ranked(
            name,
            auc=_interval(aucs[name]),
            expected=expected[name],
            lift=_interval(tops[name] / rates),
            gain=_interval((aucs[name] - 0.5) / (aucs[CEILING] - 0.5)),
            expected_gain=(expected[name] - 0.5) / (expected[CEILING] - 0.5),
        )


def _interval(draws: Floats) -> Interval:
    """Return the first figure with the 95 % percentile interval of the others."""
    low, high = np.quantile(draws[1:], [0.025, 0.975])
    return Interval(float(draws[0]), float(low), float(high))
