"""Licences in force at each visit, as far as they were known then.

Never read: ``LICENSE_TERM_EXPIRATION_DATE`` and ``maxDate``, which look into the future, ``LICENSE_STATUS``, which is
as of the day the file was made (so is "revoked"), ``ageAtInspection`` (the first day says it), ``ACCOUNT_NUMBER`` and
the hashed names (they link the places of one owner, but whether that is a person isn't said, and what an indicator
would ask of linked places, penalties and lists, the source lacks). Every licence is therefore ``valid``, without an
end, from its first day.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import groupby
from typing import Any

from features.adapters.chicago.rows import (
    LATER_LICENCE,
    NO_DATE,
    NO_ID,
    NO_LICENCE_ROW,
    NO_VISIT,
    Cells,
    Permit,
    Unmappable,
    Visit,
    day,
    enterprise_id,
    opaque,
    whole,
)

FILE = "business_license_at_inspection"
OTHERS = (
    "consumption_on_premises_incidental_activity",
    "tobacco",
    "package_goods",
    "outdoor_patio",
    "public_place_of_amusement",
    "limited_business_license",
    "childrens_services_facility_license",
    "tavern",
    "regulated_business_license",
    "filling_station",
    "caterers_liquor_license",
    "mobile_food_license",
)
"""Further licences of the place, 0 or 1, as of the visit."""
COLUMNS = ("Inspection_ID", "LICENSE_CODE", "LICENSE_TERM_START_DATE", "minDate", *OTHERS)
"""Columns that are read; no other is."""

FOOD_CODES = frozenset({1006, 1007, 1016, 1033, 1315, 1329, 1330, 4405, 8342, 8343, 8344})
"""Licence codes of making, selling or serving food: retail, wholesale, mobile, seasonal, shared kitchens."""


def read_permit(row: Cells, visits: Mapping[int, Visit]) -> Permit:
    """Read one row of the licence file.

    Raises
    ------
    Unmappable
        If it holds no licence, its visit is unknown, or the licence began after the visit.
    """
    number, code = whole(row["Inspection_ID"]), whole(row["LICENSE_CODE"])
    if number is None:
        raise Unmappable(NO_ID)
    if number not in visits:
        raise Unmappable(NO_VISIT)
    if code is None:
        raise Unmappable(NO_LICENCE_ROW)
    visit, began, first = visits[number], day(row["LICENSE_TERM_START_DATE"]), day(row["minDate"])
    if began is None or first is None:
        raise Unmappable(NO_DATE)
    if max(began, first) > visit.occurred:
        raise Unmappable(LATER_LICENCE)
    others = frozenset(name for name in OTHERS if whole(row[name]))
    return Permit(visit, code, began, first, others)


Sighted = tuple[date, Permit]
"""A licence row and the day from which it counts as seen."""


def licence_records(seen: Iterable[Sighted]) -> tuple[list[dict[str, Any]], set[int]]:
    """Return the licence records, and the inspections whose row began one; the other rows joined one.

    The main licence runs from its first day. A further licence has no dates of its own: it runs from the day it is
    first seen, and ends, given back or lapsed, on the day a row comes without it.
    """
    records: list[dict[str, Any]] = []
    began: set[int] = set()
    ordered = sorted(seen, key=lambda s: (s[1].visit.licence, s[0], s[1].visit.inspection))
    for licence, rows in groupby(ordered, key=lambda s: s[1].visit.licence):
        holder, codes = enterprise_id(licence), set[int]()
        held: dict[str, dict[str, Any]] = {}
        for known, group in groupby(rows, key=lambda s: s[0]):
            permits = [p for _, p in group]
            for p in permits:
                if p.code not in codes:
                    codes.add(p.code)
                    began.add(p.visit.inspection)
                    records.append(_main(holder, known, p))
            records.extend(_others(holder, known, permits, held))
    return records, began


def _main(holder: str, known: date, permit: Permit) -> dict[str, Any]:
    return {
        "record_id": opaque("licence", holder, permit.code),
        "version": 1,
        "enterprise_id": holder,
        "occurred_at": permit.first,
        "known_at": known,
        "record_state": "active",
        "licence_no": str(permit.visit.licence),
        "licence_kind": "food" if permit.code in FOOD_CODES else "other",
        "authority_kind": "other",
        "licence_status": "valid",
    }


def _others(
    holder: str, known: date, permits: Sequence[Permit], held: dict[str, dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    now = frozenset().union(*(p.others for p in permits))
    for name in sorted(now - set(held)):
        held[name] = {
            "record_id": opaque("further licence", holder, name, known),
            "version": 1,
            "enterprise_id": holder,
            "occurred_at": known,
            "known_at": known,
            "record_state": "active",
            "licence_kind": "food" if name == "mobile_food_license" else "other",
            "authority_kind": "other",
            "licence_status": "valid",
        }
        yield held[name]
    for name in sorted(set(held) - now):
        ended = {"version": 2, "known_at": known, "ended_on": known, "licence_status": "surrendered"}
        yield {**held.pop(name), **ended}
