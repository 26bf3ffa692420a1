"""Checking again: tables whose bytes did not change since their last check under the same contract are not read anew.

What a check found of each table is kept beside the clean files. A table is taken over only where a full check could
not say anything else: the same bytes, contract and manifest; no row that was set aside for the day, which has moved on;
and no event before its enterprise's registration, now as then.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import duckdb

from features.check.folder import Checked, check_folder
from features.check.oddities import orphans
from features.check.reading import literal
from features.check.report import CheckReport, Oddity, TableReport
from features.contract import TABLES
from features.contract.believable import believable
from features.contract.manifest import MANIFEST_NAME, Coverage

STATE = "checked.json"


@lru_cache(maxsize=1)
def contract_hash() -> str:
    """SHA-256 over everything that decides what a check says: the contract, the check, and what is believable."""
    digest = hashlib.sha256(believable().model_dump_json().encode())
    here = Path(__file__).parent
    for file in sorted([*here.glob("*.py"), *here.with_name("contract").glob("*.py")]):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def source_digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every table file of a source folder and of its manifest, by file name."""
    found = {}
    for path in sorted(folder.iterdir()):
        if path.is_file() and (path.stem in TABLES or path.name == MANIFEST_NAME):
            with path.open("rb") as file:
                found[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


@dataclass
class Earlier:
    """What the last check into a folder found, by table, and what this one takes over.

    Parameters
    ----------
    out
        The folder that was checked into.
    digests
        SHA-256 of the source's files, by file name.
    found
        By table: its file's hash, the manifest's word on it, the day of the records, report and oddities.
    reused
        The tables taken over.
    """

    out: Path
    digests: Mapping[str, str]
    found: dict[str, Any] = field(default_factory=dict)
    reused: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, out: Path, digests: Mapping[str, str]) -> Earlier:
        """Read what an earlier check left; nothing where it is missing, torn, or of another contract."""
        try:
            state = json.loads((out / STATE).read_bytes())
        except (OSError, ValueError):
            state = {}
        right = isinstance(state, dict) and state.get("contract") == contract_hash()
        return cls(out, digests, dict(state["tables"]) if right else {})

    def take(
        self, con: duckdb.DuckDBPyConnection, file: Path, name: str, said: Coverage, as_of: date, work: Path
    ) -> Checked | None:
        """Put an unchanged table's files into ``work`` and return what was found of it; None: it must be read.

        The register is taken first, as in a check: ``work`` holds the one that the others are held against.
        """
        was = self.found.get(name)
        if was is None or was["sha256"] != self.digests.get(file.name) or was["said"] != said.model_dump_json():
            return None
        report = TableReport(**{**was["report"], "missing_columns": tuple(was["report"]["missing_columns"])})
        taken = date.fromisoformat(was["as_of"])
        # A row that lies after the day of the records may be true on a later day; an earlier day may set more aside.
        if taken != as_of and (as_of < taken or report.quarantined):
            return None
        clean = self.out / "clean" / f"{name}.parquet"
        quarantine = self.out / "quarantine" / f"{name}.parquet"
        if not self._whole(clean, was["clean"]) or (report.quarantined and not quarantine.is_file()):
            return None
        register = work / "clean" / "registration.parquet"
        moved = name != "registration" and "registration" not in self.reused
        early = any(kind.endswith("before_registration") for kind in report.reasons)
        if moved and (early or _early(con, name, clean, register)):
            return None
        _link(clean, work / "clean" / clean.name)
        if report.quarantined:
            _link(quarantine, work / "quarantine" / quarantine.name)
        rows, enterprises = orphans(con, clean, register) if moved else (report.orphans, report.orphan_enterprises)
        self.reused.append(name)
        odd = tuple(Oddity(**{**o, "examples": tuple(o["examples"])}) for o in was["oddities"])
        return Checked(replace(report, orphans=rows, orphan_enterprises=enterprises), odd)

    @staticmethod
    def _whole(clean: Path, was: list[int]) -> bool:
        """Tell whether a clean file is the one that the check wrote: size and time of its last change."""
        return clean.is_file() and [clean.stat().st_size, clean.stat().st_mtime_ns] == was

    def write(self, tables: Mapping[str, Checked], said: Mapping[str, Coverage], files: Mapping[str, Path], day: date
              ) -> None:  # fmt: skip
        """Keep what this check found, once its clean files stand in ``out``."""
        state = {}
        for name, found in tables.items():
            clean = self.out / "clean" / f"{name}.parquet"
            # A table taken over keeps the day on which it was read: only then could a row lie in the future.
            read_on = self.found[name]["as_of"] if name in self.reused else day.isoformat()
            state[name] = {
                "sha256": self.digests[files[name].name],
                "said": said[name].model_dump_json(),
                "as_of": read_on,
                "clean": [clean.stat().st_size, clean.stat().st_mtime_ns],
                "report": asdict(found.report),
                "oddities": [asdict(o) for o in found.oddities],
            }
        text = json.dumps({"contract": contract_hash(), "tables": state}, ensure_ascii=False, indent=1)
        fresh = self.out / f".{STATE}.new"
        fresh.write_text(text + "\n", encoding="utf-8")
        fresh.replace(self.out / STATE)


def _early(con: duckdb.DuckDBPyConnection, table: str, clean: Path, register: Path) -> bool:
    """Tell whether a table holds an event before its enterprise's registration, as `features.check.dates` looks."""
    if TABLES[table].required or table in believable().lasting_tables:
        return False
    found = con.execute(
        f"""SELECT 1 FROM read_parquet({literal(str(clean))}) t
        JOIN (SELECT enterprise_id, min(occurred_at) AS founded FROM read_parquet({literal(str(register))})
              GROUP BY enterprise_id) USING (enterprise_id) WHERE t.occurred_at < founded LIMIT 1"""
    ).fetchall()
    return bool(found)


def _link(path: Path, target: Path) -> None:
    try:
        os.link(path, target)
    except OSError:  # a file system without links
        shutil.copy2(path, target)


@dataclass(frozen=True)
class CheckedAgain:
    """What a check said, and the tables that were not read anew."""

    report: CheckReport
    reused: tuple[str, ...]


def check_again(
    folder: Path,
    as_of: date,
    out: Path,
    digests: Mapping[str, str] | None = None,
    *,
    progress: Callable[[str], None] | None = None,
    memory: str | None = None,
) -> CheckedAgain:
    """Check a source folder as `check_folder` does, taking over tables that did not change since the last check.

    Parameters
    ----------
    folder, as_of, out, progress, memory
        As `check_folder`.
    digests
        From `source_digests`, where they are known already.

    Returns
    -------
    CheckedAgain
        The report that a full check would give, and the tables that were taken over.
    """
    earlier = Earlier.read(out, source_digests(folder) if digests is None else digests)
    report = check_folder(folder, as_of, out, progress=progress, memory_limit=memory, earlier=earlier)
    return CheckedAgain(report, tuple(earlier.reused))
