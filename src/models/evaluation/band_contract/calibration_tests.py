"""Calibration tests: whether the model is calibrated, and whether these visits could have shown it if it were not.

Two tests: the calibration error (ECE, bins of equal weight) against its distribution under perfect calibration, and
the slope of the logistic recalibration with a cluster-robust interval. A finite sample always shows some error, so
the error itself is never promised; and a test that could not have failed is no pass, so each comes with its power.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from models.arrays import Floats, Ints
from models.evaluation.intervals import cluster_sums, quantile
from models.evaluation.verdicts import NAN

_BLOCK = 1_000_000
_FIRST = 2000
"""Simulations after which a p-value that is clearly large is not refined."""
_ENOUGH = 20
EDGE = 1e-6


@dataclass(frozen=True)
class ErrorTest:
    """The calibration error and what a perfect model would show on the same visits.

    ``limit`` is the stated percentile (95th) under perfect calibration, ``usual`` the median.
    """

    error: float
    limit: float
    usual: float
    p_value: float
    bins: int
    correlation: float
    simulations: int


@dataclass(frozen=True)
class Slope:
    """Slope of the recalibration, its interval, standard error, and the error a calibrated model would have."""

    value: float
    low: float
    high: float
    se: float
    se_planned: float


def equal_mass_bins(probability: Floats, weight: Floats, bins: int) -> Ints:
    """Return the bin of each visit, 0 upwards: bins of equal weight, equal probabilities together.

    The same cut as `models.evaluation.metrics.calibration_error_kernel` makes.
    """
    order = np.argsort(probability, kind="stable")
    p, w = probability[order], weight[order]
    place = (np.cumsum(w) - w / 2) / w.sum() * bins
    starts = np.flatnonzero(np.r_[True, np.diff(p) > 0])
    first = np.repeat(place[starts], np.diff(np.append(starts, len(p))))
    raw = np.floor(np.clip(first, 0, bins - 1e-9)).astype(np.int64)
    _, dense = np.unique(raw, return_inverse=True)
    out = np.empty(len(p), dtype=np.int64)
    out[order] = dense
    return out


def residual_correlation(y: Floats, probability: Floats, cluster: Ints) -> float:
    """Moment estimate of how alike two visits to one enterprise are beyond their probabilities, within [0, 1]."""
    p = np.clip(probability, EDGE, 1 - EDGE)
    e = (y - p) / np.sqrt(p * (1 - p))
    sums, size = cluster_sums(e, cluster), cluster_sums(np.ones_like(e), cluster)
    pairs = float((size * (size - 1)).sum())
    if pairs == 0:
        return 0.0
    return float(np.clip((float((sums**2).sum()) - float((e**2).sum())) / pairs, 0.0, 1.0))


class _Null:
    """Draws outcomes from the probabilities themselves, alike within an enterprise, and measures their error.

    Visits to one enterprise share a uniform number with chance sqrt(correlation) each, so that two of them with
    equal probabilities have exactly that correlation, and each alone is a violation with its own probability.
    """

    def __init__(self, probability: Floats, weight: Floats, cluster: Ints, bins: Ints, correlation: float) -> None:
        order = np.argsort(bins, kind="stable")
        self.p = probability[order].astype(np.float32)
        self.w = (weight[order] / weight.sum()).astype(np.float64)
        self.starts = np.flatnonzero(np.r_[True, np.diff(bins[order]) > 0])
        self.expected = np.add.reduceat(self.w * self.p.astype(np.float64), self.starts)
        _, code, size = np.unique(cluster[order], return_inverse=True, return_counts=True)
        self.alike = np.flatnonzero(size[code] > 1) if correlation > 0 else np.empty(0, dtype=np.intp)
        _, self.code = np.unique(code[self.alike], return_inverse=True)
        self.share = math.sqrt(correlation)

    def draw(self, times: int, rng: np.random.Generator) -> Floats:
        n = len(self.p)
        block = max(1, _BLOCK // n)
        out = []
        for start in range(0, times, block):
            b = min(block, times - start)
            u = rng.random((b, n), dtype=np.float32)
            if self.alike.size:
                common = rng.random((b, int(self.code.max()) + 1), dtype=np.float32)[:, self.code]
                shared = rng.random((b, self.alike.size), dtype=np.float32) < self.share
                u[:, self.alike] = np.where(shared, common, u[:, self.alike])
            found = np.add.reduceat(np.where(u < self.p, self.w, 0.0), self.starts, axis=1)
            out.append(np.abs(found - self.expected).sum(axis=1))
        return np.concatenate(out)


def error_test(
    y: Floats,
    probability: Floats,
    weight: Floats,
    cluster: Ints,
    *,
    bins: int,
    level: float,
    seed: int,
    family: int = 1,
) -> ErrorTest:
    """Test the calibration error against perfect calibration, on the same visits, weights and enterprises.

    Parameters
    ----------
    y, probability, weight, cluster
        Of each visit, shape [n].
    bins
        Bins of equal weight.
    level
        Percentile of the error under perfect calibration that is the limit.
    seed
        Of the simulation.
    family
        Tests this one is corrected with: small p-values are then simulated further, so that they can be small enough.
    """
    place = equal_mass_bins(probability, weight, bins)
    total = weight.sum()
    error = float(np.abs(np.bincount(place, weights=weight * (y - probability))).sum() / total)
    correlation = residual_correlation(y, probability, cluster)
    null = _Null(probability, weight, cluster, place, correlation)
    rng = np.random.default_rng([seed, 0xECE])
    drawn = null.draw(_FIRST, rng)
    # Simulated errors are sums in another order than the one seen: a hair keeps equal ones equal.
    seen = error * (1 - 1e-6)
    if (drawn >= seen).sum() < _ENOUGH and family > 1:
        more = math.ceil(_ENOUGH * family / (1 - level)) - _FIRST
        if more > 0:
            drawn = np.concatenate([drawn, null.draw(more, rng)])
    p_value = (1 + int((drawn >= seen).sum())) / (1 + len(drawn))
    return ErrorTest(
        error,
        float(np.quantile(drawn, level)),
        float(np.median(drawn)),
        p_value,
        int(place.max()) + 1,
        correlation,
        len(drawn),
    )


def calibration_slope(y: Floats, probability: Floats, weight: Floats, cluster: Ints, level: float) -> Slope:
    """Fit log-odds of a violation = a + slope * log-odds said, weighted, and return the slope.

    The standard error is the larger of the cluster-robust one and the one the probabilities themselves imply: with
    few heavy visits the first alone is too small. All NaN where the fit has no answer (one kind of outcome only, or
    the same probability for all).
    """
    nothing = Slope(NAN, NAN, NAN, NAN, NAN)
    p = np.clip(probability, EDGE, 1 - EDGE)
    x = np.asarray(logit(p), dtype=np.float64)
    if len(y) < 3 or y.min() == y.max() or np.ptp(x) < 1e-9:
        return nothing
    w = weight / weight.mean()
    design = np.column_stack([np.ones_like(x), x])
    theta = np.array([0.0, 1.0])

    def loss(t: Floats) -> float:
        eta = design @ t
        return float(w @ (np.logaddexp(0.0, eta) - y * eta))

    now = loss(theta)
    for _ in range(100):
        q = expit(design @ theta)
        gradient = design.T @ (w * (y - q))
        hessian = (design * (w * q * (1 - q))[:, None]).T @ design
        if not np.isfinite(hessian).all() or np.linalg.cond(hessian) > 1e14:
            return nothing
        step = np.linalg.solve(hessian, gradient)
        length = 1.0
        while (then := loss(theta + length * step)) > now + 1e-9 and length > 1e-6:
            length /= 2
        theta, now = theta + length * step, then
        if np.abs(step).max() < 1e-9:
            break
    if abs(theta[1]) > 50:  # separable: the slope runs away
        return nothing
    q = expit(design @ theta)
    inverse = np.linalg.inv((design * (w * q * (1 - q))[:, None]).T @ design)
    scores = cluster_sums(design * (w * (y - q))[:, None], cluster)
    c = len(scores)
    robust = inverse @ (scores.T @ scores * (c / max(1, c - 1))) @ inverse
    fisher = np.linalg.inv((design * (w * p * (1 - p))[:, None]).T @ design)
    said = design * (w * np.sqrt(p * (1 - p)))[:, None]
    together, alike = cluster_sums(said, cluster), residual_correlation(y, p, cluster)
    implied = fisher @ ((1 - alike) * said.T @ said + alike * together.T @ together) @ fisher
    se = math.sqrt(max(robust[1, 1], implied[1, 1]))
    half = quantile(weight, cluster, level) * se
    value = float(theta[1])
    return Slope(value, value - half, value + half, se, math.sqrt(implied[1, 1]))
