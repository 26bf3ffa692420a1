"""Files of the audit trail: one chain a worker and one of administrators, each in the parts that were put aside."""

from __future__ import annotations

import re
from pathlib import Path

ADMIN = "admin"
_DIGITS = 12


def worker_chain(path: Path, n: int) -> Path:
    """Return the file of the n-th worker's chain; the first's is the record itself.

    Examples
    --------
    >>> worker_chain(Path("audit.jsonl"), 2).name
    'audit-2.jsonl'
    """
    return path if n == 1 else path.with_name(f"{path.stem}-{n}{path.suffix}")


def admin_chain(path: Path) -> Path:
    """Return the file of what administrators did."""
    return path.with_name(f"{path.stem}-{ADMIN}{path.suffix}")


def part_name(path: Path, first: int) -> Path:
    """Return the name of a file that was put aside, by the number of its first line.

    Examples
    --------
    >>> part_name(Path("audit.jsonl"), 7).name
    'audit.000000000007.jsonl'
    """
    return path.with_name(f"{path.stem}.{first:0{_DIGITS}}{path.suffix}")


def asked_to_rotate(path: Path) -> Path:
    """Return the file by which whoever may write here asks the service to put its chain aside."""
    return path.with_name(f".{path.name}.rotate")


def files_of(path: Path) -> list[Path]:
    """Return a chain's files: those put aside, oldest first, then the one that is written."""
    pattern = re.compile(rf"{re.escape(path.stem)}\.\d{{{_DIGITS}}}{re.escape(path.suffix)}")
    there = sorted(p for p in path.parent.iterdir() if pattern.fullmatch(p.name)) if path.parent.is_dir() else []
    return [*there, path]


def chains_of(path: Path) -> list[Path]:
    """Return all chains of a record: the first worker's, the others', the administrators'.

    Also one whose newest file is gone, where older ones are there.
    """
    pattern = re.compile(rf"({re.escape(path.stem)}-(\d+|{ADMIN}))(\.\d{{{_DIGITS}}})?{re.escape(path.suffix)}")
    found = {path}
    for other in path.parent.iterdir() if path.parent.is_dir() else ():
        if match := pattern.fullmatch(other.name):
            found.add(path.with_name(match[1] + path.suffix))
    return [path, *sorted(found - {path})]
