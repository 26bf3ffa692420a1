"""Vocabulary in which indicators are written: rows of a table, aggregates, formulas.

An indicator function receives one `Rows` per source table (or the `Formula` of another
indicator) and returns a `Formula`. Nothing is computed here: the engine turns all aggregates over
one table into one scan, then evaluates the formulas once per enterprise and cut-off.

In the SQL of an aggregate, a bare name is a column of the record, ``c.cutoff`` is the cut-off and
``c.from_36m`` / ``c.from_90d`` the first day of a window ``[cut-off − w, cut-off)``. Only integers
and dates are aggregated: DuckDB's sums of doubles differ between runs, integers don't.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

Number = int | float

NEVER = 3650
"""Days that stand for 'never': ten years, the safe end."""


YEAR = 365
"""Days of a year, for shares of a window."""


@dataclass(frozen=True, order=True)
class Window:
    """A span before the cut-off, in calendar months or in days; half open at the cut-off."""

    months: int = 0
    days: int = 0

    def __post_init__(self) -> None:
        if (self.months > 0) == (self.days > 0):
            raise ValueError("a window has either months or days")

    @property
    def column(self) -> str:
        """Name of the cohort column that holds the first day of the window."""
        return f"from_{self.months}m" if self.months else f"from_{self.days}d"

    @property
    def start_sql(self) -> str:
        """SQL of the first day of the window, from ``cutoff``."""
        unit = f"{self.months} MONTH" if self.months else f"{self.days} DAY"
        return f"CAST(cutoff - INTERVAL {unit} AS DATE)"

    def tolerated(self, days_a_year: int) -> int:
        """Return how many of its days need not be covered: so many of a year, of less in proportion, never more."""
        length = self.days or self.months * YEAR // 12
        return min(days_a_year, days_a_year * length // YEAR)

    def __str__(self) -> str:
        if self.days:
            return f"{self.days} days"
        return f"{self.months // 12} years" if self.months % 12 == 0 else f"{self.months} months"


@dataclass(frozen=True)
class Aggregate:
    """One aggregate over the seen records of one table, per enterprise and cut-off.

    Parameters
    ----------
    table
        Source table, or a relation of `features.catalogue.relations`.
    sql
        Aggregate expression in DuckDB's dialect.
    empty
        Value when the table covers the window and holds no such row.
    window
        The window that the table must cover; None when the whole history counts.
    """

    table: str
    sql: str
    empty: Number | None
    window: Window | None = None


@dataclass(frozen=True)
class Formula:
    """An expression over aggregates: ``template`` with ``{0}``, ``{1}``… for its ``parts``."""

    template: str
    parts: tuple[Aggregate, ...]

    def __add__(self, other: Formula) -> Formula:
        return combine("({} + {})", self, other)

    def __sub__(self, other: Formula) -> Formula:
        return combine("({} - {})", self, other)


def combine(template: str, *formulas: Formula) -> Formula:
    """Join formulas by a template with one ``{}`` for each."""
    parts: list[Aggregate] = []
    pieces: list[str] = []
    for formula in formulas:
        shift = len(parts)
        pieces.append(_shifted(formula.template, shift))
        parts.extend(formula.parts)
    return Formula(template.format(*pieces), tuple(parts))


def _shifted(template: str, shift: int) -> str:
    """Number the placeholders from ``shift`` on."""
    return re.sub(r"\{(\d+)\}", lambda match: f"{{{int(match[1]) + shift}}}", template)


def ratio(numerator: Formula, denominator: Formula, *, empty: Number | None = None) -> Formula:
    """Return numerator / denominator, one last division; ``empty`` where the denominator is 0."""
    otherwise = "NULL" if empty is None else repr(float(empty))
    test = f"(CASE WHEN {{}} IS NULL THEN NULL WHEN {{}} = 0 THEN {otherwise} ELSE CAST({{}} AS DOUBLE) / {{}} END)"
    return combine(test, denominator, denominator, numerator, denominator)


def shrunk_share(part: Formula, whole: Formula, *, bad: int, of: int | str) -> Formula:
    """Return (part + bad) / (whole + of): a share that says little where little was seen.

    Adding a record that counts in ``part`` always raises it, and an empty history is finite. ``of`` is a number, or
    a threshold that a province's policy gives.
    """
    numerator = f"{{}} + {bad}" if bad else "{}"
    return combine(f"(CAST({numerator} AS DOUBLE) / ({{}} + {of}))", part, whole)


@dataclass(frozen=True)
class Rows:
    """The records of one table that were known, usable and in the past at the cut-off."""

    table: str
    conditions: tuple[str, ...] = ()
    window: Window | None = None

    def where(self, condition: str) -> Rows:
        """Keep the rows for which the SQL condition over the table's columns is true."""
        return replace(self, conditions=(*self.conditions, condition))

    def within(self, *, months: int = 0, days: int = 0) -> Rows:
        """Keep the rows that occurred in ``[cut-off − w, cut-off)``."""
        return replace(self, window=Window(months, days))

    def open(self) -> Rows:
        """Keep the rows that have not ended before the cut-off; an end on the cut-off day is not counted yet."""
        return self.where("(ended_on IS NULL OR ended_on >= c.cutoff)")

    def ended_within(self, *, months: int) -> Rows:
        """Keep the rows that ended in ``[cut-off − w, cut-off)``, whenever they began."""
        return self.where(f"ended_on >= CAST(c.cutoff - INTERVAL {months} MONTH AS DATE) AND ended_on < c.cutoff")

    def _filter(self) -> str:
        window = (f"occurred_at >= c.{self.window.column}",) if self.window else ()
        conditions = self.conditions + window
        return f" FILTER (WHERE {' AND '.join(conditions)})" if conditions else ""

    def _aggregate(self, sql: str, empty: Number | None) -> Formula:
        aggregate = Aggregate(self.table, f"CAST({sql}{self._filter()} AS BIGINT)", empty, self.window)
        return Formula("{0}", (aggregate,))

    def count(self) -> Formula:
        """Return the number of rows."""
        return self._aggregate("count(*)", 0)

    def distinct(self, column: str) -> Formula:
        """Return the number of different non-null values."""
        return self._aggregate(f"count(DISTINCT {column})", 0)

    def total(self, column: str) -> Formula:
        """Return the sum of an integer column; nulls count nothing."""
        return self._aggregate(f"sum({column})", 0)

    def greatest(self, expression: str, *, empty: Number | None) -> Formula:
        """Return the greatest value of an integer expression; ``empty`` without rows."""
        return self._aggregate(f"max({expression})", empty)

    def least(self, expression: str, *, empty: Number | None) -> Formula:
        """Return the least value of an integer expression; ``empty`` without rows."""
        return self._aggregate(f"min({expression})", empty)

    def mean(self, column: str) -> Formula:
        """Return the mean of an integer column, one last division; missing without rows; nulls count nothing."""
        stated = self.where(f"{column} IS NOT NULL")
        return ratio(stated.total(column), stated.count())

    def days_since_last(self, *, never: int) -> Formula:
        """Return the days from the latest occurrence to the cut-off, at most ``never``.

        'Never' is the finite ``never``, the safe end: LightGBM's monotone constraints don't bind
        nulls.
        """
        last = f"max(occurred_at){self._filter()}"
        sql = f"CAST(least({never}, c.cutoff - {last}) AS BIGINT)"
        return Formula("{0}", (Aggregate(self.table, sql, never, self.window),))

    def latest(self, expression: str, *, empty: Number | None) -> Formula:
        """Return an integer expression of the latest row that states it (ties: the greatest record_id)."""
        filtered = self.where(f"({expression}) IS NOT NULL")
        return filtered._aggregate(f"max_by({expression}, (occurred_at, record_id))", empty)
