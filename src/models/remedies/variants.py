"""Variants: one enterprise's record in many states, all computed at once by the code that computes indicators.

A call for a few hundred records costs little more than one for a single one, so every step of a search asks for all of
its variants, of many enterprises, together. Each variant is an enterprise of its own there: its id and the numbers of
its records get a mark, as versions replace each other by the number alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from features.catalogue.evidence import EVIDENCE
from features.engine.record.record import Record, indicators_of
from features.scope import Scope
from models.arrays import Floats
from models.errors import ModelError
from models.scoring.classification import GRADES, Determination, Grade, worse
from models.scoring.risk_model import RiskModel
from models.scoring.rules.determinations import floor
from models.scoring.rules.province import ProvinceRules
from models.scoring.rules.scorecard import TENTHS

AT_ONCE = 400
"""Variants of one call: beyond, each costs the same again."""

_NUMBERS = ("record_id", "ref_record_id", "draw_id", "inspection_id")
"""Columns by which an enterprise's records name one another."""


@dataclass(frozen=True)
class Judge:
    """Who classifies: a model, or the rules where it is None or can't read a row.

    Parameters
    ----------
    rules, model
        Of one province; the model signed under its cuts.
    tick
        Called before every few hundred variants; ends a search that nobody waits for any more by raising.

    Raises
    ------
    ModelError
        If the model was signed under other cuts than the province has now.
    """

    rules: ProvinceRules
    model: RiskModel | None = None
    tick: Callable[[], None] | None = None

    def __post_init__(self) -> None:
        if self.model is not None and not self.model.bands.same_bands(self.rules.bands):
            raise ModelError(
                f"model {self.model.version} was signed with cuts {self.model.bands.cuts}; {self.rules.province} now "
                f"has {self.rules.bands.cuts}: it must be signed again"
            )

    @property
    def scope(self) -> Scope:
        """Whose indicators are computed."""
        return Scope(self.rules.province, peers=True)


@dataclass(frozen=True)
class Standing:
    """Where a record stands: score, 0 to 1000 with one decimal; class after the direct determinations; those."""

    score: float
    grade: Grade
    determinations: tuple[Determination, ...] = ()


def standings(records: Sequence[Record], judge: Judge) -> list[Standing]:
    """Classify records, of which many may be of one enterprise, by the real indicator code; no column is made up.

    Parameters
    ----------
    records
        Variants, in any order.
    judge
        Who classifies.

    Returns
    -------
    list of Standing
        In the order of the records.
    """
    found: list[Standing] = []
    for start in range(0, len(records), AT_ONCE):
        if judge.tick is not None:
            judge.tick()
        marked = [_marked(record, start + k) for k, record in enumerate(records[start : start + AT_ONCE])]
        found += _judged(indicators_of(marked, judge.scope), judge)
    return found


def _marked(record: Record, number: int) -> Record:
    mark = f"#{number}"
    return replace(
        record,
        enterprise_id=record.enterprise_id + mark,
        tables={table: [_renumbered(row, mark) for row in rows] for table, rows in record.tables.items()},
    )


def _renumbered(row: Mapping[str, Any], mark: str) -> dict[str, Any]:
    made = {name: value for name, value in row.items() if name != "enterprise_id"}
    for name in _NUMBERS:
        if made.get(name):
            made[name] = made[name] + mark
    return made


def _judged(frame: pd.DataFrame, judge: Judge) -> list[Standing]:
    plain = frame[list(EVIDENCE)].apply(lambda column: column.str.replace(r"#\d+", "", regex=True))
    hits, _ = judge.rules.determinations.hits(plain)
    score, known = _scores(frame, judge)
    low = judge.rules.bands.minimum_known
    standing = []
    for k, direct in enumerate(hits):
        grade: Grade = GRADES[int(judge.rules.bands.grade_index(score[k]))]
        grade = worse(grade, "B") if known[k] < low else grade  # as `models.scoring.classify`
        standing.append(Standing(float(score[k]), floor(grade, direct), direct))
    return standing


def _scores(frame: pd.DataFrame, judge: Judge) -> tuple[Floats, Floats]:
    """Return the published score of each row, and the share of the indicators it rests on that are known."""
    card = judge.rules.scorecard.evaluate(frame)
    score, known = card.score_tenths / TENTHS, 1.0 - np.isnan(card.values).mean(axis=1)
    if judge.model is None:
        return score, known
    values = judge.model.read(frame)
    good = ~judge.model.unusable(values).any(axis=1)
    if good.any():
        margin = judge.model.margin(values[good])
        finite = np.isfinite(margin)
        rows = np.flatnonzero(good)[finite]
        # Published scores have one decimal (`models.scoring.reasons.points.pointed`).
        score[rows] = np.round(judge.model.score(margin[finite]), 1)
        known[rows] = 1.0 - np.isnan(values[rows]).mean(axis=1)
    return score, known
