"""CSV as text: every record kept, the unreadable ones with what is wrong with them.

A CSV file has no types, and a bad line must end in quarantine with its row number, not stop the
reading nor shift its neighbours. So the records are read by Python's own parser, in batches of
bounded size, and laid down as a Parquet file of text columns that SQL then reads like any other.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from features.check.encoding import bytes_fault, check_encoding
from features.contract.identity import masked
from features.errors import SourceError

BATCH_ROWS = 50_000

FIELD_LIMIT = 10_000_000
"""Longest field in characters. A quote that is never closed takes the rest of the file, which memory may not hold."""


@dataclass
class _Batch:
    """Records of equal width; by place in the batch, what made one unreadable and which lines are torn."""

    records: list[list[str]] = field(default_factory=list)
    faults: dict[int, str] = field(default_factory=dict)
    torn: dict[int, tuple[int, int]] = field(default_factory=dict)

    def mend(self, file: Path, encoding: str) -> None:
        """Put the text of torn lines into their record's first column, in one pass over the file."""
        if not self.torn:
            return
        at = 0
        with _open(file, encoding) as handle:
            for place, (start, stop) in self.torn.items():
                for _ in islice(handle, start - at):
                    pass
                self.records[place][0] = "".join(islice(handle, stop - start))
                at = stop

    def arrays(self) -> list[Any]:
        """Return the faults and then each column as Arrow text."""
        import pyarrow as pa

        faults = [self.faults.get(place) for place in range(len(self.records))]
        return [pa.array(values, pa.string()) for values in (faults, *zip(*self.records, strict=True))]

    def spell_bytes(self, fault: str) -> None:
        """Spell bytes that are no text as ``\\xNN``, and say so."""
        for place, record in enumerate(self.records):
            spelled = [_printable(text) for text in record]
            if spelled != record:
                self.records[place] = spelled
                self.faults.setdefault(place, fault)
        self.faults = {place: _printable(fault) for place, fault in self.faults.items()}


def csv_to_parquet(file: Path, target: Path, encoding: str | None = None) -> tuple[list[str], int]:
    """Lay a CSV file down as Parquet columns ``file_row``, ``fault``, ``c0``, ``c1``, …, all text.

    Comma-separated, double quotes, with or without a byte order mark, a header line. Blank lines are no records.

    Parameters
    ----------
    encoding
        What the source says: ``utf-8`` or ``gb18030``. Not said, it is read as UTF-8.

    Returns
    -------
    header, rows
        The column names and the number of records.

    Raises
    ------
    SourceError
        If there is no header, a column name stands in it twice, a quote is never closed, a field is too long, or the
        file is in another encoding than the source says.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    check_encoding(file, encoding)
    codec = "gb18030" if encoding == "gb18030" else "utf-8-sig"
    fault = ""
    with _open(file, codec) as handle, _long_fields():
        reader = csv.reader(handle, strict=True)
        header = _header(file, reader)
        texts = [(f"c{i}", pa.string()) for i in range(len(header))]
        schema = pa.schema([("file_row", pa.int64()), ("fault", pa.string()), *texts])
        rows = 0
        with pq.ParquetWriter(target, schema, compression="lz4") as writer:
            for batch in _batches(file, reader, len(header)):
                batch.mend(file, codec)
                try:
                    arrays = batch.arrays()
                except UnicodeEncodeError:
                    fault = fault or bytes_fault(file, encoding)
                    batch.spell_bytes(fault)
                    arrays = batch.arrays()
                numbers = pa.array(range(rows + 1, rows + len(batch.records) + 1), pa.int64())
                writer.write_table(pa.table([numbers, *arrays], schema=schema))
                rows += len(batch.records)
    return header, rows


def _open(file: Path, encoding: str) -> TextIO:
    return file.open(encoding=encoding, errors="surrogateescape", newline="")


@contextmanager
def _long_fields() -> Iterator[None]:
    """Let fields be longer than the parser's 131,072 characters; its limit is the whole process's, so put it back."""
    before = csv.field_size_limit(FIELD_LIMIT)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _header(file: Path, reader: Any) -> list[str]:
    try:
        names: list[str] = next(reader, [])
    except csv.Error:
        names = []
    if not names:
        raise SourceError(f"{file}: no header line; expected the column names, separated by commas")
    header = [_printable(name.strip().removeprefix("\ufeff")) or f"column {i}" for i, name in enumerate(names, 1)]
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise SourceError(f"{file}: the header names {list(map(masked, twice))} twice; expected each column once")
    return header


def _batches(file: Path, reader: Any, width: int) -> Iterator[_Batch]:
    """Yield the records in batches, each cut or filled to the header's width."""
    batch = _Batch()
    line = reader.line_num
    ended = False
    while not ended:
        try:
            for fields in reader:
                line = reader.line_num
                if len(fields) != width:
                    if not fields:
                        continue
                    batch.faults[len(batch.records)] = _misfit(fields, width)
                    fields = (fields + [""] * width)[:width]
                batch.records.append(fields)
                if len(batch.records) == BATCH_ROWS:
                    yield batch
                    batch = _Batch()
            ended = True
        except csv.Error as err:
            # At the end of the file a quote is open, or a field has no end in sight: the rest can't be told apart.
            if "end of data" in str(err):
                raise SourceError(
                    f"{file}: the record that starts in line {line + 1} opens a quote that is never closed; "
                    "expected CSV with every quoted field closed"
                ) from err
            if "field limit" in str(err):
                raise SourceError(
                    f"{file}: the record that starts in line {line + 1} has a field of more than {FIELD_LIMIT:,} "
                    "characters; expected shorter ones (is a quote opened there that is closed far below, or never?)"
                ) from err
            batch.faults[len(batch.records)] = f"line {line + 1} is not CSV: {err}; its text is in the first column"
            batch.torn[len(batch.records)] = line, reader.line_num
            batch.records.append([""] * width)
            line = reader.line_num
    if batch.records:
        yield batch


def _misfit(fields: list[str], width: int) -> str:
    fault = f"the row has {len(fields)} fields, expected {width} as in the header"
    if len(fields) > width:
        fault += "; beyond those: " + ", ".join(f"'{text}'" for text in fields[width:])
    return fault


def _printable(text: str) -> str:
    if text.isascii():
        return text
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
