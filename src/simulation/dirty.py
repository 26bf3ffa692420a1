"""Dirt 脏数据: spoils a stated share of the rows of a written province, each row in at most one way.

What the contract's check must find: each kind strikes its share of the rows it can strike, chosen by a
counter-based draw on (seed, table, row), and every strike is counted. Spoiled tables are written as text, as dirty
sources come. In the register only later versions are broken, so that no other table's rows lose their enterprise by
another row's dirt and every count stays exact.
"""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.contract import TABLES, Table
from features.errors import ConfigError
from simulation.base.months import day_number
from simulation.base.rng import Bools, Ints, Stream
from simulation.base.text import date_array
from simulation.base.write import ROW_GROUP, RowGroupWriter

KINDS = (
    "wrong_type",
    "unknown_code",
    "missing",
    "after_as_of",
    "known_before_occurred",
    "identical_duplicate",
    "conflicting_duplicate",
    "orphan",
    "bad_uscc",
)
DISPUTED = 100
"""Most days between the dates that a spoiled row and its original give."""
MOST_SHARE = 0.1
_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
Dirt = dict[str, dict[str, int]]
"""Table to kind to rows struck; a duplicate counts once, by the row that was added."""


def soil(folder: Path, share: float, *, seed: int, as_of: date) -> Dirt:
    """Spoil the Parquet tables of a source folder in place.

    Parameters
    ----------
    folder
        Folder that `simulation.simulate` wrote.
    share
        Share of the rows that each kind of dirt strikes, 0 to 0.1.
    seed
        Same seed, same dirt.
    as_of
        Day after which nothing may be known: what is known later is dirt.

    Raises
    ------
    ConfigError
        If the share is out of range.
    """
    if not 0.0 <= share <= MOST_SHARE:
        raise ConfigError(f"the share of each kind of dirt is 0 to {MOST_SHARE:g}, not {share:g}")
    stream = Stream(seed)
    return {
        name: _soil_table(folder / f"{name}.parquet", table, share, stream, as_of) for name, table in TABLES.items()
    }


def code_column(table: Table) -> str:
    """Return the column in which unknown codes appear: the table's first code of its own."""
    return next((c.name for c in table.own if c.codes is not None), "record_state")


def _soil_table(path: Path, table: Table, share: float, stream: Stream, as_of: date) -> dict[str, int]:
    counts: Counter[str] = Counter()
    schema = pa.schema([pa.field(c.name, pa.string()) for c in table.columns])
    fresh = path.with_name(f".{path.name}.new")
    done, codes = 0, set[str]()
    with RowGroupWriter(fresh, schema) as writer:
        for batch in pq.ParquetFile(path).iter_batches(batch_size=ROW_GROUP):
            rows = pa.Table.from_batches([batch])
            place = np.arange(done, done + len(rows), dtype=np.int64)
            kind = np.floor(stream.uniform(f"dirt {table.name}", place) / max(share, 1e-12)).astype(np.int64)
            kind = np.where(_may_be_struck(table, rows, kind), kind, -1)
            writer.write(_spoiled(table, rows, kind, place, stream, as_of))
            counts.update(KINDS[k] for k in kind[kind >= 0].tolist())
            if table.required:
                codes |= set(rows["enterprise_id"].filter(pa.array(kind == KINDS.index("bad_uscc"))).to_pylist())
            done += len(rows)
    fresh.replace(path)
    if table.required:
        counts["bad_uscc"] = len(codes)  # an enterprise has one code, in however many versions it is wrong
    return {kind: counts[kind] for kind in KINDS if counts[kind]}


def _may_be_struck(table: Table, rows: pa.Table, kind: Ints) -> Bools:
    """Say which rows the kind drawn for them can strike."""
    struck = (kind >= 0) & (kind < len(KINDS))
    first = rows["version"].to_numpy() == 1
    in_any = [KINDS.index("identical_duplicate")]
    if not table.required:
        return np.asarray(struck & (kind != KINDS.index("bad_uscc")))
    has_code = np.asarray(rows["uscc"].is_valid())
    struck &= kind != KINDS.index("orphan")
    in_any += [KINDS.index("bad_uscc")]
    return np.asarray(struck & (~first | np.isin(kind, in_any)) & (has_code | (kind != KINDS.index("bad_uscc"))))


def _spoiled(table: Table, rows: pa.Table, kind: Ints, place: Ints, stream: Stream, as_of: date) -> pa.Table:
    """Return the rows as text with their dirt, an added duplicate behind its original."""
    occurred = rows["occurred_at"].cast(pa.int32()).to_numpy().astype(np.int64)
    days = stream.days(f"dirt days {table.name}", (1, DISPUTED), place)
    text = {c.name: rows[c.name].cast(pa.string()).combine_chunks() for c in table.columns}

    def put(column: str, name: str, value: pa.Array | pa.Scalar) -> None:
        text[column] = pc.if_else(pa.array(kind == KINDS.index(name)), value, text[column])

    def dates(day: Ints) -> pa.Array:
        return date_array(day).cast(pa.string())

    put("known_at", "wrong_type", pa.scalar("上月底"))
    put(code_column(table), "unknown_code", pa.scalar("no_such_code"))
    put("enterprise_id", "missing", pa.scalar(None, pa.string()))
    put("known_at", "after_as_of", dates(day_number(as_of) + days))
    put("known_at", "known_before_occurred", dates(occurred - days))
    put("enterprise_id", "orphan", pc.binary_join_element_wise("X", text["enterprise_id"], ""))
    if table.required:
        put("uscc", "bad_uscc", _wrong_digit(text["uscc"]))
    spoiled = pa.table([text[c.name] for c in table.columns], names=list(table.column_names))

    copied = np.isin(kind, [KINDS.index("identical_duplicate"), KINDS.index("conflicting_duplicate")])
    order = np.repeat(np.arange(len(rows)), 1 + copied)
    added = np.concatenate([np.zeros(1, dtype=np.bool_), order[1:] == order[:-1]])[: len(order)]
    disputed = added & (kind[order] == KINDS.index("conflicting_duplicate"))
    spoiled = spoiled.take(pa.array(order))
    other = pc.if_else(pa.array(disputed), dates((occurred - days)[order]), spoiled["occurred_at"].combine_chunks())
    return spoiled.set_column(spoiled.schema.get_field_index("occurred_at"), "occurred_at", other)


def _wrong_digit(codes: pa.Array) -> pa.Array:
    """Replace the last character of each code by the one behind it in the alphabet."""
    last = pc.utf8_slice_codeunits(codes, start=17)
    following = _ALPHABET[1:] + _ALPHABET[0]
    place = pc.index_in(last, value_set=pa.array(list(_ALPHABET)))
    return pc.binary_join_element_wise(
        pc.utf8_slice_codeunits(codes, start=0, stop=17), pa.array(list(following)).take(place), ""
    )
