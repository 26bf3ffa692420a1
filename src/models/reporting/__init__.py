"""The report of a run: its data gathered as plain values, its pictures, and the page that shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.reporting.compare import compare_runs
else:
    from features.lazy import lazily

    __getattr__ = lazily(
        __name__,
        {
            "compare_runs": "models.reporting.compare",
        },
    )

__all__ = [
    "compare_runs",
]
