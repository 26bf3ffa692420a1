"""Results taken: each held against its draw and put into the source as records, the others set aside with a reason.

A visit of a plan is a record of ``inspections`` whose arm is random and whose draw_id names the draw; the probability
stands in the draw, so the next learning weighs the visit by it. What a file says twice is taken once, and taking
the same file again changes nothing.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from supervision.results.rows import DONE, OPTIONAL, REQUIRED, Result, Unusable, judge, read_rows, shown
from supervision.source import Row, Source, missing

VISIT = "FLV-"
"""Record ids of visits that came back for a draw: this and the draw's id; so a result has one place alone."""


@dataclass(frozen=True)
class Taken:
    """What became of a file.

    Parameters
    ----------
    rows
        In the file.
    taken, there, merged
        Draws whose result was written now; those that had the same result already; rows that another one repeats.
    aside
        Rows set aside.
    reasons
        Their number by reason.
    written
        New versions by table.
    quarantine
        The file with the rows set aside; None: there are none.
    """

    rows: int
    taken: int
    there: int
    merged: int
    aside: int
    reasons: dict[str, int]
    written: dict[str, int]
    quarantine: Path | None


def take(file: Path, into: Path, *, on: date, quarantine: Path | None = None) -> Taken:
    """Put the results of draws into a source folder.

    Parameters
    ----------
    file
        CSV (UTF-8) or Parquet: draw_id, day, result_codes (of the contract's list, joined by ``;``), and where known
        fate, items (``code=result`` or ``code=result:severity``, joined by ``;``), inspector_id, known_at.
    into
        The source folder whose ``draws`` have the plan's draws.
    on
        Day on which the results became known, where a row does not say it.
    quarantine
        CSV file for the rows set aside; without: ``<file>_quarantine.csv`` beside the file.

    Raises
    ------
    SourceError
        If a file or the folder can't be read; nothing is written then.
    WriteError
        If a table can't be written; taking the file again goes on.
    """
    rows = read_rows(file)
    source = Source(into)
    draws: dict[str, Row] = {}
    for draw in source.rows("draws", "record_id", sorted({r["draw_id"] for r in rows if r["draw_id"]})):
        name = str(draw["record_id"])
        if name not in draws or int(draw["version"] or 0) > int(draws[name]["version"] or 0):
            draws[name] = draw
    aside: dict[int, str] = {}
    found: dict[str, list[Result]] = {}
    for number, row in enumerate(rows, 1):
        try:
            result = judge(number, row, draws.get(row["draw_id"] or ""), on, source.as_of)
            found.setdefault(result.draw, []).append(result)
        except Unusable as why:
            aside[number] = str(why)
    merged = 0
    visits = _visits(source, list(found))
    settled = {name: (DONE, _sorted(row["result_codes"])) for name, row in visits.items() if row.get("result_codes")}
    kept: list[Result] = []
    there = 0
    for name, results in found.items():
        if len({r.said for r in results}) > 1:
            numbers = ", ".join(str(r.row) for r in results)
            aside |= {r.row: f"rows {numbers} say different things of draw {name}" for r in results}
            continue
        merged += len(results) - 1
        before = settled.get(name) or _closed(draws[name])
        if before is not None and before != (results[0].fate, results[0].codes):
            said = f"{before[0]} {before[1]}".strip()
            aside |= {r.row: f"draw {name} has another result already: {said}" for r in results}
            continue
        there += before is not None and _closed(draws[name]) is not None
        kept.append(results[0])
    written = _write(source, kept, draws, visits)
    target = quarantine or file.with_name(f"{file.stem}_quarantine.csv")
    if aside:
        _set_aside(target, rows, aside)
    return Taken(
        len(rows), len(kept) - there, there, merged, len(aside), dict(Counter(map(_kind, aside.values()))), written,
        target if aside else None,
    )  # fmt: skip


def _closed(draw: Row) -> tuple[str, str] | None:
    """Return the fate of a draw that is settled without a visit; None: pending, or visited, which the visit tells."""
    fate = draw["fate"] or "pending"
    return None if fate in ("pending", DONE) else (fate, "")


def _visits(source: Source, names: Sequence[str]) -> dict[str, Row]:
    """Return the latest version of the visit that the source has for each draw already, with its result or without."""
    latest: dict[str, Row] = {}
    for row in source.rows("inspections", "draw_id", names):
        name = str(row["draw_id"])
        if name not in latest or int(row["version"] or 0) > int(latest[name]["version"] or 0):
            latest[name] = row
    return latest


def _sorted(codes: str | None) -> str:
    return ";".join(sorted((codes or "").split(";")))


def _write(source: Source, results: Sequence[Result], draws: dict[str, Row], visits: dict[str, Row]) -> dict[str, int]:
    """Put visits, items and then the draws' fates into the source; each table by one rename.

    The draw closes last: a run that was cut short is seen by draws that are pending still.
    """
    rows: dict[str, list[dict[str, Any]]] = {"inspections": [], "inspection_items": [], "draws": []}
    for r in results:
        draw, known = draws[r.draw], r.known.isoformat()
        common: Row = {
            "enterprise_id": draw["enterprise_id"],
            "occurred_at": r.day.isoformat(),
            "record_state": "active",
        }
        before = visits.get(r.draw, {"record_id": f"{VISIT}{r.draw}", "version": "0"})
        visit = str(before["record_id"])
        if r.fate == DONE and not before.get("result_codes"):
            own: Row = {"arm": "random", "trigger": "draw", "draw_id": r.draw, "result_codes": r.codes}
            own |= {"inspector_id": r.inspector} if r.inspector else {}
            number = int(before["version"] or 0) + 1
            rows["inspections"].append(_row("inspections", visit, number, known, common | own))
        for item in r.items:
            one: Row = {"inspection_id": visit, "item_code": item.code, "result": item.result}
            one |= {"severity": item.severity} if item.severity else {}
            rows["inspection_items"].append(_row("inspection_items", f"{visit}-{item.code}", 1, known, common | one))
        if draw["fate"] != r.fate:
            number = int(draw["version"] or 1) + 1
            rows["draws"].append(_row("draws", r.draw, number, known, {"fate": r.fate}))
    written = {}
    for table, own_rows in rows.items():
        # An item that is there already, known on another day, is no news.
        fresh = [r for r in missing(source, table, own_rows) if table != "inspection_items" or r["version"] == "1"]
        if fresh:
            source.append(table, fresh)
            written[table] = len(fresh)
    return written


def _row(table: str, record: str, version: int, known: str, values: dict[str, str | None]) -> dict[str, Any]:
    return {"table": table, "record_id": record, "version": version, "known_at": known, "values": values}


def _set_aside(target: Path, rows: Sequence[Row], aside: dict[int, str]) -> None:
    with target.open("w", encoding="utf-8", newline="") as file:
        out = csv.DictWriter(file, ["row", "reason", *REQUIRED, *OPTIONAL], extrasaction="ignore", restval="")
        out.writeheader()
        for number in sorted(aside):
            out.writerow({"row": number, "reason": aside[number], **shown(rows[number - 1])})


def _kind(reason: str) -> str:
    """Return what reasons of one kind have in common, to be counted."""
    for kind in ("was never drawn", "say different things", "has another result already", "identity number"):
        if kind in reason:
            return kind
    return f"{reason.split()[0]} is not as expected"
