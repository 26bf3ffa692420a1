"""Stability: whether the population has moved since sign-off by more than chance.

The population stability index compares shares in bins frozen at sign-off: sum of (now - then) * ln(now / then), no
share below a floor. The trade's 0.1 and 0.25 know nothing of the number of firms: with a hundred firms they are passed
by chance, with a million never reached by what matters. The alarm level here is a percentile of the index when nothing
has changed and both months are independent samples. Months of one register share most of their firms, so by chance
they differ less than that: the alarm errs on the quiet side, never on the loud.

Where one value stands for a whole industry or district, its firms move from bin to bin together: by chance such an
indicator moves as far as one of as many firms as it has values.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from pydantic import BaseModel, ConfigDict, Field
from scipy.stats import binom, chi2

from models.arrays import Floats, Ints
from models.errors import ModelError
from models.evaluation.policies import DriftPolicy
from models.evaluation.verdicts import plain
from models.scoring.classification import GRADES

UNKNOWN = "unknown"
DRAWS = 4000
_EXPECTED = 5.0
"""Least expected count of a bin for the chi-squared approximation."""


class Frozen(BaseModel):
    """A distribution as it was at sign-off, stored with the model.

    ``edges`` cut numbers into bins (edge included on the left side) and are empty for classes; ``counts`` has one
    entry a bin, for numbers with the unknown values last. ``different`` is how many different values there were, where
    firms share them; None where each firm has its own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    labels: tuple[str, ...] = Field(min_length=1)
    edges: tuple[float, ...] = ()
    counts: tuple[int, ...]
    different: int | None = Field(default=None, ge=1)

    def independent(self, rows: int) -> int:
        """Return how many of so many enterprises move on their own."""
        return rows if self.different is None else min(rows, self.different)

    @property
    def rows(self) -> int:
        """Enterprises it was made of."""
        return sum(self.counts)

    @property
    def shares(self) -> Floats:
        """Share of each bin."""
        return np.asarray(self.counts, dtype=np.float64) / self.rows

    def count(self, values: ArrayLike) -> Ints:
        """Count values, or class names, into the frozen bins.

        Raises
        ------
        ModelError
            If a class is not one of the frozen labels.
        """
        if not self.edges:
            given = np.asarray(values, dtype=object)
            strange = sorted({str(v) for v in given} - set(self.labels))
            if strange:
                raise ModelError(f"{self.name}: {strange} are none of the frozen classes {list(self.labels)}")
            return np.array([int((given == label).sum()) for label in self.labels], dtype=np.int64)
        numbers = np.asarray(values, dtype=np.float64)
        known = numbers[~np.isnan(numbers)]
        place = np.searchsorted(self.edges, known, side="left")
        return np.append(np.bincount(place, minlength=len(self.edges) + 1), len(numbers) - len(known)).astype(np.int64)


def freeze_numbers(name: str, values: ArrayLike, bins: int, *, shared: bool = False) -> Frozen:
    """Freeze numbers into bins of about equal share; values that many share, such as 0, get a bin of their own.

    Parameters
    ----------
    name
        Of the indicator or score.
    values
        At sign-off, shape (n,); NaN is unknown and has its own bin.
    bins
        At most so many.
    shared
        Whether one value stands for many firms, such as all of an industry.
    """
    numbers = np.asarray(values, dtype=np.float64)
    known = numbers[~np.isnan(numbers)]
    if not len(numbers):
        raise ModelError(f"{name}: nothing to freeze")
    if len(known):
        cuts = np.unique(np.quantile(known, np.arange(1, bins) / bins, method="inverted_cdf"))
        # What only ever had one value must show any other one, above or below.
        inner = cuts[cuts < known.max()]
        edges = inner if len(inner) else np.array([np.nextafter(known[0], -np.inf), known[0]])
        if known.min() < known.max() and not len(inner):
            edges = np.array([np.nextafter(known.max(), -np.inf)])
    else:
        edges = np.array([0.0])
    ends = [-np.inf, *edges.tolist(), np.inf]
    labels = (*(f"({a:g}, {b:g}]" for a, b in pairwise(ends)), UNKNOWN)
    empty = Frozen(name=name, labels=labels, edges=tuple(edges.tolist()), counts=(0,) * len(labels))
    different = max(1, len(np.unique(known))) if shared else None
    return empty.model_copy(update={"counts": tuple(empty.count(numbers).tolist()), "different": different})


def freeze_classes(grades: ArrayLike, name: str = "class") -> Frozen:
    """Freeze the mix of classes A to D."""
    empty = Frozen(name=name, labels=GRADES, counts=(0,) * len(GRADES))
    return empty.model_copy(update={"counts": tuple(empty.count(grades).tolist())})


def psi(then: Floats, now: Floats, floor: float) -> Floats:
    """Population stability index of shares [..., b] against shares [b], no share below the floor."""
    e, a = np.maximum(then, floor), np.maximum(now, floor)
    return np.asarray(((a - e) * np.log(a / e)).sum(axis=-1), dtype=np.float64)


@dataclass(frozen=True)
class Stability:
    """A month's distribution against the frozen one.

    ``alarm_level`` is the percentile of the index when nothing has changed; ``folklore`` says what the trade's levels
    would ("stable", "some", "large"). ``vanished`` and ``appeared`` name bins that only one of the two has.
    """

    name: str
    month: str
    rows_then: int
    rows: int
    psi: float
    alarm_level: float
    p_value: float
    alarm: bool
    folklore: str
    vanished: tuple[str, ...]
    appeared: tuple[str, ...]
    labels: tuple[str, ...]
    shares_then: tuple[float, ...]
    shares: tuple[float, ...]
    text: str

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return plain(self)


def under_no_drift(
    counts: ArrayLike, rows: int, floor: float, *, then_rows: int | None = None, draws: int = DRAWS, seed: int = 0
) -> Floats:
    """Draw the index when nothing has changed: both months are samples of the same shares.

    The shares are those of the frozen counts, half a firm added to each bin: what was not seen once may be rare. The
    first month's sample is as large as the counts, or ``then_rows``.
    """
    seen = np.asarray(counts, dtype=np.float64)
    truth = (seen + 0.5) / (seen + 0.5).sum()
    rng = np.random.default_rng([seed, 0x951])
    first = int(seen.sum()) if then_rows is None else then_rows
    then = rng.multinomial(first, truth, size=draws) / first
    now = rng.multinomial(rows, truth, size=draws) / rows
    return np.sort(psi(then, now, floor))


def stability(frozen: Frozen, values: ArrayLike, policy: DriftPolicy, *, month: str = "", seed: int = 0) -> Stability:
    """Compare a month's scores, classes or indicator values with what was frozen at sign-off.

    A class that vanished alarms whatever its index, unless so few firms were looked at that chance alone could have
    left it empty (probability above 1 - alarm).
    """
    now = frozen.count(values)
    rows = int(now.sum())
    if rows == 0 or frozen.rows == 0:
        raise ModelError(f"{frozen.name}: no rows to compare")
    index = float(psi(frozen.shares, now / rows, policy.floor))
    level, p_value = _chance(frozen, rows, index, policy, seed)
    vanished = tuple(
        label for label, n, share in zip(frozen.labels, now, frozen.shares, strict=True) if share > 0 and n == 0
    )
    appeared = tuple(
        label for label, n, share in zip(frozen.labels, now, frozen.shares, strict=True) if share == 0 and n > 0
    )
    shares = dict(zip(frozen.labels, frozen.shares, strict=True))
    gone = tuple(v for v in vanished if float(binom.pmf(0, frozen.independent(rows), shares[v])) < 1 - policy.alarm)
    alarm = index > level or bool(gone)
    some, large = policy.folklore
    folklore = "stable" if index < some else "some" if index < large else "large"
    text = (
        f"{frozen.name}{f' in {month}' if month else ''}: PSI {index:.4f}, by chance at most {level:.4f} "
        f"({policy.alarm:.0%}): {'alarm' if alarm else 'no alarm'}; by the trade's {some:g} and {large:g}: {folklore}"
        + (f"; nobody left in {', '.join(vanished)}" if vanished else "")
    )
    return Stability(
        frozen.name,
        month,
        frozen.rows,
        rows,
        index,
        level,
        p_value,
        alarm,
        folklore,
        vanished,
        appeared,
        frozen.labels,
        tuple(frozen.shares.tolist()),
        tuple((now / rows).tolist()),
        text,
    )


def monthly(
    frozen: Frozen, values: ArrayLike, month: ArrayLike, policy: DriftPolicy, *, seed: int = 0
) -> tuple[Stability, ...]:
    """Compare every month's values with what was frozen, in the order of months (text such as 2026-03)."""
    given, months = np.asarray(values), np.asarray(month, dtype=str)
    return tuple(stability(frozen, given[months == m], policy, month=str(m), seed=seed) for m in np.unique(months))


def _chance(frozen: Frozen, rows: int, index: float, policy: DriftPolicy, seed: int) -> tuple[float, float]:
    """Return the alarm level and the p-value of an index when nothing has changed.

    With enough firms in every bin the index over (1/then + 1/now) is chi-squared with bins - 1 degrees of freedom. Bins
    empty at sign-off don't count: what now stands in them counts only above the floor, and then it is no chance. Else
    it is simulated.
    """
    counts = np.asarray(frozen.counts)
    used = counts[counts > 0]
    least = float(used.min()) / frozen.rows
    first, rows = frozen.independent(frozen.rows), frozen.independent(rows)
    if least * min(first, rows) >= _EXPECTED and least > policy.floor and len(used) > 1:
        scale, df = 1 / first + 1 / rows, len(used) - 1
        return float(scale * chi2.ppf(policy.alarm, df)), float(chi2.sf(index / scale, df))
    drawn = under_no_drift(counts, rows, policy.floor, then_rows=first, seed=seed)
    if (drawn >= index).sum() < 10:
        drawn = under_no_drift(counts, rows, policy.floor, then_rows=first, draws=10 * DRAWS, seed=seed + 1)
    return float(np.quantile(drawn, policy.alarm)), float((1 + (drawn >= index).sum()) / (1 + len(drawn)))
