"""Bias of learning from all outcomes, measured on the truth, at each strength of the inspectors' hunch."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from fenlei.bench.truth.learners import boosted
from fenlei.bench.truth.ranking import LEARN
from fenlei.bench.truth.raw_counts import raw_counts
from fenlei.bench.truth.visits import enterprise_months, labelled_visits
from models.arrays import Floats
from models.evaluation.metrics import Interval

HUNCHES = (1.0, 1.5, 2.5, 4.0)
MONTH = date(2025, 3, 1)
"""The month whose true risk every enterprise is compared with."""
RESAMPLES = 6
"""Refits on resampled enterprises, for the intervals."""
ALL, RANDOM, DESIGN = "all outcomes", "random arm", "random arm, weighted by 1/draw probability"


@dataclass(frozen=True)
class Learned:
    """LightGBM's probabilities beside the truth, over enterprises taken evenly.

    ``bias`` is mean probability less mean truth, ``mse`` the mean squared error to the truth; intervals come from
    refits on resampled enterprises.
    """

    hunch: float
    arms: str
    labels: int
    targeted: float
    bias: Interval
    mse: Interval


def learn_at(folder: Path, hunch: float, *, most: int = 20_000) -> list[Learned]:
    """Learn from one year of all outcomes as they come, and from the random arm's alone, without and with weights.

    Parameters
    ----------
    folder
        Province simulated with this hunch, 60 months ending 2026-01-01.
    hunch
        For the heading.
    most
        Enterprises to compare.
    """
    visits = labelled_visits(folder)
    visits = visits[visits["cutoff"].between(*LEARN)].reset_index(drop=True)
    asked = enterprise_months(folder, MONTH, MONTH, most)
    keys = ["enterprise_id", "cutoff"]
    X = raw_counts(folder, pd.concat([visits[keys], asked[keys]], ignore_index=True)).to_numpy()
    known, new = X[: len(visits)], X[len(visits) :]
    truth = asked["risk"].to_numpy()
    targeted = visits["targeted"].to_numpy(dtype=bool)
    found = []
    drawn = np.flatnonzero(~targeted)
    for arms, rows in ((ALL, np.arange(len(visits))), (RANDOM, drawn), (DESIGN, drawn)):
        weight = visits["weight"].to_numpy()[rows] if arms == DESIGN else np.ones(len(rows))
        y, firm = visits["y"].to_numpy()[rows], pd.factorize(visits["enterprise_id"].to_numpy()[rows])[0]
        errors = [_errors(boosted(known[rows], y, new, weight / weight.mean()), truth)]
        rng = np.random.default_rng(5)
        for _ in range(RESAMPLES):
            times = np.bincount(rng.integers(0, firm.max() + 1, firm.max() + 1), minlength=firm.max() + 1)[firm]
            taken = times > 0
            again = weight[taken] * times[taken]
            errors.append(_errors(boosted(known[rows][taken], y[taken], new, again / again.mean()), truth))
        bias, mse = np.array(errors).T
        found.append(Learned(hunch, arms, len(rows), float(targeted[rows].mean()), _around(bias), _around(mse)))
    return found


def _errors(probability: Floats, truth: Floats) -> tuple[float, float]:
    return float(np.mean(probability - truth)), float(np.mean((probability - truth) ** 2))


def _around(values: Floats) -> Interval:
    """Return the full fit's figure, with 1.96 standard deviations of the refits on either side."""
    half = 1.96 * float(np.std(values[1:], ddof=1))
    return Interval(float(values[0]), float(values[0]) - half, float(values[0]) + half)
