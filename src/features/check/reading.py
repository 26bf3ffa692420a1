"""Files of a source folder, opened one table at a time, Parquet or CSV."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from features.check.csv_text import csv_to_parquet
from features.contract import TABLES, Column, Table
from features.contract.identity import masked
from features.contract.manifest import Form, Manifest
from features.errors import SourceError
from features.near import did_you_mean

BLANKS = " \t\r\n\v\f\u00a0\u3000\ufeff"
"""Signs around a value that are no part of it: tabs, no-break and full-width spaces, byte order marks."""

EXACT: dict[str, int] = {"DOUBLE": 2**53, "FLOAT": 2**24}
"""Largest whole number up to which a floating type stands for one whole number alone."""


@dataclass(frozen=True)
class RawColumn:
    """A column as the file has it: its name there, its name in SQL, its DuckDB type."""

    name: str
    sql: str
    physical: str


@dataclass(frozen=True)
class SourceTable:
    """One source file, ready for SQL.

    Parameters
    ----------
    table, file
        The contract table and the file that holds it.
    relation
        SQL that stands after FROM.
    row
        SQL of the source row: 1 is the first row of data (a CSV header is not counted).
    fault
        SQL of what made the row unreadable as a whole, NULL for a readable row.
    columns
        The file's columns by name, in file order.
    rows
        Number of rows of data in the file.
    form
        How the manifest says that the file's values are written.
    """

    table: Table
    file: Path
    relation: str
    row: str
    fault: str
    columns: dict[str, RawColumn]
    rows: int
    form: Form

    @property
    def missing(self) -> tuple[Column, ...]:
        """Contract columns that the file doesn't have."""
        return tuple(c for c in self.table.columns if c.name not in self.columns)

    @property
    def unknown(self) -> tuple[str, ...]:
        """Columns of the file that the contract doesn't have."""
        return tuple(n for n in self.columns if n not in self.table.column_names)


def quote(name: str) -> str:
    """Return a name as a SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return text as a SQL string."""
    return "'" + text.replace("'", "''") + "'"


def open_source(con: duckdb.DuckDBPyConnection, table: Table, file: Path, work: Path, form: Form) -> SourceTable:
    """Open one file and see that it has the required columns.

    Parameters
    ----------
    work
        Folder for the text of a CSV file, as Parquet, while the check runs.
    form
        How the manifest says that the file's values are written.

    Raises
    ------
    SourceError
        If the file is empty or broken, a required column is missing, or a column has a type that
        holds no single value (a list, a struct).
    """
    if file.stat().st_size == 0:
        raise SourceError(f"{file}: the file is empty (0 bytes); expected table {table.name} with its columns")
    source = _open_csv(table, file, work, form) if file.suffix == ".csv" else _open_parquet(con, table, file, form)
    for column in source.missing:
        if column.required:
            raise SourceError(
                f"{file}: required column {column.name!r} ({column.zh}) is missing; expected type "
                f"{column.sql_type} ({column.type}); the file has {list(map(masked, source.columns))}"
                + _hint(column.name, source)
            )
    for column in table.columns:
        raw = source.columns.get(column.name)
        if raw and (raw.physical.endswith("]") or raw.physical.startswith(("STRUCT", "MAP", "UNION"))):
            raise SourceError(
                f"{file}: column {column.name!r} has type {raw.physical}; expected {column.sql_type} "
                f"({column.type}), one value a row"
            )
    return source


def _hint(name: str, source: SourceTable) -> str:
    near = [n for n in source.columns if n.strip().casefold() == name]
    if near:
        return f"; column names are exact: rename {near[0]!r} to {name!r}"
    if source.file.suffix == ".csv" and len(source.columns) == 1:
        return "; a CSV file separates its columns with commas"
    return did_you_mean(name, source.unknown)


def _open_parquet(con: duckdb.DuckDBPyConnection, table: Table, file: Path, form: Form) -> SourceTable:
    scan = f"read_parquet({literal(str(file))}, file_row_number=true)"
    try:
        described = con.execute(f"DESCRIBE SELECT * FROM {scan}").fetchall()
        [(rows,)] = con.execute(f"SELECT count(*) FROM {scan}").fetchall()
        stored = con.execute(f"SELECT name FROM parquet_schema({literal(str(file))}) WHERE type = 'INT96'").fetchall()
    except duckdb.Error as err:
        raise SourceError(f"{file}: not a readable Parquet file: {_first_line(err)}") from err
    # DuckDB calls INT96 a TIMESTAMP without zone, but the commonest writers mean UTC by it.
    int96 = {name for (name,) in stored}
    columns = {
        str(name): RawColumn(str(name), quote(str(name)), "INT96" if name in int96 else str(kind))
        for name, kind, *_ in described
        if name != "file_row_number"
    }
    return SourceTable(table, file, scan, "file_row_number + 1", _bytes_fault(table, columns), columns, rows, form)


def _bytes_fault(table: Table, columns: dict[str, RawColumn]) -> str:
    """SQL naming the first column whose bytes are no UTF-8 text (some writers mark text as bytes)."""
    checks = [
        f"WHEN {raw.sql} IS NOT NULL AND try(decode({raw.sql})) IS NULL "
        f"THEN {literal(raw.name + ' holds bytes that are not UTF-8 text')}"
        for raw in columns.values()
        if raw.physical == "BLOB" and raw.name in table.column_names
    ]
    return f"CASE {' '.join(checks)} END" if checks else "NULL::VARCHAR"


def _open_csv(table: Table, file: Path, work: Path, form: Form) -> SourceTable:
    text = work / f"{table.name}.text.parquet"
    header, rows = csv_to_parquet(file, text, form.encoding)
    columns = {name: RawColumn(name, f'"c{i}"', "VARCHAR") for i, name in enumerate(header)}
    return SourceTable(table, file, f"read_parquet({literal(str(text))})", "file_row", "fault", columns, rows, form)


def _first_line(err: Exception) -> str:
    return str(err).strip().splitlines()[0]


def broken(source: SourceTable, err: Exception) -> SourceError:
    """Return the error of a file that opened but can't be read to its end."""
    return SourceError(f"{source.file}: can't be read to its end: {_first_line(err)}")


@contextmanager
def source_open(
    con: duckdb.DuckDBPyConnection, name: str, file: Path, work: Path, manifest: Manifest
) -> Iterator[SourceTable]:
    """Open one table's file; only one CSV's text lies in ``work`` at a time."""
    yield open_source(con, TABLES[name], file, work, manifest.form(name))
    (work / f"{name}.text.parquet").unlink(missing_ok=True)
