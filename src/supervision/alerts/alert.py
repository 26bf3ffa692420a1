"""Warning: one finding with its evidence, level and suggested answer, in both languages."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from supervision.alerts.policy import ANSWER_ZH, KIND_ZH, LEVEL_ZH, Answer, Kind, Level, WarningsPolicy


@dataclass(frozen=True)
class Alert:
    """A warning.

    Parameters
    ----------
    kind, level, answer
        What it is, how grave, and what is suggested.
    enterprises
        Whom it is about, sorted.
    region, industry
        District, and industry as far as it is one.
    en, zh
        What was found.
    evidence
        Records, ``table:record_id``, sorted.
    core
        The part of them that makes the pattern: by it the same warning is known again.
    pattern
        Name of a pattern that goes on with new evidence; empty for one that does not.
    chance
        Chance that a quiet cell looks like it in a month.
    known
        Day (ISO) on which the newest evidence became known.
    charge_en, charge_zh
        Who approves or is in charge.
    """

    kind: Kind
    level: Level
    answer: Answer
    enterprises: tuple[str, ...]
    region: str
    industry: str
    en: str
    zh: str
    evidence: tuple[str, ...]
    core: tuple[str, ...]
    pattern: str
    chance: float
    known: str
    charge_en: str
    charge_zh: str

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON-ready values, with the Chinese of its codes."""
        names = {
            "kind_zh": KIND_ZH[self.kind],
            "level_zh": LEVEL_ZH[self.level],
            "answer_zh": ANSWER_ZH[self.answer],
        }
        return asdict(self) | names


@dataclass(frozen=True)
class Found:
    """What a detector found, before policy says what to do about it; the fields are `Alert`'s."""

    kind: Kind
    enterprises: tuple[str, ...]
    region: str
    industry: str
    en: str
    zh: str
    evidence: tuple[str, ...]
    core: tuple[str, ...]
    chance: float
    threshold: float
    known: str
    pattern: str = ""
    level: Level | None = None
    """Said by the detector itself; None: by how unlikely it is."""

    def judged(self, policy: WarningsPolicy) -> Alert:
        """Return the warning."""
        level = self.level or policy.level(self.chance, self.threshold)
        en, zh = policy.in_charge(self.kind, self.industry)
        return Alert(
            self.kind, level, policy.answer(self.kind, level), self.enterprises, self.region, self.industry,
            self.en, self.zh, self.evidence, self.core, self.pattern, self.chance, self.known, en, zh,
        )  # fmt: skip
