"""Judging learners in a simulated province: on the random arm's test visits, and against the truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from fenlei.bench.ranking import expected_auc
from fenlei.bench.visits import labelled_visits
from models.calibration import fit_calibrator
from models.classifier import RiskClassifier
from models.dataset import Dataset
from models.metrics import Sample, auc_kernel, resample, top_kernel

Floats = NDArray[np.float64]
REPETITIONS = 500
ORACLE = "oracle: the true risk itself"


@dataclass(frozen=True)
class Learner:
    """One way of learning, measured.

    Parameters
    ----------
    auc, lift
        On the random arm's test visits, weighted by 1/draw probability; lift: rate in the riskiest tenth over rate.
    gain, gain_low, gain_high; lift_share, …
        AUC above chance, and lift, as a share of the ceiling's, with 95 % intervals over resampled enterprises.
    true_auc, true_gain
        AUC when every enterprise of the population violates with its own risk; and as a share of the ceiling's gain.
    mse, bias
        Mean squared error to the truth × 1000, and mean probability less mean truth in points, over the population.
    """

    name: str
    auc: float
    lift: float
    gain: float
    gain_low: float
    gain_high: float
    lift_share: float
    lift_share_low: float
    lift_share_high: float
    true_auc: float
    true_gain: float
    mse: float
    bias: float


@dataclass(frozen=True)
class Truth:
    """Enterprise-months with their indicators and true risk."""

    X: Floats
    risk: Floats


class Judge:
    """Measures margins on the test's random arm and on the truth."""

    def __init__(self, dataset: Dataset, judge: Truth) -> None:
        self.dataset, self.judge = dataset, judge
        self.test, self.calibrate = dataset.parts["test"], dataset.parts["calibrate"]
        self.sample = Sample.of(self.test.y, self.test.enterprise, self.test.weight)
        self.draws = [self.sample.weight[None, :], *resample(self.sample, REPETITIONS, 1)]
        self.rates = np.concatenate([(w @ self.sample.y) / w.sum(axis=1) for w in self.draws])
        self.ceiling: tuple[Floats, Floats] | None = None
        self.true_ceiling = 0.5

    def calibrated(self, name: str, found: RiskClassifier, ceiling: Learner) -> Learner:
        """Measure a classifier, its probability calibrated on the random arm, design-weighted."""
        c = self.calibrate
        level = fit_calibrator("platt", found.decision_function(c.X), c.y, c.weight)
        return self.row(name, found.decision_function, level.probability, ceiling)

    def row(
        self,
        name: str,
        margin: Callable[[Floats], Floats],
        probability: Callable[[Floats], Floats],
        ceiling: Learner | None,
    ) -> Learner:
        """Measure anything with a margin."""
        there = margin(self.judge.X)
        return self._measured(name, margin(self.test.X), there, probability(there), ceiling)

    def oracle(self, folder: Path) -> Learner:
        """Measure the truth itself."""
        visits = labelled_visits(folder)[["enterprise_id", "cutoff", "risk"]].drop_duplicates(
            ["enterprise_id", "cutoff"]
        )
        keys = self.test.outcomes[["enterprise_id", "cutoff"]].merge(visits, on=["enterprise_id", "cutoff"], how="left")
        if keys["risk"].isna().any():
            raise AssertionError("a test visit has no true risk")
        risk = self.judge.risk
        return self._measured(ORACLE, logit(keys["risk"].to_numpy()), logit(risk), risk, None)

    def _measured(self, name: str, margin: Floats, there: Floats, p: Floats, ceiling: Learner | None) -> Learner:
        auc_of, top_of = auc_kernel(self.sample, margin), top_kernel(self.sample, margin)
        aucs = np.concatenate([auc_of(w) for w in self.draws])
        lifts = np.concatenate([top_of(w) for w in self.draws]) / self.rates
        true_auc = expected_auc(there, self.judge.risk, np.ones(len(there)))
        if self.ceiling is None:
            self.ceiling, self.true_ceiling = (aucs, lifts), true_auc
        gain = (aucs - 0.5) / (self.ceiling[0] - 0.5)
        share = lifts / self.ceiling[1]
        return Learner(
            name,
            float(aucs[0]),
            float(lifts[0]),
            *_three(gain),
            *_three(share),
            true_auc,
            (true_auc - 0.5) / (self.true_ceiling - 0.5),
            1e3 * float(np.mean((p - self.judge.risk) ** 2)),
            1e2 * float(np.mean(p - self.judge.risk)),
        )


def _three(draws: Floats) -> tuple[float, float, float]:
    low, high = np.quantile(draws[1:], [0.025, 0.975])
    return float(draws[0]), float(low), float(high)
