"""Interface that the shared SQL needs of an engine: execute a statement, give its rows, know what is open."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa


class Result(Protocol):
    """What a statement found."""

    def fetchall(self) -> list[Any]:
        """Return all rows."""
        ...


class Query(Protocol):
    """What a query will find."""

    def to_arrow_table(self) -> pa.Table:
        """Return all rows by column."""
        ...


class Connection(Protocol):
    """An engine that takes statements in DuckDB's dialect: DuckDB itself, or `features.engine.spark.connection`."""

    def execute(self, query: str, /) -> Result:
        """Execute one statement."""
        ...

    def sql(self, query: str, /) -> Query:
        """Take one SELECT, for its rows."""
        ...


class Opened(Protocol):
    """Record tables ready to be read, in either engine: `features.records.store.RecordStore`,
    `features.engine.spark.store.SparkStore`."""

    @property
    def con(self) -> Connection:
        """Connection that knows ``raw_<table>`` and ``versions_<table>`` for every contract table."""
        ...

    @property
    def covers_from(self) -> Mapping[str, date]:
        """First day covered, for the tables that the source has."""
        ...

    @property
    def folder(self) -> Path | None:
        """The clean folder, where that is what was opened."""
        ...

    @property
    def as_of(self) -> date | None:
        """Day the records were taken; None where it is not known."""
        ...
