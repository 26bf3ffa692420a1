"""Manifest of a month: what it holds and what it was made of, with the hash of every file."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from features.catalogue import of_province
from features.check.again import CheckedAgain
from features.check.reading import literal
from features.table.quality import quality_path
from models.scoring.classification import GRADES
from serving.ledger.place import MANIFEST, LedgerError, read_json, write_whole

if TYPE_CHECKING:
    from serving.ledger.read import Month
    from serving.ledger.run import Ask

FORMAT = 1
"""Of the ledger's rows and manifests."""


def sha256(path: Path) -> str:
    """Return the hash of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def build(
    out: Path, ask: Ask, plan: dict[str, Any], table: Path, previous: Month | None, checked: CheckedAgain
) -> dict[str, Any]:
    """Describe the rows in a folder.

    Nothing in it tells when or how fast they were made: the same records, model and policies give the same manifest.
    """
    quality = read_json(quality_path(table))
    model = ask.served.model
    report = checked.report
    return {
        "format": FORMAT,
        "province": plan["province"],
        "month": f"{ask.cutoff:%Y-%m}",
        "revision": 0,
        "cause": "",
        **describe(out),
        "previous": {"month": previous.month, "manifest": previous.manifest_hash} if previous else None,
        "migration": _migration(out) if previous else None,
        "coverage": _coverage(quality, str(plan["province"])),
        "known_as_of": plan["known_as_of"],
        "model": {
            "version": model.version if model else None,
            "content_hash": plan["model"],
            "registered": plan["registered"],
            "why": plan["why"] if model is None else "",
            "expected": model is None and "no approved model" not in str(plan["why"]),
        },
        "overrides": len(plan["overrides"]),
        "policy": plan["policy"],
        "serving_policy": plan["serving_policy"],
        "table_policies": plan["table_policies"],
        "catalogue": plan["catalogue"],
        "sources": plan["sources"],
        "records": {
            name: {**said, "rows": report.tables[name].kept, "quarantined": report.tables[name].quarantined}
            for name, said in dict(quality["sources"]).items()  # type: ignore[call-overload]
        },
    }


def describe(out: Path) -> dict[str, Any]:
    """Return what a manifest says of the rows in a folder: their numbers, and the hash of every file."""
    files = {
        path.name: {"sha256": sha256(path), "bytes": path.stat().st_size} for path in sorted(out.glob("part-*.parquet"))
    }
    return {**_counts(out), "files": files}


def _counts(out: Path) -> dict[str, Any]:
    rows = f"read_parquet({literal(str(out / 'part-*.parquet'))})"
    with duckdb.connect() as con:
        [(total, by_rules, insufficient, direct)] = con.execute(
            f"""SELECT count(*), count(*) FILTER (source = 'rules'), count(*) FILTER (insufficient),
                count(*) FILTER (determinations <> '') FROM {rows}"""
        ).fetchall()
        classes = dict(con.execute(f"SELECT grade, count(*) FROM {rows} GROUP BY 1").fetchall())
    return {
        "rows": total,
        "classes": {grade: classes.get(grade, 0) for grade in GRADES},
        "by_rules": by_rules,
        "insufficient": insufficient,
        "determined": direct,
    }


def _migration(out: Path) -> dict[str, Any]:
    """Count who moved from class to class since the month before."""
    rows = f"read_parquet({literal(str(out / 'part-*.parquet'))})"
    with duckdb.connect() as con:
        cells = con.execute(
            f"SELECT previous_grade, grade, count(*) FROM {rows} WHERE previous_grade IS NOT NULL GROUP BY 1, 2"
        ).fetchall()
        [(entered,)] = con.execute(f"SELECT count(*) FROM {rows} WHERE previous_grade IS NULL").fetchall()
    counts = [[0] * len(GRADES) for _ in GRADES]
    for before, now, count in cells:
        counts[GRADES.index(before)][GRADES.index(now)] = count
    firms = sum(map(sum, counts))
    moved = sum(counts[i][j] for i in range(4) for j in range(4) if i != j)
    far = sum(counts[i][j] for i in range(4) for j in range(4) if abs(i - j) > 1)
    return {
        "counts": counts,
        "firms": firms,
        "entered": entered,
        "moved": moved / max(1, firms),
        "far": far / max(1, firms),
        "worse": sum(counts[i][j] for i in range(4) for j in range(i + 1, 4)),
        "better": sum(counts[i][j] for i in range(4) for j in range(i)),
    }


def _coverage(quality: dict[str, object], province: str) -> dict[str, float]:
    """Return the mean share of known values by group of indicators."""
    catalogue = of_province(province, peers=True)
    by_group: dict[str, list[float]] = {}
    for name, said in quality["indicators"].items():  # type: ignore[attr-defined]
        by_group.setdefault(catalogue[name].group, []).append(said["share_known"])
    return {group: round(sum(shares) / len(shares), 6) for group, shares in sorted(by_group.items())}


def text_of(manifest: dict[str, Any]) -> str:
    """Return a manifest as it is written."""
    return json.dumps(manifest, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def digest_of(manifest: dict[str, Any]) -> str:
    """Return the SHA-256 of a manifest's text."""
    return hashlib.sha256(text_of(manifest).encode()).hexdigest()


def write_manifest(folder: Path, manifest: dict[str, Any]) -> str:
    """Write a manifest and return its hash."""
    write_whole(folder / MANIFEST, text_of(manifest))
    return digest_of(manifest)


def verify(folder: Path, digest: str | None = None) -> dict[str, Any]:
    """Read a manifest and hash every file that it names.

    Parameters
    ----------
    folder
        A revision's folder.
    digest
        What the ledger's record says of the manifest.

    Raises
    ------
    LedgerError
        If the manifest or a file is missing or is another one; the message names it.
    """
    manifest = read_json(folder / MANIFEST)
    if digest is not None and digest_of(manifest) != digest:
        raise LedgerError(f"{folder / MANIFEST} is not the manifest that was published; take it from a backup")
    files: dict[str, Any] = manifest["files"]  # type: ignore[assignment]
    there = {path.name for path in folder.glob("*.parquet")}
    for name in sorted({*files, *there}):
        if name not in files or name not in there:
            what = "is not named by the manifest" if name not in files else "is missing"
            raise LedgerError(f"{folder / name} {what}: the month is not whole")
        try:
            found = sha256(folder / name)
        except OSError as err:
            raise LedgerError(f"{folder / name} can't be read: {err.strerror}; take it from a backup") from err
        if found != files[name]["sha256"]:
            raise LedgerError(f"{folder / name} has changed since it was written; take it from a backup")
    return manifest
