"""A tracking server: whether it says anything at all, and its address without what is secret in it."""

from __future__ import annotations

import urllib.error
import urllib.request

SECONDS = 10
"""How long a server may take to say anything at all; MLflow itself would try again for minutes."""


def is_server(uri: str) -> bool:
    """Whether a store's URI names a server."""
    return uri.startswith(("http://", "https://"))


def ask_server(uri: str) -> None:
    """Ask for anything; a refusal is an answer, also one for want of the name and password in the URI.

    Raises
    ------
    OSError
        If nothing answers.
    """
    try:
        with urllib.request.urlopen(without_password(uri), timeout=SECONDS):
            pass
    except urllib.error.HTTPError as answer:
        answer.close()


def has_died(uri: str) -> bool:
    """Whether a store is a server that does not answer any more."""
    if not is_server(uri):
        return False
    try:
        ask_server(uri)
    except OSError:
        return True
    return False


def without_password(uri: str) -> str:
    """Return a URI without what may be a name and password in it.

    Examples
    --------
    >>> without_password("https://me:secret@mlflow.example:5000")
    'https://mlflow.example:5000'
    """
    scheme, mark, rest = uri.partition("://")
    return f"{scheme}{mark}{rest.rpartition('@')[2]}"
