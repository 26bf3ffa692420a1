"""Weight of evidence: an indicator cut into a few bins along which risk only rises or only falls.

Quantile bins are merged with their neighbours until every one has visits and violations enough to be told, then until
the rates are monotone in the catalogue's direction (pool adjacent violators). Where the catalogue states no direction,
the one that tells the fit's outcomes better is taken: a card that goes up and down along one indicator is hard to
defend at a counter. Why not optbinning: docs/decisions/0009-points-cards.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from features.policy import Policy, load_policy
from models.arrays import Bools, Floats


class CardPolicy(Policy):
    """``card.toml``: see the file."""

    bins: int = Field(ge=2, le=50)
    least_visits: int = Field(ge=10)
    least_violations: int = Field(ge=1)
    prior_visits: float = Field(gt=0)
    most_indicators: int = Field(ge=1, le=200)
    strength: float = Field(gt=0)


def card_policy(province: str) -> CardPolicy:
    """Load a province's ``card.toml``."""
    return load_policy(province, "card", CardPolicy)


N = TypeVar("N", np.int64, np.float64)


@dataclass(frozen=True)
class Bins:
    """Bins of one indicator.

    Parameters
    ----------
    edges
        Least value of every bin but the first, rising [b - 1].
    woe
        Weight of evidence of each bin [b]: log-odds of a violation in it less those of all visits. Strictly monotone.
    unknown
        Of an unknown value: its own where there are visits enough, never below the least of the bins (not to report
        must not be the best that one can do); 0, which is neutral, otherwise.
    visits, rates
        Visits of each bin and their weighted rate of violations, [b].
    """

    edges: Floats
    woe: Floats
    unknown: float
    visits: NDArray[np.int64]
    rates: Floats

    def of(self, values: Floats) -> Floats:
        """Return the weight of evidence of each value, NaN being unknown."""
        at = np.searchsorted(self.edges, np.where(np.isnan(values), 0.0, values), side="right")
        return np.where(np.isnan(values), self.unknown, self.woe[at])


@dataclass(frozen=True)
class _Counts:
    """Sums of bins: visits, violations, weight, weight of the violations; each [b]."""

    visits: NDArray[np.int64]
    violations: NDArray[np.int64]
    weight: Floats
    bad: Floats

    def merged(self, at: int) -> _Counts:
        """Return the sums with bin ``at`` and the next one as one."""
        return _Counts(
            _merged(self.visits, at), _merged(self.violations, at), _merged(self.weight, at), _merged(self.bad, at)
        )


def _merged(values: NDArray[N], at: int) -> NDArray[N]:
    return np.add.reduceat(values, np.delete(np.arange(len(values)), at + 1), dtype=values.dtype)


def weigh(values: Floats, y: NDArray[np.generic], weight: Floats, direction: int, policy: CardPolicy) -> Bins | None:
    """Cut one indicator into bins.

    Parameters
    ----------
    values, y, weight
        Of the visits of the fit, [n]: NaN is unknown, 0/1, positive.
    direction
        1: risk rises with the value; -1: it falls; 0: either.
    policy
        How many bins, and how much each must rest on.

    Returns
    -------
    Bins, or None where fewer than two bins are left: the indicator tells nothing in its direction.
    """
    known, bad = ~np.isnan(values), np.asarray(y, dtype=np.float64)
    if direction == 0:
        both = [weigh(values, y, weight, d, policy) for d in (1, -1)]
        found = [one for one in both if one is not None]
        return max(found, key=lambda b: _information(b, weight, bad, values), default=None)
    if known.sum() < 2 * policy.least_visits:
        return None
    rate = float(weight @ bad / weight.sum())
    if not 0.0 < rate < 1.0:
        return None
    edges = _edges(values[known], policy.bins)
    at = np.searchsorted(edges, values[known], side="right")
    counts = _Counts(
        np.bincount(at, minlength=len(edges) + 1),
        np.bincount(at, bad[known], len(edges) + 1).astype(np.int64),
        np.bincount(at, weight[known], len(edges) + 1).astype(np.float64),
        np.bincount(at, (weight * bad)[known], len(edges) + 1).astype(np.float64),
    )
    prior = policy.prior_visits * float(weight.mean())
    while len(counts.visits) > 1:
        if (small := _too_small(counts, policy)) is not None:
            step = small - 1 if small == len(edges) or (small and _nearer_below(counts, small)) else small
        elif (wrong := _violator(_rates(counts, rate, prior), direction)) is not None:
            step = wrong
        else:
            break
        counts, edges = counts.merged(step), np.delete(edges, step)
    if len(counts.visits) < 2:
        return None
    woe = _log_odds(_rates(counts, rate, prior)) - _log_odds(np.asarray(rate))
    return Bins(
        edges,
        woe,
        _of_unknown(~known, bad, weight, rate, prior, float(woe.min()), policy),
        counts.visits,
        counts.bad / counts.weight,
    )


def _edges(known: Floats, bins: int) -> Floats:
    """Return the values at which bins begin, but the first."""
    distinct = np.unique(known)
    cuts = distinct[1:]
    if len(distinct) > bins:
        cuts = np.unique(np.quantile(known, np.linspace(0, 1, bins + 1)[1:-1], method="higher"))
    # Where most have the least value (mostly 0), what differs from it is cut on its own.
    above = known[known > distinct[0]]
    if len(distinct) > bins and len(above) < len(known) / 2:
        cuts = np.unique(np.concatenate([[distinct[1]], np.quantile(above, [0.5, 0.8], method="higher")]))
    # Three digits: a threshold is read by people.
    read = np.unique([float(f"{cut:.3g}") for cut in cuts])
    return np.asarray(read[(read > distinct[0]) & (read <= distinct[-1])], dtype=np.float64)


def _too_small(counts: _Counts, policy: CardPolicy) -> int | None:
    small = (counts.visits < policy.least_visits) | (counts.violations < policy.least_violations)
    return int(np.flatnonzero(small)[np.argmin(counts.visits[small])]) if small.any() else None


def _nearer_below(counts: _Counts, at: int) -> bool:
    """Tell whether the bin below has a rate nearer to a bin's own than the bin above."""
    rate = counts.bad / np.maximum(counts.weight, 1e-300)  # a bin may be empty: its threshold was rounded
    return bool(abs(rate[at - 1] - rate[at]) <= abs(rate[at + 1] - rate[at]))


def _rates(counts: _Counts, rate: float, prior: float) -> Floats:
    return np.asarray((counts.bad + prior * rate) / (counts.weight + prior), dtype=np.float64)


def _violator(rates: Floats, direction: int) -> int | None:
    """Return the first of the two neighbours that break the direction most; None where none do."""
    steps = direction * np.diff(rates)
    return int(np.argmin(steps)) if steps.min() <= 0 else None


def _of_unknown(
    unknown: Bools, bad: Floats, weight: Floats, rate: float, prior: float, least: float, policy: CardPolicy
) -> float:
    if unknown.sum() < policy.least_visits or bad[unknown].sum() < policy.least_violations:
        return 0.0
    own = (weight[unknown] @ bad[unknown] + prior * rate) / (weight[unknown].sum() + prior)
    return max(float(_log_odds(np.asarray(own)) - _log_odds(np.asarray(rate))), least)


def _log_odds(rate: Floats) -> Floats:
    return np.asarray(np.log(rate) - np.log1p(-rate), dtype=np.float64)


def _information(bins: Bins, weight: Floats, bad: Floats, values: Floats) -> float:
    """Information value: how far violations and clean visits lie apart along the bins."""
    of = bins.of(values)
    return float((weight * bad) @ of / (weight @ bad) - (weight * (1 - bad)) @ of / (weight @ (1 - bad)))
