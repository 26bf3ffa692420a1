"""Training rows are what was known then, however the records went on."""

from __future__ import annotations

import shutil
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from features import cohort
from features.adapters.write import write_records
from features.catalogue import CATALOGUE
from features.contract.manifest import Coverage, Manifest, write_manifest
from features.errors import ConfigError, SourceError
from features.records.store import opened
from features.scope import Scope
from helpers.root import ROOT
from helpers.scope import HEBEI
from models.study.dataset import Dataset, build_dataset, learning_begins, population, source_hash
from models.study.experiment import SEGMENTS, Experiment, Indicators, load_experiment
from models.study.indicators import catalogue, choose, usable
from models.study.labels import assigned, indicator_table, labelled, outcomes_as_known, read_known
from models.study.splits import segments

AS_OF = date(2026, 1, 1)
BEGIN = date(2022, 1, 1)
DEMO = load_experiment(ROOT / "experiments" / "demo.toml")


def visits(folder: Path, rows: list[dict[str, object]]) -> Path:
    """A clean folder with nothing but visits."""
    folder.mkdir()
    common = {"version": 1, "enterprise_id": "E1", "record_state": "active", "arm": "targeted"}
    write_records(folder, "inspections", [{**common, **row} for row in rows])
    covered = {"inspections": Coverage(covers_from=date(2021, 1, 1))}
    write_manifest(Manifest(source="test", as_of=AS_OF, tables=covered), folder)
    return folder


def test_a_result_corrected_later_teaches_in_its_uncorrected_form(tmp_path: Path) -> None:
    day = date(2024, 3, 5)
    soon, late = day + timedelta(days=10), DEMO.split.test_from
    clean = visits(
        tmp_path / "clean",
        [
            {"record_id": "a", "occurred_at": day, "known_at": soon, "result_codes": "1"},
            {"record_id": "a", "version": 2, "occurred_at": day, "known_at": late, "result_codes": "8"},
            {"record_id": "b", "occurred_at": day, "known_at": soon, "result_codes": "7"},
            {"record_id": "b", "version": 2, "occurred_at": day, "known_at": late, "result_codes": "8"},
            {"record_id": "c", "occurred_at": day, "known_at": day, "result_codes": None},
            {"record_id": "c", "version": 2, "occurred_at": day, "known_at": soon, "result_codes": "5"},
        ],
    )
    stages = segments(DEMO.split, BEGIN, AS_OF)
    known = read_known(clean, [stages], DEMO, AS_OF)
    found = outcomes_as_known(known, stages, AS_OF).set_index("inspection_id")
    assert found["violation"].to_dict() == {"a": 0, "b": 1, "c": 1}
    assert found.loc["a", "known_at"] == soon
    assert found.loc["c", "known_at"] == soon
    # b had no label while the fit could have run: it counts as not known then, and is left out
    assert found["known_at"].loc["b"] >= DEMO.split.test_from


def test_visits_that_only_restate_the_lists_can_be_left_out() -> None:
    frame = pd.DataFrame(
        {
            "inspection_id": list("abc"),
            "enterprise_id": list("xyz"),
            "visited_on": [date(2024, 1, d) for d in (3, 2, 1)],
            "restates": [0, 1, 0],
        }
    )
    every, dropped = labelled(frame, "all")
    assert (list(every["inspection_id"]), dropped) == (["c", "b", "a"], {})
    fewer, dropped = labelled(frame, "without_6_and_B")
    assert list(fewer["inspection_id"]) == ["c", "a"]
    assert dropped == {"a violation by codes 6 or B alone": 1}


def test_indicators_are_chosen_by_family_and_name() -> None:
    regulatory = choose(Indicators(families=("regulatory",)))
    assert {CATALOGUE[n].family for n in regulatory} == {"regulatory"}
    assert choose(Indicators(only=regulatory[:3])) == regulatory[:3]
    assert regulatory[0] not in choose(Indicators(without=(regulatory[0],)))
    with pytest.raises(ConfigError, match="not in the catalogue"):
        choose(Indicators(only=("no_such_thing",)))
    with pytest.raises(ConfigError, match="no indicator"):
        choose(Indicators(families=("basic",), only=(regulatory[0],)))


def test_an_indicator_that_would_only_tell_the_date_is_left_out() -> None:
    months = pd.to_datetime(["2024-01-01"] * 50 + ["2024-02-01"] * 50)
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "good": rng.normal(size=100),
            "sometimes": np.where(np.arange(100) % 3 == 0, np.nan, rng.normal(size=100)),
            "constant": 1.0,
            "unknown": np.nan,
            "constant_where_known": np.where(np.arange(100) % 2 == 0, np.nan, 1.0),
            "begins_late": np.where(np.arange(100) < 50, np.nan, rng.normal(size=100)),
        },
        index=pd.MultiIndex.from_arrays([np.arange(100).astype(str), months], names=["enterprise_id", "cutoff"]),
    )
    assert usable(frame, tuple(frame.columns), covered=0.9) == ("good", "sometimes")
    assert "begins_late" in usable(frame, tuple(frame.columns), covered=0.5)


def test_a_sectors_study_sees_its_enterprises_and_its_indicators_too(small_clean: Path) -> None:
    food = Experiment.model_validate(DEMO.model_dump() | {"sector": "food"})
    names = choose(food.indicators, catalogue(food))
    assert set(names) - set(choose(DEMO.indicators)) == {n for n in catalogue(food) if n.startswith("food_")}
    found = assigned(small_clean, segments(food.split, BEGIN, AS_OF), food, AS_OF)
    every = assigned(small_clean, segments(DEMO.split, BEGIN, AS_OF), DEMO, AS_OF)
    assert 0 < len(found.rows) < len(every.rows)
    table = indicator_table(small_clean, [found.rows], food)
    belong = cohort(small_clean, sorted(set(found.rows["cutoff"])), Scope("hebei", sector="food"))
    pairs = set(zip(belong["enterprise_id"], pd.to_datetime(belong["cutoff"]), strict=True))
    assert set(table.index) <= pairs
    assert table["food_licences_held"].gt(0).any()
    assert len(population(small_clean, food, names)) < len(population(small_clean, DEMO, names[:3]))


def altered(clean: Path, out: Path, seed: int) -> Path:
    """The same folder with everything known from the test on changed, taken away, or made up."""
    shutil.copytree(clean, out)
    day = DEMO.split.test_from
    path = out / "inspections.parquet"
    frame = duckdb.execute(f"SELECT * FROM '{path}'").df()
    known, rng = pd.to_datetime(frame["known_at"]), np.random.default_rng(seed)
    late = (known >= pd.Timestamp(day)).to_numpy()
    assert late.sum() > 100
    kept = frame[~late | (rng.random(len(frame)) < 0.6)].copy()
    changed = (pd.to_datetime(kept["known_at"]) >= pd.Timestamp(day)).to_numpy() & kept["result_codes"].notna()
    kept.loc[changed, "result_codes"] = np.where(kept.loc[changed, "result_codes"] == "1", "8", "1")
    # a later version of every tenth earlier visit: its result turned round
    more = frame[~late].sort_values("version").drop_duplicates("record_id", keep="last").iloc[::10].copy()
    more["version"] += 1
    more["known_at"] = pd.Timestamp(day) + pd.Timedelta(days=3)
    more["result_codes"] = "5;8"
    with duckdb.connect() as con:
        con.register("changed_rows", pd.concat([kept, more], ignore_index=True))
        con.sql(
            """SELECT * REPLACE (CAST(known_at AS DATE) AS known_at, CAST(occurred_at AS DATE) AS occurred_at)
            FROM changed_rows ORDER BY enterprise_id, record_id, version"""
        ).write_parquet(str(path))
    return out


@pytest.fixture(scope="module")
def dataset(checked: Path) -> Dataset:
    return build_dataset(checked, DEMO, AS_OF)


@pytest.mark.slow
def test_what_becomes_known_in_the_test_period_changes_no_row_learnt_from(
    dataset: Dataset, checked: Path, tmp_path: Path
) -> None:
    other = build_dataset(altered(checked, tmp_path / "clean", 1), DEMO, AS_OF)
    assert other.source_hash != dataset.source_hash
    assert other.names == dataset.names
    for name in SEGMENTS[:-1]:
        before, after = dataset.parts[name], other.parts[name]
        assert np.array_equal(before.y, after.y)
        assert np.array_equal(before.X, after.X, equal_nan=True)
        assert np.array_equal(before.weight, after.weight)
        assert list(before.outcomes["inspection_id"]) == list(after.outcomes["inspection_id"])
    for origin, again in zip(dataset.folds, other.folds, strict=True):
        assert origin.day == again.day
        for one, other_one in ((origin.fit, again.fit), (origin.validate, again.validate)):
            assert np.array_equal(one.y, other_one.y)
            assert np.array_equal(one.X, other_one.X, equal_nan=True)
            assert np.array_equal(one.weight, other_one.weight)
            assert np.array_equal(one.circumstances.terms, other_one.circumstances.terms)
    assert np.array_equal(dataset.population, other.population, equal_nan=True)
    assert not np.array_equal(dataset.parts["test"].y, other.parts["test"].y)


@pytest.mark.slow
def test_every_segment_has_its_arms_weights_and_rows_in_order(dataset: Dataset) -> None:
    for name, part in dataset.parts.items():
        assert set(part.outcomes["arm"]) <= set(DEMO.arms.of(name))
        assert part.X.shape == (len(part), len(dataset.names))
        assert list(part.frame.index.get_level_values("enterprise_id")) == list(part.enterprise)
        assert np.array_equal(part.frame[list(dataset.names)].to_numpy(float), part.X, equal_nan=True)
        assert part.outcomes["visited_on"].is_monotonic_increasing
    assert (dataset.parts["fit"].weight == 1).all()
    weights = dataset.parts["test"].weight
    drawn = dataset.parts["test"].outcomes["probability_ppm"].to_numpy(float)
    assert weights * drawn == pytest.approx(weights[0] * drawn[0])
    assert len(np.unique(weights)) > 1
    assert dataset.counts["visits"].sum() == sum(len(p) for p in dataset.parts.values())


@pytest.mark.slow
def test_rolling_origins_use_the_learners_columns_and_know_what_was_known_on_their_day(dataset: Dataset) -> None:
    assert len(dataset.folds) == DEMO.origins.count
    for fold in dataset.folds:
        for part in (fold.fit, fold.validate):
            assert part.X.shape == (len(part), len(dataset.names))
            assert len(part.circumstances) == len(part)
        assert (fold.fit.outcomes["known_at"] < fold.day).all()
        assert (fold.validate.outcomes["visited_on"] >= fold.day).all()
        assert (fold.validate.outcomes["known_at"] < DEMO.split.test_from).all()
        assert set(fold.validate.outcomes["arm"]) == {"random"}
        assert len(np.unique(fold.validate.weight)) > 1


@pytest.mark.slow
def test_what_calibrates_are_the_origins_visits_the_oldest_first_and_they_teach_as_well(dataset: Dataset) -> None:
    part = dataset.parts["calibrate"]
    own = [v for fold in reversed(dataset.folds) for v in fold.validate.outcomes["inspection_id"]]
    assert list(part.outcomes["inspection_id"]) == own
    assert len(set(own)) == len(own)
    assert np.array_equal(part.X, np.vstack([f.validate.X for f in reversed(dataset.folds)]), equal_nan=True)
    assert set(own) <= set(dataset.parts["fit"].outcomes["inspection_id"])
    assert (dataset.parts["fit"].outcomes["known_at"] < DEMO.split.test_from).all()
    drawn = part.outcomes["probability_ppm"].to_numpy(float)
    assert part.weight * drawn == pytest.approx(part.weight[0] * drawn[0])


def test_without_a_day_to_learn_from_a_study_begins_a_year_after_its_inspections(tmp_path: Path) -> None:
    undated = DEMO.model_copy(update={"split": DEMO.split.model_copy(update={"learn_from": None})})
    row: dict[str, object] = {"record_id": "a", "occurred_at": date(2024, 1, 1), "known_at": date(2024, 1, 2)}
    clean = visits(tmp_path / "clean", [row])
    for covered, begins in (
        (date(2021, 1, 1), date(2022, 1, 1)),
        (date(2021, 1, 2), date(2022, 2, 1)),
        (date(2020, 12, 5), date(2022, 1, 1)),
    ):
        tables = {"inspections": Coverage(covers_from=covered)}
        write_manifest(Manifest(source="test", as_of=AS_OF, tables=tables), clean)
        with opened(clean) as records:
            assert learning_begins(records, undated) == begins
            assert learning_begins(records, DEMO) == BEGIN
    write_manifest(Manifest(source="test", as_of=AS_OF, tables={}), clean)
    with opened(clean) as records, pytest.raises(SourceError, match=r"say split\.learn_from"):
        learning_begins(records, undated)


@pytest.mark.slow
def test_inverse_probability_weights_make_the_visited_look_like_the_cohort(dataset: Dataset, checked: Path) -> None:
    asked = DEMO.model_copy(update={"arms": DEMO.arms.model_copy(update={"fit_weights": "inverse_probability"})})
    found = build_dataset(checked, asked, AS_OF)
    fit = found.parts["fit"]
    assert fit.weight.mean() == pytest.approx(1)
    for fold in found.folds:
        assert fold.fit.weight.mean() == pytest.approx(1)
        assert len(np.unique(fold.fit.weight)) > 2
    column = found.names.index("penalties_3y")
    plain, weighted = (np.average(fit.X[:, column], weights=w) for w in (None, fit.weight))
    everyone = found.population[:, column].mean()
    assert abs(weighted - everyone) < 0.6 * abs(plain - everyone)
    assert np.array_equal(fit.X, dataset.parts["fit"].X, equal_nan=True)


@pytest.mark.slow
def test_the_population_is_the_cohort_when_the_model_could_be_signed(dataset: Dataset, checked: Path) -> None:
    members = cohort(checked, [DEMO.split.test_from], HEBEI)
    assert dataset.population.shape == (len(members), len(dataset.names))
    fewer = population(checked, DEMO, dataset.names, most=100)
    assert fewer.shape == (100, len(dataset.names))
    assert np.array_equal(fewer, population(checked, DEMO, dataset.names, most=100), equal_nan=True)


@pytest.mark.slow
def test_a_segment_without_both_answers_is_named(checked: Path) -> None:
    gone = DEMO.model_dump()
    gone["split"] |= {"test_from": date(2026, 5, 1), "test_to": date(2026, 8, 1)}
    with pytest.raises(SourceError, match=r"segment test \(arms random\) has 0 visits"):
        build_dataset(checked, Experiment.model_validate(gone), AS_OF)


def test_the_source_hash_sees_every_byte(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"12")
    first = source_hash(tmp_path)
    (tmp_path / "notes.txt").write_text("not part of it")
    assert source_hash(tmp_path) == first
    (tmp_path / "a.parquet").write_bytes(b"13")
    assert source_hash(tmp_path) != first
