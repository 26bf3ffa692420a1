"""Figures of a backtest: per moment and pooled, beside the rivals, with paired intervals by enterprise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from models.arrays import Floats
from models.backtest.scorers import MODEL, Told
from models.evaluation import TestVisits
from models.evaluation.days_gained import DaysEarlier, days_earlier
from models.evaluation.metrics import Evaluation, Interval, Sample, Scored, auc_kernel, evaluate, mean_kernel
from models.learning.rolling import SHARES
from models.study.experiment import Experiment

DAYS_REPETITIONS = 300


@dataclass(frozen=True)
class AtOrigin:
    """One moment: what was known, what was chosen, what was forecast and what was found.

    Parameters
    ----------
    forecast, found
        Mean probability and rate of violations of the visits that followed, weighted as they measure; ``found`` with
        its interval by enterprise.
    aucs
        Of every scorer, on these visits alone.
    """

    day: str
    known: int
    indicators: int
    visits: int
    violations: int
    rounds: int
    tree_share: float
    forecast: float
    found: Interval
    aucs: dict[str, Interval]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self) | {
            "found": self.found.as_dict(),
            "aucs": {name: one.as_dict() for name, one in self.aucs.items()},
        }


@dataclass(frozen=True)
class Figures:
    """Everything measured.

    Parameters
    ----------
    pooled
        Ranking figures within each moment, their mean by violations; probability figures over all visits. Differences
        are the model's less each other scorer's.
    days
        How much earlier violations would have been found, each moment's visits as one list.
    regret
        AUC of the blend that was best over all moments, known only afterwards, less that of those chosen.
    best_blend
        That blend: number of trees and share.
    """

    origins: tuple[AtOrigin, ...]
    pooled: Evaluation
    days: DaysEarlier
    regret: float
    best_blend: tuple[int, float]

    @property
    def near(self) -> int:
        """Moments whose mean forecast lies within two points of the rate that was found."""
        return sum(abs(o.forecast - o.found.value) <= 0.02 for o in self.origins)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "origins": [o.as_dict() for o in self.origins],
            "pooled": self.pooled.as_dict(),
            "days_earlier": self.days.as_dict(),
            "forecast_within_two_points": self.near,
            "regret_auc": self.regret,
            "best_blend": {"rounds": self.best_blend[0], "tree_share": self.best_blend[1]},
        }


def scores_by_visit(told: Sequence[Told]) -> pd.DataFrame:
    """Return a row a visit: origin, inspection, enterprise, day, arm, outcome, weight, margins and probabilities."""
    rows = []
    for one in told:
        part = one.window.fold.validate
        outcomes = part.outcomes
        columns = {f"margin:{name}": margin for name, margin in one.margins.items()}
        columns |= {f"probability:{name}": p for name, p in one.probabilities.items()}
        rows.append(
            pd.DataFrame(
                {
                    "origin": str(one.window.fold.day),
                    **{c: outcomes[c].to_numpy() for c in ("inspection_id", "enterprise_id", "visited_on", "arm")},
                    "violation": part.y,
                    "severity": outcomes["severity"].to_numpy(),
                    "restates": outcomes["restates"].to_numpy(),
                    "weight": part.weight,
                    **columns,
                }
            )
        )
    return pd.concat(rows, ignore_index=True)


def figures(experiment: Experiment, told: Sequence[Told]) -> Figures:
    """Measure what was told."""
    scores, e = scores_by_visit(told), experiment.evaluation
    names = list(told[0].margins)
    strata = np.unique(scores["origin"], return_inverse=True)[1].astype(np.int64)
    sample = _sample(scores)
    pooled = evaluate(
        sample,
        {name: _scored(scores, name) for name in names},
        repetitions=e.repetitions,
        level=e.level,
        seed=experiment.seed,
        strata=strata,
    )
    days = days_earlier(
        _visits(scores),
        window="origin",
        rivals={name: scores[f"margin:{name}"].to_numpy() for name in names if name != MODEL},
        repetitions=min(e.repetitions, DAYS_REPETITIONS),
        level=e.level,
        seed=experiment.seed,
    )
    best, gain = hindsight(experiment, told, pooled.values[MODEL]["auc"].value)  # noqa: PD011 (no frame)
    return Figures(tuple(_at_origin(experiment, one) for one in told), pooled, days, gain, best)


def hindsight(experiment: Experiment, told: Sequence[Told], reached: float) -> tuple[tuple[int, float], float]:
    """Return the one blend that was best over all moments, and its AUC less the one reached."""
    rounds = told[0].back.rounds
    shares = SHARES if experiment.tuning.blend == "chosen" else (told[0].blend.tree_share,)
    aucs = {}
    for many in rounds:
        for share in shares:
            margins = [one.back.margin(many, share) for one in told]
            aucs[many, share] = pooled_auc(told, margins)
    best = max(aucs, key=lambda one: (aucs[one], -one[0]))
    return best, aucs[best] - reached


def pooled_auc(told: Sequence[Told], margins: Sequence[Floats]) -> float:
    """Return the AUC within each moment, their mean by violations."""
    each, bad = [], []
    for one, margin in zip(told, margins, strict=True):
        part = one.window.fold.validate
        sample = Sample.of(part.y, part.enterprise, part.weight)
        each.append(float(auc_kernel(sample, margin)(sample.weight[None, :])[0]))
        bad.append(float(part.weight @ part.y))
    return float(np.average(each, weights=bad))


def _at_origin(experiment: Experiment, one: Told) -> AtOrigin:
    part, e = one.window.fold.validate, experiment.evaluation
    sample = Sample.of(part.y, part.enterprise, part.weight)
    shown = evaluate(
        sample,
        {name: Scored(margin) for name, margin in one.margins.items()},
        repetitions=e.repetitions,
        level=e.level,
        seed=experiment.seed,
    )
    forecast = mean_kernel(one.probabilities[MODEL])(sample.weight[None, :])
    return AtOrigin(
        day=str(one.window.fold.day),
        known=len(one.window.fold.fit),
        indicators=len(one.window.names),
        visits=len(part),
        violations=int(part.y.sum()),
        rounds=one.blend.rounds,
        tree_share=one.blend.tree_share,
        forecast=float(forecast[0]),
        found=shown.rate,
        aucs={name: row["auc"] for name, row in shown.values.items()},  # noqa: PD011
    )


def differences(
    experiment: Experiment, told: Sequence[Told], full: Sequence[Floats], other: Mapping[str, Sequence[Floats]]
) -> dict[str, Interval]:
    """Return the pooled AUC of some margins less that of each of others, paired by enterprise.

    Parameters
    ----------
    full
        Margins by moment.
    other
        Name to margins by moment.
    """
    scores = scores_by_visit(told)
    strata = np.unique(scores["origin"], return_inverse=True)[1].astype(np.int64)
    scorers = {"": Scored(np.concatenate(full))} | {n: Scored(np.concatenate(m)) for n, m in other.items()}
    e = experiment.evaluation
    found = evaluate(
        _sample(scores), scorers, repetitions=e.repetitions, level=e.level, seed=experiment.seed, strata=strata
    )
    return {name: row["auc"] for name, row in found.differences.items()}


def _sample(scores: pd.DataFrame) -> Sample:
    return Sample.of(
        scores["violation"].to_numpy(), scores["enterprise_id"].to_numpy(dtype=object), scores["weight"].to_numpy()
    )


def _scored(scores: pd.DataFrame, name: str) -> Scored:
    column = f"probability:{name}"
    probability = scores[column].to_numpy(dtype=np.float64) if column in scores.columns else None
    return Scored(scores[f"margin:{name}"].to_numpy(dtype=np.float64), probability)


def _visits(scores: pd.DataFrame) -> TestVisits:
    frame = scores[["enterprise_id", "visited_on", "severity", "restates", "weight", "origin"]].assign(
        cutoff=scores["origin"],
        y=scores["violation"],
        probability=scores[f"probability:{MODEL}"],
        score=scores[f"margin:{MODEL}"],
        grade="A",
    )
    arms = sorted(set(scores["arm"]))
    return TestVisits(frame, arms[0] if len(arms) == 1 else "mixed")
