"""Bearer tokens, which every call must carry.

Tokens stand in a file of JSON lines as SHA-256 hashes, so the file gives none away; lines are only appended
(a token made, a token revoked). The file is read again when it changes: a revoked token stops at once.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from features.errors import FenleiError
from features.given import PathLike, as_path
from serving.current.files import Signature, signature

PREFIX = "fenlei_"
"""Every token starts so: a leaked one can be found by a scan."""


class AccessError(FenleiError):
    """The token file can't be used, or a token can't be made or revoked."""


def _now(now: datetime | None) -> datetime:
    return now or datetime.now(UTC)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _lines(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    out = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            entry = json.loads(line)
            if "sha256" in entry:
                bytes.fromhex(entry["sha256"])
                datetime.fromisoformat(entry["expires"])
            elif "revoked" not in entry:
                raise ValueError("neither a token nor its end")
            entry["name"].encode()
        except (ValueError, TypeError, KeyError, AttributeError) as err:
            raise AccessError(f"{path}, line {number}: no token entry: {err}") from err
        out.append(entry)
    return out


def _active(path: Path) -> list[dict[str, Any]]:
    """Return the tokens made and not revoked since, expired ones included."""
    active: dict[str, dict[str, Any]] = {}
    for entry in _lines(path):
        if "sha256" in entry:
            active[entry["name"]] = entry
        else:
            active.pop(entry["name"], None)
    return list(active.values())


def _append(path: Path, entry: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(file, (json.dumps(entry, ensure_ascii=False) + "\n").encode())
    finally:
        os.close(file)


def create_token(path: PathLike, name: str, *, days: int = 365, now: datetime | None = None) -> str:
    """Make a token for a calling system and return it; it can't be shown again.

    Parameters
    ----------
    path
        Token file; made when missing, readable by its owner only.
    name
        Whom it is for: stands in the audit record.
    days
        How long it is valid.
    now
        The clock's by default.

    Raises
    ------
    AccessError
        If the name is empty, too long or has a token that still holds.

    Examples
    --------
    With ``out`` a folder to write to:

    >>> token = create_token(out / "tokens.jsonl", "regulator", days=30)
    >>> len(token) > 32
    True
    """
    path = as_path(path, "token file")
    name, moment = name.strip(), _now(now)
    if not 0 < len(name) <= 100 or not name.isprintable():
        raise AccessError("a token's name has 1 to 100 printable characters")
    if days < 1:
        raise AccessError(f"a token is valid for at least a day, not {days}")
    if any(e["name"] == name and moment < datetime.fromisoformat(e["expires"]) for e in _active(path)):
        raise AccessError(f"{name!r} has a token already; revoke it first")
    token = PREFIX + secrets.token_urlsafe(32)
    expires = (moment + timedelta(days=days)).isoformat(timespec="seconds")
    created = moment.isoformat(timespec="seconds")
    _append(path, {"name": name, "sha256": _hash(token), "created": created, "expires": expires})
    return token


def revoke_token(path: PathLike, name: str, *, now: datetime | None = None) -> None:
    """End a token; services that read the file refuse it from the next call on.

    Raises
    ------
    AccessError
        If there is none of that name.

    Examples
    --------
    With ``out`` a folder to write to:

    >>> _ = create_token(out / "tokens.jsonl", "old system")
    >>> revoke_token(out / "tokens.jsonl", "old system")
    >>> Tokens(out / "tokens.jsonl").name_of("wrong") is None
    True
    """
    path = as_path(path, "token file")
    if name not in {e["name"] for e in _active(path)}:
        raise AccessError(f"{name!r} has no token in {path}")
    _append(path, {"name": name, "revoked": _now(now).isoformat(timespec="seconds")})


class Tokens:
    """The token file as the service reads it. A file that is not there lets nobody in.

    Examples
    --------
    With ``out`` a folder to write to:

    >>> token = create_token(out / "tokens.jsonl", "platform")
    >>> Tokens(out / "tokens.jsonl").name_of(token)
    'platform'
    """

    def __init__(self, path: PathLike) -> None:
        self.path = as_path(path, "token file")
        self._lock = threading.Lock()
        self._seen: Signature | None = None
        self._tokens: list[tuple[str, str, datetime]] = []

    def name_of(self, token: str, now: datetime | None = None) -> str | None:
        """Return whose token it is, None if nobody's, expired or revoked.

        Raises
        ------
        AccessError
            If the file can't be read; nobody is let in then.
        """
        with self._lock:
            seen = signature(self.path)
            if seen != self._seen:
                self._tokens = [
                    (e["name"], e["sha256"], datetime.fromisoformat(e["expires"])) for e in _active(self.path)
                ]
                self._seen = seen
            tokens = self._tokens
        given, name, moment = _hash(token), None, _now(now)
        # Every token is compared, in constant time: how long it takes tells nothing.
        for owner, expected, expires in tokens:
            if hmac.compare_digest(given, expected) and moment < expires:
                name = owner
        return name
