"""Revision of a month: the rows that a later correction changed, and no others."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from features.check.reading import literal, quote
from features.records.store import connect
from features.table.month import ROW_GROUP
from serving.ledger.manifest import describe
from serving.ledger.place import LedgerError
from serving.ledger.read import Month
from serving.ledger.schema import SCHEMA

_NO_CHANGE = frozenset({"enterprise_id", "cutoff", "covered", "previous_grade", "previous_score"})
"""Columns that make no row another one: keys, and what was before."""


class NothingChanged(LedgerError):
    """A month made again is the one that is published: there is nothing to revise."""


@dataclass(frozen=True)
class Changed:
    """The rows of a revision: where they stand, and what a manifest says of them."""

    folder: Path
    described: dict[str, Any]


def changed_rows(published: Month, out: Path, folder: Path) -> Changed:
    """Write the rows of a re-scored month that are other than its latest published ones.

    An enterprise that the month no longer covers by what is known now keeps its row, marked as not covered.

    Raises
    ------
    NothingChanged
        If every row is that of the published month.
    LedgerError
        If a file can't be read.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    names = [n for n in SCHEMA.names if n not in _NO_CHANGE]
    differ = " OR ".join(f"n.{quote(n)} IS DISTINCT FROM o.{quote(n)}" for n in names)
    every = ", ".join(f"n.{quote(n)}" for n in SCHEMA.names)
    gone = ", ".join("false AS covered" if n == "covered" else f"o.{quote(n)}" for n in SCHEMA.names)
    new = f"read_parquet({literal(str(out / 'part-*.parquet'))}, hive_partitioning = false)"
    con = connect()
    try:
        rows = con.sql(
            f"""WITH o AS (SELECT * FROM {published.latest_sql()}), n AS (SELECT * FROM {new})
            SELECT {every} FROM n LEFT JOIN o USING (enterprise_id) WHERE o.enterprise_id IS NULL OR {differ}
            UNION ALL BY NAME SELECT {gone} FROM o ANTI JOIN n USING (enterprise_id) ORDER BY enterprise_id"""
        ).to_arrow_table()
    except duckdb.Error as err:
        raise LedgerError(f"{out}: can't be held against the published month: {err}") from err
    finally:
        con.close()
    if not rows.num_rows:
        raise NothingChanged(
            f"nothing changed: every row is that of the published {published.month}; no revision is made"
        )
    pq.write_table(rows.cast(SCHEMA), folder / "part-00000.parquet", compression="zstd", row_group_size=ROW_GROUP)
    return Changed(folder, describe(folder))
