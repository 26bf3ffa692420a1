"""A call: what the audit trail keeps of it."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from serving.guard.grants import Grant


@dataclass
class Call:
    """What the audit record keeps of one call; the endpoint fills in what it answered.

    Parameters
    ----------
    path, token, grant, department
        What was asked, by whom, and what that token allows.
    came_from
        Address that the call came from: kept where it was refused.
    why
        Why it was refused, in a few fixed words.
    refused
        Enterprises that the token may not ask about.
    answer
        SHA-256 of the answer's body.
    enterprises, source, versions, fallback, repeated
        Whom it was about; who answered how many, by which versions, and why not the model; whether it was answered
        before.
    """

    path: str
    token: str | None = None
    enterprises: list[str] = field(default_factory=list)
    source: dict[str, int] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    fallback: dict[str, int] = field(default_factory=dict)
    repeated: bool = False
    grant: Grant | None = None
    department: str = ""
    came_from: str = ""
    why: str = ""
    refused: list[str] = field(default_factory=list)
    answer: str = ""
    subject: str = ""
    """The enterprise that the path names."""
    query: str = ""
    kind: str = "application/json"
    """Of the answer."""

    def line(self, status: int) -> dict[str, Any]:
        """Return the audit line."""
        more: dict[str, Any] = {"fallback": self.fallback} if self.fallback else {}
        if self.repeated:
            more["repeated"] = True
        for name in ("department", "refused", "answer", "why"):
            if said := getattr(self, name):
                more[name] = said
        if status in (401, 403, 429) and self.came_from:
            # Of a refused call it matters where it came from; of the others the token says who.
            more["from"] = self.came_from
        return {
            **more,
            "path": self.path,
            "token": self.token,
            "enterprises": self.enterprises,
            "source": self.source,
            "versions": self.versions,
            "status": status,
        }


CALL: ContextVar[Call] = ContextVar("fenlei_call")
"""The call in work."""
