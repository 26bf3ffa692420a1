"""Answers of rows as arrays: the model's, and the rules' where it has none, as `serving.answers.fallback` gives them.

The way of a single call: what does not change between calls is held in `Ready`, made once for each snapshot.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
from lightgbm.basic import LightGBMError

from models.errors import ModelError
from models.scoring.classification import Classification
from models.scoring.reasons.texts import Catalogue
from models.scoring.rows import Rows, Scorer
from models.scoring.rules.province import ProvinceRules
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

    Examples
    --------
    With ``frame`` indicators:

    >>> names = [c for c in frame.columns if not c.startswith("evidence_")]
    >>> ready = Ready(names, Served("hebei"), load_rules("hebei"))
    >>> [one] = ready.classify(Rows(["E1"], [date(2026, 1, 1)], frame[names].to_numpy()[:1], [{}]))
    >>> one.source, one.fallback
    ('rules', 'no approved model')
    """

    def __init__(
        self, columns: Sequence[str], served: Served, rules: ProvinceRules, catalogue: Catalogue | None = None
    ) -> None:
        self.served = served
        self._rules = Scorer(columns, None, rules, catalogue=catalogue)
        self._model: Scorer | None = None
        self._why = served.why
        if served.model is not None:
            try:
                self._model = Scorer(columns, served.model, rules, catalogue=catalogue, registered=served.version)
            except Exception as err:  # noqa: BLE001 - _failure logs it
                self._why = self._failure(err)

    def classify(self, rows: Rows, *, top: int = 5) -> list[Classification]:
        """Classify every row, by the rules where the model can't; see `serving.answers.fallback.classify`."""
        if self._model is None:
            return self._rules.classify(rows, top=top, fallback=self._why)
        try:
            answers, why = self._by_model(self._model, rows, top)
        except Exception as err:  # noqa: BLE001 - _failure logs it
            return self._rules.classify(rows, top=top, fallback=self._failure(err))
        if not why:
            return [answer for answer in answers if answer is not None]
        left = self._rules.classify(rows.take(list(why)), top=top, fallback=list(why.values()))
        rest = iter(left)
        return [next(rest) if answer is None else answer for answer in answers]

    def _by_model(self, scorer: Scorer, rows: Rows, top: int) -> tuple[list[Classification | None], dict[int, str]]:
        """Return the model's answers, None where it has none, and why not, by place."""
        inputs = scorer.read(rows.values)
        bad = scorer.unusable(inputs)
        readable = ~bad.any(axis=1)
        answers: list[Classification | None]
        if readable.all():
            answers, _ = scorer.answers(rows, inputs, top=top)
        else:
            answers = [None] * len(rows)
            places = np.flatnonzero(readable).tolist()
            found, _ = scorer.answers(rows.take(places), inputs[readable], top=top)
            for place, answer in zip(places, found, strict=True):
                answers[place] = answer
        return answers, {i: self._gap(scorer, bad[i]) for i, answer in enumerate(answers) if answer is None}

    def _gap(self, scorer: Scorer, cells: np.ndarray) -> str:
        version = scorer.model.version if scorer.model is not None else ""
        if names := ", ".join(scorer.unusable_names(cells)):
            return f"model {version} learned from known values only; unknown or infinite here: {names}"
        return f"model {version} gave no finite margin"

    def _failure(self, err: Exception) -> str:
        """Say why the model can't answer at all; what it was not expected to raise goes to the log."""
        version = self.served.model.version if self.served.model is not None else ""
        if isinstance(err, ModelError | LightGBMError):
            return f"model {version} can't answer: {err}"
        # A model is data from outside: whatever it does, the enterprise still gets an answer.
        log.error("model %s failed; the rules answer", version, exc_info=err)
        return f"model {version} failed: {type(err).__name__}"
