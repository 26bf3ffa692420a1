"""Leaves of a booster: each with its value, the decisions on its way and the cover that each feature lets through.

Read from LightGBM's own text. What path-dependent TreeSHAP needs of a tree are its leaves alone: a leaf adds
``value`` where all decisions on its way hold, and an unknown feature lets through the share of the training rows that
went the leaf's way.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from models.errors import ModelFileError

ZERO = 1e-35
"""LightGBM's kZeroThreshold: what lies as near to 0 counts as 0 where zero is a missing value."""
LEAST_COVER = 1e-100
"""Stands for no cover at all, so that a quotient has a value; far below anything that a sum of doubles keeps."""

Column = tuple[int, int]
"""A feature and how it treats missing values."""
Asked = dict[Column, frozenset[float]]
"""The thresholds of each column that a leaf, or several, ask for."""


@dataclass(frozen=True)
class Decision:
    """One question to a row: is its value greater than a threshold?

    Parameters
    ----------
    feature
        Column of the rows.
    kind
        What a missing value does: one of `KINDS`.
    threshold
        A value at most as great goes left.
    """

    feature: int
    kind: int
    threshold: float

    @property
    def column(self) -> Column:
        """What it reads of a row."""
        return self.feature, self.kind


KINDS = ("as zero", "NaN left", "NaN right", "zero left", "zero right")
"""How missing values decide: LightGBM's missing types None, NaN and Zero, the last two with their default direction."""
AS_ZERO, NAN_LEFT, NAN_RIGHT, ZERO_LEFT, ZERO_RIGHT = range(5)


@dataclass(frozen=True)
class Leaf:
    """One leaf.

    Parameters
    ----------
    value
        What it adds to the margin.
    features
        The features on its way, in the order in which they are met.
    cover
        Of each: the share of the training rows that its decisions let through.
    way
        Of each: its decisions, and whether the leaf lies to their right.
    """

    value: float
    features: tuple[int, ...]
    cover: tuple[float, ...]
    way: tuple[tuple[tuple[Decision, bool], ...], ...]

    @cached_property
    def asked(self) -> Asked:
        """The thresholds that it asks of each column."""
        found: dict[Column, set[float]] = {}
        for decision, _ in (one for way in self.way for one in way):
            found.setdefault(decision.column, set()).add(decision.threshold)
        return {column: frozenset(thresholds) for column, thresholds in found.items()}


@dataclass(frozen=True)
class Forest:
    """A booster's leaves, tree by tree, in the order in which a walk to the left first meets them.

    Parameters
    ----------
    columns
        Number of columns of its rows.
    base
        Expected margin over the training rows: where contributions start.
    trees
        The leaves of each tree that decides anything.
    """

    columns: int
    base: float
    trees: tuple[tuple[Leaf, ...], ...]


def read_forest(text: str) -> Forest:
    """Read LightGBM's text.

    Raises
    ------
    ModelFileError
        If a tree has categorical splits or linear leaves, there are several classes, or the trees are averaged: the
        shares of such a booster would be others.
    """
    head, *sections = text.partition("\nend of trees")[0].split("\nTree=")
    about = _keys(head)
    if about.get("num_tree_per_iteration", "1") != "1" or "\naverage_output" in head:
        raise ModelFileError("contributions are computed of boosted trees of one margin; this booster has others")
    base, trees = list[float](), list[tuple[Leaf, ...]]()
    for at, section in enumerate(sections):
        tree = _keys(section)
        if tree.get("num_cat", "0") != "0":
            raise ModelFileError(f"tree {at} splits a category: contributions are computed of numerical splits only")
        if tree.get("is_linear", "0") != "0":
            raise ModelFileError(f"tree {at} has linear leaves: contributions are computed of constant leaves only")
        values = _floats(tree["leaf_value"])
        if len(values) == 1:
            base.append(values[0])
            continue
        counts, whole = _ints(tree["leaf_count"]), _ints(tree["internal_count"])
        base += [count / whole[0] * value for count, value in zip(counts, values, strict=True)]
        trees.append(tuple(_leaves(tree, values, counts, whole)))
    return Forest(int(about["max_feature_idx"]) + 1, math.fsum(base), tuple(trees))


def _leaves(tree: Mapping[str, str], values: list[float], counts: list[int], whole: list[int]) -> Iterator[Leaf]:
    feature, threshold, kind = _ints(tree["split_feature"]), _floats(tree["threshold"]), _ints(tree["decision_type"])
    asked = [Decision(*of) for of in zip(feature, map(_kind, kind), threshold, strict=True)]
    below = {False: _ints(tree["left_child"]), True: _ints(tree["right_child"])}
    waiting: list[tuple[int, dict[int, tuple[float, tuple[tuple[Decision, bool], ...]]]]] = [(0, {})]
    while waiting:
        node, way = waiting.pop()
        if node < 0:
            yield Leaf(
                values[~node],
                tuple(way),
                tuple(max(cover, LEAST_COVER) for cover, _ in way.values()),
                tuple(decisions for _, decisions in way.values()),
            )
            continue
        decision = asked[node]
        cover, decisions = way.get(decision.feature, (1.0, ()))
        for right in (True, False):  # the left one is taken from the stack first
            child = below[right][node]
            inside = whole[child] if child >= 0 else counts[~child]
            kept = cover * inside / whole[node] if whole[node] else 0.0
            waiting.append((child, way | {decision.feature: (kept, (*decisions, (decision, right)))}))


def _kind(decision_type: int) -> int:
    """Return how a node treats missing values; bit 1 is the default direction, bits 2 and 3 the missing type."""
    left, missing = bool(decision_type & 2), (decision_type >> 2) & 3
    if missing == 0:
        return AS_ZERO
    return {1: (ZERO_RIGHT, ZERO_LEFT), 2: (NAN_RIGHT, NAN_LEFT)}[missing][left]


def _keys(section: str) -> dict[str, str]:
    pairs = (line.partition("=") for line in section.splitlines())
    return {key: value for key, found, value in pairs if found}


def _ints(text: str) -> list[int]:
    return [int(word) for word in text.split()]


def _floats(text: str) -> list[float]:
    return [float(word) for word in text.split()]
