"""How many examples a property is tried on: few before a commit, many under ``make test-long``."""

from __future__ import annotations

import os

PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "fast")
"""Profile of Hypothesis: ``fast``, or ``thorough`` for as many as a long run has time for."""

TIMES = {"fast": 1, "thorough": 5}
"""How many times a test's own number of examples each profile tries."""


def examples(number: int) -> int:
    """Return a test's number of examples under the profile in force."""
    return number * TIMES[PROFILE]
