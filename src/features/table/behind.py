"""Records behind an indicator: the rows of one enterprise that its value was made of, without anything of a person.

An indicator's own conditions say which rows count, so that what is shown is what was counted. Of a row only what
can't name a person is taken: its number, day, codes and sums; never a text, never a person's id.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

import duckdb

from features.catalogue.declaration import Indicator
from features.catalogue.expressions import Aggregate
from features.catalogue.relations import BASES, outcome_sql
from features.contract import TABLES
from features.contract.identity import masked
from features.contract.types import Column
from features.engine.plan import window_columns
from features.policies import features_policy, outcomes_policy
from features.records.store import RecordStore
from features.records.visibility import create_unusable, seen_sql

_OF_PERSONS = {"persons_roles", "shareholdings"}
"""Tables of which a row is about a person, or may be: sums and codes of it are left out, too."""

_ASIDE = {"trigger", "authority_kind"}
"""Codes that repeat what another code of the row says, or say nothing of the enterprise."""

_READ = {"visits": "inspections", "item_visits": "inspection_items"}
"""Relations that are an enterprise's own rows; what all others read are other enterprises'."""


@dataclass(frozen=True)
class Row:
    """One record, as it may be shown.

    Parameters
    ----------
    record
        ``table:record_id``, as a direct determination names its evidence.
    table, zh
        What kind of record it is, in English and Chinese.
    day
        When it happened; what is known of a record that is not there is its number alone.
    kind_en, kind_zh
        Its codes and sums in words.
    """

    record: str
    table: str
    zh: str
    day: date | None
    kind_en: str
    kind_zh: str


@dataclass(frozen=True)
class Behind:
    """The records behind an indicator: how many there are, and the newest of them."""

    count: int
    rows: tuple[Row, ...]


def records_behind(
    store: RecordStore,
    enterprise_id: str,
    cutoff: date,
    indicators: Iterable[Indicator],
    province: str,
    *,
    most: int = 3,
) -> dict[str, Behind]:
    """Return the records behind the values of some indicators of an enterprise.

    Parameters
    ----------
    store
        The records, open.
    enterprise_id, cutoff
        Whom, and the moment.
    indicators
        With a province's thresholds in their formulas (`features.catalogue.catalogue_of`).
    province
        Whose policies say what counts.
    most
        Rows to take of each indicator, the newest first.

    Returns
    -------
    dict
        By indicator; without those that no row of the enterprise's own is behind.
    """
    _set_moment(store, [(enterprise_id, cutoff)], province)
    found = {}
    for indicator in indicators:
        rows: dict[str, Row] = {}
        for aggregate in indicator.formula.parts:
            for row in _rows(store, aggregate, province):
                rows[row.record] = row
        if rows:
            newest = sorted(rows.values(), key=lambda r: (r.day or date.min, r.record), reverse=True)
            found[indicator.name] = Behind(len(newest), tuple(newest[:most]))
    return found


def evidence_rows(
    store: RecordStore, enterprise_id: str, cutoff: date, evidence: Iterable[str], province: str
) -> dict[str, Row]:
    """Return the records that direct determinations name as ``table:record_id``."""
    _set_moment(store, [(enterprise_id, cutoff)], province)
    found = {}
    for record in evidence:
        table, _, number = record.partition(":")
        if f"raw_{table}" not in _views(store):
            continue
        sql = seen_sql(table, keys="asked", columns="r.*", unless="released")
        rows = _read(store, table, f"SELECT * FROM ({sql}) WHERE record_id = ?", [number])
        found.update({row.record: row for row in rows})
    return found


def _set_moment(store: RecordStore, pairs: list[tuple[str, date]], province: str) -> None:
    policy = features_policy(province)
    store.con.execute("CREATE OR REPLACE TABLE asked (enterprise_id VARCHAR, cutoff DATE, known_as_of DATE)")
    store.con.executemany("INSERT INTO asked VALUES (?, ?, ?)", [(e, day, day) for e, day in pairs])
    store.con.execute("CREATE OR REPLACE TABLE moments AS SELECT DISTINCT cutoff, known_as_of FROM asked")
    create_unusable(store.con, repaired_feed=policy.repaired_records_feed_indicators)


def _views(store: RecordStore) -> set[str]:
    return {f"raw_{name}" for name in store.covers_from}


def _rows(store: RecordStore, aggregate: Aggregate, province: str) -> list[Row]:
    table = _READ.get(aggregate.table, aggregate.table)
    if (aggregate.table in BASES and aggregate.table not in _READ) or f"raw_{table}" not in _views(store):
        return []
    condition = _condition(aggregate.sql) if aggregate.table != "item_visits" else "result = 'failed'"
    windows = window_columns([aggregate.window]) if aggregate.window else ""
    outcome = f", {outcome_sql(outcomes_policy(province), 'r.result_codes')} AS violation"
    columns = f"r.*, c.cutoff{outcome if aggregate.table == 'visits' else ''}"
    seen = f"SELECT *{windows} FROM ({seen_sql(table, keys='asked', columns=columns)})"
    # Of what is read off the latest row, and of days since something, that row alone is behind the value.
    last = "max_by(" in aggregate.sql or "max(occurred_at)" in aggregate.sql
    limit = "LIMIT 1" if last else ""
    sql = f"SELECT c.* FROM ({seen}) c WHERE {condition or 'TRUE'} ORDER BY occurred_at DESC, record_id DESC {limit}"
    return _read(store, table, sql)


def _condition(sql: str) -> str:
    """Return the condition of an aggregate's rows, ``... FILTER (WHERE condition)``; empty without one."""
    begin = re.search(r" FILTER \(WHERE ", sql)
    if begin is None:
        return ""
    depth, at = 1, begin.end()
    while depth:
        depth += {"(": 1, ")": -1}.get(sql[at], 0)
        at += 1
    return sql[begin.end() : at - 1]


def _read(store: RecordStore, table: str, sql: str, values: list[str] | None = None) -> list[Row]:
    cursor: duckdb.DuckDBPyConnection = store.con.execute(sql, values or [])
    names = [column[0] for column in cursor.description or ()]
    return [_row(table, dict(zip(names, cells, strict=True))) for cells in cursor.fetchall()]


def _row(table: str, cells: Mapping[str, object]) -> Row:
    about, day = TABLES[table], cells.get("occurred_at")
    own = [column for column in about.own if column.name not in _ASIDE] if table not in _OF_PERSONS else []
    said = [_said(column, cells.get(column.name)) for column in own]
    return Row(
        record=f"{table}:{masked(str(cells['record_id']))}",
        table=re.sub(r"^(?:an?|the) |\s*[;(,].*$", "", about.meaning),
        zh=about.zh,
        day=day if isinstance(day, date) else None,
        kind_en=", ".join(en for en, _ in filter(None, said)),
        kind_zh="，".join(zh for _, zh in filter(None, said)),
    )


def _said(column: Column, value: object) -> tuple[str, str] | None:
    """Say a code, a sum or an end; of any other column nothing."""
    if value is None:
        return None
    if column.codes is not None:
        known = [column.codes.codes[code] for code in str(value).split(";") if code in column.codes.codes]
        return ("; ".join(en for en, _ in known), "、".join(zh for _, zh in known)) if known else None
    if column.type == "fen" and isinstance(value, int) and value:
        yuan = f"{value / 100:,.2f}".rstrip("0").rstrip(".")
        return f"{column.name.removesuffix('_fen').replace('_', ' ')} {yuan} yuan", f"{column.zh}{yuan}元"
    if column.name in ("ended_on", "valid_to"):
        return f"{'ended' if column.name == 'ended_on' else 'valid to'} {value}", f"{column.zh}{value}"
    return None
