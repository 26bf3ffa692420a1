"""What the loop did to the risk of those it visited: predicted beside true, with intervals over enterprises."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fenlei.bench.loop import YEAR, Run
from fenlei.bench.ranking import expected_auc
from models.metrics import Interval

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
REPETITIONS = 400
TOP = 0.05
"""Share of the firms, the most visited, whose share of the visits is told."""


@dataclass(frozen=True)
class Group:
    """Mean predicted and true risk of a group in a year; NaN where nobody is in it."""

    firms: int
    predicted: float
    true: float


@dataclass(frozen=True)
class YearOf:
    """One year of a policy.

    Parameters
    ----------
    everyone, twice, never
        The cohort; of it those the policy had visited at least twice since the loop began, and not at all.
    auc
        Of the probability against the truth, months of each half of the year averaged.
    mix
        Shares of A, B, C, D.
    visits, found
        The policy's own, and those that found a violation.
    visited, caught
        Visits, and violations found, as a share of one visit to everyone in every month, and of what that would find.
    top, gini
        Share of the visits on the most visited firms, and Gini's coefficient of visits, over the firms of the cohort
        in the year.
    """

    everyone: Group
    twice: Group
    never: Group
    auc: tuple[float, ...]
    mix: tuple[float, ...]
    visits: int
    found: int
    visited: float
    caught: float
    top: float
    gini: float


def years(run: Run, truth: Floats) -> list[YearOf]:
    """Measure every year of the loop; ``truth``: (enterprises, months of the loop)."""
    before: Ints = np.cumsum(run.visited, axis=1) - run.visited
    known = np.isfinite(run.probability) & np.isfinite(truth)
    out = []
    for begin in range(0, truth.shape[1], YEAR):
        span = slice(begin, min(begin + YEAR, truth.shape[1]))
        there, p, true = known[:, span], run.probability[:, span], truth[:, span]
        count = run.visited[:, span].sum(axis=1)[there.any(axis=1)]
        visits, found = int(run.visited[:, span].sum()), int(run.found[:, span].sum())
        grade = run.grade[:, span]
        out.append(
            YearOf(
                _group(there, p, true),
                _group(there & (before[:, span] >= 2), p, true),
                _group(there & (before[:, span] == 0), p, true),
                _aucs(there, p, true),
                tuple(float(np.mean(grade[grade >= 0] == g)) for g in range(4)),
                visits,
                found,
                visits / int(there.sum()),
                found / float(true[there].sum()),
                *concentration(count),
            )
        )
    return out


def _group(which: Bools, p: Floats, true: Floats) -> Group:
    if not which.any():
        return Group(0, float("nan"), float("nan"))
    return Group(int(which.any(axis=1).sum()), float(p[which].mean()), float(true[which].mean()))


def _aucs(there: Bools, p: Floats, true: Floats) -> tuple[float, ...]:
    months = [
        expected_auc(p[there[:, t], t], true[there[:, t], t], np.ones(int(there[:, t].sum())))
        for t in range(p.shape[1])
    ]
    half = YEAR // 2
    return tuple(float(np.mean(months[k : k + half])) for k in range(0, len(months), half))


def concentration(visits: Ints) -> tuple[float, float]:
    """Return the share of the visits on the twentieth of the firms visited most, and Gini's coefficient."""
    ordered = np.sort(visits)
    total, n = int(ordered.sum()), len(ordered)
    if not total:
        return float("nan"), float("nan")
    top = float(ordered[n - max(1, round(TOP * n)) :].sum()) / total
    return top, float(2 * (np.arange(1, n + 1) @ ordered) / (n * total) - (n + 1) / n)


@dataclass(frozen=True)
class Drift:
    """How predicted and true risk moved from the day before a firm's first visit to a year after its second.

    Parameters
    ----------
    predicted, true
        Mean change.
    gap_before, gap_after
        Predicted less true.
    gap
        How the gap moved: what being visited did to the prediction that the truth does not bear out.
    """

    name: str
    firms: int
    predicted: Interval
    true: Interval
    gap_before: Interval
    gap_after: Interval
    gap: Interval


class Resamples:
    """Weights of whole enterprises: all alike first, then resampled."""

    def __init__(self, enterprises: int, seed: int, repetitions: int = REPETITIONS) -> None:
        rng = np.random.default_rng(seed)
        drawn = [
            np.bincount(rng.integers(0, enterprises, enterprises), minlength=enterprises) for _ in range(repetitions)
        ]
        self.weights = np.vstack([np.ones(enterprises), *drawn])

    def interval(self, draws: Floats) -> Interval:
        """Return the first figure with the 95 % percentile interval of the others."""
        low, high = np.nanquantile(draws[1:], [0.025, 0.975])
        return Interval(float(draws[0]), float(low), float(high))

    def mean(self, who: Ints, values: Floats) -> Floats:
        """Return the weighted mean of values of enterprises at each resample."""
        w = self.weights[:, who]
        with np.errstate(invalid="ignore"):
            return np.asarray(w @ values / w.sum(axis=1))


ALL, CLEAN, CAUGHT, NEVER = (
    "visited twice", "visited twice, nothing found", "visited twice, a violation found", "never visited, same months",
)  # fmt: skip


def drifts(run: Run, truth: Floats, resamples: Resamples, lag: int = YEAR) -> list[Drift]:
    """Compare the drift of firms visited twice, and of those never visited over the same months, with their truth."""
    who, first, after, caught = [], [], [], []
    for firm in np.flatnonzero(run.visited.sum(axis=1) >= 2):
        a, b = np.flatnonzero(run.visited[firm])[:2]
        if b + lag < truth.shape[1]:
            who.append(firm)
            first.append(a)
            after.append(b + lag)
            caught.append(run.found[firm, a] or run.found[firm, b])
    at, a, b = np.array(who, dtype=np.int64), np.array(first, dtype=np.int64), np.array(after, dtype=np.int64)
    hit = np.array(caught, dtype=bool)
    p = run.probability
    measured = np.isfinite([p[at, a], p[at, b], truth[at, a], truth[at, b]]).all(axis=0)
    at, a, b, hit = at[measured], a[measured], b[measured], hit[measured]
    out = []
    for name, chosen in ((ALL, np.ones(len(at), dtype=bool)), (CLEAN, ~hit), (CAUGHT, hit)):
        who_, a_, b_ = at[chosen], a[chosen], b[chosen]
        if len(who_) >= 2:
            values = [resamples.mean(who_, x) for x in (p[who_, a_], p[who_, b_], truth[who_, a_], truth[who_, b_])]
            out.append(_drift(name, len(who_), resamples, *values))
    if len(at):
        out.append(_never(run, truth, resamples, at, a, b))
    return out


def _never(run: Run, truth: Floats, resamples: Resamples, at: Ints, a: Ints, b: Ints) -> Drift:
    """The never visited over the same pairs of months, each pair weighted by how many firms were visited so."""
    never = np.flatnonzero(~run.visited.any(axis=1))
    own = resamples.weights[:, never]
    sums, weight = np.zeros((4, len(own))), np.zeros(len(own))
    seen = np.zeros(len(never), dtype=bool)
    for begin, end in sorted(set(zip(a.tolist(), b.tolist(), strict=True))):
        x = np.array([m[never, t] for m in (run.probability, truth) for t in (begin, end)])
        there = np.isfinite(x).all(axis=0)
        pair = resamples.weights[:, at[(a == begin) & (b == end)]].sum(axis=1)
        totals = own @ np.vstack([np.where(there, x, 0.0), there]).T
        sums += pair * (totals[:, :4] / totals[:, 4:]).T
        weight += pair
        seen |= there
    return _drift(NEVER, int(seen.sum()), resamples, *(sums / weight))


def _drift(name: str, firms: int, r: Resamples, p0: Floats, p1: Floats, t0: Floats, t1: Floats) -> Drift:
    figures = (p1 - p0, t1 - t0, p0 - t0, p1 - t1, (p1 - t1) - (p0 - t0))
    return Drift(name, firms, *(r.interval(f) for f in figures))


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
