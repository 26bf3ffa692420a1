"""Policy of remedies: the lawful acts of a province, ``acts.toml``, as changes of records that the contract allows.

An act is never a change of an indicator: it says which records of an enterprise get a new version, or which new record
is written, and the indicators follow by the code that computes them anyway.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from features.contract import TABLES, Column
from features.errors import ConfigError
from features.near import did_you_mean
from features.policy import Policy, load_policy

Word = Literal["open", "past", "empty", "positive"]
"""Of a day: none yet or not before the cut-off; before it. Of any cell: nothing there. Of a number: above 0."""

Condition = Word | tuple[bool | int | str, ...]
"""A word, or the values of which the cell is (or, of a list of codes, holds) one."""

COMMON = frozenset({"enterprise_id", "record_id", "version", "occurred_at", "known_at", "record_state"})
"""Columns that no act sets: whose record it is, and when it was."""


class DaysLater(Policy):
    """A day: so many days after the act."""

    days_later: int


class Copied(Policy):
    """The cell of this name of the record that an added one refers to."""

    of: str


Value = bool | int | str | DaysLater | Copied


class Matching(Policy):
    """Records of a table: those for which every condition of ``where`` holds, and not every one of ``unless``.

    ``latest``: only the newest record of the table. ``at_least_days``: only those that began so long before.
    """

    table: str
    where: dict[str, Condition] = Field(default_factory=dict)
    unless: dict[str, Condition] = Field(default_factory=dict)
    latest: bool = False
    at_least_days: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _in_the_contract(self) -> Matching:
        for name, condition in [*self.where.items(), *self.unless.items()]:
            column = column_of(self.table, name)
            if isinstance(condition, tuple):
                for value in condition:
                    _fits(self.table, column, value)
        return self


class Revise(Matching):
    """The matching records get a new version in which columns are ``set``."""

    kind: Literal["revise"]
    set: dict[str, Value] = Field(min_length=1)

    @model_validator(mode="after")
    def _settable(self) -> Revise:
        _values(self.table, self.set, None)
        return self


class Refer(Matching):
    """For each matching record one is added to the table ``into``."""

    kind: Literal["refer"]
    into: str
    add: dict[str, Value] = Field(min_length=1)

    @model_validator(mode="after")
    def _addable(self) -> Refer:
        _values(self.into, self.add, self.table)
        return self


class Report(Policy):
    """The annual reports that were due and are missing are added; what they will say is not known."""

    kind: Literal["report"]


class File(Policy):
    """One record is added to the table ``into``, if it has none like it."""

    kind: Literal["file"]
    into: str
    add: dict[str, Value] = Field(min_length=1)

    @model_validator(mode="after")
    def _addable(self) -> File:
        _values(self.into, self.add, None)
        return self


Change = Annotated[Revise | Refer | Report | File, Field(discriminator="kind")]


class Act(Policy):
    """What an enterprise may do.

    Parameters
    ----------
    id, en, zh
        Its name for programs, and what is said of it, in the imperative.
    article
        What it rests on.
    days
        How long it takes, from the application until the record says so.
    changes
        Of records.
    needs
        Acts that have to be done as well, where there is something to do in them.
    duty
        Whether the law asks for it by a day: then an enterprise that does nothing wrong from now on will have done it
        when it comes due.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    en: str
    zh: str
    article: str
    days: int = Field(ge=0)
    changes: tuple[Change, ...] = Field(min_length=1)
    needs: tuple[str, ...] = ()
    duty: bool = False


class Acts(Policy):
    """``acts.toml``.

    Parameters
    ----------
    never
        Tables whose records no act gives a new version: what happened stays. A record that refers to one may be added,
        such as a granted repair.
    most
        Acts of one enterprise that are tried together; those that help least alone are left out.
    years
        How far ahead is looked for the month in which a record stops counting.
    acts
        All of them.
    """

    never: tuple[str, ...]
    most: int = Field(ge=1, le=12)
    years: int = Field(ge=1, le=10)
    acts: tuple[Act, ...] = Field(min_length=1)

    @field_validator("never")
    @classmethod
    def _tables(cls, never: tuple[str, ...]) -> tuple[str, ...]:
        for table in never:
            _known(table, TABLES, "table")
        return never

    @model_validator(mode="after")
    def _consistent(self) -> Acts:
        ids = [act.id for act in self.acts]
        if twice := sorted({i for i in ids if ids.count(i) > 1}):
            raise ValueError(f"acts given more than once: {twice}")
        for act in self.acts:
            for other in act.needs:
                _known(other, ids, f"act {act.id} needs an act")
                if self.named(other).needs:
                    raise ValueError(
                        f"act {act.id} needs {other}, which needs others itself: name all of them in {act.id}"
                    )
            for change in act.changes:
                if isinstance(change, Revise) and change.table in self.never:
                    raise ValueError(f"act {act.id} gives {change.table} a new version, which no act may")
        return self

    def named(self, name: str) -> Act:
        """Return an act.

        Raises
        ------
        ConfigError
            If there is none of that name; names it and the known ones.
        """
        for act in self.acts:
            if act.id == name:
                return act
        ids = [act.id for act in self.acts]
        raise ConfigError(f"no act {name!r}; known: {', '.join(ids)}{did_you_mean(name, ids)}")

    def chosen(self, names: Iterable[str] | None) -> Acts:
        """Return the policy with the named acts and those they need alone; None: all; raises as `named`."""
        if names is None:
            return self
        asked = [self.named(name) for name in names]
        kept = {act.id for act in asked} | {need for act in asked for need in act.needs}
        if not kept:
            raise ConfigError(f"no act is named; known: {', '.join(act.id for act in self.acts)}")
        return self.model_copy(update={"acts": tuple(act for act in self.acts if act.id in kept)})


def load_acts(province: str) -> Acts:
    """Load ``data/policies/<province>/acts.toml``.

    Raises
    ------
    ConfigError
        If it is missing or wrong: names file, line and what was expected.
    """
    return load_policy(province, "acts", Acts)


def column_of(table: str, name: str) -> Column:
    """Return a column of the contract; ValueError names what is unknown."""
    _known(table, TABLES, "table")
    columns = {column.name: column for column in TABLES[table].columns}
    _known(name, columns, f"{table}: column")
    return columns[name]


def _known(name: str, known: Iterable[str], what: str) -> None:
    names = list(known)
    if name not in names:
        raise ValueError(f"{what} {name!r} is unknown{did_you_mean(name, names)}")


def _fits(table: str, column: Column, value: Any) -> None:
    if column.codes is not None and value not in column.codes:
        raise ValueError(f"{table}.{column.name} {value!r}: expected one of {', '.join(column.codes.codes)}")
    kinds = {"int": int, "fen": int, "bool": bool}.get(column.type, str)
    if type(value) is not kinds:
        raise ValueError(f"{table}.{column.name} {value!r}: expected {kinds.__name__}")


def _values(table: str, values: Mapping[str, Value], refers_to: str | None) -> None:
    """Hold that what an act writes fits the contract."""
    _known(table, TABLES, "table")
    for name, value in values.items():
        column = column_of(table, name)
        if name in COMMON:
            raise ValueError(f"{table}.{name}: no act sets it")
        if isinstance(value, DaysLater):
            if column.type != "date":
                raise ValueError(f"{table}.{name} is no day")
        elif isinstance(value, Copied):
            if refers_to is None:
                raise ValueError(f"{table}.{name}: there is no record to copy {value.of!r} from")
            column_of(refers_to, value.of)
        else:
            _fits(table, column, value)
