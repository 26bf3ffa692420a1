"""Calibrators: strictly increasing functions from the model's margin to log-odds, as a model keeps them.

Every one is linear beyond the margins it was fitted on, so that it stays finite, orders enterprises exactly as the
margin does, and can be inverted (the band policy asks for the margin at a stated risk). `models.learning.calibration`
fits them.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, Literal

import numpy as np
from numpy.typing import ArrayLike
from pydantic import BaseModel, ConfigDict, Field, model_validator
from scipy.special import expit, log_expit, logit

from models.arrays import Floats
from models.errors import ModelError

Kind = Literal["spline", "platt", "beta", "isotonic"]

MIN_SLOPE = 1e-3
"""Least slope of log-odds on margin: what makes "increasing" strict."""

_SEARCH = 1e6


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


class Spline(_Frozen):
    """Spline calibration: the slope of log-odds on margin runs straight from knot to knot, and is level beyond them.

    ``slopes`` are those at the ``knots``. With equal slopes it is Platt's line.
    """

    kind: Literal["spline"] = "spline"
    knots: tuple[float, ...] = Field(min_length=1)
    slopes: tuple[float, ...]
    intercept: float = Field(allow_inf_nan=False)

    @model_validator(mode="after")
    def _strict(self) -> Spline:
        for what, values in (("knots", self.knots), ("slopes", self.slopes)):
            if len(values) != len(self.knots) or not np.all(np.isfinite(values)):
                raise ValueError(f"{what}: one finite number per knot")
        if np.any(np.diff(self.knots) <= 0):
            raise ValueError("knots must strictly increase")
        if min(self.slopes) < MIN_SLOPE:
            raise ValueError(f"slopes must be at least {MIN_SLOPE:g}")
        return self

    def log_odds(self, margin: ArrayLike) -> Floats:
        """Return the integral of the slope up to each margin."""
        m = np.asarray(margin, dtype=np.float64)
        design = spline_design(m.ravel(), np.asarray(self.knots))
        return np.asarray((design @ np.asarray(self.slopes)).reshape(m.shape) + self.intercept, dtype=np.float64)


def spline_design(margin: Floats, knots: Floats) -> Floats:
    """Return, per margin [n] and knot [k], the integral from the first knot of the slope that is 1 at that knot alone.

    Each column rises from 0 slope at the neighbouring knots to slope 1 at its own; the first and the last go on with
    slope 1 beyond the ends.
    """
    out = np.zeros((len(margin), len(knots)))
    for j in range(len(knots) - 1):
        width = knots[j + 1] - knots[j]
        inside = np.clip(margin - knots[j], 0.0, width)
        rising = inside * inside / (2 * width)
        out[:, j] += inside - rising
        out[:, j + 1] += rising
    out[:, 0] += np.minimum(margin - knots[0], 0.0)
    out[:, -1] += np.maximum(margin - knots[-1], 0.0)
    return out


AnyCalibrator = Spline | Platt | Beta | Isotonic
Calibrator = Annotated[AnyCalibrator, Field(discriminator="kind")]
"""Any calibrator; pydantic reads it back from JSON by its ``kind``."""
