"""Small wrong versions of an indicator: another window edge, filter, date or empty value."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import sqlglot
from sqlglot import exp

from features.catalogue.declaration import Indicator
from features.catalogue.expressions import Aggregate, Formula, Window

_FLIPS: dict[type[exp.Expr], type[exp.Expr]] = {
    exp.GTE: exp.GT,
    exp.GT: exp.GTE,
    exp.LTE: exp.LT,
    exp.LT: exp.LTE,
    exp.EQ: exp.NEQ,
    exp.NEQ: exp.EQ,
    exp.Max: exp.Min,
    exp.ArgMax: exp.ArgMin,
}
_DATES = {"occurred_at": "known_at", "ended_on": "occurred_at", "valid_to": "occurred_at", "known_at": "occurred_at"}


def _near(number: int) -> int:
    """Another number, one off, that still makes a date where the first one did."""
    return number + 1 if number < 2 else number - 1


def _says_nothing(node: exp.Expr) -> bool:
    """Whether a change here can't matter, whatever the records.

    Inside a null test only missing values count; the greatest of a constant is the least; and max_by leaves missing
    values out in DuckDB (Spark's does not: the filter stays).
    """
    test = node.find_ancestor(exp.Is)
    if test is not None and node.parent is not test:
        return True
    if isinstance(node, exp.Max) and node.find(exp.Column) is None:
        return True
    return isinstance(node, exp.Is) and node.find_ancestor(exp.Filter, exp.ArgMax) is not None and _is_latest(node)


def _is_latest(test: exp.Expr) -> bool:
    around = test.find_ancestor(exp.Filter)
    return (
        around is not None and isinstance(around.this, exp.ArgMax) and test.this.unnest() == around.this.this.unnest()
    )


def _null_test(node: exp.Expr) -> bool:
    inner = node.this if isinstance(node, exp.Not) else node
    return isinstance(inner, exp.Is) and _is_latest(inner)


def _changes(node: exp.Expr) -> Iterator[tuple[str, exp.Expr]]:
    """Every way to get one node wrong."""
    for right, wrong in _FLIPS.items():
        if type(node) is right:
            yield (
                f"{right.__name__} as {wrong.__name__}",
                wrong(**{k: v for k, v in node.args.items() if v is not None}),
            )
    if isinstance(node, (exp.And, exp.Or)):
        if not _null_test(node.right):
            yield f"only the left of {node.key}", node.left
        if not _null_test(node.left):
            yield f"only the right of {node.key}", node.right
    if isinstance(node, (exp.In, exp.Is)):
        yield f"not {node.key}", exp.paren(exp.not_(node.copy()))
    if isinstance(node, exp.In) and len(node.expressions) > 1:
        for dropped in node.expressions:
            kept = [e for e in node.expressions if e is not dropped]
            yield f"without {dropped}", exp.In(this=node.this.copy(), expressions=kept)
    if isinstance(node, exp.Filter) and not _null_test(node.expression.this):
        yield "without the filter", node.this
    if isinstance(node, exp.Distinct):
        yield "not distinct", node.expressions[0]
    if isinstance(node, exp.Column) and not node.table and node.name in _DATES:
        yield f"{_DATES[node.name]} for {node.name}", exp.column(_DATES[node.name])
    if isinstance(node, exp.Literal) and not isinstance(node.parent, (exp.In, exp.Interval)):
        changed = exp.Literal.string("zz") if node.is_string else exp.Literal.number(_near(int(node.this)))
        yield f"not {node}", changed
    if isinstance(node, exp.Interval):
        yield f"{node} + 1", exp.Interval(this=exp.Literal.number(int(node.this.this) + 1), unit=node.unit)


def sql_mutants(sql: str) -> Iterator[tuple[str, str]]:
    """Every expression that differs from ``sql`` in one node, with what was changed."""
    tree = sqlglot.parse_one(sql, dialect="duckdb")
    for index, node in enumerate(tree.walk()):
        for label, changed in () if _says_nothing(node) else _changes(node):
            copy = tree.copy()
            target = list(copy.walk())[index]
            target.replace(changed.copy())
            yield label, copy.sql(dialect="duckdb")


def _aggregate_mutants(aggregate: Aggregate) -> Iterator[tuple[str, Aggregate]]:
    for label, sql in sql_mutants(aggregate.sql):
        yield label, replace(aggregate, sql=sql)
    if aggregate.window:
        months, days = aggregate.window.months, aggregate.window.days
        for longer in (Window(months + 1) if months else Window(days=days + 1), Window(days=31 * months + days + 1)):
            sql = aggregate.sql.replace(f"c.{aggregate.window.column}", f"c.{longer.column}")
            yield f"window of {longer}", replace(aggregate, sql=sql, window=longer)
    empty = 0 if aggregate.empty is None else aggregate.empty + 1
    yield f"empty is {empty}", replace(aggregate, empty=empty)


def _template_mutants(template: str) -> Iterator[tuple[str, str]]:
    for found in re.finditer(r"(?<![{\w.])\d+(\.\d+)?(?![}\w.])", template):
        number = str(float(found[0]) + 1) if found[1] else str(int(found[0]) + 1)
        yield f"{number} for {found[0]}", template[: found.start()] + number + template[found.end() :]
    for found in re.finditer(r" [+-] ", template):
        sign = " - " if found[0] == " + " else " + "
        yield f"{sign.strip()} at {found.start()}", template[: found.start()] + sign + template[found.end() :]


def _wrong(indicator: Indicator) -> Iterator[tuple[str, Formula]]:
    formula = indicator.formula
    same: dict[Aggregate, list[int]] = {}
    for k, part in enumerate(formula.parts):  # a part that comes several times is changed everywhere at once
        same.setdefault(part, []).append(k)
    for part, places in same.items():
        for label, wrong in _aggregate_mutants(part):
            parts = tuple(wrong if k in places else p for k, p in enumerate(formula.parts))
            yield f"{indicator.name}, part {places[0]}: {label}", Formula(formula.template, parts)
    for label, template in _template_mutants(formula.template):
        yield f"{indicator.name}: {label}", Formula(template, formula.parts)


def mutants(indicator: Indicator) -> dict[str, Indicator]:
    """Every wrong version of an indicator, by what was changed in it."""
    found: dict[str, Indicator] = {}
    for label, formula in _wrong(indicator):
        name, times = label, 1
        while name in found:
            times += 1
            name = f"{label} ({times})"
        found[name] = replace(indicator, formula=formula)
    return found
