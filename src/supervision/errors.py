"""Errors of supervision that its user can mend."""

from __future__ import annotations

from collections.abc import Sequence

from features.errors import FenleiError


class PlanError(FenleiError):
    """A plan can't be made of what is given."""


class InfeasibleError(PlanError):
    """A policy asks for what can't be had; says which constraint, and the least change that mends it.

    Parameters
    ----------
    broken
        One sentence for each constraint.
    """

    def __init__(self, broken: Sequence[str]) -> None:
        shown = [*broken[:SHOWN], *([f"and {len(broken) - SHOWN} more"] if len(broken) > SHOWN else [])]
        super().__init__("the plan can't be made; nothing was written: " + "; ".join(shown))
        self.broken = tuple(broken)


SHOWN = 6
"""Broken constraints that a message names."""
