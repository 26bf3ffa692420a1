"""Adapter of the Chicago folder: it writes a contract folder, with an account of every row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from features.adapters.chicago import complaints, licences, visits
from features.adapters.chicago import inspectors as inspectors_of
from features.adapters.chicago.registrations import DIRECTORY, at_address, registrations, sightings
from features.adapters.chicago.rows import CALL_RULE, LAG_RULE, NEXT_DAY, WEEK, Cells, Permit, Unmappable, Visit
from features.adapters.options import inspections_named
from features.adapters.report import PERSONS, AdapterReport, FileReport
from features.adapters.write import write_records
from features.contract.identity import holds_identity_number
from features.contract.manifest import Coverage, Manifest, write_manifest
from features.errors import SourceError
from features.given import PathLike, as_path

INSPECTIONS = ("canvass",)
"""Kinds of visit that give outcomes: the source has canvass visits alone."""

LEFT_OUT: dict[str, str] = {
    "city_model_scores": "the City's scores of rows its model was trained on: the label in another coat",
    "crime_burglary": "crimes near a place, about no enterprise: no table of the contract holds them",
    "heat_values": "the City's densities of crimes and calls near a place: no table of the contract holds them",
    "inspector_assignments_anonymised": "inspectors' colours were clustered from their findings over the whole"
    " period: they carry outcomes",
    "inspector_visits_anonymised": "visits of every purpose without an outcome, which end months before the"
    " inspections do: from then on windows would take 'not recorded' for 'none'",
    "violation_counts_all_inspections": "no licence and no date; for the canvass visits it is the label again",
    "violation_matrix": "outcome of the same visits: the label in another coat",
    "weather_daily": "about no enterprise",
}
"""Files that feed no table, and why."""

_NOTES = {
    "registration": f"made from sightings: {DIRECTORY}; region is a 0 and the postal code",
    "inspections": "canvass visits alone; code 1 means that nothing critical was found",
    "warning_talks": "visits that found a serious violation",
    "licences": "as found in force at a visit, without an end; a tenth of the visits has none",
    "complaints": "calls about sanitation that name the address of an establishment",
}

_Read = TypeVar("_Read")


def adapt_chicago(
    source: PathLike, out: PathLike, *, inspections: Sequence[str] | str = (), inspectors: bool = False
) -> AdapterReport:
    """Write Chicago's food inspections as a contract folder.

    An enterprise is an establishment: the holder of a licence number. **Nothing known before a day depends on a row
    known from that day on**, with one exception [K]: the first visit to an establishment, and the licence found for
    it, count as seen on the day before the month of that visit (`registrations.DIRECTORY`), without which no first
    visit could be learned from. Neither carries an outcome.

    ``docs/sources.md`` has the mapping in a table.

    Parameters
    ----------
    source
        Folder with the published Parquet files; the inspections must be there, any other that is missing is said.
    out
        Folder to write: one Parquet file a table, and the manifest.
    inspections
        ``["canvass"]``.
    inspectors
        Whether visits are told with the City's colour of their inspector, which carries outcomes
        (`features.adapters.chicago.inspectors`).

    Returns
    -------
    AdapterReport
        Every source row is mapped, merged or unmapped with a reason.

    Raises
    ------
    ConfigError
        If ``inspections`` is missing or anything else.
    SourceError
        If the folder or its inspections are missing, a file can't be read, or lacks a column.
    """
    source, out = as_path(source, "source folder"), as_path(out, "folder to write")
    inspections_named(inspections, INSPECTIONS)
    report = AdapterReport("Chicago food inspections")
    made = _visits(source, report)
    permits = _permits(source, made, report)
    seen = sightings(made.values(), permits)
    sighted = [(max(seen[i][0], p.began), p) for i, p in permits.items()]
    found, began = licences.licence_records(sighted)
    _count(report, licences.FILE, len(began), len(permits) - len(began))
    registered = registrations(seen, permits)
    founded: dict[str, list[complaints.Told]] = {}
    for version in registered:
        founded.setdefault(version["enterprise_id"], []).append((version["known_at"], version["occurred_at"]))
    colours = _colours(source, made, report) if inspectors else {}

    def by_whom(visit: Visit) -> dict[str, Any]:
        return {"inspector_id": colours.get(visit.inspection)} if inspectors else {}

    tables: dict[str, list[dict[str, Any]]] = {
        "registration": registered,
        "inspections": [visits.inspection(v) | by_whom(v) for v in made.values()],
        "warning_talks": [visits.warning(v) for v in made.values() if v.serious],
        "licences": found,
        "complaints": _calls(source, at_address(seen), founded, report),
    }
    _leave_out(source, report, {inspectors_of.FILE} if inspectors else set())
    _write(out, tables, made, report)
    return report


def _visits(source: Path, report: AdapterReport) -> dict[int, Visit]:
    """Read the inspections; of rows with one id the earliest counts, and of one day the one with the worst finding."""
    path = source / f"{visits.FILE}.parquet"
    if not path.is_file():
        raise SourceError(f"{path}: not found; the adapter needs the canvass inspections")
    made: dict[int, Visit] = {}
    for visit in _read(path, visits.COLUMNS, "inspections", visits.read_visit, report):
        known = made.get(visit.inspection)
        if known is None or _before(visit) < _before(known):
            made[visit.inspection] = visit
        _count(report, visits.FILE, known is None, known is not None)
    return dict(sorted(made.items()))


def _before(visit: Visit) -> tuple[date, bool, bool, int, str]:
    return visit.occurred, visit.codes != visits.CRITICAL, not visit.serious, visit.licence, visit.name


def _permits(source: Path, made: Mapping[int, Visit], report: AdapterReport) -> dict[int, Permit]:
    permits: dict[int, Permit] = {}
    path = source / f"{licences.FILE}.parquet"

    def read(row: Cells) -> Permit:
        return licences.read_permit(row, made)

    for permit in _read(path, licences.COLUMNS, "licences", read, report):
        number = permit.visit.inspection
        if number in permits:
            _count(report, licences.FILE, 0, 1)
        permits[number] = min(permits.get(number, permit), permit, key=_older)
    return dict(sorted(permits.items()))


def _older(permit: Permit) -> tuple[date, date, int, list[str]]:
    return permit.first, permit.began, permit.code, sorted(permit.others)


def _colours(source: Path, made: Mapping[int, Visit], report: AdapterReport) -> dict[int, str]:
    """Return the inspector of each visit; of several the one whose id sorts first."""
    found: dict[int, str] = {}

    def read(row: Cells) -> tuple[int, str]:
        return inspectors_of.read_assignment(row, made)

    path = source / f"{inspectors_of.FILE}.parquet"
    for number, colour in _read(path, inspectors_of.COLUMNS, "inspections", read, report):
        _count(report, inspectors_of.FILE, number not in found, number in found)
        found[number] = min(found.get(number, colour), colour)
    return found


def _calls(
    source: Path,
    at: Mapping[str, Mapping[int, date]],
    founded: Mapping[str, Sequence[complaints.Told]],
    report: AdapterReport,
) -> list[dict[str, Any]]:
    records: dict[str, dict[str, Any]] = {}
    numbers: set[str] = set()
    path = source / f"{complaints.FILE}.parquet"

    def read(row: Cells) -> tuple[str, list[dict[str, Any]]]:
        return complaints.read_call(row, at, founded)

    for number, found in _read(path, complaints.COLUMNS, "complaints", read, report):
        _count(report, complaints.FILE, number not in numbers, number in numbers)
        numbers.add(number)
        for record in found:
            # Twice the same call: what the earlier of the two rows said, from when it was known.
            before = records.get(record["record_id"], record)
            records[record["record_id"]] = min(before, record, key=lambda r: (r["known_at"], r["occurred_at"]))
    return list(records.values())


_LAGS = {
    "inspections": (WEEK, LAG_RULE),
    "licences": (0, f"the City's own register; {DIRECTORY}"),
    "complaints": (NEXT_DAY, CALL_RULE),
}


def _read(
    path: Path,
    columns: Sequence[str],
    table: str,
    parse: Callable[[Cells], _Read],
    report: AdapterReport,
) -> Iterator[_Read]:
    """Yield what every good row of a file tells; count the others by reason."""
    if not path.is_file():
        report.missing.append(path.name)
        return
    lag, rule = _LAGS[table]
    account = FileReport(path.name, table, lag_days=lag, lag_source=rule)
    report.files.append(account)
    try:
        lacking = [c for c in columns if c not in pq.read_schema(path).names]
        if lacking:
            raise SourceError(f"{path}: columns {lacking} expected, found {pq.read_schema(path).names}")
        rows = pq.read_table(path, columns=list(columns)).to_pylist()
    except (pa.ArrowException, OSError) as err:
        raise SourceError(f"{path}: not a readable Parquet file: {err}") from err
    for row in rows:
        account.rows_in += 1
        for column, value in row.items():
            if isinstance(value, str) and holds_identity_number(value):
                row[column] = None
                report.counts[PERSONS] += 1
        try:
            yield parse(row)
        except Unmappable as reason:
            account.unmapped[str(reason)] += 1


def _count(report: AdapterReport, file: str, mapped: int, merged: int) -> None:
    for account in report.files:
        if account.file == f"{file}.parquet":
            account.mapped += mapped
            account.merged += merged


def _leave_out(source: Path, report: AdapterReport, also: set[str]) -> None:
    read = {visits.FILE, licences.FILE, complaints.FILE} | also
    for path in sorted(source.glob("*.parquet")):
        if path.stem in read:
            continue
        try:
            rows = pq.read_metadata(path).num_rows
        except (pa.ArrowException, OSError) as err:
            raise SourceError(f"{path}: not a readable Parquet file: {err}") from err
        report.left_out[path.name] = (rows, LEFT_OUT.get(path.stem, "file not known to the adapter"))


def _write(
    out: Path, tables: Mapping[str, list[dict[str, Any]]], made: Mapping[int, Visit], report: AdapterReport
) -> None:
    out.mkdir(parents=True, exist_ok=True)
    # A file that is missing gives no table: 'no complaint' is not what its absence says.
    missing = {Path(name).stem for name in report.missing}
    absent = {"complaints": complaints.FILE, "licences": licences.FILE}
    start = min((v.occurred for v in made.values()), default=date(1970, 1, 1)).replace(day=1)
    covered: dict[str, Coverage] = {}
    for table, rows in sorted(tables.items()):
        if absent.get(table) in missing:
            continue
        report.tables[table] = write_records(out, table, rows)
        lag = {"complaints": NEXT_DAY, "inspections": WEEK, "warning_talks": WEEK}.get(table, 0)
        begin = complaints.COVERS_FROM if table == "complaints" else start
        covered[table] = Coverage(covers_from=begin, lag_days=lag, note=_NOTES[table])
    report.counts["establishments"] = len({v.licence for v in made.values()})
    licensed = {r["enterprise_id"] for r in tables["licences"]}
    report.counts["establishments without a licence row"] = report.counts["establishments"] - len(licensed)
    last = max((r["known_at"] for rows in tables.values() for r in rows), default=date(1970, 1, 1))
    write_manifest(Manifest(source=report.source, as_of=last, tables=covered), out)
