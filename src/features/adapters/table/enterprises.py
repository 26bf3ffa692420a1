"""Enterprises of a map: versions of a registration by sightings, or from one state of a register."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from typing import Any

from features.adapters.table.cells import Cells, Unmappable, folded, opaque, told
from features.adapters.table.city import CityMap, Lookup
from features.adapters.table.files import Files
from features.adapters.table.keys import Key, day_before_month, enterprise_id, key_of, name_of
from features.adapters.table.visits import Visit

DIRECTORY = (
    "the first visit to an enterprise counts as seen on the day before the month of that visit, or on the day it was"
    " established where that is later, because an authority has in its directory whom it is about to visit [K]"
)
"""The one thing that is taken as known before its row is, where there is no register. It carries no outcome."""
SNAPSHOT = "one state of a register: taken as known from the day before the month of the first visit [K]"


@dataclass(slots=True)
class Sighting:
    """What one row tells of an enterprise, and from when it counts as known."""

    known: date
    occurred: date
    order: str
    row: Cells
    established: date | None


@dataclass
class Register:
    """Registrations, and what linking events asks of them.

    Parameters
    ----------
    records
        Versions of every registration.
    told
        By enterprise's key: day from which it is known that it was founded, and the day it was founded on.
    at
        By address: whom was seen there, and since when that is known.
    """

    records: list[dict[str, Any]] = field(default_factory=list)
    told: dict[Key, list[tuple[date, date]]] = field(default_factory=dict)
    at: dict[str, dict[Key, date]] = field(default_factory=dict)


def register(files: Files, visits: Sequence[Visit]) -> Register:
    """Return everyone whom visits or the register show.

    Raises
    ------
    SourceError
        If the register is missing, can't be read, or lacks a column.
    """
    seen = sightings(files, visits)
    made = Register()
    start = day_before_month(min([*(v.occurred for v in visits), *_begins(files.city)], default=date(1970, 2, 1)))
    if files.city.enterprise.register_:
        listed = _listed(files, start)
        if lacking := sorted(set(seen) - set(listed)):
            files.report.counts["enterprises that the register lacks, known by their visits"] = len(lacking)
        seen = listed | {key: seen[key] for key in lacking}
    address = files.city.enterprise.address
    for key, rows in sorted(seen.items()):
        _versions(files.city, key, rows, start, made)
        for sighting in rows:
            cell = sighting.row.get(address) if address else None
            if cell is not None:
                there = made.at.setdefault(folded(str(cell)), {})
                there[key] = min(sighting.known, there.get(key, sighting.known))
    files.report.counts["enterprises"] = len(seen)
    return made


def _begins(city: CityMap) -> Iterator[date]:
    """Yield the days from which files hold everything: whose age nothing tells counts as older than the source."""
    for alias in city.files:
        said = city.known_of(alias).covers_from
        if said != "first":
            yield said


def sightings(files: Files, visits: Sequence[Visit]) -> dict[Key, list[Sighting]]:
    """Return, by enterprise, what its visits' rows tell; of the first visit's, see `DIRECTORY`."""
    city = files.city
    by_sight = not city.enterprise.register_
    found = _established(files) if by_sight else {}
    by_key: defaultdict[Key, list[Visit]] = defaultdict(list)
    for visit in visits:
        by_key[visit.key].append(visit)
    seen: dict[Key, list[Sighting]] = {}
    for key, group in by_key.items():
        # The first to be known, not to happen: one known later must not change what was known before.
        heard = min(v.known for v in group)
        first = min(v.occurred for v in group if v.known == heard)
        rows = []
        for visit in group:
            since = _since(city, visit.rows[0][1].cells, found, visit.occurred) if by_sight else None
            is_first = (visit.known, visit.occurred) == (heard, first)
            known = max(day_before_month(first), since or date.min) if is_first else visit.known
            row = visit.rows[0][1].cells if by_sight else {}
            rows.append(Sighting(known, visit.occurred, visit.id, row, since))
        seen[key] = rows
    return seen


def _since(city: CityMap, row: Cells, found: Mapping[tuple[str, ...], date], visited: date) -> date | None:
    """Return since when an enterprise exists; a day after its visit is a slip, or another's."""
    how = city.enterprise.established
    if how is None:
        return None
    if isinstance(how, Lookup):
        since: object = found.get(tuple(str(row[c]) for c in how.on))
    else:
        since = row[how]
    return since if isinstance(since, date) and since <= visited else None


def _established(files: Files) -> dict[tuple[str, ...], date]:
    how = files.city.enterprise.established
    if not isinstance(how, Lookup):
        return {}
    rows = files.rows(how.file)
    found: dict[tuple[str, ...], date] = {}
    if rows is None:
        return found
    account = files.report.begin(files.name(how.file), "registration", len(rows), files.merged[how.file], 0, DIRECTORY)
    for row in rows:
        since = row.cells[how.column]
        if not isinstance(since, date):
            files.report.leave(account, row.file, row.number, f"{how.column}: no day, or none that can be read")
            continue
        key = tuple(str(row.cells[c]) for c in how.on)
        if key in found:
            account.merged += 1
        else:
            account.mapped += 1
        found[key] = min(since, found.get(key, since))
    return found


def _listed(files: Files, start: date) -> dict[Key, list[Sighting]]:
    """Return what the register's rows tell; rows of one key are one enterprise."""
    city, who = files.city, files.city.enterprise
    rows = files.rows(who.file, needed=True) or []
    account = files.report.begin(files.name(who.file), "registration", len(rows), files.merged[who.file], 0, SNAPSHOT)
    found = _established(files)
    known = city.files[who.file].known
    seen: dict[Key, list[Sighting]] = {}
    for row in rows:
        try:
            key = key_of(city, row.cells, who.key)
        except Unmappable as reason:
            files.report.leave(account, row.file, row.number, str(reason))
            continue
        if key in seen:
            account.merged += 1
        else:
            account.mapped += 1
        since = _since(city, row.cells, found, date.max)
        said = row.cells[known.column] if known and known.column else None
        day = said if isinstance(said, date) else max(start, since or date.min)
        seen.setdefault(key, []).append(Sighting(day, since or start, f"{row.file} {row.number:012}", row.cells, since))
    return seen


def _versions(city: CityMap, key: Key, rows: Sequence[Sighting], start: date, made: Register) -> None:
    """Add one version for each day that told something new; what is told later replaces what was told before."""
    now: dict[str, Any] = {"name": name_of(city, key, None), "industry": None, "region": None}
    established: date | None = None
    version, before = 0, None
    ordered = sorted(rows, key=lambda s: (s.known, s.occurred, s.order))
    for known, group in groupby(ordered, key=lambda s: s.known):
        for sighting in group:
            if sighting.row:
                now.update(_told(city, key, sighting.row))
            if sighting.established:
                established = min(sighting.established, established or sighting.established)
        values = {**now, "occurred_at": min(established or start, known)}
        if values == before:
            continue
        before, version = values, version + 1
        made.told.setdefault(key, []).append((known, values["occurred_at"]))
        made.records.append(
            {
                "record_id": opaque("registration", *key),
                "version": version,
                "enterprise_id": enterprise_id(city, key),
                "known_at": known,
                "record_state": "active",
                "enterprise_type": "unknown",
                "status": "active",
                **values,
            }
        )


def _told(city: CityMap, key: Key, row: Cells) -> dict[str, Any]:
    who = city.enterprise
    given = row[who.name] if who.name else None
    said = {
        "name": name_of(city, key, str(given)) if given is not None else None,
        "industry": told(who.industry, row),
        "region": told(who.region, row),
        "enterprise_type": told(who.legal_form, row),
    }
    return {column: value for column, value in said.items() if value}
