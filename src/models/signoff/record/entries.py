"""The record of approvals: one signed JSON object a line, only ever appended, each bound to the line before.

What a line may say is in `models.signoff.record.rules`; here is how it is written, read and checked as a document.
The newest hash is kept in a second place, the tag `HEAD` of the registered model in MLflow: there a record
that lost lines at its end shows.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal, get_args

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from models import chain
from models.chain import FIRST
from models.signoff.errors import ApprovalError
from models.signoff.record.keys import sign
from models.tracking.store import Store

Action = Literal["propose", "back", "approve", "reject"]
FORMAT = 1
HEAD = "approval_head"
"""Tag of the registered model: ``<number of entries> <hash of the last>``."""

_SIGNED_LATER = ("hash", "signature")


@dataclass(frozen=True)
class Entry:
    """One line of the record.

    Parameters
    ----------
    format
        Of the line.
    number
        0, 1, …: position in the record.
    action
        "propose"; "back", a proposal to return to a version approved before; "approve"; "reject".
    version, run, province
        The registered version, the MLflow run that made it (its id is this store's alone), whose policies hold.
    by, key
        Both names of the signer and the public key, as the list of signers had them.
    note, on
        Why; the day (ISO, given by the caller).
    model_hash
        SHA-256 over the files of the model bundle at that moment.
    inputs
        Hashes of what the version was trained from, as registered: data, catalogue, policies, experiment, the
        logged fit inputs, the evaluation.
    policies
        Hashes of ``signers.toml`` and ``gate.toml`` at that moment.
    verdicts
        What each check of the gate said; empty for "reject", which needs none.
    accepted
        Why a "cannot tell" was accepted; empty when there was none.
    previous, hash, signature
        Hash of the entry before; SHA-256 over this entry without ``hash`` and ``signature``; the signature over it.
    """

    number: int
    action: Action
    version: str
    run: str
    province: str
    by: str
    key: str
    note: str
    on: str
    model_hash: str
    inputs: dict[str, str]
    policies: dict[str, str]
    verdicts: dict[str, str]
    accepted: str
    previous: str
    format: int = FORMAT
    hash: str = ""
    signature: str = ""

    def digest(self) -> str:
        """Hash of everything but ``hash`` and ``signature``."""
        return chain.digest(asdict(self), _SIGNED_LATER)

    def line(self) -> str:
        """The entry as it stands in the record, without the line's end."""
        return chain.canonical(asdict(self))

    def signed(self, key: Ed25519PrivateKey) -> Entry:
        """Return the entry with its hash and a signature over it."""
        digest = self.digest()
        return replace(self, hash=digest, signature=sign(key, digest))


def record_path(store: Store) -> Path:
    """File of the record."""
    return store.records / "approvals.jsonl"


def parse(line: str) -> Entry:
    """Read one line.

    Raises
    ------
    ValueError
        If it is no entry, or not written as an entry is: two spellings of one entry would be two hashes' worth of
        doubt.
    """
    body = json.loads(line)
    if not isinstance(body, dict):
        raise ValueError("expected a JSON object")
    try:
        entry = Entry(**body)
    except TypeError as err:
        raise ValueError(str(err).replace("Entry.__init__() ", "")) from err
    if entry.format != FORMAT:
        raise ValueError(f"its format is {entry.format!r}, expected {FORMAT}")
    for name, value in asdict(entry).items():
        kind: type = (
            dict if name in ("inputs", "policies", "verdicts") else int if name in ("number", "format") else str
        )
        inner = value.items() if isinstance(value, dict) else ()
        if type(value) is not kind or not all(isinstance(k, str) and isinstance(v, str) for k, v in inner):
            raise ValueError(f"{name} is {value!r}, expected {kind.__name__}")
    if entry.action not in get_args(Action):
        raise ValueError(f"action is {entry.action!r}, expected one of {', '.join(get_args(Action))}")
    if entry.line() != line:
        raise ValueError("it is not written as an entry is: keys sorted, no spaces, no key twice")
    return entry


def read_chain(path: Path) -> list[Entry]:
    """Read all lines and check that they chain; who signed them is not looked at here.

    Raises
    ------
    ApprovalError
        If a line is no entry, or was changed, removed, moved or put in; the message names it.
    """
    entries: list[Entry] = []
    links = list(chain.walk(path, _SIGNED_LATER))
    if links and not links[-1].whole:
        raise ApprovalError(
            f"{path}, line {len(links)}: the last line has no end: writing it was cut short; nothing was approved "
            "by it, remove it",
            "the last line of the approval record is not whole",
        )
    for link in links:
        place = f"{path}, line {link.number + 1}"
        try:
            entry = parse(link.line.decode("utf-8", errors="replace"))
        except ValueError as err:
            short = f"line {link.number + 1} of the approval record is no entry"
            raise ApprovalError(f"{place}: not an entry: {err}", short) from err
        if not link.holds:
            raise ApprovalError(
                f"{place}: the record was changed: its hashes don't chain",
                "the approval record was changed: its hashes don't chain",
            )
        entries.append(entry)
    return entries


def head_of(entries: list[Entry]) -> str:
    """Return what the tag `HEAD` says of a record."""
    return chain.head(len(entries), entries[-1].hash if entries else FIRST)


def check_head(path: Path, entries: list[Entry], head: str | None, where: str) -> None:
    """Hold that the record still has what a head kept elsewhere says it had.

    A longer record is fine: the head is written just after the line.

    Parameters
    ----------
    path, entries
        The record: its file, and what it says.
    head
        ``<number> <hash>``, or a hash alone; None where nothing was kept.
    where
        Who kept it, for the message.

    Raises
    ------
    ApprovalError
        If lines are missing at the end, or the record is another one.
    """
    hashes = [FIRST, *(e.hash for e in entries)]
    if head is None:
        if len(entries) > 1:
            raise ApprovalError(
                f"{where} holds no {HEAD}, but the record has {len(entries)} entries: it was removed, or the record "
                "is another store's",
                "the head of the approval record is not kept where it should be",
            )
        return
    count, _, last = head.rpartition(" ")
    if count and not (count.isdecimal() and int(count) < len(hashes)):
        raise ApprovalError(
            f"{path} has {len(entries)} entries; {where} says there were {count}: lines were cut off its end",
            "the approval record is shorter than it was: lines were cut off its end",
        )
    if last not in hashes or (count and hashes[int(count)] != last):
        raise ApprovalError(
            f"{path} is not the record that {where} knows: no entry {count} with hash {last[:12]}…",
            "the approval record is not the one that the model registry knows",
        )


@contextmanager
def locked(store: Store) -> Iterator[None]:
    """Hold the record alone: two people signing at once wait for each other. A killed process leaves nothing held."""
    with chain.locked(record_path(store)):
        yield


def append(store: Store, entry: Entry) -> None:
    """Write a signed entry at the end, to the disk itself."""
    chain.append(record_path(store), entry.line())
