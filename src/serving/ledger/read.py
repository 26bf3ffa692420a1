"""Reading a ledger: its published months, their latest rows, an enterprise's history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from features.check.reading import literal
from features.given import PathLike, as_path
from features.records.store import connect
from serving.ledger import manifest as manifests
from serving.ledger.place import MANIFEST, LedgerError, Place, check_month, read_json
from serving.ledger.record import Line, read_record
from serving.ledger.schema import SCHEMA


@dataclass(frozen=True)
class Month:
    """A published month.

    Parameters
    ----------
    place
        The ledger it stands in.
    month
        Such as 2026-11.
    lines
        The record's lines of its revisions, 0 first.
    """

    place: Place
    month: str
    lines: tuple[Line, ...]

    @property
    def manifest_hash(self) -> str:
        """Hash of the latest revision's manifest."""
        return self.lines[-1].manifest

    @property
    def folders(self) -> tuple[Path, ...]:
        """Folders of its revisions, in order."""
        return tuple(self.place.revision(self.month, line.revision) for line in self.lines)

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """Manifest of the month as it was first published.

        Raises
        ------
        LedgerError
            If it is missing, or not the one that was recorded.
        """
        found = read_json(self.folders[0] / MANIFEST)
        if manifests.digest_of(found) != self.lines[0].manifest:
            raise LedgerError(f"{self.folders[0] / MANIFEST} is not the manifest that was published")
        return found

    def verify(self) -> None:
        """Hash every file of every revision.

        Raises
        ------
        LedgerError
            If one is missing or has changed.
        """
        for folder, line in zip(self.folders, self.lines, strict=True):
            manifests.verify(folder, line.manifest)

    def latest_sql(self) -> str:
        """SQL of the latest row of every enterprise that the month covers, in brackets."""
        each = [
            f"SELECT *, {line.revision} AS revision FROM read_parquet({literal(str(folder / 'part-*.parquet'))},"
            " hive_partitioning = false)"
            for folder, line in zip(self.folders, self.lines, strict=True)
        ]
        if len(each) == 1:
            return f"({each[0]} WHERE covered)"
        latest = "row_number() OVER (PARTITION BY enterprise_id ORDER BY revision DESC) = 1"
        return f"(SELECT * FROM (SELECT * FROM ({' UNION ALL '.join(each)}) QUALIFY {latest}) WHERE covered)"


@dataclass(frozen=True)
class Ledger:
    """Published months of one province.

    Parameters
    ----------
    place
        Where.
    months
        The published ones by name, in order.
    lines
        The whole record, held months included.
    """

    place: Place
    months: Mapping[str, Month]
    lines: tuple[Line, ...]

    @classmethod
    def open(cls, root: PathLike, province: str) -> Ledger:
        """Open a ledger; one that is not there yet has no months.

        Raises
        ------
        LedgerError
            If its record was changed, or a published month is not there.
        """
        place = Place(as_path(root, "ledger"), province)
        lines = read_record(place)
        published = [line for line in lines if line.act != "held"]
        by_month: dict[str, list[Line]] = {}
        for line in published:
            by_month.setdefault(line.month, []).append(line)
        months = {name: Month(place, name, tuple(found)) for name, found in sorted(by_month.items())}
        for month in months.values():
            for folder in month.folders:
                if not (folder / MANIFEST).is_file() and not _waits(place, month.month, folder):
                    raise LedgerError(f"{folder} was published and is not there; take it from a backup")
        return cls(place, months, tuple(lines))

    def month(self, name: str) -> Month:
        """Return a published month.

        Raises
        ------
        LedgerError
            If the text is no month, or it is not published; says which are.
        """
        check_month(name)
        if name not in self.months:
            held = any(line.month == name for line in self.lines)
            why = "waits for a person's release (`fenlei release`)" if held else "is not in the ledger"
            there = ", ".join(list(self.months)[-6:]) or "none yet"
            raise LedgerError(f"{name} {why}; published months of {self.place.province}: {there}")
        return self.months[name]

    @property
    def latest(self) -> Month | None:
        """The newest published month."""
        return next(reversed(list(self.months.values())), None)

    def before(self, name: str) -> Month | None:
        """Return the newest published month before one."""
        return next((self.months[m] for m in reversed(list(self.months)) if m < name), None)

    def query(self, sql: str, parameters: Mapping[str, object] | None = None) -> pd.DataFrame:
        """Answer SQL over the view ``ledger``: the latest row of every enterprise and month, and its ``month``.

        Raises
        ------
        LedgerError
            If nothing is published yet, or DuckDB can't answer.
        """
        if not self.months:
            raise LedgerError(f"{self.place.root} has no published month of {self.place.province}")
        con = connect()
        try:
            each = [f"SELECT *, {literal(name)} AS month FROM {m.latest_sql()}" for name, m in self.months.items()]
            con.execute(f"CREATE VIEW ledger AS {' UNION ALL '.join(each)}")
            return con.execute(sql, dict(parameters or {})).df()
        except duckdb.Error as err:
            raise LedgerError(f"{self.place.root}: {err}") from err
        finally:
            con.close()

    def history(self, who: str) -> pd.DataFrame:
        """Return every published row of one enterprise, by id or code, month by month, revisions included.

        Raises
        ------
        LedgerError
            If no published month has it.
        """
        each = [
            f"SELECT {literal(name)} AS month, {line.revision} AS revision, {literal(line.why)} AS cause,"
            f" {', '.join(SCHEMA.names)} FROM read_parquet({literal(str(folder / 'part-*.parquet'))},"
            " hive_partitioning = false) WHERE enterprise_id = $who OR uscc = $who"
            for name, month in self.months.items()
            for folder, line in zip(month.folders, month.lines, strict=True)
        ]
        if each:
            con = connect()
            try:
                found = con.execute(f"{' UNION ALL '.join(each)} ORDER BY month, revision", {"who": who}).df()
            except duckdb.Error as err:
                raise LedgerError(f"{self.place.root}: {err}") from err
            finally:
                con.close()
            if len(found):
                return found
        raise LedgerError(
            f"no enterprise {who!r} in the published months of {self.place.province}"
            f" ({', '.join(list(self.months)[-6:]) or 'none yet'})"
        )


def _waits(place: Place, month: str, folder: Path) -> bool:
    """Tell whether a released month still stands among the held ones: the release was cut short and will go on."""
    return (place.month(month, held=True) / folder.name / MANIFEST).is_file()
