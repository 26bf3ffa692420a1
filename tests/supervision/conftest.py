"""A small province of records, and a ledger of two of its months, that supervision reads."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from helpers.ledger import NOVEMBER, OCTOBER, make
from simulation import simulate


@pytest.fixture(scope="session")
def ledger_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger of October and November 2025 with its checked records; nobody writes to it."""
    folder = tmp_path_factory.mktemp("supervision")
    simulate(folder / "source", enterprises=500, months=40, seed=4, end=date(2026, 1, 1))
    for month in (OCTOBER, NOVEMBER):
        make(folder / "source", folder / "L", month)
    return folder / "L"
