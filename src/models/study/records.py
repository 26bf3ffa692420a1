"""Records of a study, from a source folder to clean rows: adapted if the study says so, checked, all accounted for."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from inspect import Parameter, signature
from pathlib import Path
from typing import Any

from rich.table import Table

from features.adapters import ADAPTERS, AdapterReport
from features.check import CheckReport, check_folder, check_required
from features.contract.manifest import read_manifest
from features.errors import ConfigError
from features.records.moments import check_day
from models.study.source import Source


@dataclass(frozen=True)
class Prepared:
    """Clean records and the account of how they came about.

    Parameters
    ----------
    clean, as_of
        Clean folder and the day the records were taken.
    adapted
        Account of the adapter; None when the source is a contract folder already.
    checked
        Account of the check.
    """

    clean: Path
    as_of: date
    adapted: AdapterReport | None
    checked: CheckReport

    def as_dict(self) -> dict[str, Any]:
        """Plain values for ``--json`` and the run's artifacts."""
        return {"adapter": self.adapted.as_dict() if self.adapted else None, "check": self.checked.as_dict()}

    @property
    def summary(self) -> str:
        """One line with every row's fate."""
        total = self.checked.totals
        line = f"{total['kept']:,} of {total['rows_in']:,} rows kept, {total['merged']:,} merged"
        line += f", {total['quarantined']:,} quarantined"
        line += "".join(f"; {odd.text}" for odd in self.checked.misnamed)
        if self.adapted:
            rows = sum(f.rows_in for f in self.adapted.files)
            merged = sum(f.merged for f in self.adapted.files)
            line = (
                f"{rows:,} source rows: {rows - merged - self.adapted.unmapped:,} mapped, {merged:,} merged, "
                f"{self.adapted.unmapped:,} not mapped; then {line}"
            )
        return line


def prepare(source: Source, name: str, data: Path, work: Path, say: Callable[[str], None]) -> Prepared:
    """Adapt (where the study says so) and check a source folder.

    Parameters
    ----------
    source, name
        What the study says of its source; its name, for errors.
    data, work
        Source folder; folder for the adapted and the checked records, which are replaced.
    say
        Told of each step.

    Raises
    ------
    ConfigError, SourceError
        If the day of the records is nowhere said, or later than their manifest says, the adapter's options are wrong,
        the source can't be read, or its register has no usable row.
    """
    folder, adapted = data, None
    work.mkdir(parents=True, exist_ok=True)
    if source.adapter != "none":
        say(f"adapting {data}")
        folder = work / "adapted"
        shutil.rmtree(folder, ignore_errors=True)
        adapted = adapt(source, name, data, folder)
        accounts = json.dumps(adapted.as_dict(), ensure_ascii=False, indent=2)
        (work / "adapter.json").write_text(accounts + "\n", encoding="utf-8")
    taken = read_manifest(folder).as_of
    if source.as_of is not None:
        check_day(f"experiment {name}: source.as_of", source.as_of, taken, folder, within=True)
    as_of = source.as_of or taken
    if as_of is None:
        raise ConfigError(
            f"experiment {name}: say source.as_of, or let {folder / 'manifest.json'} say it: "
            "the day the records were taken"
        )
    say("checking the records")
    report = check_folder(folder, as_of, work / "checked")
    check_required(report, folder)
    return Prepared(work / "checked" / "clean", as_of, adapted, report)


def adapt(source: Source, name: str, data: Path, out: Path) -> AdapterReport:
    """Run the study's adapter.

    Raises
    ------
    ConfigError
        If the options are not the adapter's.
    """
    run: Callable[..., AdapterReport] = ADAPTERS[source.adapter]
    if source.map is not None:
        return run(data, out, city_map=source.map_file or source.map)
    known = [p.name for p in signature(run).parameters.values() if p.kind is Parameter.KEYWORD_ONLY]
    unknown = sorted(set(source.options) - set(known))
    if unknown:
        raise ConfigError(
            f"experiment {name}: source.options.{unknown[0]}: adapter {source.adapter} has no such option, only "
            f"{', '.join(known)}"
        )
    try:
        return run(data, out, **dict(source.options))
    except ConfigError as err:
        raise ConfigError(f"experiment {name}: source.options, adapter {source.adapter}: {err}") from err


def account(report: AdapterReport) -> Table:
    """Return every source file's rows and what became of them, for a terminal."""
    table = Table(title=report.source, title_justify="left")
    table.add_column("file")
    table.add_column("feeds")
    for column in ("rows in", "mapped", "merged", "not mapped"):
        table.add_column(column, justify="right")
    table.add_column("why not")
    for f in report.files:
        why = "; ".join(f"{reason}: {n:,}" for reason, n in sorted(f.unmapped.items()))
        counts = (f.rows_in, f.mapped, f.merged, f.unmapped.total())
        table.add_row(f.file, f.table, *(f"{n:,}" for n in counts), why)
    for file, (rows, why) in sorted(report.left_out.items()):
        table.add_row(file, "–", f"{rows:,}", "0", "0", f"{rows:,}", f"left out: {why}")
    return table
