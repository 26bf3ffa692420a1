"""Policy of serving: when the rules answer in the model's place, who may ask how often, the audit trail.

It stands in ``data/policies/<province>/serving.toml``.
"""

from __future__ import annotations

from datetime import date

from pydantic import Field

from features.policy import Policy, load_policy


class AccessPolicy(Policy):
    """How often a caller may ask; a token's own line may say otherwise for itself.

    Parameters
    ----------
    calls_per_second, burst
        Calls of one token: as many a second, and at once. Several workers share them evenly.
    wrong_tokens_per_minute, wrong_token_seconds
        Wrong tokens that an address may send in a minute, and how long the answer to each further one waits.
    body_seconds
        Time that a caller has to send a body.
    """

    calls_per_second: float = Field(default=1000.0, gt=0)
    burst: int = Field(default=2000, ge=1)
    wrong_tokens_per_minute: int = Field(default=10, ge=1)
    wrong_token_seconds: float = Field(default=2.0, ge=0, le=30)
    body_seconds: float = Field(default=10.0, gt=0)


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
    audit_flush
        Seconds after which a line of the audit trail is forced to the disk at the latest; 0: before each answer.
    audit_bytes
        Size from which a file of the audit trail is put aside and a new one begun.
    access
        How often a caller may ask.
    """

    most_missing: float = Field(default=1.0, ge=0, le=1)
    most_out_of_range: float = Field(default=1.0, ge=0, le=1)
    range_factor: float = Field(default=1.0, ge=1)
    model_seconds: float = Field(default=1.0, gt=0)
    table_months: int | None = Field(default=None, ge=1)
    audit_flush: float = Field(default=1.0, ge=0, le=60)
    audit_bytes: int = Field(default=256 * 2**20, ge=2**16)
    access: AccessPolicy = Field(default_factory=AccessPolicy)

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
