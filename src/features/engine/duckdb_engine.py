"""DuckDB engine: all indicators and the evidence of a cohort, as SQL over one DuckDB connection.

What the whole province makes (neighbours, clusters, rates) is made once; the cohort is then taken in parts, in the
order of ``enterprise_id``, in which clean files are sorted: a part reads its own row groups, and memory does not
grow with the province. Missing: a table that is present and covers the window but holds no row gives the
aggregate's ``empty`` value, otherwise the indicator is null; so it is for an enterprise that the register does not
have at the cut-off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from features.catalogue.evidence import EVIDENCE, evidence_sql
from features.catalogue.expressions import Aggregate, Window
from features.catalogue.relations import POPULATION, create_population, visits_sql
from features.engine.faults import named, run_scan
from features.engine.plan import Plan, covered_sql, plan_of, registered_sql, result_sqls, scan_sql, window_columns
from features.errors import SourceError
from features.frames import as_pairs
from features.given import PathLike
from features.policies import features_policy, outcomes_policy
from features.records.moments import check_ends
from features.records.store import RecordStore, opened
from features.records.visibility import Moment, create_unusable
from features.scope import Scope, checked_scope

Progress = Callable[[str], None]
"""Called with the name of the table that is being scanned."""

ERRORS = (duckdb.Error,)
"""What DuckDB raises."""

PART = 400_000
"""Pairs taken at a time."""


def set_cohort(
    con: duckdb.DuckDBPyConnection,
    cohort: pd.DataFrame,
    windows: Iterable[Window],
    known_as_of: date | None,
) -> None:
    """Create ``cohort``, its pairs numbered in their order, with the first day of every window, and ``moments``.

    Raises
    ------
    SourceError
        If an (enterprise_id, cutoff) pair comes twice.
    """
    known = f"DATE '{known_as_of}'" if known_as_of else "cutoff"
    con.register("given_cohort", cohort)
    con.execute(
        f"""CREATE OR REPLACE TABLE cohort AS SELECT CAST(row_number() OVER () - 1 AS INTEGER) AS pair, *,
          {known} AS known_as_of{window_columns(sorted(set(windows)))}
        FROM (SELECT CAST(enterprise_id AS VARCHAR) AS enterprise_id, CAST(cutoff AS DATE) AS cutoff FROM given_cohort
              ORDER BY ALL)
        ORDER BY enterprise_id, cutoff"""
    )
    con.unregister("given_cohort")
    twice = con.execute(
        "SELECT enterprise_id, cutoff FROM cohort GROUP BY ALL HAVING count(*) > 1 ORDER BY ALL LIMIT 3"
    ).fetchall()
    if twice:
        raise SourceError(f"cohort pairs given twice, for instance {twice}")
    con.execute("CREATE OR REPLACE TABLE moments AS SELECT DISTINCT cutoff, known_as_of FROM cohort ORDER BY ALL")


def prepare(store: RecordStore, chosen: Plan, *, province: str) -> None:
    """Create what the scans of all parts share; the cohort stands already."""
    con, features = store.con, features_policy(province)
    store.keep_versions()
    create_unusable(con, repaired_feed=features.repaired_records_feed_indicators)
    if any(t in POPULATION for t in chosen.wanted):
        create_population(con, features, outcomes_policy(province), chosen.wanted)


def batches(
    store: RecordStore,
    cohort: pd.DataFrame,
    scope: Scope,
    *,
    progress: Progress | None = None,
    part: int = PART,
) -> Iterator[pa.Table]:
    """Compute indicators and evidence part by part, in the order of the pairs; see `compute_indicators`.

    Yields
    ------
    pyarrow.Table
        enterprise_id, cutoff, indicators (double) and evidence (text) of at most ``part`` pairs; none is empty
        unless the cohort is.
    """
    con, say, province = store.con, progress or _silent, checked_scope(scope).province
    chosen = plan_of(scope)
    say("cohort")
    cohort = as_pairs(cohort, "the cohort")
    check_ends(store, cohort["cutoff"], scope.known_as_of)
    set_cohort(con, cohort, chosen.windows, scope.known_as_of)
    say("relations")
    with named("DuckDB", "relations between enterprises", ERRORS):
        prepare(store, chosen, province=province)
    covered = covered_sql(chosen.sources, store.covers_from)
    moments = [Moment(*found) for found in con.execute("SELECT cutoff, known_as_of FROM moments").fetchall()]
    at = moments[0] if len(moments) == 1 else None
    many = len(cohort) > part
    for begin in range(0, max(1, len(cohort)), part):
        these = f"(SELECT * FROM cohort WHERE pair >= {begin} AND pair < {begin + part})"
        [between] = con.execute(f"SELECT min(enterprise_id), max(enterprise_id) FROM {these}").fetchall()
        con.execute(f"CREATE OR REPLACE TABLE part AS {registered_sql(these, between if many else None)} ORDER BY pair")
        where = f" {begin // part + 1} of {-(-len(cohort) // part)}" if many else ""
        step = _said(say, where)
        _scan(con, chosen, province, at, between if many else None, step)
        step("formulas")
        with named("DuckDB", "formulas", ERRORS):
            result = _result(con, chosen, covered)
        yield result


def _result(con: duckdb.DuckDBPyConnection, chosen: Plan, covered: Mapping[str, str]) -> pa.Table:
    """Put the pieces of the present part's output beside one another: keys, indicators, evidence."""
    columns: dict[str, pa.ChunkedArray] = {}
    for sql in result_sqls(chosen, covered):
        piece = in_order(con.sql(sql).to_arrow_table())
        columns |= {name: piece.column(name) for name in piece.column_names}
    names = ["enterprise_id", "cutoff", *(i.name for i in chosen.indicators), *EVIDENCE]
    return pa.table({name: columns[name] for name in names})


def in_order(table: pa.Table) -> pa.Table:
    """Put rows in the order of their ``pair``, and drop it: much cheaper than a database's sort of all columns."""
    pair = table.column("pair").to_numpy()
    rows = table.drop_columns(["pair"])
    return rows if (np.diff(pair) > 0).all() else rows.take(np.argsort(pair))


def _said(say: Progress, where: str) -> Progress:
    """Name the part behind each step."""
    return lambda step: say(step + where)


def _silent(_step: str) -> None:
    """Say nothing."""


def _scan(
    con: duckdb.DuckDBPyConnection,
    chosen: Plan,
    province: str,
    at: Moment | None,
    between: tuple[str, str] | None,
    say: Progress,
) -> None:
    """Create ``agg_<source>`` for every table, relation and the evidence of the present ``part``."""
    if "visits" in chosen.wanted:
        visits = visits_sql(outcomes_policy(province), between=between)
        with named("DuckDB", "table inspections", ERRORS):
            con.execute(f"CREATE OR REPLACE TABLE rel_visits AS {visits}")
    for source, aggregates in chosen.wanted.items():
        say(source)

        def scan(some: Sequence[Aggregate], source: str = source) -> None:
            sql = scan_sql(source, some, windows=chosen.windows, at=at, between=between)
            con.execute(f"CREATE OR REPLACE TABLE agg_{source} AS {sql}")

        run_scan("DuckDB", source, aggregates, ERRORS, scan)
    say("evidence")
    evidence = evidence_sql(features_policy(province), at=at, between=between)
    with named("DuckDB", "evidence of direct determinations", ERRORS):
        con.execute(f"CREATE OR REPLACE TABLE agg_evidence AS {evidence}")


def evaluate(
    store: RecordStore,
    cohort: pd.DataFrame,
    scope: Scope,
    *,
    progress: Progress | None = None,
    part: int = PART,
) -> pd.DataFrame:
    """Compute indicators and evidence over an open store; see `compute_indicators`, and `batches` for ``part``."""
    with named("DuckDB", "reading the records", ERRORS):  # such as a store that was closed
        return as_frame(list(batches(store, cohort, scope, progress=progress, part=part)))


def as_frame(parts: list[pa.Table]) -> pd.DataFrame:
    """Join parts into a frame indexed by (enterprise_id, cutoff); empties the list, so that memory is free early."""
    table = pa.concat_tables(parts)
    parts.clear()
    frame: pd.DataFrame = table.to_pandas(split_blocks=True, self_destruct=True)
    return frame.set_index(["enterprise_id", "cutoff"])


def compute_indicators(
    source: PathLike | RecordStore,
    cohort: pd.DataFrame,
    scope: Scope,
    *,
    progress: Progress | None = None,
    memory: str | None = None,
) -> pd.DataFrame:
    """Compute the indicators of a cohort, each as known at its cut-off.

    Parameters
    ----------
    source
        Clean folder written by `features.check.check_folder`, or an open store.
    cohort
        Frame with ``enterprise_id`` and ``cutoff``, pairs at most once: pandas', or another library's that can become
        one. A cut-off is a day, or midnight in its own time zone.
    scope
        Whose policies hold, which indicators, and what is known.
    progress
        Called with the name of each table as its scan begins.
    memory
        What DuckDB may hold of a folder, such as ``"4GB"``; the rest is spilled to the folder of temporary files.

    Returns
    -------
    pandas.DataFrame
        Index (enterprise_id, cutoff), sorted; one float64 column per indicator (NaN: not known) and one text
        column per rule of `features.catalogue.evidence.EVIDENCE` (missing: not checked). A pair whose enterprise the
        source's register does not have at the cut-off is all unknown, but for records that hit a rule.

    Raises
    ------
    SourceError
        If the folder is no clean folder or the cohort is malformed.
    ConfigError
        If a cut-off is after the day the folder's records were taken.
    EngineError
        If DuckDB can't compute it; names the table, and the columns where they are known.
    CatalogueError
        If the scope names an indicator that is not in the catalogue.

    Examples
    --------
    With ``clean`` a clean folder:

    >>> month = cohort(clean, [date(2026, 1, 1)], Scope("hebei")).head(3)
    >>> frame = compute_indicators(clean, month, Scope("hebei", names=["complaints_3m"]))
    >>> len(frame), frame["complaints_3m"].dtype
    (3, dtype('float64'))
    """
    with opened(source, memory=memory) as store:
        return evaluate(store, cohort, scope, progress=progress)
