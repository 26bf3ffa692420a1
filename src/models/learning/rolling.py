"""Rolling origins: what a learner would have said after earlier moments, each with its own past alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from models.arrays import Floats
from models.errors import ModelError
from models.evaluation.metrics import Interval, Sample, Scored, evaluate
from models.learning.calibration import fit_calibrator, log_loss
from models.learning.fit import fitted
from models.learning.linear import Effects
from models.learning.search import Params
from models.scoring.linear import blend
from models.study.dataset import Fold
from models.study.experiment import Experiment
from models.study.parameters import LearnerParameters

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Shares of the trees in the margin that are tried."""
USUAL_SHARE = 0.5
PARTS = 4
"""The numbers of trees that are tried: so many equal parts of ``n_estimators``."""


@dataclass(frozen=True)
class LookBack:
    """What was said of the visits after an origin.

    Parameters
    ----------
    fold
        The origin and its visits.
    linear
        Margins of the linear part, [m].
    trees
        Margins of the first so many trees, [m, r].
    rounds
        How many trees, [r].
    effects
        Of the visits' circumstances, as the fit found them.
    """

    fold: Fold
    linear: Floats
    trees: Floats
    rounds: tuple[int, ...]
    effects: Effects

    def margin(self, rounds: int, tree_share: float) -> Floats:
        """Return the margins of the visits, [m], with so many trees at this share."""
        return blend(self.linear, self.trees[:, self.rounds.index(rounds)], tree_share)


@dataclass(frozen=True)
class Blend:
    """How many trees and at which share, and what spoke for it.

    Parameters
    ----------
    losses
        Mean objective over the origins of every blend that was tried, (rounds, tree_share) to loss.
    """

    rounds: int
    tree_share: float
    losses: dict[tuple[int, float], float]


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


def rounds_tried(experiment: Experiment, params: Params) -> tuple[int, ...]:
    """Return the numbers of trees that are tried, ascending; only the most where the blend is given."""
    most = int(params.get("n_estimators", LearnerParameters().n_estimators))
    if experiment.tuning.blend == "fixed":
        return (most,)
    return tuple(sorted({max(1, most * part // PARTS) for part in range(1, PARTS + 1)}))


def look_back(experiment: Experiment, names: tuple[str, ...], fold: Fold, params: Params) -> LookBack:
    """Fit at an origin and keep what both parts say of the visits that follow, with every number of trees tried."""
    rounds = rounds_tried(experiment, params)
    if experiment.tuning.blend == "chosen":
        params = {**params, "tree_share": USUAL_SHARE}
    found = fitted(experiment, names, fold.fit, params)
    linear, trees = found.parts(fold.validate.X, rounds)
    return LookBack(fold, linear, trees, rounds, found.effects_)


def choose_blend(experiment: Experiment, seen: Sequence[LookBack], params: Params) -> Blend:
    """Choose how many trees and at which share, by the mean objective over the origins.

    The usual blend, half the trees at half the weight, stays unless another one was better by more than one standard
    error of their difference over the origins: which of several like ones has the least loss is luck. It stays, too,
    where there is no origin to choose by.
    """
    rounds = seen[0].rounds if seen else rounds_tried(experiment, params)
    if experiment.tuning.blend == "fixed":
        share = float(params.get("tree_share", USUAL_SHARE))
        return Blend(rounds[-1], share, {})
    usual = (rounds[(len(rounds) - 1) // 2], USUAL_SHARE)
    if not seen:
        return Blend(*usual, {})
    tried = [(r, w) for w in SHARES for r in (rounds if w > 0 else rounds[:1])]
    losses = {
        (r, w): np.array([origin_loss(experiment, back.fold, back.margin(r, w)) for back in seen]) for r, w in tried
    }
    best = min(tried, key=lambda one: (float(losses[one].mean()), tried.index(one)))
    gain = losses[usual] - losses[best]
    error = float(gain.std(ddof=1) / np.sqrt(len(gain))) if len(gain) > 1 else np.inf
    if not float(gain.mean()) > error:
        best = usual
    return Blend(*best, {one: float(loss.mean()) for one, loss in losses.items()})


def out_of_time_margins(seen: Sequence[LookBack], chosen: Blend) -> Floats:
    """Return the margins of all origins' visits, the oldest first, as `models.study.dataset.out_of_time` has them."""
    return np.concatenate([back.margin(chosen.rounds, chosen.tree_share) for back in reversed(seen)])


def origin_loss(experiment: Experiment, fold: Fold, margin: Floats) -> float:
    """Return the objective on the validation visits of an origin; less is better.

    The level and the slope of the probability are fitted on the visits themselves: the level of a later time is not
    what a parameter can be chosen by.
    """
    rows = fold.validate
    if experiment.tuning.objective == "log_loss":
        level = fit_calibrator("platt", margin, rows.y, rows.weight)
        return log_loss(level.probability(margin), rows.y, rows.weight)
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


def origins(experiment: Experiment, seen: Sequence[LookBack], chosen: Blend) -> tuple[Origin, ...]:
    """Measure the final parameters on the visits after every origin, the latest origin first.

    Their probabilities are calibrated on what the origins before had said and was known by then; without such, the
    margin is taken for the log-odds.
    """
    out = []
    for at, back in enumerate(seen):
        rows, margin = back.fold.validate, back.margin(chosen.rounds, chosen.tree_share)
        e = experiment.evaluation
        shown = evaluate(
            Sample.of(rows.y, rows.enterprise, rows.weight),
            {"model": Scored(margin, _calibrated_before(seen[at + 1 :], back.fold, chosen, margin))},
            repetitions=e.repetitions,
            level=e.level,
            seed=experiment.seed,
        ).values["model"]
        days = rows.outcomes["visited_on"]
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


def _calibrated_before(earlier: Sequence[LookBack], fold: Fold, chosen: Blend, margin: Floats) -> Floats:
    told, y, weight = [], [], []
    for back in earlier:
        rows = back.fold.validate
        known = (rows.outcomes["known_at"] < fold.day).to_numpy()
        told.append(back.margin(chosen.rounds, chosen.tree_share)[known])
        y.append(rows.y[known])
        weight.append(rows.weight[known])
    if not told or len(np.unique(np.concatenate(y))) < 2:
        return np.asarray(expit(margin))
    level = fit_calibrator("platt", np.concatenate(told), np.concatenate(y), np.concatenate(weight))
    return level.probability(margin)


def with_blend(params: Params, chosen: Blend) -> Params:
    """Return the parameters with the chosen number of trees and their share."""
    return {**params, "n_estimators": chosen.rounds, "tree_share": chosen.tree_share}
