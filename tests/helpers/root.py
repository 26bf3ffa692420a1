"""Where the checkout stands: tests find its other folders from here alone."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The folder with ``src``, ``tests``, ``experiments``, ``docs``, ``notebooks`` and ``data``."""
