"""Book of warnings: a chained file of what was raised, when it went on, and how a person closed it.

The same pattern with the same core evidence is one warning that continues, whatever month finds it again; one that was
closed stays closed until its evidence is another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from features.contract.identity import masked
from features.errors import FenleiError
from models import chain
from supervision.alerts.alert import Alert
from supervision.alerts.policy import WarningsPolicy

MOST_TEXT = 400


class BookError(FenleiError):
    """The book of warnings can't be read, or an entry not be made."""


@dataclass
class Kept:
    """A warning as the book has it.

    Parameters
    ----------
    id, kind, pattern
        Its name, and what it is.
    months
        Months that found it, in order.
    core
        Core evidence of them all.
    outcome, by, on, note
        How it was closed; empty while it is open.
    """

    id: str
    kind: str
    pattern: str
    months: list[str] = field(default_factory=list)
    core: set[str] = field(default_factory=set)
    outcome: str = ""
    by: str = ""
    on: str = ""
    note: str = ""


@dataclass(frozen=True)
class Listed:
    """A warning of a run with its name and its past."""

    alert: Alert
    id: str
    first: str
    state: str
    """"new", "continues" or "closed"."""
    outcome: str

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON-ready values."""
        own = {"id": self.id, "first_month": self.first, "state": self.state, "outcome": self.outcome or None}
        return own | self.alert.as_dict()


class Book:
    """The book of one province.

    Parameters
    ----------
    path
        Its file; a missing one holds nothing.

    Raises
    ------
    BookError
        If a line was changed, removed or put in.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.kept: dict[str, Kept] = {}
        self._number, self._last = 0, chain.FIRST
        for link in chain.walk(path):
            if not link.holds:
                raise BookError(f"{path}, line {link.number + 1}: the book of warnings was changed or cut")
            self._take(link.body)

    def _take(self, body: Mapping[str, Any]) -> None:
        self._number, self._last = int(body["number"]) + 1, str(body["hash"])
        if body["act"] == "closed":
            kept = self.kept[body["id"]]
            kept.outcome, kept.by, kept.on, kept.note = body["outcome"], body["by"], body["on"], body["note"]
            return
        kept = self.kept.setdefault(body["id"], Kept(body["id"], body["kind"], body["pattern"]))
        kept.months = sorted({*kept.months, body["month"]})
        kept.core |= set(body["core"])

    def _write(self, body: Mapping[str, Any]) -> None:
        line = {**body, "number": self._number, "previous": self._last}
        line["hash"] = chain.digest(line)
        chain.append(self.path, chain.canonical(line))
        self._take(line)

    def same(self, alert: Alert, month: str, policy: WarningsPolicy) -> Kept | None:
        """Return the warning that this one is: most of its core, or its open pattern of the months before."""
        core = set(alert.core)
        best: tuple[float, str] = (0.0, "")
        for kept in self.kept.values():
            if kept.kind != alert.kind or not kept.core:
                continue
            share = len(core & kept.core) / min(len(core), len(kept.core))
            if share >= policy.same_share and (share, kept.id) > best:
                best = share, kept.id
        if best[1]:
            return self.kept[best[1]]
        near = [
            kept
            for kept in self.kept.values()
            if alert.pattern
            and kept.pattern == alert.pattern
            and not kept.outcome
            and min(abs(_months(month) - _months(m)) for m in kept.months) <= policy.continue_months
        ]
        return max(near, key=lambda kept: (kept.months[-1], kept.id), default=None)

    def enter(self, alerts: Sequence[Alert], month: str, policy: WarningsPolicy) -> list[Listed]:
        """Enter a month's warnings; entering the same again writes nothing.

        Parameters
        ----------
        alerts
            As found.
        month
            Such as 2026-11.
        policy
            The province's.
        """
        listed = []
        for alert in alerts:
            kept = self.same(alert, month, policy)
            if kept is None:
                told = "\n".join([alert.kind, alert.pattern, month, *alert.core])
                name = f"W{month.replace('-', '')}-{hashlib.sha256(told.encode()).hexdigest()[:8]}"
            else:
                name = kept.id
            if kept is None or month not in kept.months or not set(alert.core) <= kept.core:
                self._write(
                    {"act": "found", "id": name, "kind": alert.kind, "pattern": alert.pattern, "month": month,
                     "level": alert.level, "answer": alert.answer, "enterprises": list(alert.enterprises),
                     "core": list(alert.core), "evidence": list(alert.evidence)}
                )  # fmt: skip
            now = self.kept[name]
            state = "closed" if now.outcome else "new" if now.months[0] == month else "continues"
            listed.append(Listed(alert, name, now.months[0], state, now.outcome))
        return listed

    def close(self, name: str, outcome: str, by: str, on: date, policy: WarningsPolicy, note: str = "") -> Kept:
        """Close a warning.

        Raises
        ------
        BookError
            If there is no such warning, it is closed already, the outcome is none of the policy's, or nobody closes.
        """
        if name not in self.kept:
            there = ", ".join([k.id for k in self.kept.values() if not k.outcome][-5:]) or "none"
            raise BookError(f"no warning {name!r} in {self.path}; open ones: {there}")
        kept = self.kept[name]
        if kept.outcome:
            raise BookError(f"{name} was closed on {kept.on} by {kept.by}: {kept.outcome}; a closed one stays as it is")
        if outcome not in policy.outcomes:
            raise BookError(f"--outcome is {outcome!r}; expected one of {', '.join(policy.outcomes)}")
        for what, text, least in (("--by", by, 1), ("--note", note, 0)):
            if not least <= len(text.strip()) <= MOST_TEXT:
                raise BookError(f"{what} has {len(text.strip())} characters; expected {least} to {MOST_TEXT}")
        said = {"outcome": outcome, "by": by.strip(), "on": on.isoformat(), "note": masked(note.strip())}
        self._write({"act": "closed", "id": name, **said})
        return kept


def _months(month: str) -> int:
    return int(month[:4]) * 12 + int(month[5:])
