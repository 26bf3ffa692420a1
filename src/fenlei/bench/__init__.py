"""Benchmarks: measured, never asserted. ``fenlei bench VERB`` prints a table; nothing here is imported elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fenlei.bench.learning.study import truth_rows
    from fenlei.bench.truth.visits import labelled_visits
else:
    from features.lazy import lazily

    __getattr__ = lazily(
        __name__,
        {
            "labelled_visits": "fenlei.bench.truth.visits",
            "truth_rows": "fenlei.bench.learning.study",
        },
    )

__all__ = [
    "labelled_visits",
    "truth_rows",
]
