"""What the service tells of one enterprise: its class now, and every class that was published of it."""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel, ConfigDict, Field

from models.remedies.result import Remedies
from models.scoring.classification import AnsweredBy, Classification, Grade


class Told(BaseModel):
    """Base of the parts: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class PublishedClass(Told):
    """One published row: a month as it first was, or a revision of it.

    Parameters
    ----------
    month, revision, cause
        Which; 0 is the month as it was first published, and a later one says why.
    published_on, released_by
        Day of the ledger's record, and who released a month that was held; empty where the gate let it pass.
    covered
        Whether the enterprise was in the cohort, by what this revision knew.
    grade, computed_grade, score_grade, score, probability
        As in a Classification; ``computed_grade`` is the class before an override.
    override
        Class that two officials set; null: none.
    source, fallback_code
        Who answered, and why the rules did although a model was wanted.
    model, registered, policy
        Versions.
    determinations
        Direct rules that were hit.
    moved_class_by
        Why the class moved since the month before; null: it stayed, or is not told.
    """

    month: str
    revision: int
    cause: str
    published_on: date
    released_by: str
    covered: bool
    grade: Grade
    computed_grade: Grade
    score_grade: Grade
    score: float
    probability: float | None
    override: str | None
    source: AnsweredBy
    fallback_code: str | None
    model: str
    registered: str | None
    policy: str
    determinations: tuple[str, ...]
    moved_class_by: str | None


class Enterprise(Told):
    """One enterprise.

    Parameters
    ----------
    enterprise_id
        Whose.
    current
        Its class by what is served now; null where the current month does not hold it, and ``no_current`` says why.
    history
        Every published row, oldest month first, revisions after what they revise.
    """

    enterprise_id: str
    current: Classification | None
    no_current: str = ""
    history: tuple[PublishedClass, ...] = Field(default=())


class WhatIfAnswer(Told):
    """What would help one enterprise, or where it would stand after named acts.

    Parameters
    ----------
    source, versions
        Who judged, and by which versions.
    searched
        Whether the fewest acts were looked for; false: ``result.acts`` are the named ones in which there is something
        to do, done together.
    result
        Acts, score and class before and after.
    answer
        What the enterprise may be told, English and Chinese: acts and days, never a score or class (HB 5).
    """

    source: AnsweredBy
    versions: dict[str, str]
    searched: bool
    result: Remedies
    answer: tuple[tuple[str, str], ...]
