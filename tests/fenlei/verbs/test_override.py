"""Overrides from the command line: two people, what is listed, what is refused, and what outcomes say."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from features.errors import FenleiError
from fenlei.cli import app
from fenlei.verbs.person import today
from helpers.signing import People, people

runner = CliRunner()
REASON = "Seen at the door: it has moved."


@pytest.fixture
def office(empty_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> People:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{empty_store}")
    monkeypatch.setenv("FENLEI_RECORDS", str(tmp_path))
    known = people(tmp_path)
    for label, roles in (("li", ("override",)), ("wang", ("override_approve",))):
        known.signers[label] = known.signers[label].model_copy(update={"roles": roles})
    known.write()
    monkeypatch.setenv("FENLEI_SIGNERS", str(known.path))
    return known


def fenlei(*arguments: str) -> Result:
    return runner.invoke(app, ["override", *arguments], catch_exceptions=False)


def refused(*arguments: str) -> str:
    with pytest.raises(FenleiError) as told:
        runner.invoke(app, ["override", *arguments], catch_exceptions=False, standalone_mode=False)
    return str(told.value)


def asked(office: People, days: int = 90) -> list[str]:
    until = (today() + timedelta(days=days)).isoformat()
    key = str(office.folder / "li.key")
    return ["propose", "E1", "D", "--instead-of", "B", "--reason", REASON, "--until", until, "--key", key]


def test_an_override_is_proposed_approved_listed_and_ended(office: People) -> None:
    li, wang = (str(office.folder / f"{name}.key") for name in ("li", "wang"))
    assert "override 0: E1 B → D, Li Na 李娜: proposed; another person approves" in fenlei(*asked(office)).output
    assert "may override" in refused("approve", "0", "--key", li)
    assert json.loads(fenlei("list", "--json").output)["in_force"] == []
    assert "approved; it holds until" in fenlei("approve", "0", "--key", wang).output
    listed = json.loads(fenlei("list", "--json").output)
    assert listed["in_force"] == [0]
    assert [line["step"] for line in listed["lines"]] == ["propose", "approve"]
    assert fenlei("list", "--head", listed["head"]).exit_code == 0
    assert "the computed class returns" in fenlei("end", "0", "--note", "it is back", "--key", li).output
    assert json.loads(fenlei("list", "--json").output)["in_force"] == []


def test_too_long_an_override_is_refused_in_one_sentence(office: People) -> None:
    assert "is longer than 365 days" in refused(*asked(office, days=400))
    assert json.loads(fenlei("list", "--json").output)["lines"] == []


def test_outcomes_of_overrides_that_nobody_visited_are_said_to_be_none(office: People, small_clean: Path) -> None:
    fenlei(*asked(office))
    fenlei("approve", "0", "--key", str(office.folder / "wang.key"))
    assert "no visit while an override held" in fenlei("evaluate", str(small_clean)).output
    assert json.loads(fenlei("evaluate", str(small_clean), "--json").output) == []
