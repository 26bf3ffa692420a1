"""Interval of the mean risk of all enterprises with a given score.

A smooth curve (a restricted cubic spline of the margin, five knots) is fitted to outcomes anew on resampled
enterprises; the spread of what it says of a margin is the interval for the mean risk of all enterprises with that
margin. It holds what the sample of calibration visits leaves open, the shape of the calibrator included: refits of a
straight map would nearly never hold a truth that bends. It does not hold what another learner would have said, nor what
changes after the calibration: drift is watched separately.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator
from scipy.special import expit
from threadpoolctl import threadpool_limits

from models.arrays import Floats
from models.scoring.calibrators import AnyCalibrator

KNOTS = 33
REPETITIONS = 400
_SPLINE = (0.05, 0.275, 0.5, 0.725, 0.95)
"""Percentiles of the margin where the curve's knots lie (Harrell, Regression Modeling Strategies, 2.4.6)."""
_CELLS = 200
_RIDGE = 1e-6
_LONGEST_STEP = 5.0


class Uncertainty(BaseModel):
    """Interval of the calibrated log-odds along the margin: linear between knots and beyond them.

    Parameters
    ----------
    level
        Such as 0.95.
    visits, enterprises
        What the calibration rests on.
    margins, low, high
        Knots, strictly increasing; log-odds at each, not decreasing, ``low`` never above ``high``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    level: float = Field(gt=0.5, lt=1)
    visits: int = Field(ge=1)
    enterprises: int = Field(ge=1)
    margins: tuple[float, ...] = Field(min_length=2)
    low: tuple[float, ...]
    high: tuple[float, ...]

    @model_validator(mode="after")
    def _ordered(self) -> Uncertainty:
        if not len(self.margins) == len(self.low) == len(self.high):
            raise ValueError("margins, low and high: one number per knot")
        if not np.all(np.isfinite([self.margins, self.low, self.high])):
            raise ValueError("margins, low and high must be finite")
        if np.any(np.diff(self.margins) <= 0) or np.any(np.diff(self.low) < 0) or np.any(np.diff(self.high) < 0):
            raise ValueError("margins must strictly increase, low and high must not decrease")
        if np.any(np.subtract(self.high, self.low) < 0):
            raise ValueError("low must not lie above high")
        return self

    def interval(self, margin: ArrayLike) -> tuple[Floats, Floats]:
        """Return the lower and upper end of the mean risk at each margin."""
        m = np.asarray(margin, dtype=np.float64)
        low, high = self._along(m, self.low), self._along(m, self.high)
        # Beyond the knots the two lines might cross; there nothing is known and the wider end is kept.
        return np.asarray(expit(np.minimum(low, high))), np.asarray(expit(np.maximum(low, high)))

    def _along(self, m: Floats, odds: tuple[float, ...]) -> Floats:
        x, y = np.asarray(self.margins), np.asarray(odds)
        first = (y[1] - y[0]) / (x[1] - x[0])
        last = (y[-1] - y[-2]) / (x[-1] - x[-2])
        inside = np.interp(m, x, y)
        return np.asarray(inside + first * np.minimum(m - x[0], 0.0) + last * np.maximum(m - x[-1], 0.0))


def fit_uncertainty(
    calibrator: AnyCalibrator,
    margin: Floats,
    outcome: NDArray[np.generic],
    enterprise: NDArray[np.object_],
    weight: Floats,
    *,
    seed: int,
    repetitions: int = REPETITIONS,
    level: float = 0.95,
) -> Uncertainty:
    """Fit a smooth curve on resampled enterprises; keep percentiles of its log-odds.

    Parameters
    ----------
    calibrator
        As fitted on these rows; the interval is widened to hold what it says.
    margin, outcome, enterprise, weight
        Of the calibration visits, [n]; a resample draws whole enterprises.
    seed
        Of the resamples.

    Notes
    -----
    A resample in which nobody, or everybody, violates says nothing and is drawn again. Outcomes are summed in 200 cells
    of the margin, each at its mean margin: no slower for a million visits, and the curve is far smoother than a cell.
    """
    knots = np.unique(np.quantile(margin, np.linspace(0, 1, KNOTS)))
    if len(knots) < 2:
        knots = np.array([margin[0] - 0.5, margin[0] + 0.5])
    ids, cluster = np.unique(np.asarray(enterprise, dtype=str), return_inverse=True)
    y = np.asarray(outcome, dtype=np.float64)
    w = weight / weight.mean()
    edges = np.unique(np.quantile(margin, np.linspace(0, 1, _CELLS + 1)))[1:-1]
    _, cell = np.unique(np.searchsorted(edges, margin, side="right"), return_inverse=True)
    at = np.unique(np.quantile(margin, _SPLINE))
    middle = _sums(cell, margin) / np.bincount(cell)
    seen, asked = _spline(middle, at), _spline(knots, at)
    rng = np.random.default_rng(seed)
    curves: list[Floats] = []
    # On a fit of five parameters BLAS's threads wait for one another far longer than they work.
    with threadpool_limits(1, user_api="blas"):
        start = _logistic(seen, _sums(cell, w), _sums(cell, w * y))
        while len(curves) < repetitions:
            times = np.bincount(rng.integers(0, len(ids), len(ids)), minlength=len(ids))[cluster] * w
            total, bad = _sums(cell, times), _sums(cell, times * y)
            if 0.0 < float(bad.sum()) < float(total.sum()):
                curves.append(np.asarray(asked @ _logistic(seen, total, bad, start)))
    tail = (1 - level) / 2
    point = calibrator.log_odds(knots)
    low, high = np.quantile(np.array(curves), [tail, 1 - tail], axis=0)
    return Uncertainty(
        level=level,
        visits=len(y),
        enterprises=len(ids),
        margins=tuple(knots.tolist()),
        low=tuple(np.maximum.accumulate(np.minimum(low, point)).tolist()),
        high=tuple(np.maximum.accumulate(np.maximum(high, point)).tolist()),
    )


def _sums(cell: NDArray[np.intp], values: Floats) -> Floats:
    """Sum values in each cell."""
    return np.asarray(np.bincount(cell, values), dtype=np.float64)


def _spline(x: Floats, knots: Floats) -> Floats:
    """Return the design of a restricted cubic spline: 1, x, and a bend for all but two knots; straight beyond them."""
    columns = [np.ones_like(x), x]
    for knot in knots[:-2]:
        last, end = knots[-2], knots[-1]
        bend = [np.maximum(x - k, 0.0) ** 3 for k in (knot, last, end)]
        right = (bend[2] * (last - knot) - bend[1] * (end - knot)) / (end - last)
        columns.append((bend[0] + right) / (end - knots[0]) ** 2)
    return np.column_stack(columns)


def _logistic(design: Floats, weight: Floats, bad: Floats, start: Floats | None = None) -> Floats:
    """Fit a logistic regression to weighted cells by Newton's steps; a tiny ridge penalty keeps empty ends finite."""
    theta = np.zeros(design.shape[1]) if start is None else start.copy()
    for _ in range(100):
        p = expit(design @ theta)
        slope = design.T @ (bad - weight * p) - _RIDGE * theta
        bent = (design * (weight * p * (1 - p))[:, None]).T @ design + _RIDGE * np.eye(len(theta))
        step = np.linalg.solve(bent, slope)
        step *= min(1.0, _LONGEST_STEP / max(float(np.abs(step).max()), 1e-300))
        theta += step
        if np.abs(step).max() < 1e-7:
            break
    return theta
