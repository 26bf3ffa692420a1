"""Design-weighted rates, means and differences, with intervals by enterprise.

The choice, stated: variances are linearised (Taylor) and cluster-robust by enterprise; intervals of a rate are
Wilson's at the effective sample size, with t for the normal quantile (modified Wilson: Dean and Pagano 2015, Franco,
Little, Louis and Slud 2019). A percentile bootstrap of few or rare violations is too short, and of none has no length
at all; this one keeps its coverage there (held by a long-running test). The effective size is never more than Kish's
(sum w)^2 / sum w^2, so that a few heavy visits that happened to find nothing can't pretend to certainty.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.stats import t as student

from models.arrays import Floats, Ints
from models.evaluation.metrics import Interval

NOTHING = Interval(float("nan"))


def cluster_sums(values: Floats, cluster: Ints) -> Floats:
    """Sum values [n] or [n, k] by enterprise; enterprises without a row are left out."""
    _, code = np.unique(cluster, return_inverse=True)
    if values.ndim == 1:
        return np.asarray(np.bincount(code, weights=values), dtype=np.float64)
    return np.column_stack([np.bincount(code, weights=v) for v in values.T])


def kish(weight: Floats) -> float:
    """Return the effective number of unequal weights."""
    return float(weight.sum() ** 2 / (weight**2).sum()) if len(weight) else 0.0


def degrees(weight: Floats, cluster: Ints) -> float:
    """Return the degrees of freedom: the effective number of enterprises less one, at least 1."""
    return max(1.0, kish(cluster_sums(weight, cluster)) - 1.0)


def quantile(weight: Floats, cluster: Ints, level: float) -> float:
    """Return the two-sided t quantile for the effective number of enterprises."""
    return float(student.ppf(0.5 + level / 2, degrees(weight, cluster)))


def linear_variance(influence: Floats, cluster: Ints) -> float:
    """Variance of a sum of influences, robust to any dependence within an enterprise."""
    sums = cluster_sums(influence, cluster)
    return float(len(sums) / (len(sums) - 1) * (sums**2).sum()) if len(sums) > 1 else float("nan")


def effective_size(y: Floats, weight: Floats, cluster: Ints) -> float:
    """Return how many equal, independent visits would tell as much of the rate."""
    if not len(y):
        return 0.0
    rate = float(weight @ y / weight.sum())
    if rate in (0.0, 1.0):
        return kish(cluster_sums(weight, cluster))
    variance = linear_variance(weight * (y - rate) / weight.sum(), cluster)
    most = kish(weight)
    return most if math.isnan(variance) or variance == 0 else min(most, rate * (1 - rate) / variance)


def wilson(rate: float, size: float, z: float) -> tuple[float, float]:
    """Return Wilson's score interval of a rate at an effective size."""
    if size <= 0:
        return 0.0, 1.0
    centre = (rate + z * z / (2 * size)) / (1 + z * z / size)
    half = z / (1 + z * z / size) * math.sqrt(rate * (1 - rate) / size + z * z / (4 * size * size))
    return max(0.0, centre - half), min(1.0, centre + half)


def weighted_rate(y: Floats, weight: Floats, cluster: Ints, level: float = 0.95) -> Interval:
    """Weighted rate with its interval; NaN without visits.

    Parameters
    ----------
    y
        0/1, shape [n].
    weight, cluster
        Design weights, and enterprise of each visit.
    level
        Of the interval.
    """
    if not len(y):
        return NOTHING
    rate = float(weight @ y / weight.sum())
    low, high = wilson(rate, effective_size(y, weight, cluster), quantile(weight, cluster, level))
    return Interval(rate, min(low, rate), max(high, rate))


def difference(one: Interval, other: Interval) -> Interval:
    """Interval of ``other - one`` from both intervals (MOVER: Zou and Donner 2008, Newcombe's hybrid score).

    An enterprise in both makes the difference surer than this says, never less sure.
    """
    d = other.value - one.value
    down = math.hypot(other.value - other.low, one.high - one.value)
    up = math.hypot(other.high - other.value, one.value - one.low)
    return Interval(d, d - down, d + up)


def weighted_mean(values: Floats, weight: Floats, cluster: Ints, level: float = 0.95) -> Interval:
    """Weighted mean of any values with a linearised interval by enterprise."""
    if not len(values):
        return NOTHING
    total = float(weight.sum())
    mean = float(weight @ values / total)
    half = quantile(weight, cluster, level) * math.sqrt(linear_variance(weight * (values - mean) / total, cluster))
    return Interval(mean, mean - half, mean + half)


def ratio(top: Floats, bottom: Floats, weight: Floats, cluster: Ints, level: float = 0.95) -> Interval:
    """Weighted sum of ``top`` over that of ``bottom``, with a linearised interval on the log scale.

    Without interval where the ratio is 0; NaN where the bottom is 0.
    """
    a, b = float(weight @ top), float(weight @ bottom)
    if b <= 0:
        return NOTHING
    value = a / b
    if value <= 0:
        return Interval(value)
    spread = math.sqrt(linear_variance(weight * (top / a - bottom / b), cluster))
    half = quantile(weight, cluster, level) * spread
    return Interval(value, value * math.exp(-half), value * math.exp(half))


def gap(y: Floats, probability: Floats, weight: Floats, cluster: Ints, level: float = 0.95) -> Interval:
    """Observed less expected rate, weighted; its variance is never below what the probabilities themselves imply."""
    if not len(y):
        return NOTHING
    total = float(weight.sum())
    value = float(weight @ (y - probability) / total)
    implied = float((weight**2 * probability * (1 - probability)).sum()) / total**2
    seen = linear_variance(weight * (y - probability - value) / total, cluster)
    half = quantile(weight, cluster, level) * math.sqrt(max(implied, 0.0 if math.isnan(seen) else seen))
    return Interval(value, value - half, value + half)
