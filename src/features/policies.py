"""The features' own policies, as pydantic models of `features.policy`."""

from __future__ import annotations

from datetime import date

from pydantic import Field

from features.contract import codes
from features.errors import CatalogueError, WrongKey
from features.policy import Policy, load_policy


class Thresholds(Policy):
    """Numbers that stand in the definitions of indicators, by the name they have there (`threshold`)."""

    report_due_month: int = Field(ge=1, le=12)
    report_due_day: int = Field(ge=1, le=31)
    licence_expiring_days: int = Field(ge=1)
    capital_jump_factor: int = Field(ge=2)
    large_capital_fen: int = Field(ge=1)
    abnormal_nearing_months: int = Field(ge=1, le=36)
    problem_prior_visits: int = Field(ge=2)
    targeted_prior_visits: int = Field(ge=2)
    item_prior_visits: int = Field(ge=1)
    sample_prior_tests: int = Field(ge=2)
    neighbour_prior: int = Field(ge=2)
    upheld_prior_complaints: int = Field(ge=2)
    malicious_prior_complaints: int = Field(ge=1)
    news_prior_reports: int = Field(ge=2)
    staff_prior: int = Field(ge=1)

    def model_post_init(self, _: object) -> None:
        """Check that reports are due on a day of every year.

        Raises
        ------
        ValueError
            If there is no such day.
        """
        try:
            date(2001, self.report_due_month, self.report_due_day)
        except ValueError as err:
            day = f"{self.report_due_month}-{self.report_due_day:02}"
            raise WrongKey(f"reports are due on a day of every year, not on {day}", "report_due_day") from err


def threshold(name: str) -> str:
    """Return how an indicator's SQL and text name a threshold; `features.catalogue.declaration.Indicator.bound` puts
    the number in.

    Raises
    ------
    CatalogueError
        If the policy has none of that name.
    """
    if name not in Thresholds.model_fields:
        raise CatalogueError(f"no threshold {name!r}; features.toml has {sorted(Thresholds.model_fields)}")
    return f"${name}"


class FeaturesPolicy(Policy):
    """``features.toml``: switches of indicators and evidence, and the indicators' thresholds.

    ``uncovered_days_a_year`` stays below a month: cut-offs are a month apart, and a month that lacks is no detail.
    """

    repaired_records_feed_indicators: bool
    peer_shrink_visits: int = Field(ge=1)
    uncovered_days_a_year: int = Field(ge=0, le=27)
    evidence_months: dict[str, int]
    thresholds: Thresholds


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
            lists = {"violation": self.violation, "none": self.none, "censored": self.censored}
            strange = {c for c in named if c not in codes.RESULT.codes or named.count(c) > 1}
            where = next((key for key, given in reversed(lists.items()) if strange & set(given)), "violation")
            raise WrongKey(f"each of {sorted(codes.RESULT.codes)} must be named once, got {sorted(named)}", where)
        if set(self.severity) != set(self.violation):
            raise WrongKey("severity must name exactly the violation codes", "severity")


class CohortPolicy(Policy):
    """``cohort.toml``: whom the classification covers."""

    exclude_types: tuple[str, ...]
    statuses: tuple[str, ...]
    min_age_days: int = Field(ge=0)


class TablePolicy(Policy):
    """``table.toml``: when an indicator table may take the place of an older one."""

    most_lost: float = Field(ge=0, lt=1)


def features_policy(province: str) -> FeaturesPolicy:
    """Load a province's ``features.toml``."""
    return load_policy(province, "features", FeaturesPolicy)


def outcomes_policy(province: str) -> OutcomesPolicy:
    """Load a province's ``outcomes.toml``."""
    return load_policy(province, "outcomes", OutcomesPolicy)


def cohort_policy(province: str) -> CohortPolicy:
    """Load a province's ``cohort.toml``."""
    return load_policy(province, "cohort", CohortPolicy)


def table_policy(province: str) -> TablePolicy:
    """Load a province's ``table.toml``."""
    return load_policy(province, "table", TablePolicy)
