"""The learner: search, fit, arms, calibration, and the backtest over rolling origins."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.learning.arms import fit_ignored, fit_known
    from models.learning.fit import study_classifier
    from models.learning.learner import learn
    from models.study.weights import Rows
else:
    from features.lazy import lazily

    __getattr__ = lazily(
        __name__,
        {
            "Rows": "models.study.weights",
            "fit_ignored": "models.learning.arms",
            "fit_known": "models.learning.arms",
            "learn": "models.learning.learner",
            "study_classifier": "models.learning.fit",
        },
    )

__all__ = [
    "Rows",
    "fit_ignored",
    "fit_known",
    "learn",
    "study_classifier",
]
