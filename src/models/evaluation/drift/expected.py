"""Expected rates, before labels arrive: what the probabilities themselves say a month's visits will find."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import norm

from models.arrays import Floats
from models.evaluation.verdicts import NAN, plain

ASSUMPTION = (
    "Estimated before any result is known, on the assumption that a probability still means what it meant: it shows a "
    "change in who is visited, never a change in what a probability is worth."
)


@dataclass(frozen=True)
class BeforeLabels:
    """What a month's visits are expected to find, before any result.

    ``visits`` are all of the month that are told of, ``awaited`` those of them without a result yet. ``low`` and
    ``high`` hold the rate that will be observed, if the ``assumption`` holds. ``auc`` is what the ranking would reach
    if every probability were exact.
    """

    month: str
    visits: int
    awaited: int
    rate: float
    low: float
    high: float
    auc: float
    assumption: str
    text: str

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return plain(self)


def before_labels(
    probability: Floats,
    weight: Floats,
    *,
    month: str = "",
    awaited: int = 0,
    level: float = 0.95,
    seed: int = 0,
    draws: int = 2000,
) -> BeforeLabels:
    """Estimate a month's observed rate from calibrated probabilities alone (confidence-based estimation).

    Parameters
    ----------
    probability, weight
        Of each visit made or drawn, whether its result has come in or not, shape [n].
    awaited
        So many of them have no result yet.
    level
        Of the interval of the rate that will be observed.
    """
    p, w = np.asarray(probability, dtype=np.float64), np.asarray(weight, dtype=np.float64)
    if not len(p):
        return BeforeLabels(month, 0, 0, NAN, NAN, NAN, NAN, ASSUMPTION, f"{month}: no visits")
    share = w / w.sum()
    rate = float(share @ p)
    if len(p) > 20_000:
        half = float(norm.ppf(0.5 + level / 2)) * math.sqrt(float((share**2) @ (p * (1 - p))))
        low, high = max(0.0, rate - half), min(1.0, rate + half)
    else:
        rng = np.random.default_rng([seed, 0xBEF0])
        block = max(1, 1_000_000 // len(p))
        found = np.concatenate(
            [(rng.random((min(block, draws - i), len(p))) < p) @ share for i in range(0, draws, block)]
        )
        low, high = (float(v) for v in np.quantile(found, [(1 - level) / 2, (1 + level) / 2]))
    auc = expected_auc(p, p, share)
    waiting = f", {awaited:,} of them still without a result," if awaited else ""
    text = (
        f"{month + ': ' if month else ''}{len(p):,} visits{waiting} "
        f"are expected to find violations at {rate:.1%} [{low:.1%}, {high:.1%}]. {ASSUMPTION}"
    )
    return BeforeLabels(month, len(p), awaited, rate, low, high, auc, ASSUMPTION, text)


def expected_auc(score: Floats, risk: Floats, weight: Floats) -> float:
    """Return the weighted AUC of a score when every visit violates with its own risk, shape (n,) each; NaN for no pair.

    A visit counts as a violation in part ``risk`` and as clean in the rest; its tie with itself is left in.
    """
    order = np.argsort(score, kind="stable")
    score, risk, weight = score[order], risk[order], weight[order]
    starts = np.flatnonzero(np.r_[True, np.diff(score) > 0])
    bad, good = np.add.reduceat(weight * risk, starts), np.add.reduceat(weight * (1 - risk), starts)
    pairs = float(bad.sum() * good.sum())
    return float((bad * (np.cumsum(good) - good / 2)).sum() / pairs) if pairs > 0 else NAN
