"""Fallback: the one place where model and rules meet.

Whatever happens to the model, every row gets an answer: where the model can't answer, the rules do, and the
answer says so (``source``) and why (``fallback``).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.errors import ConfigError
from models.arrays import Bools
from models.scoring.classification import Classification
from models.scoring.classify import classify_explained, classify_frame, indexed
from models.scoring.reasons.texts import Catalogue
from models.scoring.risk_model import RiskModel
from models.scoring.rows import Cause
from models.scoring.rules.province import ProvinceRules
from serving.current.ready import failure
from serving.current.served import Served


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
    frame, model = indexed(frame), served.model
    if model is None:
        return _by_rules(frame, rules, top, catalogue, Cause(served.code or "no_model", served.why))
    try:
        answered, good, lost = _by_model(frame, model, served, rules, top, catalogue)
    except Exception as err:  # noqa: BLE001 - failure logs it
        return _by_rules(frame, rules, top, catalogue, failure(model, err))
    if good.all():
        return answered
    others = classify_frame(frame.loc[~good], None, rules, top=top, catalogue=catalogue)
    rest = (_because(answer, why) for answer, why in zip(others, lost, strict=True))
    best = iter(answered)
    return [next(best if ok else rest) for ok in good]


def _by_rules(
    frame: pd.DataFrame, rules: ProvinceRules, top: int, catalogue: Catalogue | None, why: Cause
) -> list[Classification]:
    return [_because(one, why) for one in classify_frame(frame, None, rules, top=top, catalogue=catalogue)]


def _because(answer: Classification, why: Cause) -> Classification:
    return answer.model_copy(update={"fallback": why.why, "fallback_code": why.code})


def _by_model(
    frame: pd.DataFrame, model: RiskModel, served: Served, rules: ProvinceRules, top: int, catalogue: Catalogue | None
) -> tuple[list[Classification], Bools, list[Cause]]:
    """Return the model's answers, which rows they are of, and for each other row why it has none."""
    values = model.read(frame)
    bad = model.unusable(values)
    readable = ~bad.any(axis=1)
    explained = model.explain(values[readable])
    finite = np.isfinite(explained.margin)
    good = np.zeros(len(frame), dtype=np.bool_)
    good[readable] = finite
    answered = classify_explained(
        frame.loc[good],
        model,
        explained.take(finite),
        rules,
        top=top,
        catalogue=catalogue,
        registered=served.version,
    )
    return answered, good, [_why(model, cells) for cells in bad[~good]]


def _why(model: RiskModel, unusable: Bools) -> Cause:
    """Say why the model has no answer for a row."""
    names = ", ".join(name for name, flag in zip(model.indicator_names, unusable, strict=True) if flag)
    if names:
        return Cause(
            "not_learned", f"model {model.version} learned from known values only; unknown or infinite here: {names}"
        )
    return Cause("model_error", f"model {model.version} gave no finite margin")
