"""Audit trail: who asked what, and what answered; append-only, each line bound to the one before by its hash.

The chain shows edits, insertions and removals inside the record. Whoever can write the file could make a whole new
chain, or cut lines off its end: so keep the newest hash elsewhere (a file of heads on another disk; ``POST /status``
gives it, too) and verify against it. Lines hold no personal data: a token's name, enterprise ids, versions, the status
and the answer's digest, never a body.

``audit.jsonl`` is the first worker's chain, ``audit-2.jsonl`` the second's, ``audit-admin.jsonl`` that of what
administrators do. When one is put aside it becomes ``audit.<its first line>.jsonl`` and its numbers go on in the next.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from models import chain
from models.chain import FIRST, ChainError, InUseError
from serving.guard.parts import admin_chain, asked_to_rotate, files_of, part_name, worker_chain
from serving.guard.verified import Verified, verify

AuditError = ChainError
"""The audit trail can't be continued: another service writes it, its last line does not hold, or the disk is full."""

__all__ = ["AuditError", "AuditLog", "Verified", "note", "verify"]

log = logging.getLogger("fenlei.serving")

LOOKED_AT_EVERY = 0.5
"""Seconds between looks at whether the chain is to be put aside."""

Told = Callable[[str], None]


class AuditLog:
    """The trail, open for writing by this process alone; safe to use from several threads (`models.chain.Writer`).

    Parameters
    ----------
    path
        The chain's file.
    flush
        Seconds after which a line is forced to the disk at the latest; 0: before each answer. None: the system decides.
    most_bytes
        Size from which it is put aside; None: never by itself.
    heads
        File, best on another disk, that gets the newest hash whenever a chain is opened, put aside or closed.

    Raises
    ------
    AuditError
        If another process writes it, or its last line does not hold.
    """

    def __init__(
        self, path: Path, *, flush: float | None = None, most_bytes: int | None = None, heads: Path | None = None
    ) -> None:
        self.path = path
        self._flush, self._most, self._heads = flush, most_bytes, heads
        self._chain = chain.Writer(path, _ended(path))
        self._failed: AuditError | None = None
        self._dirty, self._tried = False, 0.0
        self._stop = threading.Event()
        self._turning = threading.Lock()
        if torn := self._chain.torn:
            self.append({"event": "torn line removed", "bytes": len(torn), "sha256": hashlib.sha256(torn).hexdigest()})
        self._note_head()
        self._watch: threading.Thread | None = None

    @classmethod
    def of_worker(
        cls,
        path: Path,
        workers: int = 1,
        *,
        flush: float | None = None,
        most_bytes: int | None = None,
        heads: Path | None = None,
    ) -> AuditLog:
        """Open the first chain that no other worker holds: a worker that is started anew goes on in one.

        Raises
        ------
        AuditError
            If all are held.
        """
        for n in range(1, workers + 1):
            with suppress(InUseError):
                return cls(worker_chain(path, n), flush=flush, most_bytes=most_bytes, heads=heads)
        raise InUseError(f"{path} is in use by another process; give each its own")

    def watch(self) -> None:
        """Begin to force lines to the disk as told, and to put the chain aside when somebody asks for it."""
        if self._watch is None:
            self._watch = threading.Thread(target=self._look, daemon=True, name="fenlei-audit")
            self._watch.start()

    def append(self, entry: Mapping[str, Any], now: datetime | None = None) -> str:
        """Write one line and return its hash; ``now`` is the clock's by default.

        Raises
        ------
        AuditError
            If it can't be written, or lines before it could not be forced to the disk.
        """
        if self._failed is not None:
            raise AuditError(str(self._failed))
        done = self._chain.append({"time": (now or datetime.now(UTC)).isoformat(timespec="milliseconds"), **entry})
        self._dirty = True
        if self._flush == 0:
            self._force()
        if self._most is not None and self._chain.size >= self._most:
            self._rotate_by_size()
        return done

    def rotate(self) -> tuple[int, str]:
        """Put the chain's file aside and go on in a new one; returns lines and newest hash of what was put aside.

        Raises
        ------
        AuditError
            If it can't be; calls go on in the file as it was.
        """
        with self._turning:
            lines, last = self._chain.head
            first = _first_of(self.path)
            if first is None:
                return lines, last  # it has no line yet
            self._note_head()
            self._chain.put_aside(part_name(self.path, first))
            self.append({"event": "goes on from another file", "file": part_name(self.path, first).name})
            return lines, last

    def _rotate_by_size(self) -> None:
        # A disk where it can't be done must not be asked at every call.
        if time.monotonic() < self._tried or self._turning.locked():
            return
        self._tried = time.monotonic() + 60.0
        try:
            self.rotate()
        except AuditError as err:
            log.error("the audit trail is not put aside: %s", err)
        else:
            self._tried = 0.0

    def _force(self) -> None:
        self._dirty = False
        try:
            self._chain.flush()
        except AuditError as err:
            self._failed = err
            raise

    def _look(self) -> None:
        asked = asked_to_rotate(self.path)
        pause = LOOKED_AT_EVERY if not self._flush else min(LOOKED_AT_EVERY, self._flush)
        forced = time.monotonic()
        while not self._stop.wait(pause):
            try:
                if self._flush and self._dirty and time.monotonic() - forced >= self._flush:
                    forced = time.monotonic()
                    self._force()
                if asked.exists():
                    self.rotate()
                    asked.unlink(missing_ok=True)
            except (AuditError, OSError) as err:
                log.error("audit trail: %s", err)

    def _note_head(self) -> None:
        if self._heads is None:
            return
        lines, last = self._chain.head
        said = {"time": datetime.now(UTC).isoformat(timespec="seconds"), "chain": self.path.name}
        try:
            self._heads.parent.mkdir(parents=True, exist_ok=True)
            chain.append(self._heads, chain.canonical({**said, "lines": lines, "hash": last}))
        except OSError as err:
            raise AuditError(f"{self._heads}: the audit trail's head can't be kept there: {err.strerror}") from err

    @property
    def head(self) -> tuple[int, str]:
        """Lines written and the newest hash."""
        return self._chain.head

    def close(self) -> None:
        """Force it to the disk, keep its head, close the file and let others write it."""
        self._stop.set()
        if self._watch is not None:
            self._watch.join(5)
        try:
            if self._flush is not None:
                self._chain.flush()
            self._note_head()
        except AuditError as err:
            log.error("%s", err)
        self._chain.close()


def note(path: Path, act: str, **said: object) -> None:
    """Write down what an administrator does, in the chain beside the workers'; waits for others that do so.

    Parameters
    ----------
    path
        Audit record of the service.
    act, said
        What is done, and to whom; never a token.

    Raises
    ------
    AuditError
        If it can't be written: then the act is not to be done.
    """
    home, until = admin_chain(path), time.monotonic() + 10.0
    while True:
        try:
            held = AuditLog(home, flush=0)
        except InUseError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
            continue
        try:
            held.append({"event": act, "by": _user(), **said})
            return
        finally:
            held.close()


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def _first_of(path: Path) -> int | None:
    """Return the number of a file's first line, None where it has none."""
    with path.open("rb") as file:
        line = file.readline()
    return int(chain.read(line)["number"]) if line.endswith(b"\n") else None


def _ended(path: Path) -> tuple[int, str]:
    """Return lines and newest hash of the files put aside before; finishes what a stop cut short."""
    parts = files_of(path)[:-1]
    if not parts:
        return 0, FIRST
    if path.exists() and path.samefile(parts[-1]):
        # Stopped between giving it the new name and beginning another.
        fresh = path.with_name(f".{path.name}.new")
        fresh.write_bytes(b"")
        fresh.replace(path)
    with parts[-1].open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - 2**24))
        body = chain.read(file.read().removesuffix(b"\n").rpartition(b"\n")[2])
    if body.get("hash") != chain.digest(body):
        raise AuditError(f"{parts[-1]}: the last line does not hold; find out why before a service goes on from it")
    return int(body["number"]) + 1, str(body["hash"])


def heads_in(path: Path) -> list[dict[str, Any]]:
    """Return the heads that were kept in a file.

    Raises
    ------
    AuditError
        If a line is none.
    """
    out = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            said = json.loads(line)
            out.append({"chain": str(said["chain"]), "lines": int(said["lines"]), "hash": str(said["hash"])})
        except (ValueError, KeyError, TypeError) as err:
            raise AuditError(f"{path}, line {number}: no head of an audit record") from err
    return out
