"""Visits of a map: rows with one key become one, by the first rule of arm and of outcome that fits; their measures."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from features.adapters.report import FileReport
from features.adapters.table.cells import Cell, Cells, Unmappable, meets, opaque, passes
from features.adapters.table.city import CityMap, Measure
from features.adapters.table.files import Files, Row
from features.adapters.table.keys import Key, enterprise_id, key_of, known_on

NO_ARM = "no rule of visits.arms fits: no visit of this map"
NO_OUTCOME = "no rule of visits.outcomes fits"
OTHER_VISIT = "the key of another enterprise's or day's visit"
Joined = Mapping[tuple[str, ...], Sequence[Cells]]


@dataclass(frozen=True, slots=True)
class State:
    """What was known of a visit from a day on: its arm's rule, its result code and its measures."""

    known: date
    arm: int
    code: str
    values: dict[str, int]


@dataclass(slots=True)
class Visit:
    """One visit: its id, enterprise, day, its rows with the days they became known, and what was known since when."""

    id: str
    key: Key
    occurred: date
    rows: list[tuple[date, Row]]
    states: list[State] = field(default_factory=list)

    @property
    def known(self) -> date:
        """Day from which it is known."""
        return self.states[0].known

    @property
    def arm(self) -> int:
        """Number of the rule of its arm, as last known."""
        return self.states[-1].arm

    @property
    def code(self) -> str:
        """Result code as last known."""
        return self.states[-1].code

    @property
    def values(self) -> dict[str, int]:
        """Measures as last known."""
        return self.states[-1].values


def read_visits(files: Files) -> tuple[list[Visit], FileReport]:
    """Return the visits of the folder, in the order of their days, and the account of their file.

    Raises
    ------
    SourceError
        If the file is missing, can't be read, or lacks a column.
    """
    city, rules = files.city, files.city.visits
    rows = files.rows(rules.file, needed=True) or []
    known = city.known_of(rules.file)
    account = files.report.begin(
        files.name(rules.file), "inspections", len(rows), files.merged[rules.file], known.lag_days, known.rule
    )
    read = []
    for row in rows:
        try:
            read.append(_read(city, row))
        except Unmappable as reason:
            files.report.leave(account, row.file, row.number, str(reason))
    found: dict[str, Visit] = {}
    for visit in sorted(read, key=_order):  # what was known first says whose key it is, whatever the rows' order
        before = found.setdefault(visit.id, visit)
        if before is visit:
            continue
        if (before.key, before.occurred) != (visit.key, visit.occurred):
            [(_, row)] = visit.rows
            files.report.leave(account, row.file, row.number, OTHER_VISIT)
            continue
        before.rows += visit.rows
    joined = {m.name: _joined(files, m) for m in city.measures if m.file}
    kept = []
    for visit in found.values():
        visit.states = list(_states(city, visit, joined))
        if not visit.states:
            for _, row in visit.rows:
                files.report.leave(account, row.file, row.number, NO_OUTCOME)
            continue
        account.mapped += 1
        account.merged += len(visit.rows) - 1
        kept.append(visit)
    _count(files, kept)
    return sorted(kept, key=lambda v: (v.occurred, v.id)), account


def _order(visit: Visit) -> tuple[date, date, Key, list[str]]:
    [(known, row)] = visit.rows
    return known, visit.occurred, visit.key, [str(cell) for cell in row.cells.values()]


def _read(city: CityMap, row: Row) -> Visit:
    rules, cells = city.visits, row.cells
    if _arm(city, [cells]) is None:
        raise Unmappable(NO_ARM)
    occurred = cells[rules.day]
    if not isinstance(occurred, date):
        raise Unmappable(f"{rules.day}: no day, or none that can be read")
    who = key_of(city, cells, rules.enterprise or city.enterprise.key)
    for column in rules.key:
        if cells[column] is None:
            raise Unmappable(f"{column}: no key of a visit")
    known = known_on(city.known_of(rules.file), cells, occurred)
    return Visit(opaque("visit", *(cells[c] for c in rules.key)), who, occurred, [(known, row)])


def _arm(city: CityMap, rows: Sequence[Cells]) -> int | None:
    """Return the number of the first rule of an arm that any row of a visit fits."""
    rules = enumerate(city.visits.arms)
    return next((n for n, rule in rules if any(meets(rule.where, row) for row in rows)), None)


def _states(city: CityMap, visit: Visit, joined: Mapping[str, Joined | None]) -> Iterator[State]:
    """Yield what was known of a visit, one state for each day that told something new."""
    before: tuple[int, str, dict[str, int]] | None = None
    for day in sorted({known for known, _ in visit.rows}):
        rows = [row.cells for known, row in visit.rows if known <= day]
        values = _measured(city, rows, joined)
        arm, code = _arm(city, rows), _outcome(city, rows, values)
        if arm is not None and code is not None and (arm, code, values) != before:
            before = arm, code, values
            yield State(day, arm, code, values)


def _outcome(city: CityMap, rows: Sequence[Cells], values: Mapping[str, int]) -> str | None:
    for rule in city.visits.outcomes:
        if all(passes(test, values.get(name)) for name, test in rule.measures.items()) and any(
            meets(rule.where, row) for row in rows
        ):
            return rule.code
    return None


def _key(row: Cells, columns: Sequence[str]) -> tuple[str, ...] | None:
    cells = [row[c] for c in columns]
    return None if None in cells else tuple(map(str, cells))


def _joined(files: Files, measure: Measure) -> Joined | None:
    rows = files.rows(measure.file or "")
    if rows is None:
        return None
    found: defaultdict[tuple[str, ...], list[Cells]] = defaultdict(list)
    for row in rows:
        if key := _key(row.cells, measure.on):
            found[key].append(row.cells)
    return found


def _measured(city: CityMap, visit: Sequence[Cells], joined: Mapping[str, Joined | None]) -> dict[str, int]:
    values = {}
    for m in city.measures:
        rows = visit
        if m.file:
            there = joined[m.name]
            if there is None:
                continue  # the file is missing: that nothing was counted is not known
            key = _key(visit[0], m.on)
            rows = there.get(key, []) if key else []
        value = _value(m, [row for row in rows if meets(m.where, row)])
        if value is not None:
            values[m.name] = value
    return values


def _value(m: Measure, rows: Sequence[Cells]) -> int | None:
    if m.how == "count":
        return len(rows)
    numbers = [n for row in rows if (n := _scaled(m, row[m.column or ""])) is not None]
    if not numbers:
        return None
    return numbers[0] if m.how == "first" else sum(numbers) if m.how == "total" else max(numbers)


def _scaled(m: Measure, cell: Cell) -> int | None:
    """Return a cell times its scale, where that is a whole number; exact, so that no binary fraction gets in."""
    if cell is None:
        return None
    given = str(cell)
    if m.pattern:
        found = re.search(m.pattern, given)
        given = found[0] if found else ""
    try:
        number = Decimal(given.replace(",", "")) * m.scale
    except InvalidOperation:
        return None
    return int(number) if number.is_finite() and number == number.to_integral_value() else None


def _count(files: Files, visits: Sequence[Visit]) -> None:
    """Say how many visits lack a measure, and how many share another file's rows: nothing tells whose they are."""
    for m in files.city.measures:
        if lacking := sum(m.name not in v.values for v in visits):
            files.report.counts[f"visits without the measure {m.name}"] = lacking
        if m.file:
            used = Counter(_key(v.rows[0][1].cells, m.on) for v in visits)
            if shared := sum(n for key, n in used.items() if key and n > 1):
                files.report.counts[f"visits that share their rows of {m.name} with another"] = shared


def records(city: CityMap, visits: Sequence[Visit]) -> Iterator[dict[str, Any]]:
    """Yield the inspection of every visit, one version for each day on which its result changed."""
    inspectors = _inspectors(city, visits)
    for v in visits:
        before, version = None, 0
        for state in v.states:
            if (state.arm, state.code) == before:
                continue
            before, version = (state.arm, state.code), version + 1
            rule = city.visits.arms[state.arm]
            yield {
                **_common(city, v, version, state),
                "record_id": v.id,
                "arm": rule.arm,
                "trigger": rule.trigger,
                "field": city.visits.field,
                "inspector_id": inspectors.get(v.id),
                "result_codes": state.code,
            }


def _inspectors(city: CityMap, visits: Sequence[Visit]) -> dict[str, str]:
    """Return the id of each visit's inspector: a number by first visit, which no one can trace to a name."""
    column = city.visits.inspector
    numbers: dict[str, str] = {}
    found: dict[str, str] = {}
    if column:
        named = [(v.known, str(cell), v.id) for v in visits if (cell := v.rows[0][1].cells[column]) is not None]
        for _, who, visit in sorted(named):
            found[visit] = numbers.setdefault(who, f"I{len(numbers) + 1:06}")
    return found


def measure_records(city: CityMap, visits: Sequence[Visit]) -> Iterator[dict[str, Any]]:
    """Yield the measures of every visit, one version for each day on which one changed."""
    for v in visits:
        for m in city.measures:
            before, version = None, 0
            for state in v.states:
                value = state.values.get(m.name)
                if value is None or value == before:
                    continue
                before, version = value, version + 1
                yield {
                    **_common(city, v, version, state),
                    "record_id": opaque("measure", m.name, v.id),
                    "visit_id": v.id,
                    "name": m.name,
                    "value": value,
                    "scale": m.scale,
                }


def _common(city: CityMap, visit: Visit, version: int, state: State) -> dict[str, Any]:
    return {
        "version": version,
        "enterprise_id": enterprise_id(city, visit.key),
        "occurred_at": visit.occurred,
        "known_at": state.known,
        "record_state": "active",
    }
