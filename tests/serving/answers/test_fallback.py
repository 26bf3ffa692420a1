"""Whatever the model does, every enterprise gets an answer that says who gave it."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import time
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features.contract import TABLES
from features.engine.record.record import Record, indicators_of
from features.errors import ConfigError
from features.policy import policy_root
from helpers.here import here
from helpers.scope import HEBEI
from helpers.small_model import model as small_model
from helpers.small_model import rows
from models.arrays import Floats
from models.errors import ModelError
from models.scoring.classification import Classification
from models.scoring.classify import classify_frame
from models.scoring.risk_model import RiskModel
from models.scoring.rules.province import POLICIES, ProvinceRules, load_rules
from models.signoff import approval
from serving.answers.answer import Lost, Result, answer
from serving.answers.fallback import classify
from serving.answers.requests import Item
from serving.current import snapshot as snapshots
from serving.current.policy import ServingPolicy
from serving.current.served import NO_MODEL, Served
from serving.current.snapshot import Snapshot, State
from serving.current.table import CurrentTable
from serving.errors import RequestError
from serving.guard.call import Call
from serving.launch import check
from serving.runtime import Runtime
from serving.settings import Settings

from ..conftest import World

FRAME = rows(40, seed=9)[0]


def changed(**fields: object) -> RiskModel:
    return RiskModel.model_validate(small_model().model_dump() | fields)


class Raises(RiskModel):
    """A model whose prediction fails in an unforeseen way."""

    def margin(self, X: Floats) -> Floats:
        raise MemoryError("E000001 Zhang San")


class Refuses(RiskModel):
    """A model that says it can't answer."""

    def margin(self, X: Floats) -> Floats:
        raise ModelError("not today")


class SometimesNaN(RiskModel):
    """A model without an answer for a few rows."""

    def margin(self, X: Floats) -> Floats:
        found = super().margin(X)
        return np.where(X[:, 1] > 12, np.nan, found)


def test_a_good_model_answers_and_its_registered_version_is_named() -> None:
    answers = classify(FRAME, Served("hebei", small_model(), "7"), load_rules("hebei"))
    plain = classify_frame(FRAME, small_model(), load_rules("hebei"))
    assert {a.source for a in answers} == {"model"}
    assert [a.model_copy(update={"versions": p.versions}) for a, p in zip(answers, plain, strict=True)] == plain
    assert {a.versions["registered"] for a in answers} == {"7"}


@pytest.mark.parametrize("kind", [Raises, Refuses])
def test_when_the_model_fails_the_rules_answer_everyone_and_say_so(kind: type[RiskModel]) -> None:
    broken = kind.model_validate(small_model().model_dump())
    answers = classify(FRAME, Served("hebei", broken, "7"), load_rules("hebei"))
    by_rules = classify_frame(FRAME, None, load_rules("hebei"))
    assert [a.model_copy(update={"fallback": None, "fallback_code": None}) for a in answers] == by_rules
    assert {a.fallback_code for a in answers} == {"model_error"}
    assert {a.source for a in answers} == {"rules"}
    assert len({a.fallback for a in answers}) == 1
    assert broken.version in str(answers[0].fallback)
    assert "Zhang San" not in str(answers[0].fallback)


def test_rows_without_a_finite_margin_get_the_rules_and_the_others_the_model() -> None:
    partly = SometimesNaN.model_validate(small_model().model_dump())
    lost = FRAME["years_operating"].to_numpy() > 12
    assert 0 < lost.sum() < len(lost)
    answers = classify(FRAME, Served("hebei", partly, "7"), load_rules("hebei"))
    assert [a.source for a in answers] == ["rules" if gone else "model" for gone in lost]
    assert [a.enterprise_id for a in answers] == list(FRAME.index.get_level_values("enterprise_id"))
    assert all("no finite margin" in str(a.fallback) for a, gone in zip(answers, lost, strict=True) if gone)


def test_a_booster_full_of_nan_never_gives_a_nan_score() -> None:
    text = re.sub(r"leaf_value=.*", lambda m: re.sub(r"[-\d.e]+(?= |$)", "nan", m[0]), small_model().booster_text)
    answers = classify(FRAME, Served("hebei", changed(booster_text=text), "7"), load_rules("hebei"))
    assert {a.source for a in answers} == {"rules"}
    assert all(a.score == a.score for a in answers)


@pytest.mark.parametrize("text", ["", "no booster", "tree\nversion=v4\n"])
def test_a_corrupt_booster_lets_the_rules_answer(text: str) -> None:
    answers = classify(FRAME, Served("hebei", changed(booster_text=text), "7"), load_rules("hebei"))
    assert {a.source for a in answers} == {"rules"}
    assert all(a.fallback for a in answers)


def test_without_a_model_the_reason_is_given_with_every_answer() -> None:
    answers = classify(FRAME, Served("hebei", why="no approved model"), load_rules("hebei"))
    assert {(a.source, a.fallback) for a in answers} == {("rules", "no approved model")}


def test_an_empty_frame_has_no_answers() -> None:
    assert classify(FRAME.iloc[:0], Served("hebei", small_model(), "7"), load_rules("hebei")) == []
    assert classify(FRAME.iloc[:0], Served("hebei"), load_rules("hebei")) == []


@pytest.fixture
def policies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the policies that a test may change, with a second whole province."""
    root = tmp_path / "policies"
    shutil.copytree(policy_root(), root)
    shutil.copytree(root / "hebei", root / "hubei")
    monkeypatch.setattr("features.policy.policy_root", lambda: root)
    return root


def test_a_model_of_another_province_is_not_served(world: World, policies: Path) -> None:
    world.approve("1")
    assert State(world.settings).snapshot.served.model is not None
    other = State(world.settings.model_copy(update={"province": "hubei"})).snapshot.served
    assert (other.model, other.why) == (None, NO_MODEL)


def test_a_version_approved_for_one_province_leaves_the_service_of_another_as_it_was(world: World) -> None:
    world.approve("1")
    state = State(world.settings)
    assert state.snapshot.served.version == "1"
    world.approve("3")
    served = state.refresh(force=True).served
    assert served.model is not None
    assert (served.version, served.model.province) == ("1", "hebei")
    served = State(world.settings.model_copy(update={"province": "henan"})).snapshot.served
    assert served.model is not None
    assert (served.version, served.model.province) == ("3", "henan")


@pytest.mark.parametrize("name", POLICIES)
def test_a_policy_changed_since_the_sign_off_lets_the_rules_answer_and_says_so(
    world: World, policies: Path, name: str
) -> None:
    world.approve("1")
    state = State(world.settings)
    assert state.snapshot.served.model is not None
    signed = load_rules("hebei").version
    with (policies / "hebei" / f"{name}.toml").open("a", encoding="utf-8") as file:
        file.write("# decided anew\n")
    snapshot = state.refresh()
    assert snapshot.served.model is None
    assert snapshot.served.why == "approved version 1 was signed under other policies than hold now"
    assert (snapshot.table is None) == (name in ("cohort", "features", "outcomes"))
    if snapshot.table is None:
        assert "other policies" in snapshot.no_table
    (one,) = classify(world.frame.iloc[:1], snapshot.served, snapshot.rules)
    assert (one.source, one.fallback) == ("rules", snapshot.served.why)
    assert one.versions["policy"] == load_rules("hebei").version != signed


def test_rules_and_model_are_of_one_state_of_the_policies_even_when_they_change_while_they_are_read(
    world: World, policies: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read before the change and hashed after it, they would let a model answer under rules it was not signed with."""
    world.approve("1")
    state = State(world.settings)
    path = policies / "hebei" / "determinations.toml"
    signed = path.read_bytes()
    path.write_bytes(signed + b"# decided anew\n")
    state.refresh()
    reads = []

    def read_while_the_signed_file_comes_back(province: str) -> ProvinceRules:
        rules = load_rules(province)
        reads.append(rules.version)
        path.write_bytes(signed)
        return rules

    monkeypatch.setattr(snapshots, "load_rules", read_while_the_signed_file_comes_back)
    snapshot = state.refresh(force=True)
    assert snapshot.served.model is not None
    assert snapshot.rules.version == load_rules("hebei").version == reads[-1] != reads[0]
    changes = iter(range(100))

    def read_while_it_is_written(province: str) -> ProvinceRules:
        rules = load_rules(province)
        path.write_bytes(signed + f"# {next(changes)}\n".encode())
        return rules

    monkeypatch.setattr(snapshots, "load_rules", read_while_it_is_written)
    snapshot = state.refresh(force=True)
    assert snapshot.served.why == "approved version 1 was signed under other policies than hold now"
    assert snapshot.rules.version == reads[-1]


def test_a_province_without_all_its_policies_cannot_be_served(world: World, policies: Path) -> None:
    (policies / "hubei" / "features.toml").unlink()
    half = world.settings.model_copy(update={"province": "hubei"})
    for start in (State, check):
        with pytest.raises(ConfigError, match=r"'hubei' can't be served: no policy 'features'"):
            start(half)


def test_policies_that_break_while_serving_are_503_and_name_no_file(world: World, policies: Path) -> None:
    rules = load_rules("hebei")
    (policies / "hebei" / "features.toml").unlink()
    item = Item(enterprise_id="E1", cutoff="2026-01-01", record={"tables": {"penalties": []}})
    with pytest.raises(RequestError, match="can't answer just now") as told:
        answer([item], Snapshot(Served("hebei"), rules, None, ""))
    assert told.value.status == 503
    assert "/" not in str(told.value.as_dict())


def test_what_a_caller_is_told_of_a_broken_record_or_table_names_no_folder(world: World, tmp_path: Path) -> None:
    world.approve("1")
    path = approval.record_path(here())
    before = path.read_bytes()
    try:
        path.write_bytes(before.replace(b"ok", b"ko", 1))
        state = State(world.settings.model_copy(update={"table": tmp_path / "table.parquet"}))
    finally:
        path.write_bytes(before)
    assert state.snapshot.served.why.endswith("the approval record was changed: its hashes don't chain")
    assert state.snapshot.no_table == "indicator table table.parquet does not exist; write it with `fenlei features`"


def item(enterprise: str = "E1", cutoff: str = "2026-01-01", **tables: Any) -> Item:
    """A question by record that knows enough for any class, with the given rows."""
    return Item(enterprise_id=enterprise, cutoff=cutoff, record={"tables": all_tables(enterprise) | tables})


def all_tables(enterprise: str) -> dict[str, list[dict[str, Any]]]:
    """Every table, empty but for the entry in the register that says that the enterprise exists."""
    entry = {
        "record_id": f"r-{enterprise}", "occurred_at": "2015-03-01", "known_at": "2015-03-09", "name": "n",
        "enterprise_type": "limited_company", "status": "active",
    }  # fmt: skip
    return {name: [] for name in TABLES} | {"registration": [entry]}


def penalty(**changed: Any) -> dict[str, Any]:
    return {"record_id": "p1", "occurred_at": "2025-03-01", "known_at": "2025-03-09", "penalty_kinds": "fine"} | changed


def asked(*items: Item) -> list[Result]:
    return answer(items, Snapshot(Served("hebei"), load_rules("hebei"), None, ""), top=99)


def test_rows_that_stand_twice_count_once() -> None:
    (once,), (twice,) = asked(item(penalties=[penalty()])), asked(item(penalties=[penalty(), penalty()]))
    assert once == twice


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ({"fine_fen": 7}, "fine_fen"),
        ({"record_id": "p2", "known_at": "2025-02-28"}, "known_at"),
        ({"record_id": "p2", "enterprise_id": "E2"}, "enterprise_id"),
        ({"record_id": "p2;p3"}, "record_id"),
        ({"record_id": " "}, "record_id"),
    ],
)
def test_rows_that_break_the_contract_together_are_422_and_named(row: dict[str, int | str], column: str) -> None:
    with pytest.raises(RequestError) as told:
        asked(item(), item("E9", penalties=[penalty(record_id="q"), penalty(), penalty(**row)]))
    assert told.value.status == 422
    (problem,) = told.value.problems
    assert problem.where == f"items[1].record.tables.penalties[2].{column}"


def test_two_enterprises_that_share_a_record_id_are_refused() -> None:
    with pytest.raises(RequestError, match="share a record_id"):
        asked(item("E1", penalties=[penalty()]), item("E2", penalties=[penalty(version=2)]))


def test_one_enterprise_at_two_moments_is_answered_as_if_asked_twice() -> None:
    one = item("E1", "2026-01-01", penalties=[penalty()])
    other = item(
        "E1", "2025-02-01", penalties=[penalty(record_id="p0", occurred_at="2025-01-01", known_at="2025-01-02")]
    )
    assert asked(one, other) == [*asked(one), *asked(other)]


def test_records_with_different_coverage_are_answered_as_if_asked_one_by_one() -> None:
    items = [
        Item(enterprise_id=f"E{i}", cutoff="2026-01-01", record={
            "tables": all_tables(f"E{i}"), "covers_from": {"penalties": f"202{i}-01-01"}
        })
        for i in range(4)
    ]  # fmt: skip
    assert asked(*items) == [asked(one)[0] for one in items]


def test_an_enterprise_that_the_given_register_does_not_have_is_unknown_and_no_low_risk() -> None:
    for register in ([], [all_tables("E1")["registration"][0] | {"known_at": "2026-01-01"}]):
        (found,) = asked(item(registration=register))
        assert isinstance(found, Lost)
        assert found.status == 422
        assert "a registration known before the cut-off: without one the enterprise is unknown" in found.what


@pytest.mark.parametrize(
    "known", [{"indicators": {}}, {"record": {"tables": {}}}, {"record": {"tables": {"honours": []}}}]
)
def test_nothing_known_is_no_low_risk(known: dict[str, Any]) -> None:
    (found,) = asked(Item(enterprise_id="E1", cutoff="2026-01-01", **known))
    assert isinstance(found, Lost)
    assert found.status == 422
    assert found.what.startswith("insufficient")


@pytest.mark.parametrize("evidence", [";", "penalties:a;penalties:b", " ", "a;"])
def test_evidence_is_one_record_each(evidence: str) -> None:
    with pytest.raises(ValueError, match="evidence_H13_1"):
        Item(enterprise_id="E1", cutoff="2026-01-01", indicators={}, evidence={"evidence_H13_1": [evidence]})


@pytest.mark.parametrize("value", [1e300, -1e300, float("inf"), float("nan")])
def test_an_absurd_value_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="penalties_3y"):
        Item(enterprise_id="E1", cutoff="2026-01-01", indicators={"penalties_3y": value})


def test_work_whose_time_is_over_is_not_begun() -> None:
    with pytest.raises(RequestError, match="no answer in time") as told:
        answer([item()], Snapshot(Served("hebei"), load_rules("hebei"), None, ""), until=time.monotonic() - 1)
    assert told.value.status == 504


def test_a_light_call_is_answered_while_heavy_ones_wait(world: World) -> None:
    """Four heavy calls fill their lane; a single record goes past them, and what is too late is not done at all."""
    runtime = Runtime(world.settings.model_copy(update={"timeout": 30.0}))
    heavy = {
        "items": [
            {"enterprise_id": f"E{i}", "cutoff": "2026-01-01", "record": {
                "tables": {"penalties": [penalty(record_id=f"{i}-{k}") for k in range(100)]},
                "covers_from": {"penalties": f"20{i % 20:02}-01-{i % 28 + 1:02}"},
            }}
            for i in range(150)
        ]
    }  # fmt: skip
    light = {"enterprise_id": "E1", "cutoff": "2026-01-01", "record": {"tables": all_tables("E1")}}
    order: list[str] = []

    async def ask(name: str, body: dict[str, Any]) -> int:
        status, _ = await runtime.classify(json.dumps(body).encode(), Call("/classify"))
        order.append(name)
        return status

    async def all_at_once() -> list[int]:
        return await asyncio.gather(*(ask("heavy", heavy) for _ in range(4)), ask("light", light))

    assert runtime.state.snapshot
    assert asyncio.run(all_at_once()) == [200] * 5
    assert order.index("light") < 3
    late = Runtime(world.settings.model_copy(update={"timeout": 1e-9}))
    assert asyncio.run(late.classify(json.dumps(light).encode(), Call("/classify")))[0] == 504


@pytest.mark.parametrize(
    ("limit", "named"), [("max_records", "2 records, at most 1"), ("max_rows", "2 rows, at most 1")]
)
def test_more_records_or_rows_than_the_limit_are_422_naming_it(world: World, limit: str, named: str) -> None:
    runtime = Runtime(world.settings.model_copy(update={limit: 1}))
    body = {
        "items": [
            {"enterprise_id": f"E{i}", "cutoff": "2026-01-01", "record": {"tables": {"penalties": [penalty()]}}}
            for i in range(2)
        ]
    }
    status, reply = asyncio.run(runtime.classify(json.dumps(body).encode(), Call("/classify")))
    assert status == 422
    assert named in reply.decode()


def test_a_table_that_does_not_fit_is_said_and_the_service_goes_on(world: World, tmp_path: Path) -> None:
    for content, message in [(None, "does not exist"), (b"", "is no indicator table"), (b"PAR1 x", "is no indicator")]:
        path = tmp_path / "table.parquet"
        if content is not None:
            path.write_bytes(content)
        snapshot = State(world.settings.model_copy(update={"table": path})).snapshot
        assert snapshot.table is None
        assert message in snapshot.no_table


def test_a_new_table_is_seen_at_the_next_look(world: World, tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    state = State(world.settings.model_copy(update={"table": path}))
    assert state.snapshot.table is None
    assert world.settings.table is not None
    path.write_bytes(world.settings.table.read_bytes())
    table = state.refresh().table
    assert isinstance(table, CurrentTable)
    assert table.rows == len(world.frame)
    assert state.refresh().table is table


def test_settings_come_from_the_environment_and_a_wrong_one_is_named(tmp_path: Path) -> None:
    settings = Settings(province="hebei", table=tmp_path / "t.parquet", max_items=5)
    assert Settings.from_env(settings.as_env()).max_items == 5
    assert Settings.from_env(settings.as_env()).table == tmp_path / "t.parquet"
    with pytest.raises(ConfigError, match="FENLEI_MAX_ITEMS"):
        Settings.from_env({"FENLEI_MAX_ITEMS": "many"})


def test_a_large_amount_far_down_a_long_record_is_read_exactly() -> None:
    fines = [100] * 2500
    fines.insert(2499, 10**13)  # where DuckDB's own guess of the type does not look
    penalties = [
        {
            "record_id": f"p{i}",
            "occurred_at": "2025-03-01",
            "known_at": "2025-03-09",
            "fine_fen": f,
            "penalty_kinds": "fine",
        }
        for i, f in enumerate(fines)
    ]
    (found,) = asked(item(penalties=penalties))
    assert isinstance(found, Classification)
    assert "fines_3y" not in found.missing
    computed = indicators_of([Record("E1", date(2026, 1, 1), {"penalties": penalties})], HEBEI)
    assert computed["fines_3y"].item() == sum(fines)


def test_one_request_sees_one_set_of_rules_and_rules_that_break_go_on_as_they_were(
    world: World, policies: Path
) -> None:
    state = State(world.settings)
    first = state.snapshot
    bands = policies / "hebei" / "bands.toml"
    with bands.open("a", encoding="utf-8") as file:
        file.write("# decided anew\n")
    (old,) = classify(world.frame.iloc[:1], first.served, first.rules)
    assert old.versions["policy"] == first.rules.version
    second = state.refresh()
    assert second.rules.version == load_rules("hebei").version != first.rules.version
    bands.write_text("no rules", encoding="utf-8")
    assert state.refresh().rules == second.rules


def test_a_month_that_is_too_old_by_policy_is_answered_by_the_rules_and_says_so(world: World) -> None:
    table = State(world.settings).snapshot.table
    served, known = Served("hebei", world.model(), "1", "", None), world.frame.index[0][0]
    for months, expected in ((1, ("rules", "table_too_old")), (None, ("model", None))):
        snapshot = Snapshot(served, load_rules("hebei"), table, "", ServingPolicy(table_months=months))
        (found,) = answer([Item(enterprise_id=known)], snapshot)
        assert isinstance(found, Classification)
        assert (found.source, found.fallback_code) == expected


def test_a_month_that_cannot_be_used_leaves_the_one_before_in_place_and_is_told(world: World, tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    assert world.settings.table is not None
    path.write_bytes(world.settings.table.read_bytes())
    state = State(world.settings.model_copy(update={"table": path}))
    before = state.snapshot.table
    assert before is not None
    path.write_bytes(b"PAR1 cut short")
    for _ in range(2):
        held = state.refresh()
        assert held.table is before
        assert "is no indicator table" in held.no_table
    assert before.rows_at([0]).enterprises == [world.frame.index[0][0]]
    path.write_bytes(world.settings.table.read_bytes())
    again = state.refresh()
    assert again.table is not before
    assert again.no_table == ""
