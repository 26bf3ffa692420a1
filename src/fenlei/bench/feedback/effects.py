"""Effect of the loop on the risk of those it visited: predicted beside true, with intervals over enterprises."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fenlei.bench.feedback.loop import YEAR, Run
from models.arrays import Bools, Floats, Ints
from models.evaluation.drift.expected import expected_auc
from models.evaluation.metrics import Interval

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


ALL, CLEAN, CAUGHT = "visited twice", "visited twice, nothing found", "visited twice, a violation found"
NEVER = "never visited, same months"


@dataclass(frozen=True)
class Twice:
    """Firms visited twice: number, month of the first visit, month some time after the second, what was found."""

    firm: Ints
    first: Ints
    after: Ints
    caught: Bools

    def where(self, which: Bools) -> Twice:
        """Return those marked."""
        return Twice(self.firm[which], self.first[which], self.after[which], self.caught[which])


def twice(run: Run, visited: Bools, truth: Floats, lag: int) -> Twice:
    """Return the firms visited twice whose risk is known at both ends."""
    rows = []
    for firm in np.flatnonzero(visited.sum(axis=1) >= 2):
        a, b = np.flatnonzero(visited[firm])[:2]
        ends = (a, min(b + lag, truth.shape[1] - 1))
        known = all(np.isfinite(m[firm, t]) for m in (run.probability, truth) for t in ends)
        if b + lag < truth.shape[1] and known:
            rows.append((firm, a, b + lag, run.found[firm, a] or run.found[firm, b]))
    found = np.array(rows, dtype=np.int64).reshape(-1, 4)
    return Twice(found[:, 0], found[:, 1], found[:, 2], found[:, 3] == 1)


def ends(run: Run, truth: Floats, x: Twice, resamples: Resamples) -> list[Floats]:
    """Return mean prediction before and after, and mean truth before and after, at each resample."""
    ends = [m[x.firm, t] for m in (run.probability, truth) for t in (x.first, x.after)]
    return [resamples.mean(x.firm, e) for e in ends]


def drifts(run: Run, truth: Floats, resamples: Resamples, lag: int = YEAR) -> list[Drift]:
    """Compare the drift of firms visited twice, and of those never visited over the same months, with their truth."""
    found = twice(run, run.visited, truth, lag)
    out = []
    for name, chosen in ((ALL, found), (CLEAN, found.where(~found.caught)), (CAUGHT, found.where(found.caught))):
        if len(chosen.firm) >= 2:
            out.append(drift_of(name, len(chosen.firm), resamples, *ends(run, truth, chosen, resamples)))
    if len(found.firm):
        out.append(_never(run, truth, resamples, found.firm, found.first, found.after))
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
    return drift_of(NEVER, int(seen.sum()), resamples, *(sums / weight))


def drift_of(name: str, firms: int, r: Resamples, p0: Floats, p1: Floats, t0: Floats, t1: Floats) -> Drift:
    """Return the drift from mean prediction and truth, each before and after, at every resample."""
    figures = (p1 - p0, t1 - t0, p0 - t0, p1 - t1, (p1 - t1) - (p0 - t0))
    return Drift(name, firms, *(r.interval(f) for f in figures))
