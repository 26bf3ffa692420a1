"""The simulation's assumptions: a policy file of the demo province, validated."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from features.contract import TABLES
from features.contract import codes as c
from features.contract.types import CodeList
from features.errors import WrongKey
from features.policy import Policy, load_policy

Share = Annotated[float, Field(ge=0, le=1)]
Days = tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]]
Four = tuple[float, float, float, float]


class Population(Policy):
    """Who there is: sizes, places, groups and shells."""

    districts: int = Field(ge=1, le=9999)
    region_tail: float
    age_mean_years: float = Field(gt=0)
    log_staff_mean: float
    log_staff_sd: float
    giant_share: Share
    giant_tail: float = Field(gt=0)
    shell_share: Share
    shells_per_batch: int = Field(ge=1)
    group_ratio: Share
    group_tail: float = Field(ge=1)
    owner_share: Share
    shared_representative: Share
    shared_address: Share
    agent_share: Share
    listed_share: Share
    high_tech_share: Share
    enterprise_types: dict[str, float]


class Latent(Policy):
    """Weights of the unseen misconduct and distress."""

    management: float
    drift: float
    group: float
    owner_pull: Share
    memory: Share
    distress_own: float
    distress_group: float
    distress_misconduct: float
    shell_misconduct: float


class Risk(Policy):
    """How the latent states become the violation probability of a visit (log odds)."""

    intercept: float
    misconduct: float
    distress: float
    both: float
    young_small: float
    old_giant: float
    size: float
    size_curve: float
    age: float
    age_log_mean: float
    age_log_sd: float = Field(gt=0)
    hollow: float
    lapsed: float
    industry: float
    hidden: float
    unfiled_found: Share
    lost_found: Share
    deterrence: float
    deterrence_memory: Share


class Life(Policy):
    """Dormancy, loss of contact, reporting and the end of enterprises."""

    cancel_per_year: Share
    move_per_year: Share
    dormant_per_year: Share
    dormant_at_start: Share
    dormant_cancel: float
    lost_per_year: Share
    lost_at_start: Share
    lost_months: float = Field(gt=1)
    dormant_lost: Share
    shell_factor: float
    on_time_logit: float
    on_time_misconduct: float
    on_time_distress: float
    late_month_hazard: Share
    late_month_hazard_dormant: Share
    revoke_after_months: int
    revoke_month_hazard: Share
    liquidation_share: Share
    licence_renewed: Share
    licence_late_renewed: Share
    licence_lapsed_at_start: Share


class Points(Policy):
    """Points of the cheap running class that sets the draw probabilities."""

    young: float
    shell_address: float
    industry: float
    listed: float
    penalty: float
    complaint: float
    sample_failed: float
    blacklisted: float
    problem_found: float
    lawsuit: float


class Inspection(Policy):
    """Draws, visits and what they find."""

    yearly_shares: tuple[Share, Share, Share, Share]
    class_cuts: tuple[float, float, float]
    point_memory: Share
    points_before: float
    not_carried_out: Share
    excused: Share
    cap_visits_per_year: int = Field(ge=1)
    inspectors_per_district: int = Field(ge=1, le=99)
    strictness_sd: float
    field_missed: Share
    closed_if_dormant: Share
    hunch: float = Field(ge=1)
    targeted_base: Share
    targeted_complaint: Share
    targeted_alert: Four
    penalty_share: Share
    talk_share: Share
    points: Points


class Complaints(Policy):
    """Shares of upheld, mediated and unfounded (the rest: found malicious) by kind of complaint."""

    genuine: tuple[Share, Share, Share]
    other: tuple[Share, Share, Share]
    campaign: tuple[Share, Share, Share]
    reports: tuple[Share, Share, Share]
    campaign_size: Days


class Penalties(Policy):
    """What penalties are made of: shares, and means of the log of amounts in yuan."""

    warning: Share
    confiscation: Share
    suspension: Share
    stripped: Share
    serious: Share
    serious_repaired: Share
    blacklist_repaired: Share
    log_fine: float
    log_taken: float


class Results(Policy):
    """Weights of the result codes of visits that found misconduct, by the trade's field."""

    food_drug: dict[str, float]
    quality: dict[str, float]
    other: dict[str, float]
    second: dict[str, float]
    two_codes: Share


class Items(Policy):
    """What visits find item by item.

    Minor failings a visit, and how much more by misconduct (log); shares of visits with misconduct where two grave
    items fail and of grave items that are critical; share of visits that find the enterprise's usual failings again.
    """

    minor: float = Field(ge=0)
    bend: float = Field(ge=0)
    two_grave: Share
    critical: Share
    again: Share


class Grades(Policy):
    """Departments' own grades: the fields that have them, weights of a trade's risk, of misconduct and of chance, and
    the cuts between grades."""

    fields: list[str]
    risk: float
    misconduct: float
    noise: float = Field(ge=0)
    cuts: list[float] = Field(min_length=1)


class Places(Policy):
    """Events around enterprises: how far from them in metres (standard deviation), and weights of their kinds."""

    spread_m: int = Field(ge=0)
    kinds: dict[str, float]


class EventRate(Policy):
    """A monthly Poisson rate: events a year at the average, and what multiplies it."""

    per_year: float = Field(ge=0)
    misconduct: float = 0.0
    distress: float = 0.0
    size: float = 0.0
    exposed: bool = False


class Corrections(Policy):
    """How often records are taken back, objected to and repaired."""

    wrong: dict[str, Share]
    revoked: dict[str, Share]
    unlawful: dict[str, Share]
    barred: dict[str, Share]
    objected: dict[str, Share]
    upheld: Share
    days: Days
    settle_days: Days
    repair_penalty: Share
    repair_refused: Share


class Industry(Policy):
    """One division of GB/T 4754 in the simulated province."""

    code: str
    weight: float = Field(gt=0)
    risk: float
    strain: float
    slope: float
    size: float
    age: float
    exposure: float = Field(ge=0)
    licence: str = ""
    field: str = "consumer"
    word: str


class Drift(Policy):
    """What changes in the middle of a history, when the options ask for it (see `simulation.world.drift`)."""

    begins: tuple[Share, Share]
    shock_size: float
    shock_half_life_months: float = Field(gt=0)
    shock_strain: float
    new_industry_share: Share
    new_industry: Industry
    rule_tables: list[str]
    rule_lag_factor: Share
    rule_complaints: float = Field(ge=0)


class SimulationPolicy(Policy):
    """All assumptions of the simulated province."""

    population: Population
    latent: Latent
    risk: Risk
    life: Life
    inspection: Inspection
    events: dict[str, EventRate]
    tells: dict[str, tuple[float, float]]
    complaints: Complaints
    penalties: Penalties
    results: Results
    items: Items
    grades: Grades
    places: Places
    lags: dict[str, Days]
    corrections: Corrections
    drift: Drift
    industries: list[Industry] = Field(min_length=2)

    @model_validator(mode="after")
    def _names_are_known(self) -> SimulationPolicy:
        missing = sorted(set(TABLES) - set(self.lags))
        if missing:
            raise WrongKey(f"lags: no reporting lag for the tables {missing}", "lags")
        for name, (least, most) in self.lags.items():
            if least > most:
                raise WrongKey(f"lags.{name}: the least ({least}) exceeds the most ({most})", "lags", name)
        types = self.population.enterprise_types
        named: list[tuple[CodeList, str, tuple[str | int, ...]]] = [
            *((c.ENTERPRISE_TYPE, code, ("population", "enterprise_types")) for code in types),
            *((c.FIELD, each.field, ("industries", at, "field")) for at, each in enumerate(self.industries)),
            *((c.FIELD, code, ("grades", "fields")) for code in self.grades.fields),
            *((c.PLACE_EVENT, code, ("places", "kinds")) for code in self.places.kinds),
            *(
                (c.RESULT, code, ("results", key))
                for key in ("food_drug", "quality", "other", "second")
                for code in getattr(self.results, key)
            ),
            *(
                (c.LICENCE_KIND, each.licence, ("industries", at, "licence"))
                for at, each in enumerate(self.industries)
                if each.licence
            ),
        ]
        for among, code, place in named:
            if code not in among:
                raise WrongKey(f"a code that the source contract does not have: {code!r}", *place)
        return self


def load_simulation(province: str = "demo") -> SimulationPolicy:
    """Load the simulation policy of a province; `features.policy` documents the errors."""
    return load_policy(province, "simulation", SimulationPolicy)
