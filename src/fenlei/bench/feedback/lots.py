"""Effect of visits, separated from the choice of whom to visit: draws are random, so other draws compare."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fenlei.bench.feedback.effects import Drift, Resamples, Twice, drift_of, ends, twice
from fenlei.bench.feedback.loop import YEAR, Run
from models.arrays import Floats, Ints
from models.evaluation.metrics import Interval

LOT = "drawn twice by other lots, on average"
LOTS = 10
"""Sets of repeated draws: with as many, they hardly add to the spread."""


@dataclass(frozen=True)
class Effect:
    """What a visit did some months later, against firms of the same month and chance of being drawn.

    Draws are at random within a month and chance, so the two are alike but for the visit.

    Parameters
    ----------
    months, visits
        How much later, and how many visits there were to compare.
    predicted, true
        Difference of the predicted and the true risk.
    again
        Draws that a visit brought about in those months, before any cap: what the loop multiplies by; near 1 it
        would run away.
    """

    months: int
    visits: int
    predicted: Interval
    true: Interval
    again: Interval


def effect(run: Run, truth: Floats, resamples: Resamples, lag: int = YEAR) -> Effect:
    """Compare drawn and visited firms with those that could have been and were not, within month and chance."""
    total, weight, visits = np.zeros((3, len(resamples.weights))), np.zeros(len(resamples.weights)), 0
    for t in range(truth.shape[1] - lag):
        later = np.array([run.probability[:, t + lag], truth[:, t + lag], run.drawn[:, t + 1 : t + 1 + lag].sum(1)])
        there = np.flatnonzero(run.free[:, t] & (run.ppm[:, t] > 0) & np.isfinite(later).all(axis=0))
        own, went = resamples.weights[:, there], run.visited[there, t]
        for chance in np.unique(run.ppm[there, t]):
            among = run.ppm[there, t] == chance
            if not ((among & went).any() and (among & ~went).any()):
                continue
            values = np.vstack([later[:, there], np.ones(len(there))]).T
            one, other = ((own[:, x] @ values[x]).T for x in (among & went, among & ~went))
            # A resample may hold none of the few that were visited: it then says nothing of this month and chance.
            size = one[3]
            some = np.maximum(size, 1.0)
            total += size * (one[:3] / some - other[:3] / other[3])
            weight += size
            visits += int((among & went).sum())
    if not visits:
        return Effect(lag, 0, *(Interval(float("nan")),) * 3)
    return Effect(lag, visits, *(resamples.interval(x / weight) for x in total))


def against_lots(
    run: Run, truth: Floats, resamples: Resamples, caps: Ints, seed: int, lag: int = YEAR
) -> tuple[Drift, Interval, Interval] | None:
    """Compare with firms drawn twice when the draws are repeated with the same chances, and nobody is visited.

    The firms that a plan draws a second time are those it rates no better by then, so their risk was more likely rated
    too low at first than too high: their gap moves even if visits do nothing. Draws repeated with the same chances,
    by month and firm, select in the same way; the difference between the two is what the visits did.

    Parameters
    ----------
    caps
        Most visits of one firm of each class in twelve months; 0: no cap.
    seed
        Of the repeated draws.

    Returns
    -------
    tuple
        Drift of those drawn twice in `LOTS` repetitions; how much more the gap of the visited moved; and how much
        wider it is in the end. The first of the two also holds whom the first visit's result got drawn again. None
        where the policy draws nobody.
    """
    if not run.ppm.any():
        return None
    rng, others = np.random.default_rng(seed), list[Twice]()
    for _ in range(LOTS):
        drawn = np.zeros_like(run.visited)
        for t in range(truth.shape[1]):
            cap = np.where(run.grade[:, t] >= 0, caps[run.grade[:, t]], 0)
            open_ = (cap == 0) | (drawn[:, max(0, t - YEAR) : t].sum(axis=1) < cap)
            drawn[:, t] = (rng.uniform(size=len(drawn)) * 1e6 < run.ppm[:, t]) & open_
        others.append(twice(run, drawn, truth, lag))
    lots = Twice(*(np.concatenate([getattr(o, k) for o in others]) for k in ("firm", "first", "after", "caught")))
    own = twice(run, run.visited, truth, lag)
    if min(len(own.firm), len(lots.firm)) < 2:
        return None
    (p0, p1, t0, t1), placebo = ends(run, truth, own, resamples), ends(run, truth, lots, resamples)
    drift = drift_of(LOT, len(lots.firm) // LOTS, resamples, *placebo)
    after = (p1 - t1) - (placebo[1] - placebo[3])
    before = (p0 - t0) - (placebo[0] - placebo[2])
    return drift, resamples.interval(after - before), resamples.interval(after)
