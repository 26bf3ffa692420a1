"""Served: the approved model, or the rules and why."""

from __future__ import annotations

from dataclasses import dataclass

from models.scoring.classification import FallbackCode
from models.scoring.risk_model import RiskModel

NO_MODEL = "no approved model"
"""Why the rules answer where no model is approved."""


@dataclass(frozen=True)
class Signed:
    """One act of the sign-off: what was done, by whom, on which day (ISO)."""

    action: str
    by: str
    on: str


@dataclass(frozen=True)
class Served:
    """What answers: the approved model, or the rules and why.

    Parameters
    ----------
    province
        Whose bands, points and direct rules apply.
    model, version
        The approved model and its registered version; None lets the rules answer.
    why, code
        Without a model: the reason, given with every answer, and its kind.
    signed
        With a model: who proposed and who approved it, when.

    Examples
    --------
    >>> Served("hebei").why
    'no approved model'
    """

    province: str
    model: RiskModel | None = None
    version: str | None = None
    why: str = NO_MODEL
    code: FallbackCode | None = "no_model"
    signed: tuple[Signed, ...] = ()
