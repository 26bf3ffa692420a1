"""Audit trail: who asked what, and what answered; append-only, each line bound to the one before by its hash.

The chain shows edits, insertions and removals inside the record. Whoever can write the file could make a whole new
chain, or cut lines off its end: so keep the newest hash (``POST /status`` gives it) elsewhere and verify against it.
Lines hold no personal data: a token's name, enterprise ids, versions and the status, never a request's body.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from models import chain
from models.chain import FIRST, ChainError

AuditError = ChainError
"""The audit trail can't be continued: another service writes it, its last line does not hold, or the disk is full."""


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
    previous, count, found = FIRST, 0, head is None
    for link in chain.walk(path):
        if not link.holds:
            what = "was changed, removed or put in: its hashes don't chain" if link.whole else "is torn"
            return Verified(path, count, previous, f"{path}, line {link.number + 1} {what}")
        previous, count = str(link.body["hash"]), link.number + 1
        found = found or previous == head
    if not found:
        return Verified(path, count, previous, f"{path}: the hash noted earlier ({head}) is not in the record")
    return Verified(path, count, previous)


class AuditLog:
    """The trail, open for writing by this process alone; safe to use from several threads (`models.chain.Writer`).

    Raises
    ------
    AuditError
        If another process writes it, or its last line does not hold.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._chain = chain.Writer(path)
        if torn := self._chain.torn:
            self.append({"event": "torn line removed", "bytes": len(torn), "sha256": hashlib.sha256(torn).hexdigest()})

    def append(self, entry: Mapping[str, Any], now: datetime | None = None) -> str:
        """Write one line and return its hash; ``now`` is the clock's by default."""
        return self._chain.append({"time": (now or datetime.now(UTC)).isoformat(timespec="milliseconds"), **entry})

    @property
    def head(self) -> tuple[int, str]:
        """Lines written and the newest hash."""
        return self._chain.head

    def close(self) -> None:
        """Close the file and let others write it."""
        self._chain.close()
