"""Circumstances of a visit: what raises or lowers what it finds, and is no property of the enterprise.

A targeted visit (complaint, lead, alert) follows what the records don't show, so its outcomes run higher than those of
random visits to enterprises with the same records; a campaign, a field and a pair of inspectors have levels of their
own. The learner gives each a term of its own and leaves it out when scoring: the risk that is told is that of an
average visit of the arms that measure, by an average pair.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.arrays import Floats, Ints
from models.study.experiment import Arms

LEAST_VISITS = 30
"""Visits below which a trigger or a field gets no term of its own."""


@dataclass(frozen=True)
class Circumstances:
    """What is known of visits beyond whom they went to.

    Parameters
    ----------
    terms
        Common terms, float64 [n, c], such as 1 where the visit was not of the random arm; 0 is the average visit that
        measures.
    pair
        Number of the inspecting pair [n], -1 where it is not known or not told apart.
    """

    terms: Floats
    pair: Ints

    @classmethod
    def none(cls, visits: int) -> Circumstances:
        """Return those of visits of which nothing more is known."""
        return cls(np.zeros((visits, 0)), np.full(visits, -1, dtype=np.int64))

    def __len__(self) -> int:
        return len(self.pair)

    def take(self, rows: np.ndarray) -> Circumstances:
        """Return those of some visits, by mask or position."""
        return Circumstances(self.terms[rows], self.pair[rows])

    @property
    def pairs(self) -> int:
        """How many pairs there may be: one more than the greatest number."""
        return int(self.pair.max(initial=-1)) + 1

    @property
    def known(self) -> bool:
        """Whether anything is known at all."""
        return bool(self.terms.shape[1]) or self.pairs > 0


@dataclass(frozen=True)
class Coding:
    """How circumstances become numbers, as the visits of a fit have them.

    Parameters
    ----------
    names
        Of the terms, such as "arm: not random" or "trigger: 4".
    means
        Of each term over the fit's visits of the arms that measure: what is taken off.
    pairs
        The pairs told apart, in the order of their numbers.
    """

    names: tuple[str, ...]
    means: tuple[float, ...]
    pairs: tuple[str, ...]

    @classmethod
    def of(cls, fit: pd.DataFrame, arms: Arms) -> Coding:
        """Return the coding of a fit's visits; columns ``arm``, ``trigger``, ``field``, ``inspector_id``."""
        names = ["arm: not random"] if arms.arm == "known" else []
        for what in ("trigger", "field"):
            if getattr(arms, what) == "known":
                counts = fit[what].dropna().value_counts()
                levels = sorted(counts.index[counts >= LEAST_VISITS])
                # The most frequent one is the one that the others differ from.
                usual = max([(int(counts[level]), level) for level in levels], default=(0, None))[1]
                names += [f"{what}: {level}" for level in levels if level != usual]
        measured = fit["arm"].isin(arms.measure).to_numpy()
        plain = _terms(fit, names)
        means = plain[measured].mean(axis=0) if measured.any() else np.zeros(len(names))
        pairs = sorted(set(fit["inspector_id"].dropna())) if arms.inspector == "known" else []
        return cls(tuple(names), tuple(means.tolist()), tuple(map(str, pairs)))

    def code(self, visits: pd.DataFrame) -> Circumstances:
        """Return the circumstances of visits; a pair that the fit had not is not known."""
        pair: Ints = np.full(len(visits), -1, dtype=np.int64)
        if self.pairs:
            numbers = visits["inspector_id"].map({p: i for i, p in enumerate(self.pairs)})
            pair = np.asarray(numbers.fillna(-1), dtype=np.int64)
        return Circumstances(_terms(visits, self.names) - np.asarray(self.means), pair)


def _terms(visits: pd.DataFrame, names: list[str] | tuple[str, ...]) -> Floats:
    """Return 0 or 1 per visit and named term."""
    out = np.zeros((len(visits), len(names)))
    for at, name in enumerate(names):
        what, level = name.split(": ", 1)
        seen = visits[what].to_numpy(dtype=object)
        out[:, at] = np.asarray(seen != "random" if what == "arm" else seen == level, dtype=np.float64)
    return out
