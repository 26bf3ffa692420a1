"""Store of record tables in an in-process DuckDB: a checked folder, or rows in memory."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd

from features.contract import TABLES
from features.contract.identity import masked
from features.contract.manifest import MANIFEST_NAME, read_manifest
from features.errors import SourceError
from features.given import PathLike, as_path
from features.records.visibility import create_versions, known_before_sql

COVERED_FOREVER = date(1900, 1, 1)


@dataclass
class RecordStore:
    """Record tables ready to be read, and from when each is covered.

    Parameters
    ----------
    con
        Connection that holds ``raw_<table>`` and ``versions_<table>`` for every contract table; a table that
        the source lacks is empty there.
    covers_from
        First day covered, for the tables that the source has.
    folder
        The clean folder, where that is what was opened.
    as_of
        Day the records were taken; None where it is not known, as of rows in memory.
    """

    con: duckdb.DuckDBPyConnection
    covers_from: dict[str, date] = field(default_factory=dict)
    folder: Path | None = None
    as_of: date | None = None
    _kept: bool = field(default=False, repr=False)

    def keep_versions(self) -> None:
        """Look once which versions were replaced by which, for all reads that follow."""
        if not self._kept:
            for name in TABLES:
                create_versions(self.con, name, keep=True)
            self._kept = True

    def close(self) -> None:
        """Close the connection."""
        self.con.close()


def no_bar(con: duckdb.DuckDBPyConnection) -> None:
    """Switch DuckDB's progress bar off: it would print among what ``--json`` prints.

    Left alone in a notebook: there, DuckDB wants a package for its bar even to switch it off.
    """
    if "ipykernel" not in sys.modules:
        con.execute("SET enable_progress_bar = false")


def connect(threads: int | None = None, memory: str | None = None) -> duckdb.DuckDBPyConnection:
    """Return a DuckDB connection in memory, without any download of extensions."""
    con = duckdb.connect()
    con.execute("SET autoinstall_known_extensions = false")
    no_bar(con)
    # DuckDB guesses a frame's types from its first rows; a large amount further down then "does not fit".
    con.execute("SET pandas_analyze_sample = 100000000")
    # What does not fit in memory is spilled there; the folder is made only then, and emptied at the end.
    con.execute("SET temp_directory = ?", [str(Path(tempfile.gettempdir()) / f"fenlei-spill-{os.getpid()}")])
    if threads:
        con.execute(f"SET threads = {int(threads)}")
    if memory:
        con.execute("SET memory_limit = ?", [memory])
    return con


def columns_sql(table: str) -> str:
    """SQL of the columns of a contract table, with their types."""
    return ", ".join(f"{c.name} {c.sql_type}" for c in TABLES[table].columns)


def read_days(clean: Path) -> tuple[dict[str, date], date | None]:
    """Return the first day covered by each table of a clean folder and the day of its records, as its check wrote them.

    Raises
    ------
    SourceError
        If the folder was not written by the check (it has no manifest.json), or its manifest can't be read.
    """
    if not (clean / MANIFEST_NAME).is_file():
        raise SourceError(f"{clean}: no {MANIFEST_NAME}; run `fenlei check` first and use its clean folder")
    manifest = read_manifest(clean)
    # A table without rows and without the source's word covers nothing that we know of.
    first = {name: manifest.coverage(name).covers_from for name in TABLES if (clean / f"{name}.parquet").is_file()}
    return {name: day for name, day in first.items() if day}, manifest.as_of


def open_folder(
    clean: PathLike,
    *,
    threads: int | None = None,
    memory: str | None = None,
    records_before: date | None = None,
) -> RecordStore:
    """Open the clean folder that `features.check.check_folder` wrote.

    Parameters
    ----------
    clean
        The folder.
    threads, memory
        What DuckDB may use; the rest is spilled.
    records_before
        Hold only the records of which some version was known before this day, with all their versions: what a later
        moment sees of them are corrections, without what was new. See `features.table.between`.

    Raises
    ------
    SourceError
        If the folder was not written by the check (it has no manifest.json).

    Examples
    --------
    With ``clean`` a clean folder:

    >>> store = open_folder(clean)
    >>> "inspections" in store.covers_from
    True
    >>> store.close()
    """
    clean = as_path(clean, "clean folder")
    covers_from, as_of = read_days(clean)
    store = RecordStore(connect(threads, memory), covers_from, clean, as_of)
    for name in TABLES:
        path = clean / f"{name}.parquet"
        if path.is_file():
            columns = ", ".join(c.name for c in TABLES[name].columns)
            quoted = str(path).replace("'", "''")
            rows = f"read_parquet('{quoted}')"
            where = f" WHERE {known_before_sql(rows, records_before)}" if records_before else ""
            store.con.execute(f"CREATE VIEW raw_{name} AS SELECT {columns} FROM {rows}{where}")
        else:
            store.con.execute(f"CREATE TABLE raw_{name} ({columns_sql(name)})")
        create_versions(store.con, name)
    return store


@contextmanager
def opened(
    source: PathLike | RecordStore, *, memory: str | None = None, records_before: date | None = None
) -> Iterator[RecordStore]:
    """Yield an open store: the given one, or a clean folder's, which is closed at the end; see `open_folder`.

    Raises
    ------
    SourceError
        If it is neither, or no clean folder.
    """
    if isinstance(source, RecordStore):
        yield source
        return
    store = open_folder(source, memory=memory, records_before=records_before)
    try:
        yield store
    finally:
        store.close()


def open_frames(frames: Mapping[str, pd.DataFrame], covers_from: Mapping[str, date] | None = None) -> RecordStore:
    """Open tables given as frames; a table that is not given counts as one the source lacks.

    Parameters
    ----------
    frames
        Contract table name to rows; missing optional columns are null, ``record_state`` is active by default.
    covers_from
        First day covered by table; tables not named there count as covered for ever.

    Raises
    ------
    SourceError
        If a table or column is not in the contract, a required column is missing, or a value does not fit.
    """
    store = RecordStore(connect(threads=1))
    unknown = sorted(set(frames) - set(TABLES))
    if unknown:
        raise SourceError(f"unknown tables {unknown}; the contract has {sorted(TABLES)}")
    for name, table in TABLES.items():
        store.con.execute(f"CREATE TABLE raw_{name} ({columns_sql(name)})")
        if name in frames:
            _fill(store.con, name, frames[name])
            store.covers_from[name] = (covers_from or {}).get(name, COVERED_FOREVER)
        create_versions(store.con, table.name)
    return store


def _fill(con: duckdb.DuckDBPyConnection, name: str, rows: pd.DataFrame) -> None:
    table = TABLES[name]
    unknown = sorted(set(rows.columns) - set(table.column_names))
    missing = sorted(c.name for c in table.columns if c.required and c.name not in rows.columns)
    if unknown or (missing and len(rows)):
        raise SourceError(f"table {name}: unknown columns {unknown}, missing required columns {missing}")
    if rows.empty:
        return
    picked = [
        f"CAST({c.name} AS {c.sql_type})" if c.name in rows.columns else f"CAST(NULL AS {c.sql_type})"
        for c in table.columns
        if c.name != "record_state"
    ]
    state = "coalesce(CAST(record_state AS VARCHAR), 'active')" if "record_state" in rows.columns else "'active'"
    names = [c.name for c in table.columns if c.name != "record_state"]
    con.register("given", rows)
    try:
        con.execute(
            f"INSERT INTO raw_{name} ({', '.join(names)}, record_state) SELECT {', '.join(picked)}, {state} FROM given"
        )
    except (duckdb.ConversionException, duckdb.BinderException) as err:
        raise SourceError(f"table {name}: {masked(str(err))}") from err
    finally:
        con.unregister("given")
