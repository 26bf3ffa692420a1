"""Place of a ledger: where its months, its work and its record stand, and who holds it.

``months/`` holds what is published, in folders that DuckDB, pandas and Spark read as partitions; ``held/`` the months
that wait for a person's release; ``work/`` what a run has made so far; ``<province>.jsonl`` the chained record of what
was published, by whom, with the hash of every manifest.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from features.errors import FenleiError

MANIFEST = "_manifest.json"
SUMMARY = "_summary.html"
STEPS = "_steps.json"
"""Beside the rows; readers of a folder of Parquet pass over names that begin with an underscore."""


class LedgerError(FenleiError):
    """A ledger can't be read or written, or a month is not as it must be."""


def month_of(cutoff: date) -> str:
    """Return a month's name, such as 2026-11.

    Raises
    ------
    LedgerError
        If the day is no first of a month: classes are made monthly (SAMR (7)).
    """
    if cutoff.day != 1:
        raise LedgerError(f"{cutoff}: expected the first day of a month, such as {cutoff:%Y-%m}: classes are monthly")
    return f"{cutoff:%Y-%m}"


def check_month(text: str) -> date:
    """Read a month such as 2026-11.

    Raises
    ------
    LedgerError
        If it is none.
    """
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", text):
        raise LedgerError(f"{text!r} is no month; expected such as 2026-11")
    return date.fromisoformat(f"{text}-01")


@dataclass(frozen=True)
class Place:
    """Folders of one province in a ledger.

    Parameters
    ----------
    root
        The ledger.
    province
        Whose months.
    """

    root: Path
    province: str

    @property
    def record(self) -> Path:
        """The chained record of what was published."""
        return self.root / f"{self.province}.jsonl"

    def month(self, month: str, *, held: bool = False) -> Path:
        """Folder of a month's revisions."""
        return self.root / ("held" if held else "months") / f"province={self.province}" / f"month={month}"

    def revision(self, month: str, number: int, *, held: bool = False) -> Path:
        """Folder of one revision; 0 is the month as it was first published."""
        return self.month(month, held=held) / f"revision={number}"

    def work(self, month: str) -> Path:
        """What a run of a month has made so far."""
        return self.root / "work" / self.province / month

    @property
    def checked(self) -> Path:
        """The clean records, kept from run to run, so that unchanged tables need no second check."""
        return self.root / "work" / self.province / "checked"

    def indicators(self, month: str) -> Path:
        """The indicator table that a month was answered from."""
        return self.root / "indicators" / self.province / f"{month}.parquet"

    @property
    def pattern(self) -> str:
        """What DuckDB's ``read_parquet`` takes, with ``hive_partitioning``."""
        return str(self.root / "months" / "province=*" / "month=*" / "revision=*" / "*.parquet")


@contextmanager
def held_by(place: Place, what: str) -> Iterator[None]:
    """Hold a province's ledger alone while it is written; a killed process leaves nothing held.

    Raises
    ------
    LedgerError
        If another run holds it; says which.
    """
    path = place.root / "work" / f"{place.province}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as err:
            file.seek(0)
            raise LedgerError(
                f"{place.root}: the ledger of {place.province} is being written by {file.read().strip() or 'another'};"
                " wait for it, or stop it and run again: it goes on where it was"
            ) from err
        file.truncate(0)
        file.write(f"process {os.getpid()} ({what})")
        file.flush()
        yield


def write_whole(path: Path, text: str) -> None:
    """Write a file in one step: readers see the old one or the new one."""
    fresh = path.with_name(f".{path.name}.new")
    with fresh.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def read_json(path: Path) -> dict[str, object]:
    """Read a JSON object.

    Raises
    ------
    LedgerError
        If it is missing or none.
    """
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError) as err:
        raise LedgerError(f"{path}: can't be read: {err}") from err
    if not isinstance(found, dict):
        raise LedgerError(f"{path}: expected a JSON object")
    return found
