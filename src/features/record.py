"""One enterprise's record, or a few, through the same SQL as the province.

A record is what a calling system has in its hands: rows of contract tables for one enterprise. A table that is not
given counts as one the source lacks (its indicators are unknown); a table given without rows counts as covered and
empty. What other enterprises' records make (neighbours, clusters, rates of an industry) comes from the optional
``context`` that `extract_context` took from a run over the whole province.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pandas as pd

from features.contract import TABLES, Column
from features.engine import evaluate
from features.errors import SourceError
from features.relations import BASES, POPULATION
from features.store import Store, open_frames


@dataclass(frozen=True)
class Record:
    """The rows of one enterprise at a cut-off.

    Parameters
    ----------
    enterprise_id, cutoff
        Whom and when the indicators are for.
    tables
        Contract table to rows; ``enterprise_id`` may be left out of a row.
    relations
        Relation of `features.relations.POPULATION` to rows, from a province's run.
    covers_from
        First day covered, by table; a table without is taken as covered for ever.
    """

    enterprise_id: str
    cutoff: date
    tables: Mapping[str, Sequence[Mapping[str, Any]]]
    relations: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    covers_from: Mapping[str, date] = field(default_factory=dict)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("text")
    return value


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("a whole number")
    return value


def _day(value: Any) -> date:
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError) as err:
        raise ValueError("a date such as 2026-01-31") from err


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def _convert(column: Column, value: Any) -> Any:
    """Return the value as the contract's type; ValueError says what was expected."""
    if value is None:
        if column.required:
            raise ValueError("a value: the column is required")
        return None
    converted: Any = {"date": _day, "int": _whole, "fen": _whole, "bool": _flag}.get(column.type, _text)(value)
    if column.codes is not None:
        parts = converted.split(";") if column.type == "codes" else [converted]
        if not all(p in column.codes for p in parts):
            raise ValueError(f"one of {sorted(column.codes.codes)}")
    if column.minimum is not None and converted < column.minimum:
        raise ValueError(f"at least {column.minimum}")
    if column.maximum is not None and converted > column.maximum:
        raise ValueError(f"at most {column.maximum}")
    return converted


def _rows(record: Record, table: str) -> list[dict[str, Any]]:
    columns = TABLES[table].columns
    out = []
    for number, given in enumerate(record.tables[table]):
        row = {"enterprise_id": record.enterprise_id, "record_state": "active", "version": 1, **given}
        unknown = sorted(set(row) - {c.name for c in columns})
        if unknown:
            raise SourceError(
                f"record of {record.enterprise_id}, table {table}, row {number}: unknown column {unknown[0]}"
            )
        clean = {}
        for column in columns:
            try:
                clean[column.name] = _convert(column, row.get(column.name))
            except ValueError as err:
                raise SourceError(
                    f"record of {record.enterprise_id}, table {table}, row {number}, column {column.name}:"
                    f" got {row.get(column.name)!r}, expected {err}"
                ) from err
        out.append(clean)
    return out


def _group(records: Sequence[Record]) -> list[list[Record]]:
    """Records that cover the same tables from the same days go through one run together."""
    groups: dict[Any, list[Record]] = {}
    for r in records:
        covered = tuple(sorted((t, str(r.covers_from.get(t, ""))) for t in r.tables))
        groups.setdefault((covered, tuple(sorted(r.relations))), []).append(r)
    return list(groups.values())


def _evaluate(records: Sequence[Record], province: str) -> pd.DataFrame:
    first = records[0]
    frames = {
        table: pd.DataFrame(
            [row for r in records for row in _rows(r, table)],
            columns=list(TABLES[table].column_names),
            dtype=object,
        )
        for table in first.tables
    }
    relations = {}
    for relation in first.relations:
        rows = [
            {"enterprise_id": r.enterprise_id, "cutoff": r.cutoff, **row}
            for r in records
            for row in r.relations[relation]
        ]
        relations[relation] = pd.DataFrame(rows)
    store = open_frames(frames, dict(first.covers_from))
    # A relation's bases may be other enterprises' tables, which a record never has: the context stands for them.
    for relation in first.relations:
        for base in BASES[relation]:
            store.covers_from.setdefault(base, first.covers_from.get(base, date(1900, 1, 1)))
    try:
        pairs = pd.DataFrame(
            {"enterprise_id": [r.enterprise_id for r in records], "cutoff": [r.cutoff for r in records]}
        )
        return evaluate(store, pairs, province=province, context=relations)
    finally:
        store.close()


def indicators_of(records: Sequence[Record], *, province: str = "hebei") -> pd.DataFrame:
    """Compute indicators and evidence of records that come without their province.

    Parameters
    ----------
    records
        At most one for each enterprise and cut-off.
    province
        Whose policies hold.

    Returns
    -------
    pandas.DataFrame
        As `features.compute_indicators`, in the order of the records.

    Raises
    ------
    SourceError
        If a table, relation or column is unknown or a value does not fit; names record, table, row and column.
    """
    for r in records:
        unknown = sorted(set(r.tables) - set(TABLES)) + sorted(set(r.relations) - set(POPULATION))
        if unknown:
            raise SourceError(f"record of {r.enterprise_id}: unknown table or relation {unknown[0]!r}")
    order = [(r.enterprise_id, r.cutoff) for r in records]
    if not order:
        raise SourceError("no record given")
    found = pd.concat([_evaluate(group, province) for group in _group(records)])
    return found.loc[order]


def extract_context(
    store: Store, enterprise_ids: Sequence[str], cutoff: date, *, province: str = "hebei"
) -> list[Record]:
    """Take enterprises' records and their context out of a province's tables.

    What a calling system would hold in its hands: used to serve single enterprises and to test that the
    one-record path and the province's run agree.
    """
    pairs = pd.DataFrame({"enterprise_id": list(enterprise_ids), "cutoff": cutoff})
    evaluate(store, pairs, province=province)
    chosen = ", ".join("?" for _ in enterprise_ids)

    def rows(sql: str) -> dict[str, list[dict[str, Any]]]:
        found = store.con.execute(sql, list(enterprise_ids))
        names = [d[0] for d in found.description or []]
        grouped: dict[str, list[dict[str, Any]]] = {}
        for values in found.fetchall():
            row = dict(zip(names, values, strict=True))
            grouped.setdefault(row.pop("enterprise_id"), []).append(row)
        return grouped

    tables = {
        t: rows(f"SELECT * FROM raw_{t} WHERE enterprise_id IN ({chosen}) ORDER BY record_id, version")
        for t in store.covers_from
    }
    relations = {
        r: rows(f"SELECT * EXCLUDE (cutoff) FROM rel_{r} WHERE enterprise_id IN ({chosen}) ORDER BY ALL")
        for r in POPULATION
    }
    return [
        Record(
            enterprise_id=e,
            cutoff=cutoff,
            tables={t: found.get(e, []) for t, found in tables.items()},
            relations={r: found.get(e, []) for r, found in relations.items()},
            covers_from=dict(store.covers_from),
        )
        for e in enterprise_ids
    ]
