"""Files of a source folder, found and opened one table at a time, Parquet or CSV."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from features.check.csv_text import csv_to_parquet
from features.contract import TABLES, Column, Table
from features.contract.identity import masked
from features.contract.manifest import MANIFEST_NAME
from features.errors import SourceError
from features.near import did_you_mean

SUFFIXES = (".parquet", ".csv")


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
    """

    table: Table
    file: Path
    relation: str
    row: str
    fault: str
    columns: dict[str, RawColumn]
    rows: int

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


def find_tables(folder: Path) -> tuple[dict[str, Path], list[str]]:
    """Return the table files of a folder, in contract order, and the names of what else lies there.

    Raises
    ------
    SourceError
        If the folder doesn't exist, has no table of the contract, lacks a required table, or has
        one table both as Parquet and as CSV.
    """
    if not folder.is_dir():
        raise SourceError(f"{folder}: no such folder; expected one with files like registration.parquet")
    found: dict[str, Path] = {}
    other: list[str] = []
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.suffix in SUFFIXES and path.stem in TABLES:
            if path.stem in found:
                raise SourceError(
                    f"{folder}: table {path.stem} is there twice, as {found[path.stem].name} and as "
                    f"{path.name}; remove one"
                )
            found[path.stem] = path
        elif path.name != MANIFEST_NAME and not path.name.startswith("."):
            other.append(path.name)
    if not found:
        raise SourceError(
            f"{folder}: no table of the contract here; expected files named <table>.parquet or <table>.csv "
            f"with <table> one of {', '.join(TABLES)}"
        )
    for table in TABLES.values():
        if table.required and table.name not in found:
            raise SourceError(
                f"{folder}: the required table {table.name} ({table.zh}) is missing; "
                f"expected {table.name}.parquet or {table.name}.csv"
            )
    return {name: found[name] for name in TABLES if name in found}, other


def open_source(con: duckdb.DuckDBPyConnection, table: Table, file: Path, work: Path) -> SourceTable:
    """Open one file and see that it has the required columns.

    Parameters
    ----------
    work
        Folder for the text of a CSV file, as Parquet, while the check runs.

    Raises
    ------
    SourceError
        If the file is empty or broken, a required column is missing, or a column has a type that
        holds no single value (a list, a struct).
    """
    if file.stat().st_size == 0:
        raise SourceError(f"{file}: the file is empty (0 bytes); expected table {table.name} with its columns")
    source = _open_csv(table, file, work) if file.suffix == ".csv" else _open_parquet(con, table, file)
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


def _open_parquet(con: duckdb.DuckDBPyConnection, table: Table, file: Path) -> SourceTable:
    scan = f"read_parquet({literal(str(file))}, file_row_number=true)"
    try:
        described = con.execute(f"DESCRIBE SELECT * FROM {scan}").fetchall()
        [(rows,)] = con.execute(f"SELECT count(*) FROM {scan}").fetchall()
    except duckdb.Error as err:
        raise SourceError(f"{file}: not a readable Parquet file: {_first_line(err)}") from err
    columns = {
        str(name): RawColumn(str(name), quote(str(name)), str(kind))
        for name, kind, *_ in described
        if name != "file_row_number"
    }
    return SourceTable(table, file, scan, "file_row_number + 1", _bytes_fault(table, columns), columns, rows)


def _bytes_fault(table: Table, columns: dict[str, RawColumn]) -> str:
    """SQL naming the first column whose bytes are no UTF-8 text (some writers mark text as bytes)."""
    checks = [
        f"WHEN {raw.sql} IS NOT NULL AND try(decode({raw.sql})) IS NULL "
        f"THEN {literal(raw.name + ' holds bytes that are not UTF-8 text')}"
        for raw in columns.values()
        if raw.physical == "BLOB" and raw.name in table.column_names
    ]
    return f"CASE {' '.join(checks)} END" if checks else "NULL::VARCHAR"


def _open_csv(table: Table, file: Path, work: Path) -> SourceTable:
    text = work / f"{table.name}.text.parquet"
    header, rows = csv_to_parquet(file, text)
    columns = {name: RawColumn(name, f'"c{i}"', "VARCHAR") for i, name in enumerate(header)}
    return SourceTable(table, file, f"read_parquet({literal(str(text))})", "file_row", "fault", columns, rows)


def _first_line(err: Exception) -> str:
    return str(err).strip().splitlines()[0]


def broken(source: SourceTable, err: Exception) -> SourceError:
    """Return the error of a file that opened but can't be read to its end."""
    return SourceError(f"{source.file}: can't be read to its end: {_first_line(err)}")


def each_source(con: duckdb.DuckDBPyConnection, files: dict[str, Path], work: Path) -> Iterator[SourceTable]:
    """Open the files one after the other; only one CSV's text lies in ``work`` at a time."""
    for name, file in files.items():
        yield open_source(con, TABLES[name], file, work)
        (work / f"{name}.text.parquet").unlink(missing_ok=True)
