"""An office that decides objections and repairs, on a small province."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from helpers.signing import People
from models.scoring.rules.province import load_rules
from serving.current.served import Served
from supervision.corrections.allowed import Decision
from supervision.corrections.cases import Case
from supervision.corrections.desk import Desk
from supervision.corrections.finish import Answering, Finished, finish

RULES = Served("hebei")
DAY = date(2025, 12, 10)


@dataclass(frozen=True)
class Office:
    """A source and a ledger that a test may write to, and who decides there."""

    desk: Desk
    staff: People

    @property
    def folder(self) -> Path:
        return self.desk.folder

    @property
    def root(self) -> Path:
        return self.desk.book.root

    def open(self, ref: str, who: str, on: date = DAY) -> Case:
        """Li Na opens an objection."""
        return self.desk.open("objection", who, ref, "says it is not theirs", key=self.staff.keys["li"], on=on)

    def decide(self, case: Case, decision: Decision, on: date = DAY, by: tuple[str, str] = ("li", "wang")) -> Case:
        """Two people decide alike."""
        for label in by:
            made = self.desk.decide(case.kind, case.id, decision, "looked at it", key=self.staff.keys[label], on=on)
        return made

    def finish(self, on: date = DAY) -> Finished:
        """Bring source and ledger up to the book, answered by the rules."""
        return finish(self.desk, Answering(RULES, load_rules("hebei")), on)


@dataclass(frozen=True)
class Penalty:
    """A penalty that November used: its id, whose, and its day."""

    record: str
    enterprise: str
    decided: date

    @property
    def ref(self) -> str:
        return f"penalties:{self.record}"
