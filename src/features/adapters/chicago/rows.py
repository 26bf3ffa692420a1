"""Cells of the Chicago files, typed or text, and the reasons why a row can't be mapped."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from features.adapters.text import is_no_day

Cells = Mapping[str, Any]
"""One source row: column to value."""

NOBODY = "no licence number: nobody to hold it against"
NO_ID = "no inspection id"
NO_DATE = "no date, or not readable"
BAD_COUNT = "number of critical violations missing or not a number"
BAD_OUTCOME = "outcome not in the mapping"
NOT_CANVASS = "not a canvass visit: its outcome means something else"
NO_LICENCE_ROW = "the source found no licence in force"
NO_VISIT = "its inspection is not in the inspections file"
LATER_LICENCE = "licence begins after the visit: it was not in force then"
NO_PLACE = "no address"
NO_POSITION = "no position, or far from the City"
NOT_THERE = "no establishment known at that address"
TOO_YOUNG = "the establishment at that address is younger than the call"

WEEK = 7
"""Reporting lag of a visit in days; see `LAG_RULE`."""
LAG_RULE = "the department put its inspection reports on its site every Monday (Chicago Tribune, 2 November 2011)"
NEXT_DAY = 1
"""Reporting lag of a call to 311 in days."""
CALL_RULE = "the City's own call centre: known the day after the call [K]"


class Unmappable(Exception):
    """A row that can't become a record; its text is the reason that is counted."""


def text(value: object) -> str:
    """Return a cell as text without blanks around it and inside it but single ones; "" when it is missing."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return " ".join(str(value).split())


def whole(value: object) -> int | None:
    """Return a cell as a whole number (``30790``, ``30790.0``, ``"30790"``); None when it isn't one."""
    try:
        number = float(text(value))
    except ValueError:
        return None
    return int(number) if number.is_integer() else None


def day(value: object) -> date | None:
    """Return a cell as a date (``2013-01-31``, with or without a time); None when it isn't one, or a placeholder."""
    if isinstance(value, datetime):
        found = value.date()
    elif isinstance(value, date):
        found = value
    else:
        try:
            found = date.fromisoformat(text(value)[:10])
        except ValueError:
            return None
    return None if is_no_day(found) else found


ORIGIN = (-87.94, 41.64)
"""Longitude and latitude of the south-west corner of the City, from which metres are counted."""
METRES = (82_950, 111_070)
"""Metres of a degree of longitude and of latitude at the City's middle: over its length of 40 km, within 0.3 %."""


def place(row: Cells) -> tuple[int, int] | None:
    """Return a row's position in whole metres east and north of `ORIGIN`; None when it has none in the City's reach."""
    try:
        degrees = float(text(row["Longitude"])), float(text(row["Latitude"]))
    except ValueError:
        return None
    east, north = (round((d - o) * m) for d, o, m in zip(degrees, ORIGIN, METRES, strict=True))
    return (east, north) if max(abs(east), abs(north)) < 100_000 else None


def address_key(value: object) -> str:
    """Return the comparable form of a street address: upper case, single blanks; "" when there is none."""
    return text(value).upper()


def opaque(kind: str, *parts: object) -> str:
    """Return a short, deterministic id of anything, unlike that of any other kind."""
    return hashlib.sha256("|".join([kind, *map(str, parts)]).encode()).hexdigest()[:20]


def enterprise_id(licence: int) -> str:
    """Opaque id of the establishment that holds a licence number."""
    return "CH" + opaque("licence", licence)[:16].upper()


def day_before_month(of: date) -> date:
    """Return the last day of the month before a day's."""
    return of.replace(day=1) - timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Visit:
    """A canvass inspection that reads well.

    Parameters
    ----------
    inspection, licence
        The City's numbers.
    occurred, known
        Day of the visit, and day by which its result was known.
    codes
        Result code of the contract.
    serious
        Whether a serious violation was found: below critical, so not part of the label.
    name, address, zip_code, facility
        What the row tells of the establishment; "" when it doesn't.
    risk
        The department's hazard category, 1 the least; None without.
    place
        Metres east and north of `ORIGIN`; None without.
    """

    inspection: int
    licence: int
    occurred: date
    known: date
    codes: str
    serious: bool
    name: str
    address: str
    zip_code: str
    facility: str
    risk: int | None
    place: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Permit:
    """The licence that the source found in force at a visit.

    Parameters
    ----------
    visit
        The visit it was found for.
    code
        The City's licence code, such as 1006, Retail Food Establishment.
    began, first
        First day of the licence's present term, and of its first one.
    others
        Names of the further licences the place had.
    """

    visit: Visit
    code: int
    began: date
    first: date
    others: frozenset[str]
