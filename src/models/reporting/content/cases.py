"""The visits that the model got most wrong, with its reasons: what a reviewer knows about them no metric can say."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from features.catalogue.declaration import Indicator
from features.contract.codes import RESULT
from models.evaluation import TestVisits
from models.losses import log_losses
from models.reporting.page import Case
from models.scoring.classification import GRADES
from models.scoring.reasons.points import pointed, strongest
from models.scoring.reasons.texts import reason
from models.scoring.risk_model import RiskModel
from models.study.dataset import Part

EACH = 5
"""Missed violations, and false alarms: so many of each."""
REASONS = 3


def most_wrong(
    model: RiskModel, part: Part, visits: TestVisits, known: Mapping[str, Indicator], each: int = EACH
) -> tuple[Case, ...]:
    """Return the visits with the greatest log loss: violations said unlikely, then clean visits said likely.

    Parameters
    ----------
    model, part, visits
        The model, the test, and what the model said of it, row by row the same.
    known
        Catalogue, for the words of the reasons.
    each
        At most so many of either kind, of different enterprises.
    """
    loss = log_losses(visits.probability, visits.y)
    ids = part.enterprise
    chosen: list[int] = []
    for found in (1.0, 0.0):
        rows = np.flatnonzero(visits.y == found)
        ranked = rows[np.lexsort((ids[rows].astype(str), -loss[rows]))]
        seen: dict[str, int] = {}
        for i in ranked:
            seen.setdefault(str(ids[i]), int(i))
            if len(seen) == each:
                break
        chosen += seen.values()
    if not chosen:
        return ()
    said = pointed(model, model.explain(part.X[chosen]))
    best = strongest(said.points, REASONS)
    direct = visits.frame["direct"].tolist() if "direct" in visits.frame.columns else [""] * len(visits)
    out = []
    for k, i in enumerate(chosen):
        words = [
            reason(known[model.indicator_names[j]], float(part.X[i, j]), float(said.points[k, j]))
            for j in best[k]
            if said.points[k, j] != 0
        ]
        out.append(
            Case(
                enterprise_id=str(ids[i]),
                month=str(visits.month[i]),
                violation=bool(visits.y[i] == 1),
                probability=float(visits.probability[i]),
                score=float(said.score[k]),
                grade=GRADES[visits.grade[i]],
                direct=str(direct[i] or ""),
                loss=float(loss[i]),
                codes=codes_of(str(part.outcomes["result_codes"].iloc[i])),
                reasons=tuple((r.text_en, r.text_zh) for r in words),
            )
        )
    return tuple(out)


def codes_of(text: str) -> tuple[tuple[str, str, str], ...]:
    """Return each result code of a visit with its English and Chinese meaning; an unknown code stands for itself."""
    codes = [c.strip() for c in text.split(";") if c.strip()]
    return tuple((c, *RESULT.codes.get(c, ("unknown code", "未知代码"))) for c in codes)
