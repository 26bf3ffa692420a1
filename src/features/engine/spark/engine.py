"""Spark engine: the SQL of `features.engine.duckdb_engine`, translated, for when one machine is not enough.

Spark reads, joins and aggregates; the driver gets the pairs of the cohort and, part by part, the finished rows.
Every scan is one job, which writes what it found; the last one evaluates all formulas.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import partial
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.catalogue.evidence import EVIDENCE, evidence_sql
from features.catalogue.expressions import Aggregate, Window
from features.catalogue.relations import POPULATION, create_population, visits_sql
from features.engine.duckdb_engine import Progress, as_frame, in_order
from features.engine.faults import named, run_scan
from features.engine.plan import covered_sql, packed_result_sql, plan_of, registered_sql, scan_sql, window_columns
from features.engine.spark.session import errors, spark_session
from features.engine.spark.store import SparkStore, opened
from features.errors import SourceError
from features.frames import as_pairs
from features.policies import features_policy, outcomes_policy
from features.records.moments import check_ends
from features.records.visibility import Moment, create_unusable
from features.scope import Scope, checked_scope

PART = 98_304
"""Finished rows that the driver takes at a time."""
AT_A_TIME = 4
"""Scans under way at a time."""


def set_cohort(store: SparkStore, cohort: pd.DataFrame, windows: Sequence[Window], known_as_of: date | None) -> None:
    """Create ``part``, its pairs numbered in their order, with the first day of every window, and ``moments``.

    Raises
    ------
    SourceError
        If an (enterprise_id, cutoff) pair comes twice.
    """
    keys = pa.table(
        {
            "enterprise_id": pa.array(cohort["enterprise_id"], pa.string()),
            "cutoff": pa.array(cohort["cutoff"]).cast(pa.date32()),
        }
    ).sort_by([("enterprise_id", "ascending"), ("cutoff", "ascending")])
    twice = keys.group_by(["enterprise_id", "cutoff"]).aggregate([([], "count_all")])
    again = twice.filter(pc.greater(twice.column("count_all"), 1))
    if again.num_rows:
        raise SourceError(f"cohort pairs given twice, for instance {again.slice(0, 3).to_pylist()}")
    numbered = keys.add_column(0, "pair", pa.array(range(keys.num_rows), pa.int32()))
    con, known = store.con, f"DATE '{known_as_of}'" if known_as_of else "cutoff"
    con.name("given_cohort", con.session.createDataFrame(numbered))
    con.execute(
        f"CREATE OR REPLACE TABLE cohort AS SELECT *, {known} AS known_as_of{window_columns(windows)} FROM given_cohort"
    )
    con.execute(f"CREATE OR REPLACE TABLE asked AS {registered_sql('cohort')}")
    con.execute("CREATE OR REPLACE VIEW part AS SELECT * FROM asked")
    con.execute("CREATE OR REPLACE TABLE moments AS SELECT DISTINCT cutoff, known_as_of FROM cohort")


def batches(
    store: SparkStore,
    cohort: pd.DataFrame,
    scope: Scope,
    *,
    progress: Progress | None = None,
    part: int = PART,
) -> Iterator[pa.Table]:
    """Compute indicators and evidence, part by part in the order of the pairs; as
    `features.engine.duckdb_engine.batches`."""
    con, province = store.con, checked_scope(scope).province
    features, outcomes = features_policy(province), outcomes_policy(province)
    chosen = plan_of(scope)
    say = progress or (lambda _step: None)
    say("cohort")
    cohort = as_pairs(cohort, "the cohort")
    check_ends(store, cohort["cutoff"], scope.known_as_of)
    set_cohort(store, cohort, chosen.windows, scope.known_as_of)
    say("relations")
    with named("Spark", "relations between enterprises", errors()):
        store.keep_versions()
        create_unusable(con, repaired_feed=features.repaired_records_feed_indicators)
        if any(t in POPULATION for t in chosen.wanted):
            create_population(con, features, outcomes, chosen.wanted)
    moments = [Moment(*found) for found in con.execute("SELECT cutoff, known_as_of FROM moments").fetchall()]
    at = moments[0] if len(moments) == 1 else None
    if "visits" in chosen.wanted:
        con.execute(f"CREATE OR REPLACE VIEW rel_visits AS {visits_sql(outcomes)}")

    def scan(source: str, some: Sequence[Aggregate]) -> None:
        sql = scan_sql(source, some, windows=chosen.windows, at=at, packed=True)
        con.execute(f"CREATE OR REPLACE TABLE agg_{source} AS {sql}")

    def evidence() -> None:
        with named("Spark", "evidence of direct determinations", errors()):
            con.execute(f"CREATE OR REPLACE TABLE agg_evidence AS {evidence_sql(features, at=at)}")

    scans = {s: partial(run_scan, "Spark", s, a, errors(), partial(scan, s)) for s, a in chosen.wanted.items()}
    _scan({**scans, "evidence": evidence}, say)
    every = " UNION ALL ".join(f"SELECT pair, source, cells FROM agg_{s}" for s in chosen.wanted)
    con.execute(f"CREATE OR REPLACE VIEW agg AS {every}")
    covered = covered_sql(chosen.sources, store.covers_from)
    say("formulas")
    in_parts = " ORDER BY pair" if len(cohort) > part else ""  # so that a part is found without reading the others
    with named("Spark", "formulas", errors()):
        con.execute(f"CREATE OR REPLACE TABLE result AS {packed_result_sql(chosen, covered)}{in_parts}")
    columns = ", ".join(["pair", "enterprise_id", "cutoff", *(i.name for i in chosen.indicators), *EVIDENCE])
    for begin in range(0, max(1, len(cohort)), part):
        these = f"pair >= {begin} AND pair < {begin + part}"
        con.execute(f"CREATE OR REPLACE VIEW part AS SELECT * FROM asked WHERE {these}")
        yield in_order(con.sql(f"SELECT {columns} FROM result WHERE {these}").to_arrow_table())


def _scan(scans: Mapping[str, Callable[[], None]], say: Progress) -> None:
    """Run every scan; some at a time, so that small ones don't keep a cluster waiting."""
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        jobs = {name: pool.submit(scan) for name, scan in scans.items()}
        for name, job in jobs.items():
            say(name)
            job.result()


def evaluate(
    store: SparkStore,
    cohort: pd.DataFrame,
    scope: Scope,
    *,
    progress: Progress | None = None,
    part: int = PART,
) -> pd.DataFrame:
    """Compute indicators and evidence over an open store; see `compute_indicators`."""
    return as_frame(list(batches(store, cohort, scope, progress=progress, part=part)))


def compute_indicators(
    clean: Path,
    cohort: pd.DataFrame,
    scope: Scope,
    *,
    progress: Progress | None = None,
    memory: str | None = None,
    master: str | None = None,
) -> pd.DataFrame:
    """Compute the indicators of a cohort on Spark: the table that `features.compute_indicators` gives, cell for cell.

    Parameters
    ----------
    clean, cohort, scope, progress
        As in `features.compute_indicators`; every executor must see ``clean``.
    memory
        Heap of Spark's driver, such as ``"4g"``.
    master
        Spark's master URL, such as ``spark://host:7077`` or ``yarn``; all processors of this machine by default.

    Raises
    ------
    ConfigError
        If PySpark or Java is missing.
    SourceError
        If the folder is no clean folder or the cohort is malformed.
    """
    with spark_session(master, memory=memory) as session, opened(session, clean) as store:
        return evaluate(store, cohort, scope, progress=progress)
