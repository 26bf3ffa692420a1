"""A sector is a file: it narrows the cohort, adds indicators, and leaves the general table as it was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from features import CATALOGUE, compute_indicators, indicators
from features.catalogue import catalogue_hash, catalogue_of
from features.catalogue.evidence import EVIDENCE
from features.catalogue.sectors import DeclaredIndicator, Sector, load_sector, sector_names
from features.contract import TABLES
from features.engine.duckdb_engine import evaluate
from features.engine.record.record import extract_context, indicators_of
from features.errors import ConfigError
from features.policies import features_policy
from features.policy import policy_path, policy_root
from features.population.cohort import cohort, members_of
from features.records.store import RecordStore, open_folder, open_frames
from features.scope import Scope
from features.table.month import read_table, table_policies, write_clean_table
from helpers.oracles import World
from helpers.oracles.food import belongs
from helpers.records import CUTOFF, ENTERPRISES, move_the_future, province, rows_of
from helpers.scope import HEBEI
from helpers.thorough import examples

EARLY = {t: date(2000, 1, 1) for t in TABLES}
DAY = date(2026, 1, 1)
FOOD = load_sector("hebei", "food")


@contextmanager
def opened(tables: dict[str, pd.DataFrame]) -> Iterator[RecordStore]:
    store = open_frames(tables, EARLY)
    try:
        yield store
    finally:
        store.close()


def members(store: RecordStore, sector: str | None, known: date | None = None) -> set[str]:
    return set(cohort(store, [CUTOFF], Scope("hebei", known_as_of=known, sector=sector))["enterprise_id"])


@settings(max_examples=examples(30), deadline=None)
@given(seed=st.integers(0, 10**6), later=st.booleans())
@example(seed=4, later=False)
def test_the_cohort_is_the_general_one_less_who_does_not_belong(seed: int, later: bool) -> None:
    tables = province(seed, records=12)
    tables["registration"]["industry"] = [
        ["C14", "F52", "H62", None][k % 4] for k in range(len(tables["registration"]))
    ]
    rows = {t: rows_of(f.astype(object).where(f.notna(), None)) for t, f in tables.items()}
    known = date(2026, 1, 1) if later else None
    # Membership reads the register's rows as the general cohort does: a repaired entry stays an entry.
    world = World(rows, CUTOFF, known or CUTOFF, repaired_feed=True)
    with opened(tables) as store:
        wanted = {e for e in members(store, None, known) if belongs(world, e)}
        assert members(store, "food", known) == wanted


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("'H62'", "'G54'"),
        ("OR industry LIKE 'C15%'", ""),
        ("ended_on >= c.cutoff", "ended_on > c.cutoff"),
        ("(ended_on IS NULL OR ended_on >= c.cutoff) AND", ""),
        ("licence_kind = 'food'", "TRUE"),
        ("licence_status = 'valid'", "TRUE"),
        (" UNION ALL ", " INTERSECT "),
    ],
)
def test_a_wrong_cohort_would_be_noticed(right: str, wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each part of the declared condition changes who belongs, in some province of the property above."""
    text = FOOD.members_sql().replace("LIKE 'H62%'", "LIKE 'H62%' ")
    right, wrong = (x.replace("'H62'", "'H62%'").replace("'G54'", "'G54%'") for x in (right, wrong))
    assert right in text
    for seed in range(60):
        tables = province(seed, records=12, edges=[CUTOFF])
        trades = ["C15", "F52", "H62", None]
        tables["registration"]["industry"] = [trades[(k + seed) % 4] for k in range(len(tables["registration"]))]
        with opened(tables) as store, monkeypatch.context() as patch:
            expected = members(store, "food")
            patch.setattr(Sector, "members_sql", lambda _self: text.replace(right, wrong))
            if members(store, "food") != expected:
                return
    pytest.fail("no province notices it")


@settings(max_examples=examples(10), deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_future_reaches_neither_the_cohort_nor_the_indicators_of_a_sector(seed: int) -> None:
    tables = province(seed, records=12)
    moved = move_the_future(tables, CUTOFF, seed + 1)
    pairs = pd.DataFrame({"enterprise_id": list(ENTERPRISES), "cutoff": CUTOFF})
    belonging, found = [], []
    for given_tables in (tables, moved):
        with opened(given_tables) as store:
            belonging.append(members(store, "food"))
            found.append(evaluate(store, pairs, Scope("hebei", names=list(FOOD.catalogue), sector="food")))
    assert belonging[0] == belonging[1]
    pd.testing.assert_frame_equal(found[0], found[1])


@settings(max_examples=examples(4), deadline=None)
@given(seed=st.integers(0, 10**6))
def test_a_record_alone_gives_the_sectors_indicators_too(seed: int) -> None:
    pairs = pd.DataFrame({"enterprise_id": list(ENTERPRISES), "cutoff": CUTOFF})
    with opened(province(seed, records=12)) as store:
        whole = evaluate(store, pairs, Scope("hebei", sector="food"))
        records = extract_context(store, ENTERPRISES, CUTOFF, HEBEI)
    pd.testing.assert_frame_equal(indicators_of(records, Scope("hebei", sector="food")), whole)
    general = [c for c in whole if c not in FOOD.catalogue]
    pd.testing.assert_frame_equal(indicators_of(records, HEBEI), whole[general])


def test_the_table_of_a_sector_says_so_and_the_general_one_stays_as_it_was(small_clean: Path, tmp_path: Path) -> None:
    general = write_clean_table(small_clean, DAY, tmp_path / "all.parquet", HEBEI)
    food = write_clean_table(small_clean, DAY, tmp_path / "food.parquet", Scope("hebei", sector="food"))
    frame, about = read_table(tmp_path / "food.parquet")
    every, about_all = read_table(tmp_path / "all.parquet")
    assert about["sector"] == "food"
    assert "sector" not in about_all
    assert about["catalogue"] != about_all["catalogue"] == catalogue_hash(CATALOGUE)
    assert about["policies"] != about_all["policies"] == table_policies("hebei")
    assert 0 < food["enterprises"] < general["enterprises"]
    assert food["indicators"] == len(CATALOGUE) + len(FOOD.catalogue)
    assert list(every.columns) == ["uscc", *CATALOGUE, *EVIDENCE]
    assert list(frame.columns) == ["uscc", *CATALOGUE, *FOOD.catalogue, *EVIDENCE]
    pd.testing.assert_frame_equal(frame[list(CATALOGUE)], every.loc[frame.index, list(CATALOGUE)])
    varied = [n for n in FOOD.catalogue if (frame[n] != frame[n].iloc[0]).any()]
    assert len(varied) >= 12, "an inspector of food should see differences"
    quality = json.loads(Path(food["quality"]).read_text(encoding="utf-8"))
    assert set(FOOD.catalogue) < set(quality["indicators"])


def test_the_ways_in_agree(small_clean: Path) -> None:
    """Notebook, chain and store take a sector alike."""
    store = open_folder(small_clean)
    names = list(FOOD.catalogue)
    pairs = cohort(store, [DAY], Scope("hebei", sector="food"))
    shown = indicators(store, DAY, Scope("hebei", names=names, sector="food"), show_progress=False)
    everyone = cohort(store, [DAY], HEBEI)
    assert members_of(store, everyone, Scope("hebei", sector="food")).equals(pairs)
    store.close()
    pd.testing.assert_frame_equal(
        compute_indicators(small_clean, pairs, Scope("hebei", names=names, sector="food")), shown
    )


def test_a_province_has_its_bases_sectors_and_a_wrong_one_is_answered_with_those_there_are() -> None:
    assert sector_names("henan") == sector_names("hebei") == ("food",)
    assert load_sector("henan", "food") == FOOD
    with pytest.raises(ConfigError, match=r"no sector 'drugs'; it has \['food'\]"):
        load_sector("hebei", "drugs")


GOOD = FOOD.indicators[0].model_dump(exclude_defaults=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"table": "horoscopes"}, "no table 'horoscopes'"),
        ({"where": {"mood": "good"}}, "no column 'mood'"),
        ({"where": {"licence_kind": "fodd"}}, "no code 'fodd'"),
        ({"where": {"licence_kind": 3}}, "it can't be 3"),
        ({"where": {"licence_no": {"passed": True}}}, "needs date"),
        ({"where": {"valid_to": {"passed": True, "known": True}}}, "says one thing"),
        ({"where": {"licence_no": {"starts_with": ["a'%"]}}}, "letters and digits"),
        ({"where": {"licence_kind": {"has_any": ["food"]}}}, "needs codes"),
        ({"where": {"valid_to": {"later": 3}}}, "later"),
        ({"measure": "total"}, "needs a column"),
        ({"measure": "total", "column": "licence_no"}, "needs a whole number"),
        ({"measure": "share"}, "needs a part and a prior"),
        ({"measure": "latest"}, "needs a column or a part"),
        ({"measure": "mean"}, "measure"),
        ({"prior": [1, 9]}, "neither part nor prior"),
        ({"measure": "share", "part": {"licence_kind": "food"}, "prior": [9, 9]}, "0 <= a < n"),
        ({"months": 12, "days": 3}, "at most one of"),
        ({"group": "moods"}, "no group 'moods'"),
        ({"doc": "At least $many."}, "no threshold 'many'"),
        ({"table": "penalties", "open": True, "where": {}}, "no column 'ended_on'"),
        ({"name": "Food"}, "name"),
        ({"policy": ""}, "policy"),
        ({"zh": ""}, "zh"),
        ({"en": ""}, "en"),
    ],
)
def test_what_is_declared_wrongly_is_named_when_it_is_read(change: dict[str, object], message: str) -> None:
    DeclaredIndicator.model_validate(GOOD)
    with pytest.raises(ValidationError, match=message):
        DeclaredIndicator.model_validate(GOOD | change)


def declared(tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> Sector:
    """Load a sector from a folder of policies of its own."""
    folder = tmp_path / "here" / "sectors"
    folder.mkdir(parents=True)
    (folder / "toys.toml").write_text(text, encoding="utf-8")
    monkeypatch.setattr("features.policy.policy_root", lambda: tmp_path)
    return load_sector("here", "toys")


TOYS = """name = "toys"
zh = "玩具"
policy = "HB 15"
[[cohort]]
table = "certificates"
[[indicators]]
name = "toys_certificates"
zh = "玩具证书数"
en = "certificates of toys"
family = "regulatory"
group = "products"
direction = "lowers"
unit = "certificates"
policy = "HB 15"
doc = "Certificates."
table = "certificates"
measure = "distinct"
column = "record_id"
days = 90
"""


def test_another_sector_needs_nothing_but_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toys = declared(tmp_path, TOYS, monkeypatch)
    assert toys.catalogue["toys_certificates"].window == "90 days"
    assert catalogue_of(features_policy_of_hebei, toys)["toys_certificates"].monotone == -1


features_policy_of_hebei = features_policy("hebei")


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ('name = "toys"\n', 'name = "games"\n', "toys_certificates"),
        ('name = "toys_certificates"', 'name = "certificates"', "called toys_"),
        ('table = "certificates"\n[[', 'table = "visits"\n[[', "take inspections"),
        ('unit = "certificates"\n', "", "indicators.0.unit"),
        ('en = "certificates of toys"\n', "", "indicators.0.en"),
        ("[[cohort]]\n", "[[choir]]\n", "choir"),
    ],
)
def test_a_wrong_file_is_named_with_its_key(
    right: str, wrong: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        declared(tmp_path, TOYS.replace(right, wrong), monkeypatch)
    assert "toys.toml" in str(caught.value)


def test_the_example_stands_where_the_policies_stand() -> None:
    assert policy_path("hebei", "sectors/food") == policy_root() / "hebei" / "sectors" / "food.toml"
    assert len(FOOD.catalogue) >= 8
