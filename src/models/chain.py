"""Hash chain: an append-only file of JSON lines, each bound to the one before it by its hash.

The record of sign-offs and the audit trail are both one; what a line may say is theirs, how lines hang together is
here.
The chain shows edits, insertions and removals inside a file. Who can write the file could make a whole new one, or cut
lines off its end: so the newest hash is kept in a second place.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

FIRST = "0" * 64
"""Hash that the first line names as that of the line before it."""


def canonical(body: Mapping[str, Any]) -> str:
    """Return the one spelling of a line: keys sorted, no spaces, no line's end."""
    return json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def digest(body: Mapping[str, Any], leave_out: Collection[str] = ("hash",)) -> str:
    """Return the SHA-256 of a line without the keys that are written after it is taken.

    Examples
    --------
    >>> digest({"number": 0, "hash": "x"}) == digest({"number": 0})
    True
    """
    return hashlib.sha256(canonical({k: v for k, v in body.items() if k not in leave_out}).encode()).hexdigest()


def follows(body: Mapping[str, Any], number: int, previous: str, leave_out: Collection[str] = ("hash",)) -> bool:
    """Tell whether a line stands where it belongs: its number, the hash before it, and its own hash hold."""
    held = body.get("number") == number and body.get("previous") == previous
    return held and body.get("hash") == digest(body, leave_out)


def lines(path: Path) -> Iterator[tuple[int, bytes, bool]]:
    """Yield number, bytes and wholeness of each line; a missing file has none, a last line without an end isn't whole.

    Only a line feed ends a line: a text may hold U+2028, which JSON leaves as it is.
    """
    with (path if path.exists() else Path(os.devnull)).open("rb") as file:
        for number, line in enumerate(file):
            yield number, line.removesuffix(b"\n"), line.endswith(b"\n")


def head(count: int, last: str) -> str:
    """Return what is kept elsewhere of a chain: ``<number of lines> <hash of the last>``."""
    return f"{count} {last if count else FIRST}"


def append(path: Path, line: str) -> None:
    """Write a line at the end, to the disk itself."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    with os.fdopen(handle, "ab") as file:
        file.write(line.encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a chain alone, by a lock file beside it: writers wait for each other. A killed process leaves nothing
    held."""
    lock = path.with_suffix(".lock")
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
