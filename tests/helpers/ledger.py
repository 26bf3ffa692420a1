"""Months of a ledger, made by a small model of a small province."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from helpers.small_model import model
from models.scoring.rules.province import load_rules
from serving.current.served import Served
from serving.ledger.place import STEPS
from serving.ledger.publish import Outcome, classify_month
from serving.ledger.run import Ask

ON = date(2026, 1, 5)
OCTOBER, NOVEMBER = date(2025, 10, 1), date(2025, 11, 1)


def asked(source: Path, cutoff: date, *, served: Served | None = None, known: date | None = None) -> Ask:
    """A month by the small model, or by what is given."""
    return Ask(source, cutoff, served or Served("hebei", model(), "7"), load_rules("hebei"), known)


def make(source: Path, root: Path, cutoff: date, *, cause: str = "", known: date | None = None) -> Outcome:
    """Make and publish a month."""
    return classify_month(asked(source, cutoff, known=known), root, on=ON, cause=cause)


def files_of(root: Path) -> dict[str, bytes]:
    """Bytes of the published files and of the record; what tells of time is left out."""
    kept = [p for p in sorted((root / "months").rglob("*")) if p.suffix in (".parquet", ".json")]
    kept = [p for p in kept if p.name != STEPS] + [root / "hebei.jsonl"]
    return {str(p.relative_to(root)): p.read_bytes() for p in kept}
