"""Changes: why score and class moved between two months, split exactly by the order in which causes are exchanged.

An enterprise is scored in a chain of worlds (`features.table.between`, then the model, then the policy): last month;
time passed; known records corrected; new records; the new model; the new policy. What the score moves from one world to
the next is that cause's part. Scores are published with one decimal and parts are counted in tenths, so that the parts
sum to the change to the last digit; another order would give other parts of the same sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from models.arrays import Floats, Ints
from models.errors import ModelInputError
from models.scoring.classification import GRADES
from models.scoring.reasons.points import pointed
from models.scoring.risk_model import RiskModel
from models.scoring.rules.province import ProvinceRules
from models.scoring.rules.scorecard import TENTHS

Cause = Literal["aged", "corrections", "new_records", "model", "policy"]
CAUSES: tuple[Cause, ...] = ("aged", "corrections", "new_records", "model", "policy")
"""In the order of exchange. A repair or an objection is a record of its own: a new one is under ``new_records``."""


@dataclass(frozen=True)
class Worlds:
    """What the same n enterprises, in the same order, are scored from.

    Parameters
    ----------
    last, aged, corrected, now
        Indicators and evidence, indexed by enterprise and cut-off, as in `features.table.between.Between`.
    models
        The model of last month and of this one; None where the rules answered.
    rules
        The province's rules of last month and of this one. The frames are computed under the earlier policy.
    anew
        ``now`` under this month's policy, where that counts records otherwise.
    """

    last: pd.DataFrame
    aged: pd.DataFrame
    corrected: pd.DataFrame
    now: pd.DataFrame
    models: tuple[RiskModel | None, RiskModel | None]
    rules: tuple[ProvinceRules, ProvinceRules]
    anew: pd.DataFrame | None = None

    def chain(self) -> list[tuple[pd.DataFrame, RiskModel | None, ProvinceRules]]:
        """Return the worlds in their order: indicators, model and rules of each."""
        (model, new_model), (rules, new_rules) = self.models, self.rules
        end = self.now if self.anew is None else self.anew
        return [
            *((frame, model, rules) for frame in (self.last, self.aged, self.corrected, self.now)),
            (self.now, new_model, rules),
            (end, new_model, new_rules),
        ]


@dataclass(frozen=True)
class Scored:
    """Rows as one world publishes them.

    Parameters
    ----------
    score
        Published score, one decimal [n].
    grade
        Published class, 0 for A to 3 for D, direct determinations included [n].
    points
        What each indicator adds to the base score [n, k].
    inputs
        The indicators [n, k]; NaN is unknown.
    names
        Their names.
    """

    score: Floats
    grade: Ints
    points: Floats
    inputs: Floats
    names: tuple[str, ...]


@dataclass(frozen=True)
class Changes:
    """Changes of n enterprises, split.

    Parameters
    ----------
    scores
        Published scores in each of the six worlds, in tenths of a point [n, 6].
    grades
        Classes in each world, 0 for A to 3 for D [n, 6].
    """

    scores: Ints
    grades: Ints

    @property
    def tenths(self) -> Ints:
        """Each cause's part of the change of the score, in tenths of a point [n, 5]; a row sums to the change."""
        return np.diff(self.scores, axis=1)

    @property
    def steps(self) -> Ints:
        """By how many classes each cause moved it, risk upwards [n, 5]; a row sums to the change."""
        return np.diff(self.grades, axis=1)

    def columns(self) -> dict[str, Floats | Ints]:
        """Return the split as columns of a table, each of n values: points, classes moved, and both ends."""
        found: dict[str, Floats | Ints] = {
            "score_before": self.scores[:, 0] / TENTHS,
            "score_after": self.scores[:, -1] / TENTHS,
            "grade_before": self.grades[:, 0],
            "grade_after": self.grades[:, -1],
        }
        for at, cause in enumerate(CAUSES):
            found |= {f"change_{cause}": self.tenths[:, at] / TENTHS, f"class_{cause}": self.steps[:, at]}
        return found


def changes(worlds: Worlds) -> Changes:
    """Split the changes of many enterprises.

    Raises
    ------
    ModelInputError
        If the frames are not of the same enterprises in the same order, or a model can't use the rows.
    """
    same_enterprises(worlds)
    chain = worlds.chain()
    # What nobody exchanged is scored once.
    kept = [(at, _same(chain[at], chain[at - 1])) for at in range(1, len(chain))]
    found = [standing(*chain[0])]
    for at, same in kept:
        found.append(found[-1] if same else standing(*chain[at]))
    return split([one.score for one in found], [one.grade for one in found])


def split(scores: Sequence[Floats], grades: Sequence[Ints]) -> Changes:
    """Split changes of which the published scores and classes in all six worlds are known.

    Parameters
    ----------
    scores
        Six arrays of n scores with one decimal: last month, aged, corrected, new records, new model, new policy.
    grades
        Six arrays of n classes, 0 for A to 3 for D.

    Raises
    ------
    ModelInputError
        If there are not six of both and all of one length, a score has more than one decimal or is unknown, or a class
        is none.
    """
    lengths = {np.shape(one) for one in (*scores, *grades)}
    if len(scores) != len(CAUSES) + 1 or len(grades) != len(scores) or len(lengths) != 1:
        raise ModelInputError(
            f"expected scores and classes in {len(CAUSES) + 1} worlds, all of the same enterprises; got "
            f"{len(scores)} and {len(grades)} of shapes {sorted(lengths)}"
        )
    exact = np.column_stack([np.asarray(one, dtype=np.float64) for one in scores]) * TENTHS
    classes = np.column_stack([np.asarray(one) for one in grades]).astype(np.int64)
    wrong = ~(np.abs(exact - np.round(exact)) < 1e-6)
    if wrong.any():
        row, world = np.argwhere(wrong)[0]
        raise ModelInputError(
            f"row {row}, world {world}: expected a published score, with one decimal, got {exact[row, world] / TENTHS}"
        )
    if ((classes < 0) | (classes >= len(GRADES))).any():
        row, world = np.argwhere((classes < 0) | (classes >= len(GRADES)))[0]
        raise ModelInputError(f"row {row}, world {world}: expected a class 0 to 3, got {classes[row, world]}")
    return Changes(np.round(exact).astype(np.int64), classes)


def standing(frame: pd.DataFrame, model: RiskModel | None, rules: ProvinceRules) -> Scored:
    """Score rows as they are published under a model, or None for the rules, and a province's rules.

    A new model may be scored under the old cuts here, which no answer ever is: it is one step of the chain.
    """
    if model is None:
        card = rules.scorecard
        found = card.evaluate(frame)
        inputs = found.values  # noqa: PD011 (no frame)
        score, points, names = found.score, found.tenths / TENTHS, card.indicators
    else:
        explained = model.explain(model.matrix(frame))
        told = pointed(model, explained)
        inputs = explained.values  # noqa: PD011 (no frame)
        score, points, names = told.score, told.points, model.indicator_names
    grade = rules.bands.grade_index(score).astype(np.int64)
    known = 1.0 - np.isnan(inputs).mean(axis=1)
    grade = np.where(known < rules.bands.minimum_known, np.maximum(grade, GRADES.index("B")), grade)
    return Scored(score, np.maximum(grade, _floors(frame, rules)), points, inputs, names)


def same_enterprises(worlds: Worlds) -> None:
    """Refuse worlds of different enterprises.

    Raises
    ------
    ModelInputError
        If they differ; the first place is named.
    """
    expected = worlds.last.index.get_level_values("enterprise_id")
    for name in ("aged", "corrected", "now", "anew"):
        frame: pd.DataFrame | None = getattr(worlds, name)
        if frame is None:
            continue
        own = frame.index.get_level_values("enterprise_id")
        if len(own) != len(expected):
            raise ModelInputError(f"{name} holds {len(own)} enterprises, last {len(expected)}: expected the same ones")
        if not own.equals(expected):
            row = int(np.flatnonzero(own != expected)[0])
            raise ModelInputError(f"{name}, row {row}: expected enterprise {expected[row]}, got {own[row]}")


def _same(
    one: tuple[pd.DataFrame, RiskModel | None, ProvinceRules],
    other: tuple[pd.DataFrame, RiskModel | None, ProvinceRules],
) -> bool:
    """Tell whether two worlds of the chain are one and the same."""
    versions = [None if model is None else model.version for model in (one[1], other[1])]
    return one[0] is other[0] and versions[0] == versions[1] and one[2] == other[2]


def _floors(frame: pd.DataFrame, rules: ProvinceRules) -> Ints:
    """Return the least class that direct determinations leave each row, 0 where none was hit."""
    found = np.zeros(len(frame), dtype=np.int64)
    for rule in rules.determinations.active:
        if rule.column in frame.columns:
            hit = frame[rule.column].map(lambda told: isinstance(told, str) and told.strip(";") != "")
            found = np.maximum(found, hit.to_numpy(dtype=np.int64) * GRADES.index(rule.grade))
    return found
