"""Tables of a booster: for each piece and feature, the Shapley share of every outcome of the piece's decisions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from models.arrays import Bools, Floats, Ints
from models.scoring.shap.pieces import MEMORY, Piece, cut
from models.scoring.shap.shares import nodes, shares_of
from models.scoring.shap.trees import AS_ZERO, NAN_LEFT, ZERO_LEFT, Column, Forest, Leaf

_CHUNK = 2**21
"""Shares of leaves that are held at once."""


@dataclass(frozen=True)
class Coding:
    """How rows are coded: a value becomes the number of its feature's thresholds that lie below it.

    Parameters
    ----------
    grid, grid_start
        Each feature's thresholds in ascending order, and where they begin.
    feature, kind
        Of each coded column, ordered by feature; kinds are `KINDS`.
    missing
        Code of a missing value in each column.
    """

    grid: Floats
    grid_start: Ints
    feature: Ints
    kind: Ints
    missing: Ints


@dataclass(frozen=True)
class Tables:
    """Shares by outcome. Arrays are flat; ``start`` arrays hold where each piece's part begins.

    Parameters
    ----------
    column, rank, stride, decision_start
        A piece's decisions: a code greater than the rank adds the stride to the row's outcome.
    feature, begin, slot_start
        A piece's features, and where each one's shares begin.
    size
        Outcomes of each piece.
    shares
        Log-odds.
    """

    column: Ints
    rank: Ints
    stride: Ints
    decision_start: Ints
    feature: Ints
    begin: Ints
    slot_start: Ints
    size: Ints
    shares: Floats


@dataclass(frozen=True)
class Long:
    """Leaves whose way has too many decisions for a table. Arrays are flat, as in `Tables`.

    Parameters
    ----------
    feature, cover, feature_start
        The features on each leaf's way, and the share of the cover that each lets through.
    column, rank, right, ask_start
        The decisions on each such feature, and whether the leaf lies to their right.
    node, weight, node_start
        Nodes of Gauss's rule for each leaf, and their weights times its value.
    """

    feature: Ints
    cover: Floats
    feature_start: Ints
    column: Ints
    rank: Ints
    right: Bools
    ask_start: Ints
    node: Floats
    weight: Floats
    node_start: Ints


@dataclass(frozen=True)
class Explainer:
    """All that rows are explained by.

    Parameters
    ----------
    columns, base
        Number of columns of the rows; expected margin.
    """

    columns: int
    base: float
    coding: Coding
    tables: Tables
    long: Long


def build(forest: Forest, memory: int = MEMORY) -> Explainer:
    """Build what a forest's rows are explained by, with tables of so many bytes at most."""
    pieces, long = cut(forest, memory)
    asked: dict[Column, set[float]] = {}
    for piece in pieces:
        for column, thresholds in piece.columns:
            asked.setdefault(column, set()).update(thresholds)
    for leaf in long:
        for column, values in leaf.asked.items():
            asked.setdefault(column, set()).update(values)
    columns = sorted(asked)
    grids: list[set[float]] = [set() for _ in range(forest.columns)]
    for (feature, _), found in asked.items():
        grids[feature] |= found
    ranks = [{threshold: rank for rank, threshold in enumerate(sorted(grid))} for grid in grids]
    place = {column: at for at, column in enumerate(columns)}
    coding = Coding(
        grid=np.array([threshold for grid in grids for threshold in sorted(grid)], dtype=np.float64),
        grid_start=_starts(map(len, grids)),
        feature=_ints(feature for feature, _ in columns),
        kind=_ints(kind for _, kind in columns),
        missing=_ints(_missing(kind, sorted(grids[feature])) for feature, kind in columns),
    )
    return Explainer(forest.columns, forest.base, coding, _tables(pieces, ranks, place), _long(long, ranks, place))


Ranks = Sequence[dict[float, int]]
Place = dict[Column, int]


def _missing(kind: int, grid: Sequence[float]) -> int:
    """Return the code of a missing value: that of 0, or beyond all thresholds on its side."""
    if kind == AS_ZERO:
        return int(np.searchsorted(grid, 0.0, side="left"))
    return 0 if kind in (NAN_LEFT, ZERO_LEFT) else len(grid)


def _tables(pieces: Sequence[Piece], ranks: Ranks, place: Place) -> Tables:
    column, rank, stride = list[int](), list[int](), list[int]()
    for piece in pieces:
        for (feature, kind), thresholds, step in _steps(piece):
            column += [place[feature, kind]] * len(thresholds)
            rank += [ranks[feature][threshold] for threshold in thresholds]
            stride += [step] * len(thresholds)
    sizes = _ints(piece.size for piece in pieces)
    slots = _ints(len(piece.features) for piece in pieces)
    begin = _starts(np.repeat(sizes, slots))
    shares = np.zeros(begin[-1])
    for table, first in zip(_filled(pieces), begin[_starts(slots)[:-1]], strict=True):
        shares[first : first + table.size] = table.ravel()
    return Tables(
        column=_ints(column),
        rank=_ints(rank),
        stride=_ints(stride),
        decision_start=_starts(sum(len(of) for _, of in piece.columns) for piece in pieces),
        feature=_ints(feature for piece in pieces for feature in piece.features),
        begin=begin[:-1],
        slot_start=_starts(slots),
        size=sizes,
        shares=shares,
    )


def _filled(pieces: Sequence[Piece]) -> Iterator[Floats]:
    """Yield each piece's shares, shape (its features, its outcomes)."""
    for group in _chunks(pieces):
        own = _own_shares([leaf for piece in group for leaf in piece.leaves])
        at = 0
        for piece in group:
            row = {feature: slot for slot, feature in enumerate(piece.features)}
            right, which = _outcomes(piece)
            table = np.zeros((len(piece.features), piece.size))
            for leaf in piece.leaves:
                asked = [which[one.feature, one.kind, one.threshold] for way in leaf.way for one, _ in way]
                wanted = np.array([to_right for way in leaf.way for _, to_right in way])
                inside = right[asked] == wanted[:, None]
                if len(asked) > len(leaf.way):
                    inside = np.logical_and.reduceat(inside, _starts(map(len, leaf.way))[:-1], axis=0)
                number = (1 << np.arange(len(inside))) @ inside
                table[[row[feature] for feature in leaf.features]] += own[at][:, number]
                at += 1
            yield table


def _chunks(pieces: Sequence[Piece]) -> Iterator[list[Piece]]:
    """Divide pieces so that the shares of each part's leaves fit into memory."""
    group, held = list[Piece](), 0
    for piece in pieces:
        need = sum(len(leaf.features) << len(leaf.features) for leaf in piece.leaves)
        if group and held + need > _CHUNK:
            yield group
            group, held = [], 0
        group.append(piece)
        held += need
    if group:
        yield group


def _own_shares(leaves: Sequence[Leaf]) -> list[Floats]:
    """Return each leaf's shares; leaves with equally many features are computed together."""
    found: list[Floats] = [np.empty(0)] * len(leaves)
    for many in {len(leaf.features) for leaf in leaves}:
        at = [k for k, leaf in enumerate(leaves) if len(leaf.features) == many]
        for k, shares in zip(at, shares_of([leaves[k] for k in at]), strict=True):
            found[k] = shares
    return found


def _steps(piece: Piece) -> Iterator[tuple[Column, tuple[float, ...], int]]:
    """Yield each column of a piece with its thresholds and the place value of its digit."""
    step = 1
    for column, thresholds in piece.columns:
        yield column, thresholds, step
        step *= len(thresholds) + 1


def _outcomes(piece: Piece) -> tuple[Bools, dict[tuple[int, int, float], int]]:
    """Return whether each decision of a piece goes right, shape (decisions, outcomes), and each decision's row."""
    which: dict[tuple[int, int, float], int] = {}
    rows = list[Bools]()
    outcome = np.arange(piece.size)
    for (feature, kind), thresholds, step in _steps(piece):
        digit = outcome // step % (len(thresholds) + 1)
        for rank, threshold in enumerate(thresholds):
            which[feature, kind, threshold] = len(rows)
            rows.append(digit > rank)
    return np.array(rows), which


def _long(leaves: Sequence[Leaf], ranks: Ranks, place: Place) -> Long:
    ways = [way for leaf in leaves for way in leaf.way]
    asked = [one for way in ways for one in way]
    rules = [nodes(len(leaf.features)) for leaf in leaves]
    return Long(
        feature=_ints(feature for leaf in leaves for feature in leaf.features),
        cover=np.array([cover for leaf in leaves for cover in leaf.cover], dtype=np.float64),
        feature_start=_starts(len(leaf.features) for leaf in leaves),
        column=_ints(place[decision.column] for decision, _ in asked),
        rank=_ints(ranks[decision.feature][decision.threshold] for decision, _ in asked),
        right=np.array([right for _, right in asked], dtype=np.bool_),
        ask_start=_starts(map(len, ways)),
        node=np.concatenate([np.empty(0), *(node for node, _ in rules)]),
        weight=np.concatenate([np.empty(0), *(leaf.value * w for leaf, (_, w) in zip(leaves, rules, strict=True))]),
        node_start=_starts(len(node) for node, _ in rules),
    )


def _ints(values: Iterable[int]) -> Ints:
    return np.array([*values], dtype=np.int64)


def _starts(lengths: Iterable[int]) -> Ints:
    """Return where parts of these lengths begin, and where the last one ends."""
    return np.concatenate([[0], np.cumsum(_ints(lengths))]).astype(np.int64)
