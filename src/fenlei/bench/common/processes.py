"""Child processes of this one and all below them, as Linux lists them."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PROC = Path("/proc")


def descendants() -> dict[int, str]:
    """Return the command lines of all processes below this one, by id."""
    parents: dict[int, int] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except OSError:  # it ended meanwhile
                continue
    found, below = dict[int, str](), {os.getpid()}
    while below := {child for child, parent in parents.items() if parent in below and child not in found}:
        found |= {child: _command(child) for child in below}
    return found


def _command(process: int) -> str:
    try:
        return (_PROC / str(process) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def _resident(process: int) -> int:
    try:
        pages = int((_PROC / str(process) / "statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def peak_memory(every: float = 0.5) -> Iterator[dict[str, float]]:
    """Watch the resident memory of this process and all below it; ``peak_mb`` of what is lent is the greatest sum."""
    told, done = {"peak_mb": 0.0}, threading.Event()

    def watch() -> None:
        while not done.wait(every):
            now = sum(map(_resident, [os.getpid(), *descendants()])) / 2**20
            told["peak_mb"] = max(told["peak_mb"], now)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield told
    finally:
        done.set()
        watcher.join()


def wait_for(command: str, number: int, seconds: float = 60) -> list[int]:
    """Return the ids of at least ``number`` processes below this one whose command line names ``command``, sorted.

    Raises
    ------
    TimeoutError
        If they are not there in time.
    """
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = sorted(pid for pid, line in descendants().items() if command in line)
        if len(found) >= number:
            return found
        time.sleep(0.2)
    raise TimeoutError(f"no {number} processes {command} within {seconds:g} s")
