"""Canvass inspections, with the City's outcome in the contract's codes.

===========================================  =====  ==========================================================
the source says                              code   why
===========================================  =====  ==========================================================
``criticalCount`` above 0, whatever Results  3      a critical violation of the food code; the label that
                                                    the source's notes give; nothing below it counts here
Pass, Pass w/ Conditions, Fail, none         1      no critical violation. Code 1 so means "nothing critical":
critical                                            a serious violation is told by ``warning_talks``, and most
                                                    visits find minor ones, which tell nothing
Out of Business                              7      closed: no label
Business Not Located, No Entry, Not Ready    F      no food business could be looked at: no label [K]
===========================================  =====  ==========================================================

The copy at hand holds the first three results alone; the others are those of the City's wider publication.

A canvass visit is the department's round by the risk category of the place. It is no draw with a stated probability
and was not caused by a complaint: its arm is ``unknown``, its trigger ``routine``. Complaint visits would be
``targeted``, but the source gives no outcome for them (see `features.adapters.chicago.adapt.LEFT_OUT`); visits of
another type, should the file hold any, are not mapped, because their outcome means something else.

Never read: ``pass_flag``, ``fail_flag`` (the outcome again), ``past*``, ``timeSinceLast``, ``firstRecord`` (the City's
own derivations, with invented values for first records).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from features.adapters.chicago.rows import (
    BAD_COUNT,
    BAD_OUTCOME,
    NO_DATE,
    NO_ID,
    NOBODY,
    NOT_CANVASS,
    WEEK,
    Cells,
    Unmappable,
    Visit,
    address_key,
    day,
    enterprise_id,
    opaque,
    place,
    text,
    whole,
)

FILE = "inspections"
COLUMNS = (
    "Inspection_ID",
    "DBA_Name",
    "License",
    "Facility_Type",
    "Risk",
    "Address",
    "Zip",
    "Inspection_Date",
    "Inspection_Type",
    "Results",
    "Latitude",
    "Longitude",
    "criticalCount",
    "seriousCount",
)
"""Columns that are read; no other is."""

CRITICAL = "3"
OUTCOMES: dict[str, str] = {
    "PASS": "1",
    "PASS W/ CONDITIONS": "1",
    "FAIL": "1",
    "OUT OF BUSINESS": "7",
    "BUSINESS NOT LOCATED": "F",
    "NO ENTRY": "F",
    "NOT READY": "F",
}
"""Results without a critical violation to result code; anything else is counted as unmapped."""


RISKS: dict[str, int] = {"RISK 3 (LOW)": 1, "RISK 2 (MEDIUM)": 2, "RISK 1 (HIGH)": 3}
"""The department's hazard category to the place of the grade, 1 the least risk; anything else is no grade."""


def read_visit(row: Cells) -> Visit:
    """Read one row of the inspections file.

    Raises
    ------
    Unmappable
        If the row lacks its id, licence number, day or outcome, or is no canvass visit.
    """
    inspection, licence = whole(row["Inspection_ID"]), whole(row["License"])
    if inspection is None:
        raise Unmappable(NO_ID)
    if licence is None or licence <= 0:
        raise Unmappable(NOBODY)
    if text(row["Inspection_Type"]).upper() != "CANVASS":
        raise Unmappable(NOT_CANVASS)
    occurred = day(row["Inspection_Date"])
    if occurred is None:
        raise Unmappable(NO_DATE)
    code = OUTCOMES.get(text(row["Results"]).upper())
    if code is None:
        raise Unmappable(BAD_OUTCOME)
    critical, serious = whole(row["criticalCount"]), whole(row["seriousCount"])
    if code == "1" and (critical is None or critical < 0):
        raise Unmappable(BAD_COUNT)
    zip_code = whole(row["Zip"])
    return Visit(
        inspection,
        licence,
        occurred,
        occurred + timedelta(days=WEEK),
        CRITICAL if critical else code,
        bool(serious),
        text(row["DBA_Name"]).upper(),
        address_key(row["Address"]),
        f"{zip_code:05d}" if zip_code else "",
        text(row["Facility_Type"]),
        RISKS.get(text(row["Risk"]).upper()),
        place(row),
    )


def inspection(visit: Visit) -> dict[str, Any]:
    """Return the inspection record of a visit."""
    return {
        **_common(visit),
        "record_id": opaque("inspection", visit.inspection),
        "arm": "unknown",
        "trigger": "routine",
        "field": "food",
        "result_codes": visit.codes,
    }


def warning(visit: Visit) -> dict[str, Any]:
    """Return the warning talk of a visit that found a serious violation: it is written up and must be put right [K]."""
    return {**_common(visit), "record_id": opaque("warning", visit.inspection), "talk_kind": "warning"}


def _common(visit: Visit) -> dict[str, Any]:
    return {
        "version": 1,
        "enterprise_id": enterprise_id(visit.licence),
        "occurred_at": visit.occurred,
        "known_at": visit.known,
        "record_state": "active",
    }
