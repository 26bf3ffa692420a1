"""Translation to Spark's SQL from DuckDB's, in which everything is defined once.

sqlglot knows both dialects. What it can't know (a column's type) or does not do is said here, one rule each; what
neither knows is an error of Spark's, never a guess.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import NamedTuple

import sqlglot
from sqlglot import exp

from features.contract import TABLES
from features.errors import FenleiError

_ASCENDING = "ASC NULLS LAST"


class DialectError(FenleiError):
    """A statement that has no counterpart in Spark."""


class Statement(NamedTuple):
    """A statement for Spark.

    Parameters
    ----------
    query
        A SELECT in Spark's SQL.
    name
        The table or view that it makes; empty where its rows are wanted.
    kept
        Whether it is a table: computed once, however often it is read.
    """

    query: str
    name: str = ""
    kept: bool = False


@lru_cache(maxsize=1024)  # a run's statements come again in the next
def for_spark(sql: str) -> Statement:
    """Translate a SELECT, or a CREATE TABLE or VIEW … AS SELECT.

    Raises
    ------
    DialectError
        If it is another statement, or can't be said in Spark's SQL.
    """
    tree = sqlglot.parse_one(sql, dialect="duckdb")
    name, kept = "", False
    if isinstance(tree, exp.Create):
        if tree.kind not in ("TABLE", "VIEW") or not isinstance(tree.expression, exp.Query):
            raise DialectError(f"only CREATE TABLE or VIEW … AS SELECT is run on Spark, not: {sql[:200]}")
        name, kept, tree = tree.this.name, tree.kind == "TABLE", tree.expression
    if not isinstance(tree, exp.Query):
        raise DialectError(f"only SELECT is run on Spark, not: {sql[:200]}")
    return Statement(tree.transform(_said).sql(dialect="spark"), name, kept)


def _said(node: exp.Expr) -> exp.Expr:
    """Say one node as Spark does, where sqlglot would not."""
    match node:
        case exp.Sub() if _is_day(node.this) and _is_day(node.expression):  # a number in DuckDB, an interval in Spark
            return exp.cast(_call("datediff", node.this, node.expression), "BIGINT")
        case exp.DateFromParts():  # of INT in Spark, and no BIGINT becomes one silently
            return _call("make_date", *(exp.cast(node.args[k], "INT") for k in ("year", "month", "day")))
        case exp.ArrayOverlaps():
            return _call("arrays_overlap", node.this, node.expression)
        case exp.Anonymous() if node.name.lower() == "list_has_all":  # nothing of the second is missing in the first
            whole, part = node.expressions
            return exp.EQ(this=_call("size", _call("array_except", part, whole)), expression=exp.Literal.number(0))
        case exp.Anonymous() if node.name.lower() == "create_sort_key":  # orders as a struct of never null columns
            columns, orders = node.expressions[::2], node.expressions[1::2]
            if any(order.name != _ASCENDING for order in orders):
                raise DialectError(f"only {_ASCENDING} has a counterpart in Spark: {node.sql(dialect='duckdb')}")
            return _call("struct", *columns)
        case exp.IgnoreNulls() if isinstance(node.this, exp.AnyValue):  # said by an argument in Spark
            return _call("any_value", node.this.this, exp.true())
        case exp.Sum():  # of whole numbers: 128 bits in DuckDB, in Spark those of what is summed
            node.set("this", exp.cast(node.this, "DECIMAL(38, 0)"))
        case exp.DataType() if node.this == exp.DataType.Type.INT128:
            return exp.DataType.build("DECIMAL(38, 0)")
    return node


def _call(name: str, *args: exp.Expr) -> exp.Anonymous:
    """Return a call of one of Spark's functions under its own name."""
    return exp.Anonymous(this=name, expressions=list(args))


@cache
def _days() -> frozenset[str]:
    """Names of columns that hold a day; the first days of windows (``from_36m``) besides."""
    own = {c.name for t in TABLES.values() for c in t.columns if c.type == "date"}
    return frozenset({*own, "cutoff", "known_as_of", "known_until"})


def _is_day(node: exp.Expr) -> bool:
    """Whether an expression is a day, by the names of columns and by casts."""
    if isinstance(node, exp.Column):
        return node.name in _days() or node.name.startswith("from_")
    if isinstance(node, exp.Cast):
        return node.is_type(exp.DataType.Type.DATE)
    if isinstance(node, exp.Max | exp.Min | exp.Filter | exp.Paren):
        return _is_day(node.this)
    return isinstance(node, exp.DateFromParts)
