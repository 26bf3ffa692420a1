"""Register of a month: who each enterprise is by what was known, and what it was classified as before.

Written once beside the indicator table, row for row, so that the answers can be made part by part.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from features.check.reading import literal
from features.records.store import connect
from features.table.month import ROW_GROUP
from serving.ledger.place import LedgerError

NO_MONTH = (
    "(SELECT NULL::VARCHAR AS enterprise_id, NULL::VARCHAR AS grade, NULL::VARCHAR AS computed_grade,"
    " NULL::DOUBLE AS score WHERE false)"
)


def write_register(
    table: Path,
    clean: Path,
    known: date,
    previous: str | None,
    worlds: Mapping[str, Path],
    out: Path,
    memory: str | None,
) -> None:
    """Write name, legal form, industry, region and last month's class of every enterprise of an indicator table.

    Parameters
    ----------
    table
        The indicator table, sorted by enterprise_id.
    clean
        The clean folder that it was computed from.
    known
        Versions known on this day or later don't count.
    previous
        SQL of the latest rows of the month before; None where there is none.
    worlds
        Files of `serving.ledger.moves.Between.write`, by world.
    out
        Parquet file to write, in one step; rows as those of the table.
    memory
        What DuckDB may hold, such as ``"4GB"``.

    Raises
    ------
    LedgerError
        If it can't be written or read.
    """
    fresh = out.with_name(f".{out.name}.new")
    place = "CAST(ascii(p.computed_grade) - ascii('A') AS BIGINT)"
    more = "".join(f", {w}.score AS {w}_score, {w}.grade AS {w}_place" for w in worlds)
    joins = "".join(
        f" LEFT JOIN read_parquet({literal(str(path))}) {w} USING (enterprise_id)" for w, path in worlds.items()
    )
    registration = literal(str(clean / "registration.parquet"))
    try:
        con: duckdb.DuckDBPyConnection = connect()
        if memory:
            con.execute(f"SET memory_limit = {literal(memory)}")
        con.execute(f"SET temp_directory = {literal(str(out.parent / 'spill'))}")
        found = con.sql(
            f"""SELECT t.enterprise_id, t.uscc, r.name, r.enterprise_type, r.industry, r.region,
                    p.grade AS previous_grade, p.score AS previous_score,
                    {place} AS previous_place{more}
                FROM (SELECT enterprise_id, uscc FROM read_parquet({literal(str(table))})) t
                LEFT JOIN (SELECT enterprise_id, unnest(max_by(struct_pack(name, enterprise_type, industry, region),
                        (version, known_at, record_id))) FROM read_parquet({registration})
                    WHERE known_at < DATE '{known}' GROUP BY enterprise_id) r USING (enterprise_id)
                LEFT JOIN {previous or NO_MONTH} p USING (enterprise_id){joins}
                ORDER BY t.enterprise_id"""
        ).to_arrow_reader(ROW_GROUP)
        # Row groups as those of the table: a part reads its own of both.
        with pq.ParquetWriter(fresh, found.schema, compression="zstd") as writer:
            for rows in _grouped(found):
                writer.write_table(rows, row_group_size=ROW_GROUP)
        con.close()
        fresh.replace(out)
    except duckdb.Error as err:
        raise LedgerError(f"{out}: the register of the month can't be written: {err}") from err
    finally:
        fresh.unlink(missing_ok=True)


def _grouped(found: pa.RecordBatchReader) -> Iterator[pa.Table]:
    """Put batches of any size together to whole row groups."""
    waiting: list[pa.RecordBatch] = []
    rows = 0
    for batch in found:
        waiting.append(batch)
        rows += batch.num_rows
        if rows >= ROW_GROUP:
            table = pa.Table.from_batches(waiting, found.schema)
            whole = rows - rows % ROW_GROUP
            yield table.slice(0, whole)
            waiting, rows = table.slice(whole).to_batches(), rows - whole
    if rows:
        yield pa.Table.from_batches(waiting, found.schema)
