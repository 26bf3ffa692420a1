"""Two people put a model into use; the record says who, and the alias only follows the record.

The record is one JSON object a line, append-only, each bound to the line before by its hash and to the
model by the hash of its files. Signing each entry with the reviewer's key is the seam `Entry.signature`:
empty until keys exist.
"""

from __future__ import annotations

import hashlib
import json
import os
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from features.errors import FenleiError
from models import registry, tracking
from models.risk_model import RiskModel

Action = Literal["propose", "approve", "reject"]
FIRST = "0" * 64
"""What the first entry names as the one before it."""


class ApprovalError(FenleiError):
    """The sign-off is refused, or its record does not hold.

    Parameters
    ----------
    message
        For the people who sign and operate; may name files.
    short
        For callers of a service, without files; the message itself where it names none.
    """

    def __init__(self, message: str, short: str | None = None) -> None:
        super().__init__(message)
        self.short = short or message


@dataclass(frozen=True)
class Entry:
    """One line of the record.

    Parameters
    ----------
    number
        0, 1, …: position in the record.
    action, version, by, note, on
        What was done to which registered version, by whom, why and on which day (ISO, given by the caller).
    model_hash
        SHA-256 over the files of the model bundle at that moment.
    inputs
        Hashes of data, catalogue, policies and experiment the version was trained from.
    previous, hash
        Hash of the entry before; SHA-256 over this entry without ``hash`` and ``signature``.
    signature
        Signature over ``hash``; empty while no keys are in use.
    """

    number: int
    action: Action
    version: str
    by: str
    note: str
    on: str
    model_hash: str
    inputs: dict[str, str]
    previous: str
    hash: str = ""
    signature: str = ""

    def digest(self) -> str:
        """Hash of everything but ``hash`` and ``signature``."""
        body = {k: v for k, v in asdict(self).items() if k not in ("hash", "signature")}
        return hashlib.sha256(
            json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
        ).hexdigest()


def record_path() -> Path:
    """File of the record, beside the MLflow store."""
    return tracking.store().home / "approvals.jsonl"


_TOGETHER = frozenset({"CJK", "IDEOGRAPHIC", "BOPOMOFO", "HIRAGANA", "KATAKANA", "HANGUL"})
"""Scripts that look like no other and stand beside one in a name: 'Li Na 李娜' is one person's."""


def _scripts(name: str) -> set[str]:
    """Return the scripts of a name's letters, by the first word of Unicode's name for each."""
    return {
        unicodedata.name(c, "unnamed").split()[0].partition("-")[0] for c in name if unicodedata.category(c)[0] == "L"
    }


def person(name: str) -> str:
    """Name as compared: width, case, spaces and invisible characters don't make another person.

    Raises
    ------
    ApprovalError
        If nothing is left, or letters of look-alike scripts are mixed: a Cyrillic е in a Latin name would make
        a second person that no reader can tell from the first.
    """
    folded = unicodedata.normalize("NFKC", name).casefold()
    kept = "".join(c for c in folded if unicodedata.category(c)[0] in "LN")
    if not kept:
        raise ApprovalError(f"{name!r} names nobody")
    mixed = sorted(_scripts(kept) - _TOGETHER)
    if len(mixed) > 1:
        raise ApprovalError(f"{name!a} mixes letters of several scripts ({', '.join(mixed)}): write it in one")
    return kept


def history() -> list[Entry]:
    """Return the whole record, oldest first, after checking its chain.

    Raises
    ------
    ApprovalError
        If a line was changed, removed or put in; the message names it. Lines cut off the end can't be seen here:
        keep the newest hash elsewhere.
    """
    path = record_path()
    entries: list[Entry] = []
    previous = FIRST
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines() if path.exists() else []):
        try:
            entry = Entry(**json.loads(line))
        except (TypeError, ValueError) as err:
            short = f"line {number + 1} of the approval record is no entry"
            raise ApprovalError(f"{path}, line {number + 1}: not an entry: {err}", short) from err
        if entry.number != number or entry.previous != previous or entry.digest() != entry.hash:
            raise ApprovalError(
                f"{path}, line {number + 1}: the record was changed: its hashes don't chain",
                "the approval record was changed: its hashes don't chain",
            )
        previous = entry.hash
        entries.append(entry)
    return entries


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the record alone, so that two people signing at once don't write the same number."""
    lock = path.with_suffix(".lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    except FileExistsError as err:
        raise ApprovalError(f"another sign-off is under way; if none is, remove {lock}") from err
    try:
        os.close(handle)
        yield
    finally:
        lock.unlink(missing_ok=True)


def _append(action: Action, version: str, by: str, note: str, on: str, model_hash: str) -> Entry:
    entries = history()
    bare = Entry(
        number=len(entries),
        action=action,
        version=version,
        by=by.strip(),
        note=note,
        on=on,
        model_hash=model_hash,
        inputs=registry.inputs(version),
        previous=entries[-1].hash if entries else FIRST,
    )
    entry = Entry(**{**asdict(bare), "hash": bare.digest()})
    with record_path().open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(entry), ensure_ascii=False, sort_keys=True) + "\n")
        file.flush()
        os.fsync(file.fileno())
    return entry


def state(version: str, entries: list[Entry]) -> Entry | None:
    """Return the newest entry about a version, which says where it stands."""
    return next((e for e in reversed(entries) if e.version == version), None)


def propose(version: str, by: str, note: str, *, on: str) -> Entry:
    """Put a registered version up for approval.

    Raises
    ------
    ApprovalError
        If the version does not exist, names nobody, or is already proposed or approved.
    """
    person(by)
    with _locked(record_path()):
        last = state(version, history())
        if last is not None and last.action == "propose":
            raise ApprovalError(f"version {version} is already proposed, by {last.by} on {last.on}")
        return _append("propose", version, by, note, on, registry.model_hash(version))


def approve(version: str, by: str, note: str = "", *, on: str) -> Entry:
    """Approve a proposed version as another person, and point the alias at it.

    Raises
    ------
    ApprovalError
        If the version is not up for approval, the approver proposed it, or its files or the hashes of its
        inputs are no longer those that were proposed.
    """
    with _locked(record_path()):
        last = state(version, history())
        if last is None or last.action != "propose":
            raise ApprovalError(f"version {version} is not proposed; propose it first")
        if person(by) == person(last.by):
            raise ApprovalError(f"{last.by} proposed version {version}: another person must approve it")
        found = registry.model_hash(version)
        if found != last.model_hash or registry.inputs(version) != last.inputs:
            raise ApprovalError(
                f"version {version} is not what was proposed: its files hash to {found[:12]}…, "
                f"proposed was {last.model_hash[:12]}…; look why, then propose it again"
            )
        entry = _append("approve", version, by, note, on, found)
    registry.set_alias(version)
    return entry


def reject(version: str, by: str, note: str, *, on: str) -> Entry:
    """Refuse a proposed version, or withdraw an approved one; the version approved before it returns.

    Raises
    ------
    ApprovalError
        If the version is neither proposed nor approved.
    """
    person(by)
    with _locked(record_path()):
        last = state(version, history())
        if last is None or last.action == "reject":
            raise ApprovalError(f"version {version} is neither proposed nor approved")
        # The hash as recorded: a model must be refusable even when its files are gone.
        entry = _append("reject", version, by, note, on, last.model_hash)
    standing = in_force(history())
    registry.set_alias(standing.version if standing else None)
    return entry


def in_force(entries: list[Entry]) -> Entry | None:
    """Return the newest approval whose version was not rejected since; a new proposal alone changes nothing."""
    rejected: set[str] = set()
    for entry in reversed(entries):
        if entry.action == "reject":
            rejected.add(entry.version)
        elif entry.action == "approve" and entry.version not in rejected:
            return entry
    return None


def approved_model() -> tuple[RiskModel, str] | None:
    """Return the approved model and its version, or None when nothing is approved.

    The record decides, not the alias: an alias set by hand changes nothing here but is said.

    Raises
    ------
    ApprovalError
        If the record is broken, the model's files have changed since approval, or the alias points elsewhere.
    """
    entry = in_force(history())
    alias = registry.aliased()
    if alias != (entry.version if entry else None):
        raise ApprovalError(
            f"alias {tracking.ALIAS!r} points at version {alias}, the record approves "
            f"{entry.version if entry else 'none'}: the alias was set by hand"
        )
    if entry is None:
        return None
    folder = registry.bundle(entry.version)
    found = tracking.bundle_hash(folder)
    if found != entry.model_hash:
        raise ApprovalError(
            f"the files of approved version {entry.version} have changed since approval "
            f"({found[:12]}… instead of {entry.model_hash[:12]}…)"
        )
    return RiskModel.load(folder), entry.version
