"""Panel: the same enterprises month after month through the test, so that the unvisited count too."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features import cohort, compute_indicators
from features.records.store import RecordStore
from models.study.experiment import Experiment

MOST_ENTERPRISES = 3_000
"""Enterprises followed: those whose id hashes lowest, so no kind of enterprise more than another."""
MOST_MONTHS = 12


@dataclass(frozen=True)
class Panel:
    """Indicators of the followed enterprises.

    Parameters
    ----------
    frame
        All indicators and evidence, index (enterprise_id, cutoff), of each month in which the enterprise is a member
        of the cohort.
    months
        First days of the months, in order; the first is the one the model could first have been used in.
    """

    frame: pd.DataFrame
    months: tuple[date, ...]

    def at(self, month: date) -> pd.DataFrame:
        """Return the rows of a month."""
        return self.frame[pd.to_datetime(self.frame.index.get_level_values("cutoff")) == pd.Timestamp(month)]

    @property
    def month(self) -> NDArray[np.str_]:
        """Month of each row, such as 2026-03."""
        return np.asarray(pd.to_datetime(self.frame.index.get_level_values("cutoff")).strftime("%Y-%m"), dtype=str)

    @property
    def enterprises(self) -> int:
        """Different enterprises."""
        return int(self.frame.index.get_level_values("enterprise_id").nunique())


def follow(source: Path | RecordStore, experiment: Experiment, last_visit: date, most: int = MOST_ENTERPRISES) -> Panel:
    """Follow enterprises through the months of the test, at most `MOST_MONTHS`, each month as known at its first day.

    Parameters
    ----------
    source
        Clean folder, or an open store.
    experiment
        Whose test months and cohort.
    last_visit
        Of the test. No month after it is asked for: a source may end before the day its records were taken, and
        enterprises whose records have stopped would look as if they drifted.
    most
        Enterprises to follow.
    """
    months = tuple(m.date() for m in pd.date_range(experiment.split.test_from, last_visit, freq="MS"))
    return follow_months(source, experiment, months[:MOST_MONTHS], most)


def follow_months(
    source: Path | RecordStore, experiment: Experiment, months: tuple[date, ...], most: int = MOST_ENTERPRISES
) -> Panel:
    """Follow enterprises through the given months, each as known at its first day; see `follow`."""
    members = cohort(source, list(months), experiment.scope)
    ids = np.unique(members["enterprise_id"].to_numpy(dtype=str))
    if len(ids) > most:
        hashed = sorted(ids, key=lambda i: hashlib.sha256(i.encode()).digest())
        members = members[members["enterprise_id"].isin(set(hashed[:most]))].reset_index(drop=True)
    frame = compute_indicators(source, members, experiment.scope)
    return Panel(frame, months)
