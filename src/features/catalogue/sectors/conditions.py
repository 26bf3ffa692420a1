"""Conditions on one column, as a sector's file writes them; each becomes SQL over a seen record.

Missing values: only ``none_of``, ``passed = false`` and ``known = false`` hold for one; every other condition needs a
value.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from features.contract import TABLES, Column
from features.near import did_you_mean
from features.policy import Policy

VISITS = "visits"
"""Inspections with ``violation``: 1, 0 or, censored or not known yet, missing (`features.catalogue.relations`)."""

_VIOLATION = Column("violation", "int", "是否发现问题")
Scalar = str | int | bool


class Condition(Policy):
    """One condition; written ``column = "a"`` or ``column = ["a", "b"]`` for ``one_of``, else as a table of one key.

    Parameters
    ----------
    one_of, none_of
        The value is, or is not, one of these.
    has_any
        A column of several codes has one of these.
    starts_with
        A text begins with one of these, such as a division of GB/T 4754.
    at_least
        A number is no smaller.
    passed
        A date lies before the cut-off; false: it does not, or there is none.
    days_left
        A date is one of so many days from the cut-off on.
    known
        The value is there.
    """

    one_of: tuple[Scalar, ...] = ()
    none_of: tuple[Scalar, ...] = ()
    has_any: tuple[str, ...] = ()
    starts_with: tuple[str, ...] = ()
    at_least: int | None = None
    passed: bool | None = None
    days_left: int | None = Field(default=None, ge=1)
    known: bool | None = None

    @model_validator(mode="before")
    @classmethod
    def _short(cls, given: Any) -> Any:
        """Read a value, or a list of values, as ``one_of``."""
        if isinstance(given, str | int | bool):
            return {"one_of": [given]}
        return {"one_of": given} if isinstance(given, list | tuple) else given

    @model_validator(mode="after")
    def _one_thing(self) -> Condition:
        stated = [name for name in type(self).model_fields if getattr(self, name) not in (None, ())]
        if len(stated) != 1:
            raise ValueError(f"a condition says one thing, of {list(type(self).model_fields)}; this one: {stated}")
        if not all(text.isalnum() for text in self.starts_with):
            raise ValueError(f"starts_with takes letters and digits, got {list(self.starts_with)}")
        return self

    def sql(self, column: Column) -> str:
        """SQL of the condition on a column of the record.

        Raises
        ------
        ValueError
            If the column's type or code list does not allow it.
        """
        name, kind = column.name, column.type
        if self.one_of or self.none_of:
            values = [_literal(column, value) for value in self.one_of or self.none_of]
            same, among = ("=", "IN") if self.one_of else ("<>", "NOT IN")
            test = f"{name} {same} {values[0]}" if len(values) == 1 else f"{name} {among} ({', '.join(values)})"
            return test if self.one_of or column.required else f"({name} IS NULL OR {test})"
        if self.has_any:
            _require(column, "has_any", ("codes",))
            return f"list_has_any(string_split({name}, ';'), [{', '.join(_code(column, c) for c in self.has_any)}])"
        if self.starts_with:
            _require(column, "starts_with", ("text",))
            return "(" + " OR ".join(f"{name} LIKE '{text}%'" for text in self.starts_with) + ")"
        if self.at_least is not None:
            _require(column, "at_least", ("int", "fen"))
            return f"{name} >= {self.at_least}"
        if self.known is not None:
            return f"{name} IS {'NOT ' if self.known else ''}NULL"
        _require(column, "passed and days_left", ("date",))
        if kind == "date" and self.days_left:
            return f"({name} >= c.cutoff AND {name} < c.cutoff + {self.days_left})"
        return f"{name} < c.cutoff" if self.passed else f"({name} IS NULL OR {name} >= c.cutoff)"


def column_of(table: str, name: str) -> Column:
    """Return a column of a table that a sector may read.

    Raises
    ------
    ValueError
        If there is no such table or column; the message lists those there are.
    """
    if table == VISITS:
        columns = (*TABLES["inspections"].columns, _VIOLATION)
    elif table in TABLES:
        columns = TABLES[table].columns
    else:
        there = sorted([*TABLES, VISITS])
        raise ValueError(f"no table {table!r}; there are {there}{did_you_mean(table, there)}")
    for column in columns:
        if column.name == name:
            return column
    names = [c.name for c in columns]
    raise ValueError(f"table {table} has no column {name!r}; it has {names}{did_you_mean(name, names)}")


def _require(column: Column, condition: str, kinds: tuple[str, ...]) -> None:
    if column.type not in kinds:
        raise ValueError(f"column {column.name} is {column.type}: {condition} needs {' or '.join(kinds)}")


def _code(column: Column, value: str) -> str:
    if column.codes is not None and value not in column.codes:
        raise ValueError(f"column {column.name} has no code {value!r}; it has {sorted(column.codes.codes)}")
    return "'" + value.replace("'", "''") + "'"


def _literal(column: Column, value: Scalar) -> str:
    """SQL of a value of the column's type."""
    if column.type in ("code", "text") and isinstance(value, str):
        return _code(column, value)
    if column.type == "bool" and isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if column.type in ("int", "fen") and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise ValueError(f"column {column.name} is {column.type}: it can't be {value!r}")
