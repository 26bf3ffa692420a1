"""Windows of a backtest: moments at equal distances, what was known at each, and the visits that followed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import pandas as pd

from features.errors import ConfigError, SourceError
from features.records.store import RecordStore
from models.study.dataset import Fold, learning_begins, make_fold
from models.study.experiment import Backtest, Experiment
from models.study.indicators import catalogue, choose, usable
from models.study.labels import assigned, indicator_table, look_up, read_known
from models.study.splits import Segment, month_after

MOST_BEFORE = 12
"""Months before the first origin from which a first calibration and a first choice of the blend come."""


@dataclass(frozen=True)
class Window:
    """A moment of the backtest.

    Parameters
    ----------
    fold
        What was known then, and the visits of the months that followed, whenever their results became known.
    names
        The indicators that could be learned from then.
    counts
        Whether it is measured; the earlier ones only calibrate.
    """

    fold: Fold
    names: tuple[str, ...]
    counts: bool


@dataclass(frozen=True)
class Windows:
    """All moments, the oldest first, every labelled outcome there is, and the outcomes as known before each moment."""

    windows: tuple[Window, ...]
    every: pd.DataFrame
    known: dict[date, pd.DataFrame]


def origins_of(plan: Backtest, begin: date, least_months: int, last_visit: date) -> tuple[list[date], list[date]]:
    """Return the origins that only calibrate and those that are measured, the oldest first each.

    Parameters
    ----------
    plan
        How many, how far apart, and from when; without ``first`` the last window ends with the last whole month.
    begin, least_months
        First day whose visits teach, and the months of the shortest fit.
    last_visit
        Of the records.

    Raises
    ------
    ConfigError
        If the first origin would leave too short a fit.
    """
    first = plan.first
    if first is None:
        end = month_after(last_visit + timedelta(days=1), 0)
        first = month_after(end, -plan.origins * plan.every)
    earliest = month_after(begin, least_months)
    if first < earliest:
        raise ConfigError(
            f"backtest: the first of {plan.origins} origins, {plan.every} months apart, would be {first}; with visits "
            f"from {begin} and a fit of at least {least_months} months the first can be {earliest}: take fewer or "
            "nearer origins"
        )
    before: list[date] = []
    while (day := month_after(first, -(len(before) + 1) * plan.every)) >= earliest:
        if (len(before) + 1) * plan.every > MOST_BEFORE:
            break
        before.append(day)
    return before[::-1], [month_after(first, k * plan.every) for k in range(plan.origins)]


def build_windows(records: RecordStore, experiment: Experiment, as_of: date) -> Windows:
    """Read outcomes and indicators once and make every window.

    Raises
    ------
    SourceError
        If a measured window, or its fit, lacks visits with or without a violation.
    """
    plan, gap = experiment.backtest, timedelta(days=experiment.split.gap_days)
    begin = learning_begins(records, experiment)
    last = records.con.execute("SELECT max(occurred_at) FROM raw_inspections WHERE coalesce(result_codes, '') <> ''")
    found = last.fetchone()
    if found is None or found[0] is None:
        raise SourceError(f"experiment {experiment.name}: no inspection has a result")
    before, measured = origins_of(plan, begin, experiment.origins.least_months, found[0])
    end = as_of + timedelta(days=1)
    stages = [
        (
            Segment("fit", begin, day - gap, known_before=day),
            Segment("validate", day, month_after(day, plan.every), known_before=max(end, day + timedelta(days=1))),
        )
        for day in (*before, *measured)
    ]
    known = read_known(records, stages, experiment, as_of)
    rows = [assigned(records, two, experiment, as_of, known) for two in stages]
    table = indicator_table(records, [r.rows for r in rows], experiment)
    asked = choose(experiment.indicators, catalogue(experiment))
    out = []
    for two, one in zip(stages, rows, strict=True):
        day, counts = two[1].start, two[1].start in measured
        fit = look_up(table, one.rows[one.rows["segment"] == "fit"])
        names = asked if experiment.indicators.constant == "keep" else usable(fit, asked, experiment.indicators.covered)
        fold = make_fold(one, day, table, names, experiment) if len(fit) and names else None
        if fold is None or min(fold.fit.kinds, fold.validate.kinds) < 2:
            if counts:
                raise SourceError(
                    f"experiment {experiment.name}: backtest at {day}: its fit or its visits lack those with or without"
                    " a violation; take fewer or longer windows"
                )
            continue
        out.append(Window(fold, names, counts))
    return Windows(tuple(out), rows[-1].every, known)


def known_by(window: Window, day: date, gap_days: int, known: pd.DataFrame) -> Window:
    """Return an earlier window as a later day saw it: the visits whose results were known, with those results.

    Parameters
    ----------
    window, day
        The window, and the day that looks back at it.
    gap_days
        Of the study's split: visits in the last days before that day are left out, as of a fit.
    known
        Outcomes as known before that day, of `Windows.known`.
    """
    part = window.fold.validate
    labels = known.set_index("inspection_id")["violation"].reindex(part.outcomes["inspection_id"])
    seen = labels.notna().to_numpy() & (part.outcomes["visited_on"] < day - timedelta(days=gap_days)).to_numpy()
    then = replace(part.take(seen), y=labels[seen].to_numpy(dtype=np.int8))
    return replace(window, fold=replace(window.fold, validate=then))
