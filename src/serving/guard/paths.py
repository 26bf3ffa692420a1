"""Paths of the service: which are there, how each is asked, and which enterprise one names."""

from __future__ import annotations

from urllib.parse import parse_qs

from features.contract.identity import holds_identity_number
from serving.errors import Problem, RequestError

ENTERPRISE, SHEET = "/enterprises/{id}", "/enterprises/{id}/sheet"
OTHER = "other"
"""What a path that is not there is called, whatever it is."""

_FIXED = frozenset({"/", "/classify", "/status", "/model", "/what_if", "/docs.json", "/schema.json", "/metrics"})
KNOWN = _FIXED | {ENTERPRISE, SHEET}
"""All else is not there, whoever asks."""

METHODS = dict.fromkeys(KNOWN, ("GET", "HEAD")) | dict.fromkeys(("/classify", "/status", "/what_if"), ("POST",))
"""How each path is asked."""

LONGEST = 128
"""Characters of an id or a code."""


def place_of(path: str) -> tuple[str, str]:
    """Return which known path one is, and the enterprise that it names, if any.

    Examples
    --------
    >>> place_of("/enterprises/E1/sheet"), place_of("/model"), place_of("/enterprises/")
    (('/enterprises/{id}/sheet', 'E1'), ('/model', ''), ('other', ''))
    """
    if path in _FIXED:
        return path, ""
    head, _, rest = path.removeprefix("/").partition("/")
    who, slash, last = rest.partition("/")
    if head == "enterprises" and who and (not slash or last == "sheet"):
        return (SHEET if slash else ENTERPRISE), who
    return OTHER, ""


def checked_id(who: str) -> str:
    """Return an enterprise's id or code that a path names.

    Raises
    ------
    RequestError
        422 if it is too long, or may be a person's number; the answer doesn't repeat it.
    """
    if len(who) > LONGEST:
        raise RequestError(422, "the path is wrong", (Problem("id", f"expected at most {LONGEST} characters"),))
    if holds_identity_number(who, code=True):
        problem = Problem("id", "expected no person's identity number")
        raise RequestError(422, "the path is wrong", (problem,))
    return who


def language_of(query: str) -> str:
    """Return the language that a query asks for, ``zh`` where it says nothing.

    Raises
    ------
    RequestError
        422 if it is neither ``zh`` nor ``en``, or the query asks anything else.
    """
    said = parse_qs(query, keep_blank_values=True)
    unknown = sorted(set(said) - {"language"})
    given = said.get("language", ["zh"])
    if unknown or len(given) != 1 or given[0] not in ("zh", "en"):
        raise RequestError(422, "the query is wrong", (Problem("language", "expected language=zh or language=en"),))
    return given[0]
