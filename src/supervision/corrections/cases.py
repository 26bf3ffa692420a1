"""Cases: each objection and repair as the book's lines make it, and by when who must act."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Literal

from features.errors import FenleiError
from supervision.corrections.policy import CorrectionsPolicy

Kind = Literal["objection", "repair"]
OUTCOMES: dict[str, tuple[str, str]] = {"objection": ("upheld", "rejected"), "repair": ("granted", "refused")}
PREFIX = {"objection": "FLO", "repair": "FLR"}
"""Record ids of the product's own objections and repairs begin so; a source's own ids are its own affair."""


class CorrectionError(FenleiError):
    """An objection or repair can't be opened or decided, or the book of them does not hold."""


@dataclass
class Case:
    """An objection or a repair.

    Parameters
    ----------
    id, kind
        The record_id of its row in ``objections`` or ``repairs``.
    table, record, enterprise
        The record it is about, and whose that is.
    opened
        Day it was opened or applied for.
    state
        "open", "proposed" by one person, "decided" by a second.
    proposal
        The last proposal's line; empty before there is one.
    decision
        The line that decided; empty before.
    due_months
        By act ("opened", "decided"), published months that must be made again.
    months
        By act and month, the revision that was made; -1 where nothing changed.
    """

    id: str
    kind: Kind
    table: str
    record: str
    enterprise: str
    opened: date
    state: Literal["open", "proposed", "decided"] = "open"
    proposal: dict[str, Any] = field(default_factory=dict)
    decision: dict[str, Any] = field(default_factory=dict)
    due_months: dict[str, tuple[str, ...]] = field(default_factory=dict)
    months: dict[tuple[str, str], int] = field(default_factory=dict)

    @property
    def outcome(self) -> str:
        """What was decided; empty before."""
        return str(self.decision.get("outcome", ""))

    @property
    def waiting(self) -> list[tuple[str, str]]:
        """Acts and months that still have to be made again, in order."""
        every = [(act, month) for act, months in self.due_months.items() for month in months]
        return [each for each in every if each not in self.months]

    @property
    def ref(self) -> str:
        """The record as evidence spells it."""
        return f"{self.table}:{self.record}"

    def due(self, policy: CorrectionsPolicy) -> date | None:
        """Return the day by which the next person must have acted; None once decided."""
        times = policy.times(self.kind)
        if self.state == "open":
            return self.opened + timedelta(times.review_days)
        if self.state == "proposed":
            return date.fromisoformat(self.proposal["on"]) + timedelta(times.decide_days)
        return None

    def days_over(self, policy: CorrectionsPolicy, on: date) -> int:
        """Return the days by which the next act is late; 0 in time."""
        due = self.due(policy)
        return max(0, (on - due).days) if due else 0


def cases(lines: Sequence[dict[str, Any]]) -> dict[str, Case]:
    """Return the cases that the book's lines make, by id, in the order in which they were opened."""
    found: dict[str, Case] = {}
    for line in lines:
        if line["act"] == "opened":
            found[line["case"]] = Case(
                line["case"], line["kind"], line["table"], line["record"], line["enterprise"],
                date.fromisoformat(line["on"]),
            )  # fmt: skip
        case = found[line["case"]]
        if line["act"] == "month":
            case.months[line["after"], line["month"]] = line["revision"]
        elif line["act"] == "proposed":
            case.state, case.proposal = "proposed", line
        elif line["act"] == "decided":
            case.state, case.decision = "decided", line
        if line.get("months"):
            case.due_months[line["act"]] = tuple(line["months"])
    return found


def standing(found: dict[str, Case], kind: Kind, name: str) -> Case:
    """Return a case that can still be decided.

    Raises
    ------
    CorrectionError
        If it was never opened, or is decided already.
    """
    case = found.get(name)
    if case is None or case.kind != kind:
        open_ = [c.id for c in found.values() if c.kind == kind and c.state != "decided"]
        raise CorrectionError(f"no {kind} {name!r} was ever opened here; open: {', '.join(open_[-6:]) or 'none'}")
    if case.state == "decided":
        raise CorrectionError(
            f"{kind} {name} is decided already: {case.outcome} on {case.decision['on']} by"
            f" {case.proposal['by']} and {case.decision['by']}"
        )
    return case
