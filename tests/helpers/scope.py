"""Scopes of most tests: Hebei's policies, everything known at the cut-off."""

from __future__ import annotations

from features import Scope

HEBEI = Scope("hebei")
"""All general indicators. Said once, so that a test names a province only where it is about one."""
EVERYTHING = Scope("hebei", peers=True)
"""Recent peer rates besides."""
