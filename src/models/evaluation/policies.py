"""The evaluation's policies: what counts as calibrated, whom each plan visits, and when to learn again."""

from __future__ import annotations

from pydantic import Field, model_validator
from scipy.stats import binom

from features.errors import WrongKey
from features.policy import Policy, load_policy
from models.scoring.classification import Grade


class ContractPolicy(Policy):
    """``contract.toml``: how strictly the band contract is checked.

    Parameters
    ----------
    least_months
        Calendar months of the random arm, below which nothing can be told.
    level
        Of every interval, and of the percentile under perfect calibration.
    bins
        Bins of equal weight of the calibration error.
    slope
        Range in which the calibration slope's interval must lie.
    power
        Chance with which a check that passes would have noticed.
    error, group_error
        Mean error of a probability that matters, for everyone and within a group: what the power is about.
    least_visits
        A group with fewer visits is not tested, which keeps the correction for the others small.
    close
        Classes that are looked at closely: a clean firm in one of them is a false alarm.
    """

    least_months: int = Field(ge=1)
    level: float = Field(gt=0.5, lt=1)
    bins: int = Field(ge=2)
    slope: tuple[float, float]
    power: float = Field(gt=0.5, lt=1)
    error: float = Field(gt=0, lt=1)
    group_error: float = Field(gt=0, lt=1)
    least_visits: int = Field(ge=10)
    close: tuple[Grade, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _about_one(self) -> ContractPolicy:
        if not 0 < self.slope[0] < 1 < self.slope[1]:
            raise WrongKey("slope must be a range about 1", "slope")
        return self


def load_contract(province: str) -> ContractPolicy:
    """Load ``data/policies/<province>/contract.toml``."""
    return load_policy(province, "contract", ContractPolicy)


class Plan(Policy):
    """A sampling plan: yearly share of A, B, C, D drawn, and the most visits of one firm in a year (0: no cap)."""

    name_zh: str
    source: str
    shares: tuple[float, float, float, float]
    caps: tuple[int, int, int, int]
    rounds: int = Field(ge=1, le=366)

    @model_validator(mode="after")
    def _possible(self) -> Plan:
        if not all(0 <= s <= 1 for s in self.shares) or sum(self.shares) <= 0:
            raise WrongKey("shares must lie between 0 and 1, and not all be 0", "shares")
        if min(self.caps) < 0:
            raise WrongKey("caps must be 0 (none) or more", "caps")
        return self

    def visits(self) -> tuple[float, ...]:
        """Return the visits a firm of A, B, C, D can expect in a year, its cap kept.

        Drawn in rounds, a firm's visits are binomial; those beyond its cap are not made.
        """
        out = []
        for share, cap in zip(self.shares, self.caps, strict=True):
            most = min(cap or self.rounds, self.rounds)
            out.append(float(sum(binom.sf(k, self.rounds, share / self.rounds) for k in range(most))))
        return tuple(out)


class SamplingPolicy(Policy):
    """``sampling.toml``: the plans that a model's worth is told for."""

    plans: dict[str, Plan] = Field(min_length=1)


class RetrainPolicy(Policy):
    """What asks for a new model: more than chance, so large, in so many of the latest months in a row."""

    months: int = Field(ge=1)
    score_psi: float = Field(gt=0)
    class_psi: float = Field(gt=0)
    indicator_psi: float = Field(gt=0)
    indicator_share: float = Field(gt=0, le=1)
    calibration_gap: float = Field(ge=0, lt=1)


class DriftPolicy(Policy):
    """``drift.toml``: when a change is more than chance, and when it asks for a new model."""

    alarm: float = Field(gt=0.5, lt=1)
    bins: int = Field(ge=2)
    floor: float = Field(gt=0, lt=0.05)
    folklore: tuple[float, float]
    ripe_share: float = Field(gt=0, le=1)
    level: float = Field(gt=0.5, lt=1)
    retrain: RetrainPolicy


def load_sampling(province: str) -> SamplingPolicy:
    """Load ``data/policies/<province>/sampling.toml``."""
    return load_policy(province, "sampling", SamplingPolicy)


def load_drift(province: str) -> DriftPolicy:
    """Load ``data/policies/<province>/drift.toml``."""
    return load_policy(province, "drift", DriftPolicy)


JUDGED_BY = ("contract", "drift", "groups", "sampling")
"""Policies that decide the verdicts and no model: their hashes stand in the file, under ``policies``."""
