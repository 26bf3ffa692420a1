"""DuckDB engine: all indicators and the evidence of a cohort, as SQL over one DuckDB connection.

What the whole province makes (neighbours, clusters, rates) is made once; the cohort is then taken in parts, in the
order of ``enterprise_id``, in which clean files are sorted: a part reads its own row groups, and memory does not
grow with the province. Missing: a table that is present and covers the window but holds no row gives the
aggregate's ``empty`` value, otherwise the indicator is null.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from features.catalogue.evidence import EVIDENCE, evidence_sql
from features.catalogue.expressions import Window
from features.catalogue.relations import POPULATION, create_population, visits_sql
from features.catalogue.sectors import sector_or_none
from features.engine.plan import Plan, day_sql, first_covered, plan, result_sqls, scan_sql, window_columns
from features.errors import SourceError
from features.policies import features_policy, outcomes_policy
from features.records.store import Store, open_folder
from features.records.visibility import Moment, create_unusable

Progress = Callable[[str], None]
"""Called with the name of the table that is being scanned."""

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
        If a column is missing or an (enterprise_id, cutoff) pair comes twice.
    """
    missing = {"enterprise_id", "cutoff"} - set(cohort.columns)
    if missing:
        raise SourceError(f"the cohort needs columns enterprise_id and cutoff; missing: {sorted(missing)}")
    known = f"DATE '{known_as_of}'" if known_as_of else "cutoff"
    con.register("given_cohort", cohort[["enterprise_id", "cutoff"]])
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


def prepare(store: Store, chosen: Plan, *, province: str) -> None:
    """Create what the scans of all parts share; the cohort stands already."""
    con, features = store.con, features_policy(province)
    store.keep_versions()
    create_unusable(con, repaired_feed=features.repaired_records_feed_indicators)
    if any(t in POPULATION for t in chosen.wanted):
        create_population(con, features, outcomes_policy(province))


def batches(
    store: Store,
    cohort: pd.DataFrame,
    *,
    province: str = "hebei",
    known_as_of: date | None = None,
    names: Sequence[str] | None = None,
    sector: str | None = None,
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
    con, say = store.con, progress or _silent
    chosen = plan(names, features=features_policy(province), sector=sector_or_none(province, sector))
    say("cohort")
    set_cohort(con, cohort, chosen.windows, known_as_of)
    say("relations")
    prepare(store, chosen, province=province)
    covered = {s: day_sql(day) for s, day in first_covered(chosen.sources, store.covers_from).items()}
    moments = [Moment(*found) for found in con.execute("SELECT cutoff, known_as_of FROM moments").fetchall()]
    at = moments[0] if len(moments) == 1 else None
    many = len(cohort) > part
    for begin in range(0, max(1, len(cohort)), part):
        con.execute(
            f"CREATE OR REPLACE TABLE part AS SELECT * FROM cohort WHERE pair >= {begin} AND pair < {begin + part}"
        )
        [between] = con.execute("SELECT min(enterprise_id), max(enterprise_id) FROM part").fetchall()
        where = f" {begin // part + 1} of {-(-len(cohort) // part)}" if many else ""
        step = _said(say, where)
        _scan(con, chosen, province, at, between if many else None, step)
        step("formulas")
        yield _result(con, chosen, covered)


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
        con.execute(f"CREATE OR REPLACE TABLE rel_visits AS {visits_sql(outcomes_policy(province), between=between)}")
    for source, aggregates in chosen.wanted.items():
        say(source)
        sql = scan_sql(source, aggregates, windows=chosen.windows, at=at, between=between)
        con.execute(f"CREATE OR REPLACE TABLE agg_{source} AS {sql}")
    say("evidence")
    evidence = evidence_sql(features_policy(province), at=at, between=between)
    con.execute(f"CREATE OR REPLACE TABLE agg_evidence AS {evidence}")


def evaluate(
    store: Store,
    cohort: pd.DataFrame,
    *,
    province: str = "hebei",
    known_as_of: date | None = None,
    names: Sequence[str] | None = None,
    sector: str | None = None,
    progress: Progress | None = None,
    part: int = PART,
) -> pd.DataFrame:
    """Compute indicators and evidence over an open store; see `compute_indicators`, and `batches` for ``part``."""
    found = batches(
        store,
        cohort,
        province=province,
        known_as_of=known_as_of,
        names=names,
        sector=sector,
        progress=progress,
        part=part,
    )
    return as_frame(list(found))


def as_frame(parts: list[pa.Table]) -> pd.DataFrame:
    """Join parts into a frame indexed by (enterprise_id, cutoff); empties the list, so that memory is free early."""
    table = pa.concat_tables(parts)
    parts.clear()
    frame: pd.DataFrame = table.to_pandas(split_blocks=True, self_destruct=True)
    return frame.set_index(["enterprise_id", "cutoff"])


def compute_indicators(
    clean: Path,
    cohort: pd.DataFrame,
    *,
    province: str = "hebei",
    known_as_of: date | None = None,
    names: Sequence[str] | None = None,
    sector: str | None = None,
    progress: Progress | None = None,
    memory: str | None = None,
) -> pd.DataFrame:
    """Compute the indicators of a cohort, each as known at its cut-off.

    Parameters
    ----------
    clean
        Clean folder written by `features.check.check_folder`.
    cohort
        Frame with ``enterprise_id`` and ``cutoff``, pairs at most once.
    province
        Whose policies hold.
    known_as_of
        Knowledge to use instead of each cut-off's own: re-computes a past month with what is known later.
    names
        Indicators to compute; all by default.
    sector
        Compute the indicators that this sector adds, too; see `features.catalogue.sectors`.
    progress
        Called with the name of each table as its scan begins.
    memory
        What DuckDB may hold, such as ``"4GB"``; the rest is spilled to the folder of temporary files.

    Returns
    -------
    pandas.DataFrame
        Index (enterprise_id, cutoff), sorted; one float64 column per indicator (NaN: not known) and one text
        column per rule of `features.catalogue.evidence.EVIDENCE` (missing: not checked).

    Raises
    ------
    SourceError
        If the folder is no clean folder or the cohort is malformed.

    Examples
    --------
    With ``clean`` a clean folder:

    >>> month = cohort(clean, [date(2026, 1, 1)]).head(3)
    >>> frame = compute_indicators(clean, month, names=["complaints_3m"])
    >>> len(frame), frame["complaints_3m"].dtype
    (3, dtype('float64'))
    """
    store = open_folder(clean, memory=memory)
    try:
        return evaluate(
            store, cohort, province=province, known_as_of=known_as_of, names=names, sector=sector, progress=progress
        )
    finally:
        store.close()
