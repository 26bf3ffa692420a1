"""Oracles of what visits found item by item, and of departments' own grades."""

from __future__ import annotations

from datetime import date

from helpers.oracles.world import Rec, Value, World, oracle

PRIOR = 2
"""Visits with one failing that averages begin with (features.toml)."""


def _failed(rows: list[Rec], *severities: str) -> list[Rec]:
    return [r for r in rows if r["result"] == "failed" and (not severities or r["severity"] in severities)]


def _visits(w: World, e: str) -> list[list[Rec]]:
    """Rows of each visit, the latest visit first (ties: the greater inspection_id)."""
    found: dict[str, list[Rec]] = {}
    for row in w.seen("inspection_items", e):
        found.setdefault(row["inspection_id"], []).append(row)

    def when(visit: str) -> tuple[date, str]:
        return max(r["occurred_at"] for r in found[visit]), visit

    return [found[visit] for visit in sorted(found, key=when, reverse=True)]


def _last(w: World, e: str, severity: str) -> int:
    visits = _visits(w, e)
    return len(_failed(visits[0], severity)) if visits else 0


def _average(w: World, e: str, severity: str) -> float:
    visits = _visits(w, e)
    return (sum(len(_failed(v, severity)) for v in visits) + 1) / (len(visits) + PRIOR)


@oracle(inspection_items=None)
def critical_items_last(w: World, e: str) -> Value:
    return _last(w, e, "critical")


@oracle(inspection_items=None)
def serious_items_last(w: World, e: str) -> Value:
    return _last(w, e, "serious")


@oracle(inspection_items=None)
def minor_items_last(w: World, e: str) -> Value:
    return _last(w, e, "minor")


@oracle(inspection_items=None)
def critical_items_average(w: World, e: str) -> Value:
    return _average(w, e, "critical")


@oracle(inspection_items=None)
def serious_items_average(w: World, e: str) -> Value:
    return _average(w, e, "serious")


@oracle(inspection_items=None)
def minor_items_average(w: World, e: str) -> Value:
    return _average(w, e, "minor")


@oracle(inspection_items=None)
def items_failed_change(w: World, e: str) -> Value:
    visits = [len(_failed(v)) for v in _visits(w, e)]
    if len(visits) < 2:
        return 0
    before = visits[1:]
    return (visits[0] * len(before) - sum(before)) / len(before)


@oracle(inspection_items=None)
def items_repeated_share(w: World, e: str) -> Value:
    items = [r["item_code"] for r in _failed(w.seen("inspection_items", e))]
    return (len(items) - len(set(items))) / (len(items) + PRIOR)


@oracle(inspection_items=None)
def days_since_serious_item(w: World, e: str) -> Value:
    return w.days_since(_failed(w.seen("inspection_items", e), "serious", "critical"))


@oracle(sector_grades=None)
def sector_grade_now(w: World, e: str) -> Value:
    return max((min(100, 100 * g["level"] // g["levels"]) for g in w.open_now("sector_grades", e)), default=0)


@oracle(sector_grades=None)
def days_since_graded(w: World, e: str) -> Value:
    return w.days_since(w.seen("sector_grades", e))
