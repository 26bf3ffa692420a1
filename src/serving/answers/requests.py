"""Requests: the shape of what may be asked, and errors that name the item and the field.

One enterprise is asked about in one of three ways: by its indicators, by its record (rows of contract tables), or
as an enterprise of the current indicator table. A call asks about one, or about several in ``items``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError, from_json

from features.catalogue import CATALOGUE, RECENT, Indicator
from features.catalogue.evidence import EVIDENCE
from features.catalogue.relations import POPULATION
from features.contract import TABLES
from features.contract.identity import EXPECTED, RECORD_NUMBERS, holds_identity_number, masked
from features.contract.uscc import repair
from features.near import did_you_mean
from features.twice import keys_given_twice
from serving.answers.depth import DEEPEST, too_deep
from serving.answers.options import Options
from serving.errors import Problem, RequestError


def _nobody(text: str, *, record_number: bool = False, code: bool = False) -> str:
    """Refuse a text that holds a person's identity number; the error doesn't repeat it."""
    if holds_identity_number(text, record_number=record_number, code=code):
        raise PydanticCustomError("identity_number", "expected {expected}", {"expected": EXPECTED})
    return text


def _written_day(given: Any) -> Any:
    """Refuse a day that isn't written as one: a number would else be read as seconds since 1970."""
    if isinstance(given, date) or (isinstance(given, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", given, re.ASCII)):
        return given
    raise PydanticCustomError("no_day", "expected a day such as 2026-01-31")


def _month(given: Any) -> Any:
    """Read a month, ``2026-01`` or its first day; the error doesn't repeat the value."""
    text = given.isoformat() if isinstance(given, date) else given
    if isinstance(text, str) and re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])(-01)?", text, re.ASCII):
        return f"{text[:7]}-01"
    raise PydanticCustomError(
        "no_month", "expected the first day of a month such as 2026-01-01, or 2026-01: classes are made monthly"
    )


Kind = Literal["indicators", "record", "enterprise"]
Name = Annotated[str, Field(min_length=1, max_length=128), AfterValidator(_nobody)]
Code = Annotated[str, Field(min_length=1, max_length=128), AfterValidator(partial(_nobody, code=True))]
Day = Annotated[date, Field(ge=date(1990, 1, 1), le=date(2100, 1, 1)), BeforeValidator(_written_day)]
Month = Annotated[date, Field(ge=date(1990, 1, 1), le=date(2100, 1, 1)), BeforeValidator(_month)]
"""A cut-off that is asked about: the model learns, is measured and drawn by at firsts of months, so a class at another
day would be one that nothing vouches for. An indicator table may be of any day (`features.table.month`)."""
Number = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=-1e18, le=1e18)]
"""No indicator is beyond: 1e18 fen are ten million billion yuan."""
Evidence = Annotated[
    str,
    Field(min_length=1, max_length=128, pattern=r"^[^;\s]([^;]*[^;\s])?$"),
    AfterValidator(partial(_nobody, record_number=True)),
]
"""A record that hit a rule, ``table:record_id``; a ; would make it two."""
Row = dict[str, JsonValue]

_LONGEST = 80
"""Characters of a caller's own key that an error repeats."""


def _known(kind: str, names: Any, there: Any) -> None:
    unknown = sorted(masked(str(n))[:_LONGEST] for n in names if n not in there)
    if unknown:
        shown = ", ".join(unknown[:5]) + (f" and {len(unknown) - 5} more" if len(unknown) > 5 else "")
        shown += did_you_mean(unknown[0], there)
        raise PydanticCustomError("unknown_name", "unknown {kind}: {shown}", {"kind": kind, "shown": shown})


def _cannot_be(indicator: Indicator) -> InitErrorDetails:
    """Error of one indicator's value, at its name and without the value."""
    expected = {"bounds": str(indicator.bounds), "unit": indicator.unit}
    error = PydanticCustomError("out_of_bounds", "expected {bounds} ({unit})", expected)
    return InitErrorDetails(type=error, loc=(indicator.name,), input=None)


class RecordIn(BaseModel):
    """Rows of contract tables about one enterprise.

    A table that is left out counts as not available (its indicators are unknown); a table with no rows counts as
    looked at and empty.
    """

    model_config = ConfigDict(extra="forbid")

    tables: dict[str, list[Row]] = Field(description="Contract table to rows; enterprise_id may be left out of a row.")
    context: dict[str, list[Row]] = Field(
        default_factory=dict, description="What other enterprises' records make: rows by relation."
    )
    covers_from: dict[str, Day] = Field(
        default_factory=dict, description="First day covered, by table; a table without is covered for ever."
    )

    @field_validator("tables", "covers_from")
    @classmethod
    def _tables(cls, given: dict[str, Any]) -> dict[str, Any]:
        _known("table", given, TABLES)
        return given

    @field_validator("context")
    @classmethod
    def _context(cls, given: dict[str, list[Row]]) -> dict[str, list[Row]]:
        _known("relation", given, POPULATION)
        for relation, rows in given.items():
            types = dict(part.split() for part in POPULATION[relation].split(", "))
            for number, row in enumerate(rows):
                _known(f"column of {relation}, row {number}", row, types)
                for name, value in row.items():
                    expected = "" if _fits(types[name], value) else _EXPECTED[types[name]]
                    if isinstance(value, str) and holds_identity_number(value, record_number=name in RECORD_NUMBERS):
                        expected = EXPECTED
                    if expected:
                        raise PydanticCustomError(
                            "context_value",
                            "{relation}, row {number}, column {name}: expected {type}",
                            {"relation": relation, "number": number, "name": name, "type": expected},
                        )
        return given


_EXPECTED = {"BIGINT": "a whole number", "DATE": "a date such as 2026-01-31", "VARCHAR": "text"}


def _fits(sql_type: str, value: JsonValue) -> bool:
    if value is None:
        return True
    if sql_type == "BIGINT":
        return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63
    if not isinstance(value, str):
        return False
    if sql_type == "DATE":
        try:
            date.fromisoformat(value)
        except ValueError:
            return False
    return True


class Item(BaseModel):
    """One enterprise to classify, asked about in exactly one way.

    - by indicators: ``enterprise_id``, ``cutoff``, ``indicators`` and optional ``evidence``;
    - by record: ``enterprise_id``, ``cutoff`` and ``record``;
    - of the current table: ``enterprise_id`` or ``uscc``, nothing else.
    """

    model_config = ConfigDict(extra="forbid")

    enterprise_id: Name | None = None
    uscc: Code | None = Field(
        default=None,
        description="Unified social credit code, of the current table only; full-width or small letters and spaces are"
        " mended as in a source.",
    )
    cutoff: Month | None = Field(
        default=None,
        description="Moment of the classification, the first day of a month (2026-01-01, or 2026-01); windows end"
        " before it.",
    )
    indicators: dict[str, Number | None] | None = Field(
        default=None, description="Indicator to value; null, or left out, means unknown."
    )
    evidence: dict[str, list[Evidence]] | None = Field(
        default=None,
        description="Evidence column of a direct rule to the records that hit it ([] means looked and found none); "
        "a rule left out is not checked, and the answer says so.",
    )
    record: RecordIn | None = None

    @field_validator("uscc")
    @classmethod
    def _code(cls, given: str | None) -> str | None:
        if given is None:
            return None
        code = repair(given)
        if not code:
            raise PydanticCustomError("no_code", "expected a social credit code, got only blanks")
        return code

    @field_validator("indicators")
    @classmethod
    def _indicators(cls, given: dict[str, float | None] | None, info: ValidationInfo) -> dict[str, float | None] | None:
        there: Mapping[str, Indicator] = info.context or CATALOGUE | RECENT
        _known("indicator", given or {}, there)
        wrong = [
            name for name, value in (given or {}).items() if value is not None and not there[name].bounds.hold(value)
        ]
        if wrong:
            raise ValidationError.from_exception_data("indicators", [_cannot_be(there[name]) for name in wrong])
        return given

    @field_validator("evidence")
    @classmethod
    def _evidence(cls, given: dict[str, list[str]] | None) -> dict[str, list[str]] | None:
        _known("evidence", given or {}, EVIDENCE)
        return given

    @property
    def kind(self) -> Kind:
        """In which way it asks."""
        return "indicators" if self.indicators is not None else "record" if self.record is not None else "enterprise"

    @model_validator(mode="after")
    def _one_way(self) -> Item:
        def wrong(message: str) -> PydanticCustomError:
            return PydanticCustomError("request_shape", message)

        if self.indicators is not None and self.record is not None:
            raise wrong("give indicators or a record, not both")
        if self.evidence is not None and self.indicators is None:
            raise wrong("evidence belongs to indicators")
        if self.kind == "enterprise":
            if (self.enterprise_id is None) == (self.uscc is None):
                raise wrong("give indicators, a record, or exactly one of enterprise_id and uscc")
            if self.cutoff is not None:
                raise wrong("an enterprise of the current table is classified at the table's cutoff: leave cutoff out")
        elif self.enterprise_id is None or self.cutoff is None:
            raise wrong(f"a question by {self.kind} needs enterprise_id and cutoff")
        elif self.uscc is not None:
            raise wrong(f"a question by {self.kind} names the enterprise by enterprise_id, not by uscc")
        return self


class Batch(BaseModel):
    """Several enterprises in one call."""

    model_config = ConfigDict(extra="forbid")

    items: list[Item] = Field(min_length=1)


class ClassifyRequest(Item, Options):
    """Body of ``POST /classify``: one enterprise, or several in ``items``; and how to answer."""

    items: list[Item] | None = Field(default=None, description="Several enterprises, instead of the other fields.")


@dataclass(frozen=True)
class Asked:
    """A call that was read: its items, whether the body was the item itself, and how to answer."""

    items: list[Item]
    single: bool
    options: Options


def _where(loc: tuple[int | str, ...]) -> str:
    out = ""
    for part in loc:
        out += f"[{part}]" if isinstance(part, int) else f"{'.' if out else ''}{masked(part)[:_LONGEST]}"
    return out or "body"


def _what(error: ErrorDetails) -> str:
    """Return pydantic's message; it holds what was expected, and the value only where a type says so."""
    of_item = len(error["loc"]) == 1 or (len(error["loc"]) == 3 and error["loc"][0] == "items")
    if error["type"] == "extra_forbidden" and of_item:
        return error["msg"] + did_you_mean(str(error["loc"][-1])[:_LONGEST], ClassifyRequest.model_fields)
    return error["msg"]


def parse(
    raw: bytes, max_items: int, catalogue: Mapping[str, Indicator] = CATALOGUE | RECENT
) -> tuple[list[Item], bool]:
    """Read the items of a request's body, and whether it was the item itself; see `asked`."""
    found = asked(raw, max_items, catalogue)
    return found.items, found.single


def body_of(raw: bytes) -> Any:
    """Return what a body says.

    Raises
    ------
    RequestError
        422 if it is no JSON, or deeper than any request is.
    """
    try:
        body = from_json(raw, allow_inf_nan=False)
    except ValueError as err:
        at = str(err).rpartition(" at ")[2]
        raise RequestError(422, "the body is not JSON", (Problem("body", f"not JSON at {at[:_LONGEST]}"),)) from err
    if too_deep(body):
        raise RequestError(422, "the body is too deep", (Problem("body", f"expected at most {DEEPEST} levels"),))
    return body


def asked(raw: bytes, max_items: int, catalogue: Mapping[str, Indicator] = CATALOGUE | RECENT) -> Asked:
    """Read a request's body; ``catalogue`` has the indicators that may be named: the general ones and a place's own.

    Raises
    ------
    RequestError
        422 naming items and fields; 413 for more than ``max_items``.
    """
    body = body_of(raw)
    if twice := keys_given_twice(raw):
        problems = tuple(Problem(_where(loc), "the key is given twice: which value holds is not said") for loc in twice)
        raise RequestError(422, "a key is given twice in the body", problems)
    if not isinstance(body, dict):
        raise RequestError(422, "the request has the wrong shape", (Problem("body", "expected a JSON object"),))
    many = body.get("items")
    if isinstance(many, list) and len(many) > max_items:
        raise RequestError(
            413, f"{len(many)} items in one call; at most {max_items} are answered: split them over several calls"
        )
    told = {name: body.pop(name) for name in Options.model_fields if name in body}
    try:
        options = Options.model_validate(told)
        if "items" in body:
            return Asked(Batch.model_validate(body, context=catalogue).items, False, options)
        return Asked([Item.model_validate(body, context=catalogue)], True, options)
    except ValidationError as err:
        raise wrong_shape(err) from err


def wrong_shape(err: ValidationError) -> RequestError:
    """Say which fields of a body are wrong, without their values."""
    found = err.errors(include_url=False, include_context=False, include_input=False)
    problems = tuple(Problem(_where(e["loc"]), _what(e)) for e in found)
    return RequestError(422, "the request has the wrong shape", problems)
