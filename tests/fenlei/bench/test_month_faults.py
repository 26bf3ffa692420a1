"""Runs of a month that are really killed, resumed, and really without room leave the ledger of an undisturbed one."""

from __future__ import annotations

from pathlib import Path

import pytest

from fenlei.bench.month.faults import kills, others
from fenlei.bench.month.province import save_model, simulated


@pytest.mark.long
def test_no_fault_of_a_run_changes_a_byte_of_the_ledger(tmp_path: Path) -> None:
    save_model(tmp_path)
    simulated(tmp_path / "source", 1_000)
    source, model = tmp_path / "source", tmp_path / "model"
    found = kills(source, model, tmp_path, 4, 7, lambda _: None) + others(source, model, tmp_path)
    assert [f.what for f in found if not f.held] == []
    [full] = [f for f in found if f.what == "no space is left"]
    assert "no space is left on the disk" in full.said
