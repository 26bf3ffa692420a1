"""One slow, obvious oracle for every indicator and every evidence column."""

from __future__ import annotations

from helpers.oracles import association, basic, dynamic, food, recent, regulatory, societal
from helpers.oracles.evidence import EVIDENCE_ORACLES
from helpers.oracles.world import ORACLES, World, answer, registered

FAMILIES = (basic, dynamic, regulatory, association, societal, recent, food)  # importing them registers

__all__ = ["EVIDENCE_ORACLES", "FAMILIES", "ORACLES", "World", "answer", "registered"]
