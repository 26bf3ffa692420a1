"""Drift: whether the population or the calibration moved, month by month, and whether it is time to learn again.

Scores, classes and indicators are compared with what was frozen at sign-off (`models.evaluation.drift.psi`); alarms of
the indicators of a month are corrected for their number (Holm). Calibration can be seen only where results have come
in: a month is judged when its labels are ripe, for results that take long are no random part of all. Before that
`models.evaluation.drift.expected` estimates, trusting the probabilities. What asks for a new model is more than chance,
and large.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from models.errors import ModelInputError
from models.evaluation.drift.psi import Frozen, Stability, freeze_numbers, stability
from models.evaluation.intervals import gap, weighted_rate
from models.evaluation.policies import DriftPolicy
from models.evaluation.verdicts import NAN, Verdict, holm, plain
from models.evaluation.visits import TestVisits


@dataclass(frozen=True)
class IndicatorDrift:
    """One indicator in one month; ``alarm`` is after correction for the number of indicators."""

    indicator: str
    month: str
    psi: float
    alarm_level: float
    p_value: float
    p_adjusted: float
    alarm: bool
    folklore: str
    unknown_then: float
    unknown: float
    text: str

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return plain(self)


def freeze_indicators(frame: pd.DataFrame, policy: DriftPolicy, *, shared: Collection[str] = ()) -> dict[str, Frozen]:
    """Freeze every column of an indicator table at sign-off; of those ``shared`` one value stands for many firms."""
    return {
        str(name): freeze_numbers(str(name), frame[name].to_numpy(np.float64), policy.bins, shared=str(name) in shared)
        for name in frame
    }


def indicator_drift(
    frozen: Mapping[str, Frozen], frame: pd.DataFrame, policy: DriftPolicy, *, month: str = "", seed: int = 0
) -> tuple[IndicatorDrift, ...]:
    """Compare a month's indicators with the frozen ones, the most moved first.

    Raises
    ------
    ModelInputError
        If the frame lacks a frozen indicator.
    """
    missing = sorted(set(frozen) - set(map(str, frame.columns)))
    if missing:
        raise ModelInputError(f"drift in {month}: the table lacks the indicators {missing}")
    seen = [
        stability(f, frame[name].to_numpy(np.float64), policy, month=month, seed=seed) for name, f in frozen.items()
    ]
    adjusted = holm([s.p_value for s in seen])
    out = []
    for s, p in zip(seen, adjusted, strict=True):
        alarm = p < 1 - policy.alarm
        text = (
            f"{s.name}{f' in {month}' if month else ''}: PSI {s.psi:.4f}, by chance at most {s.alarm_level:.4f}; "
            f"p = {p:.4f} after correction for {len(seen)} indicators: {'alarm' if alarm else 'no alarm'}"
        )
        out.append(
            IndicatorDrift(
                s.name,
                month,
                s.psi,
                s.alarm_level,
                s.p_value,
                p,
                alarm,
                s.folklore,
                s.shares_then[-1],
                s.shares[-1],
                text,
            )
        )
    return tuple(sorted(out, key=lambda d: (-d.psi, d.indicator)))


@dataclass(frozen=True)
class MonthCalibration:
    """Calibration of one month's visits.

    ``visits`` have a result, ``awaited`` not yet; the month is ``ripe`` from a stated share. ``gap`` is observed less
    expected rate. Of an unripe month the figures are shown and nothing follows from them.
    """

    month: str
    arm: str
    visits: int
    awaited: int
    ripe_share: float
    ripe: bool
    observed: float
    observed_low: float
    observed_high: float
    expected: float
    gap: float
    gap_low: float
    gap_high: float
    text: str


@dataclass(frozen=True)
class CalibrationDrift:
    """All months, and the ripe ones together; ``gap`` is NaN while none is ripe."""

    arm: str
    statement: str
    months: tuple[MonthCalibration, ...]
    ripe_months: int
    visits: int
    gap: float
    gap_low: float
    gap_high: float
    text: str

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return plain(self)


def calibration_drift(visits: TestVisits, awaited: Mapping[str, int], policy: DriftPolicy) -> CalibrationDrift:
    """Compare observed with expected rates, month by month as labels ripen.

    Parameters
    ----------
    visits
        Those with a result, design-weighted.
    awaited
        Month (such as 2026-03) to its visits without a result yet; months not named await none.
    policy
        Says when a month is ripe.
    """
    months = sorted({*visits.month.tolist(), *(m for m, n in awaited.items() if n)})
    rows = []
    for month in months:
        at = visits.month == month
        n, waiting = int(at.sum()), int(awaited.get(month, 0))
        share = n / (n + waiting)
        ripe = share >= policy.ripe_share
        g = gap(visits.y[at], visits.probability[at], visits.weight[at], visits.cluster[at], policy.level)
        o = weighted_rate(visits.y[at], visits.weight[at], visits.cluster[at], policy.level)
        expected = float(np.average(visits.probability[at], weights=visits.weight[at])) if n else NAN
        figures = (
            f"observed {o.value:.1%} [{o.low:.1%}, {o.high:.1%}], expected {expected:.1%}, "
            f"gap {g.value:+.3f} [{g.low:+.3f}, {g.high:+.3f}]"
        )
        text = f"{month}: {figures if n else 'no result yet'}" + (
            "" if ripe else f"; unripe, {share:.0%} of {n + waiting:,} results known"
        )
        rows.append(
            MonthCalibration(
                month,
                visits.arm,
                n,
                waiting,
                share,
                ripe,
                o.value,
                o.low,
                o.high,
                expected,
                g.value,
                g.low,
                g.high,
                text,
            )
        )
    ripe_months = [r.month for r in rows if r.ripe]
    at = np.isin(visits.month, ripe_months)
    g = gap(visits.y[at], visits.probability[at], visits.weight[at], visits.cluster[at], policy.level)
    text = (
        f"{len(ripe_months)} ripe months together: gap {g.value:+.3f} [{g.low:+.3f}, {g.high:+.3f}]"
        if ripe_months
        else "no month is ripe"
    )
    return CalibrationDrift(
        visits.arm, visits.statement, tuple(rows), len(ripe_months), int(at.sum()), g.value, g.low, g.high, text
    )


@dataclass(frozen=True)
class Retrain:
    """Whether a new model is asked for.

    ``verdict`` is "fail" where it is, "pass" where scores and calibration were seen and nothing asks, else "cannot
    tell"; ``reasons`` say why it is no pass.
    """

    asked: bool
    verdict: Verdict
    reasons: tuple[str, ...]
    text: str

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return plain(self)


def ask_retrain(
    policy: DriftPolicy,
    *,
    scores: Sequence[Stability] = (),
    classes: Sequence[Stability] = (),
    indicators: Sequence[Sequence[IndicatorDrift]] = (),
    calibration: CalibrationDrift | None = None,
) -> Retrain:
    """Tell whether what was seen asks for a new model.

    Parameters
    ----------
    policy
        ``drift.toml``.
    scores, classes
        One a month, in the order of months.
    indicators
        One sequence a month, in the order of months.
    calibration
        Ripe months together: asked for when the whole interval of the gap lies beyond the stated one.
    """
    r, reasons = policy.retrain, []
    for what, found, level in (("scores", scores, r.score_psi), ("classes", classes, r.class_psi)):
        last = found[-r.months :]
        if len(last) == r.months and all(s.alarm and s.psi > level for s in last):
            reasons.append(f"{what} drifted: PSI above {level:g} in each of the last {r.months} months")
    if classes and classes[-1].alarm and classes[-1].vanished:
        reasons.append(f"nobody is left in class {', '.join(classes[-1].vanished)}")
    latest = indicators[-r.months :]
    if len(latest) == r.months and all(latest):
        shares = [np.mean([d.alarm and d.psi > r.indicator_psi for d in month]) for month in latest]
        if min(shares) >= r.indicator_share:
            reasons.append(
                f"{shares[-1]:.0%} of the indicators drifted beyond {r.indicator_psi:g} in the last {r.months} months"
            )
    if calibration is not None and not math.isnan(calibration.gap_low):
        if calibration.gap_low > r.calibration_gap:
            reasons.append(f"more is found than said: {calibration.text}")
        elif calibration.gap_high < -r.calibration_gap:
            reasons.append(f"less is found than said: {calibration.text}")
    if reasons:
        return Retrain(True, "fail", tuple(reasons), f"A new model is asked for: {'; '.join(reasons)}.")
    unseen = []
    if len(scores) < r.months:
        unseen.append(f"scores of {len(scores)} months only, of the {r.months} that are looked at")
    if calibration is None or not calibration.ripe_months:
        unseen.append("no month whose results have ripened")
    text = "Nothing seen asks for a new model" + (f"; not seen: {'; '.join(unseen)}." if unseen else ".")
    return Retrain(False, "cannot tell" if unseen else "pass", tuple(unseen), text)
