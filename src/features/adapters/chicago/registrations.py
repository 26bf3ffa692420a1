"""Registrations, made from sightings because the source holds none, and since when an establishment had its address."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from itertools import groupby
from typing import Any

from features.adapters.chicago.facilities import industry
from features.adapters.chicago.rows import Permit, Visit, day_before_month, enterprise_id, opaque

DIRECTORY = (
    "the first visit to an establishment, and the licence found for it, count as seen on the day before the month of"
    " that visit, or on the day the licence began where that is later, because the department plans its rounds from"
    " the City's register of licences [K]"
)
"""The one thing that is taken as known before its row is. It carries no outcome."""


def sightings(visits: Iterable[Visit], permits: Mapping[int, Permit]) -> dict[int, tuple[date, Visit]]:
    """Return, by inspection, the day from which what its rows tell of the establishment counts as known.

    That is the day its result was known, but for the first visits: see `DIRECTORY`. Visits of a later day never
    change it.
    """
    by_licence: defaultdict[int, list[Visit]] = defaultdict(list)
    for visit in visits:
        by_licence[visit.licence].append(visit)
    seen: dict[int, tuple[date, Visit]] = {}
    for group in by_licence.values():
        first = min(v.occurred for v in group)
        for visit in group:
            known = visit.known
            if visit.occurred == first:
                permit = permits.get(visit.inspection)
                known = max(day_before_month(first), permit.first if permit else date.min)
            seen[visit.inspection] = (known, visit)
    return seen


def registrations(seen: Mapping[int, tuple[date, Visit]], permits: Mapping[int, Permit]) -> list[dict[str, Any]]:
    """Return the versions of every establishment's registration, one for each day that told something new.

    What a later sighting says of name, address and trade replaces what an earlier one said, because they do change;
    the date of establishment is the licence's first day. Where no licence is found the place counts as older than
    the source. The address is no part of it: neighbours would feel a place that only its coming visit has shown.
    """
    if not seen:
        return []
    start = day_before_month(min(v.occurred for _, v in seen.values()))
    ordered = sorted(seen.values(), key=lambda s: (s[1].licence, s[0], s[1].occurred, s[1].inspection))
    records: list[dict[str, Any]] = []
    for licence, rows in groupby(ordered, key=lambda s: s[1].licence):
        now: dict[str, Any] = {"name": f"LICENCE {licence}", "industry": None, "region": None}
        established: date | None = None
        version, before = 0, None
        for known, group in groupby(rows, key=lambda s: s[0]):
            for _, visit in group:
                now.update(_told(visit))
                permit = permits.get(visit.inspection)
                if permit is not None:
                    established = min(permit.first, established or permit.first)
            values = {**now, "occurred_at": established or start}
            if values == before:
                continue
            before, version = values, version + 1
            records.append(
                {
                    "record_id": opaque("registration", licence),
                    "version": version,
                    "enterprise_id": enterprise_id(licence),
                    "known_at": known,
                    "record_state": "active",
                    "enterprise_type": "unknown",
                    "status": "active",
                    **values,
                }
            )
    return records


def grades(seen: Mapping[int, tuple[date, Visit]]) -> list[dict[str, Any]]:
    """Return the department's risk categories of every establishment: from each sighting that shows another one on.

    The next one ends it. When the department gave it is not told: the day of the sighting stands for it.
    """
    ordered = sorted(seen.values(), key=lambda s: (s[1].licence, s[0], s[1].occurred, s[1].inspection))
    records: list[dict[str, Any]] = []
    for licence, rows in groupby(ordered, key=lambda s: s[1].licence):
        standing: dict[str, Any] | None = None
        for known, group in groupby(rows, key=lambda s: s[0]):
            level = next((v.risk for _, v in reversed(list(group)) if v.risk), None)
            if level is None or (standing and standing["level"] == level):
                continue
            if standing:
                records.append({**standing, "version": 2, "known_at": known, "ended_on": known})
            standing = {
                "record_id": opaque("grade", licence, known),
                "version": 1,
                "enterprise_id": enterprise_id(licence),
                "occurred_at": known,
                "known_at": known,
                "record_state": "active",
                "field": "food",
                "level": level,
                "levels": 3,
                "ended_on": None,
            }
            records.append(standing)
    return records


def _told(visit: Visit) -> dict[str, Any]:
    told = {
        "name": visit.name,
        "industry": industry(visit.facility),
        # Five digits of the postal code behind a 0, with which no district of GB/T 2260 begins.
        "region": f"0{visit.zip_code}" if visit.zip_code else None,
    }
    return {k: v for k, v in told.items() if v}


def at_address(seen: Mapping[int, tuple[date, Visit]]) -> dict[str, dict[int, date]]:
    """Return, by address, the licences seen there and since when each was."""
    found: defaultdict[str, dict[int, date]] = defaultdict(dict)
    for known, visit in seen.values():
        if visit.address:
            there = found[visit.address]
            there[visit.licence] = min(known, there.get(visit.licence, known))
    return dict(found)
