"""Contributions of few rows by NumPy alone: a service doesn't wait for a compiler.

The same tables as in `models.scoring.shap.many`, added in the same order, so that both give the same bits.
"""

from __future__ import annotations

import numpy as np

from models.arrays import Bools, Floats, Ints
from models.scoring.shap.tables import Coding, Explainer, Long
from models.scoring.shap.trees import ZERO, ZERO_LEFT

_CELLS = 2**21
"""Shares looked up at once."""


def contributions(explainer: Explainer, X: Floats) -> Floats:
    """Return what each column adds to the base, log-odds of shape (n, k), of rows of shape (n, k)."""
    step = max(1, _CELLS // max(1, len(explainer.tables.feature)))
    found = [_block(explainer, X[at : at + step]) for at in range(0, len(X), step)]
    return np.concatenate(found) if found else np.zeros((0, explainer.columns))


def _block(explainer: Explainer, X: Floats) -> Floats:
    tables, long, n, k = explainer.tables, explainer.long, len(X), explainer.columns
    codes = coded(explainer.coding, X)
    shares, features = np.empty((n, 0)), np.empty(0, dtype=np.int64)
    if len(tables.size):
        right = codes[:, tables.column] > tables.rank
        outcome = np.add.reduceat(right * tables.stride, tables.decision_start[:-1], axis=1)
        piece = np.repeat(np.arange(len(tables.size)), np.diff(tables.slot_start))
        shares, features = tables.shares[tables.begin + outcome[:, piece]], tables.feature
    if len(long.feature):
        shares = np.column_stack([shares, _long_shares(long, codes)])
        features = np.concatenate([features, long.feature])
    # bincount adds one after the other, in the order given: piece by piece, as the compiled way does.
    place = np.arange(n)[:, None] * k + features
    found: Floats = np.bincount(place.ravel(), weights=shares.ravel(), minlength=n * k).astype(np.float64, copy=False)
    return found.reshape(n, k)


def coded(coding: Coding, X: Floats) -> Ints:
    """Return the codes of rows, shape (n, columns of the coding)."""
    codes = np.empty((len(X), len(coding.feature)), dtype=np.int64)
    for at, (feature, kind) in enumerate(zip(coding.feature, coding.kind, strict=True)):
        values = X[:, feature]
        grid = coding.grid[coding.grid_start[feature] : coding.grid_start[feature + 1]]
        missing: Bools = np.isnan(values)
        if kind >= ZERO_LEFT:
            missing |= np.abs(values) <= ZERO
        codes[:, at] = np.where(missing, coding.missing[at], np.searchsorted(grid, values, side="left"))
    return codes


def _long_shares(long: Long, codes: Ints) -> Floats:
    """Return the shares of the features of long leaves, shape (n, features of all); leaves of one length together."""
    right = codes[:, long.column] > long.rank
    passes = np.logical_and.reduceat(right == long.right, long.ask_start[:-1], axis=1)
    found = np.empty(passes.shape)
    length = np.diff(long.feature_start)
    for many in np.unique(length):
        leaves = np.flatnonzero(length == many)
        at = long.feature_start[leaves][:, None] + np.arange(many)
        through, cover = passes[:, at].astype(np.float64), long.cover[at]
        own = np.zeros(through.shape)
        for q in range(long.node_start[leaves[0] + 1] - long.node_start[leaves[0]]):
            t, weight = (of[long.node_start[leaves] + q] for of in (long.node, long.weight))
            factor = t[:, None] * through + (1.0 - t[:, None]) * cover
            behind = [np.ones(factor.shape[:2])]
            for i in range(many - 1, 0, -1):
                behind.append(behind[-1] * factor[:, :, i])
            before = np.broadcast_to(weight, factor.shape[:2])
            for i in range(many):
                own[:, :, i] += before * behind[many - 1 - i]
                before = before * factor[:, :, i]
        found[:, at] = (through - cover) * own
    return found
