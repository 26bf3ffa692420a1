"""One fit as an experiment asks for it: the learner's parameters, the catalogue's directions, the circumstances."""

from __future__ import annotations

from typing import Any

from features.errors import ConfigError
from models.learning.classifier import RiskClassifier
from models.learning.search import Params
from models.study.dataset import Part
from models.study.experiment import Experiment
from models.study.indicators import catalogue
from models.study.weights import Rows


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


def fitted(experiment: Experiment, names: tuple[str, ...], part: Part, params: Params) -> RiskClassifier:
    """Fit on visits that teach, their circumstances treated as the experiment says."""
    return fit_rows(study_classifier(experiment, names, params), part.rows())


def fit_rows(classifier: RiskClassifier, rows: Rows) -> RiskClassifier:
    """Fit a classifier on rows; the one place that says what of them it is given."""
    return classifier.fit(rows.X, rows.y, sample_weight=rows.weight, circumstances=rows.circumstances)
