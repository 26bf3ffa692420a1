"""Who signs: the day, the private key and its passphrase, the options that verbs of signing share."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

Note = Annotated[str, typer.Option("--note", help="Why.")]
Key = Annotated[Path, typer.Option("--key", help="File of your private key, from `fenlei keygen`.")]
List = Annotated[
    Path | None,
    typer.Option("--signers", help="Another list of signers than the province's signers.toml; for trying out."),
]
PASSPHRASE = "FENLEI_KEY_PASSPHRASE"
"""Variable with the passphrase of a key, for programs; people are asked."""


def today() -> date:
    """The only clock of the product: the command line hands the date down."""
    return datetime.now(UTC).date()


def read_private(key: Path) -> Ed25519PrivateKey:
    """Read a private key, asking for its passphrase where it has one."""
    from models.signoff.record.keys import encrypted, read_key

    passphrase = None
    if encrypted(key):
        passphrase = os.environ.get(PASSPHRASE) or typer.prompt("passphrase of the key", hide_input=True, err=True)
    return read_key(key, passphrase)
