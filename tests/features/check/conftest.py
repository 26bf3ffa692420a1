"""A source folder that every test of the check may fill."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers.source import REGISTRATION


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A source folder with two registered enterprises."""
    path = tmp_path / "source"
    path.mkdir()
    (path / "registration.csv").write_text(REGISTRATION, encoding="utf-8")
    return path
