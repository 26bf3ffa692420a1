"""Temporal split: which outcome teaches, calibrates or tests, and which was not known in time.

The fit could have run on the day the test begins, and that of a rolling origin on the origin's day; an outcome teaches
only if it was known before that day. What is left out is counted with its reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pandas as pd

from features.errors import ConfigError, FenleiError
from models.study.experiment import Arms, Origins, Split

FOLD = ("fit", "validate")
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


def segments(split: Split, begin: date, as_of: date) -> tuple[Segment, ...]:
    """Return fit and test; the test's outcomes are those the source holds, up to ``as_of``.

    Parameters
    ----------
    split, begin
        The study's, and the first day whose visits teach.
    as_of
        Day the records were taken.
    """
    end = split.test_from - timedelta(days=split.gap_days)
    return (
        Segment("fit", begin, end, known_before=split.test_from),
        Segment("test", split.test_from, split.test_to, known_before=as_of + timedelta(days=1)),
    )


def folds(split: Split, origins: Origins, begin: date) -> list[tuple[Segment, ...]]:
    """Return fit and validation of each rolling origin, the latest first.

    All of them lie before the test begins: nothing of the test is seen, and an outcome validates only if it was known
    when the test could have begun. Of an origin whose months are mostly days of the gap before the test, too few
    results are known: it is passed over.

    Raises
    ------
    ConfigError
        If there is no room for a single origin.
    """
    out: list[tuple[Segment, ...]] = []
    gap = timedelta(days=split.gap_days)
    end = split.test_from
    while len(out) < origins.count:
        origin = month_after(end, -origins.months)
        if origin < month_after(begin, origins.least_months):
            break
        last = min(end, split.test_from - gap)
        if 2 * (last - origin) >= end - origin:
            out.append(
                (
                    Segment("fit", begin, origin - gap, known_before=origin),
                    Segment("validate", origin, last, known_before=split.test_from),
                )
            )
        end = origin
    if not out:
        raise ConfigError(
            f"origins: the last one, {origins.months} months before the test begins on {split.test_from} less"
            f" {split.gap_days} days, would leave a fit of less than {origins.least_months} months from {begin} on;"
            " learn from an earlier day, or take fewer months"
        )
    return out


def month_after(day: date, by: int) -> date:
    """Return the first of the month so many months after (or before) that of a day."""
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
        needed = arms.fit_weights if segment.name == "fit" else arms.weights
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


def check_order(outcomes: pd.DataFrame, assignment: Assignment, names: Sequence[str]) -> None:
    """Hold that each of the named segments is later than the last, in visit and knowledge.

    Raises
    ------
    SegmentOrderError
        If a row of a segment was visited on or before the day of one of an earlier segment, or an outcome of
        an earlier segment became known only after a later segment began.
    """
    visited = pd.to_datetime(outcomes["visited_on"])
    known = pd.to_datetime(outcomes["known_at"])
    present = [name for name in names if (assignment.segment == name).any()]
    for before, after in pairwise(present):
        a, b = (assignment.segment == before), (assignment.segment == after)
        if visited[a].max() >= visited[b].min():
            raise SegmentOrderError(f"segments {before} and {after} overlap in time")
        if known[a].max() >= visited[b].min():
            raise SegmentOrderError(f"an outcome of {before} became known after {after} began")
