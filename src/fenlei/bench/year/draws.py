"""Draws of a month: the one place where the bench decides how a plan turns classes into visits.

Each firm is drawn by itself: with the same chance as everybody for the random share, and with its class's chance for
the rest. Either draw is enough, so the chance of both together is known exactly and stands in the draw.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.arrays import Bools, Floats, Ints

MILLION = 1_000_000


@dataclass(frozen=True)
class Drawn:
    """A month's draws [n]: chance in parts per million, drawn at all, drawn for the random share."""

    ppm: Ints
    drawn: Bools
    random: Bools


def stratified(grade: Ints, shares: Floats, random_share: float, scale: float, u: Floats, v: Floats) -> Drawn:
    """Draw by class, with a random share of everybody.

    Parameters
    ----------
    grade
        Class 0 to 3 [n].
    shares
        Share of each class that is drawn in the month [4].
    random_share
        Part of the expected draws that is drawn from everybody alike, 0 to 1.
    scale
        Factor on all chances, so that plans with other classes make as many visits.
    u, v
        Uniform numbers of the random share and of the classes [n].
    """
    chance = np.minimum(scale * shares[grade], 1.0)
    alike = round(MILLION * random_share * float(chance.mean()))
    by_class = np.round(MILLION * (1 - random_share) * chance).astype(np.int64)
    random, classed = u * MILLION < alike, v * MILLION < by_class
    both = alike + by_class - alike * by_class / MILLION
    return Drawn(np.maximum(1, np.round(both)).astype(np.int64), random | classed, random)


def scale_for(grade: Ints, free: Bools, shares: Floats, visits: int) -> float:
    """Return the factor at which the firms that may be visited are expected to get so many visits."""
    expected = float(shares[grade][free].sum())
    return visits / expected if expected else 0.0


def alike(n: int, visits: int, u: Floats) -> Drawn:
    """Draw exactly so many of n firms, each with the same chance."""
    many = min(visits, n)
    drawn = np.zeros(n, dtype=bool)
    drawn[np.argsort(u, kind="stable")[:many]] = True
    return Drawn(np.full(n, max(1, round(MILLION * many / max(1, n))), dtype=np.int64), drawn, drawn.copy())
