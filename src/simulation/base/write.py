"""Files: Parquet row groups of one size whatever the chunks, so the same seed gives the same bytes."""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.parquet as pq

from features.contract import TABLES
from features.contract.manifest import MANIFEST_NAME
from features.errors import ConfigError
from features.places import check_place

SIMULATED = "simulated province"
"""How the manifest of a simulated province begins to say its source."""

ROW_GROUP = 1 << 17


class RowGroupWriter:
    """Writes tables of any length as row groups of ``ROW_GROUP`` rows; a context manager."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._writer = pq.ParquetWriter(path, schema, compression="zstd", compression_level=1)
        self._waiting: list[pa.Table] = []
        self._held = 0
        self.rows = 0

    def write(self, table: pa.Table) -> None:
        """Append rows."""
        self._waiting.append(table)
        self._held += table.num_rows
        self.rows += table.num_rows
        if self._held >= ROW_GROUP:
            self._flush(last=False)

    def _flush(self, *, last: bool) -> None:
        table = pa.concat_tables(self._waiting).combine_chunks()
        done = 0
        while table.num_rows - done >= ROW_GROUP:
            self._writer.write_table(table.slice(done, ROW_GROUP), row_group_size=ROW_GROUP)
            done += ROW_GROUP
        rest = table.slice(done)
        if last and rest.num_rows:
            self._writer.write_table(rest, row_group_size=ROW_GROUP)
            rest = rest.slice(0, 0)
        self._waiting, self._held = [rest], rest.num_rows

    def __enter__(self) -> RowGroupWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None and self._waiting:
            self._flush(last=True)
        self._writer.close()


def check_own_place(folder: Path) -> None:
    """Refuse to write a province where nothing can be written, or where records stand that are no simulated ones.

    Raises
    ------
    ConfigError
        Naming the folder; real records that a simulation wrote over could not be brought back.
    """
    check_place(folder)
    there = [f for name in TABLES for f in (folder / f"{name}.parquet", folder / f"{name}.csv") if f.exists()]
    if there and not _is_simulated(folder):
        raise ConfigError(
            f"{folder} holds records ({there[0].name}) that {MANIFEST_NAME} does not say are of a {SIMULATED}; "
            "expected another folder"
        )


def _is_simulated(folder: Path) -> bool:
    try:
        said = json.loads((folder / MANIFEST_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(said, dict) and str(said.get("source", "")).startswith(SIMULATED)


def write_json(path: Path, content: dict[str, object]) -> None:
    """Write JSON as people read it."""
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
