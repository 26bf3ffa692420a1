"""Calls to 311 about sanitation, where they name the address of an establishment.

The calls have a place and no licence. One whose street address is, blank for blank, that of an establishment is a
complaint about that place, and counts for every establishment seen there. All others are not mapped: what happened
nearby is told by no table of the contract.

Never read: ``Status`` and ``Completion_Date``, which were written later.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from features.adapters.chicago.rows import (
    NEXT_DAY,
    NO_DATE,
    NO_ID,
    NO_PLACE,
    NOT_THERE,
    Cells,
    Unmappable,
    address_key,
    day,
    enterprise_id,
    opaque,
    text,
)

FILE = "complaints_311_sanitation"
COLUMNS = ("Creation_Date", "Service_Request_Number", "Street_Address")
"""Columns that are read; no other is."""

COVERS_FROM = date(2011, 1, 1)
"""The file has thousands of calls a month from here on and some 180 stray ones before."""


def read_call(row: Cells, at: Mapping[str, Mapping[int, date]]) -> tuple[str, list[dict[str, Any]]]:
    """Read one call; return its number and a record for each establishment at the address.

    A record is known when both the call and the establishment's address are.

    Raises
    ------
    Unmappable
        If the call lacks its number, day or address, or no establishment is there.
    """
    number, made = text(row["Service_Request_Number"]), day(row["Creation_Date"])
    if not number:
        raise Unmappable(NO_ID)
    if made is None:
        raise Unmappable(NO_DATE)
    address = address_key(row["Street_Address"])
    if not address:
        raise Unmappable(NO_PLACE)
    there = at.get(address)
    if not there:
        raise Unmappable(NOT_THERE)
    known = made + timedelta(days=NEXT_DAY)
    return number, [
        {
            "record_id": opaque("call", number, licence),
            "version": 1,
            "enterprise_id": enterprise_id(licence),
            "occurred_at": made,
            "known_at": max(known, since),
            "record_state": "active",
            "complaint_kind": "complaint",
            "field": "environment",
        }
        for licence, since in sorted(there.items())
    ]
