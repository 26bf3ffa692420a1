"""How sure the model is of the mean risk of enterprises with a given score.

Calibrators are fitted anew on resampled enterprises; the spread of what they say of a margin is the interval for the
mean risk of all enterprises with that margin. It holds what the sample of calibration visits leaves open, the shape of
the map included: where the truth bends, straight refits alone seldom hold it at the bend, and isotonic refits alone
miss the ends of small samples. Where the chosen shape is right the wider of the two holds it more often than the level
says. It does not hold what another learner would have said, nor what
changes after the calibration: drift is watched apart.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator
from scipy.special import expit
from threadpoolctl import threadpool_limits

from models.calibration import Beta, Isotonic, Kind, Platt, fit_calibrator

Floats = NDArray[np.float64]

KNOTS = 33
REPETITIONS = 400


class Uncertainty(BaseModel):
    """Interval of the calibrated log-odds along the margin: linear between knots and beyond them.

    Parameters
    ----------
    level
        Level of each of the two kinds of refits, such as 0.95; the wider end is kept.
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
    calibrator: Platt | Beta | Isotonic,
    margin: Floats,
    outcome: NDArray[np.generic],
    enterprise: NDArray[np.object_],
    weight: Floats,
    *,
    seed: int,
    repetitions: int = REPETITIONS,
    level: float = 0.95,
) -> Uncertainty:
    """Refit the calibrator's kind, and isotonic, on resampled enterprises; keep the wider percentiles of log-odds.

    Parameters
    ----------
    calibrator
        As fitted on these rows.
    margin, outcome, enterprise, weight
        Of the calibration visits, [n]; a resample draws whole enterprises.
    seed
        Of the resamples.

    Notes
    -----
    A resample in which nobody, or everybody, violates says nothing and is drawn again.
    """
    knots = np.unique(np.quantile(margin, np.linspace(0, 1, KNOTS)))
    if len(knots) < 2:
        knots = np.array([margin[0] - 0.5, margin[0] + 0.5])
    ids, cluster = np.unique(np.asarray(enterprise, dtype=str), return_inverse=True)
    y = np.asarray(outcome, dtype=np.float64)
    rng = np.random.default_rng(seed)
    kinds: list[Kind] = ["isotonic", *([calibrator.kind] if calibrator.kind != "isotonic" else [])]
    curves: list[list[Floats]] = []
    # On a fit of three parameters BLAS's threads wait for one another far longer than they work.
    with threadpool_limits(1, user_api="blas"):
        while len(curves) < repetitions:
            times = np.bincount(rng.integers(0, len(ids), len(ids)), minlength=len(ids))[cluster]
            w = weight * times
            if not 0.0 < float(w @ y) < float(w.sum()):
                continue
            taken = times > 0
            rows = margin[taken], y[taken], w[taken]
            curves.append([fit_calibrator(kind, *rows).log_odds(knots) for kind in kinds])
    tail = (1 - level) / 2
    point = calibrator.log_odds(knots)
    ends = np.quantile(np.array(curves), [tail, 1 - tail], axis=0)
    low, high = ends[0].min(axis=0), ends[1].max(axis=0)
    return Uncertainty(
        level=level,
        visits=len(y),
        enterprises=len(ids),
        margins=tuple(knots.tolist()),
        low=tuple(np.maximum.accumulate(np.minimum(low, point)).tolist()),
        high=tuple(np.maximum.accumulate(np.maximum(high, point)).tolist()),
    )
