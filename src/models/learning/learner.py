"""Learning, from the split rows to the frozen model: search, fit, calibrate, freeze the score map."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from features.catalogue import catalogue_hash
from features.errors import ConfigError
from models.learning.arms import Fitted
from models.learning.backtest import Origin, at_origin, origin_loss, origins
from models.learning.calibration import choose_calibrator, fit_calibrator
from models.learning.fit import fitted
from models.learning.search import Params, Trial, Tuned, tune
from models.learning.uncertainty import fit_uncertainty
from models.scoring.bands import BandPolicy, load_bands
from models.scoring.calibrators import AnyCalibrator
from models.scoring.risk_model import RiskModel, assemble
from models.study.dataset import Dataset, Part
from models.study.experiment import Experiment
from models.study.indicators import catalogue, policies_hash

if TYPE_CHECKING:
    from models.learning.trials import TrialLog


CHOOSING_SHARE = 2 / 3
"""Share of the calibration rows, the earlier ones, on which the kinds are fitted before one is chosen."""


@dataclass(frozen=True)
class Learned:
    """The frozen model, and how it came to be.

    Parameters
    ----------
    arm_effect
        Log-odds that visits outside the random arm add at equal records; None where the arm was ignored.
    origins
        The final parameters at each rolling origin, the latest first.
    """

    model: RiskModel
    tuned: Tuned
    rounds: int
    calibration_losses: dict[str, float]
    arm_effect: float | None
    origins: tuple[Origin, ...]


def study_name(experiment: Experiment, dataset: Dataset) -> str:
    """Name of the search: everything that decides its values, but not how many trials are asked for.

    The policies are among it: ``outcomes.toml`` says what a violation is, ``cohort.toml`` whose visits teach.
    """
    decides = experiment.model_dump_json(exclude={"tuning": {"trials"}, "title": True, "evaluation": True})
    found = [decides, dataset.source_hash, catalogue_hash(catalogue(experiment)), policies_hash(experiment)]
    text = "\0".join(found)
    return f"{experiment.name}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def search(
    experiment: Experiment,
    dataset: Dataset,
    trials: int,
    storage: Path,
    say: Callable[[str], None],
    log: TrialLog | None = None,
) -> Tuned:
    """Search the learner's parameters over the rolling origins, all earlier than the calibration.

    With a log every trial is a run within the training run from when it ends.

    Raises
    ------
    ConfigError
        If trials are asked for and there is no rolling origin to judge them at.
    """
    if trials and not dataset.folds:
        raise ConfigError(
            f"experiment {experiment.name}: {trials} trials need tuning.rolling.folds >= 1 to be judged on"
        )

    def losses(params: Params) -> Iterator[float]:
        for fold in dataset.folds:
            yield origin_loss(experiment, fold, *at_origin(experiment, dataset.names, fold, params))

    def tell(trial: Trial) -> None:
        if log is not None:
            log.ended(trial)
        given_up = ", given up" if trial.pruned else ""
        say(f"trial {trial.number + 1} of {trials}: {experiment.tuning.objective} {trial.loss:.4f}{given_up}")

    return tune(
        losses,
        experiment.tuning,
        base=dict(experiment.learner),
        trials=trials,
        seed=experiment.seed,
        storage=storage,
        study=study_name(experiment, dataset),
        on_start=None if log is None else log.begun,
        on_trial=tell,
    )


def calibrated(experiment: Experiment, part: Part, margin: np.ndarray) -> tuple[AnyCalibrator, dict[str, float]]:
    """Fit the calibrator; "auto" chooses the kind on the later third of the rows, then fits it on all.

    The rows are in order of visit, so the later third is later in time.
    """
    kind = experiment.calibration.kind
    losses: dict[str, float] = {}
    if kind == "auto":
        cut = int(len(part) * CHOOSING_SHARE)
        early, late = slice(None, cut), slice(cut, None)
        both = len(np.unique(part.y[early])) == 2 and len(np.unique(part.y[late])) == 2
        kind = "spline"
        if both:
            choice = choose_calibrator(
                (margin[early], part.y[early], part.weight[early]),
                (margin[late], part.y[late], part.weight[late]),
            )
            kind, losses = choice.calibrator.kind, choice.losses
    return fit_calibrator(kind, margin, part.y, part.weight), losses


def bands_of(experiment: Experiment) -> BandPolicy:
    """Return the province's bands with what the experiment sets otherwise."""
    policy = load_bands(experiment.province)
    changes = experiment.bands.model_dump(exclude_none=True)
    if {"anchor", "rates"} & changes.keys():
        # The province's promises are about its own rates: with others at the cuts, these are the promise.
        changes["promises"] = None
    try:
        return BandPolicy.model_validate({**policy.model_dump(), **changes}) if changes else policy
    except ValueError as err:
        raise ConfigError(f"experiment {experiment.name}: bands: {err}") from err


def learn(
    experiment: Experiment,
    dataset: Dataset,
    *,
    trials: int,
    storage: Path,
    arm: str,
    say: Callable[[str], None] = lambda _: None,
    log: TrialLog | None = None,
) -> Learned:
    """Search, fit, calibrate and freeze.

    Parameters
    ----------
    experiment, dataset
        What to learn, and from what.
    trials, storage
        Of the search.
    arm
        The sentence on what the probability is measured on.
    say
        Told of every step.
    log
        Logs the search's trials; None: they are only kept in the storage.
    """
    tuned = search(experiment, dataset, trials, storage, say, log)
    say("fitting")
    found = fitted(experiment, dataset.names, dataset.parts, tuned.params)
    say("looking back at the rolling origins")
    back = origins(experiment, dataset, tuned.params)
    return freeze(experiment, dataset, found, tuned, arm=arm, back=back)


def freeze(
    experiment: Experiment,
    dataset: Dataset,
    found: Fitted,
    tuned: Tuned,
    *,
    arm: str,
    back: tuple[Origin, ...] = (),
) -> Learned:
    """Calibrate a fitted classifier on the calibration rows and freeze everything a model is made of.

    Parameters
    ----------
    experiment, dataset, found, tuned
        The study, its rows, the fit and the parameters it was made with.
    arm
        The sentence on what the probability is measured on.
    back
        What the parameters showed at the rolling origins.
    """
    learner, part = found.classifier, dataset.parts["calibrate"]
    margin = learner.decision_function(part.X)
    calibrator, losses = calibrated(experiment, part, margin)
    uncertainty = fit_uncertainty(
        calibrator,
        margin,
        part.y,
        part.enterprise,
        part.weight,
        seed=experiment.seed,
        level=experiment.evaluation.level,
    )
    fit = dataset.parts["fit"]
    unknown, known = np.asarray(np.isnan(fit.X).any(axis=0)), catalogue(experiment)
    names = dataset.names
    model = assemble(
        booster_text=learner.booster_text(),
        calibrator=calibrator,
        bands=bands_of(experiment),
        reference=learner.decision_function(dataset.population),
        indicator_names=names,
        families={n: known[n].family for n in names},
        directions={n: known[n].monotone for n in names},
        nullable=[n for n, u in zip(names, unknown.tolist(), strict=True) if u],
        province=experiment.province,
        catalogue_hash=catalogue_hash(known),
        policy_hash=policies_hash(experiment),
        arm=arm,
        uncertainty=uncertainty,
        about={
            "experiment": experiment.name,
            "source_hash": dataset.source_hash,
            "as_of": dataset.as_of.isoformat(),
            "split": experiment.split.model_dump(mode="json"),
            "params": dict(tuned.params),
            "rounds": learner.best_iteration_,
            "arm_effect": found.effect,
        },
    )
    return Learned(model, tuned, learner.best_iteration_, losses, found.effect, back)
