"""Calls to 311 about sanitation, where they name the address of an establishment.

The calls have a place and no licence. One whose street address is, blank for blank, that of an establishment is a
complaint about that place, and counts for every establishment seen there that is no younger than the call. All others
are not mapped: what happened nearby, or to whoever was there before, is told by no table of the contract.

Never read: ``Status`` and ``Completion_Date``, which were written later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from features.adapters.chicago.rows import (
    NEXT_DAY,
    NO_DATE,
    NO_ID,
    NO_PLACE,
    NOT_THERE,
    TOO_YOUNG,
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


Told = tuple[date, date]
"""Day from which it is known that an establishment was founded, and the day it was founded on."""


def read_call(
    row: Cells, at: Mapping[str, Mapping[int, date]], founded: Mapping[str, Sequence[Told]]
) -> tuple[str, list[dict[str, Any]]]:
    """Read one call; return its number and a record for each establishment at the address.

    A record is known when the call is, the establishment's address, and that it was founded by then.

    Parameters
    ----------
    row
        The row of the file.
    at
        By address, the licences seen there and since when each was.
    founded
        By enterprise, what its registration tells of its age, and since when.

    Raises
    ------
    Unmappable
        If the call lacks its number, day or address, or no establishment is there, or only a younger one.
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
    old: dict[int, date] = {}
    for licence, since in there.items():
        told = [known for known, day_founded in founded[enterprise_id(licence)] if day_founded <= made]
        if told:
            old[licence] = max(made + timedelta(days=NEXT_DAY), since, min(told))
    if not old:
        raise Unmappable(TOO_YOUNG)
    return number, [
        {
            "record_id": opaque("call", number, licence),
            "version": 1,
            "enterprise_id": enterprise_id(licence),
            "occurred_at": made,
            "known_at": known,
            "record_state": "active",
            "complaint_kind": "complaint",
            "field": "environment",
        }
        for licence, known in sorted(old.items())
    ]
