"""Contributions of a booster's trees to the margin of rows, exactly as LightGBM's ``pred_contrib`` defines them."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from models.arrays import Floats
from models.scoring.shap import few
from models.scoring.shap.tables import build
from models.scoring.shap.trees import read_forest

FEW = 256
"""Rows up to which NumPy alone answers; with more, loading what was compiled is worth its time."""
BLOCK = 2048
"""Rows at once: enough to read a deep model's tables seldom, few enough for the sums of a column to stay near."""


class TreeShap:
    """A booster made ready for its contributions.

    Parameters
    ----------
    booster_text
        LightGBM's text.

    Raises
    ------
    ModelFileError
        If it is no boosted forest of numerical splits with one margin.

    Notes
    -----
    The tables of 266 trees of depth 4 over 142 columns hold 7 MB and are built within a second. Those of 1,250 trees of
    31 leaves hold up to 700 MB and take some ten seconds; no model's hold more than
    `models.scoring.shap.pieces.MEMORY`.
    """

    def __init__(self, booster_text: str) -> None:
        self._explainer = build(read_forest(booster_text))

    @property
    def base(self) -> float:
        """Expected margin over the training rows, log-odds: where contributions start."""
        return self._explainer.base

    def contributions(self, X: Floats, finish: Callable[[Floats, Floats], Floats] | None = None) -> Floats:
        """Return what each column adds to the margin of rows.

        Parameters
        ----------
        X : ndarray of shape (n, k), float64; NaN is unknown
        finish
            Makes of some rows and their parts, shape (m, k + 1), what is returned of them; it is called by several
            threads.

        Returns
        -------
        ndarray of shape (n, k + 1)
            Log-odds; the last column is the base, and a row sums to its margin. The same row gives the same bits,
            with whichever rows it is asked and by however many threads.

        Raises
        ------
        ValueError
            If the rows have another number of columns than the booster's.
        """
        n, k = len(X), self._explainer.columns
        if X.ndim != 2 or X.shape[1] != k:
            raise ValueError(f"the booster reads rows of {k} columns, got shape {X.shape}")
        out = np.empty((n, k + 1))
        if n <= FEW:
            self._write(X, few.contributions(self._explainer, X), out, finish)
            return out
        from models.scoring.shap import many

        def work(start: int) -> None:
            rows = X[start : start + BLOCK]
            self._write(rows, many.contributions(self._explainer, rows), out[start : start + BLOCK], finish)

        with ThreadPoolExecutor(threads(n)) as pool:
            for done in pool.map(work, range(0, n, BLOCK)):
                assert done is None
        return out

    def _write(self, rows: Floats, own: Floats, out: Floats, finish: Callable[[Floats, Floats], Floats] | None) -> None:
        out[:, :-1] = own
        out[:, -1] = self._explainer.base
        if finish is not None and len(rows):
            out[:] = finish(rows, out)


def threads(rows: int) -> int:
    """Return how many threads so many rows are worth: no more than OMP_NUM_THREADS, NUMBA_NUM_THREADS or processors."""
    allowed = [len(os.sched_getaffinity(0)), -(-rows // BLOCK)]
    for name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):
        said = os.environ.get(name, "").partition(",")[0].strip()
        if said.isdigit() and int(said):
            allowed.append(int(said))
    return max(1, min(allowed))
