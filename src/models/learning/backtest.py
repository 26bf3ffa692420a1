"""Rolling origins: what given parameters would have shown at earlier moments, each with its own past alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from models.arrays import Floats
from models.errors import ModelError
from models.evaluation.metrics import Interval, Sample, Scored, evaluate
from models.learning.calibration import fit_calibrator, log_loss
from models.learning.fit import fitted
from models.learning.search import Params
from models.study.dataset import Dataset, Part
from models.study.experiment import Experiment
from models.study.weights import design_weights


@dataclass(frozen=True)
class Origin:
    """The final parameters at one rolling origin: what they would have shown then, with intervals by enterprise.

    The visits are of the arms that measure, weighted as in the test.
    """

    validate_from: str
    validate_to: str
    visits: int
    violations: int
    auc: Interval
    log_loss: Interval

    def as_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        return asdict(self) | {"auc": self.auc.as_dict(), "log_loss": self.log_loss.as_dict()}


def at_origin(
    experiment: Experiment, names: tuple[str, ...], fold: Mapping[str, Part], params: Params
) -> tuple[Floats, Floats]:
    """Fit at a rolling origin; return the validation rows' margins and probabilities.

    The probability's level and slope come from the early-stopping rows of the arms that measure; with too few of
    those the margin itself is taken for the log-odds.
    """
    found = fitted(experiment, names, fold, params).classifier
    stop = fold["stop"]
    margin = found.decision_function(fold["validate"].X)
    own = np.isin(stop.outcomes["arm"].to_numpy(dtype=object), experiment.arms.measure)
    if experiment.arms.weights == "design":
        own &= stop.outcomes["probability_ppm"].notna().to_numpy()
    if len(np.unique(stop.y[own])) < 2:
        return margin, np.asarray(expit(margin))
    weight = design_weights(stop.outcomes[own], experiment.arms.weights)
    level = fit_calibrator("platt", found.decision_function(stop.X[own]), stop.y[own], weight)
    return margin, level.probability(margin)


def origin_loss(experiment: Experiment, fold: Mapping[str, Part], margin: Floats, probability: Floats) -> float:
    """Return the objective on the validation rows of an origin; less is better."""
    rows = fold["validate"]
    if experiment.tuning.objective == "log_loss":
        return log_loss(probability, rows.y, rows.weight)
    return visits_needed(margin, rows.y, rows.weight, experiment.tuning.found_share)


def visits_needed(margin: Floats, y: NDArray[np.generic], weight: Floats, found_share: float) -> float:
    """Return the least share of the visits, the riskiest first, that finds a share of all violations.

    Parameters
    ----------
    margin, y, weight
        Of each visit, [n]. Visits of equal margin come in no order: a part of them finds the same part of their
        violations.
    found_share
        Of the weighted violations, between 0 and 1. At random it takes as large a share of the visits.

    Raises
    ------
    ModelError
        If there is no violation to find.
    """
    levels, group = np.unique(-margin, return_inverse=True)
    visits = np.r_[0.0, np.cumsum(np.bincount(group, weights=weight, minlength=len(levels)))]
    found = np.r_[0.0, np.cumsum(np.bincount(group, weights=weight * np.asarray(y), minlength=len(levels)))]
    if not found[-1] > 0:
        raise ModelError("no violation among the visits: the visits needed to find a share of them can't be told")
    wanted = found_share * found[-1]
    # The first group that reaches it, but for rounding: those behind it that find nothing are not needed.
    last = int(np.searchsorted(found, wanted * (1 - 1e-12)))
    part = (wanted - found[last - 1]) / (found[last] - found[last - 1])
    return float((visits[last - 1] + part * (visits[last] - visits[last - 1])) / visits[-1])


def origins(experiment: Experiment, dataset: Dataset, params: Params) -> tuple[Origin, ...]:
    """Fit the final parameters at every rolling origin and measure them on its validation rows."""
    out = []
    for fold in dataset.folds:
        rows = fold["validate"]
        margin, probability = at_origin(experiment, dataset.names, fold, params)
        days = rows.outcomes["visited_on"]
        e = experiment.evaluation
        shown = evaluate(
            Sample.of(rows.y, rows.enterprise, rows.weight),
            {"model": Scored(margin, probability)},
            repetitions=e.repetitions,
            level=e.level,
            seed=experiment.seed,
        ).values["model"]
        out.append(
            Origin(
                validate_from=str(days.min()),
                validate_to=str(days.max()),
                visits=len(rows),
                violations=int(rows.y.sum()),
                auc=shown["auc"],
                log_loss=shown["log_loss"],
            )
        )
    return tuple(out)
