"""Rows of the month's indicator table, kept for reading one: made once from a table, never changed, swapped whole.

Parquet is made for reading columns: one row of it costs tens of milliseconds. Beside the table stands a folder with the
same cells by row: a matrix of float64, read at one row's place; sorted hashes of enterprise ids and of social credit
codes, memory-mapped; and one line of JSON a row with id, code and evidence. Opening looks at sizes only, however many
enterprises there are, and what is read stays out of the service's own memory. The folder's name is the table's SHA-256
with that of the columns, so it can't be taken for another month's.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import weakref
from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from features.catalogue.evidence import EVIDENCE
from features.contract.uscc import repair
from features.errors import SourceError
from models.arrays import Floats
from serving.current.files import signature

FORMAT = 1
ABOUT, VALUES, TEXTS, ENDS = "about.json", "values.f64", "texts.jsonl", "ends.npy"
IDS, CODES = ("ids.npy", "ids_at.npy"), ("codes.npy", "codes_at.npy")
BATCH = 16_384
"""Rows of the table read at a time while the folder is made."""


@dataclass(frozen=True)
class Line:
    """Whom a row is of, and which records hit the direct rules (None: not looked at)."""

    enterprise_id: str
    code: str | None
    evidence: Mapping[str, str | None]


class RowStore:
    """A folder of rows, open for reading by any number of threads.

    Parameters
    ----------
    folder
        As `rows_of_table` makes it.

    Raises
    ------
    SourceError
        If a file is missing or has another size than was written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            about: dict[str, Any] = json.loads((folder / ABOUT).read_bytes())
            if about["format"] != FORMAT:
                raise ValueError(f"format {about['format']}, not {FORMAT}")
            for name, size in about["sizes"].items():
                if (folder / name).stat().st_size != size:
                    raise ValueError(f"{name} has another size than was written")
            self.rows, self.width = int(about["rows"]), int(about["width"])
            self._ids, self._ids_at = (np.load(folder / name, mmap_mode="r") for name in IDS)
            self._codes, self._codes_at = (np.load(folder / name, mmap_mode="r") for name in CODES)
            self._ends = np.load(folder / ENDS, mmap_mode="r")
            self._values = os.open(folder / VALUES, os.O_RDONLY)
            weakref.finalize(self, os.close, self._values)
            self._texts = os.open(folder / TEXTS, os.O_RDONLY)
            weakref.finalize(self, os.close, self._texts)
        except (OSError, ValueError, KeyError, TypeError) as err:
            raise SourceError(f"{folder} holds no rows of an indicator table: {err}") from err

    def place_of(self, enterprise_id: str) -> int | None:
        """Return where an enterprise stands, None where it does not."""
        return next(
            (k for k in _under(self._ids, self._ids_at, enterprise_id) if self.line(k).enterprise_id == enterprise_id),
            None,
        )

    def places_with(self, code: str) -> list[int]:
        """Return where the enterprises registered under a code stand, by id; spelled as `uscc.repair` does."""
        return sorted(k for k in _under(self._codes, self._codes_at, code) if self.line(k).code == code)

    def line(self, place: int) -> Line:
        """Return whom a row is of, and its evidence."""
        start = int(self._ends[place - 1]) if place else 0
        enterprise_id, code, said = json.loads(os.pread(self._texts, int(self._ends[place]) - start, start))
        return Line(enterprise_id, code, {**_NONE_HIT, **said} if said else _NONE_HIT)

    def values(self, places: Sequence[int]) -> Floats:
        """Return the indicators of rows, float64 [n, width]; NaN is unknown."""
        out = np.empty((len(places), self.width))
        size = self.width * 8
        for row, place in zip(out, places, strict=True):
            # Read, not mapped: a month that has been asked about would else stay in this process's memory.
            cells = os.pread(self._values, size, place * size)
            if len(cells) != size:
                raise SourceError(f"{self.folder / VALUES} is shorter than it was")
            row[:] = np.frombuffer(cells)
        return out


_NONE_HIT: Mapping[str, str | None] = dict.fromkeys(EVIDENCE, "")


def rows_of_table(table: Path, columns: Sequence[str], home: Path | None = None) -> RowStore:
    """Open the rows of an indicator table, and make them first where they are not there.

    Parameters
    ----------
    table
        Parquet file of `fenlei features`.
    columns
        Indicators in the order that the matrix is to have; one that the table lacks is unknown.
    home
        Folder to keep them in; beside the table by default.

    Raises
    ------
    SourceError
        If the table can't be read, or the rows can't be written there.
    """
    home = home or table.with_name(f".{table.name}.rows")
    seen = signature(table)
    wanted = hashlib.sha256(json.dumps([FORMAT, list(columns), list(EVIDENCE)]).encode()).hexdigest()[:16]
    noted = home / f"{wanted}.json"
    # The table's own hash takes as long as reading it: it is taken once, and noted for the file as it is.
    with suppress(OSError, ValueError, KeyError, TypeError, SourceError):
        note = json.loads(noted.read_bytes())
        if seen is not None and tuple(note["signature"]) == seen:
            return RowStore(home / str(note["folder"]))
    try:
        digest = _sha256(table)
        name = f"{digest[:24]}-{wanted}"
        home.mkdir(parents=True, exist_ok=True)
        try:
            store = RowStore(home / name)
        except SourceError:
            store = _made(table, columns, home, name)
        _note(noted, {"signature": seen, "folder": name, "table_sha256": digest})
    except OSError as err:
        raise SourceError(f"rows of {table} can't be kept in {home}: {err}") from err
    for other in home.iterdir():
        # Whoever still reads an older month has its files open.
        if other.is_dir() and other.name.endswith(f"-{wanted}") and other.name != name:
            shutil.rmtree(other, ignore_errors=True)
    return store


def _under(hashes: NDArray[np.uint64], places: NDArray[np.int64], text: str) -> list[int]:
    """Return the places of rows whose text has this hash: nearly always one or none."""
    wanted = np.uint64(_hash(text))
    first = int(np.searchsorted(hashes, wanted))
    out = []
    while first < len(hashes) and hashes[first] == wanted:
        out.append(int(places[first]))
        first += 1
    return out


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _note(path: Path, said: Mapping[str, object]) -> None:
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
        file.write(json.dumps(said))
    Path(file.name).replace(path)


def _made(table: Path, columns: Sequence[str], home: Path, name: str) -> RowStore:
    """Write a folder under another name and move it into place: nobody finds one half written."""
    fresh = Path(tempfile.mkdtemp(dir=home, prefix=".new-"))
    try:
        _write(table, columns, fresh)
        shutil.rmtree(home / name, ignore_errors=True)
        with suppress(OSError):  # another worker was first: its folder holds the same
            fresh.rename(home / name)
        return RowStore(home / name)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _write(table: Path, columns: Sequence[str], folder: Path) -> None:
    ids, codes, with_code, ends = array("Q"), array("Q"), array("q"), array("q")
    end = rows = 0
    with (folder / VALUES).open("wb") as values, (folder / TEXTS).open("wb") as texts:
        for matrix, lines in _batches(table, columns):
            values.write(matrix.tobytes())
            for enterprise_id, code, said in lines:
                ids.append(_hash(enterprise_id))
                if code:
                    codes.append(_hash(code))
                    with_code.append(rows)
                end += texts.write(
                    json.dumps([enterprise_id, code, said], ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
                )
                ends.append(end)
                rows += 1
    for names, hashes, places in (
        (IDS, np.asarray(ids, dtype=np.uint64), np.arange(rows)),
        (CODES, np.asarray(codes, dtype=np.uint64), np.asarray(with_code, dtype=np.int64)),
    ):
        order = np.argsort(hashes, kind="stable")
        np.save(folder / names[0], hashes[order])
        np.save(folder / names[1], places[order].astype(np.int64))
    np.save(folder / ENDS, np.asarray(ends, dtype=np.int64))
    sizes = {path.name: path.stat().st_size for path in sorted(folder.iterdir())}
    about = {"format": FORMAT, "rows": rows, "width": len(columns), "sizes": sizes}
    (folder / ABOUT).write_text(json.dumps(about), encoding="utf-8")


def _spelled(code: str | None) -> str | None:
    """Return a code as `repair` spells it; most are well spelled, and looking at every sign takes long."""
    return code if code is None or (code.isascii() and code.isalnum() and code.isupper()) else repair(code) or None


_Said = dict[str, str | None]


def _batches(table: Path, columns: Sequence[str]) -> Iterator[tuple[Floats, list[tuple[str, str | None, _Said]]]]:
    """Yield the table's matrix and lines; evidence is said only where a rule was hit or not looked at."""
    try:
        with pq.ParquetFile(table) as file:
            there = set(file.schema_arrow.names)
            held = [name for name in columns if name in there]
            at = [list(columns).index(name) for name in held]
            for batch in file.iter_batches(BATCH, columns=["enterprise_id", "uscc", *held, *EVIDENCE]):
                matrix = np.full((batch.num_rows, len(columns)), np.nan)
                for k, name in zip(at, held, strict=True):
                    matrix[:, k] = batch.column(name).to_numpy(zero_copy_only=False)
                evidence: list[_Said] = [{} for _ in range(batch.num_rows)]
                for name in EVIDENCE:
                    for said, text in zip(evidence, batch.column(name).to_pylist(), strict=True):
                        if text != "":
                            said[name] = text
                # A table made before codes were mended holds them as they came.
                codes = [_spelled(code) for code in batch.column("uscc").to_pylist()]
                yield matrix, list(zip(batch.column("enterprise_id").to_pylist(), codes, evidence, strict=True))
    except (pa.ArrowException, OSError) as err:
        raise SourceError(f"indicator table {table} can't be read: {err}") from err
