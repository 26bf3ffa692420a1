"""Whatever the model does, every enterprise gets an answer that says who gave it."""

from __future__ import annotations

import re
from datetime import date

import numpy as np
import pytest

from features.policy import policy_root
from features.record import Record, indicators_of
from helpers.small_model import model as small_model
from helpers.small_model import rows
from models.classification import Classification
from models.classify import classify_frame
from models.errors import ModelError
from models.risk_model import RiskModel
from serving.answer import answer
from serving.classify import Served, classify
from serving.requests import Item
from serving.settings import ConfigError, Settings
from serving.state import Snapshot, State
from serving.table import CurrentTable

FRAME = rows(40, seed=9)[0]


def changed(**fields: object) -> RiskModel:
    return RiskModel.model_validate(small_model().model_dump() | fields)


class Raises(RiskModel):
    """A model whose prediction fails in an unforeseen way."""

    def margin(self, X):
        raise MemoryError("E000001 Zhang San")


class Refuses(RiskModel):
    """A model that says it can't answer."""

    def margin(self, X):
        raise ModelError("not today")


class SometimesNaN(RiskModel):
    """A model without an answer for a few rows."""

    def margin(self, X):
        found = super().margin(X)
        return np.where(X[:, 1] > 12, np.nan, found)


def test_a_good_model_answers_and_its_registered_version_is_named():
    answers = classify(FRAME, Served("hebei", small_model(), "7"))
    plain = classify_frame(FRAME, small_model(), "hebei")
    assert {a.source for a in answers} == {"model"}
    assert [a.model_copy(update={"versions": p.versions}) for a, p in zip(answers, plain, strict=True)] == plain
    assert {a.versions["registered"] for a in answers} == {"7"}


@pytest.mark.parametrize("kind", [Raises, Refuses])
def test_when_the_model_fails_the_rules_answer_everyone_and_say_so(kind):
    broken = kind.model_validate(small_model().model_dump())
    answers = classify(FRAME, Served("hebei", broken, "7"))
    by_rules = classify_frame(FRAME, None, "hebei")
    assert [a.model_copy(update={"fallback": None}) for a in answers] == by_rules
    assert {a.source for a in answers} == {"rules"}
    assert len({a.fallback for a in answers}) == 1
    assert broken.version in str(answers[0].fallback)
    assert "Zhang San" not in str(answers[0].fallback)


def test_rows_without_a_finite_margin_get_the_rules_and_the_others_the_model():
    partly = SometimesNaN.model_validate(small_model().model_dump())
    lost = FRAME["years_operating"].to_numpy() > 12
    assert 0 < lost.sum() < len(lost)
    answers = classify(FRAME, Served("hebei", partly, "7"))
    assert [a.source for a in answers] == ["rules" if gone else "model" for gone in lost]
    assert [a.enterprise_id for a in answers] == list(FRAME.index.get_level_values("enterprise_id"))
    assert all("no finite margin" in str(a.fallback) for a, gone in zip(answers, lost, strict=True) if gone)


def test_a_booster_full_of_nan_never_gives_a_nan_score():
    text = re.sub(r"leaf_value=.*", lambda m: re.sub(r"[-\d.e]+(?= |$)", "nan", m[0]), small_model().booster_text)
    answers = classify(FRAME, Served("hebei", changed(booster_text=text), "7"))
    assert {a.source for a in answers} == {"rules"}
    assert all(a.score == a.score for a in answers)


@pytest.mark.parametrize("text", ["", "no booster", "tree\nversion=v4\n"])
def test_a_corrupt_booster_lets_the_rules_answer(text):
    answers = classify(FRAME, Served("hebei", changed(booster_text=text), "7"))
    assert {a.source for a in answers} == {"rules"}
    assert all(a.fallback for a in answers)


def test_without_a_model_the_reason_is_given_with_every_answer():
    answers = classify(FRAME, Served("hebei", why="no approved model"))
    assert {(a.source, a.fallback) for a in answers} == {("rules", "no approved model")}


def test_an_empty_frame_has_no_answers():
    assert classify(FRAME.iloc[:0], Served("hebei", small_model(), "7")) == []
    assert classify(FRAME.iloc[:0], Served("hebei")) == []


def test_a_model_of_another_province_or_catalogue_is_not_served(world, tmp_path):
    world.approve("1")
    assert State(world.settings).snapshot.served.model is not None
    other = State(world.settings.model_copy(update={"province": "henan"})).snapshot.served
    assert (policy_root() / "henan" / "bands.toml").is_file()
    assert other.model is None
    assert other.why == "approved version 1 is of hebei, not of henan"


def test_a_table_that_does_not_fit_is_said_and_the_service_goes_on(world, tmp_path):
    for content, message in [(None, "does not exist"), (b"", "is no indicator table"), (b"PAR1 x", "is no indicator")]:
        path = tmp_path / "table.parquet"
        if content is not None:
            path.write_bytes(content)
        snapshot = State(world.settings.model_copy(update={"table": path})).snapshot
        assert snapshot.table is None
        assert message in snapshot.no_table


def test_a_new_table_is_seen_at_the_next_look(world, tmp_path):
    path = tmp_path / "table.parquet"
    state = State(world.settings.model_copy(update={"table": path}))
    assert state.snapshot.table is None
    path.write_bytes(world.settings.table.read_bytes())
    table = state.refresh().table
    assert isinstance(table, CurrentTable)
    assert table.rows == len(world.frame)
    assert state.refresh().table is table


def test_settings_come_from_the_environment_and_a_wrong_one_is_named(tmp_path):
    settings = Settings(table=tmp_path / "t.parquet", max_items=5)
    assert Settings.from_env(settings.as_env()).max_items == 5
    assert Settings.from_env(settings.as_env()).table == tmp_path / "t.parquet"
    with pytest.raises(ConfigError, match="FENLEI_MAX_ITEMS"):
        Settings.from_env({"FENLEI_MAX_ITEMS": "many"})


def test_a_large_amount_far_down_a_long_record_is_read_exactly():
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
    item = Item(enterprise_id="E1", cutoff="2026-01-01", record={"tables": {"penalties": penalties}})
    (found,) = answer([item], Snapshot(Served("hebei"), None, ""))
    assert isinstance(found, Classification)
    assert "fines_3y" not in found.missing
    computed = indicators_of([Record("E1", date(2026, 1, 1), {"penalties": penalties})])
    assert computed["fines_3y"].item() == sum(fines)
