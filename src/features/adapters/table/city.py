"""City map: what a city's files are, which of their rows are visits, measures and events, and what each cell means."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from features.catalogue.sectors.place import EventMeaning, MeasureMeaning, PlaceIndicators
from features.contract import CodeList, codes
from features.errors import ConfigError, WrongKey
from features.given import PathLike
from features.near import did_you_mean
from features.policy import Policy, load_toml


def _several(given: Any) -> Any:
    return (given,) if isinstance(given, str) else given


def _pattern(given: str) -> str:
    try:
        re.compile(given)
    except re.error as err:
        raise ValueError(f"{given!r} is no regular expression: {err}") from err
    return given


Names = Annotated[tuple[str, ...], BeforeValidator(_several)]
"""Names of columns; one alone may stand without brackets."""
Pattern = Annotated[str, BeforeValidator(_pattern)]


class Test(Policy):
    """A test of one cell; written ``column = "a"`` or ``column = ["a", "b"]`` for ``one_of``, else one key.

    Texts are compared without regard to case, to the width of signs and to blanks beyond one. A missing cell passes
    ``none_of`` and ``known = false`` alone.
    """

    one_of: tuple[str, ...] = ()
    none_of: tuple[str, ...] = ()
    at_least: int | None = None
    at_most: int | None = None
    pattern: Pattern | None = None
    known: bool | None = None

    @model_validator(mode="before")
    @classmethod
    def _short(cls, given: Any) -> Any:
        if isinstance(given, str):
            return {"one_of": (given,)}
        return {"one_of": given} if isinstance(given, list | tuple) else given

    @model_validator(mode="after")
    def _one_thing(self) -> Test:
        stated = [name for name in type(self).model_fields if getattr(self, name) not in (None, ())]
        if len(stated) != 1 and stated != ["at_least", "at_most"]:
            raise ValueError(f"a test says one thing, of {list(type(self).model_fields)}; this one: {stated}")
        return self


Where = dict[str, Test]
"""Tests by column; a row must pass all."""


class Day(Policy):
    """How a column writes its days: ``format`` as strptime's, or several; none: any of the usual ways.

    A day before ``from`` stands for "not known", beside what `features.contract.believable` says of all days.
    """

    format: Names = ()
    earliest: date | None = Field(default=None, alias="from")


class Known(Policy):
    """When a row is known: on the day of ``column``, else ``lag_days`` after what it tells; ``rule`` says why.

    ``covers_from``: the first day from which the file holds everything; "first": the month of the first visit.
    """

    lag_days: int = Field(default=0, ge=0)
    rule: str = ""
    column: str | None = None
    covers_from: Literal["first"] | date = "first"


class File(Policy):
    """One file of the folder, or several of one form where ``path`` has ``*``; rows alike in ``unique`` are one."""

    path: str
    encoding: str = "utf-8-sig"
    separator: str = Field(default=",", min_length=1, max_length=1)
    unique: Names = ()
    dates: dict[str, Day] = Field(default_factory=dict)
    numbers: Names = ()
    known: Known | None = None


class Told(Policy):
    """What a row tells of an enterprise: a fixed ``value``, or a ``column``, and of it what ``pattern`` finds.

    ``words``: regular expression and value, the first found counts; ``codes``: cell and value; ``prefix`` comes first.
    """

    column: str | None = None
    value: str | None = None
    pattern: Pattern | None = None
    words: tuple[tuple[Pattern, str], ...] = ()
    codes: dict[str, str] = Field(default_factory=dict)
    prefix: str = ""

    @model_validator(mode="after")
    def _one_source(self) -> Told:
        if (self.column is None) == (self.value is None):
            raise ValueError("expected a column or a value, and not both")
        if sum(map(bool, (self.pattern, self.words, self.codes))) > 1:
            raise ValueError("expected at most one of pattern, words, codes")
        return self


class Lookup(Policy):
    """A column of another file, found by the columns ``on``, which both files have."""

    file: str
    on: Names
    column: str


class Enterprise(Policy):
    """Who is inspected: rows of ``file``, one enterprise a ``key``.

    ``key_is`` "name": the key is a name as Chinese registers write it, and what may be a person's is left out.
    ``register``: the file is a register, one state of it; else an enterprise is what the rows of its visits tell.
    """

    file: str
    key: Names = Field(min_length=1)
    key_is: Literal["text", "name"] = "text"
    register_: bool = Field(default=False, alias="register")
    name: str | None = None
    industry: Told | None = None
    region: Told | None = None
    legal_form: Told | None = None
    address: str | None = None
    established: Lookup | str | None = None


class ArmRule(Policy):
    """Rows that are visits of an arm, and what caused them."""

    arm: str
    trigger: str | None = None
    where: Where = Field(default_factory=dict)


class OutcomeRule(Policy):
    """The result code of visits of which any row passes ``where``, and whose ``measures`` pass theirs."""

    code: str
    where: Where = Field(default_factory=dict)
    measures: dict[str, Test] = Field(default_factory=dict)


class Visits(Policy):
    """Visits: rows of ``file`` with one ``key`` are one; the first rule that fits says arm and outcome."""

    file: str
    key: Names = Field(min_length=1)
    day: str
    field: str
    enterprise: Names = ()
    inspector: str | None = None
    arms: tuple[ArmRule, ...] = Field(min_length=1)
    outcomes: tuple[OutcomeRule, ...] = Field(min_length=1)


class Measure(MeasureMeaning):
    """A number of a visit, of ``column`` of its rows or of another ``file``'s joined ``on`` columns of both.

    Of several rows ``how`` says what is made: the greatest, the total, the first, or the count of those in ``where``.
    ``pattern`` finds the number in a text; the stored value is the cell times ``scale``.
    """

    of: Literal["visits"] = "visits"
    column: str | None = None
    file: str | None = None
    on: Names = ()
    where: Where = Field(default_factory=dict)
    pattern: Pattern | None = None
    how: Literal["greatest", "total", "first", "count"] = "greatest"

    @model_validator(mode="after")
    def _has_a_source(self) -> Measure:
        if (self.how == "count") == (self.column is not None):
            raise ValueError('expected a column, or how = "count" without one')
        if (self.file is None) != (not self.on):
            raise ValueError("file and on stand together: the columns by which its rows are found")
        return self


class Link(Policy):
    """How an event without an enterprise finds one: its ``column`` holds the very address."""

    column: str
    to: Literal["enterprise.address"] = "enterprise.address"


class Event(EventMeaning):
    """Dated rows of a ``file`` that become events of one kind."""

    file: str
    day: str
    where: Where = Field(default_factory=dict)
    enterprise: Names = ()
    link: Link | None = None
    ended: str | None = None
    amount: str | None = None


class CityMap(Policy):
    """A whole map; see ``docs/maps.md``. ``never``: columns or files that nothing may read, each with its reason."""

    source: str = Field(min_length=1)
    prefix: str = Field(pattern=r"^[A-Z][A-Z0-9]{0,5}$")
    as_of: Literal["latest"] | date = "latest"
    known: Known = Known()
    files: dict[str, File] = Field(min_length=1)
    enterprise: Enterprise
    visits: Visits
    measures: tuple[Measure, ...] = ()
    events: tuple[Event, ...] = ()
    indicators: PlaceIndicators = PlaceIndicators()
    never: dict[str, str] = Field(default_factory=dict)

    def known_of(self, file: str) -> Known:
        """How rows of a file become known: the file's own word, else the map's."""
        return self.files[file].known or self.known

    def reads(self) -> Iterator[tuple[str, str, str]]:
        """Yield every rule that reads a column: its place in the map, file and column."""
        who, visits = self.enterprise, self.visits
        for column in who.key:
            yield "enterprise.key", who.file, column
        for part in ("name", "address"):
            if named := getattr(who, part):
                yield f"enterprise.{part}", who.file, named
        for part in ("industry", "region", "legal_form"):
            told: Told | None = getattr(who, part)
            if told and told.column:
                yield f"enterprise.{part}", who.file, told.column
        yield from self._established()
        named_by = visits.enterprise or who.key
        for column in (*visits.key, visits.day, *named_by, *filter(None, [visits.inspector])):
            yield "visits", visits.file, column
        for place, rules in (("arms", visits.arms), ("outcomes", visits.outcomes)):
            for rule in rules:
                yield from ((f"visits.{place}", visits.file, column) for column in rule.where)
        for m in self.measures:
            place, file = f"measures, {m.name}", m.file or visits.file
            yield from ((place, file, column) for column in (*m.where, *m.on, *filter(None, [m.column])))
            yield from ((place, visits.file, column) for column in m.on)
        for e in self.events:
            by = (e.link.column,) if e.link else e.enterprise or who.key
            columns = (e.day, *by, *e.where, *filter(None, [e.ended, e.amount]))
            yield from ((f"events, {e.kind}", e.file, column) for column in columns)
        for alias, spec in self.files.items():
            said = [*spec.unique, *spec.dates, *spec.numbers]
            if published := self.known_of(alias).column:
                said.append(published)
            yield from ((f"files.{alias}", alias, column) for column in said)

    def _wrong(self, place: str, said: str) -> WrongKey:
        """Return the mistake of a rule that `reads` names; of measures and events, the first of that name has it."""
        table, _, name = place.partition(", ")
        names = [m.name for m in self.measures] if table == "measures" else [e.kind for e in self.events]
        return WrongKey(said, *table.split("."), *([names.index(name)] if name else []))

    def _established(self) -> Iterator[tuple[str, str, str]]:
        found, place = self.enterprise.established, "enterprise.established"
        if isinstance(found, str):
            yield place, self.enterprise.file, found
        elif found:
            yield place, found.file, found.column
            for column in found.on:
                yield place, found.file, column
                yield place, self.enterprise.file, column

    @model_validator(mode="after")
    def _fits_together(self) -> CityMap:
        who, visits = self.enterprise, self.visits
        for place, file, column in self.reads():
            if file not in self.files:
                meant = did_you_mean(file, self.files)
                raise self._wrong(place, f"{place}: no file {file!r}; [files] has {sorted(self.files)}{meant}")
            for pattern, why in self.never.items():
                if fnmatchcase(column, pattern) or fnmatchcase(file, pattern):
                    raise self._wrong(place, f"{place} reads {column!r} of {file!r}, which [never] forbids: {why}")
        if not who.register_ and who.file != visits.file:
            said = "enterprise.file is not the visits' file: say register = true, or take that file"
            raise WrongKey(said, "enterprise", "file")
        if any(e.link for e in self.events) and not who.address:
            raise WrongKey("events are linked to enterprise.address, which is not said", "enterprise")
        for at, rule in enumerate(visits.arms):
            _code(("visits", "arms", at, "arm"), rule.arm, codes.ARM)
            _code(("visits", "arms", at, "trigger"), rule.trigger, codes.TRIGGER)
        names = {m.name for m in self.measures}
        for at, outcome in enumerate(visits.outcomes):
            _code(("visits", "outcomes", at, "code"), outcome.code, codes.RESULT)
            if unknown := sorted(set(outcome.measures) - names):
                said = f"visits.outcomes: no measure {unknown[0]!r}{did_you_mean(unknown[0], names)}"
                raise WrongKey(said, "visits", "outcomes", at, "measures")
        _code(("visits", "field"), visits.field, codes.FIELD)
        _ = self.indicators.declared(self.measures, self.events)
        return self


def _code(place: tuple[str | int, ...], value: str | None, among: CodeList) -> None:
    if value is not None and value not in among:
        named = ".".join(str(step) for step in place if isinstance(step, str))
        said = f"{named}: {value!r} is none of {sorted(among.codes)}{did_you_mean(value, among.codes)}"
        raise WrongKey(said, *place)


def load_map(path: PathLike) -> CityMap:
    """Read and validate a city's map.

    Raises
    ------
    ConfigError
        If the file is missing, no TOML, or wrong; the message names file, line and key, and the nearest known key.
    """
    return load_toml(path, CityMap)


def map_hash(path: Path) -> str:
    """SHA-256 over the bytes of a map."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as err:
        raise ConfigError(f"{path}: can't be read: {err.strerror or err}; expected a city's map in TOML") from err
