"""The engine: all indicators and the evidence, as SQL over one DuckDB connection.

One scan per table or relation evaluates all aggregates over it; a last query evaluates the formulas. Missing:
a table that is present and covers the window but holds no row gives the aggregate's ``empty`` value, otherwise the
indicator is null.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd

from features.catalogue import CATALOGUE
from features.contract import TABLES
from features.declare import Indicator
from features.errors import SourceError
from features.evidence import EVIDENCE, EVIDENCE_TABLES, evidence_sql
from features.expressions import Aggregate, Window
from features.relations import BASES, POPULATION, create_population, create_visits
from features.seen import create_unusable, seen_sql
from features.settings import features_policy, outcomes_policy
from features.store import Store, open_folder

Progress = Callable[[str], None]
"""Called with the name of the table that is being scanned."""


def set_cohort(
    con: duckdb.DuckDBPyConnection,
    cohort: pd.DataFrame,
    windows: Iterable[Window],
    known_as_of: date | None,
) -> None:
    """Create ``cohort`` and ``moments`` with the first day of every window.

    Raises
    ------
    SourceError
        If a column is missing or an (enterprise_id, cutoff) pair comes twice.
    """
    missing = {"enterprise_id", "cutoff"} - set(cohort.columns)
    if missing:
        raise SourceError(f"the cohort needs columns enterprise_id and cutoff; missing: {sorted(missing)}")
    starts = ", ".join(f"{w.start_sql} AS {w.column}" for w in sorted(set(windows)))
    known = f"DATE '{known_as_of}'" if known_as_of else "cutoff"
    con.register("given_cohort", cohort[["enterprise_id", "cutoff"]])
    con.execute(
        f"""CREATE OR REPLACE TABLE cohort AS SELECT *, {known} AS known_as_of{", " + starts if starts else ""}
        FROM (SELECT CAST(enterprise_id AS VARCHAR) AS enterprise_id, CAST(cutoff AS DATE) AS cutoff FROM given_cohort)
        ORDER BY enterprise_id, cutoff"""
    )
    con.unregister("given_cohort")
    twice = con.execute(
        "SELECT enterprise_id, cutoff FROM cohort GROUP BY ALL HAVING count(*) > 1 ORDER BY ALL LIMIT 3"
    ).fetchall()
    if twice:
        raise SourceError(f"cohort pairs given twice, for instance {twice}")
    con.execute("CREATE OR REPLACE TABLE moments AS SELECT DISTINCT cutoff, known_as_of FROM cohort ORDER BY ALL")


def coverage(
    sources: Iterable[str], covers_from: Mapping[str, date], lacking: Iterable[str] = ()
) -> dict[str, date | None]:
    """Return the first day covered for each table or relation; None where it is not covered at all.

    A relation covers what all the tables it is made of cover; ``lacking`` names relations that can't be made.
    """
    first: dict[str, date | None] = {}
    for source in sources:
        bases = BASES.get(source, (source,))
        there = source not in lacking and all(base in covers_from for base in bases)
        first[source] = max(covers_from[base] for base in bases) if there else None
    return first


def _covered(aggregate: Aggregate, covered: Mapping[str, date | None]) -> str:
    """SQL condition: the source covers what the aggregate reads."""
    first = covered[aggregate.table]
    if first is None:
        return "FALSE"
    return f"DATE '{first}' <= c.{aggregate.window.column}" if aggregate.window else f"DATE '{first}' < c.cutoff"


def _scan_sql(source: str, aggregates: Sequence[Aggregate]) -> str:
    if source in TABLES:
        rows = seen_sql(source, columns="c.*, r.* EXCLUDE (enterprise_id)")
    else:
        rows = (
            f"SELECT c.*, r.* EXCLUDE (enterprise_id, cutoff) FROM cohort c JOIN rel_{source} r"
            " ON r.enterprise_id = c.enterprise_id AND r.cutoff = c.cutoff"
        )
    columns = ", ".join(f"{a.sql} AS a{k}" for k, a in enumerate(aggregates))
    return f"SELECT c.enterprise_id, c.cutoff, {columns} FROM ({rows}) c GROUP BY c.enterprise_id, c.cutoff"


def plan(indicators: Iterable[Indicator]) -> dict[str, list[Aggregate]]:
    """Return the different aggregates by table or relation, in a stable order."""
    wanted: dict[str, list[Aggregate]] = {}
    for indicator in indicators:
        for aggregate in indicator.formula.parts:
            known = wanted.setdefault(aggregate.table, [])
            if aggregate not in known:
                known.append(aggregate)
    return dict(sorted(wanted.items()))


def indicator_sql(
    indicator: Indicator, wanted: Mapping[str, list[Aggregate]], covered: Mapping[str, date | None]
) -> str:
    """SQL of one indicator over ``cohort c`` joined with the scans ``agg_<table>``."""
    cells = []
    for a in indicator.formula.parts:
        cell = f"agg_{a.table}.a{wanted[a.table].index(a)}"
        value = cell if a.empty is None else f"coalesce({cell}, {a.empty})"
        cells.append(f"(CASE WHEN {_covered(a, covered)} THEN {value} END)")
    return indicator.formula.template.format(*cells)


def evaluate(
    store: Store,
    cohort: pd.DataFrame,
    *,
    province: str = "hebei",
    known_as_of: date | None = None,
    names: Sequence[str] | None = None,
    context: Mapping[str, pd.DataFrame] | None = None,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Compute indicators and evidence; see `compute_indicators`.

    ``context`` gives the rows of the population's relations (`features.relations.POPULATION`) for a record that
    comes without its province; a relation that it lacks is not covered.
    """
    con = store.con
    features, outcomes = features_policy(province), outcomes_policy(province)
    chosen = [CATALOGUE[n] for n in names] if names is not None else list(CATALOGUE.values())
    wanted = plan(chosen)
    set_cohort(con, cohort, [a.window for aa in wanted.values() for a in aa if a.window], known_as_of)
    create_unusable(con, repaired_feed=features.repaired_records_feed_indicators)
    if "visits" in wanted:
        create_visits(con, outcomes)
    population = [t for t in wanted if t in POPULATION]
    lacking = [t for t in population if t not in context] if context is not None else []
    if context is not None:
        _use_context(con, context, population)
    elif population:
        create_population(con, features, outcomes)
    covered = coverage(wanted, store.covers_from, lacking)
    for source, aggregates in wanted.items():
        if progress:
            progress(source)
        con.execute(f"CREATE OR REPLACE TABLE agg_{source} AS {_scan_sql(source, aggregates)}")
    if progress:
        progress("evidence")
    con.execute(f"CREATE OR REPLACE TABLE agg_evidence AS {evidence_sql(features)}")
    columns = ", ".join(f"CAST({indicator_sql(i, wanted, covered)} AS DOUBLE) AS {i.name}" for i in chosen)
    hits = ", ".join(
        f"coalesce(nullif(agg_evidence.{c}, ''), {none}) AS {c}"
        for c, none in ((c, _none_hit(c, store.covers_from)) for c in EVIDENCE)
    )
    joins = " ".join(
        f"LEFT JOIN agg_{s} ON agg_{s}.enterprise_id = c.enterprise_id AND agg_{s}.cutoff = c.cutoff"
        for s in [*wanted, "evidence"]
    )
    frame = con.execute(
        f"SELECT c.enterprise_id, c.cutoff, {columns}{', ' if columns else ''}{hits} FROM cohort c {joins}"
        " ORDER BY c.enterprise_id, c.cutoff"
    ).df()
    frame["cutoff"] = pd.to_datetime(frame["cutoff"]).dt.date
    return frame.set_index(["enterprise_id", "cutoff"])


def _none_hit(column: str, covers_from: Mapping[str, date]) -> str:
    """SQL of an evidence cell without a hit: empty when every table of the rule was looked at, else null."""
    return "''" if all(t in covers_from for t in EVIDENCE_TABLES[column]) else "CAST(NULL AS VARCHAR)"


def _use_context(
    con: duckdb.DuckDBPyConnection, context: Mapping[str, pd.DataFrame], population: Sequence[str]
) -> None:
    for relation in population:
        columns = f"enterprise_id VARCHAR, cutoff DATE, {POPULATION[relation]}"
        con.execute(f"CREATE OR REPLACE TABLE rel_{relation} ({columns})")
        if relation in context and len(context[relation]):
            con.register("given", context[relation])
            con.execute(f"INSERT INTO rel_{relation} BY NAME SELECT * FROM given")
            con.unregister("given")


def compute_indicators(
    clean: Path,
    cohort: pd.DataFrame,
    *,
    province: str = "hebei",
    known_as_of: date | None = None,
    names: Sequence[str] | None = None,
    progress: Progress | None = None,
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
    progress
        Called with the name of each table as its scan begins.

    Returns
    -------
    pandas.DataFrame
        Index (enterprise_id, cutoff), sorted; one float64 column per indicator (NaN: not known) and one text
        column per rule of `features.evidence.EVIDENCE` (missing: not checked).

    Raises
    ------
    SourceError
        If the folder is no clean folder or the cohort is malformed.
    """
    store = open_folder(clean)
    try:
        return evaluate(store, cohort, province=province, known_as_of=known_as_of, names=names, progress=progress)
    finally:
        store.close()
