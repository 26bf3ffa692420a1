"""Every indicator and every evidence column equals its slow oracle, written from its docstring, on random records.

An example holds all tables at once: records on the edges of windows, of the same day, known late, with later versions,
ended, objected to, repaired, or none at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from features.catalogue import catalogue_of
from features.catalogue.evidence import EVIDENCE
from features.catalogue.relations import tables_read
from features.catalogue.sectors import load_sector
from features.contract import TABLES
from features.engine.duckdb_engine import evaluate
from features.policies import features_policy
from features.policy import policy_root
from features.records.store import open_frames
from features.scope import Scope
from helpers.oracles import EVIDENCE_ORACLES, ORACLES, World, answer, registered
from helpers.records import CUTOFF, ENTERPRISES, province, rows_of
from helpers.thorough import examples

EVERY = catalogue_of(features_policy("hebei"), load_sector("hebei", "food"), peers=True)
"""The general indicators, recent peer rates, and those of the worked example of a sector."""
EARLY = {t: date(2000, 1, 1) for t in TABLES}
PEER_TOLERANCE = 5e-6
"""Rate ratios are whole parts per million, of weights in whole thousandths; everything else is exact."""

Tables = Mapping[str, pd.DataFrame]


def computed(
    tables: Tables,
    cutoffs: list[date],
    *,
    known: date | None = None,
    covers: Mapping[str, date] = EARLY,
    policies: str = "hebei",
) -> pd.DataFrame:
    store = open_frames({t: f for t, f in tables.items() if t in covers}, covers)
    try:
        pairs = pd.DataFrame([(e, c) for e in ENTERPRISES for c in cutoffs], columns=["enterprise_id", "cutoff"])
        return evaluate(store, pairs, Scope(policies, known_as_of=known, sector="food", peers=True))
    finally:
        store.close()


def differences(
    tables: Tables,
    cutoffs: list[date],
    *,
    known: date | None = None,
    covers: Mapping[str, date] = EARLY,
    policies: str = "hebei",
    repaired_feed: bool = False,
) -> list[str]:
    """Every cell that is not the oracle's, as text."""
    found = computed(tables, cutoffs, known=known, covers=covers, policies=policies)
    rows = {t: rows_of(f.astype(object).where(f.notna(), None)) for t, f in tables.items()}
    wrong: list[str] = []
    for cutoff in cutoffs:
        world = World(rows, cutoff, known or cutoff, repaired_feed)
        for enterprise in ENTERPRISES:
            cells = found.loc[(enterprise, cutoff), :]
            for name, indicator in EVERY.items():
                expected = answer(name, world, enterprise, covers)
                slack = PEER_TOLERANCE if "peers" in indicator.tables else 0.0
                same = pd.isna(cells[name]) if expected is None else abs(cells[name] - expected) <= slack
                if not same:
                    wrong.append(f"{name} of {enterprise} at {cutoff}: {cells[name]}, expected {expected}")
            for name, oracle in EVIDENCE_ORACLES.items():
                hits = oracle(world, enterprise)
                same = cells[name] == hits if hits or registered(world, enterprise) else pd.isna(cells[name])
                if not same and all(t in covers for t in TABLES):
                    wrong.append(f"{name} of {enterprise}: {cells[name]!r}, expected {hits!r}")
    return wrong


def test_every_indicator_and_rule_has_its_oracle() -> None:
    assert set(ORACLES) == set(EVERY)
    assert set(EVIDENCE_ORACLES) == set(EVIDENCE)


def test_oracles_know_nothing_of_the_product_but_the_contract() -> None:
    folder = Path(__file__).parents[1] / "helpers" / "oracles"
    for file in folder.glob("*.py"):
        imports = [
            line for line in file.read_text(encoding="utf-8").splitlines() if line.startswith(("import", "from"))
        ]
        ours = [
            line.split()[1]
            for line in imports
            if line.split()[1].startswith(("features", "models", "duckdb", "pandas"))
        ]
        assert set(ours) <= {"features.contract"}, file


@pytest.mark.parametrize("name", EVERY)
def test_oracle_and_indicator_read_the_same_tables(name: str) -> None:
    assert set(ORACLES[name].reads) == set(tables_read(EVERY[name].formula.parts))


@settings(max_examples=examples(5), deadline=None)
@given(seed=st.integers(0, 10**6), records=st.sampled_from([3, 10, 40]))
@example(seed=1, records=60)
@example(seed=2, records=6)
def test_every_cell_is_the_oracles(seed: int, records: int) -> None:
    assert (
        differences(province(seed, records=records), [CUTOFF, date(2023, 7, 1), date(2023, 6, 30), date(2022, 2, 28)])
        == []
    )


@settings(max_examples=examples(2), deadline=None)
@given(seed=st.integers(0, 10**6), known=st.sampled_from([date(2024, 1, 2), date(2024, 7, 1), date(2026, 1, 1)]))
def test_a_past_month_with_later_knowledge_is_the_oracles_too(seed: int, known: date) -> None:
    assert differences(province(seed, records=20), [CUTOFF], known=known) == []


@settings(max_examples=examples(2), deadline=None)
@given(seed=st.integers(0, 10**6), empty=st.sets(st.sampled_from(sorted(set(TABLES) - {"registration"})), min_size=8))
def test_empty_histories_are_the_oracles_too(seed: int, empty: set[str]) -> None:
    tables = province(seed, records=10)
    tables |= {t: tables[t].iloc[0:0] for t in empty}
    assert differences(tables, [CUTOFF]) == []


@settings(max_examples=examples(3), deadline=None)
@given(
    seed=st.integers(0, 10**6),
    starts=st.dictionaries(
        st.sampled_from(sorted(TABLES)),
        st.sampled_from(
            [
                date(2020, 12, 31),
                date(2021, 1, 1),
                date(2021, 1, 2),
                date(2023, 1, 2),
                date(2021, 1, 8),
                date(2021, 1, 9),
                date(2023, 1, 8),
                date(2023, 1, 9),
                date(2023, 10, 2),
                date(2023, 10, 3),
                CUTOFF,
            ]
        ),
        min_size=10,
    ),
)
def test_what_a_source_does_not_cover_is_the_oracles_too(seed: int, starts: dict[str, date]) -> None:
    assert differences(province(seed, records=10), [CUTOFF], covers={**EARLY, **starts}) == []


@settings(max_examples=examples(2), deadline=None)
@given(seed=st.integers(0, 10**6))
def test_repaired_records_feed_again_when_the_policy_says_so(
    seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("policies")
    (root / "mild").mkdir()
    for file in (policy_root() / "hebei").rglob("*.toml"):
        text = file.read_text(encoding="utf-8")
        copy = root / "mild" / file.relative_to(policy_root() / "hebei")
        copy.parent.mkdir(exist_ok=True)
        copy.write_text(
            text.replace("repaired_records_feed_indicators = false", "repaired_records_feed_indicators = true"),
            encoding="utf-8",
        )
    tables = province(seed, records=30)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("features.policy.policy_root", lambda: root)
        assert differences(tables, [CUTOFF], policies="mild", repaired_feed=True) == []
