"""Files: Parquet row groups of one size whatever the chunks, so the same seed gives the same bytes."""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.parquet as pq

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


def write_json(path: Path, content: dict[str, object]) -> None:
    """Write JSON as people read it."""
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
