"""Growth: more events of a cell in the newest window than its windows before, its size and the season let expect.

A cell's rate is gamma over the cells of its stratum; with its base windows, the newest window's count is negative
binomial. Rates also drift, so the threshold is no greater than what the same test gives, at the same rate, on the
quiet windows before the newest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import nbinom

from supervision.alerts.policy import Growth
from supervision.alerts.scan import gamma_rates


@dataclass(frozen=True)
class Grown:
    """What the newest window shows: one row a cell that grew, and the threshold.

    Parameters
    ----------
    cells
        Columns cell, n, expected, chance; sorted by cell.
    threshold
        Chance below which a cell has grown.
    """

    cells: pd.DataFrame
    threshold: float


def windows_of(days: int, policy: Growth) -> tuple[int, int]:
    """Return how many base and quiet windows a history of so many days before the cut-off allows."""
    whole = days // policy.window_days
    base = min(policy.base_windows, whole - 1)
    return base, max(0, min(policy.quiet_windows, whole - 1 - base))


def grown(counts: pd.DataFrame, cells: pd.DataFrame, policy: Growth, *, base: int, quiet: int) -> Grown:
    """Find the cells that grew.

    Parameters
    ----------
    counts
        Columns cell, window (0 the newest), n (int); only those with events.
    cells
        Index cell; columns stratum and exposure (firms of the cell; 1 for a firm).
    policy
        Windows, rate, least count.
    base, quiet
        Windows that there are, see `windows_of`.
    """
    wide = np.zeros((len(cells), base + quiet + 1), dtype=np.int64)
    row = cells.index.get_indexer(pd.Index(counts["cell"]))
    col = counts["window"].to_numpy(np.int64)
    here = (row >= 0) & (col <= base + quiet)
    np.add.at(wide, (row[here], col[here]), counts["n"].to_numpy(np.int64)[here])
    exposure = cells["exposure"].to_numpy(np.float64)
    shape, rate = _priors(wide[:, 1 : base + 1], cells["stratum"].to_numpy(), exposure, base)
    found = [_chances(wide[:, t : t + base + 1], exposure, shape, rate, policy.least) for t in range(quiet + 1)]
    alpha = policy.alpha
    past = np.sort(np.concatenate([chance for chance, _ in found[1:]])) if quiet else np.array([])
    if len(past):
        allowed = int(alpha * len(past))
        # The next smaller one that is not allowed is the bound; a history too short allows none at all.
        alpha = min(alpha, float(np.nextafter(past[min(allowed, len(past) - 1)], 0.0)))
    chance, expected = found[0]
    hit = np.flatnonzero(chance <= alpha)
    shown = pd.DataFrame(
        {"cell": cells.index[hit], "n": wide[hit, 0], "expected": expected[hit], "chance": chance[hit]}
    )
    return Grown(shown.sort_values("cell", ignore_index=True), alpha)


def _priors(
    wide: NDArray[np.int64], stratum: NDArray[np.int64], exposure: NDArray[np.float64], base: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fit each stratum's gamma to its cells' base counts; the rate is per exposure and window."""
    shape, rate = np.ones(len(wide)), np.ones(len(wide))
    total = wide.sum(axis=1)
    for each in np.unique(stratum):
        inside = stratum == each
        values, cells = np.unique(total[inside], return_counts=True)
        of = float(np.mean(exposure[inside])) * base
        shape[inside], rate[inside] = gamma_rates(values, cells.astype(np.int64), of)
    return shape, rate


def _chances(
    wide: NDArray[np.int64],
    exposure: NDArray[np.float64],
    shape: NDArray[np.float64],
    rate: NDArray[np.float64],
    least: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return each cell's chance of so many in the first window, and the number expected; 1 for fewer than ``least``."""
    now, before = wide[:, 0], wide[:, 1:]
    held = int(before.sum())
    season = max(1, int(now.sum())) * before.shape[1] / held if held else 1.0
    r, b = shape + before.sum(axis=1), rate + exposure * before.shape[1]
    look = exposure * season
    chance = np.ones(len(now))
    asked = now >= least
    chance[asked] = nbinom.sf(now[asked] - 1, r[asked], b[asked] / (b + look)[asked])
    return chance, r / b * look
