"""Adapter of any city's folder by its map: it writes a contract folder, with an account of every row."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from features.adapters.table.city import CityMap, File, load_map
from features.adapters.table.enterprises import DIRECTORY, SNAPSHOT, Register, register
from features.adapters.table.events import event_records
from features.adapters.table.files import Files, read_table
from features.adapters.table.report import MapReport
from features.adapters.table.visits import Visit, measure_records, read_visits, records
from features.adapters.write import write_records
from features.contract.manifest import Coverage, Manifest, write_manifest
from features.errors import ConfigError, SourceError
from features.given import PathLike, as_path

Tables = dict[str, list[dict[str, Any]]]
NOT_READ = "no rule of the map reads it"


def adapt_table(source: PathLike, out: PathLike, *, city_map: PathLike | CityMap | None = None) -> MapReport:
    """Write a city's records as a contract folder, as its map says.

    **Nothing known before a day depends on a row known from that day on**, with one exception
    (`features.adapters.table.enterprises.DIRECTORY`, or `SNAPSHOT` where the map has a register).

    Parameters
    ----------
    source
        Folder with the files that the map names.
    out
        Folder to write: one Parquet file a table, and the manifest.
    city_map
        The map, or its file.

    Returns
    -------
    MapReport
        Every source row is mapped, merged or unmapped with a reason; cells that can't be read by file and column.

    Raises
    ------
    ConfigError
        If the map is missing or wrong.
    SourceError
        If the folder or the visits' file is missing, a file can't be read or lacks a column, or no visit is left.
    """
    folder, out = as_path(source, "source folder"), as_path(out, "folder to write")
    city, report, tables, visits = map_folder(folder, city_map)
    out.mkdir(parents=True, exist_ok=True)
    for table, rows in sorted(tables.items()):
        report.tables[table] = write_records(out, table, rows)
    covered = _covered(city, tables, visits)
    last = max((r["known_at"] for rows in tables.values() for r in rows), default=date(1970, 1, 1))
    as_of = last if city.as_of == "latest" else city.as_of
    write_manifest(Manifest(source=city.source, as_of=as_of, tables=covered), out)
    return report


def map_folder(folder: Path, city_map: PathLike | CityMap | None) -> tuple[CityMap, MapReport, Tables, list[Visit]]:
    """Return the map, the account, the records of every table, and the visits; nothing is written."""
    if city_map is None:
        raise ConfigError('adapter "table" needs a map: say map = "<city>.toml" beside it')
    city = city_map if isinstance(city_map, CityMap) else load_map(city_map)
    if not folder.is_dir():
        raise SourceError(f"{folder}: no such folder; expected one with {_paths(city)}")
    report = MapReport(city.source)
    files = Files(folder, city, report)
    visits, account = read_visits(files)
    if not visits:
        why = "; ".join(f"{reason}: {n:,}" for reason, n in sorted(account.unmapped.items()))
        raise SourceError(f"{folder / files.name(city.visits.file)}: no row became a visit: {why or 'it has no row'}")
    made: Register = register(files, visits)
    tables: Tables = {"registration": made.records, "inspections": list(records(city, visits))}
    if city.measures:
        tables["measures"] = list(measure_records(city, visits))
    events = event_records(files, made)
    if events is not None:
        tables["events"] = events
    _leave_out(folder, files)
    return city, report, tables, visits


def _paths(city: CityMap) -> str:
    return ", ".join(file.path for file in city.files.values())


def _leave_out(folder: Path, files: Files) -> None:
    """Name every other file of the folder; of what form it is, and so how many rows it has, nothing says."""
    never = files.city.never
    for path in sorted(p for p in folder.iterdir() if p.is_file() and p.suffix.lower() in (".parquet", ".csv")):
        if path.name not in files.read:
            why = next((why for pattern, why in never.items() if fnmatchcase(path.stem, pattern)), NOT_READ)
            files.report.left_out[path.name] = (_rows(path), why)


def _rows(path: Path) -> int:
    """Return the rows of a file that no rule reads; 0 where it can't be read, which nobody asked for."""
    try:
        if path.suffix.lower() == ".parquet":
            return int(pq.read_metadata(path).num_rows)
        return int(read_table(path, File(path=path.name)).num_rows)
    except (pa.ArrowException, OSError, SourceError):
        return 0


def _covered(city: CityMap, tables: Tables, visits: Iterable[Visit]) -> dict[str, Coverage]:
    """Coverage by table. Events are covered from when all kinds are: a table has one first day."""
    first = min(v.occurred for v in visits).replace(day=1)

    def begins(file: str) -> date:
        said = city.known_of(file).covers_from
        return first if said == "first" else said

    visited = city.known_of(city.visits.file)
    covered = {
        "registration": Coverage(covers_from=first, note=SNAPSHOT if city.enterprise.register_ else DIRECTORY),
        "inspections": Coverage(covers_from=begins(city.visits.file), lag_days=visited.lag_days, note=visited.rule),
        "measures": Coverage(
            covers_from=begins(city.visits.file),
            lag_days=visited.lag_days,
            note=", ".join(m.name for m in city.measures),
        ),
    }
    if city.events:
        kinds = "; ".join(f"{e.kind} from {begins(e.file)}" for e in city.events)
        lag = max(city.known_of(e.file).lag_days for e in city.events)
        covered["events"] = Coverage(covers_from=max(begins(e.file) for e in city.events), lag_days=lag, note=kinds)
    return {table: said for table, said in covered.items() if table in tables}
