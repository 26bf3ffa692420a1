"""Fixtures every test may use."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder with the real records; where it is missing the test says so and is skipped."""
    root = Path(os.environ.get("FENLEI_SHARED", Path(__file__).parents[2] / "shared"))
    if not (root / "data" / "beijing_open").is_dir():
        pytest.skip(f"real records not found at {root}: set FENLEI_SHARED to the folder that holds data/")
    return root


@pytest.fixture(scope="session")
def small_province(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated source folder of 3,000 enterprises over five years, seed 7; `small_clean` is its clean folder."""
    from simulation import simulate

    folder = tmp_path_factory.mktemp("small") / "province"
    simulate(folder, enterprises=3_000, months=60, seed=7)
    return folder


@pytest.fixture(scope="session")
def small_clean(small_province: Path) -> Path:
    """The clean folder of `small_province`."""
    from features.check import check_folder

    check_folder(small_province, date(2026, 1, 1), small_province.parent / "checked")
    return small_province.parent / "checked" / "clean"
