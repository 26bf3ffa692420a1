"""Indicators that a sector's file declares, and the rows they read, in the vocabulary of all indicators.

Nothing is evaluated here: a declaration becomes the same `features.catalogue.expressions.Formula` that an indicator's
function returns, and from there on it is an indicator like any other.
"""

from __future__ import annotations

from functools import cached_property
from typing import Literal

from pydantic import Field, model_validator

from features.catalogue.bounds import DIFFERENCE, Bounds
from features.catalogue.declaration import Direction, Family, Indicator, described
from features.catalogue.expressions import NEVER, Formula, Rows, shrunk_share
from features.catalogue.sectors.conditions import Condition, column_of
from features.errors import CatalogueError
from features.policy import Policy

Measure = Literal[
    "count", "distinct", "total", "greatest", "least", "mean", "any", "days_since_last", "latest", "share"
]
_NEEDS_COLUMN = ("distinct", "total", "greatest", "least", "mean")


class DeclaredRows(Policy):
    """Rows of a table: those that meet every condition and, with ``open``, have not ended before the cut-off."""

    table: str
    where: dict[str, Condition] = Field(default_factory=dict)
    open: bool = False

    def conditions(self) -> tuple[str, ...]:
        """SQL of the conditions, over the record's columns and ``c.cutoff``.

        Raises
        ------
        ValueError
            If the table lacks a column, or a condition does not fit it.
        """
        if self.open:
            column_of(self.table, "ended_on")
        column_of(self.table, "occurred_at")
        return Rows(self.table).open().conditions * self.open + _sql(self.table, self.where)


class DeclaredIndicator(DeclaredRows):
    """One indicator of a sector or a place.

    Parameters
    ----------
    name, zh, en, family, group, direction, unit, policy, doc
        As `features.catalogue.declaration.Indicator`; ``policy`` may be an article of the place's own.
    measure
        What is made of the rows: ``count``; ``distinct``, ``total``, ``greatest``, ``least`` or ``mean`` of ``column``
        (the last two missing without rows, as is the greatest of what can be negative); ``any`` (1 when there is one);
        ``days_since_last`` (3650 stands for never); ``latest``: ``column`` of the latest row that states it (missing
        without), or 1 when the latest row meets ``part``; ``share`` of the rows that meet ``part``, as
        (such + prior[0]) / (rows + prior[1]).
    months, days
        Window before the cut-off over ``occurred_at``; neither: the whole history.
    ended_months
        Instead: the rows that ended in so many months before the cut-off.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)
    family: Family
    group: str
    direction: Direction
    unit: str = Field(min_length=1)
    policy: str = Field(min_length=1)
    doc: str = Field(min_length=1)
    measure: Measure
    column: str | None = None
    months: int = Field(default=0, ge=0)
    days: int = Field(default=0, ge=0)
    ended_months: int = Field(default=0, ge=0)
    part: dict[str, Condition] = Field(default_factory=dict)
    prior: tuple[int, int] | None = None

    @model_validator(mode="after")
    def _makes_sense(self) -> DeclaredIndicator:
        """Build it once, so that what is wrong is known when the file is read."""
        if (self.months > 0) + (self.days > 0) + (self.ended_months > 0) > 1:
            raise ValueError("at most one of months, days, ended_months")
        if (self.measure in _NEEDS_COLUMN) != (self.column is not None) and self.measure != "latest":
            raise ValueError(f"measure {self.measure!r} {'needs a' if self.column is None else 'takes no'} column")
        if self.measure == "latest" and (self.column is None) != bool(self.part):
            raise ValueError("measure 'latest' needs a column or a part")
        if self.measure == "share" and (not self.part or self.prior is None):
            raise ValueError("measure 'share' needs a part and a prior")
        if self.measure not in ("share", "latest") and (self.part or self.prior):
            raise ValueError(f"measure {self.measure!r} takes neither part nor prior")
        if self.prior is not None and not 0 <= self.prior[0] < self.prior[1]:
            raise ValueError(f"prior {list(self.prior)}: expected [a, n] with 0 <= a < n")
        try:
            _ = self.indicator
        except CatalogueError as err:
            raise ValueError(str(err)) from err
        return self

    @cached_property
    def indicator(self) -> Indicator:
        """The indicator as the catalogue has it."""
        return described(
            self._formula(),
            name=self.name,
            zh=self.zh,
            en=self.en,
            family=self.family,
            group=self.group,
            direction=self.direction,
            unit=self.unit,
            policy=self.policy,
            doc=self.doc,
            bounds=self._bounds(),
        )

    def _bounds(self) -> Bounds | None:
        """Values of a column of which the contract allows negative ones can be negative; a mean need not be whole."""
        if self.column is None or self.measure == "distinct":
            return None
        if self.measure == "mean":
            return Bounds(low=None if self._negative else 0)
        return DIFFERENCE if self._negative else None

    @property
    def _negative(self) -> bool:
        least = column_of(self.table, self.column or "").minimum
        return least is None or least < 0

    def _rows(self) -> Rows:
        rows = Rows(self.table, self.conditions())
        if self.ended_months:
            column_of(self.table, "ended_on")
            return rows.ended_within(months=self.ended_months)
        return rows.within(months=self.months, days=self.days) if self.months or self.days else rows

    def _formula(self) -> Formula:
        rows, part = self._rows(), _sql(self.table, self.part)
        column = "" if self.column is None else self._whole_number(self.column)
        match self.measure:
            case "count":
                return rows.count()
            case "distinct":
                return rows.distinct(column)
            case "total":
                return rows.total(column)
            case "greatest":
                return rows.greatest(column, empty=None if self._negative else 0)
            case "least":
                return rows.least(column, empty=None)
            case "mean":
                return rows.mean(column)
            case "any":
                return rows.greatest("CAST(1 AS BIGINT)", empty=0)
            case "days_since_last":
                return rows.days_since_last(never=NEVER)
            case "latest":
                test = f"CAST({' AND '.join(part)} AS BIGINT)"
                return rows.latest(test, empty=0) if part else rows.latest(column, empty=None)
            case "share":
                such = rows
                for condition in part:
                    such = such.where(condition)
                bad, of = self.prior or (0, 1)
                return shrunk_share(such.count(), rows.count(), bad=bad, of=of)

    def _whole_number(self, name: str) -> str:
        kind = column_of(self.table, name).type
        if self.measure != "distinct" and kind not in ("int", "fen"):
            raise ValueError(f"measure {self.measure!r} needs a whole number; column {name} is {kind}")
        return name


def _sql(table: str, where: dict[str, Condition]) -> tuple[str, ...]:
    found = []
    for name, condition in where.items():
        try:
            found.append(condition.sql(column_of(table, name)))
        except ValueError as err:
            raise ValueError(f"table {table}: {err}") from err
    return tuple(found)
