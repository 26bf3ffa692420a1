"""From records to a change that is told: each thing that happens to a penalty is a cause of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.catalogue import CATALOGUE
from features.scope import Scope
from features.table.between import Between, between
from helpers.december import AFTER, BEFORE, CASES, write_december
from models.scoring.reasons.change_texts import Change, why_moved
from models.scoring.reasons.changes import CAUSES, Worlds, changes
from models.scoring.rules.province import load_rules


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Worlds:
    """All cases, scored by the rules."""
    clean: Path = write_december(tmp_path_factory.mktemp("moved") / "clean")
    rules = load_rules("hebei")
    found: Between = between(clean, CASES, BEFORE, AFTER, Scope("hebei"))
    return Worlds(found.last, found.aged, found.corrected, found.now, (None, None), (rules, rules))


def of(worlds: Worlds, case: str) -> tuple[dict[str, float], Change]:
    """One enterprise's parts that are not 0 among those of records, and its change in words."""
    row = [worlds.last.index.get_level_values("enterprise_id") == case][0]
    one = Worlds(
        worlds.last[row], worlds.aged[row], worlds.corrected[row], worlds.now[row], worlds.models, worlds.rules
    )
    told = why_moved(one, CATALOGUE)
    at = row.argmax()
    assert [part.points for part in told.parts] == (changes(worlds).tenths[at] / 10).tolist()
    return {part.cause: part.points for part in told.parts if part.points}, told


def test_a_penalty_out_of_its_window_has_aged(worlds: Worlds) -> None:
    parts, told = of(worlds, "aged")
    assert set(parts) == {"aged"}
    assert parts["aged"] < 0
    named = told.parts[CAUSES.index("aged")].indicators
    assert "penalties_3y" in named
    assert "years_operating" not in named  # it grew, and moved nothing


def test_a_withdrawn_penalty_is_a_correction(worlds: Worlds) -> None:
    parts, told = of(worlds, "revoked")
    assert set(parts) - {"aged"} == {"corrections"}
    assert parts["corrections"] < 0
    assert "既有记录更正" in told.text_zh


def test_a_new_penalty_is_new(worlds: Worlds) -> None:
    parts, told = of(worlds, "new")
    assert set(parts) - {"aged"} == {"new_records"}
    assert parts["new_records"] > 0
    assert "New records: +" in told.text_en


@pytest.mark.parametrize("case", ["kept", "new and revoked", "moved out of order"])
def test_what_changes_nothing_that_counts_moves_nothing(worlds: Worlds, case: str) -> None:
    parts, _ = of(worlds, case)
    assert set(parts) <= {"aged"}
