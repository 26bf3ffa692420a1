"""Verbs of a city's map, and a place's own policies on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from features import policy
from fenlei.cli import app
from helpers.city import MAP, call, visit, write_city
from helpers.place import PLACE, write_place

RUN = CliRunner()
VISITS = [visit("1", "03/14/2022", "Y"), visit("1", "09/02/2022"), visit("2", "2022-03-20")]


@pytest.fixture(autouse=True)
def no_policies_are_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "_chosen", [])


def test_a_trial_is_printed_with_rules_months_and_cells_that_cannot_be_read(tmp_path: Path) -> None:
    city = write_city(tmp_path, VISITS, [call("c1", "1 Elm St", "2022-06-10")])
    found = RUN.invoke(app, ["map", "try", str(city), "--data", str(tmp_path), "--province", "hebei"])
    assert found.exit_code == 0, found.output
    for said in ("2022-03", "100.0%", "score", "column DAY, row 3: expected a day written %m/%d/%Y", "score_mean_12m"):
        assert said in " ".join(found.output.split())
    found = RUN.invoke(app, ["map", "try", str(city), "--data", str(tmp_path), "--json"])
    told = json.loads(found.stdout)
    assert told["records"] == {"events": 1, "inspections": 2, "measures": 4, "registration": 1}
    assert told["report"]["faults"] == [
        {"file": "inspections.csv", "column": "DAY", "expected": "a day written %m/%d/%Y", "cells": 1, "rows": [3]}
    ]
    assert "violations" not in told["months"][0]  # no province says what the codes mean
    assert sorted(p.name for p in tmp_path.iterdir()) == ["calls.csv", "city.toml", "closures.csv", "inspections.csv"]


def test_a_draft_is_printed(tmp_path: Path) -> None:
    write_city(tmp_path, VISITS)
    found = RUN.invoke(app, ["map", "draft", str(tmp_path)])
    assert found.exit_code == 0
    assert 'path = "inspections.csv"' in found.stdout


def test_a_places_indicators_are_shown_with_its_own_policies_and_without_naming_it(tmp_path: Path) -> None:
    root = write_place(tmp_path / "policies")
    found = RUN.invoke(app, ["--policies", str(root), "indicators", "x1_mean_6m"])
    assert found.exit_code == 0, found.output
    assert "近6个月检查得分均值" in found.stdout
    found = RUN.invoke(app, ["--policies", str(root), "indicators", "--json"])
    assert {"x1_last", "x3_count_6m", "x3_days_most"} <= {i["name"] for i in json.loads(found.stdout)}


def test_of_several_places_one_must_be_named(tmp_path: Path) -> None:
    root = write_place(tmp_path / "policies")
    (root / "other").mkdir()
    (root / "other" / "gate.toml").write_text("", encoding="utf-8")
    found = RUN.invoke(app, ["--policies", str(root), "indicators"])
    assert isinstance(found.exception, Exception)
    assert f"say --province; it has policies of other, {PLACE}" in str(found.exception)


def test_a_folder_without_policies_is_refused(tmp_path: Path) -> None:
    found = RUN.invoke(app, ["--policies", str(tmp_path), "indicators"])
    assert "expected a folder with policies of places" in str(found.exception)


def test_a_map_with_a_wrong_key_is_refused(tmp_path: Path) -> None:
    city = write_city(tmp_path, VISITS, text=MAP.replace("prefix =", "prefx ="))
    found = RUN.invoke(app, ["map", "try", str(city), "--data", str(tmp_path)])
    assert "did you mean prefix?" in str(found.exception)
