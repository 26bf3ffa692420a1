"""Classification of indicator rows by the model or the rules, then by the direct determinations.

`classify_frame` answers for a whole frame at once, `classify_explained` for rows that the model has explained already:
a row is read once and explained once, however many callers look at it. The fallback is serving's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import numpy as np
import pandas as pd

from features.catalogue.phrases.say import AS_ITS_UNIT, Say
from features.errors import ConfigError
from features.frames import KEYS, as_frame
from features.table.comparisons import Comparisons
from models.arrays import Floats
from models.errors import ModelError, ModelInputError
from models.scoring.classification import GRADES, LIMIT, Classification, Determination, Grade, Reason, worse
from models.scoring.reasons.points import family_points, pointed, strongest
from models.scoring.reasons.texts import Catalogue, reason
from models.scoring.risk_model import Explained, RiskModel
from models.scoring.rules.determinations import floor
from models.scoring.rules.province import ProvinceRules
from models.scoring.rules.scorecard import TENTHS


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


@dataclass(frozen=True)
class _Scored:
    """What either source found for n rows: the common input of `_answers`."""

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
    if model is not None:
        explained = model.explain(model.matrix(frame))
        return classify_explained(frame, model, explained, rules, top=top, catalogue=catalogue, comparisons=comparisons)
    keys = _keys(frame)
    if not keys:
        return []
    names = _catalogue(catalogue, rules.province)
    return _answers(frame, keys, _by_rules(frame, rules), rules, top, names, fallback, comparisons)


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


def classify_explained(
    frame: pd.DataFrame,
    model: RiskModel,
    explained: Explained,
    rules: ProvinceRules,
    *,
    top: int = 5,
    catalogue: Catalogue | None = None,
    registered: str | None = None,
    comparisons: Comparisons | None = None,
) -> list[Classification]:
    """Classify rows that the model has explained, as `classify_frame` does; ``registered`` is the version's number.

    Raises
    ------
    ModelInputError
        If the index isn't (enterprise_id, cutoff).
    ModelError
        If the model was signed under other cuts than the province has now.
    """
    keys = _keys(frame)
    if not model.bands.same_bands(rules.bands):
        raise ModelError(
            f"model {model.version} was signed with cuts {model.bands.cuts} closed {model.bands.closed}; "
            f"{rules.province} now has {rules.bands.cuts} closed {rules.bands.closed}: it must be signed again"
        )
    if not keys:
        return []
    scored = _by_model(explained, model, rules, registered)
    names = _catalogue(catalogue, rules.province)
    return _answers(frame, keys, scored, rules, top, names, comparisons=comparisons)


def _by_model(explained: Explained, model: RiskModel, rules: ProvinceRules, registered: str | None) -> _Scored:
    found = pointed(model, explained)
    versions = {"model": model.version, "catalogue": model.catalogue_hash[:12], "policy": rules.version}
    return _Scored(
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


def _by_rules(frame: pd.DataFrame, rules: ProvinceRules) -> _Scored:
    card = rules.scorecard
    found = card.evaluate(frame)
    return _Scored(
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
        versions={"model": card.name, "catalogue": _catalogue_version(), "policy": rules.version},
    )


def _answers(
    frame: pd.DataFrame,
    keys: Sequence[tuple[str, date]],
    scored: _Scored,
    rules: ProvinceRules,
    top: int,
    catalogue: Catalogue,
    fallback: str | None = None,
    comparisons: Comparisons | None = None,
) -> list[Classification]:
    """Put scores, points and direct determinations together."""
    hits, unchecked = rules.determinations.hits(frame)
    names, sums = family_points(scored.points, scored.families)
    best = strongest(scored.points, top)
    missing = _missing(scored)
    insufficient = (1.0 - np.isnan(scored.inputs).mean(axis=1) < rules.bands.minimum_known).tolist()
    entries = [
        catalogue.get(name) or _Entry(name, scored.labels.get(name, name), name.replace("_", " "), family)
        for name, family in zip(scored.names, scored.families, strict=True)
    ]
    groups, by_group = family_points(scored.points, [e.group or e.family for e in entries])
    answers = []
    for i, (enterprise_id, cutoff) in enumerate(keys):
        score_grade: Grade = GRADES[int(rules.bands.grade_index(scored.score[i]))]
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
        direct: tuple[Determination, ...] = hits[i]
        # Not having looked is no sign of low risk.
        known_grade = worse(score_grade, "B") if insufficient[i] else score_grade
        answers.append(
            Classification(
                enterprise_id=enterprise_id,
                cutoff=cutoff,
                score=float(scored.score[i]),
                grade=floor(known_grade, direct),
                score_grade=score_grade,
                source="rules" if scored.probability is None else "model",
                probability=None if scored.probability is None else float(scored.probability[i]),
                probability_interval=None
                if scored.interval is None
                else (float(scored.interval[0][i]), float(scored.interval[1][i])),
                reasons=tuple(reasons),
                determinations=direct,
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


def _missing(scored: _Scored) -> list[tuple[str, ...]]:
    """Return the unknown columns of each row; rows with the same gaps share one tuple."""
    unknown = np.isnan(scored.inputs)
    patterns, which = np.unique(unknown, axis=0, return_inverse=True)
    named = [tuple(n for n, gone in zip(scored.names, row, strict=True) if gone) for row in patterns]
    return [named[k] for k in which.ravel()]


def _keys(frame: pd.DataFrame) -> list[tuple[str, date]]:
    """Return enterprise and cut-off of each row."""
    if list(frame.index.names) != ["enterprise_id", "cutoff"]:
        raise ModelInputError(f"rows must be indexed by enterprise_id and cutoff, got {list(frame.index.names)}")
    days = {day: pd.Timestamp(day).date() for day in frame.index.unique("cutoff")}
    return [(str(enterprise), days[day]) for enterprise, day in frame.index]


@lru_cache(maxsize=1)
def _catalogue_version() -> str:
    """Return the version of features' own catalogue, which the rules' indicators come from."""
    from features.catalogue import CATALOGUE, catalogue_hash

    return catalogue_hash(CATALOGUE)[:12]


def _catalogue(given: Catalogue | None, province: str) -> Catalogue:
    """Return the given catalogue, else features' own of the province, imported only when it is needed."""
    if given is not None:
        return given
    from features.catalogue import of_province

    return of_province(province, peers=True)
