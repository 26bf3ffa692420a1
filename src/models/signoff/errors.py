"""Errors of signing."""

from __future__ import annotations

from features.errors import FenleiError


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


class HashMismatch(ApprovalError):
    """What is there of an approved version is not what was signed."""


class KeyFileError(ApprovalError):
    """A private key can't be made, read or used."""


class GateRefused(ApprovalError):
    """The gate says no, or can't tell and nobody accepted that."""
