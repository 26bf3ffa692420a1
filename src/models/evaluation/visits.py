"""The one input of the evaluation: tested visits, what was found there and what the model had said before."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from models.arrays import Bools, Floats, Ints
from models.errors import ModelInputError
from models.evaluation.metrics import Sample
from models.scoring.classification import GRADES

Arm = Literal["random", "targeted", "unknown", "mixed"]

COLUMNS = (
    "enterprise_id",
    "cutoff",
    "visited_on",
    "y",
    "severity",
    "restates",
    "weight",
    "probability",
    "score",
    "grade",
)
ATTRIBUTES = ("region", "size", "ownership", "industry", "visited")
"""Optional columns that put an enterprise into a group; `features.population.groups` gives them as known at the
cut-off."""

UNKNOWN = "unknown"


@dataclass(frozen=True)
class TestVisits:
    """Visits whose result is known, one row each, later than anything the model learned from.

    Parameters
    ----------
    frame
        Columns `COLUMNS`: ``enterprise_id``; ``cutoff``, first day of the month whose prediction the visit tests;
        ``visited_on``; ``y``, 1 where a violation was found, else 0; ``severity`` of what was found, 0 where
        nothing was; ``restates``, 1 where only codes that nearly restate indicators (6, B) make it a violation;
        ``weight``, 1 / draw probability, or 1; ``probability``, calibrated; ``score``; ``grade``, the class of that
        score before any direct determination. Optional: `ATTRIBUTES`, missing values count as "unknown"; and
        ``direct``, the class of a direct determination or an empty text.
    arm
        Which visits these are. What is true of visits to enterprises chosen for a reason is not true of all
        enterprises, so every result repeats it.

    Raises
    ------
    ModelInputError
        If a column is missing or a value is not what its column says; the message names the first row.
    """

    __test__: ClassVar[bool] = False  # pytest would take the name for a class of tests

    frame: pd.DataFrame
    arm: Arm

    def __post_init__(self) -> None:
        missing = [c for c in COLUMNS if c not in self.frame.columns]
        if missing:
            raise ModelInputError(f"tested visits lack the columns {missing}")
        f = self.frame
        numbers = {c: f[c].to_numpy(dtype=np.float64) for c in ("y", "severity", "restates", "weight", "probability")}
        good = {
            "y": (np.isin(numbers["y"], (0.0, 1.0)), "0 or 1"),
            "severity": (numbers["severity"] >= 0, "0 or more"),
            "restates": (np.isin(numbers["restates"], (0.0, 1.0)), "0 or 1"),
            "weight": (np.isfinite(numbers["weight"]) & (numbers["weight"] > 0), "a positive number"),
            "probability": ((numbers["probability"] >= 0) & (numbers["probability"] <= 1), "between 0 and 1"),
            "score": (np.isfinite(f["score"].to_numpy(dtype=np.float64)), "a number"),
            "grade": (f["grade"].isin(GRADES).to_numpy(), f"one of {', '.join(GRADES)}"),
            "enterprise_id": (f["enterprise_id"].notna().to_numpy(), "given"),
            "visited_on": (f["visited_on"].notna().to_numpy(), "given"),
        }
        for column, (ok, expected) in good.items():
            if not np.all(ok):
                row = int(np.flatnonzero(~np.asarray(ok))[0])
                raise ModelInputError(
                    f"tested visits, row {row}, column {column}: {f[column].iloc[row]!r}, expected {expected}"
                )

    def __len__(self) -> int:
        return len(self.frame)

    @cached_property
    def y(self) -> Floats:
        """0/1 violation."""
        return self.frame["y"].to_numpy(dtype=np.float64)

    @cached_property
    def severity(self) -> Floats:
        """Severity of what was found."""
        return self.frame["severity"].to_numpy(dtype=np.float64)

    @cached_property
    def weight(self) -> Floats:
        """Design weights."""
        return self.frame["weight"].to_numpy(dtype=np.float64)

    @cached_property
    def probability(self) -> Floats:
        """Calibrated probabilities."""
        return self.frame["probability"].to_numpy(dtype=np.float64)

    @cached_property
    def score(self) -> Floats:
        """Scores."""
        return self.frame["score"].to_numpy(dtype=np.float64)

    @cached_property
    def grade(self) -> Ints:
        """0 for A to 3 for D."""
        return np.asarray(self.frame["grade"].map(GRADES.index).to_numpy(dtype=np.int64))

    @cached_property
    def cluster(self) -> Ints:
        """Enterprise number 0..c-1 of each visit."""
        _, code = np.unique(self.frame["enterprise_id"].to_numpy(dtype=str), return_inverse=True)
        return code.astype(np.int64)

    @cached_property
    def month(self) -> NDArray[np.str_]:
        """Month of each visit, such as 2026-03."""
        return pd.to_datetime(self.frame["visited_on"]).dt.strftime("%Y-%m").to_numpy(dtype=str)

    @property
    def months(self) -> int:
        """Different calendar months with a visit."""
        return len(np.unique(self.month))

    @property
    def enterprises(self) -> int:
        """Different enterprises."""
        return len(np.unique(self.cluster))

    @property
    def attributes(self) -> tuple[str, ...]:
        """The group columns there are."""
        return tuple(a for a in ATTRIBUTES if a in self.frame.columns)

    def group(self, attribute: str) -> NDArray[np.object_]:
        """Return the group of each visit by one attribute, text; missing values are "unknown"."""
        column = self.frame[attribute].astype(object)
        return column.where(column.notna(), UNKNOWN).astype(str).to_numpy(dtype=object)

    def take(self, rows: Bools) -> TestVisits:
        """Return the visits of a boolean mask."""
        return TestVisits(self.frame[rows].reset_index(drop=True), self.arm)

    def without_restating(self) -> TestVisits:
        """Return the visits without those that are violations by codes 6 or B alone."""
        return self.take(self.frame["restates"].to_numpy(dtype=np.int64) == 0)

    def sample(self) -> Sample:
        """Return what `models.evaluation.metrics` resamples: outcomes, weights and enterprises."""
        return Sample.of(self.y, self.frame["enterprise_id"].to_numpy(dtype=object), self.weight)

    @property
    def statement(self) -> str:
        """The sentence every result carries: for whom its figures hold."""
        if self.arm == "random":
            return (
                "Random arm, weighted by 1/draw probability: the figures hold for all enterprises that could be drawn."
            )
        return (
            f"No random arm ({self.arm} visits): the figures hold for enterprises chosen for a visit as these were, "
            "not for all enterprises."
        )


def gather_visits(
    outcomes: pd.DataFrame,
    *,
    probability: ArrayLike,
    score: ArrayLike,
    grade: ArrayLike,
    groups: pd.DataFrame | None = None,
    direct: ArrayLike | None = None,
) -> TestVisits:
    """Put outcomes and what a model said of them together.

    Parameters
    ----------
    outcomes
        One row a visit, as `features.population.outcomes.read_outcomes` gives them. Where all are of the random arm
        they are
        weighted by 1 / draw probability; other visits count 1 each.
    probability, score, grade
        Of each row: calibrated probability, score, and class before any direct determination.
    groups
        Columns of `features.population.groups.enterprise_groups`, row by row.
    direct
        Class of a direct determination, or an empty text.

    Raises
    ------
    ModelInputError
        If a value is wrong, or a visit of the random arm has no draw probability.
    """
    arms = sorted(set(outcomes["arm"]))
    arm: Arm = "mixed"
    known: tuple[Arm, ...] = ("random", "targeted", "unknown")
    for one in known:
        if arms == [one]:
            arm = one
    weight = np.ones(len(outcomes))
    if arm == "random":
        drawn = outcomes["probability_ppm"].to_numpy(dtype=np.float64, na_value=np.nan)
        if np.isnan(drawn).any():
            raise ModelInputError(
                f"{int(np.isnan(drawn).sum())} visits of the random arm have no draw probability: "
                "they can't be weighted"
            )
        weight = 1e6 / drawn
    frame = pd.DataFrame(
        {
            "enterprise_id": outcomes["enterprise_id"].to_numpy(dtype=object),
            "cutoff": outcomes["cutoff"].to_numpy(),
            "visited_on": outcomes["visited_on"].to_numpy(),
            "y": outcomes["violation"].to_numpy(dtype=np.int64),
            "severity": outcomes["severity"].to_numpy(dtype=np.int64),
            "restates": outcomes["restates"].to_numpy(dtype=np.int64),
            "weight": weight,
            "probability": np.asarray(probability, dtype=np.float64),
            "score": np.asarray(score, dtype=np.float64),
            "grade": np.asarray(grade, dtype=object),
        }
    )
    if groups is not None:
        for attribute in ATTRIBUTES:
            if attribute in groups.columns:
                frame[attribute] = groups[attribute].to_numpy(dtype=object)
    if direct is not None:
        frame["direct"] = np.asarray(direct, dtype=object)
    return TestVisits(frame, arm)
