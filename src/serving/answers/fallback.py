"""Fallback: the one place where model and rules meet.

Whatever happens to the model, every row gets an answer: where the model can't answer, the rules do, and the
answer says so (``source``) and why (``fallback``).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
import pandas as pd
from lightgbm.basic import LightGBMError

from features.errors import ConfigError
from models.arrays import Bools
from models.errors import ModelError
from models.scoring.classification import Classification
from models.scoring.classify import classify_frame, classify_scored, indexed
from models.scoring.columns import Scored, scored_by_model
from models.scoring.reasons.texts import Catalogue
from models.scoring.risk_model import RiskModel
from models.scoring.rules.province import ProvinceRules
from serving.current.served import Served

log = logging.getLogger("fenlei.serving")


def classify(
    frame: pd.DataFrame, served: Served, rules: ProvinceRules, *, top: int = 5, catalogue: Catalogue | None = None
) -> list[Classification]:
    """Classify every row, by the rules where the model can't.

    A row is read once, judged usable once and explained once.

    Parameters
    ----------
    frame
        As `features.compute_indicators` gives it.
    served
        What answers.
    rules
        Bands, points and direct rules of the province.
    top
        Reasons to give.
    catalogue
        Names, units and directions for the reasons; the catalogue of features by default.

    Returns
    -------
    list of Classification
        In the order of the rows. Rows that the model can't read or gives no finite margin, and all rows if the
        model raises anything at all, are answered by the rules, with ``fallback`` naming the model and why.

    Raises
    ------
    models.errors.ModelInputError
        If the index isn't (enterprise_id, cutoff).

    Examples
    --------
    With ``frame`` indicators:

    >>> [one] = classify(frame.head(1), Served("hebei"), load_rules("hebei"))
    >>> one.source, one.fallback
    ('rules', 'no approved model')
    """
    if not isinstance(served, Served):
        raise ConfigError(
            f"expected what answers, such as Served('hebei', model, version), got {type(served).__name__}"
        )
    frame = indexed(frame)
    found = by_model(frame, served, rules)
    if found.scored is None:
        return classify_frame(frame, None, rules, top=top, catalogue=catalogue, fallback=found.why)
    answered = classify_scored(frame.loc[found.good], found.scored, rules, top=top, catalogue=catalogue)
    if found.good.all():
        return answered
    others = classify_frame(frame.loc[~found.good], None, rules, top=top, catalogue=catalogue)
    rest = iter(answer.model_copy(update={"fallback": w}) for answer, w in zip(others, found.lost, strict=True))
    best = iter(answered)
    return [next(best if ok else rest) for ok in found.good]


@dataclass(frozen=True)
class ByModel:
    """What the model said of a frame.

    Parameters
    ----------
    scored
        Of the rows in ``good``; None where the model answers none at all, and ``why`` says why not.
    good
        The rows that it answers [n].
    lost
        For each other row, why not.
    """

    scored: Scored | None
    good: Bools
    lost: list[str]
    why: str = ""


def by_model(frame: pd.DataFrame, served: Served, rules: ProvinceRules) -> ByModel:
    """Ask the model about every row; whatever happens to it, the caller learns which rows are left to the rules."""
    model = served.model
    nobody = np.zeros(len(frame), dtype=np.bool_)
    if model is None:
        return ByModel(None, nobody, [], served.why)
    try:
        values = model.read(frame)
        bad = model.unusable(values)
        readable = ~bad.any(axis=1)
        explained = model.explain(values[readable])
        finite = np.isfinite(explained.margin)
        good = nobody.copy()
        good[readable] = finite
        scored = scored_by_model(explained.take(finite), model, rules, served.version)
        return ByModel(scored, good, [_why(model, cells) for cells in bad[~good]])
    except (ModelError, LightGBMError) as err:
        return ByModel(None, nobody, [], f"model {model.version} can't answer: {err}")
    except Exception as err:
        # A model is data from outside: whatever it does, the enterprise still gets an answer.
        log.exception("model %s failed; the rules answer", model.version)
        return ByModel(None, nobody, [], f"model {model.version} failed: {type(err).__name__}")


def _why(model: RiskModel, unusable: Bools) -> str:
    """Say why the model has no answer for a row."""
    names = ", ".join(name for name, flag in zip(model.indicator_names, unusable, strict=True) if flag)
    if names:
        return f"model {model.version} learned from known values only; unknown or infinite here: {names}"
    return f"model {model.version} gave no finite margin"
