"""Difference of two months: who moved from class to class, and why, summed by cause, region and trade."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from models.scoring.classification import GRADES
from models.scoring.reasons.changes import CAUSES
from serving.ledger.place import check_month
from serving.ledger.read import Ledger


@dataclass(frozen=True)
class Difference:
    """Who moved between two published months.

    Parameters
    ----------
    before, after
        The months.
    movers
        Enterprises in both whose class differs: id, name, region, industry, classes, scores and the parts of the move.
    counts
        Firms by class before (rows) and after (columns), of those in both.
    entered, left
        Firms in one of the months alone, by class.
    sums
        Movers to a riskier and to a safer class by ``cause``, ``region`` and ``trade``.
    """

    before: str
    after: str
    movers: pd.DataFrame
    counts: tuple[tuple[int, ...], ...]
    entered: dict[str, int]
    left: dict[str, int]
    sums: dict[str, pd.DataFrame]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, without the movers' rows."""
        return {
            "before": self.before,
            "after": self.after,
            "classes": list(GRADES),
            "counts": [list(row) for row in self.counts],
            "movers": len(self.movers),
            "entered": self.entered,
            "left": self.left,
            "sums": {name: frame.to_dict("records") for name, frame in self.sums.items()},
        }


_JOINED = """WITH b AS (SELECT * FROM ledger WHERE month = $before), a AS (SELECT * FROM ledger WHERE month = $after)
SELECT coalesce(a.enterprise_id, b.enterprise_id) AS enterprise_id, coalesce(a.name, b.name) AS name,
    coalesce(a.region, b.region, 'unknown') AS region,
    coalesce(left(coalesce(a.industry, b.industry), 1), 'unknown') AS trade,
    b.grade AS grade_before, a.grade AS grade_after, b.score AS score_before, a.score AS score_after,
    {moved}, a.moved_class_by AS cause
FROM b FULL JOIN a ON a.enterprise_id = b.enterprise_id
WHERE a.grade IS DISTINCT FROM b.grade ORDER BY 1"""


def difference(ledger: Ledger, before: str, after: str) -> Difference:
    """Compare two published months by their latest rows.

    The parts of a move are those of the later month against the month before it; they are left out where other months
    are compared.

    Raises
    ------
    LedgerError
        If a month is not published.
    """
    check_month(before)
    months = (ledger.month(before), ledger.month(after))
    neighbours = ledger.before(after) is months[0]
    moved = ", ".join(f"a.moved_{c}" if neighbours else f"NULL::DOUBLE AS moved_{c}" for c in CAUSES)
    rows = ledger.query(_JOINED.format(moved=moved), {"before": before, "after": after})
    both = rows["grade_before"].notna() & rows["grade_after"].notna()
    movers = rows[both].reset_index(drop=True)
    same = ledger.query(
        "SELECT a.grade, count(*) AS firms FROM ledger a JOIN ledger b ON a.enterprise_id = b.enterprise_id"
        " WHERE b.month = $before AND a.month = $after AND a.grade = b.grade GROUP BY 1",
        {"before": before, "after": after},
    )
    counts = [[0] * len(GRADES) for _ in GRADES]
    for grade, firms in same.itertuples(index=False):
        counts[GRADES.index(grade)][GRADES.index(grade)] = int(firms)
    for was, now in zip(movers["grade_before"], movers["grade_after"], strict=True):
        counts[GRADES.index(was)][GRADES.index(now)] += 1
    return Difference(
        before,
        after,
        movers,
        tuple(map(tuple, counts)),
        _by_class(rows[rows["grade_before"].isna()], "grade_after"),
        _by_class(rows[rows["grade_after"].isna()], "grade_before"),
        {name: _summed(movers, name) for name in ("cause", "region", "trade")},
    )


def _by_class(rows: pd.DataFrame, column: str) -> dict[str, int]:
    found = rows[column].value_counts()
    return {grade: int(found.get(grade, 0)) for grade in GRADES}


def _summed(movers: pd.DataFrame, by: str) -> pd.DataFrame:
    """Count movers to a riskier and to a safer class by one column, the most first."""
    place = {grade: k for k, grade in enumerate(GRADES)}
    worse = movers["grade_after"].map(place) > movers["grade_before"].map(place)
    frame = pd.DataFrame({by: movers[by].fillna("not told"), "riskier": worse, "safer": ~worse})
    summed = frame.groupby(by, sort=True)[["riskier", "safer"]].sum().astype(int)
    summed["movers"] = summed["riskier"] + summed["safer"]
    return summed.sort_values("movers", ascending=False, kind="stable").reset_index()
