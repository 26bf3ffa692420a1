"""Prepared statements over rows that come as parameters: planned once, executed often, nothing stored.

Reading and planning SQL takes far longer than running it on a few rows, and DuckDB 2.0 plans a prepared statement
again at every EXECUTE if it names a table. Here none does: a statement reads common table expressions by the names
of tables, and the rows of each come as one parameter, a JSON text of columns. It is planned at its first use and
then only executed, ten times as fast or more.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

import duckdb

from features.engine.faults import named
from features.records.store import connect

Columns = Mapping[str, Sequence[Any]]
"""Cells by column, all equally many: whole numbers, texts, truth values, days, lists of whole numbers, or None."""
Types = Mapping[str, str]
"""SQL type by column."""
NO_ROWS = "'{}'"


class Statements:
    """Prepared statements of one connection; not for use by two threads at a time.

    Parameters
    ----------
    given
        Columns of the tables whose rows are given.
    steps
        SQL of what else a statement may name, from what is given and from one another.
    """

    def __init__(self, given: Mapping[str, Types], steps: Mapping[str, str]) -> None:
        self._given, self._steps = given, steps
        self._inputs: dict[str, list[str]] = {}
        self._con = connect(threads=1)
        # Good for many rows; for a few, each distinct count would become a join of its own.
        self._con.execute("SET disabled_optimizers = 'distinct_aggregate_rewrite'")

    def rows(
        self, name: str, sql: Callable[[], str], given: Mapping[str, str], steps: Mapping[str, str] | None = None
    ) -> list[tuple[Any, ...]]:
        """Return the rows of a statement; ``sql`` is asked for at its first use.

        Parameters
        ----------
        name
            Of the statement: the same name means the same SQL.
        given
            Rows by table, as `literal` writes them; a table that is not given has none.
        steps
            Steps of this statement alone, in the place of those of the same name.

        Raises
        ------
        EngineError
            If DuckDB can't compute it; names the statement.
        """
        if name not in self._inputs:
            self._inputs[name] = self._prepare(name, sql(), {**self._steps, **(steps or {})})
        inputs = ", ".join(f"{table} := {given.get(table, NO_ROWS)}" for table in self._inputs[name])
        with named("DuckDB", f"statement {name}", (duckdb.Error,)):
            return self._con.execute(f"EXECUTE run_{name}({inputs})").fetchall()

    def _prepare(self, name: str, sql: str, steps: Mapping[str, str]) -> list[str]:
        """Plan a statement behind the expressions that it needs; return those that are parameters."""
        needed: dict[str, str] = {}

        def need(text: str) -> None:
            for word in dict.fromkeys(re.findall(r"\w+", text)):
                if word in steps and word not in needed:
                    need(steps[word])
                    needed[word] = steps[word]
                elif word in self._given:
                    needed[word] = ""

        need(sql)
        words = set(re.findall(r"\w+", " ".join([sql, *needed.values()])))
        inputs = [word for word in needed if word in self._given]
        for table in inputs:
            needed[table] = _given_sql(table, {c: kind for c, kind in self._given[table].items() if c in words})
        tables = ", ".join(f"{table} AS ({text})" for table, text in needed.items())
        self._con.execute(f"PREPARE run_{name} AS WITH {tables} {sql}")
        return inputs

    def close(self) -> None:
        """Close the database."""
        self._con.close()


def _given_sql(name: str, columns: Types) -> str:
    """SQL of the rows of the parameter ``name``."""
    schema = json.dumps({c: [[kind[:-2]] if kind.endswith("[]") else kind] for c, kind in columns.items()})
    cells = ", ".join(f"unnest(rows.{column}) AS {column}" for column in columns)
    # Without the cast the parameter would be JSON, another type than what is given: planned again every time.
    return f"SELECT {cells} FROM (SELECT from_json(CAST(${name} AS VARCHAR), '{schema}') AS rows)"


def literal(columns: Columns) -> str:
    """Return rows as the SQL literal of a JSON text; exact for what `Columns` holds."""
    written = {name: _written(values) for name, values in columns.items()}
    return "'" + json.dumps(written, ensure_ascii=False, separators=(",", ":")).replace("'", "''") + "'"


def handed_on(types: Types, rows: Sequence[tuple[Any, ...]]) -> str:
    """Return rows that a statement gave as another one is given them."""
    return literal(dict(zip(types, zip(*rows, strict=True), strict=True))) if rows else NO_ROWS


def _written(values: Sequence[Any]) -> Sequence[Any]:
    """Days as texts, each different one written once; all else as it is."""
    if date not in set(map(type, values)):
        return values
    days = {day: day and day.isoformat() for day in set(values)}
    return [days[day] for day in values]
