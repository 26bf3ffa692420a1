"""Learning, from the split rows to the frozen model: search, look back, fit, calibrate, freeze the score map."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from features.catalogue import catalogue_hash
from features.errors import ConfigError
from models.arrays import Floats
from models.learning.calibration import choose_calibrator, fit_calibrator
from models.learning.classifier import RiskClassifier
from models.learning.fit import fitted
from models.learning.rolling import (
    USUAL_SHARE,
    Blend,
    Origin,
    choose_blend,
    look_back,
    origin_loss,
    origins,
    out_of_time_margins,
    with_blend,
)
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
    classifier
        The fit that the model holds.
    effects
        What each circumstance of a visit adds at equal records, in log-odds: "arm: not random" is that of the arm.
    blend
        How the number of trees and their share were chosen; None where they were given.
    origins
        The final parameters at each rolling origin, the latest first.
    """

    model: RiskModel
    tuned: Tuned
    classifier: RiskClassifier
    calibration_losses: dict[str, float]
    effects: dict[str, float]
    blend: Blend | None
    origins: tuple[Origin, ...]

    @property
    def rounds(self) -> int:
        """How many trees."""
        return int(self.classifier.n_estimators)

    @property
    def arm_effect(self) -> float | None:
        """Log-odds that visits outside the random arm add at equal records; None where the arm was ignored."""
        return self.effects.get("arm: not random")


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
    """Search the learner's parameters over the rolling origins, all earlier than the test.

    With a log every trial is a run within the training run from when it ends.
    """

    def losses(params: Params) -> Iterator[float]:
        share = float(params.get("tree_share", USUAL_SHARE))
        for fold in dataset.folds:
            back = look_back(experiment, dataset.names, fold, params)
            yield origin_loss(experiment, fold, back.margin(back.rounds[-1], share))

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
    kind, weight = experiment.calibration.kind, calibration_weight(experiment, part)
    losses: dict[str, float] = {}
    if kind == "auto":
        cut = int(len(part) * CHOOSING_SHARE)
        early, late = slice(None, cut), slice(cut, None)
        both = len(np.unique(part.y[early])) == 2 and len(np.unique(part.y[late])) == 2
        kind = "spline"
        if both:
            choice = choose_calibrator(
                (margin[early], part.y[early], weight[early]),
                (margin[late], part.y[late], weight[late]),
            )
            kind, losses = choice.calibrator.kind, choice.losses
    return fit_calibrator(kind, margin, part.y, weight), losses


def calibration_weight(experiment: Experiment, part: Part) -> Floats:
    """Return the weights of calibration visits, [n]: of the draws, and less for older ones where the study says so."""
    if (half := experiment.calibration.half_life_days) is None:
        return part.weight
    day = pd.to_datetime(part.outcomes["visited_on"])
    age = (day.max() - day).dt.days.to_numpy(dtype=np.float64)
    return np.asarray(part.weight * 0.5 ** (age / half), dtype=np.float64)


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
    say("looking back from the rolling origins")
    seen = [look_back(experiment, dataset.names, fold, tuned.params) for fold in dataset.folds]
    chosen = choose_blend(experiment, seen, tuned.params)
    final = replace(tuned, params=with_blend(tuned.params, chosen))
    say(f"fitting on everything known: {chosen.rounds} trees, their share {chosen.tree_share:g}")
    found = fitted(experiment, dataset.names, dataset.parts["fit"], final.params)
    margin = out_of_time_margins(seen, chosen)
    back = origins(experiment, seen, chosen)
    return freeze(experiment, dataset, found, final, margin=margin, arm=arm, blend=chosen, back=back)


def freeze(
    experiment: Experiment,
    dataset: Dataset,
    found: RiskClassifier,
    tuned: Tuned,
    *,
    margin: Floats,
    arm: str,
    blend: Blend | None = None,
    back: tuple[Origin, ...] = (),
) -> Learned:
    """Calibrate on out-of-time margins and freeze everything a model is made of.

    Parameters
    ----------
    experiment, dataset, found, tuned
        The study, its rows, the fit and the parameters it was made with.
    margin
        Of the calibration visits, [n], by fits that had not seen them.
    arm
        The sentence on what the probability is measured on.
    blend, back
        How the blend was chosen, and what the parameters showed at the rolling origins.
    """
    part = dataset.parts["calibrate"]
    calibrator, losses = calibrated(experiment, part, margin)
    uncertainty = fit_uncertainty(
        calibrator,
        margin,
        part.y,
        part.enterprise,
        calibration_weight(experiment, part),
        seed=experiment.seed,
        level=experiment.evaluation.level,
    )
    fit = dataset.parts["fit"]
    unknown, known = np.asarray(np.isnan(fit.X).any(axis=0)), catalogue(experiment)
    names = dataset.names
    effects = effects_of(found, dataset)
    model = assemble(
        booster_text=found.booster_text(),
        linear=found.linear_,
        tree_share=found.tree_share,
        calibrator=calibrator,
        bands=bands_of(experiment),
        reference=found.decision_function(dataset.population),
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
            "rounds": found.n_estimators,
            "effects": effects,
        },
    )
    return Learned(model, tuned, found, losses, effects, blend, back)


def effects_of(found: RiskClassifier, dataset: Dataset) -> dict[str, float]:
    """Return what each circumstance adds, in log-odds, and the spread of the pairs over the visits of the fit."""
    out = dict(zip(dataset.coding.names, found.effects_.terms.tolist(), strict=True))
    if dataset.coding.pairs:
        pair = dataset.parts["fit"].circumstances.pair
        out["inspector: standard deviation"] = float(found.effects_.pairs[pair[pair >= 0]].std())
    return out
