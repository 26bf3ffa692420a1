"""Labelled visits as each stage could have known them, and their indicators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from features import compute_indicators, members_of
from features.population.outcomes import read_outcomes
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


def assigned(clean: Path, stages: Sequence[Segment], experiment: Experiment, as_of: date) -> Assigned:
    """Read the outcomes, label them as the experiment asks and give each its stage."""
    read = outcomes_as_known(clean, stages, experiment.province, as_of)
    every, dropped = labelled(read, experiment.label.codes)
    outcomes = every
    if experiment.cohort.members_only and len(every):
        outcomes = only_members(clean, every, experiment)
        dropped["enterprise not in the cohort at the cut-off"] = len(every) - len(outcomes)
    found = assign(outcomes, stages, experiment.arms)
    rows = outcomes.assign(segment=found.segment)[found.segment != ""].reset_index(drop=True)
    return Assigned(rows, every, {k: n for k, n in (dropped | found.dropped).items() if n})


def outcomes_as_known(clean: Path, stages: Sequence[Segment], province: str, as_of: date) -> pd.DataFrame:
    """Every labelled visit, its result as known when the stage that would use it could have run.

    A result corrected later teaches in its uncorrected form; one that had no label then gets the day its stage
    was over as ``known_at``, so that it counts as not known.
    """
    now = read_outcomes(clean, as_of + timedelta(days=1), province=province)
    parts, inside = [], np.zeros(len(now), dtype=bool)
    for segment in stages:
        span = ((now["visited_on"] >= segment.start) & (now["visited_on"] < segment.end)).to_numpy()
        inside |= span
        then = read_outcomes(clean, min(segment.known_before, as_of + timedelta(days=1)), province=province)
        then = then[(then["visited_on"] >= segment.start) & (then["visited_on"] < segment.end)]
        late = now[span & ~now["inspection_id"].isin(then["inspection_id"]).to_numpy()]
        known = late["known_at"].map(lambda day, over=segment.known_before: max(day, over))
        parts += [then, late.assign(known_at=known)]
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


def only_members(clean: Path, outcomes: pd.DataFrame, experiment: Experiment) -> pd.DataFrame:
    """Return the outcomes whose enterprise belonged to the study's cohort at the cut-off."""
    pairs = outcomes[KEYS].drop_duplicates()
    members = members_of(clean, pairs, province=experiment.province, sector=experiment.sector)
    inside = pd.MultiIndex.from_frame(outcomes[KEYS]).isin(pd.MultiIndex.from_frame(members[KEYS]))
    return outcomes[inside].reset_index(drop=True)


def indicator_table(clean: Path, rows: Sequence[pd.DataFrame], experiment: Experiment) -> pd.DataFrame:
    """Indicators and evidence of all different pairs of several frames of visits, indexed by (enterprise, cut-off)."""
    pairs = pd.concat([r[KEYS] for r in rows], ignore_index=True).drop_duplicates()
    pairs = pairs.sort_values(["cutoff", "enterprise_id"], ignore_index=True)
    frame = compute_indicators(clean, pairs, province=experiment.province, sector=experiment.sector)
    at = [frame.index.get_level_values("enterprise_id"), pd.to_datetime(frame.index.get_level_values("cutoff"))]
    frame.index = pd.MultiIndex.from_arrays(at, names=KEYS)
    return frame


def look_up(table: pd.DataFrame, visits: pd.DataFrame) -> pd.DataFrame:
    """Rows of an `indicator_table` for visits, in the visits' order."""
    return table.loc[pd.MultiIndex.from_arrays([visits["enterprise_id"], pd.to_datetime(visits["cutoff"])], names=KEYS)]
