"""What the engine is measured against computes the same cells, and a page takes the figures."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from features import cohort, compute_indicators
from features.check import check_folder
from features.scope import Scope
from fenlei.bench.common.grid import Grid
from fenlei.bench.common.page import put
from fenlei.bench.speed.pandas_plain import Pipeline
from fenlei.bench.speed.pandas_rival import Rival, names_compared
from helpers.scope import HEBEI
from simulation import simulate

END = date(2026, 1, 1)


@pytest.mark.slow
def test_both_rivals_compute_the_engine_s_cells(tmp_path: Path) -> None:
    simulate(tmp_path / "source", enterprises=1500, months=36, seed=3, end=END)
    check_folder(tmp_path / "source", END, tmp_path / "checked")
    clean = tmp_path / "checked" / "clean"
    everyone, names = cohort(clean, [END], HEBEI), names_compared()
    ours = compute_indicators(clean, everyone, Scope("hebei", names=names))[names].to_numpy()
    for rival in (Pipeline(clean, END, "hebei"), Rival(clean, END, "hebei")):
        theirs = rival.run(everyone, names)[names].to_numpy()
        np.testing.assert_array_equal(theirs, ours)
        assert all(seconds > 0 for seconds in rival.seconds.values())


def test_a_page_takes_a_table_between_its_marks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- measured: costs -->\nold\n<!-- end -->\nafter\n", encoding="utf-8")
    grid = Grid("costs", "what it costs", ["size", "seconds"], [("10", "1.5")], "It is bound by reading.")
    put(page, {grid.name: grid.markdown()})
    lines = ["What it costs.", "", "| size | seconds |", "|---|---|", "| 10 | 1.5 |", "", "It is bound by reading."]
    begin, end = "<!-- measured: costs -->", "<!-- end -->"
    assert page.read_text(encoding="utf-8") == "\n".join(["before", begin, *lines, end, "after", ""])
