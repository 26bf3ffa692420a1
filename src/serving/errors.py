"""Errors that tell a caller of the service why a request is not answered."""

from __future__ import annotations

from dataclasses import dataclass

from features.errors import FenleiError

SHOWN = 20
"""Problems named in one answer; the rest is counted."""


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
        """Return the answer's body."""
        body: dict[str, object] = {"error": str(self)}
        if self.problems:
            body["problems"] = [{"where": p.where, "what": p.what} for p in self.problems[:SHOWN]]
        if len(self.problems) > SHOWN:
            body["more_problems"] = len(self.problems) - SHOWN
        return body
