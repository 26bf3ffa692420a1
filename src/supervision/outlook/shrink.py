"""Empirical-Bayes shrinkage of cells towards what their region and industry let expect.

The model: a cell's observed mean is normal about its own mean with sampling variance ``s²``; own means are normal
about region plus industry with variance ``τ²`` (Fay and Herriot 1979). τ² solves Paule and Mandel's equation (1982);
the variance adds what the fitted expectation does not know and, after Morris (1983), what τ² does not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import norm

Floats = NDArray[np.float64]
_RIDGE = 1e-9
"""Keeps the main effects solvable where a region has one industry; far below any variance of a share."""


@dataclass(frozen=True)
class Shrunken:
    """Means after shrinkage with intervals, weights of the expectation, and τ; arrays of shape (cells,)."""

    mean: Floats
    low: Floats
    high: Floats
    weight: Floats
    spread: float


def shrunken(observed: Floats, variance: Floats, effects: Floats, confidence: float) -> Shrunken:
    """Shrink observed means.

    Parameters
    ----------
    observed, variance
        Means and their sampling variances, shape (cells,).
    effects
        Design of the expectation, shape (cells, columns), `design` or a column of ones.
    confidence
        Of the intervals.
    """
    variance = np.maximum(variance, 1e-12)
    tau2 = _between(observed, variance, effects)
    fit, leverage, rank = _fitted(observed, variance + tau2, effects)
    weight = variance / (variance + tau2)
    freedom = max(len(observed) - rank - 2, 1)
    mean = weight * fit + (1 - weight) * observed
    typical = float(np.mean(variance + tau2))
    unsure = 2.0 / freedom * weight**2 * (typical / (variance + tau2)) * (observed - fit) ** 2
    sd = np.sqrt(variance * (1 - weight) + weight**2 * leverage + unsure)
    z = float(norm.ppf(0.5 + confidence / 2))
    return Shrunken(mean, mean - z * sd, mean + z * sd, weight, float(np.sqrt(tau2)))


def design(regions: list[str], industries: list[str]) -> Floats:
    """Return the columns of region and industry, the first of each left to the constant."""
    columns = [np.ones(len(regions))]
    for labels in (regions, industries):
        columns += [np.array([float(label == each) for label in labels]) for each in sorted(set(labels))[1:]]
    return np.column_stack(columns)


def _fitted(observed: Floats, variance: Floats, effects: Floats) -> tuple[Floats, Floats, int]:
    """Return the fitted expectation, its variances and the rank of the design."""
    weighted = effects / variance[:, None]
    inner = effects.T @ weighted
    inverse = np.linalg.pinv(inner + _RIDGE * np.eye(len(inner)) * np.trace(inner) / len(inner), hermitian=True)
    fit = effects @ (inverse @ (weighted.T @ observed))
    return fit, np.einsum("ij,jk,ik->i", effects, inverse, effects), int(np.linalg.matrix_rank(effects))


def _between(observed: Floats, variance: Floats, effects: Floats) -> float:
    """Return τ² such that the weighted squares about the expectation equal their degrees of freedom; 0 where less."""

    def excess(tau2: float) -> float:
        fit, _, rank = _fitted(observed, variance + tau2, effects)
        return float(((observed - fit) ** 2 / (variance + tau2)).sum()) - max(len(observed) - rank, 1)

    top = max(float(np.var(observed)) * 10, 1e-12)
    if len(observed) < 3 or excess(0.0) <= 0:
        return 0.0
    while excess(top) > 0:
        top *= 10
    return float(brentq(excess, 0.0, top, xtol=1e-14))


def shares(hits: NDArray[np.int64], of: NDArray[np.int64], effects: Floats, confidence: float) -> Shrunken:
    """Shrink shares; intervals stay within 0 and 1.

    The sampling variance is that at the shrunken share, not at the observed one, which is none where no enterprise or
    every one is hit.

    Parameters
    ----------
    hits, of
        Counts, shape (cells,).
    effects
        Design of the expectation.
    confidence
        Of the intervals.
    """
    middle = (int(hits.sum()) + 0.5) / (int(of.sum()) + 1)
    expected = np.full(len(hits), middle)
    for _ in range(3):
        found = shrunken(hits / of, expected * (1 - expected) / of, effects, confidence)
        expected = np.clip(found.mean, middle / 4, 1 - (1 - middle) / 4)
    inside = [np.clip(each, 0.0, 1.0) for each in (found.mean, found.low, found.high)]
    return Shrunken(inside[0], inside[1], inside[2], found.weight, found.spread)
