"""A study whose rows are made up in memory: learning's tests search, fit and measure it for real, in seconds."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from helpers import small_model as small
from helpers.root import ROOT
from models.study.circumstances import Coding
from models.study.dataset import Dataset, Fold, Part, count_arms, out_of_time
from models.study.experiment import Experiment, load_experiment
from models.study.weights import design_weights

DEMO = load_experiment(ROOT / "experiments" / "demo.toml")
FIRST_DAY = {"fit": 0, "test": 900}
ORIGIN = date(2023, 10, 1)
"""The latest rolling origin; each other one lies as many days before it as visits of one take."""
SPAN = 60
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
        },
        "tuning": {
            "space": {
                "num_leaves": {"low": 4, "high": 15, "kind": "int"},
                "learning_rate": {"low": 0.05, "high": 0.3, "log": True},
            },
            **tuning,
        },
        "evaluation": {"repetitions": 0},
    }
    return Experiment.model_validate({**DEMO.model_dump(), **changed})


CODING = Coding(("arm: not random",), (0.0,), ())
"""The demo's: the random arm measures, and what other visits find more is known apart."""


def part(stage: str, n: int, seed: int, first: date | None = None) -> Part:
    """n visits: of both arms where they teach, of the random arm where they measure; the young half as likely drawn."""
    rng = np.random.default_rng([seed, 1])  # not the one that draws the indicators
    frame, truth = small.rows(n, seed)
    apart = rng.random(n) < (TARGETED if stage == "fit" else 0.0)
    odds = truth / (1 - truth) * np.where(apart, 3.0, 1.0)
    y = (rng.random(n) < odds / (1 + odds)).astype(np.int8)
    begin = first or date(2022, 1, 1) + timedelta(days=FIRST_DAY[stage])
    days = [begin + timedelta(days=int(d)) for d in np.sort(rng.integers(0, SPAN, n))]
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
    weight = np.ones(n) if stage == "fit" else design_weights(outcomes, "design")
    X = np.ascontiguousarray(frame[list(small.NAMES)].to_numpy(np.float64))
    return Part(outcomes, frame, X, y, weight, CODING.code(outcomes))


def fold(number: int) -> Fold:
    """The rolling origin so many before the latest: its fit's visits, and those of the 60 days that follow."""
    day = ORIGIN - timedelta(days=SPAN * number)
    seed = 1000 + 10 * number
    return Fold(day, part("fit", 1_200, seed), part("validate", 800, seed + 1, day))


@lru_cache(maxsize=4)
def dataset(*, origins: int = 2, seed: int = 0, source: str = "s" * 64) -> Dataset:
    """Rows of every segment and of the rolling origins, whose visits calibrate."""
    folds = tuple(fold(k) for k in range(origins))
    parts = {
        "fit": part("fit", 2_000, 10 * seed + 1),
        "calibrate": out_of_time(folds, DEMO),
        "test": part("test", 1_200, 10 * seed + 2),
    }
    staged = pd.concat([p.outcomes.assign(segment=s) for s, p in parts.items()], ignore_index=True)
    return Dataset(
        parts=parts,
        folds=folds,
        coding=CODING,
        names=small.NAMES,
        left_out=(),
        population=parts["test"].X,
        every=pd.concat([p.outcomes for p in parts.values()], ignore_index=True),
        counts=count_arms(staged),
        dropped={},
        source_hash=source,
        as_of=date(2025, 1, 1),
    )
