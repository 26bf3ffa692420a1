"""Record of a ledger: what was published, held and released, chained, with the hash of every manifest.

A month counts as published when this record says so and its manifest is the one that was recorded. Releasing a held
month is signed by a person whom the province lists; publishing one that passed the gate needs nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from models import chain
from models.signoff.record.keys import public_of, sign, verified
from models.signoff.record.signers import Signers
from serving.ledger.place import LedgerError, Place

Act = Literal["published", "held", "released", "revised"]
_LATER = ("hash", "signature")


@dataclass(frozen=True)
class Line:
    """One line of the record.

    Parameters
    ----------
    act
        "published": passed the gate. "held": waits for a person. "released": a person let it be published. "revised": a
        later revision of a published month.
    month, revision, manifest
        What, and the SHA-256 of its manifest.
    on
        Day (ISO), given by the caller.
    why
        Findings of the gate, the note of a release, the cause of a revision.
    by
        Both names of who released it; empty for the others.
    hash
        Of the line.
    """

    act: Act
    month: str
    revision: int
    manifest: str
    on: str
    why: str
    by: str
    hash: str


def read_record(place: Place) -> list[Line]:
    """Read the whole record; a ledger without one has published nothing.

    Raises
    ------
    LedgerError
        If a line was changed, removed, put in, or its signature does not hold.
    """
    found = []
    for link in chain.walk(place.record, _LATER):
        where = f"{place.record}, line {link.number + 1}"
        if not link.holds:
            raise LedgerError(f"{where}: the record of the ledger was changed or cut: its hashes don't chain")
        body = link.body
        if body["act"] == "released" and not verified(body["key"], body["hash"], body.get("signature", "")):
            raise LedgerError(f"{where}: the signature of the release does not hold")
        found.append(Line(**{name: body[name] for name in Line.__dataclass_fields__}))
    return found


def append(place: Place, body: Mapping[str, Any], key: Ed25519PrivateKey | None = None) -> None:
    """Write one line at the end, to the disk itself, signed where there is a key. The caller holds the ledger."""
    number, last = 0, chain.FIRST
    for link in chain.walk(place.record, _LATER):
        if not link.holds:
            raise LedgerError(f"{place.record}, line {link.number + 1}: the record of the ledger was changed or cut")
        number, last = link.number + 1, str(link.body["hash"])
    line = {"by": "", **body, "number": number, "previous": last}
    line["hash"] = chain.digest(line, _LATER)
    if key is not None:
        line["signature"] = sign(key, line["hash"])
    chain.append(place.record, chain.canonical(line))


def signed_by(key: Ed25519PrivateKey, signers: Signers, on: str) -> dict[str, str]:
    """Return who releases: names and key, as the list has them.

    Raises
    ------
    ApprovalError
        If the key is not listed.
    LedgerError
        If it may not approve, or not on that day.
    """
    public = public_of(key)
    person = signers.of_key(public)
    if "approve" not in person.roles:
        raise LedgerError(f"{person.shown} may not approve: releasing a month takes the role approve")
    if not person.valid_from.isoformat() <= on < person.valid_until.isoformat():
        raise LedgerError(f"the key of {person.shown} holds from {person.valid_from} to {person.valid_until}, not {on}")
    return {"by": person.shown, "key": public}
