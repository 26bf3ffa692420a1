"""Fixtures every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder with the real records; where it is missing the test says so and is skipped."""
    root = Path(os.environ.get("FENLEI_SHARED", Path(__file__).parents[2] / "shared"))
    if not (root / "data" / "beijing_open").is_dir():
        pytest.skip(f"real records not found at {root}: set FENLEI_SHARED to the folder that holds data/")
    return root
