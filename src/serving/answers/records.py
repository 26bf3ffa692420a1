"""Records that a call gives: their rows become indicators through the same SQL as a province's.

Whatever does not fit the contract is named by item, table, row and column, never with its value.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from features.catalogue.evidence import EVIDENCE
from features.engine.record.record import Record, indicators_of
from features.errors import FenleiError, RecordError, SourceError
from features.scope import Scope
from models.scoring.rows import Rows
from serving.answers.dates import too_early
from serving.answers.requests import Item
from serving.answers.timing import in_time, not_now
from serving.current.table import columns_of, known_of
from serving.errors import Problem, RequestError

ROWS_AT_ONCE = 10_000
"""Rows of records computed before the clock is looked at again."""


def computed(items: Sequence[Item], places: Sequence[int], province: str, single: bool, until: float | None) -> Rows:
    """Compute the indicators of the items that give a record, in the order of their places.

    Raises
    ------
    RequestError
        422 if rows don't fit the contract, or two records of a call share a name; 503 if the policies can't be read;
        504 if the time is over.
    """
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
            raise not_now(err) from err
        order += some
    frame = parts[0] if len(parts) == 1 else pd.concat(parts)
    return as_rows(frame.iloc[np.argsort(order)], list(known_of(province)))


def as_rows(frame: pd.DataFrame, columns: Sequence[str]) -> Rows:
    """Return a frame of indicators and evidence, indexed by enterprise and cut-off, as arrays."""
    evidence = [dict(zip(EVIDENCE, cells, strict=True)) for cells in zip(*(frame[n] for n in EVIDENCE), strict=True)]
    return Rows(
        [str(enterprise) for enterprise in frame.index.get_level_values("enterprise_id")],
        [pd.Timestamp(day).date() for day in frame.index.get_level_values("cutoff")],
        frame[list(columns)].to_numpy(dtype=np.float64, na_value=np.nan),
        [{k: v if isinstance(v, str) else None for k, v in row.items()} for row in evidence],
    )


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
