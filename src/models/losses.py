"""Losses of probabilities: one definition for the search, the calibrators, the test and its worst cases."""

from __future__ import annotations

import numpy as np

from models.arrays import Floats

EDGE = 1e-15
"""How near to 0 and 1 a probability is taken as it is: one sure mistake costs much, but not infinity."""


def log_losses(probability: Floats, outcome: Floats) -> Floats:
    """Return the log loss of each probability, shape (n,), against its outcome 0/1, in nats.

    Examples
    --------
    >>> log_losses(np.array([0.5, 1.0]), np.array([1.0, 0.0])).round(3).tolist()
    [0.693, 34.539]
    """
    p = np.clip(probability, EDGE, 1 - EDGE)
    return -(outcome * np.log(p) + (1 - outcome) * np.log1p(-p))
