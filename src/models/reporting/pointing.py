"""Points of the score for rows of a model: the one step that cases and differences share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.scoring.reasons.texts import scaled_points, spread
from models.scoring.risk_model import RiskModel

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Pointed:
    """Scores and points of n rows.

    Parameters
    ----------
    score
        Published scores, one decimal [n].
    grade
        Classes by score, before direct determinations.
    points
        What each indicator adds to the base score [n, k]; a row sums to score less base.
    """

    score: Floats
    grade: list[str]
    points: Floats


def pointed(model: RiskModel, X: Floats) -> Pointed:
    """Score rows [n, k] and tell what each indicator adds, as the service does."""
    margin = model.margin(X)
    exact = model.score(margin)
    slope = float(model.score_map.slope(model.base_margin))
    points = scaled_points(model.contributions(X)[:, :-1], margin, model.base_margin, exact, model.base_score, slope)
    score = np.round(exact, 1)
    return Pointed(score, list(model.grades(score)), spread(points, score - round(model.base_score, 1)))
