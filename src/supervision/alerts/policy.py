"""Policy of early warnings: ``warnings.toml``, validated."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field, model_validator

from features.contract import codes as c
from features.policy import Policy, load_policy

Kind = Literal["registration", "changes", "complaints", "jumps", "sectors"]
Level = Literal["attention", "warning", "serious"]
Answer = Literal["remind", "warn", "call_in", "inspect"]
KINDS: tuple[Kind, ...] = get_args(Kind)
LEVELS: tuple[Level, ...] = get_args(Level)
KIND_ZH: dict[Kind, str] = {
    "registration": "异常注册",
    "changes": "异常变更",
    "complaints": "投诉举报异常增长",
    "jumps": "风险分突增",
    "sectors": "行业地区违法突增",
}
LEVEL_ZH: dict[Level, str] = {"attention": "关注", "warning": "预警", "serious": "严重"}
ANSWER_ZH: dict[Answer, str] = {"remind": "提醒", "warn": "警示", "call_in": "约谈", "inspect": "检查"}

CELLS = 10_000
"""Cells that ``false_alarms`` speaks of."""
Count = Annotated[int, Field(ge=1)]


class Rated(Policy):
    """A kind's rate of false alarms: of 10,000 cells a month."""

    false_alarms: float = Field(gt=0, le=CELLS)

    @property
    def alpha(self) -> float:
        """Chance that a quiet cell raises a warning in a month."""
        return self.false_alarms / CELLS


class Bursts(Rated):
    """Many events of one cell within days."""

    window_days: Count
    base_days: Count
    look_back_days: Count
    least: int = Field(ge=2)


class Growth(Rated):
    """More events of one cell in a window than its windows before let expect."""

    window_days: Count
    base_windows: int = Field(ge=2)
    quiet_windows: int = Field(ge=0)
    least: int = Field(ge=2)


class Complaints(Growth):
    """Growth of complaints, the rejected ones discounted."""

    rejected: list[str]
    prior: float = Field(gt=0)
    size_cuts: list[int]


class Jumps(Rated):
    """Rises of the score from one published month to the next."""

    least_points: float = Field(ge=0)


class Sectors(Growth):
    """Rises of violations in an industry of a district."""

    least_firms: Count
    industry_digits: int = Field(ge=1, le=5)


class Levels(Policy):
    """Shares of a kind's threshold at which the level rises."""

    warning: float = Field(gt=0, lt=1)
    serious: float = Field(gt=0, lt=1)


class WarningsPolicy(Policy):
    """``warnings.toml``."""

    same_share: float = Field(gt=0, le=1)
    continue_months: int = Field(ge=0)
    registration: Bursts
    changes: Bursts
    complaints: Complaints
    jumps: Jumps
    sectors: Sectors
    levels: Levels
    answers: dict[Kind, tuple[Answer, Answer, Answer]]
    charge: dict[Kind, str]
    charge_by_section: dict[str, str]
    outcomes: dict[str, str]

    @model_validator(mode="after")
    def _whole(self) -> WarningsPolicy:
        for name, said in (("answers", self.answers), ("charge", self.charge)):
            if missing := sorted(set(KINDS) - set(said)):
                raise ValueError(f"{name}: nothing for {missing}")
        if self.levels.serious >= self.levels.warning:
            raise ValueError("levels: serious must be a smaller share than warning")
        if unknown := sorted(set(self.complaints.rejected) - set(c.COMPLAINT_OUTCOME.codes)):
            raise ValueError(f"complaints.rejected: no such outcomes {unknown}")
        texts = [*self.charge.values(), *self.charge_by_section.values(), *self.outcomes.values()]
        if bad := [text for text in texts if text.count("|") != 1]:
            raise ValueError(f"expected English|Chinese, got {bad}")
        return self

    def level(self, p: float, alpha: float) -> Level:
        """Return the level of a chance ``p`` below the threshold ``alpha``."""
        if p <= alpha * self.levels.serious:
            return "serious"
        return "warning" if p <= alpha * self.levels.warning else "attention"

    def answer(self, kind: Kind, level: Level) -> Answer:
        """Return the suggested answer."""
        return self.answers[kind][LEVELS.index(level)]

    def in_charge(self, kind: Kind, industry: str | None) -> tuple[str, str]:
        """Return who approves or is in charge, in English and Chinese."""
        said = self.charge[kind]
        if kind in ("complaints", "jumps", "sectors"):
            said = self.charge_by_section.get((industry or "")[:1], said)
        en, zh = said.split("|")
        return en, zh


def warnings_policy(province: str) -> WarningsPolicy:
    """Load a province's ``warnings.toml``; `features.policy` documents the errors."""
    return load_policy(province, "warnings", WarningsPolicy)
