"""A small province of records, and a ledger of two of its months."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from helpers.ledger import NOVEMBER, OCTOBER, make
from simulation import simulate


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Records of 500 enterprises over 40 months."""
    folder = tmp_path_factory.mktemp("ledger") / "source"
    simulate(folder, enterprises=500, months=40, seed=4, end=date(2026, 1, 1))
    return folder


@pytest.fixture(scope="session")
def two_months(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger of October and November; nobody writes to it."""
    root = tmp_path_factory.mktemp("two") / "L"
    make(source, root, OCTOBER)
    make(source, root, NOVEMBER)
    return root
