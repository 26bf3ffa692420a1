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


@dataclass(slots=True)
class Visit:
    """One visit: its id, enterprise, days, arm rule, rows, and in the end its outcome and measures."""

    id: str
    key: Key
    occurred: date
    known: date
    arm: int
    rows: list[Row]
    code: str = ""
    values: dict[str, int] = field(default_factory=dict)


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
    joined = {m.name: _joined(files, m) for m in city.measures if m.file}
    found: dict[tuple[str, ...], Visit] = {}
    for row in rows:
        try:
            visit = _read(city, row)
            before = found.setdefault(tuple(str(row.cells[c]) for c in rules.key), visit)
            if before is not visit:
                if (before.key, before.occurred) != (visit.key, visit.occurred):
                    raise Unmappable(OTHER_VISIT)
                before.rows.append(row)
                before.arm = min(before.arm, visit.arm)
                before.known = max(before.known, visit.known)
        except Unmappable as reason:
            account.unmapped[str(reason)] += 1
    kept = []
    for visit in found.values():
        _measure(files, visit, joined)
        code = _outcome(city, visit)
        if code is None:
            account.unmapped[NO_OUTCOME] += len(visit.rows)
            continue
        visit.code = code
        account.mapped += 1
        account.merged += len(visit.rows) - 1
        kept.append(visit)
    _count_shared(files, kept)
    return sorted(kept, key=lambda v: (v.occurred, v.id)), account


def _read(city: CityMap, row: Row) -> Visit:
    rules, cells = city.visits, row.cells
    arm = next((n for n, rule in enumerate(rules.arms) if meets(rule.where, cells)), None)
    if arm is None:
        raise Unmappable(NO_ARM)
    occurred = cells[rules.day]
    if not isinstance(occurred, date):
        raise Unmappable(f"{rules.day}: no day, or none that can be read")
    who = key_of(city, cells, rules.enterprise or city.enterprise.key)
    for column in rules.key:
        if cells[column] is None:
            raise Unmappable(f"{column}: no key of a visit")
    known = known_on(city.known_of(rules.file), cells, occurred)
    return Visit(opaque("visit", *(cells[c] for c in rules.key)), who, occurred, known, arm, [row])


def _outcome(city: CityMap, visit: Visit) -> str | None:
    for rule in city.visits.outcomes:
        if all(passes(test, visit.values.get(name)) for name, test in rule.measures.items()) and any(
            meets(rule.where, row.cells) for row in visit.rows
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


def _measure(files: Files, visit: Visit, joined: Mapping[str, Joined | None]) -> None:
    for m in files.city.measures:
        rows: Sequence[Cells] = [row.cells for row in visit.rows]
        if m.file:
            there = joined[m.name]
            if there is None:
                continue  # the file is missing: that nothing was counted is not known
            key = _key(rows[0], m.on)
            rows = there.get(key, []) if key else []
        value = _value(m, [row for row in rows if meets(m.where, row)])
        if value is None:
            files.report.counts[f"visits without the measure {m.name}"] += 1
        else:
            visit.values[m.name] = value


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


def _count_shared(files: Files, visits: Sequence[Visit]) -> None:
    """Say how many visits share the rows of another file with a visit: nothing tells whose they are."""
    for m in files.city.measures:
        if m.file:
            used = Counter(_key(v.rows[0].cells, m.on) for v in visits)
            if shared := sum(n for key, n in used.items() if key and n > 1):
                files.report.counts[f"visits that share their rows of {m.name} with another"] = shared


def records(city: CityMap, visits: Sequence[Visit]) -> Iterator[dict[str, Any]]:
    """Yield the inspection of every visit."""
    for v in visits:
        rule = city.visits.arms[v.arm]
        inspector = v.rows[0].cells[city.visits.inspector] if city.visits.inspector else None
        yield {
            **_common(city, v),
            "record_id": v.id,
            "arm": rule.arm,
            "trigger": rule.trigger,
            "field": city.visits.field,
            "inspector_id": None if inspector is None else opaque("inspector", inspector),
            "result_codes": v.code,
        }


def measure_records(city: CityMap, visits: Sequence[Visit]) -> Iterator[dict[str, Any]]:
    """Yield the measures of every visit."""
    scales = {m.name: m.scale for m in city.measures}
    for v in visits:
        for name, value in v.values.items():
            yield {
                **_common(city, v),
                "record_id": opaque("measure", name, v.id),
                "visit_id": v.id,
                "name": name,
                "value": value,
                "scale": scales[name],
            }


def _common(city: CityMap, visit: Visit) -> dict[str, Any]:
    return {
        "version": 1,
        "enterprise_id": enterprise_id(city, visit.key),
        "occurred_at": visit.occurred,
        "known_at": visit.known,
        "record_state": "active",
    }
