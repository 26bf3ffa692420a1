"""Check of a whole source folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Protocol

import duckdb

from features.check.days import refuse_moments, time_oddities
from features.check.files import find_tables
from features.check.oddities import clean_oddities, file_oddities, left_out_oddities, mended_oddities, orphans
from features.check.reading import literal, source_open
from features.check.report import CheckReport, Oddity, TableReport
from features.check.table import check_table
from features.contract import TABLES
from features.contract.manifest import MANIFEST_NAME, Coverage, Form, Manifest, read_manifest, write_manifest
from features.contract.uscc import teach
from features.errors import SourceError
from features.given import DayLike, PathLike, as_day, as_path
from features.places import check_apart, check_place
from features.records.store import no_bar

REPORT_NAME = "report.json"


@dataclass(frozen=True)
class Checked:
    """What a check found of one table."""

    report: TableReport
    oddities: tuple[Oddity, ...]


class Kept(Protocol):
    """What an earlier check left, as `features.check.again` keeps it."""

    def take(
        self, con: duckdb.DuckDBPyConnection, file: Path, name: str, said: Coverage, as_of: date, work: Path
    ) -> Checked | None:
        """Put an unchanged table's files into ``work``; None: it must be read."""

    def write(self, tables: dict[str, Checked], said: dict[str, Coverage], files: dict[str, Path], day: date) -> None:
        """Keep what this check found."""


def check_folder(
    folder: PathLike,
    as_of: DayLike,
    out: PathLike,
    *,
    memory_limit: str | None = None,
    threads: int | None = None,
    progress: Callable[[str], None] | None = None,
    earlier: Kept | None = None,
) -> CheckReport:
    """Check the tables of a source folder against the contract and write what may be used.

    One table is held at a time, in a database on disk beside ``out``; so the memory needed does not
    grow with the number of enterprises.

    Parameters
    ----------
    folder
        Folder of ``<table>.parquet`` or ``<table>.csv`` files, with or without ``manifest.json``.
    as_of
        Day the records were taken: what is known or occurs later can't be true.
    out
        Folder for ``clean/<table>.parquet`` with ``manifest.json``, ``quarantine/<table>.parquet`` and
        ``report.json``. What an earlier check left there is replaced, once the new one is complete.
    memory_limit, threads
        Bounds for DuckDB, such as ``"2GB"``; None leaves its own.
    progress
        Called with the name of each table before it is read.
    earlier
        What an earlier check left in ``out``; see `features.check.again.check_again`.

    Returns
    -------
    CheckReport
        The same that stands in ``report.json``.

    Raises
    ------
    SourceError
        If a file can't be read as its table at all (see `find_tables`, `open_source` and `refuse_moments`), the
        manifest is wrong, or ``out`` would overwrite the source. Nothing is replaced then.
    ConfigError
        If ``out`` is in the source folder, or can't be written.

    Examples
    --------
    With ``source`` a source folder and ``out`` one to write to:

    >>> report = check_folder(source, date(2026, 1, 1), out)
    >>> report.ok, (out / "clean" / "manifest.json").is_file()
    (True, True)
    """
    folder, out = as_path(folder, "source folder"), as_path(out, "folder to write")
    as_of = as_day(as_of, "as_of")
    files, strangers = find_tables(folder)
    check_apart(out, folder)
    check_place(out)
    manifest = read_manifest(folder)
    if folder.resolve() in {(out / "clean").resolve(), (out / "quarantine").resolve()}:
        raise SourceError(f"{out}: the clean tables would overwrite their source {folder}; choose another folder")
    work = out / ".checking"
    shutil.rmtree(work, ignore_errors=True)
    for part in ("clean", "quarantine", "spill"):
        (work / part).mkdir(parents=True)
    try:
        settings = _settings(work / "spill", memory_limit, threads)
        with duckdb.connect(str(work / "stage.duckdb"), config=settings) as con:
            no_bar(con)
            teach(con)
            con.execute("SET TimeZone = 'UTC'")  # as a time with a zone stands in the quarantine, on every machine
            found, coverages = _check_tables(con, files, manifest, as_of, work, progress, earlier)
        odd = tuple(each for one in found.values() for each in one.oddities)
        result = CheckReport(as_of, {name: one.report for name, one in found.items()}, odd)
        oddities = (*strangers, *result.warnings, *_manifest_oddities(manifest, coverages, as_of))
        result = replace(result, warnings=oddities)
        # Asked for a later day than the source was taken on, the records are no newer for it.
        taken = min(as_of, manifest.as_of or as_of)
        write_manifest(Manifest(source=manifest.source, as_of=taken, tables=coverages), work / "clean")
        _publish(work, out, result)
        if earlier is not None:
            earlier.write(found, {name: manifest.coverage(name) for name in found}, files, as_of)
    finally:
        shutil.rmtree(work)
    return result


def _check_tables(
    con: duckdb.DuckDBPyConnection,
    files: dict[str, Path],
    manifest: Manifest,
    as_of: date,
    work: Path,
    progress: Callable[[str], None] | None,
    earlier: Kept | None,
) -> tuple[dict[str, Checked], dict[str, Coverage]]:
    """Check one table after the other into ``work``; return what was found of each, and its coverage."""
    tables: dict[str, Checked] = {}
    coverages: dict[str, Coverage] = {}
    # The contract's first table is registration, so the others find it clean.
    for name, file in files.items():
        if progress:
            progress(name)
        kept = earlier.take(con, file, name, manifest.coverage(name), as_of, work) if earlier else None
        tables[name] = kept or _check_one(con, name, file, manifest, as_of, work)
        coverages[name] = _coverage(con, work / "clean" / f"{name}.parquet", manifest.coverage(name))
    return tables, coverages


def _check_one(
    con: duckdb.DuckDBPyConnection, name: str, file: Path, manifest: Manifest, as_of: date, work: Path
) -> Checked:
    """Read one table's file and divide its rows."""
    clean = work / "clean" / f"{name}.parquet"
    registration = work / "clean" / "registration.parquet"
    with source_open(con, name, file, work, manifest) as source:
        refuse_moments(source)
        report = check_table(con, source, as_of, clean, work / "quarantine" / f"{name}.parquet", registration)
        rows, enterprises = orphans(con, clean, registration)
        oddities = (
            *file_oddities(source), *time_oddities(con, source), *left_out_oddities(con, name),
            *mended_oddities(con, name), *clean_oddities(con, name, clean),
        )  # fmt: skip
    return Checked(replace(report, orphans=rows, orphan_enterprises=enterprises), oddities)


def _settings(
    spill: Path, memory_limit: str | None, threads: int | None
) -> dict[str, str | bool | int | float | list[str]]:
    settings: dict[str, str | bool | int | float | list[str]] = {
        "temp_directory": str(spill),
        "preserve_insertion_order": True,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    if memory_limit:
        settings["memory_limit"] = memory_limit
    if threads:
        settings["threads"] = threads
    return settings


def _coverage(con: duckdb.DuckDBPyConnection, clean: Path, said: Coverage) -> Coverage:
    """Complete what the source says of a table: without a word, it covers from its earliest known_at.

    How the source is written is left out: the clean table is written as the contract has it.
    """
    said = said.model_copy(update=dict.fromkeys(Form.model_fields))
    if said.covers_from:
        return said
    [(earliest,)] = con.execute(f"SELECT min(known_at) FROM read_parquet({literal(str(clean))})").fetchall()
    return said.model_copy(update={"covers_from": earliest, "inferred": True})


def _manifest_oddities(manifest: Manifest, coverages: dict[str, Coverage], as_of: date) -> list[Oddity]:
    found = []
    for name in sorted(set(manifest.tables) - set(coverages)):
        found.append(Oddity(name, "manifest_without_table", f"{MANIFEST_NAME} tells of a table that is not there"))
    for name, coverage in coverages.items():
        if coverage.covers_from is None:
            text = "empty, and the manifest doesn't say from when it covers: it counts as covering nothing"
            found.append(Oddity(name, "coverage_unknown", text))
        elif coverage.inferred:
            text = f"covers_from {coverage.covers_from} is inferred from the earliest known_at, not said by the source"
            found.append(Oddity(name, "coverage_inferred", text))
        elif coverage.covers_from > as_of:
            text = f"covers_from {coverage.covers_from} is after --as-of {as_of}: it covers nothing yet"
            found.append(Oddity(name, "coverage_after_as_of", text))
    if manifest.as_of and manifest.as_of != as_of:
        text = f"{MANIFEST_NAME} says as_of {manifest.as_of}, the check was asked for {as_of}"
        found.append(Oddity("", "other_as_of", text))
    return found


def _publish(work: Path, out: Path, report: CheckReport) -> None:
    """Put the finished files in the place of an earlier check's; strangers in ``out`` are left alone."""
    for part in ("clean", "quarantine"):
        target = out / part
        target.mkdir(exist_ok=True)
        from_before = {f"{name}.parquet" for name in (*report.tables, *report.missing_tables)} | {MANIFEST_NAME}
        for path in target.iterdir():
            if path.name in from_before:
                path.unlink()
        for path in sorted((work / part).iterdir()):
            path.replace(target / path.name)
    text = json.dumps(report.as_dict(), ensure_ascii=False, indent=2)
    (out / REPORT_NAME).write_text(text + "\n", encoding="utf-8")


def check_required(report: CheckReport, folder: Path) -> None:
    """Refuse to go on with records whose register, or another required table, has no usable row.

    The check itself writes such rows to quarantine, to be looked at; whoever computes from what is left calls this.

    Raises
    ------
    SourceError
        With the numbers and the commonest reasons.
    """
    for name, found in report.tables.items():
        if TABLES[name].required and not found.kept:
            raise SourceError(
                f"{folder}: the required table {name} ({TABLES[name].zh}) has no usable row: {found.fate}; "
                "`fenlei check` writes them with their reasons"
            )
