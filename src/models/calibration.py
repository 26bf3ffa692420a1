"""Calibration: strictly increasing maps from the model's margin to a probability.

Every calibrator is a strictly increasing function on log-odds, linear beyond the margins it was fitted on,
so that it stays finite, orders enterprises exactly as the margin does, and can be inverted (the band policy
asks for the margin at a stated risk). Weights are design weights, 1 / draw probability.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator
from scipy.optimize import isotonic_regression, minimize
from scipy.special import expit, log_expit, logit

from models.errors import ModelError

Floats = NDArray[np.float64]
Kind = Literal["platt", "beta", "isotonic"]

MIN_SLOPE = 1e-3
"""Least slope of log-odds on margin: what makes "increasing" strict."""

_MAX_SLOPE = 50.0
_SEARCH = 1e6
_RIDGE = 1e-6
_MIN_BLOCK = 0.01


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    @abstractmethod
    def log_odds(self, margin: ArrayLike) -> Floats:
        """Return calibrated log-odds of each margin; strictly increasing."""

    def probability(self, margin: ArrayLike) -> Floats:
        """Return the calibrated probability of each margin.

        Strictly increasing while the log-odds stay below about 36, where doubles run out beneath 1.
        """
        return np.asarray(expit(self.log_odds(margin)), dtype=np.float64)

    def margin_at(self, probability: float) -> float:
        """Return the margin whose calibrated probability is the given one, between 0 and 1 exclusive.

        Found by bisection, which needs nothing but strict monotonicity.
        """
        if not 0.0 < probability < 1.0:
            raise ModelError(f"a risk must lie strictly between 0 and 1, got {probability}")
        target = float(logit(probability))
        low, high = -_SEARCH, _SEARCH
        for _ in range(200):
            middle = 0.5 * (low + high)
            if middle in (low, high):
                break
            if float(self.log_odds(middle)) < target:
                low = middle
            else:
                high = middle
        return high


class Platt(_Frozen):
    """Logistic calibration: log-odds = slope * margin + intercept."""

    kind: Literal["platt"] = "platt"
    slope: float = Field(ge=MIN_SLOPE, allow_inf_nan=False)
    intercept: float = Field(allow_inf_nan=False)

    def log_odds(self, margin: ArrayLike) -> Floats:
        """Return slope * margin + intercept."""
        return self.slope * np.asarray(margin, dtype=np.float64) + self.intercept


class Beta(_Frozen):
    """Beta calibration of p = expit(margin): log-odds = a ln p - b ln(1 - p) + c, with a, b > 0."""

    kind: Literal["beta"] = "beta"
    a: float = Field(ge=MIN_SLOPE, allow_inf_nan=False)
    b: float = Field(ge=MIN_SLOPE, allow_inf_nan=False)
    c: float = Field(allow_inf_nan=False)

    def log_odds(self, margin: ArrayLike) -> Floats:
        """Return the beta log-odds; their slope tends to a on the left and to b on the right."""
        m = np.asarray(margin, dtype=np.float64)
        return np.asarray(self.a * log_expit(m) - self.b * log_expit(-m) + self.c, dtype=np.float64)


class Isotonic(_Frozen):
    """Centred isotonic calibration: log-odds linear between knots, with a least slope.

    ``margins`` and ``odds`` (log-odds) are the knots; beyond them the map goes on with ``tail_slope``.
    """

    kind: Literal["isotonic"] = "isotonic"
    margins: tuple[float, ...] = Field(min_length=1)
    odds: tuple[float, ...]
    tail_slope: float = Field(default=1.0, ge=MIN_SLOPE, allow_inf_nan=False)

    @model_validator(mode="after")
    def _strict(self) -> Isotonic:
        for what, knots in (("margins", self.margins), ("odds", self.odds)):
            if len(knots) != len(self.margins) or not np.all(np.isfinite(knots)):
                raise ValueError(f"{what}: one finite number per knot")
            if np.any(np.diff(knots) <= 0):
                raise ValueError(f"{what} must strictly increase")
        return self

    def log_odds(self, margin: ArrayLike) -> Floats:
        """Return the interpolated log-odds."""
        m = np.asarray(margin, dtype=np.float64)
        inside = np.interp(m, self.margins, self.odds)
        below = np.minimum(m - self.margins[0], 0.0)
        above = np.maximum(m - self.margins[-1], 0.0)
        return np.asarray(inside + self.tail_slope * (below + above), dtype=np.float64)


Calibrator = Annotated[Platt | Beta | Isotonic, Field(discriminator="kind")]
"""Any calibrator; pydantic reads it back from JSON by its ``kind``."""

_ADAPTER: TypeAdapter[Platt | Beta | Isotonic] = TypeAdapter(Calibrator)


def calibrator_from_json(text: str | bytes) -> Platt | Beta | Isotonic:
    """Read a calibrator that ``model_dump_json`` wrote."""
    return _ADAPTER.validate_json(text)


def log_loss(probability: ArrayLike, outcome: ArrayLike, weight: ArrayLike | None = None) -> float:
    """Return the weighted mean log loss of probabilities, shape (n,), against outcomes 0/1.

    Probabilities are kept 1e-15 away from 0 and 1, so that one sure mistake costs much but not infinity.
    """
    loss = _losses(np.asarray(probability, dtype=np.float64), np.asarray(outcome, dtype=np.float64))
    return float(np.average(loss, weights=None if weight is None else np.asarray(weight, np.float64)))


def _losses(probability: Floats, y: Floats) -> Floats:
    p = np.clip(probability, 1e-15, 1 - 1e-15)
    return -(y * np.log(p) + (1 - y) * np.log1p(-p))


def fit_calibrator(
    kind: Kind, margin: ArrayLike, outcome: ArrayLike, weight: ArrayLike | None = None
) -> Platt | Beta | Isotonic:
    """Fit one calibrator on rows later than those the model was fitted on.

    Parameters
    ----------
    kind : {"platt", "beta", "isotonic"}
    margin, outcome, weight : array-like of shape (n,)
        Raw margins, outcomes 0/1, design weights (not negative; only their ratios matter).

    Raises
    ------
    ModelError
        If lengths differ, a number is not finite, weights don't suit, or an outcome never occurs.
    """
    m, y, w = _rows(margin, outcome, weight)
    if kind == "platt":
        slope, intercept = _fit_linear(np.column_stack([m, np.ones_like(m)]), y, w, positive=1)
        return Platt(slope=slope, intercept=intercept)
    if kind == "beta":
        a, b, c = _fit_linear(np.column_stack([log_expit(m), -log_expit(-m), np.ones_like(m)]), y, w, positive=2)
        return Beta(a=a, b=b, c=c)
    if kind == "isotonic":
        return _fit_isotonic(m, y, w)
    raise ModelError(f"no calibrator {kind!r}; there are platt, beta and isotonic")


@dataclass(frozen=True)
class Choice:
    """The calibrator chosen by log loss on later rows, and every candidate's loss there."""

    calibrator: Platt | Beta | Isotonic
    losses: dict[str, float]


def choose_calibrator(
    fit: tuple[ArrayLike, ArrayLike, ArrayLike | None],
    later: tuple[ArrayLike, ArrayLike, ArrayLike | None],
    kinds: Sequence[Kind] = ("platt", "beta", "isotonic"),
) -> Choice:
    """Fit each kind on ``fit`` and choose by weighted log loss on ``later``; the simpler one within noise.

    A later kind takes over only when its loss is less by more than one standard error of the paired difference. A map
    that bends more follows its sample's noise, and the next year does not repeat it.

    Parameters
    ----------
    fit, later
        (margin, outcome, weight or None), each of shape (n,).
    kinds
        The simpler first.
    """
    if not kinds:
        raise ModelError("name at least one kind of calibrator")
    m, y, w = _rows(*later)
    fitted = {kind: fit_calibrator(kind, *fit) for kind in kinds}
    losses = {kind: _losses(c.probability(m), y) for kind, c in fitted.items()}
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


def _fit_isotonic(m: Floats, y: Floats, w: Floats) -> Isotonic:
    """Pool adjacent violators, centre each block at its mean margin, keep a least slope between blocks."""
    kept = w > 0
    m, y, w = m[kept], y[kept], w[kept]
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
    rate = (hits + 0.5 * w.mean()) / (weight + w.mean())
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
