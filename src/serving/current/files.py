"""File signatures, by which a watched file is seen to have changed."""

from __future__ import annotations

from pathlib import Path

Signature = tuple[int, int, int]
"""Inode, size and time of a file: changes when the file is replaced."""


def signature(path: Path | None) -> Signature | None:
    """Return the file's signature, None when it is not there."""
    try:
        found = path.stat() if path else None
    except OSError:
        return None
    return (found.st_ino, found.st_size, found.st_mtime_ns) if found else None
