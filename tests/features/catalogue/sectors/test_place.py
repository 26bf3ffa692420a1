"""Indicators of a place's map: right by a slow oracle, point in time, the same on every path."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pydantic import ValidationError

from features.catalogue import CATALOGUE, catalogue_hash, of_province
from features.catalogue.sectors import DeclaredIndicator
from features.catalogue.sectors.place import EventMeaning, MeasureMeaning, PlaceIndicators
from features.contract import TABLES
from features.engine.duckdb_engine import evaluate
from features.engine.record.record import extract_context, indicators_of
from features.errors import ConfigError
from features.policy import map_path, policy_hash, policy_root, province_line
from features.records.store import RecordStore, open_frames
from features.scope import Scope
from features.table.month import read_table, table_policies, write_clean_table
from helpers.oracles import World
from helpers.oracles.world import Rec
from helpers.place import MAP, PLACE, write_place
from helpers.records import CUTOFF, ENTERPRISES, move_the_future, province, rows_of
from helpers.thorough import examples

EARLY = {t: date(2000, 1, 1) for t in TABLES}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A place of its own policies, which rests on Hebei and has a map."""
    monkeypatch.setenv("FENLEI_POLICIES", str(write_place(tmp_path / "policies")))
    return PLACE


@contextmanager
def opened(tables: dict[str, pd.DataFrame]) -> Iterator[RecordStore]:
    store = open_frames(tables, EARLY)
    try:
        yield store
    finally:
        store.close()


def expected(world: World, enterprise: str) -> dict[str, float | None]:
    """Slow and obvious: every indicator of the map above, from its definition."""
    found: dict[str, float | None] = {}
    for suffix, months in (("_6m", 6), ("", None)):

        def rows(table: str, months: int | None = months) -> list[Rec]:
            return world.seen(table, enterprise) if months is None else world.recent(table, enterprise, months)

        for name, worst in (("x1", min), ("x2", max)):
            values = [r["value"] for r in rows("measures") if r["name"] == name]
            found[f"{name}_mean{suffix}"] = sum(values) / len(values) if values else None
            found[f"{name}_worst{suffix}"] = worst(values) if values else None
            found[f"{name}_count{suffix}"] = len(values)
        found[f"x3_count{suffix}"] = sum(1 for r in rows("events") if r["kind"] == "x3")
    for name in ("x1", "x2"):
        ordered = sorted(
            (r["occurred_at"], r["record_id"], r["value"])
            for r in world.seen("measures", enterprise)
            if r["name"] == name
        )
        found[f"{name}_last"] = ordered[-1][2] if ordered else None
    calls = [r for r in world.seen("events", enterprise) if r["kind"] == "x3"]
    found["x3_days_since"] = world.days_since(calls)
    amounts = [r["amount"] for r in calls if r["amount"] is not None]
    found["x3_days_most"] = max(amounts) if amounts else None
    return found


def pairs() -> pd.DataFrame:
    return pd.DataFrame({"enterprise_id": list(ENTERPRISES), "cutoff": CUTOFF})


def check_oracle(seed: int) -> None:
    tables = province(seed, records=24)
    rows = {t: rows_of(f.astype(object).where(f.notna(), None)) for t, f in tables.items()}
    world = World(rows, CUTOFF, CUTOFF)
    names = [n for n in of_province(PLACE) if n not in CATALOGUE]
    with opened(tables) as store:
        frame = evaluate(store, pairs(), Scope(PLACE, names=names))
    for enterprise in ENTERPRISES:
        wanted = expected(world, enterprise)
        assert set(wanted) == set(names)
        row = frame.xs(enterprise, level="enterprise_id").iloc[0]
        assert {n: None if pd.isna(row[n]) else row[n] for n in names} == wanted, enterprise


@pytest.mark.usefixtures("place")
def test_every_indicator_of_a_map_is_what_its_definition_says() -> None:
    for seed in range(examples(12)):
        check_oracle(seed)


@pytest.mark.usefixtures("place")
def test_moving_the_future_moves_no_indicator_of_a_place() -> None:
    names = [n for n in of_province(PLACE) if n not in CATALOGUE]
    for seed in range(examples(8)):
        tables = province(seed, records=24)
        found = []
        for given_tables in (tables, move_the_future(tables, CUTOFF, seed + 1)):
            with opened(given_tables) as store:
                found.append(evaluate(store, pairs(), Scope(PLACE, names=names)))
        pd.testing.assert_frame_equal(found[0], found[1])


@pytest.mark.usefixtures("place")
def test_a_record_alone_gives_a_places_indicators_too() -> None:
    scope = Scope(PLACE)
    for seed in range(2):
        with opened(province(seed, records=24)) as store:
            whole = evaluate(store, pairs(), scope)
            records = extract_context(store, ENTERPRISES, CUTOFF, scope)
        assert "x1_mean_6m" in whole
        pd.testing.assert_frame_equal(indicators_of(records, scope), whole)


def test_a_places_map_counts_in_every_hash_and_no_other_places(place: str) -> None:
    general = catalogue_hash(CATALOGUE)
    assert catalogue_hash(of_province("hebei")) == general
    before = catalogue_hash(of_province(place)), policy_hash(place, "features"), table_policies(place)
    assert before[0] != general
    file = map_path(place)
    assert file is not None
    file.write_text(MAP.replace('"6m"', '"9m"'), encoding="utf-8")
    after = catalogue_hash(of_province(place)), policy_hash(place, "features"), table_policies(place)
    assert all(a != b for a, b in zip(before, after, strict=True))
    assert policy_hash(place, "outcomes") == policy_hash("hebei", "outcomes")


def test_the_months_table_of_a_place_holds_its_indicators(place: str, small_clean: Path, tmp_path: Path) -> None:
    write_clean_table(small_clean, date(2025, 7, 1), tmp_path / "table.parquet", Scope(place))
    frame, about = read_table(tmp_path / "table.parquet")
    assert about["province"] == place
    assert about["catalogue"] == catalogue_hash(of_province(place))
    assert (frame["x3_days_since"] == 3650).all()  # covered, and the simulated province has no events
    assert frame["x1_last"].isna().all()


@pytest.mark.parametrize(
    ("measure", "error"),
    [
        ({"name": "X"}, "pattern"),
        ({"name": "x", "scale": 0}, "greater than or equal"),
        ({"name": "x", "direction": "up"}, "raises"),
    ],
)
def test_a_wrong_measure_is_refused(measure: dict[str, Any], error: str) -> None:
    with pytest.raises(ValidationError, match=error):
        MeasureMeaning(**measure)


def test_indicators_are_not_declared_twice() -> None:
    declared = PlaceIndicators().declared
    with pytest.raises(ValueError, match="declared twice"):
        declared([MeasureMeaning(name="a"), MeasureMeaning(name="a")], [])
    with pytest.raises(ValueError, match="declared twice"):
        declared([MeasureMeaning(name="a")], [EventMeaning(kind="a")])  # both would be a_count


def test_a_name_of_the_general_catalogue_is_refused(place: str) -> None:
    file = map_path(place)
    assert file is not None
    file.write_text(MAP.replace("x3_days_most", "penalties_3y"), encoding="utf-8")
    with pytest.raises(Exception, match=r"penalties_3y.* in the general catalogue"):
        of_province(place)


@pytest.mark.parametrize("measure", ["least", "mean"])
def test_least_and_mean_need_a_whole_number(measure: str) -> None:
    given = {
        "name": "a", "zh": "甲", "en": "a", "family": "regulatory", "group": "visits", "direction": "either",
        "unit": "count", "policy": "local", "doc": "A.", "table": "measures", "measure": measure,
    }  # fmt: skip
    assert DeclaredIndicator(**given, column="value").indicator.bounds.whole == (measure == "least")
    for column in (None, "name"):
        with pytest.raises(ValidationError, match=r"needs a( whole number| column)"):
            DeclaredIndicator(**given, column=column)


def test_a_mean_is_one_division_of_a_total_by_a_count() -> None:
    mean = DeclaredIndicator(
        name="a", zh="甲", en="a", family="regulatory", group="visits", direction="either", unit="count",
        policy="local", doc="A.", table="measures", measure="mean", column="value",
    ).indicator  # fmt: skip
    assert mean.formula.template.count("/") == 1
    assert {a.sql.partition("(")[2].partition("(")[0] for a in mean.formula.parts} == {"count", "sum"}


def test_a_place_rests_on_a_base_that_rests_on_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, base in (("far", "chicago"), ("round", "about"), ("about", "round")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "province.toml").write_text(f'name_zh = "某"\nbase = "{base}"\n', encoding="utf-8")
    monkeypatch.setenv("FENLEI_POLICIES", str(tmp_path))
    assert province_line("far") == ("far", "chicago", "hebei")
    assert policy_hash("far", "gate") == policy_hash("chicago", "gate") != policy_hash("hebei", "gate")
    with pytest.raises(ConfigError, match="rests on 'round' itself"):
        province_line("round")


def test_the_maps_that_are_shipped_are_their_places_maps() -> None:
    for place, name in (("chicago_table", "chicago"), ("miyun", "miyun")):
        file = map_path(place)
        assert file is not None
        assert file.resolve() == (policy_root().parent / "maps" / f"{name}.toml").resolve()
        assert len(of_province(place)) > len(CATALOGUE)
