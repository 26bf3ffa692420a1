"""Remedies, reminders and confirmations from the command line, in tables for people and JSON for programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from features.errors import FenleiError
from features.population.cohort import cohort
from features.records.store import opened
from features.scope import Scope
from fenlei.cli import app
from helpers.one_record import CUTOFF
from helpers.signing import people

runner = CliRunner()


def fenlei(*arguments: str) -> Result:
    return runner.invoke(app, list(arguments), catch_exceptions=False)


def refused(*arguments: str) -> str:
    with pytest.raises(FenleiError) as told:
        runner.invoke(app, list(arguments), catch_exceptions=False, standalone_mode=False)
    return str(told.value)


@pytest.fixture(scope="module")
def debtor(small_clean: Path) -> str:
    """An enterprise on the courts' list at the cut-off, and on no other."""
    with opened(small_clean) as store:
        ids = cohort(store, [CUTOFF], Scope("hebei"))["enterprise_id"].tolist()
        listed = store.con.execute(
            "SELECT enterprise_id FROM raw_blacklists WHERE known_at < ? GROUP BY enterprise_id "
            "HAVING bool_and(list_kind = 'judgment_debtor' AND ended_on IS NULL) ORDER BY 1",
            [CUTOFF],
        ).fetchall()
        serious = {row[0] for row in store.con.execute("SELECT enterprise_id FROM raw_serious_list").fetchall()}
    return str(next(e for (e,) in listed if e in set(ids) - serious))


def test_a_debtor_is_told_what_to_do_with_both_classes_for_the_official(small_clean: Path, debtor: str) -> None:
    asked = ("remedies", str(small_clean), debtor, "--as-of", "2026-01")
    [one] = json.loads(fenlei(*asked, "--json").output)
    assert (one["enterprise_id"], one["grade_before"]) == (debtor, "D")
    assert "perform_judgment" in {act["act"] for act in one["acts"]}
    assert one["grade_after"] < "D"
    assert any("履行生效法律文书" in zh for _, zh in one["answer"])
    shown = fenlei(*asked).output
    assert "class D" in shown
    assert "perform_judgment" in shown


def test_a_reminder_is_written_for_the_debtor_without_its_class(small_clean: Path, debtor: str) -> None:
    asked = ("remind", str(small_clean), debtor, "--as-of", "2026-01")
    found = json.loads(fenlei(*asked, "--json").output)
    assert "judgment" in {one["kind"] for one in found}
    shown = fenlei(*asked).output
    assert "申请删除" in shown
    assert "class" not in shown


def test_an_unknown_act_or_enterprise_is_named(small_clean: Path, debtor: str) -> None:
    asked = ("remedies", str(small_clean), debtor, "--as-of", "2026-01", "--act", "pay_fine")
    assert "no act 'pay_fine'; known: file_report" in refused(*asked)
    assert "no enterprise E404" in refused("remedies", str(small_clean), "E404", "--as-of", "2026-01")
    assert "no enterprise E404" in refused("remind", str(small_clean), "E404", "--as-of", "2026-01")


def test_a_report_is_confirmed_and_the_confirmation_withdrawn(
    empty_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{empty_store}")
    monkeypatch.setenv("FENLEI_RECORDS", str(tmp_path))
    known = people(tmp_path)
    known.signers["li"] = known.signers["li"].model_copy(update={"roles": ("confirm",)})
    known.write()
    asked = ("confirm", "public_opinion:P17", "--note", "checked", "--key", str(tmp_path / "li.key"))
    signers = ("--signers", str(known.path))
    assert "public_opinion:P17 confirmed by Li Na 李娜" in fenlei(*asked, *signers).output
    assert "was confirmed by Li Na" in refused(*asked, *signers)
    assert "no longer confirmed" in fenlei(*asked, "--withdraw", *signers).output
