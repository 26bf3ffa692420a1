"""From the split rows to the frozen model: search, fit, calibrate, freeze the score map."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import expit

from features.catalogue import CATALOGUE, catalogue_hash
from features.errors import ConfigError
from features.policy import policy_hash
from models.bands import BandPolicy, load_bands
from models.calibration import Beta, Isotonic, Platt, choose_calibrator, fit_calibrator, log_loss
from models.classifier import RiskClassifier
from models.dataset import Dataset, Part
from models.experiment import Experiment
from models.risk_model import POLICIES, RiskModel, assemble
from models.tuning import Params, Tuned, tune

CHOOSING_SHARE = 2 / 3
"""Share of the calibration rows, the earlier ones, on which the kinds are fitted before one is chosen."""


@dataclass(frozen=True)
class Learned:
    """The frozen model, and how it came to be."""

    model: RiskModel
    tuned: Tuned
    rounds: int
    calibration_losses: dict[str, float]


def classifier(experiment: Experiment, names: tuple[str, ...], params: Params) -> RiskClassifier:
    """Return the unfitted classifier with the catalogue's directions.

    Raises
    ------
    ConfigError
        If the experiment names a parameter the learner doesn't have.
    """
    allowed = set(RiskClassifier().get_params()) - {"monotone", "families", "seed"}
    unknown = sorted(set(params) - allowed)
    if unknown:
        raise ConfigError(f"experiment {experiment.name}: no learner parameter {unknown}; it has {sorted(allowed)}")
    settings: dict[str, Any] = dict(params)
    if experiment.additive_families:
        settings["families"] = [CATALOGUE[n].family for n in names]
    return RiskClassifier(**settings, monotone=[CATALOGUE[n].monotone for n in names], seed=experiment.seed)


def fitted(experiment: Experiment, dataset: Dataset, params: Params) -> RiskClassifier:
    """Fit on the fit rows, stopped by the early-stopping rows."""
    fit, stop = dataset.parts["fit"], dataset.parts["stop"]
    return classifier(experiment, dataset.names, params).fit(fit.X, fit.y, eval_set=(stop.X, stop.y))


def study_name(experiment: Experiment, dataset: Dataset) -> str:
    """Name of the search: what decides its values, but not how many trials are asked for."""
    decides = experiment.model_dump_json(exclude={"tuning": {"trials"}, "title": True, "evaluation": True})
    text = "\0".join([decides, dataset.source_hash, catalogue_hash(CATALOGUE)])
    return f"{experiment.name}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def search(
    experiment: Experiment,
    dataset: Dataset,
    trials: int,
    storage: Path,
    say: Callable[[str], None],
) -> Tuned:
    """Search the learner's parameters by log loss on the early-stopping rows, later than the fit."""
    stop = dataset.parts["stop"]

    def objective(params: Params) -> float:
        found = fitted(experiment, dataset, params)
        return log_loss(expit(found.decision_function(stop.X)), stop.y)

    return tune(
        objective,
        experiment.tuning,
        base=dict(experiment.learner),
        trials=trials,
        seed=experiment.seed,
        storage=storage,
        study=study_name(experiment, dataset),
        on_trial=lambda number, _, loss: say(f"trial {number + 1} of {trials}: log loss {loss:.4f}"),
    )


def calibrated(
    experiment: Experiment, part: Part, margin: np.ndarray
) -> tuple[Platt | Beta | Isotonic, dict[str, float]]:
    """Fit the calibrator; "auto" chooses the kind on the later third of the rows, then fits it on all.

    The rows are in order of visit, so the later third is later in time.
    """
    kind = experiment.calibration.kind
    losses: dict[str, float] = {}
    if kind == "auto":
        cut = int(len(part) * CHOOSING_SHARE)
        early, late = slice(None, cut), slice(cut, None)
        both = len(np.unique(part.y[early])) == 2 and len(np.unique(part.y[late])) == 2
        kind = "platt"
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
    """
    tuned = search(experiment, dataset, trials, storage, say)
    say("fitting")
    found = fitted(experiment, dataset, tuned.params)
    part = dataset.parts["calibrate"]
    margin = found.decision_function(part.X)
    calibrator, losses = calibrated(experiment, part, margin)
    fit = dataset.parts["fit"]
    unknown = np.asarray(np.isnan(fit.X).any(axis=0))
    names = dataset.names
    model = assemble(
        booster_text=found.booster_text(),
        calibrator=calibrator,
        bands=bands_of(experiment),
        reference=found.decision_function(dataset.population),
        indicator_names=names,
        families={n: CATALOGUE[n].family for n in names},
        directions={n: CATALOGUE[n].monotone for n in names},
        nullable=[n for n, u in zip(names, unknown.tolist(), strict=True) if u],
        province=experiment.province,
        catalogue_hash=catalogue_hash(CATALOGUE),
        policy_hash=policy_hash(experiment.province, *POLICIES),
        arm=arm,
        about={
            "experiment": experiment.name,
            "source_hash": dataset.source_hash,
            "as_of": dataset.as_of.isoformat(),
            "split": experiment.split.model_dump(mode="json"),
            "params": dict(tuned.params),
            "rounds": found.best_iteration_,
        },
    )
    return Learned(model, tuned, found.best_iteration_, losses)
