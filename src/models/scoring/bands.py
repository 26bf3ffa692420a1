"""Bands: from the margin to a score of 0 to 1000, and from the score to a class A to D.

The cuts are a province's policy; which margin sits at each cut is chosen by stated violation rates or by
population shares and frozen at sign-off. The map between is piecewise linear and strictly increasing over
every margin the booster can reach: its outermost knots are the least and greatest sum of leaf values, so 0
and 1000 are limits no enterprise passes and nothing is ever flattened by clipping. Next to them sit the knots
of the frozen population's extremes, at ``tail_points`` from either end, so that the seldom-reached tails take
up few points of the scale.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from features.errors import WrongKey
from features.policy import Policy, load_policy
from models.arrays import Floats
from models.errors import ModelError
from models.scoring.calibrators import AnyCalibrator
from models.scoring.classification import GRADES, Grade

SCALE = 1000.0
"""The top of the score (HB 9); 0 is its bottom."""

_GAP = 1e-6
_PAD = 1.0


class BandPolicy(Policy):
    """A province's bands.

    Parameters
    ----------
    cuts
        The three scores between A, B, C and D.
    closed
        "right": a score exactly at a cut belongs to the class below it (HB 9: A is up to and including 200);
        "left": to the class above (Henan: [0, 200) [200, 500) ...).
    anchor, rates, shares
        How the margin at each cut is found: "rate", where the calibrated probability equals ``rates``; or
        "share", so that the population falls into ``shares`` (A, B, C, D).
    tail_share, tail_points
        The margins below and above which this share of the population lies get this many points from the
        ends of the scale.
    scorecard, determinations
        The provinces whose rules score and whose direct determinations apply.
    minimum_known
        The least share of the indicators an answer rests on that must be known for class A; 0 in bundles
        signed before it existed, where it is not read.
    promises
        The range in which each class's violation rate is promised to lie; without it, the ranges between ``rates``.
    """

    cuts: tuple[float, float, float]
    closed: Literal["left", "right"]
    anchor: Literal["rate", "share"]
    rates: tuple[float, float, float]
    shares: tuple[float, float, float, float]
    tail_share: float = Field(gt=0, lt=0.05)
    tail_points: float = Field(gt=0)
    scorecard: str
    determinations: str
    minimum_known: float = Field(default=0.0, ge=0, lt=1)
    promises: dict[Grade, tuple[float, float]] | None = None

    @model_validator(mode="after")
    def _ordered(self) -> BandPolicy:
        if any(b <= a for a, b in pairwise((0.0, *self.cuts, SCALE))):
            raise WrongKey(f"cuts must strictly increase between 0 and {SCALE:g}", "cuts")
        if any(b <= a for a, b in pairwise((0.0, *self.rates, 1.0))):
            raise WrongKey("rates must strictly increase between 0 and 1", "rates")
        if min(self.shares) <= 0 or abs(sum(self.shares) - 1.0) > 1e-9:
            raise WrongKey(f"shares must be positive and sum to 1, not to {sum(self.shares):g}", "shares")
        if not self.tail_points < min(self.cuts[0], SCALE - self.cuts[2]):
            raise WrongKey("tail_points must leave room below the first and above the last cut", "tail_points")
        if self.promises is not None:
            if set(self.promises) != set(GRADES):
                raise WrongKey(f"promises must name each of {', '.join(GRADES)}", "promises")
            for grade, (low, high) in self.promises.items():
                if not 0 <= low < high <= 1:
                    raise WrongKey("promises must be ranges between 0 and 1, the lower end first", "promises", grade)
            for one, next_one in pairwise(GRADES):
                a, b = self.promises[one], self.promises[next_one]
                if b[0] < a[0] or b[1] < a[1]:
                    raise WrongKey("promises must not fall from A to D", "promises", next_one)
                if b[0] < a[1]:
                    raise WrongKey(
                        f"promises must not overlap: {one} is promised up to {a[1]:g}, {next_one} from {b[0]:g} on",
                        "promises",
                        next_one,
                    )
        return self

    def grade_index(self, score: ArrayLike) -> NDArray[np.intp]:
        """Return 0 for A to 3 for D of each score."""
        side: Literal["left", "right"] = "left" if self.closed == "right" else "right"
        return np.asarray(np.searchsorted(self.cuts, np.asarray(score, dtype=np.float64), side=side))

    def grade(self, score: float) -> Grade:
        """Return the class of one score; the closed side decides exactly at a cut."""
        if not 0.0 <= score <= SCALE:
            raise ModelError(f"a score lies between 0 and {SCALE:g}, got {score}")
        return GRADES[int(self.grade_index(score))]

    def promised(self, grade: Grade) -> tuple[float, float]:
        """Return the range in which the violation rate of a class is promised to lie."""
        if self.promises is not None:
            return self.promises[grade]
        edges = (0.0, *self.rates, 1.0)
        at = GRADES.index(grade)
        return edges[at], edges[at + 1]

    def same_bands(self, other: BandPolicy) -> bool:
        """Tell whether another policy cuts at the same scores with the same closed side."""
        return self.cuts == other.cuts and self.closed == other.closed


def load_bands(province: str) -> BandPolicy:
    """Load ``data/policies/<province>/bands.toml``."""
    return load_policy(province, "bands", BandPolicy)


class ScoreMap(BaseModel):
    """The frozen map from margin to score.

    ``margins`` and ``scores`` are the knots, from 0 at the least attainable margin to 1000 at the greatest.
    ``unreachable`` names the classes that no margin of this model can fall into.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    margins: tuple[float, ...] = Field(min_length=2)
    scores: tuple[float, ...] = Field(min_length=2)
    unreachable: tuple[Grade, ...] = ()

    @model_validator(mode="after")
    def _strict(self) -> ScoreMap:
        for what, knots in (("margins", self.margins), ("scores", self.scores)):
            if len(knots) != len(self.margins) or not np.all(np.isfinite(knots)):
                raise ValueError(f"{what}: one finite number per knot")
            if np.any(np.diff(knots) <= 0):
                raise ValueError(f"{what} must strictly increase")
        if self.scores[0] != 0.0 or self.scores[-1] != SCALE:
            raise ValueError(f"scores must run from 0 to {SCALE:g}")
        return self

    def score(self, margin: ArrayLike) -> Floats:
        """Return the unrounded score of each margin; beyond the attainable margins it stays 0 or 1000."""
        m = np.asarray(margin, dtype=np.float64)
        return np.asarray(np.interp(m, self.margins, self.scores), dtype=np.float64)

    def slope(self, margin: ArrayLike) -> Floats:
        """Return the points per unit of margin to the right of each margin."""
        m = np.asarray(margin, dtype=np.float64)
        slopes = np.diff(self.scores) / np.diff(self.margins)
        at = np.searchsorted(self.margins, m, side="right") - 1
        return np.asarray(slopes[np.clip(at, 0, len(slopes) - 1)], dtype=np.float64)


def attainable_margins(booster_text: str) -> tuple[float, float]:
    """Return bounds that no margin of a booster can pass: the sums of each tree's least and greatest leaf."""
    low = high = 0.0
    for line in re.findall(r"^leaf_value=(.*)$", booster_text, flags=re.MULTILINE):
        leaves = [float(v) for v in line.split()]
        low, high = low + min(leaves), high + max(leaves)
    return low, high


def freeze_score_map(
    policy: BandPolicy,
    margin: ArrayLike,
    attainable: tuple[float, float],
    calibrator: AnyCalibrator,
    weight: ArrayLike | None = None,
) -> ScoreMap:
    """Choose the margin at each cut and freeze the map.

    Parameters
    ----------
    policy : BandPolicy
    margin : array-like of shape (n,)
        Margins of the population at sign-off: everyone, or a weighted sample of them.
    attainable : (least, greatest)
        See `attainable_margins`.
    calibrator
        Where the anchor is "rate": gives the margin at each stated rate.
    weight : array-like of shape (n,), optional

    Raises
    ------
    ModelError
        If margins are missing or not finite, or too few differ to hold the shares apart.
    """
    m = np.asarray(margin, dtype=np.float64)
    w = np.ones_like(m) if weight is None else np.asarray(weight, dtype=np.float64)
    if m.ndim != 1 or m.shape != w.shape or not m.size or not (np.isfinite(m) & np.isfinite(w)).all():
        raise ModelError("the score map needs finite margins of a population, and one weight each")
    if (w < 0).any() or w.sum() <= 0:
        raise ModelError("the score map's weights must not be negative, nor all 0")
    distinct, inverse = np.unique(m, return_inverse=True)
    below = np.cumsum(np.bincount(inverse, weights=w)) / w.sum()
    if policy.anchor == "rate":
        cuts = [calibrator.margin_at(rate) for rate in policy.rates]
    else:
        cuts = _share_cuts(distinct, below, np.cumsum(policy.shares)[:-1])
    # The bounds are sums of rounded leaves: a hair of room keeps the last bits inside.
    low = min(attainable[0] - _GAP, float(distinct[0]) - _GAP)
    high = max(attainable[1] + _GAP, float(distinct[-1]) + _GAP)
    edges = (-np.inf, *cuts, np.inf)
    unreachable = tuple(g for g, a, b in zip(GRADES, edges[:-1], edges[1:], strict=True) if a > high or b < low)
    if low > cuts[0] - _GAP:
        low = cuts[0] - _PAD
    if high < cuts[2] + _GAP:
        high = cuts[2] + _PAD
    last = len(distinct) - 1
    q_low = float(distinct[min(int(np.searchsorted(below, policy.tail_share)), last)])
    q_high = float(distinct[min(int(np.searchsorted(below, 1.0 - policy.tail_share)), last)])
    knots = [(low, 0.0)]
    if low + _GAP < q_low < cuts[0] - _GAP:
        knots.append((q_low, policy.tail_points))
    knots += list(zip(cuts, policy.cuts, strict=True))
    if cuts[2] + _GAP < q_high < high - _GAP:
        knots.append((q_high, SCALE - policy.tail_points))
    knots.append((high, SCALE))
    margins, scores = zip(*knots, strict=True)
    return ScoreMap(margins=margins, scores=scores, unreachable=unreachable)


def _share_cuts(distinct: Floats, below: Floats, targets: Floats) -> list[float]:
    """Return cuts halfway between neighbouring margins, where the share below is nearest each target.

    Trees give many enterprises the same margin; a cut between margins never splits such a group, and nobody
    sits exactly on a cut, so the closed side changes no share.
    """
    cuts: list[int] = []
    for left, target in zip(range(len(targets), 0, -1), targets, strict=True):
        first = cuts[-1] + 1 if cuts else 0
        room = np.arange(first, len(distinct) - left)
        if not room.size:
            raise ModelError(f"{len(distinct)} different margins are too few for four classes by share")
        cuts.append(int(room[np.argmin(np.abs(below[room] - target))]))
    return [float(0.5 * (distinct[i] + distinct[i + 1])) for i in cuts]
