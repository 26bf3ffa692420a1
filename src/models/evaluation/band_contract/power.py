"""Power of the calibration error's test: a test that could not have failed is no pass."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, logit

from models.arrays import Floats, Ints
from models.evaluation.band_contract.calibration_tests import EDGE, equal_mass_bins
from models.evaluation.verdicts import MOST_VISITS

DRAWS = 10_000


def shifted(probability: Floats, weight: Floats, error: float, sign: int) -> Floats | None:
    """Return probabilities whose log-odds are all shifted so that the weighted mean error is ``error``.

    None where no shift of that sign makes so large an error.
    """
    odds = logit(np.clip(probability, EDGE, 1 - EDGE))

    def excess(shift: float) -> float:
        return float(np.average(np.abs(expit(odds + sign * shift) - probability), weights=weight)) - error

    if excess(20.0) <= 0:
        return None
    return np.asarray(expit(odds + sign * float(brentq(excess, 0.0, 20.0))), dtype=np.float64)


@dataclass(frozen=True)
class ErrorPower:
    """Chance that the error test fails a model whose mean error is ``error``, with ``growth`` times the visits."""

    shifts: tuple[Floats, ...]
    null_sd: Floats
    other_sd: tuple[Floats, ...]
    level: float
    normals: Floats

    @classmethod
    def of(
        cls,
        probability: Floats,
        weight: Floats,
        cluster: Ints,
        *,
        bins: int,
        level: float,
        error: float,
        correlation: float = 0.0,
        seed: int = 0,
    ) -> ErrorPower:
        """Prepare the power computation.

        The error of a bin is a weighted sum of many independent enterprises: normal, to a good approximation (held
        against simulated visits by a test), with spread falling as 1/sqrt(visits). Two models are thought of, whose
        log-odds are all too low, or all too high, so that the mean error is ``error``; the power is that of the
        one harder to see.
        """
        place = equal_mass_bins(probability, weight, bins)
        w = weight / weight.sum()

        def spread(p: Floats) -> Floats:
            own = np.sqrt(p * (1 - p)) * w
            variance = np.bincount(place, weights=own**2)
            if correlation > 0:
                # A bin's enterprises: what is alike adds up before it is squared.
                _, pair = np.unique(np.column_stack([place, cluster]), axis=0, return_inverse=True)
                together = np.bincount(pair.ravel(), weights=own) ** 2
                bin_of = np.zeros(len(together), dtype=np.int64)
                bin_of[pair.ravel()] = place
                alike = np.bincount(bin_of, weights=together)
                variance = (1 - correlation) * variance + correlation * alike
            return np.sqrt(variance)

        others = [q for sign in (1, -1) if (q := shifted(probability, weight, error, sign)) is not None]
        return cls(
            tuple(np.asarray(np.bincount(place, weights=w * (q - probability)), np.float64) for q in others),
            spread(probability),
            tuple(spread(q) for q in others),
            level,
            np.random.default_rng([seed, 0xB1A5]).standard_normal((DRAWS, int(place.max()) + 1)),
        )

    def at(self, growth: float = 1.0) -> float:
        """Return the power with so many times the visits; 0 where no such model can be."""
        if not self.shifts:
            return 0.0
        limit = float(np.quantile(np.abs(self.normals * self.null_sd).sum(axis=1), self.level)) / math.sqrt(growth)
        chances = []
        for shift, sd in zip(self.shifts, self.other_sd, strict=True):
            seen = np.abs(shift + self.normals * (sd / math.sqrt(growth))).sum(axis=1)
            chances.append(float((seen > limit).mean()))
        return min(chances)

    def visits_to_tell(self, visits: int, power: float) -> int | None:
        """Return the visits of the same mix with which the power is reached; None if no number below 1e9 does."""
        least, most = 1e-3, MOST_VISITS / max(1, visits)
        if not self.shifts or self.at(most) < power:
            return None
        if self.at(least) >= power:
            return max(1, math.ceil(visits * least))
        for _ in range(40):
            middle = math.sqrt(least * most)
            least, most = (least, middle) if self.at(middle) >= power else (middle, most)
        return math.ceil(visits * most)
