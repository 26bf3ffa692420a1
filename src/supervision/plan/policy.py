"""Policy of the spot-check plan: shares, random share, capacity, must-checks, who is left alone, what is shown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import Field, model_validator

from features.near import did_you_mean
from features.policy import Policy, load_policy, load_toml
from models.evaluation.policies import Plan as Shares
from models.evaluation.policies import load_sampling
from models.scoring.classification import Grade
from supervision.errors import PlanError
from supervision.measures import FIELDS, MeasuresPolicy, load_measures


class CapacityPolicy(Policy):
    """``[capacity]``: visits of a pair a month, digits of its district, fields that need a specialist."""

    visits_per_pair: int = Field(ge=1, le=1000)
    district_digits: int = Field(ge=2, le=6)
    specialist: tuple[str, ...] = ()


class MustPolicy(Policy):
    """``[must]``: direct determinations once a year; open complaints that make a visit, of so many months (0: none)."""

    determined: bool
    open_complaints: int = Field(ge=0)
    complaint_months: int = Field(ge=1, le=60)


class AlonePolicy(Policy):
    """``[alone]``: classes that are not visited unprompted, and whether the random share reaches them."""

    classes: tuple[Grade, ...]
    random_share: bool


class NewPolicy(Policy):
    """``[new]``: new industries, their observation period, and who is visited there only when triggered."""

    industries: tuple[str, ...]
    months: int = Field(ge=0, le=120)
    observed: tuple[Grade, ...]
    triggered: tuple[Grade, ...]

    @model_validator(mode="after")
    def _not_the_riskiest(self) -> NewPolicy:
        if "D" in (*self.observed, *self.triggered):
            raise ValueError("class D gets strict measures also in new industries (SAMR (10), HB 20(3))")
        return self


class SheetPolicy(Policy):
    """``[sheet]``: what the printed list shows."""

    show_class: bool
    show_score: bool
    reasons: int = Field(ge=0, le=5)


PLAN_COLUMNS = (
    "plan_id", "enterprise_id", "uscc", "name", "district", "grade", "measure_grade", "main_field", "items", "items_zh",
    "arm", "why", "probability_ppm", "fate", "pair", "reasons",
)  # fmt: skip
"""Columns of a plan's table."""


class PlatformPolicy(Policy):
    """``[platform]``: columns of the file for the platform, in order."""

    columns: tuple[str, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _known(self) -> PlatformPolicy:
        for name in self.columns:
            if name not in PLAN_COLUMNS:
                raise ValueError(f"{name!r} is no column of a plan{did_you_mean(name, list(PLAN_COLUMNS))}")
        return self


class PlanPolicy(Policy):
    """``plan.toml``.

    Parameters
    ----------
    sampling
        Plan of ``sampling.toml`` that says the shares, caps and rounds.
    first_month
        First month of the year of plans.
    least_random
        Least share of the draws with one chance for everyone.
    level
        Of intervals.
    special_actions
        Fields whose special action runs.
    field_shares
        Yearly shares of A to D in a field, where others than the class's; the greater counts.
    province
        Whose policy it is, where a file given by hand says so.
    """

    sampling: str
    first_month: int = Field(ge=1, le=12)
    least_random: float = Field(ge=0, lt=1)
    level: float = Field(gt=0.5, lt=1)
    special_actions: tuple[str, ...] = ()
    field_shares: dict[str, tuple[float, float, float, float]] = Field(default_factory=dict)
    capacity: CapacityPolicy
    must: MustPolicy
    alone: AlonePolicy
    new: NewPolicy
    sheet: SheetPolicy
    platform: PlatformPolicy
    province: str | None = None

    @model_validator(mode="after")
    def _known(self) -> PlanPolicy:
        for name in (*self.special_actions, *self.field_shares, *self.capacity.specialist):
            if name not in FIELDS:
                raise ValueError(f"{name!r} is no field of the contract{did_you_mean(name, list(FIELDS))}")
        for name, shares in self.field_shares.items():
            if not all(0 <= s <= 1 for s in shares):
                raise ValueError(f"field_shares.{name}: shares must lie between 0 and 1")
        return self


@dataclass(frozen=True)
class Rules:
    """All policies that a plan keeps.

    Parameters
    ----------
    province
        Whose.
    plan
        ``plan.toml``.
    shares
        The plan of ``sampling.toml`` that it names.
    measures
        ``measures.toml``.
    """

    province: str
    plan: PlanPolicy
    shares: Shares
    measures: MeasuresPolicy


def plan_rules(province: str, file: Path | None = None) -> Rules:
    """Load the policies of a province's plans; ``file`` stands in ``plan.toml``'s place.

    Raises
    ------
    ConfigError
        If a policy is missing or wrong.
    PlanError
        If the file is another province's, or names a sampling plan that there is none of.
    """
    plan = load_policy(province, "plan", PlanPolicy) if file is None else load_toml(file, PlanPolicy)
    if file is not None and plan.province not in (None, province):
        raise PlanError(f"{file}: it is the policy of {plan.province}, and the plan is {province}'s")
    there = load_sampling(province).plans
    if plan.sampling not in there:
        near = did_you_mean(plan.sampling, list(there))
        raise PlanError(f"plan.toml: sampling is {plan.sampling!r}; sampling.toml has {', '.join(there)}{near}")
    return Rules(province, plan, there[plan.sampling], load_measures(province))
