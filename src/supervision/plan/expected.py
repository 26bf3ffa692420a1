"""What a plan is expected to find, beside a uniform draw, and what its random share costs and teaches.

The probabilities are the ledger's, of a random visit's finding a violation: they hold for the random arm alone. The
error of the model is taken as shared by all enterprises (the sums of the lower and of the upper ends), which is the
widest it can be; chance in what the visits find is added to it in squares.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from models.arrays import Bools, Floats
from models.evaluation.metrics import Interval
from supervision.plan.chances import Frame
from supervision.plan.sampling import MILLION


@dataclass(frozen=True)
class Knowledge:
    """What a design tells of the true rate of violations.

    Parameters
    ----------
    firms
        Enterprises that it can draw: the rate is theirs.
    half_width
        Of the rate's interval, at most 1; NaN where nobody can be drawn, or no probability is known.
    """

    firms: int
    half_width: float


@dataclass(frozen=True)
class Expected:
    """What a plan is expected to find.

    Parameters
    ----------
    visits
        Draws that are carried out.
    plan, uniform
        Violations found by these visits, and by as many drawn with one chance for all.
    by_design, no_random
        Violations by as many visits on average over all draws, and drawn without the random share.
    random_visits, share
        Draws of the random share, and their share of all, as the design has it.
    with_random, without
        What is learnt of the true rate with the random share and without it.
    level
        Of the intervals.
    has_probability, has_interval
        Whether the ledger has probabilities at all (the rules give none: then no figure is told), and their intervals;
        without, chance alone is in those here.
    """

    visits: int
    plan: Interval
    uniform: Interval
    by_design: float
    no_random: Interval
    random_visits: float
    share: float
    with_random: Knowledge
    without: Knowledge
    level: float
    has_probability: bool
    has_interval: bool

    @property
    def cost(self) -> float:
        """Violations that the random share forgoes, on average over all draws."""
        return self.no_random.value - self.by_design


def found(visits: Floats, frame: Frame, level: float) -> Interval:
    """Return the violations that visits find.

    Parameters
    ----------
    visits
        Expected visits of each enterprise, 0 to 1, shape [n].
    frame
        Whose probabilities.
    level
        Of the interval.
    """
    if np.isnan(frame.probability[visits > 0]).any():
        return Interval(math.nan)
    some = visits > 0
    visits, p = visits[some], frame.probability[some]
    mean = float(visits @ p)
    down, up = mean - float(visits @ frame.low[some]), float(visits @ frame.high[some]) - mean
    variance = float(visits @ (p * (1 - p)))
    if some.any():
        # Who is visited is itself drawn, a fixed number of them: Hájek's approximation; 0 where all is settled.
        variance += max(0.0, float((visits * (1 - visits)) @ (p - mean / visits.sum()) ** 2))
    noise = float(norm.ppf(0.5 + level / 2)) * math.sqrt(variance)
    return Interval(mean, max(0.0, mean - math.hypot(down, noise)), mean + math.hypot(up, noise))


def knowledge(chance: Floats, frame: Frame, level: float) -> Knowledge:
    """Return what draws with given chances tell of the true rate, by a ratio estimate weighted with 1 / chance.

    Parameters
    ----------
    chance
        0 to 1, shape [n].
    frame
        Whose probabilities.
    level
        Of the interval.
    """
    inside = chance > 0
    if not inside.any() or np.isnan(frame.probability[inside]).any():
        return Knowledge(int(inside.sum()), math.nan)
    p, pi = frame.probability[inside], chance[inside]
    spread = p * (1 - p) + (p - p.mean()) ** 2
    variance = float(((1 - pi) / pi * spread).sum()) / len(p) ** 2
    return Knowledge(len(p), min(1.0, float(norm.ppf(0.5 + level / 2)) * math.sqrt(variance)))


def expect(frame: Frame, visited: Bools, level: float) -> Expected:
    """Return what the planned draws are expected to find.

    Parameters
    ----------
    frame
        Whom the plan draws from.
    visited
        Who of them is drawn and visited.
    level
        Of the intervals.
    """
    placed = frame.district >= 0
    size = int(visited.sum())
    chance = frame.ppm / MILLION
    total, base = float(chance.sum()), float(frame.base.sum())
    uniform = np.where(placed, size / max(1, int(placed.sum())), 0.0)
    no_random = frame.base * (size / base) if base else np.zeros(len(frame))
    design = chance * (size / total) if total else chance
    return Expected(
        visits=size,
        plan=found(visited.astype(np.float64), frame, level),
        uniform=found(uniform, frame, level),
        by_design=float(design[placed] @ frame.probability[placed]),
        no_random=found(no_random, frame, level),
        random_visits=float(frame.equal.sum()),
        share=float(frame.equal.sum()) / total if total else math.nan,
        with_random=knowledge(chance, frame, level),
        without=knowledge(frame.base, frame, level),
        level=level,
        has_probability=not np.isnan(frame.probability[placed]).any(),
        has_interval=bool((frame.low < frame.probability).any()),
    )
