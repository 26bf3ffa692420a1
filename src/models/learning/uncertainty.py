"""The interval of the mean risk, made with the point: the calibrator fitted anew on resampled enterprises.

Of the refits only their spread counts: the point stays the calibrator's own, and the interval lies around it. Refits of
a line say nothing of a truth that bends. So a freer curve (a restricted cubic spline of the margin, five knots) is
fitted to the same visits, and how far it departs from the calibrator counts as one more standard error, to its side.
The freer curve itself is never what the interval lies around.

The interval does not hold what another learner would have said, nor what changes after the calibration: drift is
watched separately.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, ndtri
from threadpoolctl import threadpool_limits

from models.arrays import Floats
from models.evaluation.intervals import kish
from models.learning.calibration import Cells, refit
from models.scoring.calibrators import MIN_SLOPE, AnyCalibrator
from models.scoring.interval import Uncertainty

REPETITIONS = 400
_PERCENTILES = 33
_EVEN = 34
"""Knots of the interval: at percentiles of the visits' margins, and evenly from one range below them to one above."""
_SPLINE = (0.05, 0.275, 0.5, 0.725, 0.95)
"""Percentiles of the margin where the freer curve's knots lie (Harrell, Regression Modeling Strategies, 2.4.6)."""
_CELLS = 200
_RIDGE = 1e-6
_LONGEST_STEP = 5.0


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
    """Fit the calibrator anew on resampled enterprises; keep the ends of its interval along the margin.

    Parameters
    ----------
    calibrator
        As fitted on these rows; the interval lies around what it says.
    margin, outcome, enterprise, weight
        Of the calibration visits, [n]; a resample draws whole enterprises.
    seed
        Of the resamples.

    Notes
    -----
    A resample in which nobody, or everybody, violates says nothing and is drawn again. Outcomes are summed in 200 cells
    of the margin, each at its mean margin: no slower for a million visits, and none of the kinds is finer than a cell.

    The spread is taken about the refits' median and added to the point's log-odds: the point lies within at every
    margin. Where an end would fall it is sorted along the margin, which loses neither the point nor a rising truth
    (Chernozhukov, Fernández-Val and Galichon, Biometrika 2009, 559-575). Everywhere it rises by the least slope of a
    calibrator or more: on an isotonic calibrator's flat parts, which are all but flat, the ends are all but flat, too.
    """
    knots = _knots(calibrator, margin)
    ids, cluster = np.unique(np.asarray(enterprise, dtype=str), return_inverse=True)
    y, w = np.asarray(outcome, dtype=np.float64), weight / weight.mean()
    edges = np.unique(np.quantile(margin, np.linspace(0, 1, _CELLS + 1)))[1:-1]
    _, cell = np.unique(np.searchsorted(edges, margin, side="right"), return_inverse=True)
    middle = _sums(cell, margin) / np.bincount(cell)
    at = np.unique(np.quantile(margin, _SPLINE))
    visits = kish(w)

    def anew(times: Floats) -> Floats:
        """Return the log-odds of the calibrator at the knots, fitted with these weights."""
        total, bad = _sums(cell, times), _sums(cell, times * y)
        rate = np.divide(bad, total, out=np.zeros_like(bad), where=total > 0)
        return refit(calibrator, Cells(middle, rate, total, visits=visits, unit=1.0), rng).log_odds(knots)

    rng = np.random.default_rng(seed)
    odds: list[Floats] = []
    # On a fit of few parameters BLAS's threads wait for one another far longer than they work.
    with threadpool_limits(1, user_api="blas"):
        freer = _logistic(_spline(middle, at), _sums(cell, w), _sums(cell, w * y))
        while len(odds) < repetitions:
            times = np.bincount(rng.integers(0, len(ids), len(ids)), minlength=len(ids))[cluster] * w
            if 0.0 < float(times @ y) < float(times.sum()):
                odds.append(anew(times))
    point = calibrator.log_odds(knots)
    # Nothing is seen beyond the visits: there the departure stays as it was at the last one.
    within = np.clip(knots, middle[0], middle[-1])
    departure = _spline(within, at) @ freer - calibrator.log_odds(within)
    tail = (1 - level) / 2
    least, half, most = np.quantile(np.array(odds), [tail, 0.5, 1 - tail], axis=0)
    # A curve of the wrong shape errs by about as much as the freer one departs from it, and to that side.
    wide = float(ndtri(1 - tail))
    low = point - np.hypot(half - least, wide * np.minimum(departure, 0.0))
    high = point + np.hypot(most - half, wide * np.maximum(departure, 0.0))
    return Uncertainty(
        level=level,
        visits=len(y),
        enterprises=len(ids),
        margins=tuple(knots.tolist()),
        low=_rising(knots, low),
        high=_rising(knots, high),
    )


def _knots(calibrator: AnyCalibrator, margin: Floats) -> Floats:
    """Return where the interval's ends are kept: between any two a calibrator is straight or nearly so."""
    first, last = float(margin.min()), float(margin.max())
    reach = max(last - first, 1.0)
    own: tuple[float, ...] = ()
    if calibrator.kind == "spline":
        own = calibrator.knots
    elif calibrator.kind == "isotonic":
        own = calibrator.margins
    percentiles = np.quantile(margin, np.linspace(0, 1, _PERCENTILES))
    return np.unique(np.concatenate([percentiles, own, np.linspace(first - reach, last + reach, _EVEN)]))


def _rising(knots: Floats, odds: Floats) -> tuple[float, ...]:
    """Return log-odds in order, each at least the least slope above the one before."""
    line = np.sort(odds)
    steps = MIN_SLOPE * np.diff(knots)
    for i, step in enumerate(steps, start=1):
        line[i] = max(line[i], line[i - 1] + step, np.nextafter(line[i - 1], np.inf))
    return tuple(line.tolist())


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


def _logistic(design: Floats, weight: Floats, bad: Floats) -> Floats:
    """Fit a logistic regression to weighted cells by Newton's steps; a tiny ridge penalty keeps empty ends finite."""
    theta = np.zeros(design.shape[1])
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
