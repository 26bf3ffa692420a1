"""Errors that tell a caller of the service why a request is not answered: problem details of RFC 9457."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from features.errors import FenleiError

SHOWN = 20
"""Problems named in one answer; the rest is counted."""

PROBLEM_JSON = "application/problem+json"
"""Media type of an error's body (RFC 9457, 3)."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a request: where (``items[3].indicators.x``) and what was expected."""

    where: str
    what: str


class RequestError(FenleiError):
    """The request can't be answered; carries the HTTP status and what to mend.

    Messages never repeat values from the request: those may be personal data.
    """

    def __init__(self, status: int, message: str, problems: tuple[Problem, ...] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.problems = problems

    def as_dict(self) -> dict[str, object]:
        """Return the answer's body: ``type``, ``title``, ``status``, ``detail``, and ``errors`` by field where there
        are some."""
        body = problem(self.status, str(self))
        if self.problems:
            body["errors"] = [{"where": p.where, "what": p.what} for p in self.problems[:SHOWN]]
        if len(self.problems) > SHOWN:
            body["more_errors"] = len(self.problems) - SHOWN
        return body


def problem(status: int, detail: str) -> dict[str, object]:
    """Return a problem details object; its type is the status alone (``about:blank``, RFC 9457, 4.2.1).

    Examples
    --------
    >>> problem(404, "no such enterprise")["title"]
    'Not Found'
    """
    return {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
