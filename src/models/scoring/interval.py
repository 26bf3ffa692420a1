"""Interval of the mean risk of all enterprises with a given score, as a model keeps it.

`models.learning.uncertainty` makes it: the calibrator that gives the point, fitted anew on resampled enterprises. It
holds what the sample of calibration visits leaves open, also whether the calibrator has the right shape.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike
from pydantic import BaseModel, ConfigDict, Field, model_validator
from scipy.special import expit

from models.arrays import Floats


class Uncertainty(BaseModel):
    """Interval of the calibrated log-odds along the margin: linear between knots and beyond them.

    Parameters
    ----------
    level
        Such as 0.95.
    visits, enterprises
        What the calibration rests on.
    margins, low, high
        Knots, strictly increasing; log-odds at each, ``low`` never above ``high``. They strictly increase, too; in a
        model of before they did, they only never decrease.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ignored_types=(cached_property,))

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

    def interval(self, margin: ArrayLike, odds: ArrayLike) -> tuple[Floats, Floats]:
        """Return the lower and upper end of the mean risk at each margin.

        Parameters
        ----------
        margin, odds
            Margins, and the calibrated log-odds of each: the point, which is never left outside.
        """
        m, point = np.asarray(margin, dtype=np.float64), np.asarray(odds, dtype=np.float64)
        # Between and beyond the knots the calibrator may bend where the ends are straight.
        low, high = np.minimum(self._along(m, self.low), point), np.maximum(self._along(m, self.high), point)
        return np.asarray(expit(low)), np.asarray(expit(high))

    @cached_property
    def _margins(self) -> Floats:
        return np.asarray(self.margins, dtype=np.float64)

    def _along(self, m: Floats, odds: tuple[float, ...]) -> Floats:
        x, y = self._margins, np.asarray(odds)
        first = (y[1] - y[0]) / (x[1] - x[0])
        last = (y[-1] - y[-2]) / (x[-1] - x[-2])
        inside = np.interp(m, x, y)
        return np.asarray(inside + first * np.minimum(m - x[0], 0.0) + last * np.maximum(m - x[-1], 0.0))
