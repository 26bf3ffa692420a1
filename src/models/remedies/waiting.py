"""Waiting: the first month in which an enterprise's class is lower though nothing new is recorded, and what ages out.

Later cut-offs are computed by the real indicator code from the records as known now. Nothing new means that nothing is
found or done, and that duties are met when they come due: reports are filed, licences renewed, equipment inspected on
their day. What other enterprises' records make stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from features.engine.record.record import Record
from features.policies import FeaturesPolicy, features_policy
from models.remedies.changes import REPORTS, Row, Touched, counting, last_year_due, matching
from models.remedies.policy import Acts, Report, Revise
from models.remedies.result import Waiting, touched_record
from models.remedies.variants import Judge, Standing, standings
from models.scoring.classification import GRADES

STEP, CHUNK = 3, 4
"""Every third month is looked at, four of them at once; then each month of the first quarter that helps."""

MOST = 40
"""Records tried at the month before the class falls."""

NAMED = 5
"""Records named where no single one decides."""


def waiting_of(
    records: Sequence[Record], before: Sequence[Standing], judge: Judge, policy: Acts
) -> list[Waiting | None]:
    """Return for each enterprise the month in which its class falls by itself; None: in none of the years looked at.

    A fall that lasts less than a quarter may be passed over.

    Parameters
    ----------
    records
        As `models.remedies.changes.as_known` gives them.
    before
        Where they stand now.
    judge
        Who classifies.
    policy
        Duties, and how many years to look ahead.
    """
    features = features_policy(judge.rules.province)

    def at(asked: Sequence[tuple[int, int]]) -> dict[tuple[int, int], Standing]:
        states = standings([_later(records[k], month, policy, features) for k, month in asked], judge)
        return dict(zip(asked, states, strict=True))

    known = {(k, 0): state for k, state in enumerate(before)}
    first: dict[int, int] = {}
    for start in range(STEP, policy.years * 12 + 1, STEP * CHUNK):
        months = range(start, min(start + STEP * CHUNK, policy.years * 12 + 1), STEP)
        known |= at([(k, month) for k in range(len(records)) if k not in first for month in months])
        for k in (k for k in range(len(records)) if k not in first):
            lower = [month for month in months if _lower(known[k, month], before[k])]
            if lower:
                first[k] = lower[0]
    known |= at([(k, month) for k, end in first.items() for month in range(end - STEP + 1, end)])
    found: dict[int, tuple[int, Standing, Standing]] = {}
    for k, end in first.items():
        month = next(m for m in range(end - STEP + 1, end + 1) if _lower(known[k, m], before[k]))
        found[k] = (month, known[k, month], known[k, month - 1])
    falls = {k: (records[k], month) for k, (month, _, _) in found.items()}
    idle = standings([replace(r, cutoff=_month(r.cutoff, month)) for r, month in falls.values()], judge)
    by_duty = {k for k, state in zip(falls, idle, strict=True) if not _lower(state, before[k])}
    aging = {k: (*fall, found[k][2]) for k, fall in falls.items() if k not in by_duty}
    named = _named(aging, before, judge, policy, features)
    return [
        Waiting(
            cutoff=_month(records[k].cutoff, found[k][0]),
            grade_after=found[k][1].grade,
            score_after=found[k][1].score,
            records=tuple(touched_record(one) for one in named.get(k, ())),
            by_duty=k in by_duty,
        )
        if k in found
        else None
        for k in range(len(records))
    ]


def _lower(state: Standing, before: Standing) -> bool:
    return GRADES.index(state.grade) < GRADES.index(before.grade)


def _month(cutoff: date, months: int) -> date:
    """Return the cut-off so many months later; a day that the month lacks is its last one."""
    at = cutoff.year * 12 + cutoff.month - 1 + months
    for day in range(cutoff.day, 27, -1):
        try:
            return date(at // 12, at % 12 + 1, day)
        except ValueError:
            continue
    return date(at // 12, at % 12 + 1, min(cutoff.day, 27))


def _later(record: Record, months: int, policy: Acts, features: FeaturesPolicy) -> Record:
    """Return the record at a later cut-off, with the duties that come due until then met on their day."""
    later = replace(record, cutoff=_month(record.cutoff, months))
    for act in policy.acts:
        for change in act.changes if act.duty else ():
            if isinstance(change, Report):
                later = _filed_in_time(record, later, features)
            elif isinstance(change, Revise):
                failing = {row["record_id"] for row in matching(record, change)}
                due = [row for row in matching(later, change) if row["record_id"] not in failing]
                later = _renewed(later, change, due)
    return later


def _filed_in_time(record: Record, later: Record, features: FeaturesPolicy) -> Record:
    """Add the reports that come due between two cut-offs, as the newest one known."""
    known = counting(record, REPORTS)
    if not known:
        return later
    newest = max(known, key=lambda row: (row["report_year"], row["occurred_at"]))
    given = {row["report_year"] for row in known}
    rows = []
    for year in range(last_year_due(record.cutoff, features) + 1, last_year_due(later.cutoff, features) + 1):
        if year in given:
            continue
        due = date(year + 1, features.thresholds.report_due_month, features.thresholds.report_due_day)
        cells = {"record_id": f"{record.enterprise_id}-due-{year}", "version": 1, "report_year": year}
        rows.append({**newest, **cells, "occurred_at": due, "known_at": due, "amended": False})
    return replace(later, tables={**later.tables, REPORTS: [*later.tables[REPORTS], *rows]})


def _renewed(later: Record, change: Revise, due: Sequence[Row]) -> Record:
    on = later.cutoff - timedelta(days=1)
    rows = []
    for row in due:
        cells = {
            name: on + timedelta(days=getattr(value, "days_later", 0)) if hasattr(value, "days_later") else value
            for name, value in change.set.items()
        }
        rows.append({**row, **cells, "version": row.get("version", 1) + 1, "known_at": on})
    return replace(later, tables={**later.tables, change.table: [*later.tables.get(change.table, ()), *rows]})


def _named(
    falls: dict[int, tuple[Record, int, Standing]],
    before: Sequence[Standing],
    judge: Judge,
    policy: Acts,
    features: FeaturesPolicy,
) -> dict[int, list[Touched]]:
    """Say which records stop counting when a class falls: those without which it had been lower a month before."""
    asked = []
    for k, (record, month, _) in falls.items():
        earlier = _later(record, month - 1, policy, features) if month > 1 else record
        aging = _aging(record, earlier.cutoff, _month(record.cutoff, month))
        asked += [(k, one, _without(earlier, one)) for one in aging[:MOST]]
    states = standings([variant for _, _, variant in asked], judge)
    decisive: dict[int, list[Touched]] = {k: [] for k in falls}
    helping: dict[int, list[tuple[float, Touched]]] = {k: [] for k in falls}
    for (k, one, _), state in zip(asked, states, strict=True):
        if _lower(state, before[k]):
            decisive[k].append(one)
        elif state.score < falls[k][2].score:
            helping[k].append((state.score, one))
    weighty = {k: [one for _, one in sorted(some, key=lambda pair: pair[0])[:NAMED]] for k, some in helping.items()}
    return {k: decisive[k] or weighty[k] for k in falls}


def _aging(record: Record, earlier: date, later: date) -> list[Touched]:
    """Return the records of which a day leaves a window of whole months between two cut-offs, the oldest last."""
    spans = [(_month(earlier, -n), _month(later, -n)) for n in (1, 3, 6, 12, 24, 36, 60)]
    found = []
    for table in record.tables:
        for row in counting(record, table):
            days = [day for name in ("occurred_at", "ended_on") if (day := row.get(name)) is not None]
            if any(start <= day < end for day in days for start, end in spans):
                found.append(Touched(table, row["record_id"], row["occurred_at"]))
    return sorted(found, key=lambda one: (one.occurred_at, one.table, one.record_id), reverse=True)


def _without(record: Record, one: Touched) -> Record:
    rows = [row for row in record.tables[one.table] if row["record_id"] != one.record_id]
    return replace(record, tables={**record.tables, one.table: rows})
