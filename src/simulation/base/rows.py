"""Rows of a table as *patches*: a later version says only what it changes.

`TableRows.finish` sorts the patches of each record by the day they became known, carries
forward what a patch leaves unsaid, numbers the versions and drops what is not known by the
end. So an objection raised between a listing and its removal keeps both right.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features.contract import TABLES, Column
from features.contract.types import RECORD_STATES
from simulation.base.rng import Bools, Ints
from simulation.base.text import SLOTS, code_text, date_array, enterprise_ids, record_ids, set_text

KEEP = np.iinfo(np.int64).min
"""Unchanged from the version before."""
NULL = KEEP + 1
"""No value."""

Value = npt.NDArray[np.generic] | int
ACTIVE = 0
STATE = {code: i for i, code in enumerate(RECORD_STATES.codes)}
TextMaker = Callable[[Ints, Ints, Ints, dict[str, Ints]], pa.Array]
"""(enterprise, slot, value, all columns) -> strings, for a text column that isn't null."""
TableMakers = dict[str, TextMaker]
"""Makers by `table.column`."""

_TYPES = {"VARCHAR": pa.string(), "DATE": pa.date32(), "BIGINT": pa.int64(), "BOOLEAN": pa.bool_()}


def schema_of(table: str) -> pa.Schema:
    """Return the Parquet schema of a contract table."""
    return pa.schema([pa.field(c.name, _TYPES[c.sql_type]) for c in TABLES[table].columns])


@dataclass
class Records:
    """The latest state of a table's records, to refer to: repairs, objections, corrections."""

    enterprise: Ints
    slot: Ints
    occurred: Ints
    known: Ints
    values: dict[str, Ints]

    def __len__(self) -> int:
        return len(self.slot)


@dataclass
class TableRows:
    """Patches of one table and one chunk, in whatever order they come up."""

    name: str
    _parts: list[dict[str, Ints]] = field(default_factory=list)

    def add(self, enterprise: Ints, slot: Value, known: Value, occurred: Value = KEEP, **own: Value) -> None:
        """Add first versions or patches.

        Parameters
        ----------
        enterprise
            Index of the enterprise, shape (k,); the other arguments are of this shape or one value.
        slot
            The record's number within table and enterprise, in [0, `SLOTS`).
        known, occurred
            Days; ``KEEP`` leaves ``occurred_at`` as it was.
        own
            The table's own columns and ``record_state``; codes by their place in the code list,
            ``codes`` as bit masks.
        """
        unknown = set(own) - {c.name for c in TABLES[self.name].own} - {"record_state"}
        if unknown:
            raise KeyError(f"{self.name} has no columns {sorted(unknown)}")
        given = {"enterprise": enterprise, "slot": slot, "known": known, "occurred": occurred, **own}
        shape = np.shape(enterprise)
        self._parts.append({k: np.broadcast_to(np.asarray(v, np.int64), shape) for k, v in given.items()})

    def _sorted(self) -> tuple[dict[str, Ints], Bools]:
        names = ["enterprise", "slot", "known", "occurred", "record_state"]
        names += [c.name for c in TABLES[self.name].own]
        columns = {}
        for name in names:
            parts = [p.get(name, np.full(len(p["slot"]), KEEP)) for p in self._parts]
            columns[name] = np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)
        key = columns["enterprise"] * SLOTS + columns["slot"]
        patch = columns["occurred"] == KEEP
        order = np.lexsort((columns["known"], patch, key))
        columns = {name: column[order] for name, column in columns.items()}
        key = key[order]
        first = np.ones(len(key), dtype=np.bool_)
        first[1:] = key[1:] != key[:-1]
        place = np.arange(len(key))
        if (patch[order] == first).any():
            bad = key[patch[order] == first][0]
            raise ValueError(f"{self.name}: record {bad} lacks a first version or has two")
        # Nothing about a record is known before the record itself.
        base = np.maximum.accumulate(np.where(first, place, 0))
        columns["known"] = np.maximum(columns["known"], columns["known"][base])
        for name, column in columns.items():
            # A record's first version has no version before it: what it leaves unsaid is empty.
            column = np.where(first & (column == KEEP), ACTIVE if name == "record_state" else NULL, column)
            columns[name] = column[np.maximum.accumulate(np.where(column == KEEP, -1, place))]
        return columns, first

    def records(self) -> Records:
        """Return each record as its first version stands, sorted by enterprise and slot."""
        columns, first = self._sorted()
        one = {name: column[first] for name, column in columns.items()}
        return Records(one.pop("enterprise"), one.pop("slot"), one.pop("occurred"), one.pop("known"), one)

    def finish(self, end: int, texts: TableMakers) -> pa.Table:
        """Return the contract table of what is known before the day ``end``.

        Raises
        ------
        KeyError
            If a text column with values has no maker in ``texts``.
        """
        columns, first = self._sorted()
        place = np.arange(len(first))
        version = place - np.maximum.accumulate(np.where(first, place, 0)) + 1
        kept = columns["known"] < end
        columns = {name: column[kept] for name, column in columns.items()}
        enterprise, slot = columns["enterprise"], columns["slot"]
        arrays: dict[str, pa.Array] = {
            "record_id": record_ids(self.name, enterprise, slot),
            "version": pa.array(version[kept]),
            "enterprise_id": self._about(columns, texts),
            "occurred_at": date_array(columns["occurred"]),
            "known_at": date_array(columns["known"]),
            "record_state": code_text(list(RECORD_STATES.codes), columns["record_state"], None),
        }
        for c in TABLES[self.name].own:
            arrays[c.name] = self._array(c, columns, texts)
        schema = schema_of(self.name)
        return pa.table([arrays[n] for n in schema.names], schema=schema)

    def _about(self, columns: dict[str, Ints], texts: TableMakers) -> pa.Array:
        """Return whom each record is about: the enterprise, or, in a table of places, what a maker makes of it."""
        enterprise, slot = columns["enterprise"], columns["slot"]
        if not TABLES[self.name].of_places:
            return enterprise_ids(enterprise)
        return texts[f"{self.name}.enterprise_id"](enterprise, slot, enterprise, columns)

    def _array(self, c: Column, columns: dict[str, Ints], texts: TableMakers) -> pa.Array:
        value = columns[c.name]
        empty = value == NULL
        if c.codes is not None and c.type == "code":
            return code_text(list(c.codes.codes), value, empty)
        if c.codes is not None:
            return set_text(list(c.codes.codes), value, empty)
        if c.type == "date":
            return date_array(value, empty)
        if c.type == "bool":
            return pa.array(value == 1, mask=empty)
        if c.type in ("int", "fen"):
            return pa.array(value, mask=empty)
        if empty.all():
            return pa.nulls(len(value), pa.string())
        made = texts[f"{self.name}.{c.name}"](columns["enterprise"], columns["slot"], value, columns)
        if not empty.any():
            return made
        # Taking position 'null' gives null.
        return made.take(pa.array(np.arange(len(value)), mask=empty))
