"""Served: the approved model, or the rules and why."""

from __future__ import annotations

from dataclasses import dataclass

from models.scoring.risk_model import RiskModel

NO_MODEL = "no approved model"
"""Why the rules answer where no model is approved."""


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

    Examples
    --------
    >>> Served("hebei").why
    'no approved model'
    """

    province: str
    model: RiskModel | None = None
    version: str | None = None
    why: str = NO_MODEL
