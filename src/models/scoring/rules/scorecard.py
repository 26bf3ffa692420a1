"""The rules scorecard: points a reader can add up by hand, the answer when there is no model.

Points are whole tenths, so that base, entries and the clipping to 0-1000 add up to the score exactly. An
indicator that is unknown gets the entry's stated neutral points and is named as missing, never passed over.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field, model_validator

from features.errors import WrongKey
from features.policy import Policy, load_policy
from models.arrays import Floats

TENTHS = 10
"""Points are counted in tenths."""


class PerUnit(Policy):
    """``points`` for each ``unit`` above ``start``, at most ``cap`` (by size; it has the sign of points)."""

    kind: Literal["per_unit"]
    points: float
    unit: float = Field(default=1.0, gt=0)
    start: float = 0.0
    cap: float = Field(gt=0)

    @model_validator(mode="after")
    def _moves(self) -> PerUnit:
        if self.points == 0:
            raise WrongKey("points must not be 0: leave the entry out instead", "points")
        return self

    def give(self, value: Floats) -> Floats:
        """Return the points of each value."""
        # Capped before it is multiplied: an absurd value must not overflow.
        enough = self.cap * self.unit / abs(self.points)
        above = np.clip(value - self.start, 0.0, enough)
        return np.asarray(self.points * above / self.unit, dtype=np.float64)


class Step(Policy):
    """Points from a threshold on, up to the next."""

    at_least: float
    points: float


class Steps(Policy):
    """Points by threshold; ``below`` the first one."""

    kind: Literal["steps"]
    below: float = 0.0
    steps: tuple[Step, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _rising(self) -> Steps:
        for place, (a, b) in enumerate(pairwise(self.steps), start=1):
            if b.at_least <= a.at_least:
                raise WrongKey(
                    f"steps must be given by rising at_least, not {b.at_least:g} after {a.at_least:g}", "steps", place
                )
        return self

    def give(self, value: Floats) -> Floats:
        """Return the points of each value."""
        at = np.searchsorted([s.at_least for s in self.steps], value, side="right")
        return np.asarray([self.below, *(s.points for s in self.steps)], dtype=np.float64)[at]


class Flag(Policy):
    """Points when the value is above 0."""

    kind: Literal["flag"]
    points: float

    def give(self, value: Floats) -> Floats:
        """Return the points of each value."""
        return np.where(value > 0, self.points, 0.0)


class ScorecardItem(Policy):
    """One indicator's points.

    ``missing`` are the neutral points of an unknown value; ``why`` tells a reader what the entry rests on.
    """

    indicator: str
    zh: str
    family: str
    rule: Annotated[PerUnit | Steps | Flag, Field(discriminator="kind")]
    missing: float = 0.0
    why: str


class FamilyWeight(Policy):
    """Weight of one of the five families; points are multiplied by it before they are rounded to tenths."""

    zh: str
    weight: float = Field(ge=0)


class Scorecard(Policy):
    """A province's points; ``data/policies/<province>/scorecard.toml``."""

    name: str
    base: float = Field(ge=0, le=1000)
    families: dict[str, FamilyWeight]
    entries: tuple[ScorecardItem, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> Scorecard:
        names = [e.indicator for e in self.entries]
        for place, entry in enumerate(self.entries):
            if entry.indicator in names[:place]:
                raise WrongKey(f"indicators with more than one entry: {entry.indicator}", "entries", place, "indicator")
            if entry.family not in self.families:
                raise WrongKey(f"entries name families without a weight: {entry.family}", "entries", place, "family")
        return self

    @property
    def indicators(self) -> tuple[str, ...]:
        """Names of the indicators that get points, in order."""
        return tuple(e.indicator for e in self.entries)

    def evaluate(self, frame: pd.DataFrame) -> ScorecardResult:
        """Give points to every row.

        Parameters
        ----------
        frame : DataFrame of n rows
            Indicator columns; one that is absent counts as unknown in every row, as does NaN.

        Returns
        -------
        ScorecardResult
        """
        value = np.full((len(frame), len(self.entries)), np.nan)
        for j, entry in enumerate(self.entries):
            if entry.indicator in frame.columns:
                value[:, j] = frame[entry.indicator].to_numpy(dtype=np.float64, na_value=np.nan)
        return self.evaluate_values(value)

    @property
    def base_tenths(self) -> int:
        """The points that everybody starts with, in tenths."""
        return int(_tenths(np.asarray(self.base)))

    def evaluate_values(self, value: Floats) -> ScorecardResult:
        """Give points to every row of values, float64 [n, entries] in the card's order; NaN is unknown."""
        tenths = np.zeros(value.shape, dtype=np.int64)
        for j, entry in enumerate(self.entries):
            unknown = np.isnan(value[:, j])
            raw = np.where(unknown, entry.missing, entry.rule.give(np.where(unknown, 0.0, value[:, j])))
            tenths[:, j] = _tenths(raw * self.families[entry.family].weight)
        base = self.base_tenths
        total = base + tenths.sum(axis=1)
        clipped = np.clip(total, 0, 1000 * TENTHS)
        return ScorecardResult(base=base, tenths=tenths, limit=clipped - total, score_tenths=clipped, values=value)


@dataclass(frozen=True)
class ScorecardResult:
    """What `Scorecard.evaluate` found, in tenths: ``base + tenths.sum(1) + limit == score_tenths``.

    ``tenths`` and ``values`` are of shape (n, entries), ``limit`` (what clipping changed) and
    ``score_tenths`` of shape (n,); an unknown value is NaN.
    """

    base: int
    tenths: NDArray[np.int64]
    limit: NDArray[np.int64]
    score_tenths: NDArray[np.int64]
    values: Floats

    @property
    def score(self) -> Floats:
        """The score of each row, 0 to 1000 with one decimal."""
        return self.score_tenths / TENTHS

    @property
    def missing(self) -> NDArray[np.bool_]:
        """Where an indicator was unknown, shape (n, entries)."""
        return np.isnan(self.values)


def load_scorecard(province: str) -> Scorecard:
    """Load ``data/policies/<province>/scorecard.toml``."""
    return load_policy(province, "scorecard", Scorecard)


def _tenths(points: Floats) -> NDArray[np.int64]:
    """Round points to whole tenths, half away from 0, as a reader would by hand."""
    scaled = points * TENTHS
    return np.asarray(np.sign(scaled) * np.floor(np.abs(scaled) + 0.5 + 1e-9), dtype=np.int64)
