"""Answers of rows as arrays: the model's, and the rules' where it has none, as `serving.answers.fallback` gives them.

The way of a single call: what does not change between calls is held in `Ready`, made once for each snapshot.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
from lightgbm.basic import LightGBMError

from models.arrays import Floats
from models.errors import ModelError, ModelFileError
from models.scoring.classification import Classification
from models.scoring.reasons.texts import Catalogue
from models.scoring.risk_model import RiskModel
from models.scoring.rows import Cause, Rows, Scorer
from models.scoring.rules.province import ProvinceRules
from serving.current.policy import ServingPolicy
from serving.current.served import Served

log = logging.getLogger("fenlei.serving")


class Ready:
    """Model and rules, made ready for rows of given columns.

    Parameters
    ----------
    columns
        Names of the columns of `Rows.values`.
    served
        What answers.
    rules
        Bands, points and direct rules of the province.
    catalogue
        Names and units for the reasons; the province's by default.
    policy
        When the rules answer in the model's place; by default only where it can't.

    Examples
    --------
    With ``frame`` indicators:

    >>> from datetime import date
    >>> names = [c for c in frame.columns if not c.startswith("evidence_")]
    >>> ready = Ready(names, Served("hebei"), load_rules("hebei"))
    >>> [one] = ready.classify(Rows(["E1"], [date(2026, 1, 1)], frame[names].to_numpy()[:1], [{}]))
    >>> one.source, one.fallback
    ('rules', 'no approved model')
    """

    def __init__(
        self,
        columns: Sequence[str],
        served: Served,
        rules: ProvinceRules,
        catalogue: Catalogue | None = None,
        policy: ServingPolicy | None = None,
    ) -> None:
        self.served = served
        self._policy = policy or ServingPolicy()
        self._rules = Scorer(columns, None, rules, catalogue=catalogue)
        self._model: Scorer | None = None
        self._why = Cause(served.code or "no_model", served.why)
        if served.model is not None:
            try:
                self._model = Scorer(columns, served.model, rules, catalogue=catalogue, registered=served.version)
            except Exception as err:  # noqa: BLE001 - failure logs it
                self._why = failure(served.model, err)

    @property
    def by_model(self) -> bool:
        """Whether there is a model to answer."""
        return self._model is not None

    def classify(self, rows: Rows, *, top: int = 5) -> list[Classification]:
        """Classify every row, by the rules where the model can't; see `serving.answers.fallback.classify`."""
        model = self.served.model
        if self._model is None or model is None:
            return self.by_rules(rows, [self._why] * len(rows), top)
        try:
            answers, why = self._by_model(self._model, model, rows, top)
        except Exception as err:  # noqa: BLE001 - failure logs it
            return self.by_rules(rows, [failure(model, err)] * len(rows), top)
        if not why:
            return [answer for answer in answers if answer is not None]
        rest = iter(self.by_rules(rows.take(list(why)), list(why.values()), top))
        return [next(rest) if answer is None else answer for answer in answers]

    def by_rules(self, rows: Rows, why: Sequence[Cause], top: int) -> list[Classification]:
        """Let the rules answer every row, each for its cause."""
        return self._rules.classify(rows, top=top, fallback=why)

    def _by_model(
        self, scorer: Scorer, model: RiskModel, rows: Rows, top: int
    ) -> tuple[list[Classification | None], dict[int, Cause]]:
        """Return the model's answers, None where it has none, and why not, by place."""
        inputs = scorer.read(rows.values)
        why = unfit(model, inputs, self._policy)
        if not why:
            answers, finite = scorer.answers(rows, inputs, top=top)
            places = list(range(len(rows)))
        else:
            answers = [None] * len(rows)
            places = [i for i in range(len(rows)) if i not in why]
            found, finite = scorer.answers(rows.take(places), inputs[places], top=top)
            for place, answer in zip(places, found, strict=True):
                answers[place] = answer
        if not finite.all():
            lost = Cause("model_error", f"model {scorer.version} gave no finite margin")
            why |= {places[k]: lost for k in np.flatnonzero(~finite).tolist()}
        return answers, dict(sorted(why.items()))


def unfit(model: RiskModel, inputs: Floats, policy: ServingPolicy) -> dict[int, Cause]:
    """Say which rows are not for the model, by place: unlearned gaps, too many, too much out of range.

    Parameters
    ----------
    model
        What would answer.
    inputs
        Its indicators as it reads them [n, k].
    policy
        How much it may lack.
    """
    why: dict[int, Cause] = {}
    missing = np.isnan(inputs).sum(axis=1)
    width = inputs.shape[1]
    for i in np.flatnonzero(missing > policy.most_missing * width).tolist():
        said = f"{missing[i]} of the {width} indicators of model {model.version} are unknown"
        why[i] = Cause("too_many_missing", f"{said}, at most {policy.most_missing:.0%} may be")
    if policy.most_out_of_range < 1 and model.linear is not None:
        far = model.linear.beyond(inputs, policy.range_factor)
        for i in np.flatnonzero(far > policy.most_out_of_range * (width - missing)).tolist():
            said = f"{far[i]} indicators lie beyond what model {model.version} has seen"
            why[i] = Cause("out_of_range", f"{said}, at most {policy.most_out_of_range:.0%} of the known ones may")
    bad = model.unusable(inputs)
    for i in np.flatnonzero(bad.any(axis=1)).tolist():
        names = ", ".join(model.indicator_names[k] for k in np.flatnonzero(bad[i]))
        why[i] = Cause(
            "not_learned", f"model {model.version} learned from known values only; unknown or infinite here: {names}"
        )
    return why


def failure(model: RiskModel | None, err: Exception) -> Cause:
    """Say why a model can't answer at all; what it was not expected to raise goes to the log."""
    version = "" if model is None else model.version
    if isinstance(err, ModelFileError):
        return Cause("model_unreadable", f"model {version} can't answer: {err}")
    if isinstance(err, ModelError | LightGBMError):
        return Cause("model_error", f"model {version} can't answer: {err}")
    # A model is data from outside: whatever it does, the enterprise still gets an answer.
    log.error("model %s failed; the rules answer", version, exc_info=err)
    return Cause("model_error", f"model {version} failed: {type(err).__name__}")
