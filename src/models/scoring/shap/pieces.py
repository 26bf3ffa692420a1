"""Pieces: leaves grouped so that the outcomes of a group's decisions are few enough for a table.

Decisions on one feature (with the same treatment of missing values) are ordered by their thresholds, so that k of them
have k + 1 outcomes and not 2^k. A piece's outcomes are the products of these, numbered in a mixed radix.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from models.scoring.shap.trees import Asked, Column, Forest, Leaf

SMALL = 256
"""Outcomes of a piece: eight decisions on eight features. Its number fits a byte, a feature's shares a first cache."""
WIDE = 4096
"""Outcomes at most of a leaf whose own way has more than `SMALL`."""
MEMORY = 2**30
"""Bytes of all tables at most; with more, the longest leaves get none."""
_PASS = 1.5
"""What numbering a piece's rows costs, in additions of one feature's shares."""
_OPEN = 48
"""Small pieces that another one is compared with."""


@dataclass(frozen=True)
class Piece:
    """Leaves with a common table.

    Parameters
    ----------
    leaves
        Theirs are the shares.
    columns
        The columns asked, and the thresholds of each in ascending order.
    features
        The features that have shares, in ascending order.
    """

    leaves: tuple[Leaf, ...]
    columns: tuple[tuple[Column, tuple[float, ...]], ...]
    features: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of outcomes."""
        return math.prod(len(thresholds) + 1 for _, thresholds in self.columns)


def cut(forest: Forest, memory: int = MEMORY) -> tuple[list[Piece], list[Leaf]]:
    """Return pieces, and the leaves whose way is too long for a table."""
    wide = WIDE
    while True:
        groups, long = list[list[Leaf]](), list[Leaf]()
        for tree in forest.trees:
            fits = [_size(leaf.asked) <= wide for leaf in tree]
            long += [leaf for leaf, fit in zip(tree, fits, strict=True) if not fit]
            short = [leaf for leaf, fit in zip(tree, fits, strict=True) if fit]
            groups += _divided(short, min(SMALL, wide))
        pieces = [_piece(group) for group in _merged(groups, min(SMALL, wide))]
        if sum(8 * piece.size * len(piece.features) for piece in pieces) <= memory or wide == 1:
            return pieces, long
        wide //= 2


def _divided(leaves: Sequence[Leaf], small: int) -> list[list[Leaf]]:
    """Divide a tree's leaves, neighbours staying together, so that the fewest shares are added."""
    asked = [leaf.asked for leaf in leaves]
    own = [_size(one) for one in asked]
    best: list[tuple[float, int]] = [(0.0, 0)] + [(math.inf, 0)] * len(leaves)
    for start in range(len(leaves)):
        union: Asked = {}
        features: set[int] = set()
        size, room = 1, small
        for end in range(start, len(leaves)):
            room = max(room, own[end])
            for column, thresholds in asked[end].items():
                before = union.get(column, frozenset())
                union[column] = before | thresholds
                size = size // (len(before) + 1) * (len(union[column]) + 1)
                features.add(column[0])
            if size > room:
                break
            # A wide table has to come from slower memory.
            cost = best[start][0] + len(features) * (1 + size / (8 * SMALL)) + _PASS
            if cost < best[end + 1][0]:
                best[end + 1] = (cost, start)
    found, end = list[list[Leaf]](), len(leaves)
    while end:
        start = best[end][1]
        found.append(list(leaves[start:end]))
        end = start
    return found[::-1]


def _merged(groups: Iterable[list[Leaf]], small: int) -> list[list[Leaf]]:
    """Join groups of different trees that share features and have few outcomes, such as those of trees of depth 1."""
    done, open_ = list[list[Leaf]](), list[tuple[Asked, list[Leaf]]]()
    for group in groups:
        asked = _union(*(leaf.asked for leaf in group))
        if 2 * _size(asked) > small:
            done.append(group)
            continue
        features = {feature for feature, _ in asked}
        best, at = 0, -1
        for k, (other, _) in enumerate(open_):
            shared = len(features & {feature for feature, _ in other})
            if shared > best and _size(_union(other, asked)) <= small:
                best, at = shared, k
        if at >= 0:
            open_[at] = (_union(open_[at][0], asked), open_[at][1] + group)
        else:
            open_.append((asked, group))
            if len(open_) > _OPEN:
                done.append(open_.pop(0)[1])
    return done + [group for _, group in open_]


def _piece(leaves: Sequence[Leaf]) -> Piece:
    asked = _union(*(leaf.asked for leaf in leaves))
    columns = tuple((column, tuple(sorted(asked[column]))) for column in sorted(asked))
    return Piece(tuple(leaves), columns, tuple(sorted({feature for leaf in leaves for feature in leaf.features})))


def _union(*several: Asked) -> Asked:
    found: Asked = {}
    for asked in several:
        for column, thresholds in asked.items():
            found[column] = found[column] | thresholds if column in found else thresholds
    return found


def _size(asked: Asked) -> int:
    return math.prod(len(thresholds) + 1 for thresholds in asked.values())
