"""Regulatory family 监管信息, what visits found item by item (SAMR (8)): how much, how grave, how often the same.

A visit of any kind counts whose items are listed. One result says whether anything was wrong; the items say how much,
and most of it lies below what makes a violation.
"""

from __future__ import annotations

from features.catalogue.bounds import Bounds
from features.catalogue.declaration import indicator
from features.catalogue.expressions import NEVER, Formula, Rows, combine, shrunk_share
from features.policies import threshold

PRIOR = threshold("item_prior_visits")


def _average(item_visits: Rows, severity: str) -> Formula:
    return shrunk_share(item_visits.total(severity), item_visits.count(), bad=1, of=PRIOR)


@indicator(
    "regulatory",
    "visits",
    "最近检查严重不合格事项数",
    "critical items failed at the latest inspection",
    direction="raises",
    unit="items",
    policy="SAMR (8)",
)
def critical_items_last(item_visits: Rows) -> Formula:
    """Critical items that failed at the latest visit whose items are listed; 0 also without such a visit."""
    return item_visits.latest("critical", empty=0)


@indicator(
    "regulatory",
    "visits",
    "最近检查较重不合格事项数",
    "serious items failed at the latest inspection",
    direction="raises",
    unit="items",
    policy="SAMR (8)",
)
def serious_items_last(item_visits: Rows) -> Formula:
    """Serious items that failed at the latest visit whose items are listed; 0 also without such a visit."""
    return item_visits.latest("serious", empty=0)


@indicator(
    "regulatory",
    "visits",
    "最近检查一般不合格事项数",
    "minor items failed at the latest inspection",
    direction="raises",
    unit="items",
    policy="SAMR (8)",
)
def minor_items_last(item_visits: Rows) -> Formula:
    """Minor items that failed at the latest visit whose items are listed; 0 also without such a visit."""
    return item_visits.latest("minor", empty=0)


@indicator(
    "regulatory",
    "visits",
    "次均严重不合格事项数",
    "critical items failed per inspection",
    direction="raises",
    unit="items a visit",
    policy="SAMR (8)",
)
def critical_items_average(item_visits: Rows) -> Formula:
    """Critical items that failed at visits whose items are listed, (failed + 1) / (visits + $item_prior_visits)."""
    return _average(item_visits, "critical")


@indicator(
    "regulatory",
    "visits",
    "次均较重不合格事项数",
    "serious items failed per inspection",
    direction="raises",
    unit="items a visit",
    policy="SAMR (8)",
)
def serious_items_average(item_visits: Rows) -> Formula:
    """Serious items that failed at visits whose items are listed, (failed + 1) / (visits + $item_prior_visits)."""
    return _average(item_visits, "serious")


@indicator(
    "regulatory",
    "visits",
    "次均一般不合格事项数",
    "minor items failed per inspection",
    direction="raises",
    unit="items a visit",
    policy="SAMR (8)",
)
def minor_items_average(item_visits: Rows) -> Formula:
    """Minor items that failed at visits whose items are listed, (failed + 1) / (visits + $item_prior_visits)."""
    return _average(item_visits, "minor")


@indicator(
    "regulatory",
    "visits",
    "最近检查不合格事项数变化",
    "change of failed items from earlier inspections to the latest",
    direction="raises",
    unit="items a visit",
    policy="SAMR (8)",
    bounds=Bounds(low=None),
)
def items_failed_change(item_visits: Rows) -> Formula:
    """Items that failed at the latest visit whose items are listed, less the average of the visits before it.

    0 without a visit before it.
    """
    last, every, visits = item_visits.latest("failed", empty=0), item_visits.total("failed"), item_visits.count()
    change = "(CASE WHEN {} IS NULL THEN NULL WHEN {} < 2 THEN 0 ELSE CAST({} * {} - {} AS DOUBLE) / ({} - 1) END)"
    return combine(change, visits, visits, last, visits, every, visits)


@indicator(
    "regulatory",
    "visits",
    "重复不合格事项占比",
    "share of failed items that had failed before",
    direction="raises",
    unit="share",
    policy="SAMR (8)",
)
def items_repeated_share(inspection_items: Rows) -> Formula:
    """Share of its failed items whose item had failed before, as repeated / (failed + $item_prior_visits)."""
    failed = inspection_items.where("result = 'failed'")
    repeated = failed.count() - failed.distinct("item_code")
    return shrunk_share(repeated, failed.count(), bad=0, of=PRIOR)


@indicator(
    "regulatory",
    "visits",
    "距最近较重以上不合格天数",
    "days since a serious or critical item failed",
    direction="lowers",
    unit="days",
    policy="SAMR (8)",
)
def days_since_serious_item(inspection_items: Rows) -> Formula:
    """Days since a serious or critical item last failed, at most 3650; 3650 stands for never."""
    grave = inspection_items.where("result = 'failed'").where("severity IN ('serious', 'critical')")
    return grave.days_since_last(never=NEVER)
