"""Pictures of a run and of its review."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.reporting.figures.plots import chinese_font, figure_of, save
else:
    from features.lazy import lazily

    __getattr__ = lazily(
        __name__,
        {
            "chinese_font": "models.reporting.figures.plots",
            "figure_of": "models.reporting.figures.plots",
            "save": "models.reporting.figures.plots",
        },
    )

__all__ = [
    "chinese_font",
    "figure_of",
    "save",
]
