"""Judging learners in a simulated province: on the random arm's test visits, and against the truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.special import logit

from fenlei.bench.truth.visits import labelled_visits
from models.arrays import Floats
from models.evaluation.band_contract.calibration_tests import error_test
from models.evaluation.drift.expected import expected_auc
from models.evaluation.metrics import Sample, auc_kernel, resample, top_kernel
from models.learning.calibration import fit_calibrator
from models.study.dataset import Dataset

REPETITIONS = 500
BINS = 10
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
    error, error_limit, error_p
        Calibration error on the random arm's test visits, design-weighted, its 95th percentile under perfect
        calibration, and the p-value: as the band contract has them.
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
    error: float
    error_limit: float
    error_p: float


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

    def calibrated(self, name: str, margin: Callable[[Floats], Floats], told: Floats) -> Learner:
        """Measure a margin, its probability calibrated on the random arm, design-weighted.

        Parameters
        ----------
        told
            Margins of the calibration visits, by fits that had not seen what they found.
        """
        c = self.calibrate
        level = fit_calibrator("spline", told, c.y, c.weight)
        return self.row(name, margin, level.probability)

    def row(
        self,
        name: str,
        margin: Callable[[Floats], Floats],
        probability: Callable[[Floats], Floats],
    ) -> Learner:
        """Measure anything with a margin; the first row measured is the ceiling of all later ones."""
        there, visited = margin(self.judge.X), margin(self.test.X)
        return self._measured(name, visited, probability(visited), there, probability(there))

    def oracle(self, folder: Path) -> Learner:
        """Measure the truth itself."""
        visits = labelled_visits(folder)[["enterprise_id", "cutoff", "risk"]].drop_duplicates(
            ["enterprise_id", "cutoff"]
        )
        keys = self.test.outcomes[["enterprise_id", "cutoff"]].merge(visits, on=["enterprise_id", "cutoff"], how="left")
        if keys["risk"].isna().any():
            raise AssertionError("a test visit has no true risk")
        risk, visited = self.judge.risk, keys["risk"].to_numpy()
        return self._measured(ORACLE, logit(visited), visited, logit(risk), risk)

    def _measured(self, name: str, margin: Floats, visited: Floats, there: Floats, p: Floats) -> Learner:
        auc_of, top_of = auc_kernel(self.sample, margin), top_kernel(self.sample, margin)
        aucs = np.concatenate([auc_of(w) for w in self.draws])
        lifts = np.concatenate([top_of(w) for w in self.draws]) / self.rates
        true_auc = expected_auc(there, self.judge.risk, np.ones(len(there)))
        if self.ceiling is None:
            self.ceiling, self.true_ceiling = (aucs, lifts), true_auc
        gain = (aucs - 0.5) / (self.ceiling[0] - 0.5)
        share = lifts / self.ceiling[1]
        s = self.sample
        seen = error_test(s.y, visited, s.weight, s.cluster, bins=BINS, level=0.95, seed=1)
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
            seen.error,
            seen.limit,
            seen.p_value,
        )


def _three(draws: Floats) -> tuple[float, float, float]:
    low, high = np.quantile(draws[1:], [0.025, 0.975])
    return float(draws[0]), float(low), float(high)
