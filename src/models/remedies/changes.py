"""Changes of records: an enterprise's own rows as they would be after acts, dated the day before the cut-off.

Only what the regulator knew before the cut-off is looked at, and only records that count: the latest known version,
neither revoked, nor objected to, nor repaired already.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from features.contract import TABLES
from features.engine.record.record import Record
from features.policies import FeaturesPolicy
from models.remedies.policy import Act, Condition, Copied, DaysLater, File, Matching, Refer, Report, Revise, Value

Row = Mapping[str, Any]
REPORTS, REGISTER = "annual_reports", "registration"
YEARS_BACK = 3
"""Reports of so many years are looked after (`annual_reports_missed_3y`)."""


@dataclass(frozen=True)
class Touched:
    """A record that an act ends, changes or adds.

    Parameters
    ----------
    table, record_id
        Which; a record that is added for another one names that one.
    occurred_at
        Its day.
    year
        Year of an annual report that is added; else None.
    added
        Whether it is not there yet.
    """

    table: str
    record_id: str
    occurred_at: date
    year: int | None = None
    added: bool = False


def as_known(record: Record) -> Record:
    """Return a record without what became known at or after its cut-off, with typed days."""
    tables = {}
    for table, rows in record.tables.items():
        days = [c.name for c in TABLES[table].columns if c.type == "date"]
        typed = ({**row, **{d: _day(row.get(d)) for d in days if row.get(d) is not None}} for row in rows)
        tables[table] = [row for row in typed if row["known_at"] < record.cutoff]
    return replace(record, tables=tables)


def _day(value: Any) -> Any:
    return date.fromisoformat(value) if isinstance(value, str) else value


def counting(record: Record, table: str) -> list[Row]:
    """Return the latest known version of every record of a table that counts at the cut-off, as `as_known` left it."""
    left_out = {
        (row["ref_table"], row["ref_record_id"])
        for kind, state in (("repairs", "granted"), ("objections", "open"))
        for row in _latest(record.tables.get(kind, ()))
        if row["state"] == state and _in_use(row) and row["occurred_at"] < record.cutoff
    }
    return [
        row
        for row in _latest(record.tables.get(table, ()))
        if _in_use(row) and row["occurred_at"] < record.cutoff and (table, row["record_id"]) not in left_out
    ]


def _latest(rows: Iterable[Row]) -> list[Row]:
    found: dict[str, Row] = {}
    for row in rows:
        before = found.get(row["record_id"])
        if before is None or row.get("version", 1) > before.get("version", 1):
            found[row["record_id"]] = row
    return list(found.values())


def _in_use(row: Row) -> bool:
    return (row.get("record_state") or "active") == "active"


def matching(record: Record, which: Matching) -> list[Row]:
    """Return the counting records for which a policy's conditions hold."""
    rows = counting(record, which.table)
    if which.latest and rows:
        newest = max(rows, key=lambda row: (row["occurred_at"], row["record_id"]))
        rows = [newest]
    oldest = record.cutoff - timedelta(days=which.at_least_days)
    return [
        row
        for row in rows
        if row["occurred_at"] <= oldest
        and all(_holds(row.get(c), test, record.cutoff) for c, test in which.where.items())
        and not (which.unless and all(_holds(row.get(c), test, record.cutoff) for c, test in which.unless.items()))
    ]


def _holds(cell: Any, test: Condition, cutoff: date) -> bool:
    if isinstance(test, tuple):
        held = cell.split(";") if isinstance(cell, str) else [cell]
        return any(value in held for value in test)
    if test == "open":
        return cell is None or cell >= cutoff
    if test == "past":
        return cell is not None and cell < cutoff
    if test == "positive":
        return (cell or 0) > 0
    return cell is None


def last_year_due(cutoff: date, features: FeaturesPolicy) -> int:
    """Return the last year whose annual report was due before a cut-off."""
    due = date(cutoff.year, features.thresholds.report_due_month, features.thresholds.report_due_day)
    return cutoff.year - (1 if cutoff > due else 2)


def missing_reports(record: Record, features: FeaturesPolicy) -> list[int]:
    """Return the years whose annual reports were due, in the years that are looked after, and are missing.

    Where register or reports are not given, nobody can tell: none.
    """
    register = counting(record, REGISTER)
    if REPORTS not in record.tables or not register:
        return []
    founded = max(register, key=lambda row: (row["occurred_at"], row["record_id"]))["occurred_at"].year
    last = last_year_due(record.cutoff, features)
    given = {row["report_year"] for row in counting(record, REPORTS)}
    return [year for year in range(last - YEARS_BACK + 1, last + 1) if year >= founded and year not in given]


def done(record: Record, acts: Sequence[Act], features: FeaturesPolicy) -> tuple[Record, list[Touched]]:
    """Return the record as it would be with acts done the day before the cut-off, and what they touched.

    Parameters
    ----------
    record
        As `as_known` gives it.
    acts
        One after the other.
    features
        Says when an annual report is due.
    """
    touched: list[Touched] = []
    for act in acts:
        for change in act.changes:
            if isinstance(change, Revise):
                record = _revised(record, change, touched)
            elif isinstance(change, Refer):
                record = _referred(record, change, touched, act.id)
            elif isinstance(change, Report):
                record = _reported(record, missing_reports(record, features), touched)
            else:
                record = _filed(record, change, touched, act.id)
    return record, touched


def _effect(record: Record) -> date:
    return record.cutoff - timedelta(days=1)


def _with(record: Record, table: str, rows: Sequence[Row]) -> Record:
    return replace(record, tables={**record.tables, table: [*record.tables.get(table, ()), *rows]}) if rows else record


def _value(value: Value, on: date, row: Row) -> Any:
    if isinstance(value, DaysLater):
        return on + timedelta(days=value.days_later)
    return row[value.of] if isinstance(value, Copied) else value


def _revised(record: Record, change: Revise, touched: list[Touched]) -> Record:
    on, rows = _effect(record), []
    for row in matching(record, change):
        cells = {name: _value(value, on, row) for name, value in change.set.items()}
        rows.append({**row, **cells, "version": row.get("version", 1) + 1, "known_at": on})
        touched.append(Touched(change.table, row["record_id"], row["occurred_at"]))
    return _with(record, change.table, rows)


def _referred(record: Record, change: Refer, touched: list[Touched], act: str) -> Record:
    if change.into not in record.tables:
        return record  # a source without the table could not tell of the act
    on, rows = _effect(record), []
    for row in matching(record, change):
        cells = {name: _value(value, on, row) for name, value in change.add.items()}
        rows.append({**_new(record, f"{act}-{row['record_id']}", on), **cells})
        touched.append(Touched(change.table, row["record_id"], row["occurred_at"]))
    return _with(record, change.into, rows)


def _reported(record: Record, years: Sequence[int], touched: list[Touched]) -> Record:
    on, rows = _effect(record), []
    for year in years:
        rows.append({**_new(record, f"report-{year}", on), "report_year": year})
        touched.append(Touched(REPORTS, f"report-{year}", on, year, added=True))
    return _with(record, REPORTS, rows)


def _filed(record: Record, change: File, touched: list[Touched], act: str) -> Record:
    on = _effect(record)
    if change.into not in record.tables:
        return record
    cells = {name: _value(value, on, {}) for name, value in change.add.items()}
    if any(all(row.get(c) == v for c, v in cells.items()) for row in counting(record, change.into)):
        return record
    touched.append(Touched(change.into, f"{act}-1", on, added=True))
    return _with(record, change.into, [{**_new(record, f"{act}-1", on), **cells}])


def _new(record: Record, record_id: str, on: date) -> dict[str, Any]:
    return {
        "record_id": f"{record.enterprise_id}-{record_id}",
        "version": 1,
        "occurred_at": on,
        "known_at": on,
        "record_state": "active",
    }
