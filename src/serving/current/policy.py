"""Policy of serving: when the rules answer in the model's place; ``data/policies/<province>/serving.toml``."""

from __future__ import annotations

from datetime import date

from pydantic import Field

from features.policy import Policy, load_policy


class ServingPolicy(Policy):
    """When the rules answer in the model's place.

    Parameters
    ----------
    most_missing
        Share of the model's indicators that may be unknown.
    most_out_of_range, range_factor
        Share of the known indicators that may lie beyond what the model saw when it learned, and by which factor of
        ``1 + |x|`` a value must lie beyond to count.
    model_seconds
        What the model may take for a light call.
    table_months
        Whole months that the indicator table may be old; None: any.
    """

    most_missing: float = Field(default=1.0, ge=0, le=1)
    most_out_of_range: float = Field(default=1.0, ge=0, le=1)
    range_factor: float = Field(default=1.0, ge=1)
    model_seconds: float = Field(default=1.0, gt=0)
    table_months: int | None = Field(default=None, ge=1)

    def too_old(self, cutoff: date, today: date) -> str:
        """Say why a table is too old, nothing where it is not.

        Examples
        --------
        >>> ServingPolicy(table_months=2).too_old(date(2026, 1, 1), date(2026, 3, 31))
        ''
        >>> ServingPolicy(table_months=2).too_old(date(2026, 1, 1), date(2026, 4, 1))
        'the indicator table of 2026-01-01 is 3 months old, at most 2 are allowed'
        """
        months = (today.year - cutoff.year) * 12 + today.month - cutoff.month
        if self.table_months is None or months <= self.table_months:
            return ""
        return f"the indicator table of {cutoff} is {months} months old, at most {self.table_months} are allowed"


def serving_policy(province: str) -> ServingPolicy:
    """Load a province's ``serving.toml``."""
    return load_policy(province, "serving", ServingPolicy)
