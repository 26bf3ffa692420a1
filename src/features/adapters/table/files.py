"""Files of a city, read as its map says: only the columns that a rule reads, each cell text, whole number or day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from features.adapters.report import PERSONS
from features.adapters.table.cells import Cell, Cells, Unreadable, day, text, whole
from features.adapters.table.city import CityMap, Day, File, Known
from features.adapters.table.keys import known_on
from features.adapters.table.report import Fault, MapReport
from features.contract.identity import holds_identity_number
from features.errors import SourceError
from features.near import did_you_mean


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file: where it stands (the first below a header is row 1), and its cells."""

    file: str
    number: int
    cells: Cells


@dataclass
class Files:
    """The files of a folder, each read once when it is first asked for.

    Parameters
    ----------
    folder, city, report
        Where they are, how they are read, and where faults are counted.
    """

    folder: Path
    city: CityMap
    report: MapReport
    _rows: dict[str, list[Row] | None] = field(default_factory=dict)
    merged: Counter[str] = field(default_factory=Counter)
    read: set[str] = field(default_factory=set)

    def rows(self, alias: str, *, needed: bool = False) -> list[Row] | None:
        """Return the rows of a file, those alike in its ``unique`` columns merged; None where it is missing.

        Raises
        ------
        SourceError
            If it is missing though ``needed``, can't be read, or lacks a column; names the rule that reads it.
        """
        if alias not in self._rows:
            self._rows[alias] = self._load(alias)
        found = self._rows[alias]
        if found is None and needed:
            raise SourceError(f"{self.folder / self.city.files[alias].path}: not found; the map's file {alias!r}")
        return found

    def name(self, alias: str) -> str:
        """Name of a file as reports show it."""
        return self.city.files[alias].path

    def _load(self, alias: str) -> list[Row] | None:
        spec = self.city.files[alias]
        paths = sorted(self.folder.glob(spec.path)) if "*" in spec.path else [self.folder / spec.path]
        paths = [path for path in paths if path.is_file()]
        if not paths:
            self.report.missing.append(spec.path)
            return None
        rows: list[Row] = []
        for path in paths:
            self.read.add(path.name)
            rows += self._of(alias, spec, path)
        return self._once(alias, spec, rows)

    def _of(self, alias: str, spec: File, path: Path) -> list[Row]:
        asked = {column: place for place, file, column in reversed(list(self.city.reads())) if file == alias}
        table = read_table(path, spec)
        for column, place in asked.items():
            if column not in table.column_names:
                meant = did_you_mean(column, table.column_names)
                raise SourceError(
                    f"{path}: no column {column!r}, which {place} reads; the file has {table.column_names}{meant}"
                )
        days = {column: spec.dates.get(column, Day()) for column in _days(self.city, alias)} | spec.dates
        columns = {c: self._column(path.name, c, table.column(c).to_pylist(), days, spec.numbers) for c in asked}
        return [
            Row(path.name, number, dict(zip(columns, cells, strict=True)))
            for number, cells in enumerate(zip(*columns.values(), strict=True), start=1)
        ]

    def _column(
        self, file: str, column: str, values: Iterable[Any], days: Mapping[str, Day], numbers: Sequence[str]
    ) -> list[Cell]:
        found: list[Cell] = []
        for number, value in enumerate(values, start=1):
            cell: Cell = None
            try:
                if isinstance(value, str) and holds_identity_number(value):
                    self.report.counts[PERSONS] += 1
                elif column in days:
                    cell = day(value, days[column])
                else:
                    cell = whole(value) if column in numbers else text(value)
            except Unreadable as expected:
                self.report.fault(Fault(file, column, number, str(expected)))
            found.append(cell)
        return found

    def _once(self, alias: str, spec: File, rows: list[Row]) -> list[Row]:
        """Keep one of the rows alike in the unique columns: the one known first, else of the least cells.

        A row known later must not change what was known before.
        """
        told = _told_on(self.city, alias)
        if not spec.unique:
            return rows
        first: dict[tuple[Cell, ...], Row] = {}
        for row in rows:
            key = tuple(row.cells[column] for column in spec.unique)
            if None in key:
                key = (*key, row.file, row.number)  # rows without the key are not alike
            before = first.setdefault(key, row)
            if before is not row:
                self.merged[alias] += 1
                first[key] = min(before, row, key=lambda each: _order(self.city.known_of(alias), told, each))
        return list(first.values())


def _told_on(city: CityMap, alias: str) -> list[str]:
    """Columns that say on which day what a row tells happened."""
    found = [e.day for e in city.events if e.file == alias]
    return [city.visits.day, *found] if alias == city.visits.file else found


def _order(known: Known, told: Sequence[str], row: Row) -> tuple[date, list[str]]:
    days = [cell for column in told if isinstance(cell := row.cells[column], date)]
    first = min((known_on(known, row.cells, each) for each in days), default=date.max)
    return first, [str(cell) for cell in row.cells.values()]


def _days(city: CityMap, alias: str) -> set[str]:
    """Columns that a rule reads as days."""
    found = {e.day for e in city.events if e.file == alias}
    found |= {e.ended for e in city.events if e.file == alias and e.ended}
    if alias == city.visits.file:
        found.add(city.visits.day)
    established = city.enterprise.established
    if isinstance(established, str):
        found |= {established} if alias == city.enterprise.file else set()
    elif established and established.file == alias:
        found.add(established.column)
    if column := city.known_of(alias).column:
        found.add(column)
    return found


def read_table(path: Path, spec: File) -> pa.Table:
    """Return a whole file as it is, of CSV every cell a text.

    Raises
    ------
    SourceError
        If it can't be read as what it is.
    """
    try:
        if path.suffix.lower() == ".parquet":
            return pq.read_table(path)
        read = pa_csv.ReadOptions(encoding=_codec(spec.encoding))
        parse = pa_csv.ParseOptions(delimiter=spec.separator, newlines_in_values=True)
        names = pa_csv.open_csv(path, read_options=read, parse_options=parse).schema.names
        as_text = pa_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, null_values=[""]
        )
        return pa_csv.read_csv(path, read_options=read, parse_options=parse, convert_options=as_text)
    except (pa.ArrowException, OSError, UnicodeDecodeError, LookupError) as err:
        kind = "Parquet" if path.suffix.lower() == ".parquet" else f"CSV file in {spec.encoding}"
        raise SourceError(f"{path}: not a readable {kind}: {err}") from err


def _codec(encoding: str) -> str:
    return "utf-8" if encoding.lower() in ("utf-8-sig", "utf8") else encoding
