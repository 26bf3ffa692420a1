"""The features' own policies, as pydantic models of `features.policy`."""

from __future__ import annotations

from pydantic import Field

from features.contract import codes
from features.policy import Policy, load_policy


class FeaturesPolicy(Policy):
    """``features.toml``: switches of indicators and evidence."""

    repaired_records_feed_indicators: bool
    peer_shrink_visits: int = Field(ge=1)
    evidence_months: dict[str, int]


class OutcomesPolicy(Policy):
    """``outcomes.toml``: what result codes say; every code stands in exactly one list."""

    violation: tuple[str, ...]
    none: tuple[str, ...]
    censored: tuple[str, ...]
    restating: tuple[str, ...]
    severity: dict[str, int]

    def model_post_init(self, _: object) -> None:
        """Check that the lists cover the code list once.

        Raises
        ------
        ValueError
            If a code is missing, doubled or unknown.
        """
        named = [*self.violation, *self.none, *self.censored]
        if sorted(named) != sorted(codes.RESULT.codes):
            raise ValueError(f"each of {sorted(codes.RESULT.codes)} must be named once, got {sorted(named)}")
        if set(self.severity) != set(self.violation):
            raise ValueError("severity must name exactly the violation codes")


class CohortPolicy(Policy):
    """``cohort.toml``: whom the classification covers."""

    exclude_types: tuple[str, ...]
    statuses: tuple[str, ...]
    min_age_days: int = Field(ge=0)


def features_policy(province: str) -> FeaturesPolicy:
    """Load a province's ``features.toml``."""
    return load_policy(province, "features", FeaturesPolicy)


def outcomes_policy(province: str) -> OutcomesPolicy:
    """Load a province's ``outcomes.toml``."""
    return load_policy(province, "outcomes", OutcomesPolicy)


def cohort_policy(province: str) -> CohortPolicy:
    """Load a province's ``cohort.toml``."""
    return load_policy(province, "cohort", CohortPolicy)
