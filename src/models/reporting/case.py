"""Case of one enterprise at a cut-off: all that its page and the terminal show, read from records or from a table.

Reading and showing are apart: whoever has a `Classification` from elsewhere can show it the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from features.table.behind import Behind, Row
from models.scoring.classification import Classification, Grade


@dataclass(frozen=True)
class Month:
    """Score and class of an earlier month."""

    cutoff: date
    score: float
    grade: Grade


@dataclass(frozen=True)
class Texts:
    """Lines of text in both languages, one a line."""

    en: tuple[str, ...] = ()
    zh: tuple[str, ...] = ()


@dataclass(frozen=True)
class Case:
    """One enterprise, classified, with what stands behind it.

    Parameters
    ----------
    found
        The answer, with enough reasons for a page.
    cuts, closed
        The scores between A, B, C and D, and to which side one at a cut belongs, as in bands.toml.
    name, code
        Of the enterprise, where they are known and can't name a person; else empty.
    behind
        Records behind the reasons, by indicator.
    evidence
        Records of the direct determinations, by ``table:record_id``.
    history
        Earlier months, oldest first, as the present model or rules score what was known then.
    helps
        What would help it, as texts made elsewhere; empty where nobody has looked.
    reminder
        The text of a reminder to it (SAMR (11)); empty without.
    signed
        Who signed the model that answers; of the rules, that nobody need.
    """

    found: Classification
    cuts: tuple[float, float, float]
    closed: str
    name: str = ""
    code: str = ""
    behind: Mapping[str, Behind] = field(default_factory=dict)
    evidence: Mapping[str, Row] = field(default_factory=dict)
    history: tuple[Month, ...] = ()
    helps: Texts = Texts()
    reminder: str = ""
    signed: Texts = Texts()
