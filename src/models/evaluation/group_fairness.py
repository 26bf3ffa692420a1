"""Fairness by group: calibration, visits under a plan, and clean firms in the classes that are looked at closely.

Three questions for every group: do its probabilities hold (tested, corrected by Holm over all groups); how often is it
visited under a plan, compared with everyone; and how many of its clean firms are put into a class that is looked at
closely. The last two are described with intervals, not judged: a group with more violations ought to be visited more.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from models.arrays import Bools, Floats
from models.evaluation.band_contract.checks import group_checks
from models.evaluation.intervals import NOTHING, linear_variance, quantile, ratio, weighted_rate
from models.evaluation.metrics import Interval
from models.evaluation.plan_worth import expected_visits, yearly_visits
from models.evaluation.policies import ContractPolicy, Plan
from models.evaluation.verdicts import Check, Verdict, overall, plain
from models.evaluation.visits import TestVisits
from models.scoring.classification import GRADES


@dataclass(frozen=True)
class GroupFairness:
    """One group of one column.

    Parameters
    ----------
    firms_share
        Design-weighted share of the group.
    rate, expected, observed_over_expected
        Observed and said violation rate, and their ratio.
    burden
        Visits a year to each 100 of its firms under the plan; ``burden_ratio`` is over that of everyone.
    needless
        Share of the plan's visits to the group that find nothing.
    false_alarms
        Share of its clean firms put into a class that is looked at closely (``close`` in contract.toml);
        ``misses``: of its violating firms put into none of them.
    calibration
        Verdict of the calibration error after Holm's correction; ``slope`` that of the slope.
    """

    attribute: str
    group: str
    arm: str
    visits: int
    enterprises: int
    firms_share: float
    rate: float
    rate_low: float
    rate_high: float
    expected: float
    observed_over_expected: float
    observed_over_expected_low: float
    observed_over_expected_high: float
    burden: float
    burden_low: float
    burden_high: float
    burden_ratio: float
    burden_ratio_low: float
    burden_ratio_high: float
    needless: float
    needless_low: float
    needless_high: float
    false_alarms: float
    false_alarms_low: float
    false_alarms_high: float
    misses: float
    misses_low: float
    misses_high: float
    calibration: Verdict
    slope: Verdict
    text: str


@dataclass(frozen=True)
class Fairness:
    """All groups under one plan; ``verdict`` is that of calibration within groups."""

    plan: str
    arm: str
    statement: str
    verdict: Verdict
    groups_tested: int
    groups_small: int
    groups: tuple[GroupFairness, ...]
    checks: tuple[Check, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return plain(self)

    @property
    def text(self) -> str:
        """Plain lines: the verdict, then one line a group."""
        head = (
            f"Calibration within groups: {self.verdict} ({self.groups_tested} groups tested, corrected by Holm; "
            f"{self.groups_small} too small). Burden by the plan {self.plan}."
        )
        return "\n".join([head, self.statement, *(g.text for g in self.groups)])


def fairness(
    visits: TestVisits,
    plan: Plan,
    contract: ContractPolicy,
    *,
    name: str = "",
    seed: int = 0,
    checks: tuple[Check, ...] | None = None,
) -> Fairness:
    """Look at every group of every column.

    Parameters
    ----------
    visits
        With group columns; of the random arm, weighted, if it is to hold for all firms.
    plan
        Whose visits are the burden; ``name`` names it.
    contract
        Level, bins, power and least visits, as in the band contract.
    seed
        Of the simulations.
    checks
        Those of the band contract, if it was checked on the same visits: they are not computed twice.
    """
    if checks is None:
        found, _, _ = group_checks(visits, contract, seed, visits.attributes)
        if visits.arm != "random":
            found = [_untold(c) for c in found]
        checks = tuple(found)
    else:
        checks = tuple(c for c in checks if c.attribute)
    verdicts = {(c.attribute, c.group, c.check): c.verdict for c in checks}
    groups = []
    for attribute in visits.attributes:
        column = visits.group(attribute)
        for group in sorted(set(column)):
            rows: Bools = np.asarray(column == group)
            groups.append(
                _group(
                    visits,
                    rows,
                    plan,
                    contract,
                    attribute,
                    group,
                    verdicts.get((attribute, group, "calibration_error"), "cannot tell"),
                    verdicts.get((attribute, group, "calibration_slope"), "cannot tell"),
                )
            )
    small = sum(g.visits < contract.least_visits for g in groups)
    return Fairness(
        name,
        visits.arm,
        visits.statement,
        overall(c.verdict for c in checks),
        len(groups) - small,
        small,
        tuple(groups),
        checks,
    )


def _untold(check: Check) -> Check:
    return replace(check, verdict="cannot tell")


def _group(
    visits: TestVisits,
    rows: Bools,
    plan: Plan,
    contract: ContractPolicy,
    attribute: str,
    group: str,
    calibration: Verdict,
    slope: Verdict,
) -> GroupFairness:
    level = contract.level
    y, w, c = visits.y[rows], visits.weight[rows], visits.cluster[rows]
    p, target = visits.probability[rows], expected_visits(visits, plan)
    close = np.isin(np.asarray(GRADES)[visits.grade[rows]], contract.close).astype(np.float64)
    rate = weighted_rate(y, w, c, level)
    over = ratio(y, p, w, c, level)
    burden = yearly_visits(visits.take(rows), plan, level)
    visited = target[rows] > 0
    needless = weighted_rate(1 - y[visited], (w * target[rows])[visited], c[visited], level)
    false_alarms = weighted_rate(close[y == 0], w[y == 0], c[y == 0], level)
    misses = weighted_rate(1 - close[y == 1], w[y == 1], c[y == 1], level)
    relative = _burden_ratio(visits, rows, target, level)
    text = (
        f"{attribute} {group}: {len(y):,} visits, rate {rate.value:.1%} of {np.average(p, weights=w):.1%} said, "
        f"calibration {calibration}; {burden.value:.1f} visits a year to 100 firms, {relative.value:.2f} times "
        f"everyone's; {false_alarms.value:.1%} of clean firms in {' or '.join(contract.close)}"
    )
    return GroupFairness(
        attribute,
        group,
        visits.arm,
        len(y),
        len(np.unique(c)),
        float(w.sum() / visits.weight.sum()),
        *_three(rate),
        float(np.average(p, weights=w)),
        *_three(over),
        *_three(burden),
        *_three(relative),
        *_three(needless),
        *_three(false_alarms),
        *_three(misses),
        calibration,
        slope,
        text,
    )


def _burden_ratio(visits: TestVisits, rows: Bools, target: Floats, level: float) -> Interval:
    """Return visits per firm in the group over those of everyone; the group is part of everyone."""
    inside = rows.astype(np.float64)
    w = visits.weight
    mine, firms, all_, every = (float(w @ v) for v in (inside * target, inside, target, np.ones_like(inside)))
    if mine <= 0 or all_ <= 0:
        return NOTHING if all_ <= 0 else Interval(0.0)
    influence = w * (inside * target / mine - inside / firms - target / all_ + 1 / every)
    half = quantile(w, visits.cluster, level) * math.sqrt(linear_variance(influence, visits.cluster))
    value = (mine / firms) / (all_ / every)
    return Interval(value, value * math.exp(-half), value * math.exp(half))


def _three(interval: Interval) -> tuple[float, float, float]:
    return interval.value, interval.low, interval.high
