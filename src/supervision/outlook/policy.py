"""Policy of the outlook: ``outlook.toml``, validated."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from features.policy import Policy, load_policy

Inside = Annotated[float, Field(gt=0, lt=1)]
Count = Annotated[int, Field(ge=1)]


class Check(Policy):
    """How well a directed check is to know: half-width and confidence of a rate, size and power of a test."""

    half_width: float = Field(gt=0, lt=0.5)
    confidence: Inside
    false_alarm: Inside
    power: Inside


class OutlookPolicy(Policy):
    """``outlook.toml``."""

    industry_characters: int = Field(ge=1, le=5)
    least_firms: int = Field(ge=2)
    confidence: Inside
    most_months: Count
    least_months: int = Field(ge=2)
    worth_above: float = Field(ge=1)
    ranked: Count
    multiples: Count
    check: Check

    @model_validator(mode="after")
    def _months(self) -> OutlookPolicy:
        if self.least_months > self.most_months:
            raise ValueError("least_months exceeds most_months")
        return self


def outlook_policy(province: str) -> OutlookPolicy:
    """Load a province's ``outlook.toml``; `features.policy` documents the errors."""
    return load_policy(province, "outlook", OutlookPolicy)
