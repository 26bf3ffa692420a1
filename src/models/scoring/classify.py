"""From indicators to classifications: the model or the rules, then the direct determinations.

`classify_frame` answers for a whole frame at once; contributions are computed once for all rows.
`classify_with_fallback` lets the rules answer where the model can't, and says why.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import numpy as np
import pandas as pd
from lightgbm.basic import LightGBMError
from numpy.typing import NDArray

from features.policy import policy_hash
from models.errors import ModelError, ModelInputError
from models.scoring.bands import BandPolicy, load_bands
from models.scoring.classification import GRADES, LIMIT, Classification, Determination, Grade, Reason, worse
from models.scoring.reasons.texts import Catalogue, family_points, reason, scaled_points, spread, strongest
from models.scoring.risk_model import RiskModel
from models.scoring.rules.determinations import Determinations, floor, load_determinations
from models.scoring.rules.scorecard import TENTHS, Scorecard, load_scorecard

Floats = NDArray[np.float64]
NO_MODEL = "no approved model"
"""What `classify_with_fallback` gives as the reason when it is called without a model."""


@dataclass(frozen=True)
class ProvinceRules:
    """A province's bands, points and direct rules; `version` covers these and what its indicators rest on."""

    province: str
    bands: BandPolicy
    scorecard: Scorecard
    determinations: Determinations
    version: str


@dataclass(frozen=True)
class _Entry:
    """Stands in for a catalogue entry that is no longer there: an old model must still explain itself."""

    name: str
    zh: str
    family: str
    unit: str = ""
    direction: str = "either"


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


def load_rules(province: str) -> ProvinceRules:
    """Load what a province decides about scores, as its files say now; what did not change is not read again.

    Raises
    ------
    features.errors.ConfigError
        If a policy is missing or wrong.
    """
    bands = load_bands(province)
    parts = [
        policy_hash(province, "bands"),
        policy_hash(bands.scorecard, "scorecard"),
        policy_hash(bands.determinations, "determinations"),
        policy_hash(province, "features", "outcomes", "cohort"),
    ]
    return _load_rules(province, hashlib.sha256("".join(parts).encode()).hexdigest()[:12])


@lru_cache(maxsize=32)
def _load_rules(province: str, digest: str) -> ProvinceRules:
    bands = load_bands(province)
    return ProvinceRules(
        province=province,
        bands=bands,
        scorecard=load_scorecard(bands.scorecard),
        determinations=load_determinations(bands.determinations),
        version=f"{province}-{digest}",
    )


def classify_frame(
    frame: pd.DataFrame,
    model: RiskModel | None,
    province: str,
    *,
    top: int = 5,
    catalogue: Catalogue | None = None,
    fallback: str | None = None,
) -> list[Classification]:
    """Classify every row.

    Parameters
    ----------
    frame : DataFrame
        As `features.compute_indicators` gives it: index (enterprise_id, cutoff), indicator columns (float64,
        NaN unknown) and evidence columns (text).
    model : RiskModel or None
        None lets the rules answer.
    province : str
        Whose bands, points and direct rules apply.
    top : int
        Reasons to give, the strongest first; those without points are left out.
    catalogue : mapping of name to entry, optional
        Names, units and directions for the reasons; the catalogue of features by default.
    fallback : str, optional
        Why the rules answer, when a model was wanted.

    Returns
    -------
    list of Classification, in the order of the rows

    Raises
    ------
    ModelInputError
        If the index isn't (enterprise_id, cutoff), or the model can't use the rows; columns are named.
    ModelError
        If the model was signed under other cuts than the province has now.
    """
    keys = _keys(frame)
    if not keys:
        return []
    rules = load_rules(province)
    if model is None:
        scored = _by_rules(frame, rules)
    else:
        if not model.bands.same_bands(rules.bands):
            raise ModelError(
                f"model {model.version} was signed with cuts {model.bands.cuts} closed {model.bands.closed}; "
                f"{province} now has {rules.bands.cuts} closed {rules.bands.closed}: it must be signed again"
            )
        scored = _by_model(frame, model, rules)
    return _answers(frame, keys, scored, rules, top, _catalogue(catalogue), fallback)


def classify_with_fallback(
    frame: pd.DataFrame,
    model: RiskModel | None,
    province: str,
    *,
    top: int = 5,
    catalogue: Catalogue | None = None,
) -> list[Classification]:
    """Classify every row, by the rules where the model can't, each such answer saying why.

    Rows with a value the model can't use get the rules, the other rows the model. When the model can't answer
    at all (a declared `ModelError`, or LightGBM's own error) the rules answer everyone. Any other exception
    is a fault of ours and is not hidden. Parameters and order are those of `classify_frame`.
    """
    if model is None:
        return classify_frame(frame, None, province, top=top, catalogue=catalogue, fallback=NO_MODEL)
    _keys(frame)
    try:
        bad = model.unusable(model.read(frame))
        usable: NDArray[np.bool_] = np.asarray(~bad.any(axis=1))
        answers = iter(classify_frame(frame.loc[usable], model, province, top=top, catalogue=catalogue))
    except (ModelError, LightGBMError) as err:
        why = f"model {model.version} can't answer: {err}"
        return classify_frame(frame, None, province, top=top, catalogue=catalogue, fallback=why)
    if usable.all():
        return list(answers)
    by_rules = iter(classify_frame(frame.loc[~usable], None, province, top=top, catalogue=catalogue))
    merged: list[Classification] = []
    for ok, cells in zip(usable, bad, strict=True):
        if ok:
            merged.append(next(answers))
            continue
        names = ", ".join(name for name, flag in zip(model.indicator_names, cells, strict=True) if flag)
        why = f"model {model.version} learned from known values only; unknown or infinite here: {names}"
        merged.append(next(by_rules).model_copy(update={"fallback": why}))
    return merged


def _by_model(frame: pd.DataFrame, model: RiskModel, rules: ProvinceRules) -> _Scored:
    values = model.matrix(frame)
    margin = model.margin(values)
    exact = model.score(margin)
    points = scaled_points(
        model.contributions(values)[:, :-1],
        margin,
        model.base_margin,
        exact,
        model.base_score,
        float(model.score_map.slope(model.base_margin)),
    )
    # The published score has one decimal and the class is read off it: nobody sees 200.0 called B.
    score, base = np.round(exact, 1), round(model.base_score, 1)
    return _Scored(
        score=score,
        base_score=base,
        points=spread(points, score - base),
        inputs=values,
        names=model.indicator_names,
        families=model.families,
        labels={},
        limit=np.zeros(len(values)),
        probability=model.probability(margin),
        interval=model.interval(margin),
        versions={"model": model.version, "catalogue": model.catalogue_hash[:12], "policy": rules.version},
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
    fallback: str | None,
) -> list[Classification]:
    """Put scores, points and direct determinations together."""
    hits, unchecked = rules.determinations.hits(frame)
    names, sums = family_points(scored.points, scored.families)
    best = strongest(scored.points, top)
    missing = _missing(scored)
    insufficient = (1.0 - np.isnan(scored.inputs).mean(axis=1) < rules.bands.minimum_known).tolist()
    entries = [
        catalogue.get(name) or _Entry(name, scored.labels.get(name, name), family)
        for name, family in zip(scored.names, scored.families, strict=True)
    ]
    answers = []
    for i, (enterprise_id, cutoff) in enumerate(keys):
        score_grade: Grade = GRADES[int(rules.bands.grade_index(scored.score[i]))]
        reasons: list[Reason] = [
            reason(entries[j], float(scored.inputs[i, j]), float(scored.points[i, j]))
            for j in best[i]
            if scored.points[i, j] != 0
        ]
        by_family = {name: float(value) for name, value in zip(names, sums[i], strict=True)}
        if scored.limit[i]:
            by_family[LIMIT] = float(scored.limit[i])
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


def _catalogue(given: Catalogue | None) -> Catalogue:
    """Return the given catalogue, else features' own, imported only when it is needed."""
    if given is not None:
        return given
    from features.catalogue import CATALOGUE

    return CATALOGUE
