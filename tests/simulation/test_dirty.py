"""Dirt that was asked for is all there, in the stated share, and the check catches every bit of it."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from features.check import check_folder
from features.contract import TABLES
from features.errors import ConfigError
from simulation import simulate, soil
from simulation.dirty import KINDS, code_column

END = date(2026, 1, 1)
SHARE = 0.01
QUARANTINED = {
    "known_at: wrong_type": "wrong_type",
    "enterprise_id: missing": "missing",
    "known_at: after_as_of": "after_as_of",
    "known_at: known_before_occurred": "known_before_occurred",
}


def dirty_province(folder: Path, seed: int = 5) -> tuple[dict[str, int], dict[str, dict[str, int]]]:
    rows = simulate(folder, enterprises=1500, months=48, seed=7, end=END).rows
    return rows, soil(folder, SHARE, seed=seed, as_of=END)


@pytest.fixture(scope="module")
def dirty(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, int], dict[str, dict[str, int]]]:
    folder = tmp_path_factory.mktemp("dirty") / "p"
    return folder, *dirty_province(folder)


def test_the_check_finds_exactly_the_dirt_that_was_put_in(
    dirty: tuple[Path, dict[str, int], dict[str, dict[str, int]]], tmp_path: Path
) -> None:
    folder, rows, dirt = dirty
    report = check_folder(folder, END, tmp_path / "out")
    for name, table in TABLES.items():
        found, put = report.tables[name], Counter(dirt[name])
        expected = {reason: put[kind] for reason, kind in QUARANTINED.items()}
        expected[f"{code_column(table)}: unknown_code"] = put["unknown_code"]
        expected["conflicting_duplicate"] = 2 * put["conflicting_duplicate"]
        assert found.reasons == {reason: number for reason, number in expected.items() if number}, name
        assert found.quarantined == sum(expected.values()), name
        assert found.merged == put["identical_duplicate"], name
        assert found.orphans == (0 if table.of_places else put["orphan"]), name
        assert found.rows_in == rows[name] + put["identical_duplicate"] + put["conflicting_duplicate"]
    [digits] = [w.count for w in report.warnings if "check digit" in w.text]
    assert digits == dirt["registration"]["bad_uscc"] > 0
    assert not report.ok


def test_each_kind_strikes_its_share(dirty: tuple[Path, dict[str, int], dict[str, dict[str, int]]]) -> None:
    _, rows, dirt = dirty
    others = sum(n for name, n in rows.items() if name != "registration")
    for kind in set(KINDS) - {"bad_uscc"}:
        struck = sum(d.get(kind, 0) for name, d in dirt.items() if name != "registration")
        spread = (SHARE * (1 - SHARE) / others) ** 0.5
        assert abs(struck / others - SHARE) < 5 * spread, kind


def test_same_seed_same_dirt_and_another_seed_other_dirt(tmp_path: Path) -> None:
    def hashes(name: str, seed: int) -> list[str]:
        dirty_province(tmp_path / name, seed)
        return [hashlib.sha256(f.read_bytes()).hexdigest() for f in sorted((tmp_path / name).iterdir())]

    once = hashes("a", 1)
    assert once == hashes("b", 1)
    assert once != hashes("c", 2)


def test_a_share_out_of_range_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"0 to 0\.1, not 0\.5"):
        soil(tmp_path, 0.5, seed=1, as_of=END)
