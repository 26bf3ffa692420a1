"""Metrics of a ranking and its probabilities on held-out visits, with intervals by enterprise.

Every figure is a function of row weights, so one bootstrap serves all: whole enterprises are drawn with
replacement, a row's weight is its design weight times how often its enterprise was drawn, and all scorers see
the same draws, which makes differences between two of them paired.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats, Ints
from models.losses import log_losses

RANKING = ("auc", "average_precision", "precision_top_tenth")
PROBABILITY = ("log_loss", "brier", "calibration_error")
METRICS = RANKING + PROBABILITY
LOWER_IS_BETTER = frozenset(PROBABILITY)
TOP = 0.1
CALIBRATION_BINS = 10
_CHUNK = 400_000  # weights held at once: small enough for the cache to help


@dataclass(frozen=True)
class Interval:
    """A figure with its percentile interval; the ends are NaN where no interval can be given."""

    value: float
    low: float = float("nan")
    high: float = float("nan")

    def __str__(self) -> str:
        if np.isnan(self.low):
            return f"{self.value:.4f}"
        return f"{self.value:.4f} [{self.low:.4f}, {self.high:.4f}]"

    def as_dict(self) -> dict[str, float | None]:
        """Plain numbers; NaN as None, which JSON has."""
        return {
            k: None if np.isnan(v) else v for k, v in (("value", self.value), ("low", self.low), ("high", self.high))
        }


@dataclass(frozen=True)
class Sample:
    """Held-out visits.

    Parameters
    ----------
    y
        0/1 violation, shape [n].
    weight
        Positive design weights, shape [n].
    cluster
        Enterprise number 0..c-1 of each visit, shape [n].
    tie
        Unsigned order among equal scores, shape [n].
    """

    y: Floats
    weight: Floats
    cluster: NDArray[np.int64]
    tie: NDArray[np.uint64]

    @classmethod
    def of(cls, y: NDArray[np.generic], enterprise: NDArray[np.object_], weight: Floats) -> Sample:
        """Build from outcomes; ties are broken by a hash of the enterprise id, so no file order leaks in."""
        ids, cluster = np.unique(np.asarray(enterprise, dtype=str), return_inverse=True)
        hashed = np.array(
            [int.from_bytes(hashlib.sha256(i.encode()).digest()[:8], "big") for i in ids], dtype=np.uint64
        )
        code = cluster.astype(np.int64)
        return cls(
            np.asarray(y, dtype=float),
            np.asarray(weight, dtype=float),
            code,
            hashed[code] if len(ids) else hashed,
        )

    def take(self, rows: NDArray[np.bool_]) -> Sample:
        """Return the visits of a boolean mask, enterprises renumbered."""
        _, cluster = np.unique(self.cluster[rows], return_inverse=True)
        return Sample(self.y[rows], self.weight[rows], cluster.astype(np.int64), self.tie[rows])


@dataclass(frozen=True)
class Scored:
    """What one scorer said of the visits: a ranking (higher is riskier), and a probability if it has one."""

    score: Floats
    probability: Floats | None = None


@dataclass(frozen=True)
class Evaluation:
    """Figures of every scorer, and of the first less each other one on the same resamples."""

    values: dict[str, dict[str, Interval]]
    differences: dict[str, dict[str, Interval]]
    visits: int
    violations: int
    enterprises: int
    rate: Interval
    repetitions: int

    def as_dict(self) -> dict[str, object]:
        """Plain nested numbers for JSON."""

        def plain(table: dict[str, dict[str, Interval]]) -> dict[str, dict[str, dict[str, float | None]]]:
            return {s: {m: i.as_dict() for m, i in row.items()} for s, row in table.items()}

        return {
            "visits": self.visits,
            "violations": self.violations,
            "enterprises": self.enterprises,
            "rate": self.rate.as_dict(),
            "values": plain(self.values),
            "differences": plain(self.differences),
            "repetitions": self.repetitions,
        }


Kernel = Callable[[Floats], Floats]
"""Row weights [b, n] to figures [b]; NaN where undefined."""


def _starts(values: Floats) -> NDArray[np.int64]:
    """First positions of the runs of equal values in a sorted array."""
    return np.concatenate(([0], np.flatnonzero(np.diff(values)) + 1)).astype(np.int64)


def _ratio(top: Floats, bottom: Floats) -> Floats:
    return np.divide(top, bottom, out=np.full_like(top, np.nan), where=bottom > 0)


def auc_kernel(sample: Sample, score: Floats) -> Kernel:
    """Weighted probability that a violating visit outranks a clean one; ties count half."""
    order = np.argsort(score, kind="stable")
    y, starts = sample.y[order], _starts(score[order])

    def kernel(w: Floats) -> Floats:
        w = w[:, order]
        bad = np.add.reduceat(w * y, starts, axis=1)
        good = np.add.reduceat(w * (1 - y), starts, axis=1)
        below = np.cumsum(good, axis=1) - good
        return _ratio((bad * (below + good / 2)).sum(axis=1), bad.sum(axis=1) * good.sum(axis=1))

    return kernel


def average_precision_kernel(sample: Sample, score: Floats) -> Kernel:
    """Weighted mean precision over the recall steps; equal scores form one step."""
    order = np.argsort(-score, kind="stable")
    y, starts = sample.y[order], _starts(-score[order])

    def kernel(w: Floats) -> Floats:
        w = w[:, order]
        bad = np.add.reduceat(w * y, starts, axis=1)
        seen = np.cumsum(np.add.reduceat(w, starts, axis=1), axis=1)
        precision = np.divide(np.cumsum(bad, axis=1), seen, out=np.zeros_like(seen), where=seen > 0)
        return _ratio((bad * precision).sum(axis=1), bad.sum(axis=1))

    return kernel


def top_kernel(sample: Sample, score: Floats, share: float = TOP) -> Kernel:
    """Weighted violation rate in the riskiest ``share`` of the weight; the row at the edge counts in part."""
    order = np.lexsort((sample.tie, -score))
    y = sample.y[order]

    def kernel(w: Floats) -> Floats:
        w = w[:, order]
        room = share * w.sum(axis=1, keepdims=True)
        taken = np.clip(room - (np.cumsum(w, axis=1) - w), 0, w)
        return _ratio((taken * y).sum(axis=1), taken.sum(axis=1))

    return kernel


def mean_kernel(values: Floats) -> Kernel:
    """Weighted mean of fixed values."""

    def kernel(w: Floats) -> Floats:
        return _ratio(w @ values, w.sum(axis=1))

    return kernel


def calibration_error_kernel(sample: Sample, probability: Floats, bins: int = CALIBRATION_BINS) -> Kernel:
    """Expected calibration error over bins of equal weight, cut once on the sample; ties stay together."""
    order = np.argsort(probability, kind="stable")
    p, y, w0 = probability[order], sample.y[order], sample.weight[order]
    place = (np.cumsum(w0) - w0 / 2) / w0.sum() * bins
    starts = _starts(p)
    first = np.repeat(place[starts], np.diff(np.append(starts, len(p))))
    edges = _starts(np.floor(np.clip(first, 0, bins - 1e-9)))

    def kernel(w: Floats) -> Floats:
        w = w[:, order]
        gap = np.add.reduceat(w * (y - p), edges, axis=1)
        return _ratio(np.abs(gap).sum(axis=1), w.sum(axis=1))

    return kernel


def within(ranking: Callable[[Sample, Floats], Kernel], sample: Sample, score: Floats, strata: Ints) -> Kernel:
    """Return a ranking's figure within each stratum, their mean by the weight of the strata's violations.

    Scores of models of different moments can't be ranked against each other, and need not be: a list is drawn up at
    one.
    """
    rows = [np.flatnonzero(strata == one) for one in np.unique(strata)]
    every = np.zeros(len(sample.y), dtype=bool)
    each = []
    for own in rows:
        mask = every.copy()
        mask[own] = True
        each.append(ranking(sample.take(mask), score[own]))

    def kernel(w: Floats) -> Floats:
        bad = np.stack([(w[:, own] * sample.y[own]).sum(axis=1) for own in rows])
        found = np.stack([one(w[:, own]) for one, own in zip(each, rows, strict=True)])
        told = np.isfinite(found)
        return _ratio(np.where(told, found * bad, 0.0).sum(axis=0), np.where(told, bad, 0.0).sum(axis=0))

    return kernel


def kernels(sample: Sample, scored: Scored, strata: Ints | None = None) -> dict[str, Kernel]:
    """All figures a scorer can have: ranking always, probability figures only with probabilities."""
    if strata is not None:
        ranked = (auc_kernel, average_precision_kernel, top_kernel)
        apart = {
            name: within(kernel, sample, scored.score, strata) for name, kernel in zip(RANKING, ranked, strict=True)
        }
        return apart | {k: v for k, v in kernels(sample, scored).items() if k in PROBABILITY}
    out: dict[str, Kernel] = {
        "auc": auc_kernel(sample, scored.score),
        "average_precision": average_precision_kernel(sample, scored.score),
        "precision_top_tenth": top_kernel(sample, scored.score),
    }
    if scored.probability is not None:
        out["log_loss"] = mean_kernel(log_losses(scored.probability, sample.y))
        out["brier"] = mean_kernel((scored.probability - sample.y) ** 2)
        out["calibration_error"] = calibration_error_kernel(sample, scored.probability)
    return out


def resample(sample: Sample, repetitions: int, seed: int) -> Iterator[Floats]:
    """Yield blocks [b, n] of row weights with whole enterprises drawn with replacement."""
    rng = np.random.default_rng([seed, 0x5EED])
    groups = int(sample.cluster.max()) + 1 if len(sample.cluster) else 0
    block = max(1, _CHUNK // max(1, len(sample.y)))
    for start in range(0, repetitions if groups else 0, block):
        b = min(block, repetitions - start)
        drawn = rng.integers(0, groups, size=(b, groups)) + groups * np.arange(b)[:, None]
        times = np.bincount(drawn.ravel(), minlength=b * groups).reshape(b, groups)
        yield times[:, sample.cluster] * sample.weight


def _interval(value: float, draws: Floats, level: float) -> Interval:
    valid = draws[np.isfinite(draws)]
    if np.isnan(value) or len(valid) < max(20, 0.9 * len(draws)):
        return Interval(value)  # where a tenth of the draws lack an answer, an interval would be made up
    low, high = np.quantile(valid, [(1 - level) / 2, (1 + level) / 2])
    return Interval(value, float(low), float(high))


def group_rates(
    sample: Sample, group: NDArray[np.int64], *, repetitions: int, level: float, seed: int
) -> dict[int, Interval]:
    """Weighted violation rate in each group of visits, with intervals; keys are the groups present, sorted."""
    masks = {int(g): group == g for g in np.unique(group)}
    kernels_ = {g: mean_kernel(sample.y[mask]) for g, mask in masks.items()}
    draws: dict[int, list[Floats]] = {g: [] for g in masks}
    for weights in resample(sample, repetitions, seed):
        for g, mask in masks.items():
            draws[g].append(kernels_[g](weights[:, mask]))
    return {
        g: _interval(
            float(kernels_[g](sample.weight[None, mask])[0]),
            np.concatenate(draws[g]) if draws[g] else np.empty(0),
            level,
        )
        for g, mask in masks.items()
    }


def evaluate(
    sample: Sample,
    scorers: dict[str, Scored],
    *,
    repetitions: int = 2000,
    level: float = 0.95,
    seed: int = 0,
    strata: Ints | None = None,
) -> Evaluation:
    """Measure all scorers on the same visits and the same resamples.

    Parameters
    ----------
    sample
        Held-out visits, n rows.
    scorers
        Name to scores [n]; differences are of the first to each other, positive where the first is larger.
    repetitions, level, seed
        Of the bootstrap; 0 repetitions give figures without intervals.
    strata
        Number of each row's moment, [n]: the ranking is then measured within each, see `within`.
    """
    if not len(sample.y):
        return Evaluation({s: {} for s in scorers}, {}, 0, 0, 0, Interval(float("nan")), 0)
    todo: dict[tuple[str, str], Kernel] = {("", "rate"): mean_kernel(sample.y)}
    for name, scored in scorers.items():
        todo |= {(name, metric): kernel for metric, kernel in kernels(sample, scored, strata).items()}
    point = {key: float(kernel(sample.weight[None, :])[0]) for key, kernel in todo.items()}
    parts: dict[tuple[str, str], list[Floats]] = {key: [] for key in todo}
    for weights in resample(sample, repetitions, seed):
        for key, kernel in todo.items():
            parts[key].append(kernel(weights))
    draws = {key: np.concatenate(p) if p else np.empty(0) for key, p in parts.items()}
    values = {
        name: {m: _interval(point[name, m], draws[name, m], level) for m in METRICS if (name, m) in todo}
        for name in scorers
    }
    first, *rest = scorers
    differences = {
        other: {
            m: _interval(point[first, m] - point[other, m], draws[first, m] - draws[other, m], level)
            for m in METRICS
            if (first, m) in todo and (other, m) in todo
        }
        for other in rest
    }
    return Evaluation(
        values,
        differences,
        len(sample.y),
        int(sample.y.sum()),
        int(sample.cluster.max()) + 1,
        _interval(point["", "rate"], draws["", "rate"], level),
        repetitions,
    )
