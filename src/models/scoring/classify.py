"""Classification of indicator rows by the model or the rules, then by the direct determinations.

`classify_frame` answers for a whole frame at once, `classify_scored` for rows that have been scored already: a row is
read once and explained once, however many callers look at it. The fallback is serving's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from features.catalogue.phrases.say import AS_ITS_UNIT, Say
from features.errors import ConfigError
from features.frames import KEYS, as_frame
from features.table.comparisons import Comparisons
from models.errors import ModelError, ModelInputError
from models.scoring.classification import GRADES, LIMIT, Classification, Reason
from models.scoring.columns import Scored, graded, scored_by_model, scored_by_rules
from models.scoring.reasons.points import family_points, strongest
from models.scoring.reasons.texts import Catalogue, reason
from models.scoring.risk_model import RiskModel
from models.scoring.rules.province import ProvinceRules


@dataclass(frozen=True)
class _Entry:
    """Stands in for a catalogue entry that is no longer there: an old model must still explain itself."""

    name: str
    zh: str
    en: str
    family: str
    unit: str = ""
    group: str = ""
    say: Say = AS_ITS_UNIT
    never: float | None = None
    shared: bool = False


def classify_frame(
    frame: pd.DataFrame,
    model: RiskModel | None,
    rules: ProvinceRules,
    *,
    top: int = 5,
    catalogue: Catalogue | None = None,
    fallback: str | None = None,
    comparisons: Comparisons | None = None,
) -> list[Classification]:
    """Classify every row.

    Parameters
    ----------
    frame : DataFrame
        As `features.compute_indicators` gives it: index (enterprise_id, cutoff), or columns of these names; indicator
        columns (float64, NaN unknown) and evidence columns (text). Another library's frame is taken, too.
    model : RiskModel or None
        None lets the rules answer.
    rules : ProvinceRules
        Bands, points and direct rules that apply; `load_rules` gives a province's.
    top : int
        Reasons to give, the strongest first; those without points are left out.
    catalogue : mapping of name to entry, optional
        Names, units and directions for the reasons; the catalogue of features by default.
    fallback : str, optional
        Why the rules answer, when a model was wanted.
    comparisons : Comparisons, optional
        What the reasons compare a value with: of the month's table, or from a record's context; nothing by default.

    Returns
    -------
    list of Classification, in the order of the rows

    Raises
    ------
    ModelInputError
        If the index isn't (enterprise_id, cutoff), or the model can't use the rows; columns are named.
    ModelError
        If the model was signed under other cuts than the province has now.

    Examples
    --------
    With ``frame`` indicators and ``model`` a signed model:

    >>> [one] = classify_frame(frame.head(1), model, load_rules("hebei"))
    >>> one.source, 0 <= one.score <= 1000
    ('model', True)
    >>> classify_frame(frame.head(1), None, load_rules("hebei"))[0].source
    'rules'
    """
    frame = indexed(frame)
    _check_given(model, rules)
    if model is None:
        scored = scored_by_rules(frame, rules)
    else:
        scored = scored_by_model(model.explain(model.matrix(frame)), model, rules)
    return classify_scored(
        frame, scored, rules, top=top, catalogue=catalogue, fallback=fallback, comparisons=comparisons
    )


def indexed(given: pd.DataFrame) -> pd.DataFrame:
    """Return rows as a pandas frame with their keys in the index, also of another library's frame."""
    frame = as_frame(given, "rows to classify")
    return frame.set_index(KEYS) if set(KEYS) <= set(frame.columns) else frame


def _check_given(model: RiskModel | None, rules: ProvinceRules) -> None:
    if model is not None and not isinstance(model, RiskModel):
        raise ModelError(
            f"expected a RiskModel (models.approved_model, RiskModel.load) or None for the rules, got "
            f"{type(model).__name__}"
        )
    if not isinstance(rules, ProvinceRules):
        raise ConfigError(f"expected a province's rules, such as load_rules('hebei'), got {type(rules).__name__}")


def classify_scored(
    frame: pd.DataFrame,
    scored: Scored,
    rules: ProvinceRules,
    *,
    top: int = 5,
    catalogue: Catalogue | None = None,
    fallback: str | None = None,
    comparisons: Comparisons | None = None,
) -> list[Classification]:
    """Make an answer of each row that has been scored, as `classify_frame` does.

    Raises
    ------
    ModelInputError
        If the index isn't (enterprise_id, cutoff).
    """
    keys = _keys(frame)
    if not keys:
        return []
    names = _catalogue(catalogue, rules.province)
    return _answers(frame, keys, scored, rules, top, names, fallback, comparisons)


def _answers(
    frame: pd.DataFrame,
    keys: Sequence[tuple[str, date]],
    scored: Scored,
    rules: ProvinceRules,
    top: int,
    catalogue: Catalogue,
    fallback: str | None,
    comparisons: Comparisons | None,
) -> list[Classification]:
    """Put scores, points and direct determinations together."""
    hits, unchecked = rules.determinations.hits(frame)
    names, sums = family_points(scored.points, scored.families)
    best = strongest(scored.points, top)
    missing = _missing(scored)
    found = graded(scored, frame, rules)
    score_grade, grade, insufficient = found.score_grade.tolist(), found.grade.tolist(), found.insufficient.tolist()
    entries = [
        catalogue.get(name) or _Entry(name, scored.labels.get(name, name), name.replace("_", " "), family)
        for name, family in zip(scored.names, scored.families, strict=True)
    ]
    groups, by_group = family_points(scored.points, [e.group or e.family for e in entries])
    answers = []
    for i, (enterprise_id, cutoff) in enumerate(keys):
        peers = comparisons.of(enterprise_id) if comparisons is not None else {}
        reasons: list[Reason] = [
            reason(entries[j], float(scored.inputs[i, j]), float(scored.points[i, j]), peers.get(entries[j].name))
            for j in best[i]
            if scored.points[i, j] != 0
        ]
        by_family = {name: float(value) for name, value in zip(names, sums[i], strict=True)}
        of_groups = {name: float(value) for name, value in zip(groups, by_group[i], strict=True)}
        if scored.limit[i]:
            by_family[LIMIT] = of_groups[LIMIT] = float(scored.limit[i])
        answers.append(
            Classification(
                enterprise_id=enterprise_id,
                cutoff=cutoff,
                score=float(scored.score[i]),
                grade=GRADES[grade[i]],
                score_grade=GRADES[score_grade[i]],
                source="rules" if scored.probability is None else "model",
                probability=None if scored.probability is None else float(scored.probability[i]),
                probability_interval=None
                if scored.interval is None
                else (float(scored.interval[0][i]), float(scored.interval[1][i])),
                reasons=tuple(reasons),
                determinations=hits[i],
                base_score=scored.base_score,
                family_points=by_family,
                missing=missing[i] + unchecked[i],
                fallback=fallback,
                versions=dict(scored.versions),
                insufficient=insufficient[i],
                group_points=of_groups,
            )
        )
    return answers


def _missing(scored: Scored) -> list[tuple[str, ...]]:
    """Return the unknown columns of each row; rows with the same gaps share one tuple."""
    unknown = scored.unknown
    patterns, which = np.unique(unknown, axis=0, return_inverse=True)
    named = [tuple(n for n, gone in zip(scored.names, row, strict=True) if gone) for row in patterns]
    return [named[k] for k in which.ravel()]


def _keys(frame: pd.DataFrame) -> list[tuple[str, date]]:
    """Return enterprise and cut-off of each row."""
    if list(frame.index.names) != ["enterprise_id", "cutoff"]:
        raise ModelInputError(f"rows must be indexed by enterprise_id and cutoff, got {list(frame.index.names)}")
    days = {day: pd.Timestamp(day).date() for day in frame.index.unique("cutoff")}
    return [(str(enterprise), days[day]) for enterprise, day in frame.index]


def _catalogue(given: Catalogue | None, province: str) -> Catalogue:
    """Return the given catalogue, else features' own of the province, imported only when it is needed."""
    if given is not None:
        return given
    from features.catalogue import of_province

    return of_province(province, peers=True)
