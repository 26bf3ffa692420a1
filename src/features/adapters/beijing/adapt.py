"""Reads the Beijing folder and writes a contract folder, with an account of every row."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from features.adapters.beijing.entities import Resolver, enterprise_id
from features.adapters.beijing.industry import (
    guess_established,
    guess_industry,
    guess_region,
    guess_type,
)
from features.adapters.beijing.inspections import chosen, merge_visits
from features.adapters.beijing.others import LEFT_OUT, OTHERS
from features.adapters.beijing.penalties import PENALTIES, merge_decisions
from features.adapters.beijing.rows import Cells, Draft, Source, Unmappable
from features.adapters.folder import write_table
from features.adapters.report import AdapterReport, FileReport
from features.errors import SourceError
from features.manifest import Coverage, Manifest, write_manifest


def _first(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return dict(rows[0])


@dataclass(frozen=True, slots=True)
class _Placed:
    """A draft with its enterprise, ordered by when it became known, then by file and row."""

    known: date
    order: tuple[int, int]
    entity: str
    draft: Draft
    source: Source


def adapt_beijing(source: Path, out: Path, *, inspections: Sequence[str]) -> AdapterReport:
    """Write the Beijing records as a contract folder.

    Only the inspection files named in ``inspections`` become inspections, so that a violation means
    one thing within an experiment; penalties, licences, complaints, credit evaluations and tax
    blacklist entries come from every dated file. Undated files feed nothing.

    **What is assumed** [K]. The sources hold no register, so ``registration`` is made from sightings:
    an enterprise that is ever inspected counts as registered, and known, since the day before the
    month of the first visit in the chosen files, because an authority has the places it inspects in
    its directory before it goes there; any other enterprise since it was first seen. An approval date
    of the 2023 register is used instead where it precedes the month of the first visit. The date of
    establishment is otherwise the year in which codes of that series were given out, if that is
    earlier. Name, code, type, region, industry and year are told by the name and the code alone,
    which carry no outcome.

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
        If ``inspections`` names no known file.
    SourceError
        If the folder or a chosen file is missing, can't be read, or lacks a column.
    """
    visits = chosen(inspections)
    report = AdapterReport("Beijing open government data")
    _require(source, visits)
    specs = [*visits, *PENALTIES, *OTHERS]
    drafts = [d for i, spec in enumerate(specs) for d in _read(source, spec, i, report)]
    placed = _place(drafts, report)
    tables, lags = _records(placed, report)
    tables["registration"] = _registrations(placed)
    _leave_out(source, {s.file for s in specs}, report)

    out.mkdir(parents=True, exist_ok=True)
    for table, rows in sorted(tables.items()):
        report.tables[table] = write_table(out, table, rows)
    report.counts["enterprises"] = report.tables["registration"]
    last = max((r["known_at"] for rows in tables.values() for r in rows), default=date(1970, 1, 1))
    names = ", ".join(inspections)
    write_manifest(
        Manifest(source=f"{report.source}: inspections {names}", as_of=last, tables=_cover(tables, lags)), out
    )
    return report


def _require(source: Path, visits: Sequence[Source]) -> None:
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
    source: Path, spec: Source, number: int, report: AdapterReport
) -> Iterator[tuple[Draft, Source, tuple[int, int]]]:
    path = source / f"{spec.file}.parquet"
    if not path.is_file():
        report.missing.append(path.name)
        return
    account = FileReport(path.name, spec.table, lag_days=spec.lag_days, lag_source=spec.lag_source)
    report.files.append(account)
    for line, row in enumerate(_cells(path, spec.columns)):
        account.rows_in += 1
        try:
            draft = spec.parse(row)
        except Unmappable as reason:
            account.unmapped[str(reason)] += 1
        else:
            report.counts[f"codes {draft.code.quality}"] += 1
            yield draft, spec, (number, line)


def _place(drafts: Sequence[tuple[Draft, Source, tuple[int, int]]], report: AdapterReport) -> list[_Placed]:
    """Give every draft its enterprise and put all in the order in which they became known."""
    resolver = Resolver((d.name, d.code) for d, _, _ in drafts)
    report.counts.update(resolver.counts)
    report.counts["rows with an ambiguous name and no code"] = sum(
        resolver.ambiguous(d.name, d.code) for d, _, _ in drafts
    )
    placed = [_Placed(d.known, at, resolver.key(d.name, d.code), d, s) for d, s, at in drafts]
    return sorted(placed, key=lambda p: (p.known, p.order))


def _records(
    placed: Sequence[_Placed], report: AdapterReport
) -> tuple[dict[str, list[dict[str, Any]]], dict[str, int]]:
    """Merge rows of one record; count each row as mapped (the first known) or merged (the others)."""
    groups: defaultdict[tuple[str, str, str], list[_Placed]] = defaultdict(list)
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


def _versions(table: str, entity: str, key: str, rows: Sequence[_Placed]) -> Iterator[dict[str, Any]]:
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


def _day_before_month(day: date) -> date:
    return day.replace(day=1) - timedelta(days=1)


def _registrations(placed: Sequence[_Placed]) -> list[dict[str, Any]]:
    """One registration an enterprise, from its first sightings; see `adapt_beijing` for the dates."""
    sightings: defaultdict[str, list[_Placed]] = defaultdict(list)
    for p in placed:
        sightings[p.entity].append(p)
    visits = [p.draft.occurred for p in placed if p.source.table == "inspections"]
    directory = _day_before_month(min(visits)) if visits else None
    return [_registration(entity, seen, directory) for entity, seen in sightings.items()]


def _registration(entity: str, seen: Sequence[_Placed], directory: date | None) -> dict[str, Any]:
    code = entity.removeprefix("uscc:") if entity.startswith("uscc:") else None
    occurred = min(p.draft.occurred for p in seen)
    known = seen[0].known
    visited = [p.draft.occurred for p in seen if p.source.table == "inspections"]
    approved = [p.draft.occurred for p in seen if p.source.table == "registration"]
    if visited and directory is not None:
        if approved and approved[0] <= _day_before_month(min(visited)):
            directory = approved[0]
        occurred, known = min(occurred, directory), min(known, directory)
    if not approved and (established := guess_established(code)) is not None:
        occurred = min(occurred, established)
    name = next((p.draft.name for p in seen if p.draft.name), "")
    authority = next((p.draft.region for p in seen if p.draft.region), None)
    return {
        "record_id": enterprise_id(entity),
        "version": 1,
        "enterprise_id": enterprise_id(entity),
        "occurred_at": occurred,
        "known_at": known,
        "record_state": "active",
        "uscc": code,
        "name": name or code,
        "enterprise_type": guess_type(name, code),
        "industry": guess_industry(name),
        "region": guess_region(name, code, authority),
        "status": "active",
    }


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
    "registration": "made from sightings [K]: inspected enterprises count as known since before the first"
    " visit of the source, others since first seen; industry (to the GB/T 4754 class where words of the name"
    " tell it) and date of establishment (from the series of the code) are guesses",
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
