"""Scope of most tests: Hebei's policies, everything known at the cut-off, all indicators."""

from __future__ import annotations

from features import Scope

HEBEI = Scope("hebei")
"""Said once, so that a test names a province only where it is about one."""
