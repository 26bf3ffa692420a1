"""Audit trail: who asked what, and what answered; append-only, each line bound to the one before by its hash.

The chain shows edits, insertions and removals inside the record. Whoever can write the file could make a whole new
chain, or cut lines off its end: so keep the newest hash (``POST /status`` gives it) elsewhere and verify against it.
Lines hold no personal data: a token's name, enterprise ids, versions and the status, never a request's body.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from features.errors import FenleiError
from models import chain
from models.chain import FIRST


class AuditError(FenleiError):
    """The audit record can't be continued."""


@dataclass(frozen=True)
class Verified:
    """What `verify` found: how many lines hold, the last good hash, and the first problem if there is one."""

    path: Path
    lines: int
    head: str
    problem: str | None = None

    @property
    def ok(self) -> bool:
        """Whether the whole record holds."""
        return self.problem is None


def _read(line: bytes) -> dict[str, Any]:
    """Return what a line says; nothing where it is no JSON object, which then follows no other line."""
    try:
        entry = json.loads(line)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}


def verify(path: Path, *, head: str | None = None) -> Verified:
    """Check a record from its first line to its last.

    Parameters
    ----------
    path
        The record; a missing file is an empty record.
    head
        A hash noted earlier: it must stand in the record, else lines were cut off or the chain was remade.

    Returns
    -------
    Verified
        With the first problem, naming the line.
    """
    previous, number, found = FIRST, 0, head is None
    for before, line, whole in chain.lines(path):
        number = before + 1
        entry = _read(line)
        if not whole or not chain.follows(entry, before, previous):
            what = "was changed, removed or put in: its hashes don't chain" if whole else "is torn"
            return Verified(path, before, previous, f"{path}, line {number} {what}")
        previous = str(entry["hash"])
        found = found or previous == head
    if not found:
        return Verified(path, number, previous, f"{path}: the hash noted earlier ({head}) is not in the record")
    return Verified(path, number, previous)


class AuditLog:
    """The record, open for writing by this process alone; safe to use from several threads.

    A line is handed to the operating system before the answer leaves; it is not forced to disk each time.

    Raises
    ------
    AuditError
        If another process writes it, or its last line does not hold.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._lock = threading.Lock()
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as err:
            os.close(self._file)
            raise AuditError(f"{path} is in use by another service; give each its own") from err
        try:
            self._number, self._head, torn = self._tail()
        except AuditError:
            os.close(self._file)
            raise
        if torn:
            # Written halfway when the machine stopped: nothing chains to it yet, so it goes, and that is said.
            os.truncate(self._file, os.fstat(self._file).st_size - len(torn))
            self.append({"event": "torn line removed", "bytes": len(torn), "sha256": hashlib.sha256(torn).hexdigest()})

    def _tail(self) -> tuple[int, str, bytes]:
        """Return the next number, the last hash and what follows the last line end."""
        size = os.fstat(self._file).st_size
        block, data = 65_536, b""
        while len(data) < size and data.count(b"\n") < 2:
            block *= 2
            start = max(0, size - block)
            data = os.pread(self._file, size - start, start)
        whole, _, torn = data.rpartition(b"\n")
        if not whole:
            return 0, FIRST, torn
        entry = _read(whole.rpartition(b"\n")[2])
        if "hash" not in entry or entry["hash"] != chain.digest(entry):
            raise AuditError(f"{self.path}: the last line does not hold; find out why, then move the file aside")
        return int(entry["number"]) + 1, str(entry["hash"]), torn

    def append(self, entry: Mapping[str, Any], now: datetime | None = None) -> str:
        """Write one line and return its hash; ``now`` is the clock's by default."""
        with self._lock:
            line = {
                "time": (now or datetime.now(UTC)).isoformat(timespec="milliseconds"),
                **entry,
                "number": self._number,
                "previous": self._head,
            }
            line["hash"] = chain.digest(line)
            self._write((chain.canonical(line) + "\n").encode())
            self._number, self._head = self._number + 1, line["hash"]
            return self._head

    def _write(self, data: bytes) -> None:
        size = os.fstat(self._file).st_size
        try:
            whole = os.write(self._file, data) == len(data)
        except OSError as err:
            raise AuditError(f"{self.path} can't be written: {err.strerror}") from err
        if not whole:
            # The disk is full: half a line would break the chain for all that follow.
            os.truncate(self._file, size)
            raise AuditError(f"{self.path} can't be written: the disk is full")

    @property
    def head(self) -> tuple[int, str]:
        """Lines written and the newest hash."""
        with self._lock:
            return self._number, self._head

    def close(self) -> None:
        """Close the file and let others write it."""
        os.close(self._file)
