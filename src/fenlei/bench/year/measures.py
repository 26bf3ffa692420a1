"""Measures of the year: findings a visit, what the random share told, and visits by group beside stated chances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fenlei.bench.feedback.effects import Resamples, concentration
from fenlei.bench.year.run import Policy, YearRun
from models.arrays import Bools, Floats, Ints
from models.evaluation.intervals import wilson
from models.evaluation.metrics import Interval

Z = 1.959964
FAR = 3.0
"""Standard errors by which a group's visits may lie above what the stated chances bring."""
LEAST_GROUP = 100
"""Enterprises below which a group's visits are not told."""


@dataclass(frozen=True)
class Found:
    """Runs by policy, the truth [firms, months], and each firm's groups by kind [firms]."""

    runs: dict[Policy, YearRun]
    truth: Floats
    groups: dict[str, NDArray[np.str_]]


@dataclass(frozen=True)
class Work:
    """What a policy's visits came to: their number, violations a visit, as times uniform's and above the rules' plan,
    and concentration."""

    visits: int
    rate: Interval
    times: Interval
    above_rules: Interval
    gini: float
    top: float
    firms: int


def work(found: Found, seed: int) -> dict[Policy, Work]:
    """Measure every policy; intervals resample whole enterprises, the same ones for all."""
    resamples = Resamples(len(found.truth), seed)
    rates = {}
    for policy, run in found.runs.items():
        hits, visits = (resamples.weights @ m.sum(axis=1) for m in (run.found, run.visited))
        rates[policy] = hits / visits
    out = {}
    for policy, run in found.runs.items():
        count = run.visited.sum(axis=1)
        top, gini = concentration(count[(run.grade >= 0).any(axis=1)])
        times = resamples.interval(rates[policy] / rates["uniform"])
        rate, above = resamples.interval(rates[policy]), resamples.interval(rates[policy] - rates["rules"])
        out[policy] = Work(int(count.sum()), rate, times, above, gini, top, int((count > 0).sum()))
    return out


@dataclass(frozen=True)
class Told:
    """The random share's estimate of the true rate: months, those whose interval holds it, visits, mean half width."""

    months: int
    inside: int
    visits: int
    half_width: float
    estimate: float
    truth: float


def told(run: YearRun, truth: Floats) -> Told:
    """Hold each month's estimate against the mean true risk of those who could be drawn (95 %, Wilson).

    A visit to a firm that is no more finds no label, so it counts on neither side.
    """
    inside, widths, visits, found, true = 0, [], 0, 0, []
    for t in range(truth.shape[1]):
        there = run.free[:, t] & np.isfinite(truth[:, t])
        seen = run.random[:, t] & there
        n, hits = int(seen.sum()), int(run.found[seen, t].sum())
        low, high = wilson(hits / max(1, n), n, Z)
        mean = float(truth[there, t].mean())
        inside += low <= mean <= high
        widths.append((high - low) / 2)
        visits, found = visits + n, found + hits
        true.append(mean)
    return Told(truth.shape[1], inside, visits, float(np.mean(widths)), found / max(1, visits), float(np.mean(true)))


@dataclass(frozen=True)
class GroupOf:
    """Visits of a group: enterprises, visits, visits that the stated chances bring, and standard errors above them."""

    kind: str
    name: str
    firms: int
    visits: int
    expected: float
    above: float


def group_visits(run: YearRun, groups: Mapping[str, NDArray[np.str_]]) -> list[GroupOf]:
    """Hold the visits of every group against the chances that stood in the draws, where there are any."""
    chance = np.where(run.free, run.ppm / 1e6, 0.0)
    firm, spread = chance.sum(axis=1), (chance * (1 - chance)).sum(axis=1)
    count, there = run.visited.sum(axis=1), (run.grade >= 0).any(axis=1)
    out = []
    for kind, of in groups.items():
        for name in sorted(set(of[there])):
            own: Bools = there & (of == name)
            if own.sum() < LEAST_GROUP:
                continue
            expected, sd = float(firm[own].sum()), float(np.sqrt(spread[own].sum()))
            visits = int(count[own].sum())
            above = (visits - expected) / sd if sd else float("nan")
            out.append(GroupOf(kind, name, int(own.sum()), visits, expected, above))
    return out


def over_cap(run: YearRun, caps: Sequence[int]) -> int:
    """Count visits of the year to firms that had as many as their class lets a firm have."""
    before: Ints = np.cumsum(run.visited, axis=1) - run.visited
    most = np.where(run.grade >= 0, np.array([*caps, 0])[run.grade], 0)
    return int((run.visited & (most > 0) & (before >= most)).sum())
