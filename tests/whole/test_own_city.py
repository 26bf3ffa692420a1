"""A city of another country, by its own files, map and policies alone: it learns, is signed and answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from features.catalogue import of_province
from features.errors import ConfigError
from features.policies import cohort_policy, outcomes_policy
from features.policy import own_policies, policy_path
from features.scope import Scope
from features.table.month import write_clean_table
from helpers.city import MAP, Row, call, visit, write_city
from models import Store, load_rules, train
from models.pipeline import TrainResult
from models.scoring.classification import Classification
from models.settings import checked_study
from models.signoff import approval
from models.signoff.record.demo_people import people
from serving.answers.answer import answer
from serving.answers.requests import parse
from serving.current.snapshot import State
from serving.settings import Settings

PLACE = "evanston"
FIRST, TABLE = date(2019, 1, 7), date(2023, 2, 1)
STUDY = """
name = "evanston"
title = "a small city"
province = "evanston"
seed = 3
[source]
adapter = "table"
map = "policies/evanston/city.toml"
[split]
learn_from = 2020-02-01
test_from = 2022-09-01
gap_days = 28
[origins]
count = 4
months = 3
least_months = 10
[arms]
learn = ["random", "targeted", "unknown"]
measure = ["random", "targeted", "unknown"]
weights = "equal"
[learner]
n_estimators = 60
min_data_in_leaf = 20
num_leaves = 4
[tuning]
trials = 0
[calibration]
kind = "platt"
[bands]
anchor = "share"
[evaluation]
repetitions = 50
"""


def rows(seed: int) -> tuple[list[Row], list[Row]]:
    """Visits and calls of 400 places, each with a risk of its own that its scores and calls tell of."""
    rng = np.random.default_rng(seed)
    visits, calls = [], []
    for k in range(400):
        risk = rng.beta(1.2, 4)
        for _ in range(int(rng.integers(4, 11))):
            day = FIRST + timedelta(days=int(rng.integers(0, 1500)))
            bad = bool(rng.random() < risk)
            told = {"SCORE": str(int(rng.poisson(4 + 20 * risk + 6 * bad))), "KIND": ["Cafe", "Restaurant"][k % 2]}
            visits.append(
                visit(str(1000 + k), day.strftime("%m/%d/%Y"), "Y" if bad else "N", OPENED="02/01/2010", **told)
            )
        for c in range(int(rng.poisson(2 * risk))):
            made = FIRST + timedelta(days=int(rng.integers(0, 1500)))
            calls.append(call(f"{k}-{c}", f"{1000 + k} Elm St", made.isoformat()))
    return visits, calls


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the city's records, policies and study; its policies are looked through first."""
    folder = tmp_path_factory.mktemp("city")
    visits, calls = rows(7)
    write_city(folder / "records", visits, calls)
    own = folder / "policies" / PLACE
    own.mkdir(parents=True)
    (own / "city.toml").write_text(MAP, encoding="utf-8")
    (own / "province.toml").write_text('name_zh = "埃文斯顿"\nbase = "city"\nmap = "city.toml"\n', encoding="utf-8")
    gate = policy_path("hebei", "gate").read_text(encoding="utf-8")
    (own / "gate.toml").write_text(gate.replace('["demo", "province"]', f'["{PLACE}"]'), encoding="utf-8")
    (folder / f"{PLACE}.toml").write_text(STUDY, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FENLEI_POLICIES", str(folder / "policies"))
        yield folder


@pytest.fixture(scope="module")
def store(city: Path) -> Store:
    return Store.in_folder(city / "store", signers=city / "signing" / "signers.toml")


@pytest.fixture(scope="module")
def trained(city: Path, store: Store) -> TrainResult:
    return train(city / f"{PLACE}.toml", store=store, data=city / "records", work=city / "work", say=lambda _: None)


@pytest.fixture(scope="module")
def served(city: Path, store: Store, trained: TrainResult) -> State:
    """The city's service: its version proposed and approved by two people, and the month's table."""
    _, one, two = people(city / "signing", date(2023, 3, 1))
    on = "2023-03-01"
    approval.propose(store, trained.version, "first", key=one, on=on, accept_unknown="few visits")
    approval.approve(store, trained.version, "first", key=two, on=on)
    write_clean_table(trained.prepared.clean, TABLE, city / "table.parquet", Scope(PLACE))
    return State(Settings(province=PLACE, tracking_uri=store.uri, table=city / "table.parquet", signers=store.signers))


def test_a_city_that_rests_on_no_province_has_no_articles_of_one(city: Path) -> None:
    assert city.is_dir()
    rules = load_rules(PLACE)
    assert rules.determinations.active == ()
    assert rules.scorecard.name == "city-rules-1"
    assert outcomes_policy(PLACE).restating == ()
    assert cohort_policy(PLACE).exclude_types == ()


@pytest.mark.slow
def test_a_city_learns_from_what_its_own_measures_and_events_tell(trained: TrainResult) -> None:
    assert {"score_mean", "critical_last", "call_count"} <= set(trained.dataset.names)
    auc = trained.evaluation.values["model"]["auc"]
    assert auc.value > 0.6
    assert trained.version == f"{PLACE}.{PLACE}/1"


@pytest.mark.slow
def test_its_signed_version_answers_for_its_places_and_for_a_record(city: Path, served: State) -> None:
    snapshot = served.snapshot
    assert (snapshot.served.version, snapshot.served.why, snapshot.no_table) == (f"{PLACE}.{PLACE}/1", "", "")
    row = pq.read_table(city / "table.parquet").to_pylist()[0]
    clean = city / "work" / PLACE / "checked" / "clean"
    tables = {}
    for table in ("registration", "inspections", "measures", "events"):
        own = pq.read_table(clean / f"{table}.parquet", filters=[("enterprise_id", "=", row["enterprise_id"])])
        known = [r for r in own.to_pylist() if r["known_at"] < TABLE]
        tables[table] = [{k: v for k, v in r.items() if v is not None and k != "enterprise_id"} for r in known]
    items = [
        {"enterprise_id": row["enterprise_id"]},
        {"enterprise_id": row["enterprise_id"], "cutoff": TABLE.isoformat(), "record": {"tables": tables}},
    ]
    body = json.dumps({"items": items}, default=str).encode()
    asked, _ = parse(body, 10, of_province(PLACE))
    stored, alone = answer(asked, snapshot)
    assert isinstance(stored, Classification)
    assert stored.source == "model"
    assert stored.versions["registered"] == f"{PLACE}.{PLACE}/1"
    assert any(r.indicator.startswith(("score_", "critical_")) for r in stored.reasons)
    # Without its peers' rates, which other places' records make, the record alone is answered by the rules.
    assert isinstance(alone, Classification)
    assert alone.fallback is not None
    assert "industry_rate_ratio_all" in alone.fallback
    assert "score_mean" not in alone.fallback


@pytest.mark.slow
def test_another_map_than_was_signed_under_is_not_served(city: Path, served: State) -> None:
    file = city / "policies" / PLACE / "city.toml"
    try:
        file.write_text(MAP.replace('unit = "count"', "") + '\n[indicators]\nwindows = ["6m"]\n', encoding="utf-8")
        found = served.refresh(force=True)
        assert found.served.model is None
        assert "another catalogue" in found.served.why
        assert "another catalogue" in found.no_table
    finally:
        file.write_text(MAP, encoding="utf-8")
    assert served.refresh(force=True).served.model is not None


def test_a_study_whose_place_does_not_know_the_maps_indicators_is_told_what_to_write(
    city: Path, tmp_path: Path
) -> None:
    other = tmp_path / f"{PLACE}.toml"
    (tmp_path / "map.toml").write_text(MAP + "# another", encoding="utf-8")
    other.write_text(STUDY.replace("policies/evanston/city.toml", "map.toml"), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"source\.map: .*declares indicators.*say map in its province\.toml"):
        checked_study(other)
    other.write_text(STUDY.replace('map = "policies/evanston/city.toml"', ""), encoding="utf-8")
    with pytest.raises(ConfigError, match="stand together"):
        checked_study(other)
    other.write_text(STUDY.replace("policies/evanston/city.toml", "nowhere.toml"), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"nowhere\.toml: can't be read"):
        checked_study(other)
    assert checked_study(city / f"{PLACE}.toml").source.map_hash


def test_the_services_process_looks_for_policies_where_it_is_told(city: Path) -> None:
    told = Settings.from_env({"FENLEI_PROVINCE": PLACE}, policies=own_policies())
    assert told.as_env()["FENLEI_POLICIES"] == str((city / "policies").resolve())
    assert "FENLEI_POLICIES" not in Settings.from_env({"FENLEI_PROVINCE": "hebei"}).as_env()
