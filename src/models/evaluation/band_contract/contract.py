"""The band contract: what the classes promise, checked on at least a year of the random arm.

Four promises, each with a verdict of its own, on score classes before any direct determination:

- *rise*: the observed rate rises from A to B to C to D. Pass where the interval of a neighbouring difference lies above
  0; fail where it lies below 0 at a level corrected for the three differences (Bonferroni).
- *range*: each class's interval lies inside its promised range (pass), outside it (fail), or straddles an end.
- *calibration_error*: fail where the error exceeds the percentile of its distribution under perfect calibration; pass
  only where the test would have noticed an error that matters with the stated power.
- *calibration_slope*: its interval against the promised range about 1, as for *range*.

Both calibration checks are made again within every group of every group column. Fails are then corrected for the
number of groups looked at, over all columns together, one family a check (Holm). A pass needs no correction: the
contract passes only when all checks do, and a claim of all is as sure as the least sure of them (Berger 1982). Where
nothing fails but some checks have too few visits, the contract's verdict is "cannot tell", and each of them says how
many would do.

Families of tests, each wrong about a perfect model in at most one case in twenty, are wrong together in more: a perfect
model failed one in 102 of 800 simulated years, one in eight (``make test-long``). A single fail among the groups is a
question to ask, not yet an answer; the gate stops at it all the same, and a person decides what to change.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from models.arrays import Bools
from models.evaluation.band_contract.checks import calibration_checks, group_checks
from models.evaluation.intervals import difference, effective_size, weighted_rate
from models.evaluation.metrics import Interval
from models.evaluation.policies import ContractPolicy
from models.evaluation.verdicts import (
    NAN,
    Check,
    Verdict,
    inside,
    overall,
    plain,
    se_to_tell,
    sentence,
    visits_for,
)
from models.evaluation.visits import TestVisits
from models.scoring.bands import BandPolicy
from models.scoring.classification import GRADES, Grade


@dataclass(frozen=True)
class ClassRate:
    """A class on the tested visits; ``direct`` classes are those of direct determinations, outside the contract.

    ``share`` is the design-weighted share of the class; ``expected`` the mean probability said of it.
    """

    grade: str
    direct: bool
    visits: int
    violations: int
    enterprises: int
    share: float
    expected: float
    rate: float
    low: float
    high: float
    promised_low: float
    promised_high: float


@dataclass(frozen=True)
class BandContract:
    """The contract's verdict and everything it rests on.

    ``for_everyone`` and ``within_groups`` are the verdicts of the checks of either kind alone; the latter is "pass"
    where no group was asked for. ``groups`` counts the groups tested (the family of Holm's correction),
    ``groups_small`` those with too few visits.
    """

    verdict: Verdict
    for_everyone: Verdict
    within_groups: Verdict
    arm: str
    statement: str
    reasons: tuple[str, ...]
    first_month: str
    last_month: str
    months: int
    visits: int
    violations: int
    enterprises: int
    level: float
    bins: int
    groups: int
    groups_small: int
    classes: tuple[ClassRate, ...]
    checks: tuple[Check, ...]

    def of(self, check: str, *, groups: bool = False) -> tuple[Check, ...]:
        """Return the checks of one kind: for everyone, or within groups."""
        return tuple(c for c in self.checks if c.check == check and bool(c.attribute) == groups)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return plain(self)

    @property
    def text(self) -> str:
        """The contract in plain lines: the verdict, why, then every check that does not pass."""
        lines = [
            f"Band contract: {self.verdict} (everyone: {self.for_everyone}; within groups: {self.within_groups}). "
            f"{self.visits:,} visits to {self.enterprises:,} enterprises in "
            f"{self.months} months, {self.violations:,} with a violation.",
            self.statement,
            *self.reasons,
        ]
        passed = sum(c.verdict == "pass" for c in self.checks)
        lines.append(f"{passed} of {len(self.checks)} checks pass.")
        lines += [f"{c.verdict}: {c.text}" for c in self.checks if c.verdict != "pass"]
        return "\n".join(lines)


def check_band_contract(
    visits: TestVisits,
    bands: BandPolicy,
    policy: ContractPolicy,
    *,
    seed: int = 0,
    attributes: tuple[str, ...] | None = None,
) -> BandContract:
    """Check the promises of the classes on tested visits.

    Parameters
    ----------
    visits
        Out of time, with design weights.
    bands
        Whose ``promised`` ranges hold.
    policy
        How strictly; see `ContractPolicy`.
    seed
        Of the simulations.
    attributes
        Group columns to look within; all there are by default.

    Returns
    -------
    BandContract
        Without a random arm, or with fewer months than the policy asks for, every verdict is "cannot tell", the
        figures are shown all the same, and ``reasons`` says why.
    """
    reasons = []
    if visits.arm != "random":
        reasons.append("There is no random arm: what holds for all enterprises can't be measured.")
    if visits.months < policy.least_months:
        reasons.append(
            f"{visits.months} months of visits are fewer than the {policy.least_months} that the policy asks for."
        )
    rates = class_rates(visits, bands, policy.level)
    wanted = visits.attributes if attributes is None else attributes
    found, tested, small = group_checks(visits, policy, seed, wanted)
    checks = [
        *_rises(visits, rates, policy),
        *_ranges(visits, rates, policy),
        *calibration_checks(visits, policy, seed),
        *found,
    ]
    if reasons:
        checks = [_untold(c, visits, policy) for c in checks]
    months = np.unique(visits.month)
    return BandContract(
        overall(c.verdict for c in checks),
        overall(c.verdict for c in checks if not c.attribute),
        overall(c.verdict for c in checks if c.attribute) if found else "pass",
        visits.arm,
        visits.statement,
        tuple(reasons),
        str(months[0]) if len(months) else "",
        str(months[-1]) if len(months) else "",
        visits.months,
        len(visits),
        int(visits.y.sum()),
        visits.enterprises,
        policy.level,
        policy.bins,
        tested,
        small,
        rates,
        tuple(checks),
    )


def _untold(check: Check, visits: TestVisits, policy: ContractPolicy) -> Check:
    """Take a verdict back: too few months want so many times the visits, and without a random arm none would do."""
    needed = None
    if visits.arm == "random" and visits.months:
        year = math.ceil(check.visits * policy.least_months / visits.months)
        if check.verdict != "cannot tell":
            needed = year
        elif check.visits_to_tell is not None:
            needed = max(year, check.visits_to_tell)
    return replace(check, verdict="cannot tell", visits_to_tell=needed)


def class_rates(visits: TestVisits, bands: BandPolicy, level: float) -> tuple[ClassRate, ...]:
    """Rates of the four score classes, also of those nobody fell into; then of the direct determinations, if told."""
    out = [
        _class_rate(visits, visits.grade == i, grade, bands.promised(grade), level) for i, grade in enumerate(GRADES)
    ]
    if "direct" in visits.frame.columns:
        direct = visits.frame["direct"].fillna("").to_numpy(dtype=object)
        out += [_class_rate(visits, direct == grade, grade, None, level) for grade in GRADES if (direct == grade).any()]
    return tuple(out)


def _class_rate(
    visits: TestVisits, rows: Bools, grade: Grade, promised: tuple[float, float] | None, level: float
) -> ClassRate:
    w = visits.weight[rows]
    rate = weighted_rate(visits.y[rows], w, visits.cluster[rows], level)
    low, high = promised or (NAN, NAN)
    return ClassRate(
        grade,
        promised is None,
        int(rows.sum()),
        int(visits.y[rows].sum()),
        len(np.unique(visits.cluster[rows])),
        float(w.sum() / visits.weight.sum()) if len(visits) else NAN,
        float(np.average(visits.probability[rows], weights=w)) if rows.any() else NAN,
        rate.value,
        rate.low,
        rate.high,
        low,
        high,
    )


def _planned_se(visits: TestVisits, at: int, rate: float) -> float:
    """Standard error that a class's rate would have if it were as said; NaN where nobody fell into the class."""
    rows = visits.grade == at
    size = effective_size(visits.y[rows], visits.weight[rows], visits.cluster[rows])
    return math.sqrt(rate * (1 - rate) / size) if size > 0 else NAN


def _rises(visits: TestVisits, rates: tuple[ClassRate, ...], policy: ContractPolicy) -> list[Check]:
    out = []
    pairs = len(GRADES) - 1
    for i in range(pairs):
        one, other = rates[i], rates[i + 1]
        name, n = f"{one.grade}<{other.grade}", one.visits + other.visits
        wide, strict = (_difference(visits, i, level) for level in (policy.level, 1 - (1 - policy.level) / pairs))
        verdict: Verdict = "cannot tell"
        if wide.low > 0:
            verdict = "pass"
        elif strict.high < 0:
            verdict = "fail"
        needed = None
        if verdict == "cannot tell" and one.visits and other.visits and other.expected > one.expected:
            se = math.hypot(_planned_se(visits, i, one.expected), _planned_se(visits, i + 1, other.expected))
            wanted = se_to_tell(other.expected - one.expected, (0.0, math.inf), policy.level, policy.power)
            needed = visits_for(n, se, wanted)
        text = f"the rate of {other.grade} less that of {one.grade} is {_percent(wide)}"
        if not (one.visits and other.visits):
            text = f"no visits in class {one.grade if not one.visits else other.grade}"
        out.append(
            Check(
                "rise",
                name,
                verdict,
                sentence(f"{name}: {text}", verdict, needed),
                n,
                value=wide.value,
                low=wide.low,
                high=wide.high,
                promised_low=0.0,
                promised_high=1.0,
                visits_to_tell=needed,
            )
        )
    return out


def _difference(visits: TestVisits, at: int, level: float) -> Interval:
    one, other = (
        weighted_rate(visits.y[rows], visits.weight[rows], visits.cluster[rows], level)
        for rows in (visits.grade == at, visits.grade == at + 1)
    )
    return difference(one, other)


def _ranges(visits: TestVisits, rates: tuple[ClassRate, ...], policy: ContractPolicy) -> list[Check]:
    out = []
    for i, c in enumerate(r for r in rates if not r.direct):
        promised = (c.promised_low, c.promised_high)
        verdict = inside(c.low, c.high, promised)
        # A rate is never below 0 nor above 1: such an end can't be passed.
        ends = (-math.inf if promised[0] <= 0 else promised[0], math.inf if promised[1] >= 1 else promised[1])
        needed = None
        if verdict == "cannot tell":
            truth = c.expected if c.visits else (promised[0] + promised[1]) / 2
            wanted = se_to_tell(truth, ends, policy.level, policy.power)
            se = _planned_se(visits, i, truth) if c.visits else math.sqrt(truth * (1 - truth))
            needed = visits_for(c.visits or 1, se, wanted)
        seen = _percent(Interval(c.rate, c.low, c.high)) if c.visits else "not seen: no visits"
        text = f"class {c.grade}: rate {seen}, promised {promised[0]:.1%} to {promised[1]:.1%}"
        out.append(
            Check(
                "range",
                c.grade,
                verdict,
                sentence(text, verdict, needed),
                c.visits,
                value=c.rate,
                low=c.low,
                high=c.high,
                promised_low=promised[0],
                promised_high=promised[1],
                visits_to_tell=needed,
            )
        )
    return out


def _percent(interval: Interval) -> str:
    return f"{interval.value:.1%} [{interval.low:.1%}, {interval.high:.1%}]"
