"""Where establishments are, and what happened at places: burglaries, and calls to 311 about sanitation.

A call that names an establishment's address is a complaint about it, too (`features.adapters.chicago.complaints`); here
every call counts that has a position, whomever it is about.

Never read: ``Arrest``, ``Status``, ``Completion_Date``, ``Updated_On``, which were written later.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from features.adapters.chicago.complaints import COVERS_FROM
from features.adapters.chicago.rows import (
    NEXT_DAY,
    NO_DATE,
    NO_ID,
    NO_POSITION,
    WEEK,
    Cells,
    Unmappable,
    Visit,
    day,
    enterprise_id,
    opaque,
    place,
    text,
    whole,
)

BURGLARIES = "crime_burglary"
COLUMNS = ("ID", "Date", "Latitude", "Longitude")
CALL_COLUMNS = ("Creation_Date", "Service_Request_Number", "Latitude", "Longitude")
"""Columns that are read; no other is."""
CRIME_RULE = "the City publishes crimes seven days after they are reported"
SQUARE = 1000
"""Metres of the square that names an event's place."""


def burglary(row: Cells) -> dict[str, Any]:
    """Read one burglary.

    Raises
    ------
    Unmappable
        If the row lacks its number, day or position.
    """
    number, happened, at = whole(row["ID"]), day(row["Date"]), place(row)
    if number is None:
        raise Unmappable(NO_ID)
    if happened is None:
        raise Unmappable(NO_DATE)
    if at is None:
        raise Unmappable(NO_POSITION)
    return _event("burglary", number, "crime", happened, WEEK, at)


def call(row: Cells) -> dict[str, Any] | None:
    """Read one call as an event at its place; None where it lacks number, day or position, as its own account says."""
    number, made, at = text(row["Service_Request_Number"]), day(row["Creation_Date"]), place(row)
    if not number or made is None or at is None:
        return None
    return _event("call event", number, "sanitation", made, NEXT_DAY, at)


def _event(source: str, number: object, kind: str, happened: date, lag: int, at: tuple[int, int]) -> dict[str, Any]:
    east, north = at
    return {
        "record_id": opaque(source, number),
        "version": 1,
        "enterprise_id": f"SQ{east // SQUARE}_{north // SQUARE}",
        "occurred_at": happened,
        "known_at": happened + timedelta(days=lag),
        "record_state": "active",
        "kind": kind,
        "east_m": east,
        "north_m": north,
    }


def earlier(event: Mapping[str, Any]) -> tuple[Any, ...]:
    """Order of two rows with one number: the earlier one counts."""
    return event["known_at"], event["occurred_at"], event["east_m"], event["north_m"]


def covered_from(events: Iterable[Mapping[str, Any]]) -> date:
    """Return the first day from which both burglaries and calls are there: burglaries begin later."""
    crimes = min((e["occurred_at"] for e in events if e["kind"] == "crime"), default=COVERS_FROM)
    return max(COVERS_FROM, crimes.replace(day=1))


def positions(seen: Mapping[int, tuple[date, Visit]]) -> list[dict[str, Any]]:
    """Return where every establishment was seen: a version for each day that told of another place."""
    ordered = sorted(seen.values(), key=lambda s: (s[1].licence, s[0], s[1].occurred, s[1].inspection))
    records: list[dict[str, Any]] = []
    for licence, rows in groupby(ordered, key=lambda s: s[1].licence):
        now: tuple[int, int] | None = None
        version, since = 0, date.max
        for known, group in groupby(rows, key=lambda s: s[0]):
            at = next((v.place for _, v in reversed(list(group)) if v.place), None)
            if at is None or at == now:
                continue
            now, version, since = at, version + 1, min(since, known)
            records.append(
                {
                    "record_id": opaque("position", licence),
                    "version": version,
                    "enterprise_id": enterprise_id(licence),
                    "occurred_at": since,
                    "known_at": known,
                    "record_state": "active",
                    "east_m": at[0],
                    "north_m": at[1],
                }
            )
    return records
