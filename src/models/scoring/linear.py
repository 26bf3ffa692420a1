"""The linear part of a model: log-odds that add up over signed logs of the indicators.

Values beyond those it was fitted on count as the nearest of them, so that its margins have a least and a greatest
value, and no typing error in a record decides a class alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from models.arrays import Floats, Ints


def signed_log(X: Floats) -> Floats:
    """Return sign(x) ln(1 + |x|) of each value: money and counts weigh alike; unknown (NaN) stays unknown."""
    return np.asarray(np.sign(X) * np.log1p(np.abs(X)), dtype=np.float64)


class Linear(BaseModel):
    """A linear function of signed logs, unknown values set to a median and flagged.

    Parameters
    ----------
    intercept
        Log-odds where every term is 0.
    coefficients
        Log-odds a unit of the signed log, one per indicator.
    unknown
        Log-odds that come on top where the indicator is unknown.
    median
        Signed log that stands for an unknown value.
    low, high
        Least and greatest signed log of the fit; values beyond count as these.
    mean, share_unknown
        Mean signed log (unknown set to the median) and share of unknown values in the fit: what an indicator's
        contribution is the distance from.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ignored_types=(cached_property,))

    intercept: float = Field(allow_inf_nan=False)
    coefficients: tuple[float, ...] = Field(min_length=1)
    unknown: tuple[float, ...]
    median: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    mean: tuple[float, ...]
    share_unknown: tuple[float, ...]

    @model_validator(mode="after")
    def _consistent(self) -> Linear:
        for name in ("coefficients", "unknown", "median", "low", "high", "mean", "share_unknown"):
            values = getattr(self, name)
            if len(values) != len(self.coefficients) or not np.all(np.isfinite(values)):
                raise ValueError(f"{name}: one finite number per indicator")
        if any(not a <= m <= b for a, m, b in zip(self.low, self.median, self.high, strict=True)):
            raise ValueError("low <= median <= high must hold for every indicator")
        return self

    @cached_property
    def base(self) -> float:
        """The margin that contributions start from: that of the fit's mean."""
        return self.intercept + float(np.dot(self.coefficients, self.mean) + np.dot(self.unknown, self.share_unknown))

    def contributions(self, X: Floats) -> Floats:
        """Return what each indicator adds to `base`, log-odds of shape (n, k); rows sum to the margin less the base."""
        of = self._arrays
        z = signed_log(X)
        missing = np.isnan(z)
        z = np.where(missing, of["median"], np.clip(z, of["low"], of["high"]))
        return np.asarray((z - of["mean"]) * of["coefficients"] + (missing - of["share_unknown"]) * of["unknown"])

    @cached_property
    def _arrays(self) -> dict[str, Floats]:
        # Tuples of a hundred numbers would be made arrays anew for every single enterprise that is asked about.
        names = ("coefficients", "unknown", "median", "low", "high", "mean", "share_unknown")
        return {name: np.asarray(getattr(self, name), dtype=np.float64) for name in names}

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Linear:
        """Return a copy with other fields, checked anew: pydantic's would keep the arrays of the old ones."""
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        return type(self).model_validate({**fields, **(update or {})})

    def margin(self, X: Floats) -> Floats:
        """Return the margin of each row of shape (n, k): the base and every contribution."""
        # Summed along each row: a row's margin does not depend on which rows it is asked with, as a product's would.
        return np.asarray(self.base + self.contributions(X).sum(axis=1), dtype=np.float64)

    def beyond(self, X: Floats, factor: float) -> Ints:
        """Count, for each row of shape (n, k), the indicators that lie beyond what was seen in the fit.

        Parameters
        ----------
        factor
            How far beyond counts: ``1 + |x|`` is more than so many times that of the nearest value seen.
        """
        z, room = signed_log(X), np.log(factor) if factor > 1 else 1e-9
        far = (z < self._arrays["low"] - room) | (z > self._arrays["high"] + room)
        return np.asarray(far.sum(axis=1), dtype=np.int64)

    def bounds(self) -> tuple[float, float]:
        """Return bounds that no margin passes."""
        ends = np.asarray(self.coefficients) * np.array([self.low, self.high])
        gap = np.asarray(self.coefficients) * self.median + np.asarray(self.unknown)
        least = np.minimum(ends.min(axis=0), gap).sum()
        return self.intercept + float(least), self.intercept + float(np.maximum(ends.max(axis=0), gap).sum())


def blend(linear: Floats, trees: Floats, tree_share: float) -> Floats:
    """Return the margin of a model whose parts have these margins: their mean in log-odds."""
    if tree_share == 1.0:
        return trees
    return np.asarray((1.0 - tree_share) * linear + tree_share * trees, dtype=np.float64)


def blended_parts(linear: Linear, X: Floats, trees: Floats, tree_share: float) -> Floats:
    """Return a blend's contributions, shape (n, k + 1), of the trees' own; the last column is the base."""
    own = np.column_stack([linear.contributions(X), np.full(len(X), linear.base)])
    return np.asarray((1.0 - tree_share) * own + tree_share * trees, dtype=np.float64)
