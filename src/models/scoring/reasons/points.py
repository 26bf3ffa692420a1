"""Points: from contributions to points that add up to the score, by indicator and by family."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats
from models.scoring.risk_model import Explained, RiskModel

_NEAR = 1e-9
"""Margins nearer the base than this use the map's slope there: the quotient's limit."""


def scaled_points(
    contributions: Floats, margin: Floats, base_margin: float, score: Floats, base_score: float, slope: float
) -> Floats:
    """Turn contributions to the margin into points of the score.

    All contributions of a row are scaled by one factor, the score map's mean slope between the base and the row's
    margin. Points therefore add up for every row, but the same contribution is worth other points at another margin:
    with ``additive_families`` a family's part is its own alone in log-odds, not in points.

    Parameters
    ----------
    contributions : ndarray of shape (n, k), without the base
        Each row sums to margin - base_margin.
    margin, score : ndarray of shape (n,)
        The score as the map gives it, not rounded.
    base_margin, base_score, slope
        Margin and score of the base, and the points per unit of margin there, for margins at the base.

    Returns
    -------
    ndarray of shape (n, k)
        Each row sums to score - base_score, to 1e-6, unless all its contributions are 0.
    """
    away = margin - base_margin
    near = np.abs(away) < _NEAR
    # Near the base the quotient would be noise over noise: the slope is its limit.
    ratio = np.where(near, slope, (score - base_score) / np.where(near, 1.0, away))
    points = np.asarray(contributions * ratio[:, None], dtype=np.float64)
    return spread(points, score - base_score)


def spread(points: Floats, total: Floats) -> Floats:
    """Make each row of points, shape (n, k), sum to ``total``, shape (n,).

    The difference (what rounding the published score moved, under 0.1 point) goes to the columns in
    proportion to their size, so that an indicator without points stays without. A row of zeros stays so.
    """
    size = np.abs(points)
    mass = size.sum(axis=1)
    rest = total - points.sum(axis=1)
    # Shares first: they are at most 1, while rest / mass overflows for a mass near the least double.
    share = size / np.where(mass > 0, mass, 1.0)[:, None]
    return np.asarray(points + share * rest[:, None], dtype=np.float64)


def family_points(points: Floats, families: Sequence[str]) -> tuple[tuple[str, ...], Floats]:
    """Sum points by family.

    Parameters
    ----------
    points : ndarray of shape (n, k)
    families : sequence of k family names

    Returns
    -------
    names : the families in order of first appearance
    sums : ndarray of shape (n, len(names))
    """
    names, members = _members(tuple(families))
    # Summed along each row, so that a row's sums do not depend on which rows it stands among, as a product's would.
    sums = [points[:, own].sum(axis=1) for own in members]
    return names, np.stack(sums, axis=1) if sums else np.empty((len(points), 0))


@lru_cache(maxsize=64)
def _members(families: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[NDArray[np.intp], ...]]:
    """Return the families in order of first appearance, and the columns of each."""
    names = tuple(dict.fromkeys(families))
    return names, tuple(np.flatnonzero([family == name for family in families]) for name in names)


def strongest(points: Floats, top: int) -> NDArray[np.intp]:
    """Return the columns of the ``top`` largest points by size in each row; ties go to the first column."""
    size = np.abs(points)
    rows = np.arange(len(size))
    best = np.empty((len(size), min(top, size.shape[1])), dtype=np.intp)
    # A few passes over the columns are much cheaper than sorting all of them.
    for k in range(best.shape[1]):
        best[:, k] = size.argmax(axis=1)
        size[rows, best[:, k]] = -1.0
    return best


@dataclass(frozen=True)
class Pointed:
    """Scores and points of n rows.

    Parameters
    ----------
    score
        Published scores, one decimal [n].
    grade
        Classes by score, before direct determinations.
    points
        What each indicator adds to the base score [n, k]; a row sums to score less base.
    """

    score: Floats
    grade: list[str]
    points: Floats


def pointed(model: RiskModel, explained: Explained) -> Pointed:
    """Score explained rows and tell what each indicator adds, as it is published.

    The published score has one decimal and the class is read off it: nobody sees 200.0 called B.
    """
    margin = explained.margin
    exact = model.score(margin)
    points = scaled_points(
        explained.contributions, margin, model.base_margin, exact, model.base_score, model.base_slope
    )
    score = np.round(exact, 1)
    return Pointed(score, list(model.grades(score)), spread(points, score - round(model.base_score, 1)))
