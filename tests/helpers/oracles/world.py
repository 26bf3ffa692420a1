"""What a slow oracle may look at: the records of a province, read by plain loops.

Written from the contract's and the indicators' docstrings, never from their SQL; nothing of the product is
imported but the contract.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from features.contract import TABLES

Rec = Mapping[str, Any]
Value = int | float | None
Span = int | None
"""Months of the window that a table must cover; None: the whole history."""

VIOLATION = {"A", "B", "C", "D", "E", "G", "3", "4", "5", "6", "8"}
NEVER = 3650


def months_before(day: date, months: int) -> date:
    """The same day of the month so many months earlier, or that month's last day."""
    total = day.year * 12 + day.month - 1 - months
    year, month = divmod(total, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def outcome(visit: Rec) -> int | None:
    """1 a violation was found, 0 nothing was found and nothing else said, None no label (outcomes.toml)."""
    codes = set((visit["result_codes"] or "").split(";")) - {""}
    if codes & VIOLATION:
        return 1
    return 0 if codes == {"1"} else None


def kinds(penalty: Rec) -> list[str]:
    """The kinds of one penalty."""
    return list(penalty["penalty_kinds"].split(";"))


@dataclass
class World:
    """The records at one moment.

    Parameters
    ----------
    tables
        Every version of every record, by table.
    cutoff, known_as_of
        The moment; a version is known iff ``known_at < known_as_of``.
    repaired_feed
        Whether repaired records still feed indicators.
    """

    tables: Mapping[str, Sequence[Rec]]
    cutoff: date
    known_as_of: date
    repaired_feed: bool = False
    _latest: dict[str, list[Rec]] = field(default_factory=dict)
    _left_out: dict[bool, set[tuple[str, str]]] = field(default_factory=dict)

    def latest(self, table: str) -> list[Rec]:
        """The highest known version of each record, if it may be used and lies in the past."""
        if table not in self._latest:
            best: dict[str, Rec] = {}
            for row in self.tables[table]:
                if row["known_at"] >= self.known_as_of:
                    continue
                held = best.get(row["record_id"])
                if held is None or row["version"] > held["version"]:
                    best[row["record_id"]] = row
            self._latest[table] = [
                r for r in best.values() if r["record_state"] == "active" and r["occurred_at"] < self.cutoff
            ]
        return self._latest[table]

    def left_out(self, *, direct: bool) -> set[tuple[str, str]]:
        """Records with an open objection, and repaired ones (for direct determinations always)."""
        if direct not in self._left_out:
            out = set()
            for objection in self.latest("objections"):
                if objection["state"] == "open":
                    out.add((objection["ref_table"], objection["ref_record_id"]))
            for repair in self.latest("repairs"):
                if repair["state"] == "granted" and (direct or not self.repaired_feed):
                    out.add((repair["ref_table"], repair["ref_record_id"]))
            self._left_out[direct] = out
        return self._left_out[direct]

    def everyone(self, table: str, *, direct: bool = False) -> list[Rec]:
        """The seen records of all enterprises."""
        assert table in TABLES
        if table in ("objections", "repairs"):
            return self.latest(table)
        out = self.left_out(direct=direct)
        return [r for r in self.latest(table) if (table, r["record_id"]) not in out]

    def seen(self, table: str, enterprise: str, *, direct: bool = False) -> list[Rec]:
        """The seen records of one enterprise."""
        return [r for r in self.everyone(table, direct=direct) if r["enterprise_id"] == enterprise]

    def recent(self, table: str, enterprise: str, months: int) -> list[Rec]:
        """The seen records that occurred in the window."""
        return [r for r in self.seen(table, enterprise) if self.within(r["occurred_at"], months)]

    def within(self, day: date | None, months: int) -> bool:
        """Whether a day lies in ``[cut-off - months, cut-off)``."""
        return day is not None and months_before(self.cutoff, months) <= day < self.cutoff

    def is_open(self, record: Rec) -> bool:
        """Whether a record has not ended before the cut-off."""
        return record["ended_on"] is None or record["ended_on"] >= self.cutoff

    def open_now(self, table: str, enterprise: str) -> list[Rec]:
        """The seen records that have not ended."""
        return [r for r in self.seen(table, enterprise) if self.is_open(r)]

    def days_since(self, records: Iterable[Rec]) -> int:
        """Days from the latest occurrence, at most ten years, which also stand for never."""
        days = NEVER
        for r in records:
            days = min(days, (self.cutoff - r["occurred_at"]).days)
        return days

    def in_days(self, days: int) -> date:
        """The cut-off plus so many days."""
        return self.cutoff + timedelta(days=days)


def last(records: Iterable[Rec], column: str) -> Any:
    """The column's value in the record that occurred last among those that state it (ties: the greatest id)."""
    best: Rec | None = None
    for r in records:
        if r[column] is None:
            continue
        if best is None or (r["occurred_at"], r["record_id"]) > (best["occurred_at"], best["record_id"]):
            best = r
    return None if best is None else best[column]


def total(records: Iterable[Rec], column: str) -> int:
    """Sum of what is stated."""
    return sum(r[column] for r in records if r[column] is not None)


@dataclass(frozen=True)
class Oracle:
    """How one indicator is computed slowly, and the tables whose coverage it needs."""

    compute: Callable[[World, str], Value]
    reads: Mapping[str, Span]


ORACLES: dict[str, Oracle] = {}


def oracle(**reads: Span) -> Callable[[Callable[[World, str], Value]], Callable[[World, str], Value]]:
    """Register an oracle under its function's name; ``reads`` names its tables with the months of the window."""

    def register(function: Callable[[World, str], Value]) -> Callable[[World, str], Value]:
        assert set(reads) <= set(TABLES), reads
        assert function.__name__ not in ORACLES
        ORACLES[function.__name__] = Oracle(function, reads)
        return function

    return register


def registered(world: World, enterprise: str) -> bool:
    """Whether any version of the enterprise's registration was known and in the past, usable or not."""
    entries = [r for r in world.tables["registration"] if r["enterprise_id"] == enterprise]
    return any(r["known_at"] < world.known_as_of and r["occurred_at"] < world.cutoff for r in entries)


def may_lack(months: int) -> timedelta:
    """What of a window need not be covered: a week of a year or more, of less in proportion (features.toml)."""
    return timedelta(days=7 if months >= 12 else 7 * (months * 365 // 12) // 365)


def answer(name: str, world: World, enterprise: str, covers_from: Mapping[str, date]) -> Value:
    """The oracle's value; None for an unregistered enterprise, or where a table does not cover the window."""
    if "registration" in covers_from and not registered(world, enterprise):
        return None
    found = ORACLES[name]
    for table, months in found.reads.items():
        first = covers_from.get(table)
        if first is None:
            return None
        if months is None and first >= world.cutoff:
            return None
        if months is not None and first > months_before(world.cutoff, months) + may_lack(months):
            return None
    return found.compute(world, enterprise)
