"""Events of a map: dated rows of any kind, each with its enterprise by key, or by the address where it was seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from features.adapters.table.cells import Cells, Unmappable, Unreadable, folded, meets, opaque, whole
from features.adapters.table.city import Event
from features.adapters.table.enterprises import Register
from features.adapters.table.files import Files, Row
from features.adapters.table.keys import Key, enterprise_id, key_of, known_on

OTHER_KIND = "its tests do not fit"
NOBODY_KNOWN = "no enterprise of that key is known"
NO_PLACE = "no address"
NOT_THERE = "no enterprise known at that address"
TOO_YOUNG = "the enterprise is younger than the event"


def event_records(files: Files, made: Register) -> list[dict[str, Any]] | None:
    """Return the events of all kinds; None where there are none, or a file of one is missing.

    A kind whose file is missing would be told from one that never happened by nothing: the whole table is left out.
    """
    found: dict[tuple[str, int], dict[str, Any]] = {}
    complete = bool(files.city.events)
    for event in files.city.events:
        rows = files.rows(event.file)
        if rows is None:
            files.report.counts[f"no events at all: the file of {event.kind} is missing"] = 1
            complete = False
            continue
        known = files.city.known_of(event.file)
        account = files.report.begin(
            files.name(event.file), f"events: {event.kind}", len(rows), files.merged[event.file], known.lag_days,
            known.rule,
        )  # fmt: skip
        for row in rows:
            try:
                records = list(_of(files, event, row, made))
            except Unmappable as reason:
                files.report.leave(account, row.file, row.number, str(reason))
                continue
            fresh = [r for r in records if (r["record_id"], r["version"]) not in found]
            account.mapped += bool(fresh)
            account.merged += not fresh
            found |= {(r["record_id"], r["version"]): r for r in fresh}
    return list(found.values()) if complete else None


def _of(files: Files, event: Event, row: Row, made: Register) -> Iterator[dict[str, Any]]:
    city, cells = files.city, row.cells
    if not meets(event.where, cells):
        raise Unmappable(OTHER_KIND)
    occurred = cells[event.day]
    if not isinstance(occurred, date):
        raise Unmappable(f"{event.day}: no day, or none that can be read")
    how = city.known_of(event.file)
    heard = known_on(how, cells, occurred)
    spec = city.files[event.file]
    own: Sequence[object] = [cells[c] for c in spec.unique]
    if not own or None in own:
        own = sorted((k, str(v)) for k, v in cells.items())
    there = _who(files, event, cells, made)
    since = {key: day for key, day in there.items() if _founded(made, key, occurred)}
    if not since:
        raise Unmappable(TOO_YOUNG)
    for key, day in sorted(since.items()):
        told = min(known for known, founded in made.told[key] if founded <= occurred)
        known = max(heard, day, told)
        record = {
            "record_id": opaque("event", event.kind, *key, *own),
            "version": 1,
            "enterprise_id": enterprise_id(city, key),
            "occurred_at": occurred,
            "known_at": known,
            "record_state": "active",
            "kind": event.kind,
            "amount": _amount(cells, event),
        }
        yield record
        ended = cells[event.ended] if event.ended else None
        if isinstance(ended, date) and ended >= occurred:
            # An end is known when it has come, whatever the file says of it today.
            yield {**record, "version": 2, "ended_on": ended, "known_at": max(known, known_on(how, cells, ended))}


def _founded(made: Register, key: Key, occurred: date) -> bool:
    return any(founded <= occurred for _, founded in made.told[key])


def _amount(cells: Cells, event: Event) -> int | None:
    try:
        return whole(cells[event.amount]) if event.amount else None
    except Unreadable:
        return None


def _who(files: Files, event: Event, cells: Cells, made: Register) -> dict[Key, date]:
    """Return the enterprises that an event is about, and since when that is known."""
    if event.link:
        place = cells[event.link.column]
        if place is None:
            raise Unmappable(NO_PLACE)
        there = made.at.get(folded(str(place)))
        if not there:
            raise Unmappable(NOT_THERE)
        return there
    key = key_of(files.city, cells, event.enterprise or files.city.enterprise.key)
    if key not in made.told:
        raise Unmappable(NOBODY_KNOWN)
    return {key: date.min}
