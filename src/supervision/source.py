"""Source tables as supervision writes them: records found, new versions put behind the others.

A new version is a row at the end of the table's own file, so the ordinary check reads it as any other. The file is
written anew beside itself and put in place by one rename: a reader sees the old one or the new one.
"""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
import tempfile
from collections.abc import Collection, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.check.files import find_tables
from features.check.reading import literal, source_open
from features.contract import TABLES
from features.contract.identity import masked
from features.contract.manifest import Form, read_manifest
from features.errors import FenleiError, SourceError
from features.records.store import connect

Row = dict[str, str | None]
"""A row as text by column name, as the file writes it; the contract's names and any others that the file has."""

_TYPES = {"date": pa.date32(), "int": pa.int64(), "fen": pa.int64(), "bool": pa.bool_()}


class WriteError(FenleiError):
    """New versions can't be written; the table is as it was."""


def day_of(text: str | None, where: str) -> date:
    """Read a day as sources write them: 2025-01-02, 2025/1/2 or 20250102, whatever time stands behind.

    Raises
    ------
    SourceError
        If it is none; ``where`` says whose.
    """
    found = re.match(r"\s*(\d{4})\D?(\d{1,2})\D?(\d{1,2})(?!\d)", text or "")
    try:
        if found:
            return date(*map(int, found.groups()))
    except ValueError:
        pass
    raise SourceError(f"{where} is {masked(str(text))!r}, expected a day such as 2026-01-31")


class Source:
    """A source folder, looked into record by record.

    Raises
    ------
    SourceError
        If it is none.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files, _ = find_tables(folder)
        self.manifest = read_manifest(folder)

    @property
    def as_of(self) -> date | None:
        """The day the records were taken."""
        return self.manifest.as_of

    def form(self, table: str) -> Form:
        """How a table is written."""
        return self.manifest.form(table)

    def rows(self, table: str, column: str, values: Collection[str]) -> list[Row]:
        """Return the rows of a table whose column says one of these, as text, in the file's order."""
        if table not in self.files or not values:
            return []
        file = self.files[table]
        with (
            connect() as con,
            tempfile.TemporaryDirectory() as work,
            source_open(con, table, file, Path(work), self.manifest) as found,
        ):
            if column not in found.columns:
                return []
            names = list(found.columns)
            cells = ", ".join(f"CAST({found.columns[n].sql} AS VARCHAR)" for n in names)
            key = f"trim(CAST({found.columns[column].sql} AS VARCHAR)) IN ({', '.join(map(literal, values))})"
            try:
                rows = con.execute(f"SELECT {cells} FROM {found.relation} WHERE {key} ORDER BY {found.row}")
                return [dict(zip(names, (v or None for v in row), strict=True)) for row in rows.fetchall()]
            except duckdb.Error as err:
                raise SourceError(f"{file}: can't be read: {err}") from err

    def versions(self, table: str, record: str) -> list[Row]:
        """Return the versions of a record, the lowest first."""
        rows = self.rows(table, "record_id", [record])
        try:
            return sorted(rows, key=lambda row: int(row.get("version") or ""))
        except ValueError as err:
            raise SourceError(f"{table}: record {masked(record)!r} has a version that is no number") from err

    def enterprise(self, who: str) -> str | None:
        """Return the id of a registered enterprise by id or code; None: there is none."""
        for column in ("enterprise_id", "uscc"):
            found = self.rows("registration", column, [who])
            if found:
                return found[-1]["enterprise_id"]
        return None

    def append(self, table: str, rows: Sequence[Row]) -> Path:
        """Put rows behind a table's others by one rename; a table that is not there yet becomes a Parquet file.

        Raises
        ------
        WriteError
            If it can't be written; the table is as it was.
        """
        file = self.files.get(table, self.folder / f"{table}.parquet")
        fresh = file.with_name(f".{file.name}.new")
        try:
            write_with(self.files.get(table), fresh, table, rows, self.form(table))
            fresh.replace(file)
        except OSError as err:
            fresh.unlink(missing_ok=True)
            raise WriteError(f"{file}: can't be written: {err.strerror or err}; it is as it was") from err
        self.files[table] = file
        return file


def write_with(before: Path | None, out: Path, table: str, rows: Sequence[Row], form: Form) -> None:
    """Write a table's file anew with rows behind its others; None: there was none."""
    if before is not None and before.suffix == ".csv":
        _write_csv(before, out, rows, form)
        return
    own = pq.ParquetFile(before) if before is not None else None
    schema = own.schema_arrow if own else _schema(table)
    more = pa.table(
        [_column(table, field, [row.get(field.name) for row in rows]) for field in schema], schema=schema
    )  # fmt: skip
    with pq.ParquetWriter(out, schema, compression="zstd") as writer:
        if own is not None:
            for group in range(own.num_row_groups):
                writer.write_table(own.read_row_group(group))
        writer.write_table(more)
    _flush(out)


def _schema(table: str) -> pa.Schema:
    return pa.schema([pa.field(c.name, _TYPES.get(c.type, pa.string())) for c in TABLES[table].columns])


def _column(table: str, field: pa.Field, texts: list[str | None]) -> pa.Array:
    """Return a column of the file's own type."""
    try:
        if pa.types.is_date(field.type) or pa.types.is_timestamp(field.type):
            days = [None if t is None else day_of(t, f"{table}.{field.name}") for t in texts]
            return pa.array(days, pa.date32()).cast(field.type)
        if pa.types.is_binary(field.type) or pa.types.is_large_binary(field.type):
            return pa.array([None if t is None else t.encode() for t in texts], field.type)
        if pa.types.is_dictionary(field.type):
            return pc.dictionary_encode(pa.array(texts, pa.string())).cast(field.type)
        return pa.array(texts, pa.string()).cast(field.type)
    except pa.ArrowException as err:
        raise WriteError(f"{table}.{field.name}: a new version can't be written as {field.type}: {err}") from err


def _write_csv(before: Path, out: Path, rows: Sequence[Row], form: Form) -> None:
    codec = "gb18030" if form.encoding == "gb18030" else "utf-8"
    with before.open(encoding=codec, errors="surrogateescape", newline="") as file:
        names = [n.strip().removeprefix("\ufeff") for n in next(csv.reader(file), [])]
    shutil.copyfile(before, out)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([row.get(n) or "" for n in names] for row in rows)
    with out.open("rb+") as file:
        file.seek(-1, os.SEEK_END)
        ended = file.read() == b"\n"
        file.write((b"" if ended else b"\n") + text.getvalue().encode(codec))
    _flush(out)


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def missing(source: Source, table: str, rows: Sequence[dict[str, Any]]) -> list[Row]:
    """Return the rows that a table does not have yet, each completed from its record's latest version.

    A version number that the source has meanwhile given to another version is passed over for the next free one.

    Raises
    ------
    WriteError
        If a record that is corrected is no more there.
    """
    there: dict[str, list[Row]] = {}
    for found in source.rows(table, "record_id", sorted({r["record_id"] for r in rows})):
        there.setdefault(str(found["record_id"]), []).append(found)
    fresh = []
    for row in rows:
        versions = there.setdefault(row["record_id"], [])
        versions.sort(key=lambda v: int(v["version"] or 0))
        if any(is_row(version, row) for version in versions):
            continue
        if row["version"] > 1 and not versions:
            raise WriteError(f"{ref_of(row)} is no more in {source.folder}: its correction can't be written")
        latest = versions[-1] if versions else {}
        number = max(row["version"], int(latest.get("version") or 0) + 1)
        made: Row = {**latest, "record_id": row["record_id"], **row["values"],
                     "version": str(number), "known_at": row["known_at"]}  # fmt: skip
        fresh.append(made)
        versions.append(made)
    return fresh


def is_row(version: Row, row: dict[str, Any]) -> bool:
    """Tell whether a version of the source is the row of a line."""
    if day_of(version["known_at"], f"{ref_of(row)} known_at") != date.fromisoformat(row["known_at"]):
        return False
    return all(_alike(version.get(name), value) for name, value in row["values"].items() if name in version)


def _alike(one: str | None, other: str | None) -> bool:
    return (one or "") == (other or "") or (one or "").removesuffix(" 00:00:00") == (other or "")


def ref_of(row: dict[str, Any]) -> str:
    """Return a row's record as evidence spells it."""
    return f"{row['table']}:{row['record_id']}"
