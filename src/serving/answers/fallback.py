"""The one place where model, rules and fallback meet; the service and the monthly run both call it.

Whatever happens to the model, every row gets an answer: where the model can't answer, the rules do, and the
answer says so (``source``) and why (``fallback``).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.scoring.classification import Classification
from models.scoring.classify import NO_MODEL, classify_frame, classify_with_fallback
from models.scoring.risk_model import RiskModel

log = logging.getLogger("fenlei.serving")


@dataclass(frozen=True)
class Served:
    """What answers: the approved model, or the rules and why.

    Parameters
    ----------
    province
        Whose bands, points and direct rules apply.
    model, version
        The approved model and its registered version; None lets the rules answer.
    why
        Without a model: the reason, given with every answer.
    """

    province: str
    model: RiskModel | None = None
    version: str | None = None
    why: str = NO_MODEL


def classify(frame: pd.DataFrame, served: Served, *, top: int = 5) -> list[Classification]:
    """Classify every row, by the rules where the model can't.

    Parameters
    ----------
    frame
        As `features.compute_indicators` gives it.
    served
        What answers.
    top
        Reasons to give.

    Returns
    -------
    list of Classification
        In the order of the rows. Rows without a finite margin, and all rows if the model raises anything at all,
        are answered by the rules, with ``fallback`` naming the model and the kind of failure.
    """
    model = served.model
    if model is None:
        return classify_frame(frame, None, served.province, top=top, fallback=served.why)
    try:
        finite = _finite(frame, model)
        good = iter(_versioned(classify_with_fallback(frame.loc[finite], model, served.province, top=top), served))
        lost = f"model {model.version} gave no finite margin"
    except Exception as err:
        # A model is data from outside: whatever it does, the enterprise still gets an answer.
        log.exception("model %s failed; the rules answer", model.version)
        finite, good = np.zeros(len(frame), dtype=bool), iter(())
        lost = f"model {model.version} failed: {type(err).__name__}"
    if finite.all():
        return list(good)
    rest = iter(classify_frame(frame.loc[~finite], None, served.province, top=top, fallback=lost))
    return [next(good if ok else rest) for ok in finite]


def _finite(frame: pd.DataFrame, model: RiskModel) -> np.ndarray:
    """Tell which rows the model gives a finite margin; rows that it can't read are left to its own fallback."""
    if not set(model.indicator_names) <= set(frame.columns):
        return np.ones(len(frame), dtype=bool)
    values = model.read(frame)
    readable = ~model.unusable(values).any(axis=1)
    finite = np.ones(len(frame), dtype=bool)
    if readable.any():
        finite[readable] = np.isfinite(model.margin(values[readable]))
    return finite


def _versioned(answers: list[Classification], served: Served) -> Iterator[Classification]:
    """Add the registered version to the model's answers: people know it by that number."""
    for answer in answers:
        if answer.source == "model" and served.version is not None:
            yield answer.model_copy(update={"versions": {**answer.versions, "registered": served.version}})
        else:
            yield answer
