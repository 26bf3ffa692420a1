"""The SQL of a run: one scan per table or relation for all aggregates over it, one last select for the formulas.

Every (enterprise, cut-off) of a cohort has a number, ``pair``: scans group by it and the last select joins on it, so
that no long text key is hashed more often than once a table. The same texts serve the province, cut into parts,
and the session that answers for single records (`features.engine.record.session`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import pandas as pd

from features.catalogue import catalogue_of, lookup
from features.catalogue.declaration import Indicator
from features.catalogue.evidence import EVIDENCE, EVIDENCE_TABLES
from features.catalogue.expressions import Aggregate, Window
from features.catalogue.relations import BASES, OTHERS, looks
from features.catalogue.sectors import Own, Sector, own_of
from features.contract import TABLES
from features.policies import FeaturesPolicy, features_policy
from features.records.visibility import Moment, seen_sql
from features.scope import Scope

NOT_COVERED = "CAST(NULL AS DATE)"
_LATEST = "(occurred_at, record_id)"
_LATEST_KEY = "create_sort_key(occurred_at, 'ASC NULLS LAST', record_id, 'ASC NULLS LAST')"
"""Order of `features.catalogue.expressions.Rows.latest`, and the same order as one key, made once a row instead of once
a row and aggregate."""


GREATEST = 10**18
"""Greatest total: ten million billion yuan, of however many rows; a formula may still add two of them, or a count."""
_TOTAL = re.compile(r"CAST\((sum\(\w+\).*) AS BIGINT\)", re.DOTALL)


@dataclass(frozen=True)
class Plan:
    """What a run evaluates.

    Parameters
    ----------
    indicators
        In the order of the output.
    wanted
        The different aggregates by table or relation, in a stable order.
    uncovered_days_a_year
        As in ``features.toml``: what a window may lack.
    """

    indicators: tuple[Indicator, ...]
    wanted: Mapping[str, list[Aggregate]]
    uncovered_days_a_year: int

    @property
    def windows(self) -> list[Window]:
        """All windows, sorted."""
        every = [a for aggregates in self.wanted.values() for a in aggregates]
        return sorted({w for a in every for w in (a.window, *(w for _, w in looks(a))) if w})

    @property
    def sources(self) -> list[str]:
        """Tables and relations whose coverage decides a cell of the output."""
        looked_at = {table for tables in EVIDENCE_TABLES.values() for table in tables}
        others = {table for aggregates in self.wanted.values() for a in aggregates for table, _ in looks(a)}
        return sorted({*self.wanted, *looked_at, *others})


def plan_of(scope: Scope) -> Plan:
    """Return the plan of what a scope asks for.

    Raises
    ------
    CatalogueError
        If it names an indicator that is not in the catalogue.
    """
    features, sector = features_policy(scope.province), own_of(scope.province, scope.sector)
    return plan(scope.names, features=features, sector=sector, peers=scope.peers)


def plan(
    names: Sequence[str] | None = None,
    *,
    features: FeaturesPolicy,
    sector: Own | Sector | None = None,
    peers: bool = False,
) -> Plan:
    """Return the plan of the named indicators, with a province's thresholds.

    By default of all, without recent peer rates unless ``peers``; named, these are computed anyway.

    Raises
    ------
    CatalogueError
        If a name is not in the catalogue.
    """
    known = catalogue_of(features, sector, peers=peers or names is not None)
    chosen = [lookup(n, known) for n in names] if names is not None else list(known.values())
    wanted: dict[str, list[Aggregate]] = {}
    for indicator in chosen:
        for aggregate in indicator.formula.parts:
            there = wanted.setdefault(aggregate.table, [])
            if aggregate not in there:
                there.append(aggregate)
    return Plan(tuple(chosen), dict(sorted(wanted.items())), features.uncovered_days_a_year)


def bases_of(source: str) -> tuple[str, ...]:
    """Return the contract tables that a table or relation is made of; of `OTHERS`, the table itself."""
    return BASES.get(source, (source.removeprefix(OTHERS),))


def first_covered(sources: Iterable[str], covers_from: Mapping[str, date]) -> dict[str, date | None]:
    """Return the first day covered for each table or relation; None where it is not covered at all.

    A relation covers what all the tables it is made of cover; of other enterprises' tables (`OTHERS`) the source
    covers what it does of any.
    """
    first: dict[str, date | None] = {}
    for source in sources:
        bases = bases_of(source)
        there = all(base in covers_from for base in bases)
        first[source] = max(covers_from[base] for base in bases) if there else None
    return first


REGISTER = "registration"
"""The table that says which enterprises there are."""


def covered_sql(sources: Iterable[str], covers_from: Mapping[str, date]) -> dict[str, str]:
    """SQL of the first day covered for each table or relation, over ``part c``; null where it is not covered at all.

    Of an enterprise that a source's register does not have at the cut-off (``c.registered``, see `registered_sql`),
    nothing is covered: that nothing was found of it says nothing. A source without a register can't tell.
    """
    days = {
        s: NOT_COVERED if day is None else f"DATE '{day}'" for s, day in first_covered(sources, covers_from).items()
    }
    if REGISTER not in covers_from:
        return days
    return {s: f"(CASE WHEN c.registered THEN {day} END)" if day != NOT_COVERED else day for s, day in days.items()}


def registered_sql(keys: str, between: tuple[str, str] | None = None) -> str:
    """SQL of the rows of ``keys`` with ``registered``: any version of a registration was known and in the past.

    Whether that version may be used is not asked: an entry that is objected to or was corrected names an enterprise
    that exists. So all members of a cohort are registered. ``between`` as `features.records.visibility.seen_sql`.
    """
    near = ""
    if between:
        first, last = (value.replace("'", "''") for value in between)
        near = f" AND r.enterprise_id BETWEEN '{first}' AND '{last}'"
    known = f"r.enterprise_id = k.enterprise_id AND r.known_at < k.known_as_of AND r.occurred_at < k.cutoff{near}"
    there = f"SELECT DISTINCT k.pair FROM {keys} k JOIN raw_{REGISTER} r ON {known}"
    return f"SELECT a.*, g.pair IS NOT NULL AS registered FROM {keys} a LEFT JOIN ({there}) g ON g.pair = a.pair"


def window_columns(windows: Iterable[Window], at: Moment | None = None) -> str:
    """SQL of the first day of every window, as columns, each after a comma; from ``cutoff``, or as literals."""
    starts = [(w.start_sql, w.column) for w in windows]
    if at:
        starts = [(sql.replace("cutoff", f"DATE '{at.cutoff}'"), name) for sql, name in starts]
    return "".join(f", {sql} AS {name}" for sql, name in starts)


def scan_sql(
    source: str,
    aggregates: Sequence[Aggregate],
    *,
    windows: Sequence[Window],
    at: Moment | None = None,
    between: tuple[str, str] | None = None,
    plain: bool = False,
    packed: bool = False,
) -> str:
    """SQL of all aggregates over one table or relation, one row for every pair of ``part`` that has any record.

    Parameters
    ----------
    source, aggregates
        What to read, and what to make of it (columns a0, a1, …).
    windows
        All windows that an aggregate may name.
    at, between, plain
        As `features.records.visibility.seen_sql`.
    packed
        Give one list ``cells`` and the name of the ``source`` instead of a column for each aggregate.
    """
    named = set(re.findall(r"\w+", " ".join(a.sql for a in aggregates)))
    given = "c.pair, " + (f"DATE '{at.cutoff}' AS cutoff" if at else "c.cutoff")
    for w in windows:
        if w.column in named:
            given += window_columns([w], at) if at else f", c.{w.column}"
    # Only the columns that are named: binding the others again in each view and subquery is what costs most time
    # where there are few rows.
    if source in TABLES:
        own = "".join(f", r.{name}" for name in TABLES[source].column_names if name in named)
        rows = seen_sql(source, keys="part", columns=given + own, at=at, between=between, plain=plain)
    else:
        rows = (
            f"SELECT {given}, r.* EXCLUDE (enterprise_id, cutoff) FROM part c JOIN rel_{source} r"
            " ON r.enterprise_id = c.enterprise_id AND r.cutoff = c.cutoff"
        )
    cells = [_bounded(a) for a in aggregates]
    columns = ", ".join(f"{cell} AS a{k}" for k, cell in enumerate(cells))
    if packed:
        columns = f"'{source}' AS source, [{', '.join(cells)}] AS cells"
    if _LATEST in columns:
        columns = columns.replace(_LATEST, "latest_key")
        rows = f"SELECT *, {_LATEST_KEY} AS latest_key FROM ({rows})"
    return f"SELECT c.pair, {columns} FROM ({rows}) c GROUP BY c.pair, c.cutoff"


def _bounded(aggregate: Aggregate) -> str:
    """SQL of an aggregate; of a total no further from zero than `GREATEST`, so that no sum of rows overflows.

    The engines ignore a null in ``least``: what sums nothing is `Rows.total`'s 0 already here.
    """
    total = _TOTAL.fullmatch(aggregate.sql)
    if total is None:
        return aggregate.sql
    return f"CAST(greatest(-{GREATEST}, least({GREATEST}, coalesce({total[1]}, 0))) AS BIGINT)"


def indicator_sql(indicator: Indicator, chosen: Plan, covered: Mapping[str, str]) -> str:
    """SQL of one indicator over ``part c`` joined with the scans ``agg_<table>``.

    ``covered`` says for each table or relation the SQL of the first day it covers, null where it is not covered:
    the indicator is null then, and where its window begins earlier by more days than the policy tolerates. The same
    goes for the tables of other enterprises that an aggregate makes use of.
    """
    cells = [f"agg_{a.table}.a{chosen.wanted[a.table].index(a)}" for a in indicator.formula.parts]
    return indicator.formula.template.format(*_known(indicator, cells, chosen, covered))


def _packed_cells(indicator: Indicator, chosen: Plan, covered: Mapping[str, str]) -> list[str]:
    """SQL of what a formula is made of, over ``part c`` joined with the packed scans ``p``."""
    cells = [f"p.{a.table}[{chosen.wanted[a.table].index(a) + 1}]" for a in indicator.formula.parts]
    return _known(indicator, cells, chosen, covered)


def _known(indicator: Indicator, cells: Sequence[str], chosen: Plan, covered: Mapping[str, str]) -> list[str]:
    """SQL of cells as far as they are covered, with what no record gives in the place of null."""
    known = []
    for a, cell in zip(indicator.formula.parts, cells, strict=True):
        value = cell if a.empty is None else f"coalesce({cell}, {a.empty})"
        needs = [f"{covered[s]} {_reaches(window, chosen)}" for s, window in read_by(a)]
        known.append(f"(CASE WHEN {' AND '.join(needs)} THEN {value} END)")
    return known


def read_by(aggregate: Aggregate) -> tuple[tuple[str, Window | None], ...]:
    """Return the tables and relations whose coverage decides an aggregate's cell, each with its window."""
    return (aggregate.table, aggregate.window), *looks(aggregate)


def _reaches(window: Window | None, chosen: Plan) -> str:
    """SQL after the first day covered: it lies early enough for a window, or for what was known at all."""
    if not window:
        return "< c.cutoff"
    lacking = window.tolerated(chosen.uncovered_days_a_year)
    return f"<= c.{window.column}" + (f" + {lacking}" if lacking else "")


@lru_cache(maxsize=4096)
def covered_by(window: Window | None, cutoff: date, days_a_year: int) -> tuple[date, date]:
    """Return from which day on a cell's records must be covered at a cut-off: the first day that is whole, and the
    latest that the policy tolerates."""
    if not window:
        return (cutoff - timedelta(days=1),) * 2
    start = (pd.Timestamp(cutoff) - pd.DateOffset(months=window.months, days=window.days)).date()
    return start, start + timedelta(days=window.tolerated(days_a_year))


def _hits(covered: Mapping[str, str]) -> list[str]:
    return [
        f"coalesce(nullif(agg_evidence.{c}, ''), CASE WHEN {_looked_at(c, covered)} THEN '' END) AS {c}"
        for c in EVIDENCE
    ]


def result_sqls(chosen: Plan, covered: Mapping[str, str]) -> list[str]:
    """SQL of the output for ``part``, in pieces of columns: first the keys and the evidence, then, for each set of
    tables and relations, the indicators that read just these. Each has its ``pair`` first, in any order.

    One select that joins the scans of thirty tables would pass hundreds of columns through every join.
    """
    groups: dict[tuple[str, ...], list[Indicator]] = {}
    for i in chosen.indicators:
        groups.setdefault(i.tables, []).append(i)
    keys = ", ".join(["c.pair", "c.enterprise_id", "c.cutoff", *_hits(covered)])
    sqls = [f"SELECT {keys} FROM part c LEFT JOIN agg_evidence ON agg_evidence.pair = c.pair"]
    for sources, indicators in groups.items():
        columns = ", ".join(f"CAST({indicator_sql(i, chosen, covered)} AS DOUBLE) AS {i.name}" for i in indicators)
        joins = " ".join(f"LEFT JOIN agg_{s} ON agg_{s}.pair = c.pair" for s in sources)
        sqls.append(f"SELECT c.pair, {columns} FROM part c {joins}")
    return sqls


def packed_result_sql(chosen: Plan, covered: Mapping[str, str], *, cells: str | None = None) -> str:
    """SQL of the whole output for a ``part`` of few rows: pair, keys, indicators and evidence, in any order.

    The scans stand all in ``agg``, packed; or in ``cells``, a table with ``pair`` and a column of lists for each.
    Every cell is looked up once, before the formulas, which may name it several times.
    """
    lists = ", ".join(f"any_value(cells) FILTER (WHERE source = '{s}') AS {s}" for s in chosen.wanted)
    packed = cells or f"(SELECT pair, {lists} FROM agg GROUP BY pair)"
    looked_up: dict[str, str] = {}
    formulas = []
    for i in chosen.indicators:
        names = [looked_up.setdefault(cell, f"x{len(looked_up)}") for cell in _packed_cells(i, chosen, covered)]
        formulas.append(f"CAST({i.formula.template.format(*names)} AS DOUBLE) AS {i.name}")
    given = ", ".join([*(f"{sql} AS {name}" for sql, name in looked_up.items()), *_hits(covered)])
    return (
        f"SELECT pair, enterprise_id, cutoff, {', '.join([*formulas, *EVIDENCE])} FROM ("
        f"SELECT c.pair, c.enterprise_id, c.cutoff, {given} FROM part c"
        " LEFT JOIN agg_evidence ON agg_evidence.pair = c.pair"
        f" LEFT JOIN {packed} p ON p.pair = c.pair) c"
    )


def _looked_at(column: str, covered: Mapping[str, str]) -> str:
    """SQL condition: every table of the rule was looked at, so that 'no record hits it' may be said."""
    return " AND ".join(f"{covered[table]} IS NOT NULL" for table in EVIDENCE_TABLES[column])
