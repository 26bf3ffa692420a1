"""The models, from outcomes to a class: study, learner, review, sign-off, and scoring with its reasons."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

# Libraries that the models use load tqdm, which warns in a notebook without ipywidgets; none of its bars is shown.
warnings.filterwarnings("ignore", message="IProgress not found")

if TYPE_CHECKING:
    from models.learning.calibration import fit_calibrator
    from models.learning.classifier import RiskClassifier
    from models.pipeline import train
    from models.scoring.classification import Classification
    from models.scoring.classify import classify_frame
    from models.scoring.risk_model import RiskModel
    from models.scoring.rules.province import load_rules
    from models.signoff.approval import approved_model
    from models.study.experiment import load_experiment
    from models.tracking.store import Store
else:
    from features.lazy import lazily

    __getattr__ = lazily(
        __name__,
        {
            "Classification": "models.scoring.classification",
            "RiskClassifier": "models.learning.classifier",
            "RiskModel": "models.scoring.risk_model",
            "Store": "models.tracking.store",
            "approved_model": "models.signoff.approval",
            "classify_frame": "models.scoring.classify",
            "fit_calibrator": "models.learning.calibration",
            "load_experiment": "models.study.experiment",
            "load_rules": "models.scoring.rules.province",
            "train": "models.pipeline",
        },
    )

__all__ = [
    "Classification",
    "RiskClassifier",
    "RiskModel",
    "Store",
    "approved_model",
    "classify_frame",
    "fit_calibrator",
    "load_experiment",
    "load_rules",
    "train",
]
