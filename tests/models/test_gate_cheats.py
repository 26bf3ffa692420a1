"""Whoever can write to MLflow, but can't make two people sign, gets no broken version past the gate."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mlflow.exceptions import MlflowException

from features.policy import policy_root
from helpers.here import here
from helpers.signing import ON, People, judged, register, study
from models.learning.learner import bands_of
from models.scoring.calibrators import Platt
from models.scoring.risk_model import RiskModel
from models.signoff import approval, gate
from models.signoff.errors import ApprovalError
from models.study.experiment import Bands
from models.tracking import artifacts, runs, versions
from models.tracking.names import LEGACY

pytestmark = pytest.mark.usefixtures("signers")


def finding(version: str, check: str) -> gate.Finding:
    (found,) = (f for f in gate.examine(here(), version).findings if f.check == check)
    return found


def deleted(version: str, tag: str) -> None:
    runs.client(here()).delete_model_version_tag(LEGACY, version, tag)


def rewritten(version: str, tag: str, value: str) -> None:
    runs.client(here()).set_model_version_tag(LEGACY, version, tag, value)


def evaluation_of(version: str) -> Path:
    file = versions.artifact(here(), versions.run_id(here(), version), artifacts.EVALUATION)
    assert file is not None
    return file


def swapped(version: str) -> RiskModel:
    """Write a model that says half the risk, and is otherwise whole and valid, over a version's files."""
    folder = versions.bundle(here(), version)
    model = RiskModel.load(folder).model_copy(update={"calibrator": halved(study()[2])})
    model.save(folder)
    return model


def halved(model: RiskModel) -> Platt:
    assert isinstance(model.calibrator, Platt)
    return model.calibrator.model_copy(update={"intercept": model.calibrator.intercept - np.log(2)})


@pytest.mark.parametrize("how", ["tag deleted", "tag rewritten"])
def test_a_broken_contract_is_not_mended_by_editing_its_file_and_the_hash_of_it(
    store: Path, signers: People, how: str
) -> None:
    version = register(store, evaluation=judged("fail", why="size micro: calibration slope 0.7"))
    file = evaluation_of(version)
    file.write_text(json.dumps(judged()), encoding="utf-8")
    if how == "tag deleted":
        deleted(version, "evaluation_hash")
    else:
        rewritten(version, "evaluation_hash", artifacts.file_hash(file))
    found = finding(version, "inputs")
    assert found.verdict == "fail"
    assert "evaluation_hash" in found.why
    with pytest.raises(approval.GateRefused, match="inputs"):
        approval.propose(here(), version, "as good as new", key=signers.keys["li"], on=ON, accept_unknown="I say so")


def test_frozen_distributions_edited_before_the_signature_are_seen(store: Path) -> None:
    version = register(store)
    file = versions.artifact(here(), versions.run_id(here(), version), artifacts.FROZEN)
    assert file is not None
    file.write_text('{"score": 1}', encoding="utf-8")
    found = finding(version, "inputs")
    assert found.verdict == "fail"
    assert "frozen_hash of frozen.json" in found.why


@pytest.mark.parametrize("bundle", ["kept", "deleted", "rewritten"])
@pytest.mark.parametrize("content", ["kept", "deleted", "rewritten"])
def test_a_swapped_calibrator_is_seen_whatever_is_done_to_the_hashes_of_the_model(
    store: Path, bundle: str, content: str
) -> None:
    version = register(store)
    run, model = versions.run_id(here(), version), swapped(version)
    if bundle == "deleted":
        deleted(version, "bundle_hash")
    elif bundle == "rewritten":
        rewritten(version, "bundle_hash", artifacts.bundle_hash(versions.bundle(here(), version)))
    if content == "deleted":
        runs.client(here()).delete_tag(run, "model_hash")
        deleted(version, "model_hash")
    elif content == "rewritten":
        runs.log(here(), run, tags={"model_hash": model.content_hash})
        rewritten(version, "model_hash", model.content_hash)
    assert finding(version, "files").verdict == "fail"


@pytest.mark.parametrize(
    "name", ["bundle_hash", "model_hash", "evaluation_hash", "frozen_hash", "inputs_hash", "data_hash"]
)
def test_mlflow_lets_nobody_change_a_hash_that_the_run_was_logged_with(store: Path, name: str) -> None:
    run = versions.run_id(here(), register(store))
    said = runs.get_run(here(), run).data.params[name]
    with pytest.raises(MlflowException, match="Changing param values is not allowed"), runs.quiet():
        runs.client(here()).log_param(run, name, "0" * 64)
    assert runs.get_run(here(), run).data.params[name] == said


@pytest.mark.parametrize(
    ("check", "name"), [("files", "bundle_hash"), ("inputs", "evaluation_hash"), ("inputs", "frozen_hash")]
)
def test_a_version_whose_run_does_not_state_a_hash_is_to_be_trained_again(store: Path, check: str, name: str) -> None:
    """As one trained before runs stated it, or one whose run lost it in the database itself."""
    version = register(store)
    with sqlite3.connect(store / "mlflow.db") as database:
        assert database.execute("DELETE FROM params WHERE key = ?", (name,)).rowcount == 1
    found = finding(version, check)
    assert found.verdict == "fail"
    assert f"its run states no {name}" in found.why
    assert "train it again" in found.why


def test_a_promise_rewritten_in_the_study_is_seen(store: Path) -> None:
    """The study's own rates would be what its classes are judged by, and no policy file changes."""
    experiment, _, model = study()
    easy = experiment.model_copy(update={"bands": Bands(rates=(0.01, 0.02, 0.03))})
    found = finding(register(store, model=model.model_copy(update={"bands": bands_of(easy)})), "inputs")
    assert found.verdict == "fail"
    assert "rates (0.01, 0.02, 0.03), the province's (0.09, 0.18, 0.35)" in found.why


@pytest.mark.parametrize("name", ["contract", "drift", "groups", "sampling"])
def test_a_policy_loosened_for_the_training_and_restored_after_it_is_seen(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    root = tmp_path / "policies"
    shutil.copytree(policy_root(), root)
    file = root / "hebei" / f"{name}.toml"
    strict = file.read_text(encoding="utf-8")
    with monkeypatch.context() as loosened:
        loosened.setattr("features.policy.policy_root", lambda: root)
        file.write_text(strict.replace("slope = [0.9, 1.1]", "slope = [0.1, 9.0]") + "# loose\n", encoding="utf-8")
        version = register(store, evaluation=judged())
    found = finding(version, "inputs")
    assert found.verdict == "fail"
    assert f"judged by another {name}.toml than today's" in found.why


def test_a_file_that_does_not_say_what_it_was_judged_by_is_not_taken(store: Path) -> None:
    found = finding(register(store, evaluation={**judged(), "policies": {}}), "inputs")
    assert found.verdict == "fail"
    assert "does not say which contract.toml" in found.why


def test_the_contract_is_held_against_the_model_itself_and_not_only_against_its_file(store: Path) -> None:
    """A model with half the risks, all of whose hashes are right, beside the evaluation of the true one."""
    _, _, model = study()
    version = register(store, model=model.model_copy(update={"calibrator": halved(model)}))
    found = gate.examine(here(), version)
    assert {found.verdicts[check] for check in ("files", "inputs", "retrained")} == {"pass"}
    assert found.verdicts["bands"] == "fail"
    assert "calibration_error of everyone is fail, evaluation.json says pass" in found.not_passed()


def turned(checks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**checks[0], "verdict": "cannot tell"}, *checks[1:]]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (turned, "evaluation.json says cannot tell"),
        (lambda checks: checks[1:], "evaluation.json says nothing"),
        (lambda checks: [], "evaluation.json says nothing"),
        (lambda checks: [*checks, {**checks[0], "subject": "X<Y"}], "rise of X<Y"),
    ],
)
def test_checks_that_the_logged_visits_do_not_give_are_seen(
    store: Path, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]], says: str
) -> None:
    contract = judged()["band_contract"]
    forged = {**judged(), "band_contract": {**contract, "checks": change(contract["checks"])}}
    found = finding(register(store, evaluation=forged), "bands")
    assert found.verdict == "fail"
    assert says in found.why


def test_a_verdict_better_than_the_checks_it_rests_on_is_seen(store: Path) -> None:
    told = judged("fail", why="size micro: calibration slope 0.7")
    forged = {**told, "band_contract": {**told["band_contract"], "verdict": "pass"}}
    found = finding(register(store, evaluation=forged), "bands")
    assert (found.verdict, "its checks come to fail" in found.why) == ("fail", True)


def test_another_contract_under_another_library_is_no_verdict(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, _, model = study()
    version = register(store, model=model.model_copy(update={"calibrator": halved(model)}))
    monkeypatch.setattr("models.signoff.checks.computing", lambda: {"numpy": "9.9"})
    found = finding(version, "bands")
    assert found.verdict == "cannot tell"
    assert "here 9.9" in found.why


@pytest.mark.parametrize("how", ["deleted", "purged"])
def test_a_version_whose_run_is_gone_is_named_with_its_run(store: Path, how: str) -> None:
    version = register(store)
    run = versions.run_id(here(), version)
    runs.client(here()).delete_run(run)
    if how == "purged":
        # What `mlflow gc` does, whose module takes seconds to import.
        with sqlite3.connect(store / "mlflow.db") as database:
            assert database.execute("DELETE FROM runs WHERE run_uuid = ?", (run,)).rowcount == 1
    with pytest.raises(ApprovalError, match=f"run {run} of version {version} "):
        gate.examine(here(), version)
