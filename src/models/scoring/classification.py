"""Classification: the one type of an answer, the same in the service and the notebooks.

Everything in it is frozen and survives JSON: ``Classification.from_json(c.to_json()) == c``. A later field
must have a default, so that a ledger written earlier can still be read.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

Grade = Literal["A", "B", "C", "D"]
AnsweredBy = Literal["model", "rules"]
GRADES: tuple[Grade, ...] = ("A", "B", "C", "D")
"""The classes of SAMR (7) and HB 9, from low risk to high."""

GRADE_ZH: dict[Grade, str] = {
    "A": "信用风险低",
    "B": "信用风险一般",
    "C": "信用风险较高",
    "D": "信用风险高",
}

FallbackCode = Literal[
    "no_model",
    "hash_mismatch",
    "not_as_signed",
    "signed_otherwise",
    "model_unreadable",
    "model_error",
    "model_slow",
    "not_learned",
    "too_many_missing",
    "out_of_range",
    "table_too_old",
]
"""Why the rules answered where a model was asked for; stable, for logs, metrics and calling systems.

``not_as_signed``: the record or the alias does not hold. ``signed_otherwise``: under another catalogue, policy or cuts
than hold now. ``not_learned``: a value unknown or infinite
where the model only saw known ones.
"""

LIMIT = "limit"
"""Key in ``family_points`` of what clipping the rules' sum to 0-1000 took off or added."""


def _known(value: object) -> object:
    return float("nan") if value is None else value


def _json_safe(value: float) -> float | None:
    return None if value != value else value


Value = Annotated[
    float,
    BeforeValidator(_known),
    PlainSerializer(_json_safe, return_type=float | None, when_used="json"),
]
"""An indicator's value; unknown is NaN in Python and null in JSON, which has no NaN."""


Chance = Annotated[float, Field(ge=0, le=1)]


class Answer(BaseModel):
    """Base of the answer's parts: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Reason(Answer):
    """One indicator's share of the score.

    ``points`` are what it adds to (or takes off) the base score; ``value`` is the indicator as computed, in
    its unit, NaN when unknown. For programs, and the same whatever the words: ``code``, the indicator and the state of
    its value (`models.scoring.reasons.values.state`); ``standing``, its place among its peers
    (`models.scoring.reasons.standing.standing`), empty where it was compared with nobody; ``group`` of the catalogue.
    """

    indicator: str
    zh: str
    family: str
    value: Value
    points: float
    text_en: str
    text_zh: str
    code: str = ""
    standing: str = ""
    group: str = ""

    def __eq__(self, other: object) -> bool:
        # Two unknown values are the same answer, though NaN != NaN.
        if not isinstance(other, Reason):
            return NotImplemented
        mine, its = self.model_dump(), other.model_dump()
        if mine["value"] != mine["value"] and its["value"] != its["value"]:
            mine["value"] = its["value"] = None
        return mine == its

    def __hash__(self) -> int:
        return hash((self.indicator, self.points, self.text_en))


class Determination(Answer):
    """A direct determination that was hit (HB 12, 13), with the records that hit it."""

    rule: str
    grade: Grade
    evidence: tuple[str, ...] = Field(min_length=1)
    text_en: str
    text_zh: str


class Override(Answer):
    """A class that two officials set for one enterprise in the place of the computed one (HB 8), until it ends.

    Parameters
    ----------
    number
        Of the proposal in the record of overrides, where who signed stands.
    grade, instead_of
        Class they set, and the class the answer would have without it.
    reason
        Why, in their words.
    since, until
        First day it holds, and the first day it no longer does.
    text_en, text_zh
        The same as a sentence.
    """

    number: int = Field(ge=0)
    grade: Grade
    instead_of: Grade
    reason: str
    since: date
    until: date
    text_en: str
    text_zh: str


class Classification(Answer):
    """The credit risk class of one enterprise at one cut-off, with its reasons.

    Parameters
    ----------
    enterprise_id, cutoff
        Whom and when: the month that starts at the cut-off.
    score
        0 to 1000, one decimal, higher is riskier. `score_grade` is read off exactly this number.
    grade, score_grade
        Class after and before the direct determinations and `insufficient`; the first is never the better one.
    source
        Who answered; `fallback` says why the rules did although a model was asked for, and ``fallback_code`` which kind
        of cause that is.
    probability
        Chance that a random-arm visit in the month finds a violation; None when the rules answered.
    probability_interval
        Ends of the interval for the mean risk of all enterprises with this score (level in the model): how sure the
        calibration is, not how far a single enterprise may lie from it. The probability lies within, and both ends
        rise with the score. None when the rules answered, or with a model that was signed without one.
    reasons
        The strongest first.
    determinations
        Every direct rule hit, D before C.
    base_score, family_points
        ``base_score + sum(family_points.values()) == score`` to 1e-6. When the rules answered, the key
        "limit" holds what clipping to 0-1000 changed.
    group_points
        The same sum by the catalogue's 25 groups, "limit" too; empty in answers of earlier versions.
    missing
        Columns that the answer had to do without (stated neutral points, or a direct rule not checked).
    versions
        Of model, catalogue and policy (all policy files of the province together).
    insufficient
        Whether less is known than the province asks for class A (``minimum_known`` in bands.toml): then
        `grade` is B at best, whatever the score.
    override
        What two officials set in the place of the computed class; None: nothing. `score_grade` stays the score's.

    Examples
    --------
    With ``frame`` indicators and ``model`` a signed model:

    >>> [one] = classify_frame(frame.head(1), model, load_rules("hebei"))
    >>> Classification.from_json(one.to_json()) == one
    True
    """

    enterprise_id: str
    cutoff: date
    score: float = Field(ge=0, le=1000)
    grade: Grade
    score_grade: Grade
    source: AnsweredBy
    probability: float | None = Field(default=None, ge=0, le=1)
    probability_interval: tuple[Chance, Chance] | None = None
    reasons: tuple[Reason, ...] = ()
    determinations: tuple[Determination, ...] = ()
    base_score: float
    family_points: dict[str, float]
    missing: tuple[str, ...] = ()
    fallback: str | None = None
    versions: dict[str, str] = Field(default_factory=dict)
    insufficient: bool = False
    override: Override | None = None
    group_points: dict[str, float] = Field(default_factory=dict)

    @property
    def raising(self) -> tuple[Reason, ...]:
        """The reasons that raise the score, the strongest first."""
        return tuple(r for r in self.reasons if r.points > 0)

    @property
    def lowering(self) -> tuple[Reason, ...]:
        """The reasons that lower the score, the strongest first."""
        return tuple(r for r in self.reasons if r.points < 0)

    fallback_code: FallbackCode | None = None

    def to_json(self) -> str:
        """Return the answer as one line of JSON; Chinese stays readable, unknown values become null."""
        return self.model_dump_json()

    @classmethod
    def from_json(cls, text: str | bytes) -> Classification:
        """Read what `to_json` wrote; pydantic's ``ValidationError`` names the field that is wrong."""
        return cls.model_validate_json(text)


def worse(one: Grade, other: Grade) -> Grade:
    """Return the riskier of two grades."""
    return max(one, other, key=GRADES.index)
