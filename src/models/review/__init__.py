"""Review before signing: measures of a run, baselines, the reviewer's figures, and drift after sign-off."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.review.measure import arm_statement
    from models.review.review import tested_visits
else:
    from features.lazy import lazily

    __getattr__ = lazily(
        __name__,
        {
            "arm_statement": "models.review.measure",
            "tested_visits": "models.review.review",
        },
    )

__all__ = [
    "arm_statement",
    "tested_visits",
]
