"""Statements in DuckDB's dialect, executed by Spark."""

from __future__ import annotations

import shutil
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from features.engine.spark.dialect import for_spark

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession


class Rows:
    """What a statement found; computed when it is asked for."""

    def __init__(self, frame: DataFrame) -> None:
        self._frame = frame

    def fetchall(self) -> list[Any]:
        """Return all rows as tuples: for few rows."""
        return [tuple(row) for row in self._frame.collect()]

    def to_arrow_table(self) -> pa.Table:
        """Return all rows as an Arrow table."""
        return self._frame.toArrow()


class SparkConnection:
    """A `features.records.connection.Connection` over a Spark session.

    A table is written as Parquet by the executors and read again. (Kept in their memory instead, one table made of
    another, of another, drives Spark's planner out of its own memory; and what a lost executor held would have to be
    computed again, with all it was made of.)

    Parameters
    ----------
    session
        Where statements run.
    folder
        Where tables are written; the driver and every executor see it.
    """

    def __init__(self, session: SparkSession, folder: Path) -> None:
        self.session = session
        self._folder = folder
        self._numbers = count()
        self._written: dict[str, Path] = {}

    def execute(self, query: str, /) -> Rows:
        """Execute one statement; see `features.engine.spark.dialect.for_spark` for what can be said."""
        statement = for_spark(query)
        frame = self.session.sql(statement.query)
        if statement.kept:
            self._write(statement.name, frame)
        elif statement.name:
            self.name(statement.name, frame)
        return Rows(frame)

    def sql(self, query: str, /) -> Rows:
        """Take one SELECT, for its rows."""
        return Rows(self.session.sql(for_spark(query).query))

    def name(self, name: str, frame: DataFrame) -> None:
        """Make ``frame`` readable under a name, instead of whatever had it."""
        frame.createOrReplaceTempView(name)

    def _write(self, name: str, frame: DataFrame) -> None:
        # A table may be made from the one it replaces, so each has a place of its own.
        before, place = self._written.get(name), self._folder / f"{name}-{next(self._numbers)}"
        frame.write.parquet(place.as_uri())
        self.name(name, self.session.read.schema(frame.schema).parquet(place.as_uri()))
        self._written[name] = place
        if before:
            shutil.rmtree(before)
