"""Fixed-size sampling with unequal probabilities: systematic over a random order, exact to parts per million.

Madow (1949): units stand in a row, each as long as its probability, and a comb with teeth 1 apart and a random start
picks those that a tooth falls on. Whatever the order, each is picked with exactly its probability; the number picked of
any run of neighbours is its probabilities' sum, rounded down or up. Probabilities are whole parts per million, as the
contract's table ``draws`` keeps them, so that all sums are exact. docs/decisions/0010-sampling.md says what else was
looked at.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.arrays import Bools, Floats, Ints
from supervision.plan.chance import Words

MILLION = 1_000_000


def systematic(ppm: Ints, order: npt.NDArray[np.intp], start: int) -> Bools:
    """Pick units by a comb over their row.

    Parameters
    ----------
    ppm
        Probability of each unit, parts per million, 0 to 1,000,000, shape [n].
    order
        Places of the units in the row, shape [n].
    start
        Where the first tooth falls, 0 to 999,999: uniform.

    Returns
    -------
    Bools
        Whether each unit is picked, shape [n].

    Examples
    --------
    >>> systematic(np.array([500_000, 500_000, 1_000_000]), np.arange(3), 600_000).tolist()
    [True, False, True]
    """
    if len(ppm) and (int(ppm.min()) < 0 or int(ppm.max()) > MILLION):
        raise ValueError("probabilities must lie between 0 and 1,000,000 parts per million")
    ends = np.cumsum(ppm[order]) + start
    teeth = ends // MILLION
    hit = np.diff(teeth, prepend=start // MILLION) > 0
    picked = np.zeros(len(ppm), dtype=bool)
    picked[order[hit]] = True
    return picked


def row_order(strata: Ints, numbers: Words) -> npt.NDArray[np.intp]:
    """Return the order of a row: stratum by stratum, at random within; equal numbers keep their order."""
    return np.lexsort((numbers, strata))


def to_ppm(probability: Floats) -> Ints:
    """Return probabilities as whole parts per million; a chance that is not 0 is never rounded to 0.

    Examples
    --------
    >>> to_ppm(np.array([0.0, 1e-9, 0.25, 1.0])).tolist()
    [0, 1, 250000, 1000000]
    """
    found = np.rint(np.minimum(probability, 1.0) * MILLION).astype(np.int64)
    return np.asarray(np.where((probability > 0) & (found == 0), 1, found), dtype=np.int64)
