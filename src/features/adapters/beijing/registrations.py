"""Registrations, made from sightings for want of a full register: what was known of an enterprise, and since when.

Every row about an enterprise is a sighting on the day it became known; a sighting that tells something
new (a code, a name, a district) makes a version of the registration, known from that day. One kind of
sighting counts from earlier than its row: see `DIRECTORY`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from features.adapters.beijing.entities import enterprise_id
from features.adapters.beijing.industry import guess_established, guess_industry, guess_region, guess_type
from features.adapters.beijing.rows import Draft, SourceFile

DIRECTORY = (
    "the first visit to an enterprise that nothing has shown by then counts as a sighting on the day before the"
    " month of that visit, because an authority has a place it inspects in its directory before it goes there [K]"
)
"""The one thing that is taken as known before its row is: name, code and district of the first visit's rows.

Without it no first visit could be learnt from, for its enterprise would be in no cohort. It reaches no
further back than the month of the visit, and carries no outcome.
"""


@dataclass(frozen=True, slots=True)
class Placed:
    """A draft with its enterprise; ``order`` is its file and row."""

    known: date
    order: tuple[int, int]
    entity: str
    draft: Draft
    source: SourceFile


@dataclass(slots=True)
class _Known:
    """What the sightings so far tell of one enterprise."""

    entity: str
    start: date
    name: str = ""
    sure_code: str | None = None
    weak_code: str | None = None
    authority: str | None = None
    occurred: date = date.max
    visited: bool = False
    approved: bool = False

    def take(self, day: date, rows: Sequence[Placed]) -> None:
        """Take in the sightings of one day. What was known first stays, whatever the order of a day's rows."""
        drafts = [p.draft for p in rows]
        if self.occurred == date.max:
            self.approved = any(p.source.table == "registration" for p in rows)
        self.visited |= any(p.source.table == "inspections" for p in rows)
        self.occurred = min(self.occurred, day, *(d.occurred for d in drafts))
        self.name = self.name or min((d.name for d in drafts if d.name), default="")
        codes = [(d.code.sure, d.code.value) for d in drafts if d.code.value]
        self.sure_code = self.sure_code or min((v for sure, v in codes if sure), default=None)
        self.weak_code = self.weak_code or min((v for sure, v in codes if not sure), default=None)
        self.authority = self.authority or min((d.region for d in drafts if d.region), default=None)

    def values(self) -> dict[str, Any]:
        """Contract columns that may change from version to version."""
        code = self.sure_code or self.weak_code
        return {
            "occurred_at": self._established(code),
            "uscc": code,
            "name": self.name or code,
            "enterprise_type": guess_type(self.name, code),
            "industry": guess_industry(self.name),
            "region": guess_region(self.name, code, self.authority),
        }

    def _established(self, code: str | None) -> date:
        # The first thing seen being an approval, it tells the day better than the series of the code does.
        if self.approved:
            return self.occurred
        guess = guess_established(code) or (self.start if self.visited else None)
        return self.occurred if guess is None else min(self.occurred, guess)


def registrations(placed: Iterable[Placed]) -> list[dict[str, Any]]:
    """Versions of the registration of every enterprise, by sightings; see the module for the days."""
    sightings: defaultdict[str, list[Placed]] = defaultdict(list)
    for p in placed:
        sightings[p.entity].append(p)
    first = {entity: day for entity, seen in sightings.items() if (day := _first_visit(seen)) is not None}
    # Where nothing tells the year of a visited place, it is taken to be older than the source.
    start = _day_before_month(min(first.values())) if first else date.max
    return [row for entity, seen in sightings.items() for row in _versions(entity, seen, first.get(entity), start)]


def in_directory_early(placed: Iterable[Placed], registered: Iterable[dict[str, Any]]) -> int:
    """Count the enterprises whose registration is known before any row about them is: see `DIRECTORY`."""
    rows: dict[str, date] = {}
    for p in placed:
        key = enterprise_id(p.entity)
        rows[key] = min(p.known, rows.get(key, p.known))
    return sum(r["version"] == 1 and r["known_at"] < rows[r["enterprise_id"]] for r in registered)


def _first_visit(seen: Sequence[Placed]) -> date | None:
    return min((p.draft.occurred for p in seen if p.source.table == "inspections"), default=None)


def _day_before_month(day: date) -> date:
    return day.replace(day=1) - timedelta(days=1)


def _versions(entity: str, seen: Sequence[Placed], first: date | None, start: date) -> Iterator[dict[str, Any]]:
    directory = _day_before_month(first) if first else None
    if directory and any(p.known <= directory for p in seen):
        directory = None  # it is in the cohort without it

    def sighted(p: Placed) -> date:
        if directory is not None and p.source.table == "inspections" and p.draft.occurred == first:
            return directory
        return p.known

    known = _Known(entity, start)
    before: dict[str, Any] | None = None
    version = 0
    for day, rows in groupby(sorted(seen, key=sighted), key=sighted):
        known.take(day, list(rows))
        values = known.values()
        if values == before:
            continue
        before, version = values, version + 1
        yield {
            "record_id": enterprise_id(entity),
            "version": version,
            "enterprise_id": enterprise_id(entity),
            "known_at": day,
            "record_state": "active",
            "status": "active",
            **values,
        }
