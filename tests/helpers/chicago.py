"""Invented rows in the format of the Chicago folder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from features.adapters import ADAPTERS, AdapterReport
from features.adapters.chicago.items import COLUMNS, NUMBERS
from features.adapters.chicago.licences import OTHERS
from features.adapters.report import FileReport

Row = dict[str, Any]

VISIT: dict[str, pa.DataType] = {
    "Inspection_ID": pa.int64(),
    "DBA_Name": pa.string(),
    "License": pa.int64(),
    "Facility_Type": pa.string(),
    "Risk": pa.string(),
    "Address": pa.string(),
    "Zip": pa.float64(),
    "Inspection_Date": pa.string(),
    "Inspection_Type": pa.string(),
    "Results": pa.string(),
    "Latitude": pa.float64(),
    "Longitude": pa.float64(),
    "criticalCount": pa.int64(),
    "seriousCount": pa.int64(),
    "minorCount": pa.int64(),
    "pass_flag": pa.int64(),
    "fail_flag": pa.int64(),
    "pastCritical": pa.int64(),
    "timeSinceLast": pa.float64(),
    "firstRecord": pa.int64(),
}
LICENCE: dict[str, pa.DataType] = {
    "Inspection_ID": pa.int64(),
    "ACCOUNT_NUMBER": pa.float64(),
    "LICENSE_CODE": pa.float64(),
    "LICENSE_TERM_START_DATE": pa.string(),
    "LICENSE_TERM_EXPIRATION_DATE": pa.string(),
    "LICENSE_STATUS": pa.string(),
    "minDate": pa.string(),
    "maxDate": pa.string(),
    "ageAtInspection": pa.float64(),
    **{name: pa.int64() for name in OTHERS},
}
CALL: dict[str, pa.DataType] = {
    "Creation_Date": pa.string(),
    "Service_Request_Number": pa.string(),
    "Street_Address": pa.string(),
    "Status": pa.string(),
    "Latitude": pa.float64(),
    "Longitude": pa.float64(),
}
BURGLARY: dict[str, pa.DataType] = {
    "ID": pa.int64(),
    "Date": pa.string(),
    "Latitude": pa.float64(),
    "Longitude": pa.float64(),
}


def visit(
    number: int, licence: int, day: str, *, critical: int = 0, serious: int = 0, minor: int = 3, **cells: Any
) -> Row:
    """One canvass inspection; a café of Pine Street unless ``cells`` say otherwise."""
    return {
        "Inspection_ID": number,
        "DBA_Name": "CAFE",
        "License": licence,
        "Facility_Type": "Restaurant",
        "Risk": "Risk 1 (High)",
        "Address": "7 S PINE ST ",
        "Zip": 60614.0,
        "Inspection_Date": day,
        "Inspection_Type": "Canvass",
        "Results": "Pass",
        "Latitude": 41.9,
        "Longitude": -87.65,
        "criticalCount": critical,
        "seriousCount": serious,
        "minorCount": minor,
        "pass_flag": 0,
        "fail_flag": 0,
        "pastCritical": 0,
        "timeSinceLast": 2.0,
        "firstRecord": 1,
        **cells,
    }


def permit(number: int, term: str | None, first: str | None, **flags: int) -> Row:
    """The licence found for an inspection: retail food, with the further licences that ``flags`` name."""
    return {
        "Inspection_ID": number,
        "ACCOUNT_NUMBER": 77.0,
        "LICENSE_CODE": 1006.0,
        "LICENSE_TERM_START_DATE": term,
        "LICENSE_TERM_EXPIRATION_DATE": "2017-01-15",
        "LICENSE_STATUS": "REV",
        "minDate": first,
        "maxDate": "2020-01-15",
        "ageAtInspection": 3.5,
        **{name: flags.get(name, 0) for name in OTHERS},
    }


def call(number: str | None, day: str, address: str | None, status: str = "Completed") -> Row:
    """One call to 311 about sanitation."""
    return {
        "Creation_Date": day,
        "Service_Request_Number": number,
        "Street_Address": address,
        "Status": status,
        "Latitude": 41.9,
        "Longitude": -87.65,
    }


def matrix(seen: Row) -> Row:
    """What a visit found by number: its critical ones from 1 on, its serious ones from 15, its minor ones from 30."""
    numbers = {
        first + k
        for first, count in ((1, "criticalCount"), (15, "seriousCount"), (30, "minorCount"))
        for k in range(seen[count] or 0)
    }
    return {"Inspection_ID": seen["Inspection_ID"], **{str(n): int(n in numbers) for n in NUMBERS}}


def write(folder: Path, file: str, types: Mapping[str, pa.DataType], rows: Sequence[Row]) -> None:
    """Write a source file."""
    folder.mkdir(parents=True, exist_ok=True)
    data = {c: pa.array([r[c] for r in rows], kind) for c, kind in types.items()}
    pq.write_table(pa.table(data), folder / f"{file}.parquet")


def write_source(
    folder: Path,
    visits: Iterable[Row],
    permits: Iterable[Row],
    calls: Iterable[Row],
    burglaries: Sequence[Row] = (),
) -> Path:
    """Write the five files that are read; return the folder."""
    write(folder, "crime_burglary", BURGLARY, burglaries)
    visits = list(visits)
    write(folder, "inspections", VISIT, visits)
    write(folder, "violation_matrix", dict.fromkeys(COLUMNS, pa.int64()), [matrix(v) for v in visits])
    write(folder, "business_license_at_inspection", LICENCE, list(permits))
    write(folder, "complaints_311_sanitation", CALL, list(calls))
    return folder


def records(folder: Path, table: str) -> list[Row]:
    """Records that `adapt` wrote."""
    rows: list[Row] = pq.read_table(folder / "out" / f"{table}.parquet").to_pylist()
    return rows


def adapt(folder: Path, *inspections: str) -> AdapterReport:
    """Run the adapter from ``folder`` into its ``out``."""
    return ADAPTERS["chicago"](folder, folder / "out", inspections=inspections or ("canvass",))


def account(report: AdapterReport, file: str) -> FileReport:
    """The account of one file."""
    return next(f for f in report.files if f.file == f"{file}.parquet")
