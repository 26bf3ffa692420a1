"""Rows of a results file: read as text, each judged by itself and against the draw that it answers."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from features.check.csv_text import csv_to_parquet
from features.check.reading import BLANKS, literal
from features.contract import codes
from features.contract.identity import any_holds, holds_identity_number, masked
from features.errors import SourceError
from supervision.source import Row, day_of

REQUIRED = ("draw_id", "day", "result_codes")
OPTIONAL = ("fate", "items", "inspector_id", "known_at")
DONE = "carried_out"
FATES = (DONE, "not_carried_out", "excused", "capped")


@dataclass(frozen=True)
class Item:
    """What a visit found at one item."""

    code: str
    result: str
    severity: str


@dataclass(frozen=True)
class Result:
    """What became of a draw.

    Parameters
    ----------
    row
        In the file; 1 is the first row of data.
    draw
        record_id of the draw.
    day, known
        Day of the visit, or on which it was settled that there is none; day it became known.
    fate
        Of `FATES`.
    codes
        Result codes, sorted, joined by ``;``; empty without a visit.
    items
        What it found item by item.
    inspector
        Opaque id of the inspecting pair; None: not said.
    """

    row: int
    draw: str
    day: date
    known: date
    fate: str
    codes: str
    items: tuple[Item, ...]
    inspector: str | None

    @property
    def said(self) -> tuple[object, ...]:
        """What makes two rows of one draw say the same."""
        return (self.day, self.fate, self.codes, self.items, self.inspector)


class Unusable(Exception):
    """A row can't be taken; its text says why, with the column, and what was expected."""


def read_rows(file: Path) -> list[Row]:
    """Read a results file, CSV (UTF-8) or Parquet, as text.

    Raises
    ------
    SourceError
        If it is missing, no such file, or lacks a required column.
    """
    if not file.is_file():
        raise SourceError(f"{file}: no such file; expected results as CSV or Parquet")
    with duckdb.connect() as con, tempfile.TemporaryDirectory() as work:
        try:
            if file.suffix == ".csv":
                text = Path(work) / "results.parquet"
                header, _ = csv_to_parquet(file, text)
                columns = {name: f"c{i}" for i, name in enumerate(header)}
                relation, fault = f"read_parquet({literal(str(text))})", "fault"
            elif file.suffix == ".parquet":
                relation, fault = f"read_parquet({literal(str(file))})", "NULL"
                columns = {name: name for name, *_ in con.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()}
            else:
                raise SourceError(f"{file}: expected a file that ends in .csv or .parquet")
            if absent := [name for name in REQUIRED if name not in columns]:
                raise SourceError(
                    f"{file}: required column {absent[0]!r} is missing; expected {', '.join(REQUIRED)} and, if known,"
                    f" {', '.join(OPTIONAL)}; the file has {', '.join(map(masked, columns))}"
                )
            used = [name for name in (*REQUIRED, *OPTIONAL) if name in columns]
            cells = ", ".join(f"nullif(trim(CAST(\"{columns[n]}\" AS VARCHAR), {literal(BLANKS)}), '')" for n in used)
            rows = con.execute(f"SELECT {cells}, {fault} FROM {relation}").fetchall()
        except duckdb.Error as err:
            raise SourceError(f"{file}: can't be read: {str(err).splitlines()[0]}") from err
    return [dict(zip([*used, "fault"], row, strict=True)) for row in rows]


def judge(number: int, row: Row, draw: Row | None, on: date, as_of: date | None) -> Result:
    """Read one row and hold it against the latest version of its draw; None: it was never made.

    Raises
    ------
    Unusable
        If it can't be taken.
    """
    if row.get("fault"):
        raise Unusable(str(row["fault"]))
    if any_holds(value for name, value in row.items() if name != "fault"):
        raise Unusable("a value holds what may be a person's identity number")
    name = row.get("draw_id")
    if name is None:
        raise Unusable("draw_id is missing; expected the record_id of a draw")
    if draw is None:
        raise Unusable(f"draw_id {masked(name)!r} was never drawn: no plan's draws have it")
    day = _day(row, "day", None)
    known = _day(row, "known_at", on)
    drawn = day_of(draw["occurred_at"], f"draws:{name} occurred_at")
    for what, one, other, other_day in (
        ("day", day, "the draw", drawn),
        ("known_at", known, "the visit", day),
    ):
        if one < other_day:
            raise Unusable(f"{what} is {one}, before {other} on {other_day}")
    for what, last in (("today", on), ("the day the records were taken", as_of)):
        if last is not None and known > last:
            raise Unusable(f"known_at is {known}, after {last}, {what}")
    fate = row.get("fate") or DONE
    if fate not in FATES:
        raise Unusable(f"fate is {masked(fate)!r}, expected one of {', '.join(FATES)}")
    found = sorted(set((row.get("result_codes") or "").replace(" ", "").split(";")) - {""})
    if wrong := [code for code in found if code not in codes.RESULT]:
        raise Unusable(f"result_codes has {masked(wrong[0])!r}, expected of {', '.join(codes.RESULT.codes)}")
    if bool(found) != (fate == DONE):
        expected = "codes of what was found" if fate == DONE else "none: there was no visit"
        raise Unusable(f"result_codes is {';'.join(found)!r} and fate {fate}; expected {expected}")
    items = _items(row.get("items") or "")
    if items and fate != DONE:
        raise Unusable(f"items are given and fate is {fate}; expected none: there was no visit")
    return Result(number, name, day, known, fate, ";".join(found), items, row.get("inspector_id"))


def _day(row: Row, name: str, default: date | None) -> date:
    if row.get(name) is None and default is not None:
        return default
    try:
        return day_of(row.get(name), name)
    except SourceError as err:
        raise Unusable(str(err)) from err


def _items(text: str) -> tuple[Item, ...]:
    """Read ``code=result`` or ``code=result:severity``, joined by ``;``."""
    found: dict[str, Item] = {}
    for part in filter(None, (p.strip() for p in text.split(";"))):
        code, equals, said = part.partition("=")
        result, _, severity = said.partition(":")
        if (
            not code
            or not equals
            or result not in codes.ITEM_RESULT
            or (severity and severity not in codes.ITEM_SEVERITY)
        ):
            raise Unusable(
                f"items has {masked(part)!r}, expected code=result or code=result:severity with a result of"
                f" {', '.join(codes.ITEM_RESULT.codes)} and a severity of {', '.join(codes.ITEM_SEVERITY.codes)}"
            )
        if code in found:
            raise Unusable(f"items names {masked(code)!r} twice; expected each item once")
        found[code] = Item(code, result, severity)
    return tuple(found[code] for code in sorted(found))


def shown(row: Mapping[str, str | None]) -> dict[str, str]:
    """Return a row as it stands in the quarantine: what may be a person's number masked."""
    return {
        name: masked(value) if value and holds_identity_number(value) else value or ""
        for name, value in row.items()
        if name != "fault"
    }
