"""Contributions of many rows, compiled: blocks of rows, each by one thread, column by column.

Imported only where there are rows enough: the compiler's own import takes longer than a service may wait. Threads are
of Python (the compiled code lets them run): they need no lock between callers, and survive a fork.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from models.arrays import Bools, Floats, Ints
from models.scoring.shap.tables import Explainer
from models.scoring.shap.trees import ZERO, ZERO_LEFT

_APART = 8
_BYTE = 256


def _compiled(function: Callable[..., None]) -> Callable[..., None]:
    """Compile; kept on disk where a place can be written to."""
    try:
        made: Callable[..., None] = numba.njit(nogil=True, cache=True)(function)
    except RuntimeError:  # an installation that can't be written to, and no home
        made = numba.njit(nogil=True)(function)
    return made


def contributions(explainer: Explainer, X: Floats) -> Floats:
    """Return what each column adds to the base, log-odds of shape (n, k), of a block of rows of shape (n, k)."""
    coding, tables, long = explainer.coding, explainer.tables, explainer.long
    most = int(np.diff(coding.grid_start).max(initial=0))
    kind = np.min_scalar_type(most)  # a byte a value, where no feature has more than 255 thresholds
    codes = np.empty((len(coding.feature), len(X)), dtype=kind)
    # Columns a power of two apart would share the same few lines of the cache.
    sums = np.zeros((explainer.columns, len(X) + _APART))[:, : len(X)]
    _code(X, *_fields(coding), codes)
    _add(codes, *_fields(replace(tables, rank=tables.rank.astype(kind))), sums)
    _add_long(codes, *_fields(replace(long, rank=long.rank.astype(kind))), sums)
    return sums.T


def _fields(of: Any) -> list[NDArray[Any]]:
    return [getattr(of, name) for name in type(of).__dataclass_fields__]


@_compiled
def _code(
    X: Floats, grid: Floats, grid_start: Ints, feature: Ints, kind: Ints, missing: Ints, codes: NDArray[Any]
) -> None:
    n = len(X)
    values = np.empty(n)
    below = np.empty(n, dtype=np.int64)
    last = -1
    for at in range(len(feature)):
        f = feature[at]
        if f != last:
            first, many = grid_start[f], grid_start[f + 1] - grid_start[f]
            for r in range(n):
                values[r] = X[r, f]
                below[r] = 0
            left = many
            # The same steps for every row, without a branch: rows wait for memory together.
            while left > 0:
                half = (left + 1) // 2
                for r in range(n):
                    below[r] += half * (grid[first + below[r] + half - 1] < values[r])
                left -= half
            last = f
        instead = missing[at]
        zero = kind[at] >= ZERO_LEFT
        for r in range(n):
            gone = np.isnan(values[r]) or (zero and abs(values[r]) <= ZERO)
            codes[at, r] = instead if gone else below[r]


@_compiled
def _number(codes: NDArray[Any], rank: Any, stride: Any, outcome: NDArray[Any]) -> None:
    for r in range(len(outcome)):
        outcome[r] += stride * (codes[r] > rank)


@_compiled
def _look_up(shares: Floats, outcome: NDArray[Any], total: Floats) -> None:
    for r in range(len(outcome)):
        total[r] += shares[outcome[r]]


@_compiled
def _add(
    codes: NDArray[Any],
    column: Ints,
    rank: Ints,
    stride: Ints,
    decision_start: Ints,
    feature: Ints,
    begin: Ints,
    slot_start: Ints,
    size: Ints,
    shares: Floats,
    sums: Floats,
) -> None:
    n = codes.shape[1]
    narrow = np.empty(n, dtype=np.uint8)
    broad = np.empty(n, dtype=np.uint16)
    for piece in range(len(size)):
        first, last = decision_start[piece], decision_start[piece + 1]
        if size[piece] <= _BYTE:
            narrow[:] = 0
            for d in range(first, last):
                _number(codes[column[d]], rank[d], np.uint8(stride[d]), narrow)
            for s in range(slot_start[piece], slot_start[piece + 1]):
                _look_up(shares[begin[s] : begin[s] + size[piece]], narrow, sums[feature[s]])
        else:
            broad[:] = 0
            for d in range(first, last):
                _number(codes[column[d]], rank[d], np.uint16(stride[d]), broad)
            for s in range(slot_start[piece], slot_start[piece + 1]):
                _look_up(shares[begin[s] : begin[s] + size[piece]], broad, sums[feature[s]])


@_compiled
def _add_long(
    codes: NDArray[Any],
    feature: Ints,
    cover: Floats,
    feature_start: Ints,
    column: Ints,
    rank: Ints,
    right: Bools,
    ask_start: Ints,
    node: Floats,
    weight: Floats,
    node_start: Ints,
    sums: Floats,
) -> None:
    n = codes.shape[1]
    most = 0
    for leaf in range(len(node_start) - 1):
        most = max(most, feature_start[leaf + 1] - feature_start[leaf])
    passes = np.empty((most, n))
    behind = np.empty((most + 1, n))
    own = np.empty((most, n))
    before = np.empty(n)
    for leaf in range(len(node_start) - 1):
        first = feature_start[leaf]
        many = feature_start[leaf + 1] - first
        for i in range(many):
            passes[i] = 1.0
            own[i] = 0.0
            for a in range(ask_start[first + i], ask_start[first + i + 1]):
                asked, than, wanted = codes[column[a]], rank[a], right[a]
                for r in range(n):
                    passes[i, r] = passes[i, r] if (asked[r] > than) == wanted else 0.0
        for q in range(node_start[leaf], node_start[leaf + 1]):
            t = node[q]
            behind[many] = 1.0
            for i in range(many - 1, -1, -1):
                low = (1.0 - t) * cover[first + i]
                for r in range(n):
                    behind[i, r] = behind[i + 1, r] * (t * passes[i, r] + low)
            before[:] = weight[q]
            for i in range(many):
                low = (1.0 - t) * cover[first + i]
                for r in range(n):
                    own[i, r] += before[r] * behind[i + 1, r]
                    before[r] *= t * passes[i, r] + low
        for i in range(many):
            total = sums[feature[first + i]]
            for r in range(n):
                total[r] += (passes[i, r] - cover[first + i]) * own[i, r]
