"""Files given for a plan: inspectors, leads and excuses; good rows go on, bad ones are told by row and column.

Nothing of a bad row is repeated but its number: what stands in the wrong column may be a person's name.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from features.check.csv_text import csv_to_parquet
from features.contract.identity import holds_identity_number
from features.given import PathLike, as_path
from supervision.errors import PlanError
from supervision.measures import FIELDS

OPAQUE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,63}")
T = TypeVar("T")

CAUSES = ("complaint", "lead", "alert", "law", "department")
"""What asks for a visit by itself: SAMR (8)'s exceptions, and another department's own visit (SC (16))."""


@dataclass(frozen=True)
class BadRow:
    """A row that is left out: its file, its number (1 is the first after the header), its column, what was expected."""

    file: str
    row: int
    column: str
    expected: str

    @property
    def text(self) -> str:
        """One sentence."""
        return f"{self.file}, row {self.row}, column {self.column}: expected {self.expected}"


@dataclass(frozen=True)
class Inspector:
    """One inspector.

    Parameters
    ----------
    id
        Opaque, never a name.
    district
        Where he or she works.
    fields
        What for; empty: everything.
    conflicts
        Enterprises that he or she may not inspect.
    """

    id: str
    district: str
    fields: frozenset[str] = frozenset()
    conflicts: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Lead:
    """Something that asks for a visit of one enterprise: a cause of `CAUSES`, a field, and an item in words."""

    enterprise_id: str
    cause: str
    field: str = ""
    item: str = ""


def read_inspectors(file: PathLike, digits: int) -> tuple[list[Inspector], list[BadRow]]:
    """Read inspectors: ``inspector_id``, ``district``, ``fields`` and ``conflicts`` (both joined by ``;``).

    Parameters
    ----------
    file
        CSV in UTF-8 with a header, or Parquet.
    digits
        Of the district that a pair works in; longer codes are cut.

    Raises
    ------
    PlanError
        If the file can't be read, lacks a column, or has no good row.
    SourceError
        If it is no CSV.
    """
    path = as_path(file, "inspectors")
    seen: set[str] = set()

    def one(row: dict[str, str]) -> Inspector | tuple[str, str]:
        who, district = row["inspector_id"], row["district"]
        if not OPAQUE.fullmatch(who) or holds_identity_number(who):
            return "inspector_id", "an opaque id of letters, digits, - and _, never a name or an identity number"
        if who in seen:
            return "inspector_id", "each inspector once"
        if not re.fullmatch(rf"\d{{{digits},6}}", district):
            return "district", f"a district code of {digits} to 6 digits"
        fields, conflicts = _parts(row.get("fields", "")), _parts(row.get("conflicts", ""))
        if lost := sorted(fields - set(FIELDS)):
            return "fields", f"fields of the contract joined by ;, got {len(lost)} unknown"
        if not all(OPAQUE.fullmatch(c) and not holds_identity_number(c) for c in conflicts):
            return "conflicts", "enterprise ids joined by ;"
        seen.add(who)
        return Inspector(who, district[:digits], fields, conflicts)

    good, bad = _rows(path, ("inspector_id", "district"), one)
    if not good:
        why = f"; {bad[0].text}" if bad else ""
        raise PlanError(f"{path}: no inspector that can be used{why}")
    return sorted(good, key=lambda i: i.id), bad


def read_leads(file: PathLike, known: set[str]) -> tuple[list[Lead], list[BadRow]]:
    """Read leads: ``enterprise_id``, ``cause``, and where known ``field`` and ``item``.

    Parameters
    ----------
    file
        CSV or Parquet.
    known
        Enterprises of the month.

    Raises
    ------
    PlanError
        If the file can't be read or lacks a column.
    """

    def one(row: dict[str, str]) -> Lead | tuple[str, str]:
        if row["enterprise_id"] not in known:
            return "enterprise_id", "an enterprise of the month"
        if row["cause"] not in CAUSES:
            return "cause", f"one of {', '.join(CAUSES)}"
        if row.get("field", "") not in ("", *FIELDS):
            return "field", "a field of the contract, or nothing"
        if holds_identity_number(row.get("item", "")):
            return "item", "an item of inspection, no person's number"
        return Lead(row["enterprise_id"], row["cause"], row.get("field", ""), row.get("item", ""))

    return _rows(as_path(file, "leads"), ("enterprise_id", "cause"), one)


def read_excused(file: PathLike, known: set[str]) -> tuple[list[str], list[BadRow]]:
    """Read enterprises that are excused this month, such as after a flood: ``enterprise_id``.

    Raises
    ------
    PlanError
        If the file can't be read or lacks the column.
    """

    def one(row: dict[str, str]) -> str | tuple[str, str]:
        who = row["enterprise_id"]
        return who if who in known else ("enterprise_id", "an enterprise of the month")

    return _rows(as_path(file, "excused"), ("enterprise_id",), one)


def _parts(text: str) -> frozenset[str]:
    return frozenset(part.strip() for part in text.split(";") if part.strip())


def _rows(
    path: Path, needed: tuple[str, ...], one: Callable[[dict[str, str]], T | tuple[str, str]]
) -> tuple[list[T], list[BadRow]]:
    frame, faults = _texts(path)
    missing = [name for name in needed if name not in frame.columns]
    if missing:
        raise PlanError(f"{path}: column {missing[0]!r} is missing; expected {', '.join(needed)}")
    good: list[T] = []
    bad: list[BadRow] = []
    for number, (row, fault) in enumerate(zip(frame.to_dict("records"), faults, strict=True), start=1):
        if fault:
            bad.append(BadRow(path.name, number, "–", "as many fields as the header has, each closed"))
            continue
        made = one({str(k): v.strip() for k, v in row.items()})
        if isinstance(made, tuple):
            bad.append(BadRow(path.name, number, *made))
        else:
            good.append(made)
    return good, bad


def _texts(path: Path) -> tuple[pd.DataFrame, list[str | None]]:
    """Return a file's columns as text, and what made a row unreadable."""
    if not path.is_file():
        raise PlanError(f"{path}: no such file; expected CSV or Parquet")
    if path.suffix != ".parquet":
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / "text.parquet"
            header, _ = csv_to_parquet(path, target)
            found = pd.read_parquet(target)
        faults = [None if pd.isna(f) else str(f) for f in found["fault"]]
        frame = found[[f"c{i}" for i in range(len(header))]].set_axis(header, axis=1)
    else:
        try:
            frame = pq.read_table(path).to_pandas()
        except (pa.ArrowException, OSError) as err:
            raise PlanError(f"{path}: not a readable Parquet file") from err
        faults = [None] * len(frame)
    return frame.astype(object).where(frame.notna(), "").astype(str), faults
