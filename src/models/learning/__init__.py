"""The learner: search, fit, circumstances of the visits, calibration, and rolling origins."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.learning.classifier import RiskClassifier
    from models.learning.fit import fit_rows, study_classifier
    from models.learning.learner import learn
    from models.study.weights import Rows
else:
    from features.lazy import lazily

    __getattr__ = lazily(
        __name__,
        {
            "RiskClassifier": "models.learning.classifier",
            "Rows": "models.study.weights",
            "fit_rows": "models.learning.fit",
            "learn": "models.learning.learner",
            "study_classifier": "models.learning.fit",
        },
    )

__all__ = [
    "RiskClassifier",
    "Rows",
    "fit_rows",
    "learn",
    "study_classifier",
]
