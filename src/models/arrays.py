"""Array types: the numbers that every package of the models passes on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
"""Double precision: indicators, margins, probabilities, points."""

Bools = NDArray[np.bool_]
"""Masks."""

Ints = NDArray[np.int64]
"""Counts and positions."""
