"""One fit as an experiment asks for it: the learner's parameters, the catalogue's directions, the arms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from features.errors import ConfigError
from models.learning.arms import Fitted, fit_ignored, fit_known
from models.learning.classifier import RiskClassifier
from models.learning.search import Params
from models.study.dataset import Part
from models.study.experiment import Experiment
from models.study.indicators import catalogue


def study_classifier(experiment: Experiment, names: tuple[str, ...], params: Params) -> RiskClassifier:
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
    known = catalogue(experiment)
    if experiment.additive_families:
        settings["families"] = [known[n].family for n in names]
    return RiskClassifier(**settings, monotone=[known[n].monotone for n in names], seed=experiment.seed)


def fitted(experiment: Experiment, names: tuple[str, ...], parts: Mapping[str, Part], params: Params) -> Fitted:
    """Fit on the fit rows, stopped by the early-stopping rows, the arm treated as the experiment says."""
    way = fit_known if experiment.arms.arm == "known" else fit_ignored
    return way(lambda: study_classifier(experiment, names, params), parts["fit"].rows(), parts["stop"].rows())
