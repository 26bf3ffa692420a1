"""Files of a source folder: which is which table, and which is only almost named so."""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path

from features.check.report import Oddity
from features.contract import TABLES
from features.contract.identity import masked
from features.contract.manifest import MANIFEST_NAME
from features.errors import SourceError

SUFFIXES = (".parquet", ".csv")
_DATA = {
    *SUFFIXES, "", ".avro", ".dat", ".feather", ".gz", ".json", ".jsonl", ".orc", ".parq", ".pq", ".tsv", ".txt",
    ".xls", ".xlsx", ".zip",
}  # fmt: skip
"""Endings of files that may hold rows; a page or a script of a table's name holds none."""

_ALIKE = 0.75
"""Likeness from which a name is taken for a slip: ``penalty`` and ``taxes`` are just so like their tables' names."""


def find_tables(folder: Path) -> tuple[dict[str, Path], list[Oddity]]:
    """Return the table files of a folder, in contract order, and what is odd about the other files.

    Raises
    ------
    SourceError
        If the folder doesn't exist, has no table of the contract, lacks a required table, or has
        one table both as Parquet and as CSV.
    """
    if not folder.is_dir():
        raise SourceError(f"{folder}: no such folder; expected one with files like registration.parquet")
    found: dict[str, Path] = {}
    other: list[Path] = []
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.suffix in SUFFIXES and path.stem in TABLES:
            if path.stem in found:
                raise SourceError(
                    f"{folder}: table {path.stem} is there twice, as {found[path.stem].name} and as "
                    f"{path.name}; remove one"
                )
            found[path.stem] = path
        elif path.name != MANIFEST_NAME and not path.name.startswith("."):
            other.append(path)
    oddities = [_oddity(path, found) for path in other]
    if not found:
        raise SourceError(
            f"{folder}: no table of the contract here; expected files named <table>.parquet or <table>.csv "
            f"with <table> one of {', '.join(TABLES)}" + _slips(oddities)
        )
    for table in TABLES.values():
        if table.required and table.name not in found:
            slips = [odd for path, odd in zip(other, oddities, strict=True) if _meant(path) == table.name]
            raise SourceError(
                f"{folder}: the required table {table.name} ({table.zh}) is missing; "
                f"expected {table.name}.parquet or {table.name}.csv" + _slips(slips)
            )
    return {name: found[name] for name in TABLES if name in found}, oddities


def _slips(oddities: list[Oddity]) -> str:
    return "".join(f"; {odd.text}" for odd in oddities if odd.kind == "misnamed_file")


def _oddity(path: Path, found: dict[str, Path]) -> Oddity:
    name = _meant(path)
    if name is None:
        return Oddity("", "unknown_file", f"{masked(path.name)!r} is no table of the contract; left out")
    ending = path.suffix.casefold()
    if name == MANIFEST_NAME:
        todo = f"name it {MANIFEST_NAME}"
    elif name in found:
        todo = f"{found[name].name} is there too: put their rows into one file, or move this one away"
    elif path.is_dir():
        todo = f"it is a folder, expected one file {name}.parquet or {name}.csv"
    elif ending in SUFFIXES:
        todo = f"name it {name}{ending}"
    else:
        todo = f"save it as {name}.parquet or {name}.csv"
    return Oddity("", "misnamed_file", f"{masked(path.name)!r} is left out: did you mean {name}? {todo}")


def _meant(path: Path) -> str | None:
    """Return the table, or the manifest, that a file's name is a slip for."""
    whole = path.name.casefold()
    stem = whole.partition(".")[0]
    if path.is_dir():
        return stem if stem in TABLES else None
    if get_close_matches(whole, [MANIFEST_NAME], cutoff=0.9):
        return MANIFEST_NAME
    if path.suffix.casefold() not in _DATA:
        return None
    # A whole word first: penalties_2024.csv and "penalties (1).csv" are parts or copies of that table.
    tabular = path.suffix.casefold() in SUFFIXES
    words = [name for name in TABLES if tabular and re.search(rf"(?<![a-z]){name}(?![a-z])", stem)]
    alike = [max(words, key=len)] if words else get_close_matches(stem, TABLES, n=1, cutoff=_ALIKE)
    return alike[0] if alike else None
