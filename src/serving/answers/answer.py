"""Answers: find or compute the row of every item, classify all at once, put errors beside the results.

An unknown enterprise is an error of its own item; the others are answered all the same.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from features.catalogue.evidence import EVIDENCE
from features.engine.plan import REGISTER
from features.engine.record.record import Record, indicators_of
from features.errors import FenleiError, RecordError, SourceError
from features.scope import Scope
from models.scoring.classification import Classification
from models.scoring.overridden import with_overrides
from models.signoff.confirmations import keep_confirmed
from serving.answers.dates import month_is_over, too_early
from serving.answers.fallback import classify
from serving.answers.requests import Item, Kind
from serving.current.snapshot import Snapshot
from serving.current.table import columns_of, known_of
from serving.errors import Problem, RequestError


@dataclass(frozen=True)
class Lost:
    """Why one item has no answer, and the HTTP status when it was the only one."""

    what: str
    status: int = 404


Result = Classification | Lost

log = logging.getLogger("fenlei.serving")

ROWS_AT_ONCE = 10_000
"""Rows of records computed before the clock is looked at again."""

CLASSIFIED_AT_ONCE = 100
"""Enterprises classified before the clock is looked at again; reasons take milliseconds each with a large model."""


def in_time(until: float | None) -> None:
    """Stop work that nobody waits for any more.

    Raises
    ------
    RequestError
        504 if the moment (of `time.monotonic`) has passed.
    """
    if until is not None and time.monotonic() > until:
        raise RequestError(504, "no answer in time: ask about fewer enterprises at once")


def answer(
    items: Sequence[Item],
    snapshot: Snapshot,
    *,
    top: int = 5,
    single: bool = False,
    until: float | None = None,
    today: date | None = None,
) -> list[Result]:
    """Answer every item, in order.

    Parameters
    ----------
    items
        Checked by `serving.answers.requests.parse`.
    snapshot
        What answers.
    top
        Reasons to give.
    single
        Whether the body was the item itself: then errors don't name ``items[0]``.
    until
        When to give up, as `time.monotonic` counts; None never.
    today
        Day on which overrides must hold; a month that is over is answered with those of its first day. None: of the
        first day of every month asked about.

    Raises
    ------
    RequestError
        422 if a record's rows don't fit the contract; 503 if the table is being replaced just now or the policies
        can't be read; 504 if the time is over.
    """
    in_time(until)
    places: dict[Kind, list[int]] = {"indicators": [], "record": [], "enterprise": []}
    for i, item in enumerate(items):
        places[item.kind].append(i)
    results: dict[int, Result] = {}
    parts: list[pd.DataFrame] = []
    order: list[int] = []
    if places["indicators"]:
        parts.append(_given([items[i] for i in places["indicators"]], snapshot.served.province))
        order += places["indicators"]
    if places["record"]:
        parts.append(_computed(items, places["record"], snapshot.served.province, single, until))
        order += places["record"]
    if places["enterprise"]:
        found, frame, lost = _stored(items, places["enterprise"], snapshot)
        results |= lost
        parts.append(frame)
        order += found
    if order:
        frame = parts[0] if len(parts) == 1 else pd.concat(parts)
        found_by = dict(zip(order, _classified(frame, snapshot, top, until), strict=True))
        held = {i: _overridden(items[i], found, snapshot, today) for i, found in found_by.items()}
        results |= {i: _enough(items[i], found) for i, found in held.items()}
    return [results[i] for i in range(len(items))]


def _overridden(item: Item, found: Classification, snapshot: Snapshot, today: date | None) -> Classification:
    """Lay over a class what officials decided: what the current table says holds today, whatever its month."""
    past = item.kind != "enterprise" and today is not None and month_is_over(found.cutoff, today)
    on = found.cutoff if today is None or past else today
    return with_overrides([found], snapshot.overrides, on)[0]


def _classified(frame: pd.DataFrame, snapshot: Snapshot, top: int, until: float | None) -> list[Classification]:
    found: list[Classification] = []
    frame = keep_confirmed(frame, snapshot.rules.determinations, snapshot.confirmed)
    for start in range(0, len(frame), CLASSIFIED_AT_ONCE):
        in_time(until)
        try:
            found += classify(frame.iloc[start : start + CLASSIFIED_AT_ONCE], snapshot.served, snapshot.rules, top=top)
        except FenleiError as err:
            raise _not_now(err) from err
    return found


def _enough(item: Item, found: Classification) -> Result:
    """Refuse a class that rests on next to nothing where the caller could say more."""
    if item.kind == "enterprise" or not found.insufficient:
        return found
    more = "indicators" if item.kind == "indicators" else "tables"
    if item.record is not None and REGISTER in item.record.tables:
        more = f"tables, and a {REGISTER} known before the cut-off: without one the enterprise is unknown"
    return Lost(
        f"insufficient: too few of the indicators that the answer rests on are known ({len(found.missing)} are not);"
        f" give more {more}",
        422,
    )


def _not_now(err: FenleiError) -> RequestError:
    """What stands in the way here is the operator's to mend, and may name files."""
    log.error("an answer failed: %s", err)
    return RequestError(503, "the service can't answer just now: its operator must look at its log")


def _given(items: Sequence[Item], province: str) -> pd.DataFrame:
    """Rows as `features.compute_indicators` would give them; an evidence column not given is None: not checked."""
    names = list(known_of(province))
    values = np.full((len(items), len(names)), np.nan)
    column = {name: j for j, name in enumerate(names)}
    evidence: dict[str, list[str | None]] = {name: [] for name in EVIDENCE}
    for i, item in enumerate(items):
        for name, value in (item.indicators or {}).items():
            if value is not None:
                values[i, column[name]] = value
        for name in EVIDENCE:
            records = (item.evidence or {}).get(name)
            evidence[name].append(None if records is None else ";".join(sorted(records)))
    frame = pd.DataFrame(values, columns=names, index=_index(items))
    return frame.assign(**{name: pd.Series(cells, index=frame.index, dtype=object) for name, cells in evidence.items()})


def _index(items: Sequence[Item]) -> pd.MultiIndex:
    return pd.MultiIndex.from_arrays(
        [[item.enterprise_id for item in items], pd.Series([item.cutoff for item in items], dtype=object)],
        names=["enterprise_id", "cutoff"],
    )


def _computed(
    items: Sequence[Item], places: Sequence[int], province: str, single: bool, until: float | None
) -> pd.DataFrame:
    """Compute the indicators of the items that give a record, through the same SQL as a province's."""
    first: dict[tuple[object, object], int] = {}
    records = []
    for i in places:
        item = items[i]
        earlier = first.setdefault((item.enterprise_id, item.cutoff), i)
        if earlier != i:
            same = Problem(f"items[{i}]", f"the same enterprise and cutoff as items[{earlier}]")
            raise RequestError(422, "two records of one enterprise and cutoff in one call", (same,))
        if item.enterprise_id is not None and item.cutoff is not None and item.record is not None:
            given = item.record
            records.append(Record(item.enterprise_id, item.cutoff, given.tables, given.context, given.covers_from))
    _own_records(records, places)
    _soon_enough(records, places, single)
    parts, order = [], []
    for some in _in_parts(records):
        in_time(until)
        chosen = [records[k] for k in some]
        try:
            parts.append(indicators_of(chosen, Scope(province, peers=True))[list(columns_of(province))])
        except SourceError as err:
            flaw = _flaw(err, chosen, [places[k] for k in some], single)
            raise RequestError(422, "a record does not fit the contract", (flaw,)) from err
        except FenleiError as err:
            raise _not_now(err) from err
        order += some
    frame = parts[0] if len(parts) == 1 else pd.concat(parts)
    return frame.iloc[np.argsort(order)]


def _own_records(records: Sequence[Record], places: Sequence[int]) -> None:
    """Refuse a record_id that two enterprises of a call share: versions replace each other by it.

    Raises
    ------
    RequestError
        422 naming both places: else one item's answer would depend on what else is asked.
    """
    owners: dict[tuple[str, object], tuple[str, str]] = {}
    for record, i in zip(records, places, strict=True):
        for table, rows in record.tables.items():
            for number, row in enumerate(rows):
                name = row.get("record_id")
                if not isinstance(name, str):
                    continue
                where = f"items[{i}].record.tables.{table}[{number}].record_id"
                owner, there = owners.setdefault((table, name), (record.enterprise_id, where))
                if owner != record.enterprise_id:
                    problem = Problem(where, f"the same as {there}, of another enterprise: ask in separate calls")
                    raise RequestError(422, "two enterprises share a record_id in one call", (problem,))


def _soon_enough(records: Sequence[Record], places: Sequence[int], single: bool) -> None:
    """Refuse events before the registration, or decades before they were known.

    Raises
    ------
    RequestError
        422 naming all of them.
    """
    flaws = [
        Problem(f"{'record' if single else f'items[{i}].record'}.tables.{table}[{row}].occurred_at", f"expected {day}")
        for record, i in zip(records, places, strict=True)
        for table, row, day in too_early(record.tables)
    ]
    if flaws:
        raise RequestError(422, "a record does not fit the contract", tuple(flaws))


def _in_parts(records: Sequence[Record]) -> Iterator[list[int]]:
    """Divide records into parts that are computed at once: few rows each, and no enterprise twice.

    One enterprise's record at two moments is two records: the rows of one must not count for the other.
    """
    waiting = list(range(len(records)))
    while waiting:
        part: list[int] = []
        later: list[int] = []
        rows = 0
        seen: set[str] = set()
        for k in waiting:
            given = records[k]
            size = sum(map(len, given.tables.values())) + sum(map(len, given.relations.values()))
            if given.enterprise_id in seen or (part and rows + size > ROWS_AT_ONCE):
                later.append(k)
                continue
            part.append(k)
            seen.add(given.enterprise_id)
            rows += size
        yield part
        waiting = later


def _flaw(err: SourceError, records: Sequence[Record], places: Sequence[int], single: bool) -> Problem:
    """Say where a record is wrong and what was expected, without the value."""
    if not isinstance(err, RecordError):
        return Problem("record" if single else "items", "the records can't be read together")
    own = next(i for i, record in zip(places, records, strict=True) if record.enterprise_id == err.enterprise_id)
    where = "record" if single else f"items[{own}].record"
    if err.table is not None:
        where += f".{'tables' if err.part == 'table' else 'context'}.{err.table}"
        where += "" if err.row is None else f"[{err.row}]"
        where += "" if err.column is None else f".{err.column}"
    return Problem(where, err.expected[:200] if err.column is None else f"expected {err.expected}")


def _stored(
    items: Sequence[Item], places: Sequence[int], snapshot: Snapshot
) -> tuple[list[int], pd.DataFrame, dict[int, Result]]:
    """Return the items found in the current table, their rows in the same order, and the items that are lost."""
    table = snapshot.table
    if table is None:
        why = Lost(f"enterprises can't be looked up: {snapshot.no_table}", 503)
        return [], pd.DataFrame(), dict.fromkeys(places, why)
    by_code = table.ids_of(sorted({code for i in places if (code := items[i].uscc) is not None}))
    keys: dict[int, str] = {}
    lost: dict[int, Result] = dict.fromkeys(
        places, Lost(f"no such enterprise in the indicator table of {table.cutoff}")
    )
    for i in places:
        code = items[i].uscc
        found = by_code.get(code, []) if code is not None else [items[i].enterprise_id or ""]
        if len(found) == 1:
            keys[i] = found[0]
        elif found:
            lost[i] = Lost(f"{len(found)} enterprises are registered under this code: ask by enterprise_id", 409)
    try:
        frame = table.rows_of(sorted(set(keys.values())))
    except SourceError as err:
        raise RequestError(503, "the indicator table can't be read just now: ask again") from err
    if table.changed:
        raise RequestError(503, "the indicator table is just being replaced: ask again")
    at = {enterprise_id: k for k, enterprise_id in enumerate(frame.index.get_level_values("enterprise_id"))}
    there = [i for i in places if keys.get(i) in at]
    rows = frame.iloc[[at[keys[i]] for i in there]][list(table.columns)]
    return there, rows, {i: why for i, why in lost.items() if i not in set(there)}
