"""Fallback: the one place where model and rules meet.

Whatever happens to the model, every row gets an answer: where the model can't answer, the rules do, and the
answer says so (``source``) and why (``fallback``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.errors import ConfigError
from models.arrays import Bools
from models.scoring.classification import Classification
from models.scoring.classify import classify_frame, classify_scored, indexed
from models.scoring.columns import Scored, scored_by_model
from models.scoring.reasons.texts import Catalogue
from models.scoring.rows import Cause
from models.scoring.rules.province import ProvinceRules
from serving.current.policy import ServingPolicy
from serving.current.ready import failure, unfit
from serving.current.served import Served


def classify(
    frame: pd.DataFrame,
    served: Served,
    rules: ProvinceRules,
    *,
    top: int = 5,
    catalogue: Catalogue | None = None,
    policy: ServingPolicy | None = None,
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
    policy
        When the rules answer in the model's place; by default only where it can't.

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
    found = by_model(frame, served, rules, policy)
    if found.scored is None:
        return _by_rules(frame, rules, top, catalogue, found.lost)
    answered = classify_scored(frame.loc[found.good], found.scored, rules, top=top, catalogue=catalogue)
    if found.good.all():
        return answered
    rest = iter(_by_rules(frame.loc[~found.good], rules, top, catalogue, found.lost))
    best = iter(answered)
    return [next(best if ok else rest) for ok in found.good]


def _by_rules(
    frame: pd.DataFrame, rules: ProvinceRules, top: int, catalogue: Catalogue | None, causes: Sequence[Cause]
) -> list[Classification]:
    answers = classify_frame(frame, None, rules, top=top, catalogue=catalogue)
    return [
        one.model_copy(update={"fallback": cause.why, "fallback_code": cause.code})
        for one, cause in zip(answers, causes, strict=True)
    ]


@dataclass(frozen=True)
class ByModel:
    """What the model said of a frame.

    Parameters
    ----------
    scored
        Of the rows in ``good``; None where the model answers none at all.
    good
        The rows that it answers [n].
    lost
        For each other row, why not.
    """

    scored: Scored | None
    good: Bools
    lost: list[Cause]


def by_model(frame: pd.DataFrame, served: Served, rules: ProvinceRules, policy: ServingPolicy | None = None) -> ByModel:
    """Ask the model about every row; whatever happens to it, the caller learns which rows are left to the rules."""
    model, n = served.model, len(frame)
    nobody = np.zeros(n, dtype=np.bool_)
    if model is None:
        return ByModel(None, nobody, [Cause(served.code or "no_model", served.why)] * n)
    try:
        values = model.read(frame)
        why = unfit(model, values, policy or ServingPolicy())
        fit = np.ones(n, dtype=np.bool_)
        fit[list(why)] = False
        explained = model.explain(values[fit])
        finite = np.isfinite(explained.margin)
        why |= {
            int(i): Cause("model_error", f"model {model.version} gave no finite margin")
            for i in np.flatnonzero(fit)[~finite]
        }
        good = fit.copy()
        good[fit] = finite
        scored = scored_by_model(explained.take(finite), model, rules, served.version)
        return ByModel(scored, good, [why[i] for i in np.flatnonzero(~good).tolist()])
    except Exception as err:  # noqa: BLE001 - failure logs it
        return ByModel(None, nobody, [failure(model, err)] * n)
