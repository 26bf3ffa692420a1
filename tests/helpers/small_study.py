"""A study whose rows are made up in memory: learning's tests search, fit and measure it for real, in seconds."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from helpers import small_model as small
from helpers.root import ROOT
from models.study.dataset import Dataset, Part, count_arms
from models.study.experiment import Experiment, load_experiment
from models.study.weights import design_weights

DEMO = load_experiment(ROOT / "experiments" / "demo.toml")
FIRST_DAY = {"fit": 0, "stop": 400, "calibrate": 500, "test": 900, "validate": 450}
TARGETED = 0.6
"""Share of the visits that teach which are targeted; their risk is the higher."""


def experiment(**tuning: Any) -> Experiment:
    """The demo's study, small and quick, its search changed as asked."""
    changed = {
        "learner": {
            "n_estimators": 40,
            "min_data_in_leaf": 20,
            "learning_rate": 0.1,
            "num_leaves": 8,
            "early_stopping_rounds": 10,
        },
        "tuning": {
            "rolling": {"folds": 2},
            "space": {
                "num_leaves": {"low": 4, "high": 15, "kind": "int"},
                "learning_rate": {"low": 0.05, "high": 0.3, "log": True},
            },
            **tuning,
        },
        "evaluation": {"repetitions": 0},
    }
    return Experiment.model_validate({**DEMO.model_dump(), **changed})


def part(stage: str, n: int, seed: int) -> Part:
    """n visits: of both arms where they teach, of the random arm where they measure; the young half as likely drawn."""
    rng = np.random.default_rng([seed, 1])  # not the one that draws the indicators
    frame, truth = small.rows(n, seed)
    apart = rng.random(n) < (TARGETED if stage in ("fit", "stop") else 0.0)
    odds = truth / (1 - truth) * np.where(apart, 3.0, 1.0)
    y = (rng.random(n) < odds / (1 + odds)).astype(np.int8)
    days = [date(2022, 1, 1) + timedelta(days=int(d)) for d in FIRST_DAY[stage] + np.sort(rng.integers(0, 60, n))]
    firms = [f"E{k:04d}" for k in rng.integers(0, 600, n)]
    frame.index = pd.MultiIndex.from_arrays(
        [firms, pd.to_datetime([d.replace(day=1) for d in days])], names=["enterprise_id", "cutoff"]
    )
    drawn = np.where(frame["years_operating"] < 5, 10_000, 20_000)
    outcomes = pd.DataFrame(
        {
            "inspection_id": [f"{stage}{seed}-{k}" for k in range(n)],
            "enterprise_id": firms,
            "visited_on": days,
            "cutoff": [d.replace(day=1) for d in days],
            "known_at": [d + timedelta(days=10) for d in days],
            "arm": np.where(apart, "targeted", "random"),
            "probability_ppm": pd.array(drawn, dtype="Int64").copy(),
            "violation": y,
            "restates": np.zeros(n, dtype=np.int8),
        }
    )
    outcomes.loc[apart, "probability_ppm"] = pd.NA
    weight = np.ones(n) if stage in ("fit", "stop") else design_weights(outcomes, "design")
    return Part(outcomes, frame, np.ascontiguousarray(frame[list(small.NAMES)].to_numpy(np.float64)), y, weight)


@lru_cache(maxsize=4)
def dataset(*, origins: int = 2, seed: int = 0, source: str = "s" * 64) -> Dataset:
    """Rows of every segment and of the rolling origins."""
    sizes = {"fit": 2_000, "stop": 800, "calibrate": 1_500, "test": 1_200}
    parts = {stage: part(stage, n, 10 * seed + k) for k, (stage, n) in enumerate(sizes.items(), start=1)}
    folds = tuple(
        {stage: part(stage, n, 1000 + 10 * k + j) for j, (stage, n) in enumerate(_FOLD.items())} for k in range(origins)
    )
    every = pd.concat([p.outcomes for p in parts.values()], ignore_index=True)
    staged = pd.concat([p.outcomes.assign(segment=s) for s, p in parts.items()], ignore_index=True)
    return Dataset(
        parts, folds, small.NAMES, (), parts["test"].X, every, count_arms(staged), {}, source, date(2025, 1, 1)
    )


_FOLD = {"fit": 1_200, "stop": 600, "validate": 800}
