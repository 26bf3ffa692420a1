"""The band contract's calibration checks: for everyone, and within every group after Holm's correction."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.stats import t as student

from models.evaluation.band_contract.calibration_tests import ErrorTest, Slope, calibration_slope, error_test
from models.evaluation.band_contract.power import ErrorPower
from models.evaluation.intervals import degrees
from models.evaluation.policies import ContractPolicy
from models.evaluation.verdicts import Check, Verdict, holm, inside, se_to_tell, sentence, visits_for
from models.evaluation.visits import TestVisits

EVERYONE = "everyone"


@dataclass(frozen=True)
class _Seen:
    """Both calibration figures of one set of visits, before any verdict; ``slope_p`` is against the promised range."""

    subject: str
    attribute: str
    group: str
    visits: TestVisits
    error: ErrorTest
    slope: Slope
    slope_p: float


def calibration_checks(visits: TestVisits, policy: ContractPolicy, seed: int) -> list[Check]:
    """Check error and slope for everyone."""
    if not len(visits):
        text = "everyone: no visits"
        return [Check(kind, EVERYONE, "cannot tell", text, 0) for kind in ("calibration_error", "calibration_slope")]
    seen = _look(visits, policy, seed, "", "", 1)
    return [_error_check(seen, seen.error.p_value, policy, 1, seed), _slope_check(seen, seen.slope_p, policy)]


def group_checks(
    visits: TestVisits, policy: ContractPolicy, seed: int, attributes: tuple[str, ...]
) -> tuple[list[Check], int, int]:
    """Check error and slope within every group of every column, fails corrected for how many groups are tested.

    Which groups are tested is decided by their number of visits alone, never by what was found there.

    Returns
    -------
    checks, tested, small
        Two checks a group; how many groups were tested, and how many have too few visits.
    """
    groups = [(a, str(g), visits.group(a) == g) for a in attributes for g in sorted(set(visits.group(a)))]
    large = [(a, g, rows) for a, g, rows in groups if int(rows.sum()) >= policy.least_visits]
    small = [(a, g, rows) for a, g, rows in groups if int(rows.sum()) < policy.least_visits]
    seen = [_look(visits.take(rows), policy, seed, a, g, len(large)) for a, g, rows in large]
    errors, slopes = holm([s.error.p_value for s in seen]), holm([s.slope_p for s in seen])
    out: list[Check] = []
    for s, error_p, slope_p in zip(seen, errors, slopes, strict=True):
        out += [_error_check(s, error_p, policy, len(large), seed), _slope_check(s, slope_p, policy)]
    for a, g, rows in small:
        n = int(rows.sum())
        text = f"{a} {g}: {n} visits, fewer than the {policy.least_visits} of a group that is tested"
        for kind in ("calibration_error", "calibration_slope"):
            out.append(
                Check(kind, f"{a} {g}", "cannot tell", text, n, a, g, visits_to_tell=_least(visits, kind, policy))
            )
    return out, len(large), len(small)


def _look(visits: TestVisits, policy: ContractPolicy, seed: int, attribute: str, group: str, family: int) -> _Seen:
    y, p, w, c = visits.y, visits.probability, visits.weight, visits.cluster
    error = error_test(y, p, w, c, bins=policy.bins, level=policy.level, seed=seed, family=family)
    slope = calibration_slope(y, p, w, c, policy.level)
    subject = f"{attribute} {group}" if attribute else EVERYONE
    return _Seen(subject, attribute, group, visits, error, slope, outside_p(slope, policy.slope, degrees(w, c)))


def outside_p(slope: Slope, promised: tuple[float, float], df: float) -> float:
    """Two-sided p-value against a slope inside the range: at most 1 - level iff the interval lies outside it."""
    if math.isnan(slope.value):
        return 1.0
    away = max(slope.value - promised[1], promised[0] - slope.value)
    return 1.0 if away <= 0 else float(min(1.0, 2 * student.sf(away / slope.se, df)))


def _least(visits: TestVisits, kind: str, policy: ContractPolicy) -> int | None:
    """Visits that would tell of a group too small to be looked at: as if its firms were like everyone's."""
    v = visits
    if kind == "calibration_slope":
        slope = calibration_slope(v.y, v.probability, v.weight, v.cluster, policy.level)
        wanted = se_to_tell(1.0, policy.slope, policy.level, policy.power)
        needed = visits_for(len(v), slope.se_planned, wanted)
    else:
        power = ErrorPower.of(
            v.probability, v.weight, v.cluster, bins=policy.bins, level=policy.level, error=policy.group_error
        )
        needed = power.visits_to_tell(len(v), policy.power)
    return None if needed is None else max(needed, policy.least_visits)


def _error_check(seen: _Seen, adjusted: float, policy: ContractPolicy, family: int, seed: int) -> Check:
    v, e = seen.visits, seen.error
    matters = policy.group_error if seen.attribute else policy.error
    power = ErrorPower.of(
        v.probability,
        v.weight,
        v.cluster,
        bins=policy.bins,
        level=1 - (1 - policy.level) / family,
        error=matters,
        correlation=e.correlation,
        seed=seed,
    )
    chance = power.at()
    verdict: Verdict = "pass" if chance >= policy.power else "cannot tell"
    if adjusted <= 1 - policy.level:
        verdict = "fail"
    needed = power.visits_to_tell(len(v), policy.power) if verdict == "cannot tell" else None
    corrected = f" after correction for {family} groups" if seen.attribute else ""
    text = (
        f"{seen.subject}: calibration error {e.error:.4f}; a perfect model shows {e.usual:.4f}, and at most "
        f"{e.limit:.4f} in {policy.level:.0%} of cases; p = {adjusted:.3f}{corrected}; an error of {matters:g} would "
        f"be seen with chance {chance:.2f}"
    )
    return Check(
        "calibration_error",
        seen.subject,
        verdict,
        sentence(text, verdict, needed),
        len(v),
        seen.attribute,
        seen.group,
        e.error,
        e.usual,
        e.limit,
        0.0,
        e.limit,
        e.p_value,
        adjusted,
        needed,
        chance,
    )


def _slope_check(seen: _Seen, adjusted: float, policy: ContractPolicy) -> Check:
    s, n = seen.slope, len(seen.visits)
    verdict = inside(s.low, s.high, policy.slope)
    if verdict == "fail" and adjusted > 1 - policy.level:
        verdict = "cannot tell"
    needed = None
    if verdict == "cannot tell":
        needed = visits_for(n, s.se_planned, se_to_tell(1.0, policy.slope, policy.level, policy.power))
    text = f"{seen.subject}: no calibration slope can be fitted"
    if not math.isnan(s.value):
        text = (
            f"{seen.subject}: calibration slope {s.value:.2f} [{s.low:.2f}, {s.high:.2f}], promised "
            f"{policy.slope[0]:g} to {policy.slope[1]:g}"
        )
    return Check(
        "calibration_slope",
        seen.subject,
        verdict,
        sentence(text, verdict, needed),
        n,
        seen.attribute,
        seen.group,
        s.value,
        s.low,
        s.high,
        *policy.slope,
        seen.slope_p,
        adjusted,
        needed,
    )
