"""Labelled visits as each stage could have known them, and their indicators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from features import compute_indicators, members_of
from features.population.outcomes import outcomes_by_day
from features.records.store import RecordStore
from models.study.experiment import Experiment
from models.study.splits import Segment, assign

KEYS = ["enterprise_id", "cutoff"]


@dataclass(frozen=True)
class Assigned:
    """Visits with their stage.

    Parameters
    ----------
    rows
        The visits that are used, as `read_outcomes` gives them, with their ``segment``, in order of visit.
    every
        Every labelled outcome there is, all arms, members of the cohort or not.
    dropped
        Outcomes left out, by reason.
    """

    rows: pd.DataFrame
    every: pd.DataFrame
    dropped: dict[str, int]


def assigned(
    source: Path | RecordStore,
    stages: Sequence[Segment],
    experiment: Experiment,
    as_of: date,
    known: Mapping[date, pd.DataFrame] | None = None,
) -> Assigned:
    """Label the outcomes as the experiment asks and give each its stage.

    Parameters
    ----------
    source
        Clean folder, or an open store.
    stages
        Of a split or of a rolling origin.
    experiment, as_of
        The study, and the day the records were taken.
    known
        Outcomes as known before each of `days_asked`, where they are read already.
    """
    known = read_known(source, [stages], experiment, as_of) if known is None else known
    every, dropped = labelled(outcomes_as_known(known, stages, as_of), experiment.label.codes)
    outcomes = every
    if experiment.cohort.members_only and len(every):
        outcomes = only_members(source, every, experiment)
        dropped["enterprise not in the cohort at the cut-off"] = len(every) - len(outcomes)
    found = assign(outcomes, stages, experiment.arms)
    rows = outcomes.assign(segment=found.segment)[found.segment != ""].reset_index(drop=True)
    return Assigned(rows, every, {k: n for k, n in (dropped | found.dropped).items() if n})


def days_asked(stages: Sequence[Segment], as_of: date) -> list[date]:
    """Return the days before which the stages' outcomes must be known; last, the day after the records were taken."""
    end = as_of + timedelta(days=1)
    return [*(min(segment.known_before, end) for segment in stages), end]


def read_known(
    source: Path | RecordStore, plans: Sequence[Sequence[Segment]], experiment: Experiment, as_of: date
) -> dict[date, pd.DataFrame]:
    """Read the outcomes once, as known before every day that any stage of several splits asks for."""
    days = {day for stages in plans for day in days_asked(stages, as_of)}
    return outcomes_by_day(source, days, province=experiment.province, cutoff=experiment.cutoff)


def outcomes_as_known(known: Mapping[date, pd.DataFrame], stages: Sequence[Segment], as_of: date) -> pd.DataFrame:
    """Every labelled visit, its result as known when the stage that would use it could have run.

    A result corrected later teaches in its uncorrected form; one that had no label then gets the day its stage
    was over as ``known_at``, so that it counts as not known.

    Parameters
    ----------
    known
        From `read_known`.
    stages, as_of
        As for `assigned`.
    """
    *days, end = days_asked(stages, as_of)
    now = known[end]
    parts, inside = [], np.zeros(len(now), dtype=bool)
    for segment, day in zip(stages, days, strict=True):
        span = ((now["visited_on"] >= segment.start) & (now["visited_on"] < segment.end)).to_numpy()
        inside |= span
        then = known[day]
        then = then[(then["visited_on"] >= segment.start) & (then["visited_on"] < segment.end)]
        late = now[span & ~now["inspection_id"].isin(then["inspection_id"]).to_numpy()]
        first_known = late["known_at"].map(lambda day, over=segment.known_before: max(day, over))
        parts += [then, late.assign(known_at=first_known)]
    parts.append(now[~inside])
    kept = [p for p in parts if len(p)]
    return pd.concat(kept, ignore_index=True) if kept else now


def labelled(outcomes: pd.DataFrame, codes: str) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return the outcomes that carry a label under the experiment's choice, sorted, and what was left out."""
    dropped: dict[str, int] = {}
    if codes == "without_6_and_B":
        restates = outcomes["restates"].to_numpy() == 1
        dropped["a violation by codes 6 or B alone"] = int(restates.sum())
        outcomes = outcomes[~restates]
    return (
        outcomes.sort_values(["visited_on", "enterprise_id", "inspection_id"]).reset_index(drop=True),
        dropped,
    )


def only_members(source: Path | RecordStore, outcomes: pd.DataFrame, experiment: Experiment) -> pd.DataFrame:
    """Return the outcomes whose enterprise belonged to the study's cohort at the cut-off."""
    pairs = outcomes[KEYS].drop_duplicates()
    members = members_of(source, pairs, experiment.scope)
    inside = pd.MultiIndex.from_frame(outcomes[KEYS]).isin(pd.MultiIndex.from_frame(members[KEYS]))
    return outcomes[inside].reset_index(drop=True)


def indicator_table(source: Path | RecordStore, rows: Sequence[pd.DataFrame], experiment: Experiment) -> pd.DataFrame:
    """Indicators and evidence of all different pairs of several frames of visits, indexed by (enterprise, cut-off)."""
    pairs = pd.concat([r[KEYS] for r in rows], ignore_index=True).drop_duplicates()
    pairs = pairs.sort_values(["cutoff", "enterprise_id"], ignore_index=True)
    frame = compute_indicators(source, pairs, experiment.scope)
    at = [frame.index.get_level_values("enterprise_id"), pd.to_datetime(frame.index.get_level_values("cutoff"))]
    frame.index = pd.MultiIndex.from_arrays(at, names=KEYS)
    return frame


def look_up(table: pd.DataFrame, visits: pd.DataFrame) -> pd.DataFrame:
    """Rows of an `indicator_table` for visits, in the visits' order."""
    return table.loc[pd.MultiIndex.from_arrays([visits["enterprise_id"], pd.to_datetime(visits["cutoff"])], names=KEYS)]
