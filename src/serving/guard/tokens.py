"""Bearer tokens, which every call must carry.

Tokens stand in a file of JSON lines as SHA-256 hashes, so the file gives none away; lines are only appended
(a token made, a token that takes another's place, a token revoked). The file is read again when it changes: a revoked
token stops at once. A token has 256 random bits, so its hash needs no salt and no slow function.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from features.errors import FenleiError
from features.given import PathLike, as_path
from serving.current.files import Signature, signature
from serving.guard.grants import ACTS, Grant, grant

PREFIX = "fenlei_"
"""Every token starts so: a leaked one can be found by a scan."""


class AccessError(FenleiError):
    """The token file can't be used, or a token can't be made or revoked."""


def _now(now: datetime | None) -> datetime:
    return now or datetime.now(UTC)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _lines(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    out = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            entry = json.loads(line)
            if "sha256" in entry:
                bytes.fromhex(entry["sha256"])
                _given(entry)
            elif "revoked" not in entry:
                raise ValueError("neither a token nor its end")
            entry["name"].encode()
        except (ValueError, TypeError, KeyError, AttributeError) as err:
            raise AccessError(f"{path}, line {number}: no token entry: {err}") from err
        out.append(entry)
    return out


def _moment(text: str) -> datetime:
    """Read a moment of the file; one without its time zone could not be compared."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a moment without its time zone")
    return moment


def _given(entry: dict[str, Any]) -> Grant:
    """Return what a token's line grants."""
    if "others_end" in entry:
        _moment(entry["others_end"])
    return grant(entry["name"], _moment(entry["expires"]), entry)


@dataclass(frozen=True)
class Held:
    """A token of the file: its hash, what it grants, and when it was made."""

    sha256: str
    grant: Grant
    created: str


def _active(path: Path) -> list[Held]:
    """Return the tokens made and not revoked since, expired ones included."""
    active: dict[str, list[Held]] = {}
    for entry in _lines(path):
        name = entry["name"]
        if "sha256" not in entry:
            active.pop(name, None)
            continue
        new = Held(entry["sha256"], _given(entry), str(entry.get("created", "")))
        old: list[Held] = []
        if "others_end" in entry:
            end = _moment(entry["others_end"])
            old = [replace(o, grant=replace(o.grant, expires=min(o.grant.expires, end))) for o in active.get(name, [])]
        active[name] = [*old, new]
    return [held for those in active.values() for held in those]


def _append(path: Path, entry: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(file, (json.dumps(entry, ensure_ascii=False) + "\n").encode())
        os.fsync(file)
    finally:
        os.close(file)


def create_token(
    path: PathLike,
    name: str,
    *,
    days: int = 365,
    acts: Sequence[str] = ACTS,
    regions: Sequence[str] = (),
    department: str = "",
    rate: float | None = None,
    burst: int | None = None,
    now: datetime | None = None,
) -> str:
    """Make a token for a calling system and return it; it can't be shown again.

    Parameters
    ----------
    path
        Token file; made when missing, readable by its owner only.
    name
        Whom it is for: stands in the audit record.
    days
        How long it is valid.
    acts, regions, department, rate, burst
        What it allows (`serving.guard.grants.Grant`): everything, everywhere, by default.
    now
        The clock's by default.

    Raises
    ------
    AccessError
        If the name is empty, too long or has a token that still holds; or an act, region or rate is none.

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
    if any(held.grant.name == name and moment < held.grant.expires for held in _active(path)):
        raise AccessError(f"{name!r} has a token already; revoke it first, or rotate it")
    said = {"acts": list(acts), "regions": list(regions), "department": department, "rate": rate, "burst": burst}
    try:
        made = grant(name, moment + timedelta(days=days), said)
    except ValueError as err:
        raise AccessError(str(err)) from err
    return _made(path, made, moment)


def _made(path: Path, given: Grant, moment: datetime, **more: str) -> str:
    token = PREFIX + secrets.token_urlsafe(32)
    times = {"created": _said(moment), "expires": _said(given.expires), **more}
    _append(path, {"name": given.name, "sha256": _hash(token), **times, **given.as_line()})
    return token


def _said(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def rotate_token(path: PathLike, name: str, *, overlap: timedelta, days: int = 365, now: datetime | None = None) -> str:
    """Make a new token of the same scope; the old one holds for a stated time yet, so that its holder can change over.

    Parameters
    ----------
    path, name
        Token file, and whose token it is.
    overlap
        How long the old one still holds; none: it ends now.
    days
        How long the new one is valid.
    now
        The clock's by default.

    Raises
    ------
    AccessError
        If there is no token of that name that holds.

    Examples
    --------
    With ``out`` a folder to write to:

    >>> old = create_token(out / "tokens.jsonl", "bureau")
    >>> new = rotate_token(out / "tokens.jsonl", "bureau", overlap=timedelta(days=7))
    >>> [Tokens(out / "tokens.jsonl").name_of(token) for token in (old, new)]
    ['bureau', 'bureau']
    """
    path, moment = as_path(path, "token file"), _now(now)
    if overlap < timedelta(0):
        raise AccessError("an overlap is no time or more")
    if days < 1:
        raise AccessError(f"a token is valid for at least a day, not {days}")
    holding = [h for h in _active(path) if h.grant.name == name and moment < h.grant.expires]
    if not holding:
        raise AccessError(f"{name!r} has no token in {path} that holds; make one")
    last = holding[-1].grant
    return _made(path, replace(last, expires=moment + timedelta(days=days)), moment, others_end=_said(moment + overlap))


def listed(path: PathLike) -> list[Held]:
    """Return the tokens of a file that are not revoked, by name; never a token, which nobody can tell from it.

    Raises
    ------
    AccessError
        If the file can't be read.
    """
    return sorted(_active(as_path(path, "token file")), key=lambda held: (held.grant.name, held.created))


def revoke_token(path: PathLike, name: str, *, now: datetime | None = None) -> None:
    """End all tokens of a name; services that read the file refuse them from the next call on.

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
    if name not in {held.grant.name for held in _active(path)}:
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
        self._tokens: list[Held] = []

    def name_of(self, token: str, now: datetime | None = None) -> str | None:
        """Return whose token it is, None if nobody's, expired or revoked; errors are those of `grant_of`."""
        found = self.grant_of(token, now)
        return None if found is None else found.name

    def grant_of(self, token: str, now: datetime | None = None) -> Grant | None:
        """Return what a token allows, None if it is nobody's, expired or revoked.

        Raises
        ------
        AccessError
            If the file can't be read; nobody is let in then.
        """
        with self._lock:
            seen = signature(self.path)
            if seen != self._seen:
                self._tokens = _active(self.path)
                self._seen = seen
            tokens = self._tokens
        given, found, moment = _hash(token), None, _now(now)
        # Every token is compared, in constant time: how long it takes tells nothing.
        for held in tokens:
            if hmac.compare_digest(given, held.sha256) and moment < held.grant.expires:
                found = held.grant
        return found
