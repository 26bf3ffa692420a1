"""What canvass visits found, violation by violation.

The file has a column for every number of the City's list: 1 to 14 are critical, 15 to 29 serious, the others minor;
they give the counts of the inspections file. It is the outcome of its own visit, and so known no earlier than that;
only what was found before tells of the next visit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from features.adapters.chicago.rows import NO_ID, NO_VISIT, Cells, Unmappable, Visit, enterprise_id, opaque, whole

FILE = "violation_matrix"
NUMBERS = (*range(1, 23), *range(24, 45), 70)
"""The City's list has no number 23."""
COLUMNS = ("Inspection_ID", *map(str, NUMBERS))
"""Columns that are read; no other is."""

CRITICAL, SERIOUS = range(1, 15), range(15, 30)
NOBODY = ("7", "F")
"""Result codes of visits at which nothing could be looked at."""
NOTHING = "none"
"""Item of the one row of a visit that found nothing."""


def read_items(row: Cells, made: Mapping[int, Visit]) -> tuple[int, list[dict[str, Any]]]:
    """Read one row: the number of the inspection and a record for every violation, or one that says there was none.

    Raises
    ------
    Unmappable
        If the row has no inspection id, or one that the inspections file does not have.
    """
    number = whole(row["Inspection_ID"])
    if number is None:
        raise Unmappable(NO_ID)
    if number not in made:
        raise Unmappable(NO_VISIT)
    visit = made[number]
    failed = [n for n in NUMBERS if (whole(row[str(n)]) or 0) > 0]
    found = [_record(visit, str(n), _severity(n), "failed") for n in failed]
    if not found and visit.codes not in NOBODY:
        found = [_record(visit, NOTHING, None, "passed")]
    return number, found


def _severity(number: int) -> str:
    return "critical" if number in CRITICAL else "serious" if number in SERIOUS else "minor"


def _record(visit: Visit, item: str, severity: str | None, result: str) -> dict[str, Any]:
    return {
        "record_id": opaque("item", visit.inspection, item),
        "version": 1,
        "enterprise_id": enterprise_id(visit.licence),
        "occurred_at": visit.occurred,
        "known_at": visit.known,
        "record_state": "active",
        "inspection_id": opaque("inspection", visit.inspection),
        "item_code": item,
        "severity": severity,
        "result": result,
    }
