"""Signed lines: what every record that people sign has in common, and who may sign a line.

A record is a hash chain (`models.chain`) of its own file. What a line says, and after which other it may come, is the
record's own: `models.signoff.record.rules` for models, `models.signoff.overrides` for the classes of enterprises.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from datetime import date
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, Self, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import BaseModel, ConfigDict, ValidationError

from features.contract.identity import holds_identity_number
from models import chain
from models.chain import FIRST
from models.signoff.errors import ApprovalError
from models.signoff.record.keys import PREFIX, public_of, sign, verified
from models.signoff.record.signers import Role, Signer, Signers

Lists = Callable[[str], Signers]
"""A province's list of signers."""

_PROVINCE = re.compile(r"[a-z][a-z0-9_]*")
_SIGNED_LATER = ("hash", "signature")


class SignedLine(BaseModel):
    """One line of a record: who says it, when and why, bound to the line before.

    Parameters
    ----------
    number
        0, 1, …: position in the record.
    province
        Whose list of signers holds.
    by, key
        Both names of the signer and the public key, as the list had them.
    on
        Day, ISO.
    note
        Why.
    previous, hash, signature
        Hash of the line before; SHA-256 over this line without ``hash`` and ``signature``; the signature over it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    SIGNED_AS: ClassVar[bytes]
    """Prefix of what is signed: a signature of one record can't pass for one of another."""
    RECORD: ClassVar[str]
    """Name of the record, for messages."""

    format: Literal[1] = 1
    number: int
    province: str
    by: str
    key: str
    on: str
    note: str
    previous: str
    hash: str = ""
    signature: str = ""

    def line(self) -> str:
        """The line as it stands in the record, without its end."""
        return chain.canonical(self.model_dump(mode="json"))

    def digest(self) -> str:
        """Hash of everything but ``hash`` and ``signature``."""
        return chain.digest(self.model_dump(mode="json"), _SIGNED_LATER)

    def signed(self, key: Ed25519PrivateKey) -> Self:
        """Return the line with its hash and a signature over it."""
        digest = self.digest()
        return self.model_copy(update={"hash": digest, "signature": sign(key, digest, self.SIGNED_AS)})


L = TypeVar("L", bound=SignedLine)


def by_key(key: Ed25519PrivateKey, province: str, lists: Lists, before: list[L], on: str, note: str) -> dict[str, Any]:
    """Return what every line says: its number, its signer, its day, why, and the hash of the line before.

    Raises
    ------
    ApprovalError
        If the key is not in the province's list, or the note is no text or holds a person's identity number.
    """
    if any("\ud800" <= c <= "\udfff" for c in note):
        raise ApprovalError("the note holds bytes that are no text; expected UTF-8")
    if holds_identity_number(note):
        raise ApprovalError("the note holds a person's identity number: say it without one")
    public = public_of(key)
    return {
        "number": len(before),
        "province": province,
        "by": lists(province).of_key(public).shown,
        "key": public,
        "on": on,
        "note": note.strip(),
        "previous": before[-1].hash if before else FIRST,
    }


class Signed(Protocol):
    """What a signed line says of who did it: of any record."""

    @property
    def province(self) -> str:
        """Whose list of signers holds."""

    @property
    def by(self) -> str:
        """Both names of the signer."""

    @property
    def key(self) -> str:
        """The public key."""

    @property
    def on(self) -> str:
        """The day, ISO."""

    @property
    def hash(self) -> str:
        """What was signed."""

    @property
    def signature(self) -> str:
        """The signature over it."""


def signer_of(
    line: Signed,
    lists: Lists,
    roles: Collection[Role],
    what: str,
    *,
    draft: bool = False,
    record: str = "approval",
    prefix: bytes = PREFIX,
) -> Signer:
    """Return who signed a line, who may do ``what``.

    Parameters
    ----------
    line
        Signed, unless it is a ``draft``.
    lists
        Gives a province's signers.
    roles
        One of which the signer must have.
    what
        What the line does, for the message.
    draft
        Don't look at the signature: nothing is signed yet.
    record, prefix
        Name of the record, and what its signed texts begin with.

    Raises
    ------
    ApprovalError
        If the signature is wrong, or the key is not listed, not of that name, not good on that day or without the role.
    """
    if not _PROVINCE.fullmatch(line.province):
        raise ApprovalError(f"{line.province!r} names no province")
    signers = lists(line.province)
    signer = signers.of_key(line.key)
    if signer.shown != line.by:
        raise ApprovalError(f"signed as {line.by}, but in {signers.path} the key is {signer.shown}'s")
    if not draft and not verified(line.key, line.hash, line.signature, prefix):
        raise ApprovalError(
            f"the signature is not {line.by}'s: it doesn't fit the entry and the key",
            f"a signature in the {record} record is wrong",
        )
    day = day_of(line.on)
    if not signer.valid_from <= day < signer.valid_until:
        raise ApprovalError(
            f"the key of {line.by} is good from {signer.valid_from} until before {signer.valid_until}, not on {line.on}"
        )
    if not set(signer.roles) & set(roles):
        raise ApprovalError(f"{line.by} may {' and '.join(signer.roles)}, as {signers.path} says, not {what}")
    return signer


def day_of(text: str) -> date:
    """Read the day of a line.

    Raises
    ------
    ApprovalError
        If it is none.
    """
    try:
        day = date.fromisoformat(text)
    except ValueError as err:
        raise ApprovalError(f"{text!r} is no day; expected such as 2026-11-22") from err
    if day.isoformat() != text:
        raise ApprovalError(f"{text!r} is no day as it is written here; expected {day}")
    return day


def read_lines(path: Path, kind: type[L], admit: Callable[[L, list[L]], None]) -> list[L]:
    """Read a record and hold every line of it as if it were to be written now; a missing file has none.

    Parameters
    ----------
    path
        File of the record.
    kind
        What a line is.
    admit
        Raises `ApprovalError` where a line may not follow the ones before it.

    Raises
    ------
    ApprovalError
        If a line is none of this record, was changed, removed, moved or put in, or may not stand there; names it.
    """
    lines: list[L] = []
    for link in chain.walk(path, _SIGNED_LATER):
        place, short = f"{path}, line {link.number + 1}", f"line {link.number + 1} of the {kind.RECORD} record"
        if not link.whole:
            raise ApprovalError(f"{place}: it has no end: writing it was cut short; remove it", f"{short} is not whole")
        try:
            line = kind.model_validate_json(link.line)
        except ValidationError as err:
            why = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'line'}: {e['msg']}" for e in err.errors())
            raise ApprovalError(f"{place}: no line of the {kind.RECORD} record: {why}", f"{short} is none") from err
        if not link.holds or line.line().encode() != link.line:
            raise ApprovalError(f"{place}: the record was changed: its hashes don't chain", f"{short} was changed")
        try:
            admit(line, lines)
        except ApprovalError as err:
            raise ApprovalError(f"{place}: {err}", f"{short} does not hold") from err
        lines.append(line)
    return lines


def hold_head(path: Path, lines: list[L], head: str | None) -> None:
    """Hold that a record still has what a head kept elsewhere (`models.chain.head`) says it had.

    Raises
    ------
    ApprovalError
        If lines were cut off its end, or it is another record.
    """
    if head is None:
        return
    count, _, last = head.partition(" ")
    hashes = [FIRST, *(line.hash for line in lines)]
    if not count.isdecimal() or int(count) >= len(hashes):
        raise ApprovalError(
            f"{path} has {len(lines)} lines; the head kept elsewhere is {head!r}: lines were cut off its end",
            f"lines were cut off the end of {path.name}",
        )
    if hashes[int(count)] != last:
        raise ApprovalError(
            f"{path} is not the record of the head kept elsewhere: no line {count} with hash {last[:12]}…",
            f"{path.name} is not the record that it was",
        )
