"""The experiment file and the rows it learns from: visits, their labels, indicators and segments in time."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.study.dataset import build_dataset
else:
    from features.lazy import lazily

    __getattr__ = lazily(
        __name__,
        {
            "build_dataset": "models.study.dataset",
        },
    )

__all__ = [
    "build_dataset",
]
