"""Book of corrections: a chained file of every act, signed by who did it; what is in force follows from it alone.

The line is the act: records in the source and months of the ledger are brought up to it, and brought up to it again
where a run was cut short (`supervision.corrections.finish`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from models import chain
from models.signoff.record.keys import public_of, sign, verified
from models.signoff.record.signers import Role, Signer, Signers
from supervision.corrections.cases import CorrectionError

_LATER = ("hash", "signature")
ACTS = ("opened", "proposed", "decided", "month")
"""What a line may say; all but the last, which the product writes, are signed."""


@dataclass(frozen=True)
class Book:
    """The book of one province.

    Parameters
    ----------
    root
        The ledger whose months it corrects.
    province
        Whose.
    """

    root: Path
    province: str

    @property
    def path(self) -> Path:
        """Its file."""
        return self.root / "corrections" / f"{self.province}.jsonl"

    def read(self, signers: Signers | None = None) -> list[dict[str, Any]]:
        """Read every line and verify the chain and the signatures.

        Parameters
        ----------
        signers
            Who is listed: an act by a key that never stood there is refused; None: not looked at.

        Returns
        -------
        list of dict
            Bodies, in order. A last line without its end was cut short while it was written: nothing was done by it,
            and it is left out.

        Raises
        ------
        CorrectionError
            If a line was changed, removed or put in, or its signature does not hold.
        """
        found = []
        links = list(chain.walk(self.path, _LATER))
        if links and not links[-1].whole:
            links.pop()
        for link in links:
            where, body = f"{self.path}, line {link.number + 1}", link.body
            if not link.holds or body.get("act") not in ACTS:
                raise CorrectionError(f"{where}: the book of corrections was changed or cut: its hashes don't chain")
            if body["act"] != "month":
                if not verified(str(body.get("key")), body["hash"], str(body.get("signature"))):
                    raise CorrectionError(f"{where}: the signature does not hold")
                if signers is not None and signers.of_key(body["key"]).shown != body["by"]:
                    raise CorrectionError(f"{where}: signed under another name than {signers.path} has for the key")
            found.append(body)
        return found

    @property
    def head(self) -> str:
        """What may be kept elsewhere, so that lines cut off the end are noticed."""
        lines = self.read()
        return chain.head(len(lines), lines[-1]["hash"] if lines else chain.FIRST)

    def check_head(self, head: str) -> None:
        """Hold that the book still has what a head kept elsewhere says it had.

        Raises
        ------
        CorrectionError
            If lines were cut off, or it is another book.
        """
        lines = self.read()
        count, _, last = head.partition(" ")
        hashes = [chain.FIRST, *(line["hash"] for line in lines)]
        if not count.isdecimal() or int(count) >= len(hashes) or hashes[int(count)] != last:
            raise CorrectionError(f"{self.path} has {len(lines)} lines and is not the book of the head {head!r}")

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the book alone; a killed process leaves nothing held."""
        with chain.locked(self.path):
            yield

    def append(self, body: Mapping[str, Any], key: Ed25519PrivateKey | None = None) -> dict[str, Any]:
        """Write one line to the disk itself, signed where there is a key; the caller holds the book."""
        lines = self.read()
        self._drop_torn()
        line = {**body, "number": len(lines), "previous": lines[-1]["hash"] if lines else chain.FIRST}
        line["hash"] = chain.digest(line, _LATER)
        if key is not None:
            line["signature"] = sign(key, line["hash"])
        try:
            chain.append(self.path, chain.canonical(line))
        except OSError as err:
            raise CorrectionError(f"{self.path}: can't be written: {err.strerror}; nothing was done") from err
        return line

    def _drop_torn(self) -> None:
        if self.path.is_file() and (data := self.path.read_bytes()) and not data.endswith(b"\n"):
            os.truncate(self.path, data.rfind(b"\n") + 1)


def person(key: Ed25519PrivateKey, signers: Signers, on: date, role: Role, what: str) -> Signer:
    """Return whose key it is, if they may do it on that day.

    Raises
    ------
    ApprovalError
        If the key is not listed.
    CorrectionError
        If it may not, or not on that day.
    """
    found = signers.of_key(public_of(key))
    if role not in found.roles:
        raise CorrectionError(f"{found.shown} may not {what}: it takes the role {role} in {signers.path}")
    if not found.valid_from <= on < found.valid_until:
        raise CorrectionError(
            f"the key of {found.shown} holds from {found.valid_from} to {found.valid_until}, not {on}"
        )
    return found
