"""Writer of a contract folder's record tables, one Parquet file each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from features.contract import TABLES

_ARROW = {
    "VARCHAR": pa.string(),
    "DATE": pa.date32(),
    "BIGINT": pa.int64(),
    "BOOLEAN": pa.bool_(),
}


def write_records(folder: Path, table: str, rows: Iterable[Mapping[str, Any]]) -> int:
    """Write one record table with exactly the contract's columns; return the number of rows.

    Rows are sorted by enterprise_id, record_id and version, so the same rows give the same bytes.
    Columns a row does not have are null.
    """
    spec = TABLES[table]
    ordered = sorted(rows, key=lambda r: (r["enterprise_id"], r["record_id"], r["version"]))
    schema = pa.schema([(c.name, _ARROW[c.sql_type]) for c in spec.columns])
    data = {c.name: [r.get(c.name) for r in ordered] for c in spec.columns}
    pq.write_table(pa.Table.from_pydict(data, schema=schema), folder / f"{table}.parquet")
    return len(ordered)
