"""Calibration: fitting the maps of `models.scoring.calibrators`, and choosing among them by later log loss.

Weights are design weights, 1 / draw probability.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import isotonic_regression, minimize
from scipy.special import expit, log_expit, logit

from models.arrays import Floats
from models.errors import ModelError
from models.evaluation.intervals import kish
from models.losses import log_losses
from models.scoring.calibrators import MIN_SLOPE, AnyCalibrator, Beta, Isotonic, Kind, Platt, Spline, spline_design

KINDS: tuple[Kind, ...] = ("spline", "platt", "beta", "isotonic")

_KNOTS = (0.05, 0.275, 0.5, 0.725, 0.95)
"""Percentiles of the margin where a spline's knots lie (Harrell, Regression Modeling Strategies, 2.4.6)."""
_BEND = 0.2
"""How far the slopes at neighbouring knots are expected to differ, a standard deviation: few visits leave the line
straight, many bend it as far as they show."""
_MAX_SLOPE = 50.0
_RIDGE = 1e-6
_MIN_BLOCK = 0.01


def log_loss(probability: ArrayLike, outcome: ArrayLike, weight: ArrayLike | None = None) -> float:
    """Return the weighted mean of `log_losses` of probabilities, shape (n,), against outcomes 0/1."""
    loss = log_losses(np.asarray(probability, dtype=np.float64), np.asarray(outcome, dtype=np.float64))
    return float(np.average(loss, weights=None if weight is None else np.asarray(weight, np.float64)))


def fit_calibrator(kind: Kind, margin: ArrayLike, outcome: ArrayLike, weight: ArrayLike | None = None) -> AnyCalibrator:
    """Fit one calibrator on rows later than those the model was fitted on.

    Parameters
    ----------
    kind : {"spline", "platt", "beta", "isotonic"}
    margin, outcome, weight : array-like of shape (n,)
        Raw margins, outcomes 0/1, design weights (not negative; only their ratios matter).

    Raises
    ------
    ModelError
        If lengths differ, a number is not finite, weights don't suit, or an outcome never occurs.

    Examples
    --------
    >>> fit_calibrator("platt", [-1.0, 0.0, 0.5, 1.0], [0, 1, 0, 1]).kind
    'platt'
    """
    m, y, w = _rows(margin, outcome, weight)
    kept = w > 0
    m, y, w = m[kept], y[kept], w[kept]
    return _fit(kind, Cells(m, y, w, visits=kish(w), unit=float(w.mean())), np.unique(np.quantile(m, _KNOTS)))


@dataclass(frozen=True)
class Cells:
    """Visits summed where their margins are alike; a visit by itself is a cell, too.

    Parameters
    ----------
    margin, rate, weight
        Of each cell, [n]: margin, share of violations (by weight), weight.
    visits
        How many equally weighted visits would tell as much.
    unit
        Weight of one visit, the mean.
    """

    margin: Floats
    rate: Floats
    weight: Floats
    visits: float
    unit: float


def refit(calibrator: AnyCalibrator, cells: Cells, rng: np.random.Generator | None = None) -> AnyCalibrator:
    """Fit a calibrator's kind anew, as to resampled visits.

    A spline keeps its knots. That its slopes differ by nothing is what its fit expects before it has seen a visit; with
    a generator, by what else it might have been: refits then differ also by what the penalty decided.
    """
    known = cells.weight > 0
    seen = replace(cells, margin=cells.margin[known], rate=cells.rate[known], weight=cells.weight[known])
    if calibrator.kind != "spline":
        return _fit(calibrator.kind, seen, np.empty(0))
    knots = np.asarray(calibrator.knots)
    return _fit_spline(seen, knots, None if rng is None else rng.normal(0.0, _BEND, len(knots) - 1))


def _fit(kind: Kind, cells: Cells, knots: Floats) -> AnyCalibrator:
    """Fit one kind; only a spline needs knots."""
    m, y, w = cells.margin, cells.rate, cells.weight
    if kind == "platt":
        slope, intercept = _fit_linear(np.column_stack([m, np.ones_like(m)]), y, w, positive=1)
        return Platt(slope=slope, intercept=intercept)
    if kind == "beta":
        a, b, c = _fit_linear(np.column_stack([log_expit(m), -log_expit(-m), np.ones_like(m)]), y, w, positive=2)
        return Beta(a=a, b=b, c=c)
    if kind == "isotonic":
        return _fit_isotonic(m, y, w, cells.unit)
    if kind == "spline":
        return _fit_spline(cells, knots)
    raise ModelError(f"no calibrator {kind!r}; there are {', '.join(KINDS)}")


@dataclass(frozen=True)
class Choice:
    """The calibrator chosen by log loss on later rows, and every candidate's loss there."""

    calibrator: AnyCalibrator
    losses: dict[str, float]


def choose_calibrator(
    fit: tuple[ArrayLike, ArrayLike, ArrayLike | None],
    later: tuple[ArrayLike, ArrayLike, ArrayLike | None],
    kinds: Sequence[Kind] = KINDS,
) -> Choice:
    """Fit each kind on ``fit`` and choose by weighted log loss on ``later``; the first within noise.

    A later kind takes over only when its loss is less by more than one standard error of the paired difference: which
    map has the least loss on one year is mostly luck. The spline is asked first, for it is a line where visits are few
    and bends where they show it; on log loss alone a line that is wrong in the rare class D hardly differs.

    Parameters
    ----------
    fit, later
        (margin, outcome, weight or None), each of shape (n,).
    kinds
        The one to stay with within noise first.
    """
    if not kinds:
        raise ModelError("name at least one kind of calibrator")
    m, y, w = _rows(*later)
    fitted = {kind: fit_calibrator(kind, *fit) for kind in kinds}
    losses = {kind: log_losses(c.probability(m), y) for kind, c in fitted.items()}
    share = w / w.sum()
    best = kinds[0]
    for kind in kinds[1:]:
        less = losses[best] - losses[kind]
        gain = float(share @ less)
        if gain > math.sqrt(float(share**2 @ (less - gain) ** 2)):
            best = kind
    return Choice(fitted[best], {str(kind): float(share @ loss) for kind, loss in losses.items()})


def _rows(margin: ArrayLike, outcome: ArrayLike, weight: ArrayLike | None) -> tuple[Floats, Floats, Floats]:
    """Return checked margins, outcomes and weights of mean 1."""
    m = np.asarray(margin, dtype=np.float64)
    y = np.asarray(outcome, dtype=np.float64)
    w = np.ones_like(m) if weight is None else np.asarray(weight, dtype=np.float64)
    if m.ndim != 1 or not m.shape == y.shape == w.shape:
        raise ModelError(f"calibration: margin, outcome, weight have shapes {m.shape}, {y.shape}, {w.shape}")
    if not (np.isfinite(m).all() and np.isfinite(w).all()):
        raise ModelError("calibration: margins and weights must be finite")
    if not np.isin(y, (0.0, 1.0)).all():
        raise ModelError("calibration: outcomes must be 0 or 1")
    if (w < 0).any():
        raise ModelError("calibration: weights must not be negative")
    if not (0.0 < float(w @ y) < float(w.sum())):
        raise ModelError(
            f"calibration needs rows with and without a violation; of {len(y)} rows {int(y.sum())} have one"
        )
    return m, y, w / w.mean()


def _fit_linear(design: Floats, y: Floats, w: Floats, positive: int) -> tuple[float, ...]:
    """Weighted logistic fit by L-BFGS; the first ``positive`` coefficients are at least MIN_SLOPE."""
    prior = np.zeros(design.shape[1])
    prior[:positive] = 1.0
    total = float(w.sum())

    def objective(theta: Floats) -> tuple[float, Floats]:
        eta = design @ theta
        loss = -(y * log_expit(eta) + (1 - y) * log_expit(-eta))
        pull = theta - prior
        pull[positive:] = 0.0
        value = float(w @ loss) / total + 0.5 * _RIDGE * float(pull @ pull)
        return value, design.T @ (w * (expit(eta) - y)) / total + _RIDGE * pull

    start = prior.copy()
    bounds = [(MIN_SLOPE, _MAX_SLOPE)] * positive + [(None, None)] * (design.shape[1] - positive)
    found = minimize(
        objective, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-14, "gtol": 1e-10}
    )
    return tuple(float(v) for v in found.x)


def _fit_spline(cells: Cells, knots: Floats, expected: Floats | None = None) -> Spline:
    """Weighted logistic fit of the slopes, the squares of their differences penalised: the mode under a normal prior.

    Knots lie at percentiles of the visits, not of the population: draws favour the riskier classes, and there the
    curve must be known best.
    """
    m, y, share = cells.margin, cells.rate, cells.weight / cells.weight.sum()
    design = np.column_stack([spline_design(m, knots), np.ones_like(m)])
    stiff = 1.0 / (cells.visits * _BEND**2)
    k = len(knots)
    centre = np.zeros(k - 1) if expected is None else expected

    def objective(theta: Floats) -> tuple[float, Floats]:
        eta = design @ theta
        bends, pull = np.diff(theta[:k]) - centre, theta[:k].mean() - 1.0
        value = -float(share @ (y * log_expit(eta) + (1 - y) * log_expit(-eta)))
        value += 0.5 * stiff * float(bends @ bends) + 0.5 * _RIDGE * pull**2
        gradient = design.T @ (share * (expit(eta) - y))
        gradient[: k - 1] -= stiff * bends
        gradient[1:k] += stiff * bends
        gradient[:k] += _RIDGE * pull / k
        return value, gradient

    start = np.append(np.ones(k), 0.0)
    bounds = [(MIN_SLOPE, _MAX_SLOPE)] * k + [(None, None)]
    options = {"ftol": 1e-14, "gtol": 1e-10, "maxiter": 2000}
    found = minimize(objective, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options).x
    return Spline(knots=tuple(knots.tolist()), slopes=tuple(found[:k].tolist()), intercept=float(found[k]))


def _fit_isotonic(m: Floats, y: Floats, w: Floats, unit: float) -> Isotonic:
    """Pool adjacent violators, centre each block at its mean margin, keep a least slope between blocks."""
    order = np.argsort(m, kind="stable")
    m, y, w = m[order], y[order], w[order]
    # One entry per distinct margin first: equal margins must get equal probabilities.
    starts = np.flatnonzero(np.r_[True, np.diff(m) > 0])
    mass, good = np.add.reduceat(w, starts), np.add.reduceat(w * y, starts)
    centre = m[starts]
    fit = isotonic_regression(good / mass, weights=mass)
    blocks = _merge_small(fit.blocks[:-1], mass)
    weight, hits = np.add.reduceat(mass, blocks), np.add.reduceat(good, blocks)
    middle = np.add.reduceat(mass * centre, blocks) / weight
    # Half an outcome each way keeps a block of only zeros or ones finite.
    rate = (hits + 0.5 * unit) / (weight + unit)
    odds = isotonic_regression(np.asarray(logit(rate)), weights=weight).x.copy()
    for i in range(1, len(odds)):
        least = odds[i - 1] + MIN_SLOPE * (middle[i] - middle[i - 1])
        odds[i] = max(odds[i], least, np.nextafter(odds[i - 1], np.inf))
    return Isotonic(margins=tuple(middle.tolist()), odds=tuple(odds.tolist()))


def _merge_small(blocks: NDArray[np.intp], mass: Floats) -> NDArray[np.intp]:
    """Join blocks lighter than 1 % of all weight to their left neighbour: a knot needs some evidence."""
    least = _MIN_BLOCK * float(mass.sum())
    starts, gathered = [int(blocks[0])], 0.0
    ends = [*blocks[1:].tolist(), len(mass)]
    for start, end in zip(blocks.tolist(), ends, strict=True):
        if gathered >= least and float(mass[start:].sum()) >= least:
            starts.append(int(start))
            gathered = 0.0
        gathered += float(mass[start:end].sum())
    return np.asarray(starts, dtype=np.intp)
