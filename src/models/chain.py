"""Hash chain: an append-only file of JSON lines, each bound to the one before it by its hash.

The record of sign-offs and the audit trail are both one; what a line may say is theirs, how lines hang together, are
read, held and written is here. People who sign wait for each other (`locked`, `append`); a service holds its own chain
while it runs (`Writer`).
The chain shows edits, insertions and removals inside a file. Who can write the file could make a whole new one, or cut
lines off its end: so the newest hash is kept in a second place.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from features.errors import FenleiError

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


@dataclass(frozen=True)
class Link:
    """A line as it was read.

    Parameters
    ----------
    number, line, body
        Its place from 0, its bytes without the line's end, and what it says; nothing where it is no JSON object.
    whole
        Whether it has its end: of a torn one, writing was cut short.
    holds
        Whether it stands where it belongs.
    """

    number: int
    line: bytes
    body: dict[str, Any]
    whole: bool
    holds: bool


def walk(path: Path, leave_out: Collection[str] = ("hash",), *, first: int = 0, before: str = FIRST) -> Iterator[Link]:
    """Yield the lines of a chain from the first; a missing file has none. What follows a line that does not hold can't.

    Only a line feed ends a line: a text may hold U+2028, which JSON leaves as it is. A file that goes on where another
    ended begins at line ``first`` after the hash ``before``.
    """
    previous: str | None = before
    with (path if path.exists() else Path(os.devnull)).open("rb") as file:
        for number, raw in enumerate(file, start=first):
            line, whole = raw.removesuffix(b"\n"), raw.endswith(b"\n")
            body = read(line)
            holds = whole and previous is not None and follows(body, number, previous, leave_out)
            yield Link(number, line, body, whole, holds)
            previous = str(body["hash"]) if holds else None


def read(line: bytes) -> dict[str, Any]:
    """Return what a line says; nothing where it is no JSON object, which then follows no other line."""
    try:
        body = json.loads(line)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


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


class ChainError(FenleiError):
    """A chain can't be continued."""


class InUseError(ChainError):
    """Another process writes the chain."""


def _held(path: Path) -> int:
    """Open a file for this process alone; one that was put aside meanwhile is left and the new one taken."""
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(file).st_ino == path.stat().st_ino:
                return file
        except FileNotFoundError:
            pass
        except OSError as err:
            os.close(file)
            raise InUseError(f"{path} is in use by another process; give each its own") from err
        os.close(file)


def _keep_names(folder: Path) -> None:
    """Force the names of a folder's files to the disk."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


class Writer:
    """A chain, open for writing by this process alone; safe to use from several threads.

    A line is handed to the operating system before `append` returns; it is not forced to disk each time. Where the last
    line is torn, because the machine stopped while it was written, nothing chains to it yet: it is removed, and
    ``torn`` holds it, for the owner to say so.

    Parameters
    ----------
    path
        The file; it and its folder are made when missing.
    before
        Where the file holds no line: lines and newest hash of the files before it.

    Raises
    ------
    InUseError
        If another process writes it.
    ChainError
        If its last line does not hold.
    """

    def __init__(self, path: Path, before: tuple[int, str] = (0, FIRST)) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._before = before
        self._lock = threading.Lock()
        self._file = _held(path)
        try:
            self._number, self._last, self.torn = self._tail()
        except ChainError:
            os.close(self._file)
            raise
        if self.torn:
            os.truncate(self._file, os.fstat(self._file).st_size - len(self.torn))

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
            return *self._before, torn
        body = read(whole.rpartition(b"\n")[2])
        if "hash" not in body or body["hash"] != digest(body):
            raise ChainError(f"{self.path}: the last line does not hold; find out why, then move the file aside")
        return int(body["number"]) + 1, str(body["hash"]), torn

    def append(self, body: Mapping[str, Any]) -> str:
        """Write one line, with its number and the hash before it, and return its hash.

        Raises
        ------
        ChainError
            If it can't be written whole; the chain then ends where it did.
        """
        with self._lock:
            line = {**body, "number": self._number, "previous": self._last}
            line["hash"] = digest(line)
            self._write((canonical(line) + "\n").encode())
            self._number, self._last = self._number + 1, line["hash"]
            return self._last

    def _write(self, data: bytes) -> None:
        size = os.fstat(self._file).st_size
        try:
            whole = os.write(self._file, data) == len(data)
        except OSError as err:
            raise ChainError(f"{self.path} can't be written: {err.strerror}") from err
        if not whole:
            # The disk is full: half a line would break the chain for all that follow.
            os.truncate(self._file, size)
            raise ChainError(f"{self.path} can't be written: the disk is full")

    def flush(self) -> None:
        """Force what was written to the disk itself.

        Raises
        ------
        ChainError
            If the disk says that it failed: what was lost can't be known then.
        """
        with self._lock:
            # Lines are written meanwhile, and the file may be put aside.
            file = os.dup(self._file)
        try:
            os.fdatasync(file)
        except OSError as err:
            raise ChainError(f"{self.path} can't be forced to the disk: {err.strerror}") from err
        finally:
            os.close(file)

    @property
    def size(self) -> int:
        """Bytes of the file."""
        with self._lock:
            return os.fstat(self._file).st_size

    def put_aside(self, to: Path) -> None:
        """Give the file another name and go on in a new one, where the numbers and hashes go on.

        Raises
        ------
        ChainError
            If it can't be done; the file then stays where it was.
        """
        fresh = self.path.with_name(f".{self.path.name}.new")
        with self._lock:
            try:
                os.fdatasync(self._file)
                fresh.unlink(missing_ok=True)
                file = _held(fresh)
                try:
                    # The name is never free: who looks for the chain meanwhile would begin another.
                    os.link(self.path, to)
                    fresh.replace(self.path)
                except OSError:
                    os.close(file)
                    raise
            except OSError as err:
                if to.exists() and to.samefile(self.path):
                    to.unlink()
                raise ChainError(f"{self.path} can't be put aside as {to.name}: {err.strerror}") from err
            os.close(self._file)
            self._file = file
        with suppress(OSError):  # the names are there; a stop now would only cost their order
            _keep_names(self.path.parent)

    @property
    def head(self) -> tuple[int, str]:
        """Lines written and the newest hash."""
        with self._lock:
            return self._number, self._last

    def close(self) -> None:
        """Close the file and let others write it."""
        os.close(self._file)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a chain alone, by a lock file beside it: writers wait for each other. A killed process leaves nothing
    held."""
    lock = path.with_suffix(".lock")
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
