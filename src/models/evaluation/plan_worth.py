"""Worth: what a sampling plan by these classes finds per inspection, against as many visits drawn uniformly.

Off-policy estimate on the random arm: a visit drawn with probability q stands for 1/q firms, of which a plan would have
visited its expected visits v of that class, so it counts v/q; the mean outcome is self-normalised (Hajek). Uniform
draws with the same number of visits count 1/q each. Both come from the same resamples of whole enterprises, so the
difference is paired. Not seen by it: that being visited changes what a later visit finds, and draws whose visit gave no
result.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from models.arrays import Bools, Floats
from models.evaluation.intervals import kish, weighted_mean
from models.evaluation.metrics import Interval, resample
from models.evaluation.policies import ContractPolicy, Plan, SamplingPolicy
from models.evaluation.verdicts import NAN, plain
from models.evaluation.visits import TestVisits

WHAT = ("violations", "severity")
CODES = ("all", "without 6 and B")


@dataclass(frozen=True)
class Worth:
    """What one plan finds, with intervals by enterprise.

    Parameters
    ----------
    plan, name_zh, source
        The sampling plan.
    what
        "violations" found per inspection, or their "severity" (points per inspection).
    codes
        "all", or "without 6 and B": visits that are violations by those codes alone left out.
    attribute, group
        Within one group; empty for everyone.
    per_inspection, uniform, difference, lift, saved
        Found per inspection by the plan, and by uniform draws; the plan's less and over the uniform one; share of
        inspections saved while finding as much as uniform draws (1 - 1 / lift).
    visits_per_100
        Visits a year to each 100 firms.
    effective_visits
        Equal visits that would tell as much of the plan: few where it goes where the random arm hardly went.
    tells
        Whether it was measured on the random arm over the months the policy asks for; else ``text`` says why not.
    """

    plan: str
    name_zh: str
    source: str
    what: str
    codes: str
    attribute: str
    group: str
    visits: int
    months: int
    arm: str
    per_inspection: float
    per_inspection_low: float
    per_inspection_high: float
    uniform: float
    uniform_low: float
    uniform_high: float
    difference: float
    difference_low: float
    difference_high: float
    lift: float
    lift_low: float
    lift_high: float
    saved: float
    saved_low: float
    saved_high: float
    visits_per_100: float
    visits_per_100_low: float
    visits_per_100_high: float
    effective_visits: float
    tells: bool
    text: str

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return plain(self)


def worth(
    visits: TestVisits,
    sampling: SamplingPolicy,
    contract: ContractPolicy,
    *,
    repetitions: int = 2000,
    seed: int = 0,
) -> tuple[Worth, ...]:
    """Estimate every plan's worth for everyone: violations and severity, with and without codes 6 and B.

    Parameters
    ----------
    visits
        Of the random arm, weighted by 1 / draw probability.
    sampling
        The plans.
    contract
        Says how many months are needed, and the level of the intervals.
    repetitions, seed
        Of the bootstrap.
    """
    out = []
    for codes in CODES:
        kept = visits if codes == "all" else visits.without_restating()
        for what in WHAT:
            out += _estimates(kept, sampling, contract, what, codes, "", "", repetitions, seed)
    return tuple(out)


def worth_by_group(
    visits: TestVisits,
    sampling: SamplingPolicy,
    contract: ContractPolicy,
    *,
    repetitions: int = 1000,
    seed: int = 0,
) -> tuple[Worth, ...]:
    """Estimate every plan's violations per inspection within every group that has enough visits to be looked at."""
    out = []
    for attribute in visits.attributes:
        column = visits.group(attribute)
        for group in sorted(set(column)):
            rows: Bools = np.asarray(column == group)
            if int(rows.sum()) >= contract.least_visits:
                out += _estimates(
                    visits.take(rows), sampling, contract, "violations", "all", attribute, group, repetitions, seed
                )
    return tuple(out)


def expected_visits(visits: TestVisits, plan: Plan) -> Floats:
    """Return the visits a year that a plan would make to the firm of each tested visit, by its score class."""
    return np.asarray(plan.visits(), dtype=np.float64)[visits.grade]


def yearly_visits(visits: TestVisits, plan: Plan, level: float) -> Interval:
    """Return how many visits a year a plan makes to 100 firms like these, never beyond what a class can get."""
    found = weighted_mean(100 * expected_visits(visits, plan), visits.weight, visits.cluster, level)
    least, most = 100 * min(plan.visits()), 100 * max(plan.visits())
    return Interval(found.value, max(found.low, least), min(found.high, most))


def _estimates(
    visits: TestVisits,
    sampling: SamplingPolicy,
    contract: ContractPolicy,
    what: str,
    codes: str,
    attribute: str,
    group: str,
    repetitions: int,
    seed: int,
) -> list[Worth]:
    if not len(visits):
        return []
    found = visits.y if what == "violations" else visits.severity
    targets = [expected_visits(visits, plan) for plan in sampling.plans.values()]
    # Every figure is a ratio of weighted sums: one product with the resampled weights gives them all.
    columns = np.column_stack([np.ones_like(found), found, *(c for t in targets for c in (t, t * found))])
    drawn = np.concatenate([w @ columns for w in resample(visits.sample(), repetitions, seed)])
    point = (visits.weight @ columns)[None, :]
    why = _why_not(visits, contract)
    out = []
    for k, (name, plan) in enumerate(sampling.plans.items()):
        figures = _figures(point, k)
        draws = _figures(drawn, k)
        ends = {key: _ends(values, contract.level) for key, values in draws.items()}
        numbers: dict[str, float] = {}
        for key, values in figures.items():
            numbers |= {key: float(values[0]), f"{key}_low": ends[key][0], f"{key}_high": ends[key][1]}
        often = yearly_visits(visits, plan, contract.level)
        unit = "violations" if what == "violations" else "points of severity"
        text = (
            f"{name}{f', {attribute} {group}' if attribute else ''}{'' if codes == 'all' else f', {codes}'}: "
            f"{numbers['per_inspection']:.3f} {unit} per inspection "
            f"[{numbers['per_inspection_low']:.3f}, {numbers['per_inspection_high']:.3f}], "
            f"{numbers['lift']:.2f} times [{numbers['lift_low']:.2f}, {numbers['lift_high']:.2f}] as many as uniform "
            f"draws"
        )
        out.append(
            Worth(
                plan=name,
                name_zh=plan.name_zh,
                source=plan.source,
                what=what,
                codes=codes,
                attribute=attribute,
                group=group,
                visits=len(visits),
                months=visits.months,
                arm=visits.arm,
                **numbers,
                visits_per_100=often.value,
                visits_per_100_low=often.low,
                visits_per_100_high=often.high,
                effective_visits=kish((visits.weight * targets[k])[targets[k] > 0]),
                tells=not why,
                text=f"{text}{f'. {why}' if why else ''}",
            )
        )
    return out


def _figures(sums: Floats, k: int) -> dict[str, Floats]:
    """Return plan k's figures [b] from weighted sums [b, columns]."""

    def over(top: Floats, bottom: Floats) -> Floats:
        return np.divide(top, bottom, out=np.full_like(top, NAN), where=bottom > 0)

    uniform = over(sums[:, 1], sums[:, 0])
    per_inspection = over(sums[:, 3 + 2 * k], sums[:, 2 + 2 * k])
    lift = over(per_inspection, uniform)
    # Where all firms are of one class the two are equal but for rounding, which must not pass for a gain.
    difference = per_inspection - uniform
    difference[np.isclose(per_inspection, uniform, rtol=1e-9, atol=0.0)] = 0.0
    return {
        "per_inspection": per_inspection,
        "uniform": uniform,
        "difference": difference,
        "lift": lift,
        "saved": 1 - over(np.ones_like(lift), lift),
    }


def _ends(draws: Floats, level: float) -> tuple[float, float]:
    """Return the percentile interval; none where a tenth of the resamples have no answer."""
    valid = draws[np.isfinite(draws)]
    if len(valid) < max(20, 0.9 * len(draws)):
        return NAN, NAN
    low, high = np.quantile(valid, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _why_not(visits: TestVisits, contract: ContractPolicy) -> str:
    if visits.arm != "random":
        return "Not measured on a random arm: it holds for enterprises chosen as these were"
    if visits.months < contract.least_months:
        return f"{visits.months} months only, of the {contract.least_months} that the policy asks for"
    return ""
