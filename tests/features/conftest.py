"""The real Beijing rows, adapted once for all modules that read them."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.adapters import ADAPTERS, AdapterReport
from helpers.beijing import BEIJING


@pytest.fixture(scope="session")
def beijing(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, AdapterReport]]:
    """Source folder and account of each study."""
    made = {}
    for study, names in BEIJING.items():
        out = tmp_path_factory.mktemp(study)
        made[study] = out, ADAPTERS["beijing"](shared / "data" / "beijing_open", out, inspections=names)
    return made
