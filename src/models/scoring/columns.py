"""Answers as columns: scores, classes and points of n rows, before anybody asks for one of them as an object.

The monthly run writes these as they are; `models.scoring.classify` makes a `Classification` of each row for whoever
asks. Both therefore say the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.arrays import Bools, Floats, Ints
from models.errors import ModelError
from models.scoring.classification import GRADES
from models.scoring.reasons.points import pointed
from models.scoring.risk_model import Explained, RiskModel
from models.scoring.rules.province import ProvinceRules
from models.scoring.rules.scorecard import TENTHS


@dataclass(frozen=True)
class Scored:
    """What the model or the rules found for n rows of k indicators.

    Parameters
    ----------
    score, base_score
        Published scores, one decimal [n], and what the points start from.
    points, inputs
        What each indicator adds to the base score, and the indicator as computed, NaN unknown [n, k].
    names, families
        Of the k indicators.
    labels
        Chinese names that the scorecard gives; none where the model answered.
    limit
        What clipping the rules' sum to 0-1000 took off or added [n].
    probability, interval
        Calibrated chance [n] and the ends of its interval; None where the rules answered.
    versions
        Of model, catalogue and policy.
    """

    score: Floats
    base_score: float
    points: Floats
    inputs: Floats
    names: tuple[str, ...]
    families: tuple[str, ...]
    labels: dict[str, str]
    limit: Floats
    probability: Floats | None
    interval: tuple[Floats, Floats] | None
    versions: dict[str, str]

    @cached_property
    def unknown(self) -> Bools:
        """Which of the indicators is not known [n, k]."""
        return np.isnan(self.inputs)


def scored_by_model(
    explained: Explained, model: RiskModel, rules: ProvinceRules, registered: str | None = None
) -> Scored:
    """Return what a model says of rows that it has explained; ``registered`` is the number of its version.

    Raises
    ------
    ModelError
        If the model was signed under other cuts than the province has now.
    """
    if not model.bands.same_bands(rules.bands):
        raise ModelError(
            f"model {model.version} was signed with cuts {model.bands.cuts} closed {model.bands.closed}; "
            f"{rules.province} now has {rules.bands.cuts} closed {rules.bands.closed}: it must be signed again"
        )
    found = pointed(model, explained)
    versions = {"model": model.version, "catalogue": model.catalogue_hash[:12], "policy": rules.version}
    return Scored(
        score=found.score,
        base_score=round(model.base_score, 1),
        points=found.points,
        inputs=explained.values,
        names=model.indicator_names,
        families=model.families,
        labels={},
        limit=np.zeros(len(explained.values)),
        probability=model.probability(explained.margin),
        interval=model.interval(explained.margin),
        versions=versions if registered is None else {**versions, "registered": registered},
    )


def scored_by_rules(frame: pd.DataFrame, rules: ProvinceRules) -> Scored:
    """Return what the scorecard says of a frame's rows; an indicator that has no column is unknown."""
    card = rules.scorecard
    found = card.evaluate(frame)
    return Scored(
        score=found.score,
        base_score=found.base / TENTHS,
        points=found.tenths / TENTHS,
        inputs=found.values,
        names=card.indicators,
        families=tuple(entry.family for entry in card.entries),
        labels={entry.indicator: entry.zh for entry in card.entries},
        limit=found.limit / TENTHS,
        probability=None,
        interval=None,
        versions={"model": card.name, "catalogue": catalogue_version(), "policy": rules.version},
    )


@dataclass(frozen=True)
class Graded:
    """Classes of n rows, as positions in `GRADES`.

    Parameters
    ----------
    score_grade
        Read off the published score [n].
    grade
        After `insufficient` and the direct determinations; never a better one [n].
    floor
        Least class that the direct determinations leave, 0 where none was hit [n].
    insufficient
        Whether less is known than the province asks for class A [n].
    """

    score_grade: Ints
    grade: Ints
    floor: Ints
    insufficient: Bools


def graded(scored: Scored, frame: pd.DataFrame, rules: ProvinceRules) -> Graded:
    """Return the classes of scored rows; ``frame`` holds their evidence columns."""
    return classes_of(scored.score, scored.unknown, frame, rules)


def classes_of(score: Floats, unknown: Bools, frame: pd.DataFrame, rules: ProvinceRules) -> Graded:
    """Return the classes of published scores.

    Parameters
    ----------
    score
        One decimal [n].
    unknown
        Which of the indicators that the score rests on is not known [n, k].
    frame
        The rows' evidence columns [n].
    rules
        Bands and direct rules.
    """
    score_grade = np.asarray(rules.bands.grade_index(score), dtype=np.int64)
    known = 1.0 - unknown.mean(axis=1) if unknown.shape[1] else np.zeros(len(score))
    insufficient = np.asarray(known < rules.bands.minimum_known)
    # Not having looked is no sign of low risk.
    grade = np.where(insufficient, np.maximum(score_grade, GRADES.index("B")), score_grade)
    floor = np.zeros(len(score), dtype=np.int64)
    for rule in rules.determinations.active:
        if rule.column in frame.columns:
            floor = np.maximum(floor, hit(frame[rule.column]) * GRADES.index(rule.grade))
    return Graded(score_grade, np.asarray(np.maximum(grade, floor), dtype=np.int64), floor, insufficient)


def hit(evidence: pd.Series[str]) -> NDArray[np.bool_]:
    """Tell which cells of an evidence column name a record: not null, not empty, no separators alone."""
    cells = evidence.to_numpy(dtype=object)
    # Nearly every cell is empty: the few others alone are looked at one by one.
    there = np.asarray(cells != "", dtype=np.bool_)
    for i in np.flatnonzero(there):
        there[i] = isinstance(cells[i], str) and cells[i].strip(";") != ""
    return there


@lru_cache(maxsize=1)
def catalogue_version() -> str:
    """Return the version of features' own catalogue, which the rules' indicators come from."""
    from features.catalogue import CATALOGUE, catalogue_hash

    return catalogue_hash(CATALOGUE)[:12]
