"""Regulatory family 监管信息, departments' own grades of an enterprise in their fields (SAMR (9))."""

from __future__ import annotations

from features.catalogue.declaration import indicator
from features.catalogue.expressions import NEVER, Formula, Rows


@indicator(
    "regulatory",
    "visits",
    "专业领域风险等级",
    "strictest risk grade that a department gives it in its own field",
    direction="raises",
    unit="percent of the scale",
    policy="SAMR (9)",
)
def sector_grade_now(sector_grades: Rows) -> Formula:
    """Greatest of its grades open at the cut-off, each as level * 100 / levels, rounded down, at most 100; 0 without.

    The stricter of two departments sets the measure.
    """
    return sector_grades.open().greatest("least(100, (level * 100) // levels)", empty=0)


@indicator(
    "regulatory",
    "visits",
    "距最近专业分级天数",
    "days since a department last graded it",
    direction="either",
    unit="days",
    policy="SAMR (9)",
)
def days_since_graded(sector_grades: Rows) -> Formula:
    """Days since a department last graded it in its field, at most 3650; 3650 stands for never."""
    return sector_grades.days_since_last(never=NEVER)
