"""Trend of each cell over the published months: mean change a month, with its uncertainty.

The same firms stand in each month, so months are no independent readings: changes from month to month are taken as
those of a random walk whose variance falls with the number of firms, pooled over cells.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from supervision.outlook.shrink import Shrunken, shrunken

Floats = NDArray[np.float64]


def trends(values: Floats, firms: Floats, confidence: float) -> Shrunken:
    """Return each cell's mean monthly change, shrunken towards that of all cells.

    Parameters
    ----------
    values
        Risk by cell and month, shape (cells, months), no gaps, two months at least.
    firms
        Firms of each cell, shape (cells,).
    confidence
        Of the intervals.
    """
    steps = np.diff(values, axis=1)
    number = steps.shape[1]
    mean = steps.mean(axis=1)
    # What is left of a cell's steps after its own and the province's common movement in the month.
    left = steps - mean[:, None] - (steps - mean[:, None]).mean(axis=0)[None, :]
    freedom = max((number - 1) * max(len(steps) - 1, 1), 1)
    unit = float((firms[:, None] * left**2).sum()) / freedom
    return shrunken(mean, unit / firms / number, np.ones((len(mean), 1)), confidence)
