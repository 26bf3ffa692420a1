"""A session: a database in memory that answers for records without their province, again and again.

Creating tables and reading SQL takes far longer than running it on a few rows. A session does that once, with the
texts of `features.scan`, and then only executes what can find something: scans of tables that have rows, and without
the joins for later versions and objections where there are none. (DuckDB 2.0 binds a prepared statement again at
every EXECUTE, whose time goes by the number of columns and joins; that is what remains.) A record lives in a
transaction that is always rolled back: nothing of it is left for the next. What differs between records (which
tables are covered, from when) is data in ``part``, not text.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from features.contract import TABLES
from features.evidence import EVIDENCE, EVIDENCE_TABLES, evidence_sql
from features.relations import BASES, POPULATION, visits_sql
from features.scan import packed_result_sql, plan, scan_sql, window_columns
from features.seen import create_versions_view, later_sql, unusable_sql
from features.settings import FeaturesPolicy, OutcomesPolicy
from features.store import columns_sql, connect

_RESULT = {"pair": pa.int32(), "enterprise_id": pa.string(), "cutoff": pa.date32()} | dict.fromkeys(
    EVIDENCE, pa.string()
)
KEPT = 8
"""Idle sessions kept: as many calls at a time find one ready."""


class Session:
    """One prepared database; not for use by two threads at a time.

    Parameters
    ----------
    features, outcomes
        Policies that stand in the SQL.
    """

    def __init__(self, features: FeaturesPolicy, outcomes: OutcomesPolicy) -> None:
        self._plan = plan()
        self._con = con = connect(threads=1)
        # Planned on empty tables: what the optimiser learns from their statistics would be wrong for the rows to come.
        con.execute("SET disabled_optimizers = 'statistics_propagation'")
        self._sources = self._plan.sources
        covers = "".join(f", covers_{s} DATE" for s in self._sources)
        con.execute(f"CREATE TABLE asked (pair INTEGER, enterprise_id VARCHAR, cutoff DATE{covers})")
        self._prepare_step("part", f"SELECT *, cutoff AS known_as_of{window_columns(self._plan.windows)} FROM asked")
        self._prepare_step("moments", "SELECT DISTINCT cutoff, known_as_of FROM part")
        for table in TABLES:
            con.execute(f"CREATE TABLE raw_{table} ({columns_sql(table)})")
            self._prepare_step(f"later_{table}", later_sql(table))
            create_versions_view(con, table, f"later_{table}")
        for relation, columns in POPULATION.items():
            con.execute(f"CREATE TABLE rel_{relation} (enterprise_id VARCHAR, cutoff DATE, {columns})")
        for name, sql in unusable_sql(repaired_feed=features.repaired_records_feed_indicators).items():
            self._prepare_step(name, sql)
        self._prepare_step("rel_visits", visits_sql(outcomes))
        con.execute("CREATE TABLE agg (pair INTEGER, source VARCHAR, cells BIGINT[])")
        for source, aggregates in self._plan.wanted.items():
            for kind, plain in (("agg", False), ("plain", True)):
                sql = scan_sql(source, aggregates, windows=self._plan.windows, plain=plain, packed=True)
                con.execute(f"PREPARE fill_{kind}_{source} AS INSERT INTO agg {sql}")
        self._prepare_step("agg_evidence", evidence_sql(features))
        covered = {s: f"c.covers_{s}" for s in self._sources}
        con.execute(f"PREPARE result AS {packed_result_sql(self._plan, covered)}")

    def _prepare_step(self, name: str, sql: str) -> None:
        """Create a table that a run fills by ``sql``."""
        self._con.execute(f"CREATE TABLE {name} AS SELECT * FROM ({sql}) LIMIT 0")
        self._con.execute(f"PREPARE fill_{name} AS INSERT INTO {name} {sql}")

    @property
    def sources(self) -> Sequence[str]:
        """Tables and relations whose coverage a pair states."""
        return self._sources

    def run(
        self,
        pairs: Sequence[tuple[str, date]],
        covered: Mapping[str, Sequence[date | None]],
        tables: Mapping[str, pa.Table],
        relations: Mapping[str, pa.Table],
    ) -> pa.Table:
        """Evaluate all indicators and the evidence; nothing of the rows stays.

        Parameters
        ----------
        pairs
            Different (enterprise_id, cutoff).
        covered
            For every name of `sources`, one day or None for each pair.
        tables, relations
            Rows by contract table, and by relation with ``cutoff``; only those that have any.

        Returns
        -------
        pyarrow.Table
            As `features.scan.packed_result_sql`, in any order.
        """
        asked = {
            "pair": pa.array(range(len(pairs)), pa.int32()),
            "enterprise_id": pa.array([e for e, _ in pairs], pa.string()),
            "cutoff": pa.array([c for _, c in pairs], pa.date32()),
        } | {f"covers_{s}": pa.array(covered[s], pa.date32()) for s in self._sources}
        self._con.execute("BEGIN")
        try:
            self._insert("asked", pa.table(asked))
            for name, rows in tables.items():
                self._insert(f"raw_{name}", rows)
            for name, rows in relations.items():
                self._insert(f"rel_{name}", rows)
            for step in self._steps(tables, relations):
                self._con.execute(f"EXECUTE fill_{step}").fetchall()
            cells = self._con.execute("EXECUTE result").fetchnumpy()
            return pa.table({name: pa.array(v, _RESULT.get(name, pa.float64())) for name, v in cells.items()})
        finally:
            self._con.execute("ROLLBACK")

    def _insert(self, name: str, given_rows: pa.Table) -> None:
        self._con.execute(f"INSERT INTO {name} BY NAME SELECT * FROM given_rows")

    def _steps(self, tables: Mapping[str, pa.Table], relations: Mapping[str, pa.Table]) -> Iterator[str]:
        """Tables to fill, in order; what would only read empty tables stays empty."""
        yield "part"
        yield "moments"
        several = {name for name, rows in tables.items() if pc.max(rows.column("version")).as_py() > 1}
        for name in sorted(several):
            yield f"later_{name}"
        left_out = bool({"objections", "repairs"} & tables.keys())
        if left_out:
            yield "released"
            yield "unusable"
        if "inspections" in tables:
            yield "rel_visits"
        for source in self._plan.wanted:
            bases = (source,) if source in TABLES or source in POPULATION else BASES[source]
            if any(base in tables or base in relations for base in bases):
                yield f"agg_{source}" if left_out or source in several else f"plain_{source}"
        if any(t in tables for rule in EVIDENCE_TABLES.values() for t in rule):
            yield "agg_evidence"

    def close(self) -> None:
        """Close the database."""
        self._con.close()


_idle: dict[str, list[Session]] = {}
_lock = threading.Lock()


def forget() -> None:
    """Close all idle sessions: the next call starts with a new one."""
    with _lock:
        gone = [s for waiting in _idle.values() for s in waiting]
        _idle.clear()
    for one in gone:
        one.close()


@contextmanager
def session(features: FeaturesPolicy, outcomes: OutcomesPolicy) -> Iterator[Session]:
    """Lend a session of these policies to one thread: an idle one, or a new one where all are lent."""
    key = features.model_dump_json() + outcomes.model_dump_json()
    with _lock:
        waiting = _idle.setdefault(key, [])
        lent = waiting.pop() if waiting else None
    lent = lent or Session(features, outcomes)
    try:
        yield lent
    except BaseException:
        lent.close()  # whatever went wrong inside it, nobody gets it again
        raise
    with _lock:
        waiting = _idle.setdefault(key, [])
        if len(waiting) < KEPT:
            waiting.append(lent)
            return
    lent.close()
