"""Shapley shares of a leaf for every outcome of the features on its way.

A leaf of value v with features j, each let through by the row (o = 1) or not (o = 0) and by the share z of the cover,
adds to feature i (Lundberg et al. 2018, algorithm 2, with the sum over coalitions written as an integral)

    v (o_i - z_i) ∫ from 0 to 1 of the product over j ≠ i of (t o_j + (1 - t) z_j) dt.

The integrand is a polynomial of one degree less than there are features, so that Gauss's rule is exact with half as
many nodes.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from models.arrays import Floats
from models.scoring.shap.trees import Leaf


@lru_cache(maxsize=64)
def nodes(features: int) -> tuple[Floats, Floats]:
    """Return nodes and weights on (0, 1) that are exact for so many features."""
    at, weight = np.polynomial.legendre.leggauss((features + 1) // 2)
    return (at + 1) / 2, weight / 2


def shares_of(leaves: Sequence[Leaf]) -> Floats:
    """Return the shares of leaves with equally many features.

    Returns
    -------
    ndarray of shape (leaves, features, 2 ** features)
        Bit j of the last index says whether the row passes by the j-th feature.
    """
    cover = np.array([leaf.cover for leaf in leaves])
    n, many = cover.shape
    node, weight = nodes(many)
    passes = (np.arange(2**many)[None, :] >> np.arange(many)[:, None]) & 1
    found = np.zeros((n, many, 2**many))
    for t, w in zip(node, weight, strict=True):
        kept = (1 - t) * cover
        product = w * np.array([[leaf.value] for leaf in leaves])
        for j in range(many):
            product = np.concatenate([product * kept[:, j, None], product * (t + kept[:, j, None])], axis=1)
        # Without the feature itself; what it is divided by is above 0, for t < 1 and cover is.
        once = 1 / np.stack([kept, t + kept], axis=2)
        for i in range(many):
            halves = product.reshape(n, -1, 2, 2**i) * once[:, i, None, :, None]
            found[:, i] += halves.reshape(n, -1)
    return np.asarray((passes[None] - cover[:, :, None]) * found)
