"""Pending visits: made in the test, their result not in yet; who they are, and what the model says of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.population.outcomes import read_awaited
from features.records.store import RecordStore
from models.arrays import Floats
from models.scoring.risk_model import RiskModel
from models.study.experiment import Experiment
from models.study.labels import indicator_table, look_up, only_members


@dataclass(frozen=True)
class Awaited:
    """Visits without a result yet.

    Parameters
    ----------
    month
        Of each visit, such as 2026-03, shape [n].
    probability
        Calibrated, of the indicators as known on the first day of that month.
    weight
        1 / draw probability, or 1: as the visits with a result are weighted.
    """

    month: NDArray[np.str_]
    probability: Floats
    weight: Floats


def awaited_visits(source: Path | RecordStore, experiment: Experiment, as_of: date) -> pd.DataFrame:
    """Return the visits that would belong to the test if their result were known.

    They pass what a tested visit passes: made in the test, of an arm that measures, to a member of the cohort, with a
    draw probability where the study weights by it. Others will never be tested, and must not keep a month from
    ripening.
    """
    rows, split, arms = read_awaited(source, as_of + timedelta(days=1)), experiment.split, experiment.arms
    rows = rows[(rows["visited_on"] >= split.test_from) & (rows["visited_on"] < split.test_to)]
    rows = rows[rows["arm"].isin(arms.measure)]
    if arms.weights == "design":
        rows = rows[(rows["arm"] != "random") | rows["probability_ppm"].notna()]
    if experiment.cohort.members_only and len(rows):
        rows = only_members(source, rows, experiment)
    return rows.reset_index(drop=True)


def score_awaited(
    source: Path | RecordStore, experiment: Experiment, model: RiskModel, rows: pd.DataFrame, *, weighted: bool
) -> Awaited:
    """Return what the model says of `awaited_visits`.

    Parameters
    ----------
    weighted
        Whether the tested visits beside them are weighted by 1 / draw probability.
    """
    if not len(rows):
        return Awaited(np.empty(0, dtype=str), np.empty(0), np.empty(0))
    frame = look_up(indicator_table(source, [rows], experiment), rows)
    X = np.ascontiguousarray(frame[list(model.indicator_names)].to_numpy(dtype=np.float64))
    weight = np.ones(len(rows))
    if weighted:
        weight = 1e6 / rows["probability_ppm"].to_numpy(dtype=np.float64, na_value=np.nan)
    return Awaited(_month(rows), model.probability(model.margin(X)), weight)


def count_by_month(rows: pd.DataFrame) -> dict[str, int]:
    """Return how many `awaited_visits` each month has."""
    return dict(sorted(Counter(_month(rows).tolist()).items()))


def _month(rows: pd.DataFrame) -> NDArray[np.str_]:
    return pd.to_datetime(rows["visited_on"]).dt.strftime("%Y-%m").to_numpy(dtype=str)
