"""Adapter of the Beijing folder: it writes a contract folder, with an account of every row."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from features.adapters.beijing.entities import enterprise_id, resolve
from features.adapters.beijing.inspections import INSPECTIONS, merge_visits
from features.adapters.beijing.others import LEFT_OUT, OTHERS
from features.adapters.beijing.penalties import PENALTIES, merge_decisions
from features.adapters.beijing.registrations import DIRECTORY, Placed, in_directory_early, registrations
from features.adapters.beijing.rows import Cells, Draft, SourceFile, Unmappable
from features.adapters.options import inspections_named
from features.adapters.report import PERSONS, AdapterReport, FileReport
from features.adapters.write import write_records
from features.contract.identity import holds_identity_number
from features.contract.manifest import Coverage, Manifest, write_manifest
from features.errors import SourceError
from features.given import PathLike, as_path


def _first(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return dict(rows[0])


def adapt_beijing(source: PathLike, out: PathLike, *, inspections: Sequence[str] | str = ()) -> AdapterReport:
    """Write the Beijing records as a contract folder.

    Only the inspection files named in ``inspections`` become inspections, so that a violation means
    one thing within an experiment; penalties, licences, complaints, credit evaluations and tax
    blacklist entries come from every dated file. Undated files feed nothing.

    **Nothing known before a day depends on a row known from that day on**: who is who
    (`features.adapters.beijing.entities`), and name, code, type, region, industry and year of an
    enterprise, which are versions of its ``registration``, each known when the row that told it was.

    **The one exception, and what is assumed** [K]. The sources hold no register, so ``registration`` is
    made from sightings, and the first visit, in the chosen files, to an enterprise that nothing has shown
    by then counts as a sighting on the day before the month of that visit, because an authority has the
    places it inspects in its directory before it goes there. So at a cut-off the cohort holds, besides
    the enterprises seen before, those first visited in the month before (results not known yet) or in
    the month that begins; no indicator of any other enterprise feels it. Of the culture and press
    files' cohort at 2024-01-01, 120 of 36,428 enterprises are there by it alone. The date of
    establishment is the day of approval where the 2023 register is the first to show an enterprise, else
    the year in which codes of that series were given out; a visited place of which nothing tells the
    year counts as older than the source. Name and code carry no outcome.

    Parameters
    ----------
    source
        Folder with the published Parquet files; files that are missing are said in the report, but
        the chosen inspection files must be there.
    out
        Folder to write: one Parquet file a table, and the manifest.
    inspections
        Names from `features.adapters.beijing.inspections.INSPECTIONS`, such as ``["culture"]``.

    Returns
    -------
    AdapterReport
        Every source row is mapped, merged or unmapped with a reason.

    Raises
    ------
    ConfigError
        If ``inspections`` is missing or names no known file.
    SourceError
        If the folder or a chosen file is missing, can't be read, or lacks a column.
    """
    source, out = as_path(source, "source folder"), as_path(out, "folder to write")
    asked = inspections_named(inspections, INSPECTIONS)
    visits = [INSPECTIONS[name] for name in asked]
    report = AdapterReport("Beijing open government data")
    _require(source, visits)
    specs = [*visits, *PENALTIES, *OTHERS]
    drafts = [d for i, spec in enumerate(specs) for d in _read(source, spec, i, report)]
    placed = _place(drafts, report)
    tables, lags = _records(placed, report)
    tables["registration"] = registrations(placed)
    _leave_out(source, {s.file for s in specs}, report)

    out.mkdir(parents=True, exist_ok=True)
    for table, rows in sorted(tables.items()):
        report.tables[table] = write_records(out, table, rows)
    report.counts["enterprises"] = len({p.entity for p in placed})
    early = in_directory_early(placed, tables["registration"])
    report.counts["enterprises known by their first visit before its row was"] = early
    last = max((r["known_at"] for rows in tables.values() for r in rows), default=date(1970, 1, 1))
    names = ", ".join(asked)
    write_manifest(
        Manifest(source=f"{report.source}: inspections {names}", as_of=last, tables=_cover(tables, lags)), out
    )
    return report


def _require(source: Path, visits: Sequence[SourceFile]) -> None:
    absent = [f"{s.file}.parquet" for s in visits if not (source / f"{s.file}.parquet").is_file()]
    if absent:
        there = sorted(p.name for p in source.glob("insp_*.parquet")) if source.is_dir() else "no such folder"
        raise SourceError(f"{source}: inspection files {absent} not found; inspection files there: {there}")


def _cells(path: Path, columns: Sequence[str]) -> Iterator[Cells]:
    """Rows of a file as text; columns the file lacks are named in the error."""
    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError) as err:
        raise SourceError(f"{path}: not a readable Parquet file: {err}") from err
    lacking = [c for c in columns if c not in table.column_names]
    if lacking:
        raise SourceError(f"{path}: columns {lacking} expected, found {table.column_names}")
    # Files may come with typed columns one day; the readers expect what is published: text.
    for row in table.to_pylist():
        yield {k: None if v is None else str(v) for k, v in row.items()}


def _read(
    source: Path, spec: SourceFile, number: int, report: AdapterReport
) -> Iterator[tuple[Draft, SourceFile, tuple[int, int]]]:
    path = source / f"{spec.file}.parquet"
    if not path.is_file():
        report.missing.append(path.name)
        return
    account = FileReport(path.name, spec.table, lag_days=spec.lag_days, lag_source=spec.lag_source)
    report.files.append(account)
    for line, row in enumerate(_cells(path, spec.columns)):
        account.rows_in += 1
        report.counts[PERSONS] += sum(holds_identity_number(row[column] or "") for column in spec.columns)
        try:
            draft = spec.parse(row)
        except Unmappable as reason:
            account.unmapped[str(reason)] += 1
        else:
            report.counts[f"codes {draft.code.quality}"] += 1
            yield draft, spec, (number, line)


def _place(drafts: Sequence[tuple[Draft, SourceFile, tuple[int, int]]], report: AdapterReport) -> list[Placed]:
    """Give every draft its enterprise and put all in the order in which they became known."""
    keys, unclear, resolver = resolve([(d.known, d.name, d.code) for d, _, _ in drafts])
    report.counts.update(resolver.counts)
    report.counts["rows with an ambiguous name and no code"] = sum(unclear)
    placed = [Placed(d.known, at, key, d, source) for (d, source, at), key in zip(drafts, keys, strict=True)]
    return sorted(placed, key=lambda p: (p.known, p.order))


def _records(placed: Sequence[Placed], report: AdapterReport) -> tuple[dict[str, list[dict[str, Any]]], dict[str, int]]:
    """Merge rows of one record; count each row as mapped (the first known) or merged (the others)."""
    groups: defaultdict[tuple[str, str, str], list[Placed]] = defaultdict(list)
    for p in placed:
        groups[p.source.table, p.entity, p.draft.key].append(p)
    accounts = {f.file: f for f in report.files}
    tables: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    lags: Counter[str] = Counter()
    for (table, entity, key), rows in groups.items():
        first = rows[0]
        accounts[f"{first.source.file}.parquet"].mapped += 1
        for other in rows[1:]:
            accounts[f"{other.source.file}.parquet"].merged += 1
        lags[table] = max(lags[table], first.source.lag_days)
        if table == "registration":
            continue
        tables[table].extend(_versions(table, entity, key, rows))
    return dict(tables), dict(lags)


def _versions(table: str, entity: str, key: str, rows: Sequence[Placed]) -> Iterator[dict[str, Any]]:
    """One version for each day on which the merged values changed: nothing is known before its day."""
    merge = _MERGE.get(table, _first)
    common = {
        "record_id": hashlib.sha256(f"{table}|{entity}|{key}".encode()).hexdigest()[:20],
        "enterprise_id": enterprise_id(entity),
        "occurred_at": rows[0].draft.occurred,
        "record_state": "active",
    }
    before: dict[str, Any] | None = None
    version = 0
    for known in sorted({r.known for r in rows}):
        values = merge([r.draft.values for r in rows if r.known <= known])
        if values == before:
            continue
        before, version = values, version + 1
        flat = {k: ";".join(v) if isinstance(v, list) else v for k, v in values.items()}
        yield {**common, **flat, "version": version, "known_at": known}


def _leave_out(source: Path, read: set[str], report: AdapterReport) -> None:
    for path in sorted(source.glob("*.parquet")):
        if path.stem in read:
            continue
        why = LEFT_OUT.get(path.stem, "file not known to the adapter")
        if path.stem not in LEFT_OUT and path.stem.startswith("insp_"):
            why = "inspections of another kind, not named by the experiment"
        try:
            rows = pq.read_metadata(path).num_rows
        except (pa.ArrowException, OSError) as err:
            raise SourceError(f"{path}: not a readable Parquet file: {err}") from err
        report.left_out[path.name] = (rows, why)


_MERGE: dict[str, Callable[[Sequence[Mapping[str, Any]]], dict[str, Any]]] = {
    "inspections": merge_visits,
    "penalties": merge_decisions,
}
"""How the rows of one record become one; elsewhere the first known row counts."""

_NOTES = {
    "registration": f"made from sightings: {DIRECTORY}; all else is known when the row that tells it is; industry"
    " (to the GB/T 4754 class where words of the name tell it) and date of establishment (from the series of the"
    " code) are guesses",
    "inspections": "only the files named by the experiment; one enterprise, file and day is one visit",
    "penalties": "several authorities and districts, each over its own years: 0 means none published here",
    "licences": "licences valid when the file was made; earlier ones are missing",
    "complaints": "one platform's green channel; many enterprises appear by brand name only",
    "blacklists": "major tax violations by month of publication, which counts as its last day",
    "credit_evaluations": "research institutions only",
}


def _cover(tables: Mapping[str, Sequence[Mapping[str, Any]]], lags: Mapping[str, int]) -> dict[str, Coverage]:
    """Coverage by table: from the first day of the month of the earliest record."""
    return {
        table: Coverage(
            covers_from=min(r["occurred_at"] for r in rows).replace(day=1),
            lag_days=lags.get(table, 0),
            note=_NOTES[table],
        )
        for table, rows in tables.items()
        if rows
    }
