"""One enterprise's record, or a few, through the same SQL as the province.

A record is what a calling system has in its hands: rows of contract tables for one enterprise. A table that is not
given counts as one the source lacks (its indicators are unknown); a table given without rows counts as covered and
empty. Where the register is given and has no entry known at the cut-off, the enterprise is unknown, and so is all of
it. What other enterprises' records make (neighbours, clusters, rates of an industry) comes from the optional
``context`` that `extract_context` took from a run over the whole province.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from features.catalogue.evidence import EVIDENCE
from features.catalogue.neighbours import NEIGHBOUR_FLAGS
from features.catalogue.relations import BASES, OTHERS, POPULATION
from features.catalogue.sectors import own_of
from features.contract import TABLES, Column
from features.contract.identity import EXPECTED, holds_identity_number, masked
from features.contract.types import ColumnType
from features.engine.duckdb_engine import evaluate
from features.engine.plan import REGISTER, first_covered
from features.engine.record.rows import Columns, Given, checked_columns, distinct, numbered
from features.engine.record.session import session
from features.errors import RecordError, SourceError
from features.given import DayLike, PathLike, as_day
from features.near import did_you_mean
from features.policies import features_policy, outcomes_policy
from features.records.store import COVERED_FOREVER, RecordStore, opened
from features.scope import Scope, checked_scope


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
        Relation of `features.catalogue.relations.POPULATION` to rows, from a province's run.
    covers_from
        First day covered, by table; a table without is taken as covered for ever.
    context_covers
        First day that the source of the relations covers, by table; a table without is one that it lacks. None: it
        covers as ``covers_from`` says, or for ever.

    Examples
    --------
    >>> Record("E1", date(2026, 1, 1), {"complaints": []}).enterprise_id
    'E1'
    """

    enterprise_id: str
    cutoff: date
    tables: Mapping[str, Sequence[Mapping[str, Any]]]
    relations: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    covers_from: Mapping[str, date] = field(default_factory=dict)
    context_covers: Mapping[str, date] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.enterprise_id, str):
            raise SourceError(f"record: enterprise_id is text, got {type(self.enterprise_id).__name__}")
        if type(self.cutoff) is not date:
            object.__setattr__(self, "cutoff", as_day(self.cutoff, f"record of {self.enterprise_id}, cutoff"))


_OWN = {table: [c for c in TABLES[table].columns if c.name != "enterprise_id"] for table in TABLES}
_ENTRY = ("enterprise_id", "known_at", "occurred_at")
_DEFAULTS = {"record_state": "active", "version": 1}
_SQL_TYPES: dict[str, ColumnType] = {"VARCHAR": "text", "DATE": "date", "BIGINT": "int"}
_GREATEST = 10**15
"""Greatest whole number of a relation: counts of enterprises and paths, parts per million."""


def _column(name: str, sql_type: str) -> Column:
    """Column of a relation; its whole numbers count, or say yes (1) or no (0)."""
    flag, whole = name in (*NEIGHBOUR_FLAGS, "bad"), sql_type == "BIGINT"
    most = 1 if flag else _GREATEST if whole else None
    return Column(name, _SQL_TYPES[sql_type], "", minimum=0 if whole else None, maximum=most)


_RELATION = {
    relation: [_column(*column.split()) for column in columns.split(", ")] for relation, columns in POPULATION.items()
}


def _tables(records: Sequence[Record]) -> dict[str, Columns]:
    """Return the rows of all records by contract table; tables without rows are left out."""
    found = {}
    for table, columns in _OWN.items():
        rows = [given for r in records for given in numbered(r.tables.get(table, ()), r.enterprise_id)]
        if rows:
            given = checked_columns(table, columns, rows, _DEFAULTS)
            given["record_state"] = [state or "active" for state in given["record_state"]]
            found[table] = distinct(table, rows, given)
    return found


def _no_more_bad_than_all(rows: Sequence[Given], given: Columns) -> None:
    """Refuse a context with more paths to bad enterprises than paths: their share would be above 1."""
    for (enterprise_id, number, _), paths, bad in zip(rows, given["paths"], given["bad_paths"], strict=True):
        if (bad or 0) > (paths or 0):
            raise RecordError(
                enterprise_id,
                "no more than paths",
                part="relation",
                table="two_hop",
                row=number,
                column="bad_paths",
                got=repr(bad),
            )


def _relations(records: Sequence[Record]) -> dict[str, Columns]:
    """Return the context's rows of all records by relation; relations without rows are left out."""
    found = {}
    for relation, columns in _RELATION.items():
        of = [r for r in records if r.relations.get(relation)]
        rows = [given for r in of for given in numbered(r.relations[relation], r.enterprise_id)]
        if rows:
            given = checked_columns(relation, columns, rows, {}, part="relation")
            if relation == "two_hop":
                _no_more_bad_than_all(rows, given)
            found[relation] = given | {"cutoff": [r.cutoff for r in of for _ in r.relations[relation]]}
    return found


def _coverage(record: Record, sources: Sequence[str]) -> dict[str, date | None]:
    """Return the first day that the record covers, by source.

    A relation of the context stands for other enterprises' tables, which a record never has.
    """

    def theirs(table: str) -> date | None:
        if record.context_covers is None:
            return record.covers_from.get(table, COVERED_FOREVER)
        return record.context_covers.get(table)

    own = {t: record.covers_from.get(t, COVERED_FOREVER) for t in record.tables}
    first = first_covered(sources, own)
    for relation in POPULATION:
        days = [theirs(base) for base in BASES[relation]] if relation in record.relations else []
        known = [day for day in days if day is not None]
        first[relation] = max(known) if known and len(known) == len(days) else None
    return first | {s: theirs(s.removeprefix(OTHERS)) for s in sources if s.startswith(OTHERS)}


def _registered(records: Sequence[Record], tables: Mapping[str, Columns]) -> list[bool]:
    """Tell of every record whether its enterprise exists at the cut-off, as `features.engine.plan.registered_sql` does.

    A record without the register can't tell, and counts as one of an enterprise that exists.
    """
    rows = tables.get(REGISTER, {})
    entries: dict[str, list[tuple[date, date]]] = {}
    for enterprise, known, occurred in zip(*(rows.get(c, []) for c in _ENTRY), strict=True):
        entries.setdefault(enterprise, []).append((known, occurred))
    return [
        REGISTER not in r.tables or any(max(entry) < r.cutoff for entry in entries.get(r.enterprise_id, ()))
        for r in records
    ]


def _coverages(
    records: Sequence[Record], sources: Sequence[str], registered: Sequence[bool]
) -> dict[str, list[date | None]]:
    """Return `_coverage` of every record, by source; the same coverage is worked out once.

    Of an enterprise that is not registered nothing is covered.
    """
    known: dict[Any, dict[str, date | None]] = {}
    nothing: dict[str, date | None] = dict.fromkeys(sources)
    days = []
    for r, exists in zip(records, registered, strict=True):
        if not exists:
            days.append(nothing)
            continue
        theirs = None if r.context_covers is None else frozenset(r.context_covers.items())
        key = (frozenset(r.tables), frozenset(r.relations), frozenset(r.covers_from.items()), theirs)
        if key not in known:
            known[key] = _coverage(r, sources)
        days.append(known[key])
    return {s: [day[s] for day in days] for s in sources}


def session_input(
    records: Sequence[Record], sources: Sequence[str]
) -> tuple[dict[str, list[date | None]], dict[str, Columns], dict[str, Columns]]:
    """Return coverage by source, rows by table and rows by relation, checked, for
    `features.engine.record.session.Session.run`."""
    tables, relations = _tables(records), _relations(records)
    return _coverages(records, sources, _registered(records, tables)), tables, relations


def _check_rows(record: Record) -> None:
    """Refuse tables and relations whose rows are no mappings, such as a frame, before anything reads them."""
    for part, tables in (("table", record.tables), ("relation", record.relations)):
        for name, rows in tables.items():
            if not isinstance(rows, Sequence) or isinstance(rows, str) or not all(isinstance(r, Mapping) for r in rows):
                expected = "a list of rows, each a dict, such as frame.to_dict('records')"
                raise RecordError(record.enterprise_id, expected, part=part, table=name, got=type(rows).__name__)


def indicators_of(records: Sequence[Record] | Record, scope: Scope) -> pd.DataFrame:
    """Compute indicators and evidence of records that come without their province.

    Parameters
    ----------
    records
        At most one for each enterprise and cut-off; or one record.
    scope
        Whose policies hold, and which sector's indicators are computed besides; every record says what is known, and
        all indicators are computed.

    Returns
    -------
    pandas.DataFrame
        As `features.compute_indicators`, in the order of the records.

    Raises
    ------
    RecordError
        If a table, relation or column is unknown, a value does not fit, or rows break the contract together
        (`features.engine.record.rows.distinct`); names record, table, row and column.
    SourceError
        If no record is given, or two of one enterprise and cut-off.

    Examples
    --------
    >>> known = Record("E1", date(2026, 1, 1), {"complaints": []})
    >>> indicators_of([known], Scope("hebei"))[["complaints_3m", "penalties_3y"]].iloc[0].tolist()
    [0.0, nan]
    """
    records = [records] if isinstance(records, Record) else records
    for r in records:
        if not isinstance(r, Record):
            raise SourceError(f"expected records (features.Record), got {type(r).__name__}")
        if holds_identity_number(r.enterprise_id):
            raise RecordError(masked(r.enterprise_id), f"expected {EXPECTED}", column="enterprise_id")
        _check_rows(r)
        unknown = sorted(set(r.tables) - set(TABLES)) + sorted(set(r.relations) - set(POPULATION))
        if unknown:
            meant = did_you_mean(unknown[0], (*TABLES, *POPULATION))
            raise RecordError(r.enterprise_id, f"unknown table or relation {masked(unknown[0])!r}{meant}")
    province = checked_scope(scope).province
    order = [(r.enterprise_id, r.cutoff) for r in records]
    if not order:
        raise SourceError("no record given")
    if len(set(order)) < len(order):
        twice = next(pair for pair in order if order.count(pair) > 1)
        raise SourceError(f"records given twice for {twice[0]} at {twice[1]}")
    sector = own_of(province, scope.sector)
    with session(features_policy(province), outcomes_policy(province), sector, peers=scope.peers) as run:
        found = run.run(order, *session_input(records, run.sources))
        return _frame(order, run.indicators, found)


def _frame(pairs: Sequence[tuple[str, date]], names: list[str], found: Sequence[tuple[Any, ...]]) -> pd.DataFrame:
    """Return what a session found as `features.compute_indicators` returns it."""
    ids, cutoffs = ([pair[k] for pair in pairs] for k in (0, 1))
    index = pd.MultiIndex.from_arrays(
        [pd.Index(ids, dtype="str"), pd.Index(cutoffs, dtype=object)], names=["enterprise_id", "cutoff"]
    )
    numbers = pd.DataFrame(np.array([row[0] for row in found], dtype=np.float64), index=index, columns=names)
    evidence = pd.DataFrame([row[1:] for row in found], index=index, columns=list(EVIDENCE), dtype="str")
    return pd.concat([numbers, evidence], axis=1)


def extract_context(
    store: RecordStore | PathLike, enterprise_ids: Sequence[str] | str, cutoff: DayLike, scope: Scope
) -> list[Record]:
    """Take enterprises' records and their context out of a province's tables.

    What a calling system would hold in its hands: used to serve single enterprises and to test that the
    one-record path and the province's run agree.

    Examples
    --------
    With ``clean`` a clean folder:

    >>> store = open_folder(clean)
    >>> who = cohort(store, [date(2026, 1, 1)], Scope("hebei"))["enterprise_id"].head(1).tolist()
    >>> [record] = extract_context(store, who, date(2026, 1, 1), Scope("hebei"))
    >>> store.close()
    >>> record.enterprise_id == who[0]
    True
    """
    ids = [enterprise_ids] if isinstance(enterprise_ids, str) else list(enterprise_ids)
    day = as_day(cutoff, "cutoff")
    with opened(store) as records:
        return _context(records, ids, day, scope) if ids else []


def _context(store: RecordStore, enterprise_ids: Sequence[str], cutoff: date, scope: Scope) -> list[Record]:
    pairs = pd.DataFrame({"enterprise_id": list(enterprise_ids), "cutoff": cutoff})
    evaluate(
        store, pairs, replace(checked_scope(scope), names=None)
    )  # leaves the relations' tables behind, all of them
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
        if scope.peers or r != "recent"
    }
    return [
        Record(
            enterprise_id=e,
            cutoff=cutoff,
            tables={t: found.get(e, []) for t, found in tables.items()},
            relations={r: found.get(e, []) for r, found in relations.items()},
            covers_from=dict(store.covers_from),
            context_covers=dict(store.covers_from),
        )
        for e in enterprise_ids
    ]
