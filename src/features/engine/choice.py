"""Choice of a run's engine: DuckDB in this process, or Spark; either gives the same table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from features.engine import duckdb_engine
from features.engine.faults import named
from features.errors import ConfigError
from features.near import did_you_mean
from features.records.connection import Opened
from features.records.store import open_folder

ENGINES = ("duckdb", "spark")
"""DuckDB runs a province on one machine; Spark is for when one is not enough."""


class Running(NamedTuple):
    """An engine with a clean folder open.

    Parameters
    ----------
    store
        The open tables.
    batches
        As `features.engine.duckdb_engine.batches`, without its ``store``.
    """

    store: Opened
    batches: Callable[..., Iterator[pa.Table]]


def check_engine(engine: str, master: str | None = None) -> None:
    """Refuse an engine that is not there, before anything is read.

    Raises
    ------
    ConfigError
        If the engine is unknown or can't run on this machine, or ``master`` is given to DuckDB.
    """
    if engine not in ENGINES:
        raise ConfigError(f"no engine {engine!r}; there are {', '.join(ENGINES)}{did_you_mean(engine, ENGINES)}")
    if engine != "spark" and master is not None:
        raise ConfigError(f"a master is Spark's: give it with engine spark, not {engine}")
    if engine == "spark":
        from features.engine.spark.session import check_spark

        check_spark()


@contextmanager
def run_engine(
    engine: str,
    clean: Path,
    *,
    memory: str | None = None,
    master: str | None = None,
    records_before: date | None = None,
) -> Iterator[Running]:
    """Open a clean folder in an engine.

    Parameters
    ----------
    engine
        One of `ENGINES`.
    clean
        Clean folder written by `features.check.check_folder`; every executor of Spark must see it.
    memory
        What DuckDB, or Spark's driver, may hold, such as ``"4GB"``.
    master
        Spark's master URL; all processors of this machine by default.
    records_before
        As in `features.records.store.open_folder`.

    Raises
    ------
    ConfigError
        As `check_engine`.
    SourceError
        If the folder is no clean folder.
    EngineError
        In the place of an engine's own error.
    """
    check_engine(engine, master)
    if engine == "spark":
        from features.engine.spark import engine as spark_engine
        from features.engine.spark.session import errors, spark_session
        from features.engine.spark.store import opened

        with (
            spark_session(master, memory=memory) as session,
            named("Spark", "reading the records", errors()),
            opened(session, clean, records_before=records_before) as spark_store,
        ):
            yield Running(spark_store, partial(spark_engine.batches, spark_store))
        return
    with named("DuckDB", "reading the records", duckdb_engine.ERRORS):
        store = open_folder(clean, memory=memory, records_before=records_before)
        try:
            yield Running(store, partial(duckdb_engine.batches, store))
        finally:
            store.close()
