"""A call: what the audit trail keeps of it."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Call:
    """What the audit record keeps of one call; the endpoint fills in what it answered."""

    path: str
    token: str | None = None
    enterprises: list[str] = field(default_factory=list)
    source: dict[str, int] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    fallback: dict[str, int] = field(default_factory=dict)
    repeated: bool = False
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
