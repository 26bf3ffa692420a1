"""Migration: which enterprises moved from class to class between months."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from models.errors import ModelError
from models.evaluation.verdicts import plain
from models.scoring.classification import GRADES


@dataclass(frozen=True)
class Migration:
    """Who moved class between two months.

    ``counts[i][j]`` firms went from class i to class j (A to D); ``shares`` are by row; ``entered`` and ``left`` by
    class. ``worse`` and ``better`` are shares of those in both months; ``far`` moved two classes or more.
    """

    month: str
    next_month: str
    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    shares: tuple[tuple[float, ...], ...]
    entered: tuple[int, ...]
    left: tuple[int, ...]
    firms: int
    stayed: float
    worse: float
    better: float
    far: float

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return plain(self)

    @property
    def text(self) -> str:
        """One line."""
        return (
            f"{self.month} to {self.next_month}: of {self.firms:,} firms {self.stayed:.1%} stayed in their class, "
            f"{self.worse:.1%} moved to a riskier one, {self.better:.1%} to a safer one, {self.far:.1%} by two or more."
        )


def migration(ledger: pd.DataFrame) -> tuple[Migration, ...]:
    """Return the class migration between each two neighbouring months of a ledger.

    Parameters
    ----------
    ledger
        Columns enterprise_id, month (sortable text such as 2026-03) and grade; one row an enterprise and month.

    Raises
    ------
    ModelError
        If an enterprise has two rows in a month, or a grade is none of A to D.
    """
    if ledger.duplicated(["enterprise_id", "month"]).any():
        raise ModelError("the ledger has an enterprise twice in a month")
    if not ledger["grade"].isin(GRADES).all():
        raise ModelError(f"a grade of the ledger is none of {', '.join(GRADES)}")
    months = sorted(ledger["month"].unique())
    by_month = {
        m: rows.set_index("enterprise_id")["grade"].map(GRADES.index) for m, rows in ledger.groupby("month", sort=True)
    }
    return tuple(_migration(str(a), str(b), by_month[a], by_month[b]) for a, b in pairwise(months))


def _migration(month: str, next_month: str, one: pd.Series[int], other: pd.Series[int]) -> Migration:
    both = one.index.intersection(other.index)
    k = len(GRADES)
    i, j = one.loc[both].to_numpy(dtype=np.int64), other.loc[both].to_numpy(dtype=np.int64)
    counts = np.bincount(i * k + j, minlength=k * k).reshape(k, k)
    rows = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, rows, out=np.full((k, k), np.nan), where=rows > 0)
    n = max(1, len(both))

    def only(here: pd.Series[int], there: pd.Series[int]) -> tuple[int, ...]:
        gone = here.loc[here.index.difference(there.index)].to_numpy(dtype=np.int64)
        return tuple(np.bincount(gone, minlength=k).tolist())

    return Migration(
        month,
        next_month,
        GRADES,
        tuple(map(tuple, counts.tolist())),
        tuple(map(tuple, shares.tolist())),
        only(other, one),
        only(one, other),
        len(both),
        float((i == j).sum() / n),
        float((j > i).sum() / n),
        float((j < i).sum() / n),
        float((np.abs(i - j) > 1).sum() / n),
    )
