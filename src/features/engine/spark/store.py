"""A clean folder's tables, read by Spark."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from features.contract import TABLES
from features.engine.spark.connection import SparkConnection
from features.records.store import read_days
from features.records.visibility import create_versions, create_versions_view, known_before_sql

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_SPARK_TYPES = {"VARCHAR": "STRING"}
"""Spark's names of the contract's types, where they differ from DuckDB's."""


@dataclass
class SparkStore:
    """Record tables ready to be read by Spark, as `features.records.store.RecordStore` has them for DuckDB.

    Parameters
    ----------
    con
        Connection that knows ``raw_<table>`` and ``versions_<table>`` for every contract table.
    covers_from
        First day covered, for the tables that the source has.
    folder, as_of
        The clean folder, and the day its records were taken.
    """

    con: SparkConnection
    covers_from: dict[str, date] = field(default_factory=dict)
    folder: Path | None = None
    as_of: date | None = None

    def keep_versions(self) -> None:
        """Look once which versions were replaced by which, for all reads that follow; most tables have none."""
        several = " UNION ALL ".join(f"SELECT '{name}' AS name FROM raw_{name} WHERE version > 1" for name in TABLES)
        found = {name for (name,) in self.con.execute(f"SELECT DISTINCT name FROM ({several})").fetchall()}
        for name in TABLES:
            if name in found:
                create_versions(self.con, name, keep=True)
            else:
                create_versions_view(self.con, name, "")


@contextmanager
def opened(session: SparkSession, clean: Path, *, records_before: date | None = None) -> Iterator[SparkStore]:
    """Open the clean folder that `features.check.check_folder` wrote.

    What is computed on the way is written to the system's folder of temporary files (``TMPDIR``), and removed at the
    end. On a cluster, every executor must see both folders under the same path. ``records_before`` as in
    `features.records.store.open_folder`.

    Raises
    ------
    SourceError
        If the folder was not written by the check (it has no manifest.json).
    """
    covers_from, as_of = read_days(clean)
    with tempfile.TemporaryDirectory(prefix="fenlei-spark-") as folder:
        store = SparkStore(SparkConnection(session, Path(folder)), covers_from, clean, as_of)
        _name_tables(store, clean, records_before)
        yield store


def _name_tables(store: SparkStore, clean: Path, records_before: date | None) -> None:
    """Make ``raw_<table>`` and ``versions_<table>`` readable; what the source lacks is empty."""
    session = store.con.session
    for name, table in TABLES.items():
        path = clean / f"{name}.parquet"
        types = [f"{c.name} {_SPARK_TYPES.get(c.sql_type, c.sql_type)}" for c in table.columns]
        if path.is_file():
            frame = session.read.schema(", ".join(types)).parquet(path.resolve().as_uri())
        else:
            frame = session.createDataFrame([], ", ".join(types))
        store.con.name(f"raw_{name}", frame)
        if records_before:
            store.con.name(f"every_{name}", frame)
            where = known_before_sql(f"every_{name}", records_before)
            store.con.execute(f"CREATE OR REPLACE VIEW raw_{name} AS SELECT * FROM every_{name} WHERE {where}")
        create_versions(store.con, name)
