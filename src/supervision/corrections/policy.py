"""Policy of corrections: days that people have, and what a repair asks for."""

from __future__ import annotations

from datetime import date

from pydantic import Field, model_validator

from features.contract import TABLES
from features.contract.codes import FIELD, PENALTY_KIND
from features.policy import Policy, load_policy

MEANS = {
    "duty_performed": ("performed what the decision ordered", "已履行行政处罚决定或者相关义务"),
    "commitment": ("made a credit commitment", "作出信用承诺"),
    "rectification": ("completed credit rectification", "完成信用整改"),
    "verification": ("passed a credit check", "通过信用核查"),
    "training": ("took special training", "接受专题培训"),
    "report": ("handed in a credit report", "提交信用报告"),
    "charity": ("took part in public-interest activities", "参加公益慈善活动"),
}
"""Conditions of a repair that people confirm: the duty itself, and the ways that SC (13) names."""


class Times(Policy):
    """Days until the first person has verified, and from then until the second decides."""

    review_days: int = Field(ge=0)
    decide_days: int = Field(ge=0)


class RepairPolicy(Times):
    """``[repair]``: besides, when effects end and what must be fulfilled.

    Parameters
    ----------
    effective_days
        Days from the decision to the end of the effects.
    required, one_of
        Conditions of `MEANS`: all of the first, at least one of the second.
    never
        Kinds of penalty that can't be repaired.
    least_months, field_months
        By table: months since the record's day; by field of a penalty, where longer.
    """

    effective_days: int = Field(ge=0)
    required: tuple[str, ...]
    one_of: tuple[str, ...]
    never: tuple[str, ...]
    least_months: dict[str, int]
    field_months: dict[str, int] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _known(self) -> RepairPolicy:
        for what, given, known in (
            ("required or one_of", (*self.required, *self.one_of), MEANS),
            ("never", self.never, PENALTY_KIND.codes),
            ("least_months", self.least_months, TABLES),
            ("field_months", self.field_months, FIELD.codes),
        ):
            if unknown := sorted(set(given) - set(known)):
                raise ValueError(f"{what} names {unknown}; expected some of {', '.join(known)}")
        if any(months < 0 for months in (*self.least_months.values(), *self.field_months.values())):
            raise ValueError("least_months and field_months: expected 0 or more")
        return self


class CorrectionsPolicy(Policy):
    """``corrections.toml``."""

    objection: Times
    repair: RepairPolicy

    def times(self, kind: str) -> Times:
        """Return the days of an objection or a repair."""
        return self.objection if kind == "objection" else self.repair


def load_corrections(province: str) -> CorrectionsPolicy:
    """Load a province's ``corrections.toml``."""
    return load_policy(province, "corrections", CorrectionsPolicy)


def months_later(day: date, months: int) -> date:
    """Return the same day so many months later, or the last of that month where it is shorter.

    Examples
    --------
    >>> months_later(date(2025, 8, 31), 6)
    datetime.date(2026, 2, 28)
    """
    count = day.year * 12 + day.month - 1 + months
    year, month = divmod(count, 12)
    after = date(year + (month == 11), (month + 1) % 12 + 1, 1)
    return date(year, month + 1, min(day.day, (after - date(year, month + 1, 1)).days))
