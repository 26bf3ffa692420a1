"""Outcomes of overrides: what visits found where officials set another class than the model (HB 8), and who was right.

A class promises a range of violation rates (``promises`` in bands.toml). Of the enterprises that were moved from one
class to another, visits while the override held give a rate with an interval: whichever class alone has a range that
the interval meets was right. Where it meets both or neither, nobody can tell. By arm, as an override also directs
visits: what targeted ones find is not true of all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from models.evaluation.intervals import weighted_rate
from models.evaluation.metrics import Interval
from models.scoring.classification import GRADES, Grade
from models.scoring.overridden import Overrides

Right = Literal["person", "model", "cannot tell"]
RANDOM = "random"
ALL = "all"
"""Subject of the rows that take all overrides of a direction together; they have no verdict."""


@dataclass(frozen=True)
class OverrideOutcome:
    """What visits found at the enterprises that one kind of override moved.

    Parameters
    ----------
    arm
        "random" or the visits' other arm; they are never mixed.
    instead_of, grade
        Class before and after; ``ALL`` in the rows of a direction.
    stricter
        Whether the person's class is the riskier one.
    enterprises, visits, violations
        Counts.
    rate
        Of violations, with its interval by enterprise; visits of the random arm by their draw probabilities.
    right
        Whose class promises what was found.
    """

    arm: str
    instead_of: str
    grade: str
    stricter: bool
    enterprises: int
    visits: int
    violations: int
    rate: Interval
    right: Right


def override_outcomes(
    visits: pd.DataFrame, overrides: Overrides, promises: Mapping[Grade, tuple[float, float]]
) -> list[OverrideOutcome]:
    """Compare the officials' classes with the model's by what later visits found.

    Parameters
    ----------
    visits : DataFrame
        As `features.population.outcomes.read_outcomes` gives them.
    overrides
        Of the province.
    promises
        Range of violation rates by class.

    Returns
    -------
    list of OverrideOutcome
        By arm, direction and classes; only kinds that were visited while their override held.
    """
    pairs = _visited(visits, overrides)
    found = []
    for (arm, stricter), part in pairs.groupby(["arm", "stricter"], sort=True):
        for (before, after), few in part.groupby(["instead_of", "grade"], sort=True):
            found.append(_outcome(few, str(arm), bool(stricter), str(before), str(after), promises))
        found.append(_outcome(part, str(arm), bool(stricter), ALL, ALL, promises))
    return found


def _visited(visits: pd.DataFrame, overrides: Overrides) -> pd.DataFrame:
    """Return one row for each visit while an override held."""
    decided = pd.DataFrame(
        [(one.enterprise_id, one.since, one.until, one.instead_of, one.grade) for one in overrides.decided],
        columns=["enterprise_id", "since", "until", "instead_of", "grade"],
    )
    decided["stricter"] = [_place(one.grade) > _place(one.instead_of) for one in overrides.decided]
    rows = visits.merge(decided, on="enterprise_id")
    # A visit on the very day of the approval may be what the judgement rests on.
    return rows[(rows["visited_on"] > rows["since"]) & (rows["visited_on"] < rows["until"])]


def _place(grade: Grade) -> int:
    return GRADES.index(grade)


def _outcome(
    rows: pd.DataFrame,
    arm: str,
    stricter: bool,
    before: str,
    after: str,
    promises: Mapping[Grade, tuple[float, float]],
) -> OverrideOutcome:
    y = rows["violation"].to_numpy(dtype=np.float64)
    drawn = rows["probability_ppm"].to_numpy(dtype=np.float64, na_value=np.nan)
    weight = np.where((arm == RANDOM) & (drawn > 0), 1e6 / np.where(drawn > 0, drawn, 1.0), 1.0)
    cluster = np.unique(rows["enterprise_id"].to_numpy(), return_inverse=True)[1].astype(np.int64)
    rate = weighted_rate(y, weight, cluster)
    right: Right = "cannot tell"
    if before != ALL:
        meets = {g: _meets(rate, promises[g]) for g in GRADES if g in (before, after)}
        if sum(meets.values()) == 1:
            right = "person" if meets[_grade(after)] else "model"
    return OverrideOutcome(arm, before, after, stricter, len(np.unique(cluster)), len(rows), int(y.sum()), rate, right)


def _grade(text: str) -> Grade:
    return next(g for g in GRADES if g == text)


def _meets(rate: Interval, promised: tuple[float, float]) -> bool:
    return rate.low < promised[1] and rate.high > promised[0]
