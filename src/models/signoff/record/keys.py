"""Ed25519 keys: made once for a person, kept in a file of theirs, used to sign and to check.

A signature is over a fixed prefix and a hash, so that nothing signed here can pass for something else that the same
key may sign one day.
"""

from __future__ import annotations

import base64
import os
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from models.signoff.errors import KeyFileError

PREFIX = b"fenlei approval record 1\0"
"""Prefix of every signed text of the approval record; the entry's hash follows it. Each record has one of its own."""

_BYTES = 32


def make_key(path: Path, passphrase: str | None = None) -> str:
    """Make a key, write its private half to a new file (mode 0600, PEM) and return the public half.

    Parameters
    ----------
    path
        Must not exist: a key is never written over.
    passphrase
        Encrypts the file; without one, whoever reads the file can sign.

    Raises
    ------
    KeyFileError
        If the file exists or can't be written.
    """
    made = Ed25519PrivateKey.generate()
    how: KeySerializationEncryption = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    text = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Created with its mode: at no moment can anybody else read it.
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as err:
        raise KeyFileError(f"{path} exists: a key is never written over; choose another --out") from err
    except OSError as err:
        raise KeyFileError(f"{path} can't be written: {err.strerror}") from err
    with os.fdopen(handle, "wb") as file:
        file.write(text)
    return public_of(made)


def read_key(path: Path, passphrase: str | None = None) -> Ed25519PrivateKey:
    """Read a private key.

    Raises
    ------
    KeyFileError
        If the file is missing, readable by others, encrypted and the passphrase wrong or missing, or no Ed25519 key.
    """
    try:
        text, mode = path.read_bytes(), path.stat().st_mode
    except OSError as err:
        raise KeyFileError(f"no private key at {path}: {err.strerror}; make one with `fenlei keygen NAME`") from err
    if mode & 0o077:
        raise KeyFileError(f"others can read {path} (mode {mode & 0o777:o}): it is no one person's key; chmod 600 it")
    try:
        found = load_pem_private_key(text, passphrase.encode() if passphrase else None)
    except TypeError as err:
        what = "is not encrypted: give no passphrase" if passphrase else "is encrypted: its passphrase is needed"
        raise KeyFileError(f"{path} {what}") from err
    except (ValueError, UnsupportedAlgorithm) as err:
        why = "the passphrase is wrong, or it is no key" if b"ENCRYPTED" in text else "it is no key in PEM"
        raise KeyFileError(f"{path} can't be read: {why}") from err
    if not isinstance(found, Ed25519PrivateKey):
        raise KeyFileError(f"{path} holds a key of another kind; expected Ed25519, as `fenlei keygen` makes")
    return found


def encrypted(path: Path) -> bool:
    """Tell whether a key file asks for a passphrase; False where there is no file."""
    return path.is_file() and b"ENCRYPTED" in path.read_bytes()


def public_of(key: Ed25519PrivateKey) -> str:
    """Return the public half of a key as base64 of its 32 bytes, as the list of signers holds it."""
    return base64.b64encode(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()


def public_bytes(text: str) -> bytes:
    """Read a public key as the list of signers holds it.

    Raises
    ------
    ValueError
        If it is not the base64 of 32 bytes, written in the one usual way.
    """
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError as err:
        raise ValueError(f"{text!r} is no base64") from err
    # Base64 has several spellings of the same bytes: another spelling must not make another key.
    if len(raw) != _BYTES or base64.b64encode(raw).decode() != text:
        raise ValueError(f"{text!r} is no Ed25519 public key: expected the base64 of {_BYTES} bytes")
    return raw


def sign(key: Ed25519PrivateKey, digest: str, prefix: bytes = PREFIX) -> str:
    """Sign a hash (64 hexadecimal digits) for the record that the prefix names; returns base64."""
    return base64.b64encode(key.sign(prefix + digest.encode())).decode()


def verified(public: str, digest: str, signature: str, prefix: bytes = PREFIX) -> bool:
    """Tell whether a signature over a hash, for the record that the prefix names, is by the holder of a public key."""
    try:
        raw = base64.b64decode(signature, validate=True)
        if base64.b64encode(raw).decode() != signature:
            return False  # another spelling of the same bytes: a line has one spelling only
        Ed25519PublicKey.from_public_bytes(public_bytes(public)).verify(raw, prefix + digest.encode())
    except (InvalidSignature, ValueError):
        return False
    return True
