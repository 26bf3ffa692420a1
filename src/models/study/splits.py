"""Temporal split: which outcome teaches, stops, calibrates or tests, and which was not known in time.

A stage (fit, early stopping, calibration, test) could have run on the first day of the next segment; an
outcome belongs to it only if it was known before that day. What is left out is counted with its reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pandas as pd

from features.errors import ConfigError, FenleiError
from models.study.experiment import LEARNING, SEGMENTS, Arms, Rolling, Split

FOLD = ("fit", "stop", "validate")
"""Stages of a rolling origin in time."""


class SegmentOrderError(FenleiError):
    """A segment is not later than the one before it, or would use a result before it was known."""


@dataclass(frozen=True)
class Segment:
    """One stage's span ``[start, end)`` by visit day; its outcomes must be known before ``known_before``."""

    name: str
    start: date
    end: date
    known_before: date


@dataclass(frozen=True)
class Assignment:
    """Segment of every outcome, and what was left out.

    Parameters
    ----------
    segment
        Aligned with the outcomes: the name of a segment, or "" for an outcome that is not used.
    dropped
        Reason to count; with the used rows they add up to all rows.
    """

    segment: pd.Series
    dropped: dict[str, int]


def segments(split: Split, as_of: date) -> tuple[Segment, ...]:
    """Return the four segments in order; the test's outcomes are those the source holds, up to ``as_of``."""
    starts = [split.bounds(name)[0] for name in SEGMENTS]
    until = [*starts[1:], as_of + timedelta(days=1)]
    return tuple(
        Segment(name, *split.bounds(name), known_before=known) for name, known in zip(SEGMENTS, until, strict=True)
    )


def folds(split: Split, rolling: Rolling, as_of: date) -> list[tuple[Segment, ...]]:
    """Return the rolling origins of a search, the latest first: fit, early stopping and validation of each.

    All of them lie before the split's calibration begins: a search sees nothing of calibration or test, and uses
    an outcome for validation only if it was known when the calibration could have begun.

    Raises
    ------
    ConfigError
        If the split is too short for so many origins.
    """
    out: list[tuple[Segment, ...]] = []
    apart = -(-split.gap_days // 28)
    for k in range(rolling.folds):
        validate_to = _months(split.stop_to, -k * rolling.step_months)
        validate_from = _months(validate_to, -rolling.validate_months)
        stop_to = _months(validate_from, -apart)
        stop_from = _months(stop_to, -rolling.stop_months)
        fit_to = _months(stop_from, -apart)
        if fit_to < _months(split.fit_from, rolling.least_months):
            raise ConfigError(
                f"tuning.rolling: origin {k + 1} of {rolling.folds} would fit from {split.fit_from} to {fit_to}, less"
                f" than {rolling.least_months} months; take fewer or nearer origins"
            )
        out.append(
            (
                Segment("fit", split.fit_from, fit_to, known_before=stop_from),
                Segment("stop", stop_from, stop_to, known_before=validate_from),
                Segment("validate", validate_from, validate_to, known_before=min(split.calibrate_from, as_of)),
            )
        )
    return out


def _months(day: date, by: int) -> date:
    """Return the first of a month so many months away."""
    months = day.year * 12 + day.month - 1 + by
    return date(months // 12, months % 12 + 1, 1)


def assign(outcomes: pd.DataFrame, stages: Sequence[Segment], arms: Arms) -> Assignment:
    """Give every outcome its segment.

    Parameters
    ----------
    outcomes
        Columns ``visited_on``, ``known_at``, ``arm``, ``probability_ppm``.
    stages
        From `segments` or `folds`.
    arms
        From the experiment.
    """
    visited = pd.to_datetime(outcomes["visited_on"]).to_numpy().astype("datetime64[D]")
    known = pd.to_datetime(outcomes["known_at"]).to_numpy().astype("datetime64[D]")
    arm = outcomes["arm"].to_numpy(dtype=object)
    unweighted = (arm == "random") & outcomes["probability_ppm"].isna().to_numpy()
    where = np.full(len(outcomes), "", dtype=object)
    dropped: dict[str, int] = {}
    inside = np.zeros(len(outcomes), dtype=bool)
    for segment in stages:
        span = (visited >= np.datetime64(segment.start)) & (visited < np.datetime64(segment.end))
        inside |= span
        in_time = known < np.datetime64(segment.known_before)
        right_arm = np.isin(arm, arms.of(segment.name))
        needed = arms.fit_weights if segment.name in LEARNING else arms.weights
        weighable = ~unweighted | (needed != "design")
        where[span & in_time & right_arm & weighable] = segment.name
        dropped[f"{segment.name}: not known before {segment.known_before}"] = int((span & ~in_time).sum())
        dropped[f"{segment.name}: arm not used here"] = int((span & in_time & ~right_arm).sum())
        dropped[f"{segment.name}: no draw probability"] = int((span & in_time & right_arm & ~weighable).sum())
    dropped["visited outside every segment"] = int((~inside).sum())
    assignment = Assignment(
        pd.Series(where, index=outcomes.index, name="segment"), {k: n for k, n in dropped.items() if n}
    )
    check_order(outcomes, assignment, [s.name for s in stages])
    return assignment


def check_order(outcomes: pd.DataFrame, assignment: Assignment, names: Sequence[str] = SEGMENTS) -> None:
    """Hold that each segment is later than the last, in cut-off, visit and knowledge.

    Raises
    ------
    SegmentOrderError
        If a row of a segment has its cut-off or visit on or before one of an earlier segment, or an outcome of
        an earlier segment became known only after a later segment began.
    """
    visited = pd.to_datetime(outcomes["visited_on"])
    known = pd.to_datetime(outcomes["known_at"])
    month = visited.dt.to_period("M")
    present = [name for name in names if (assignment.segment == name).any()]
    for before, after in pairwise(present):
        a, b = (assignment.segment == before), (assignment.segment == after)
        if month[a].max() >= month[b].min():
            raise SegmentOrderError(f"segments {before} and {after} overlap in time")
        if known[a].max() >= visited[b].min():
            raise SegmentOrderError(f"an outcome of {before} became known after {after} began")
