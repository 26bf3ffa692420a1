"""The gate says pass, fail or cannot tell, and can't be talked round by moving what it looks at."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.errors import ConfigError
from features.policy import policy_root
from helpers.here import here
from helpers.signing import ON, People, judged, register, study
from models.scoring.risk_model import RiskModel
from models.signoff import approval, gate
from models.signoff import inputs as retrain
from models.signoff.approval import GateRefused
from models.signoff.errors import ApprovalError
from models.signoff.record.rules import CHECKS
from models.study.circumstances import Coding
from models.study.dataset import Dataset
from models.tracking import artifacts, runs, versions
from models.tracking.names import LEGACY, model_name

pytestmark = pytest.mark.usefixtures("signers")


def finding(version: str, check: str) -> gate.Finding:
    (found,) = (f for f in gate.examine(here(), version).findings if f.check == check)
    return found


def changed(segment: str, **outcomes: pd.Series[Any]) -> Dataset:
    """The study's dataset with other outcome columns in a segment."""
    _, dataset, _ = study()
    part = dataset.parts[segment]
    parts = {**dataset.parts, segment: replace(part, outcomes=part.outcomes.assign(**outcomes))}
    return replace(dataset, parts=parts)


def test_an_honest_version_passes_every_check(store: Path) -> None:
    said: list[str] = []
    found = gate.examine(here(), register(store), said.append)
    assert list(found.verdicts) == list(CHECKS)
    assert (found.verdict, found.not_passed()) == ("pass", "")
    assert len(said) == len(CHECKS) + 1


def test_files_swapped_before_the_proposal_are_seen(store: Path) -> None:
    version = register(store)
    folder = versions.bundle(here(), version)
    RiskModel.load(folder).model_copy(update={"arm": "another"}).save(folder)
    found = finding(version, "files")
    assert found.verdict == "fail"
    assert re.search(r"bundle_hash of its files is \w+…, its run states \w+…; .* the version states", found.why)


def test_files_swapped_with_their_registered_hash_are_not_the_model_that_was_measured(store: Path) -> None:
    version = register(store)
    folder = versions.bundle(here(), version)
    RiskModel.load(folder).model_copy(update={"arm": "another"}).save(folder)
    digest = artifacts.bundle_hash(folder)
    runs.client(here()).set_model_version_tag(LEGACY, version, "bundle_hash", digest)
    found = finding(version, "files")
    assert found.verdict == "fail"
    assert "bundle_hash of its files" in found.why
    assert "model_hash of the model in them" in found.why


@pytest.mark.parametrize("name", ["data_hash", "catalogue_hash", "policy_hash", "experiment_hash"])
def test_a_hash_of_the_version_that_is_not_its_runs_is_seen(store: Path, name: str) -> None:
    version = register(store)
    runs.client(here()).set_model_version_tag(LEGACY, version, name, "0" * 64)
    found = finding(version, "inputs")
    assert found.verdict == "fail"
    assert re.search(rf"{name} of .* is \w+…, the version states 000000000000…", found.why)


def test_a_model_of_another_catalogue_or_other_policies_is_seen(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, model = study()
    version = register(store, model=model.model_copy(update={"catalogue_hash": "0" * 64}))
    assert "catalogue of indicators is another" in finding(version, "inputs").why
    version = register(store, 2)
    assert finding(version, "inputs").verdict == "pass"
    root = tmp_path / "policies"
    shutil.copytree(policy_root(), root)
    monkeypatch.setattr("features.policy.policy_root", lambda: root)
    with (root / "hebei" / "outcomes.toml").open("a", encoding="utf-8") as file:
        file.write("# decided anew\n")
    found = finding(version, "inputs")
    assert found.verdict == "fail"
    assert "policies are others" in found.why


@pytest.mark.parametrize("name", [artifacts.EVALUATION, artifacts.FOLDER])
def test_what_the_run_logged_cannot_be_edited_or_taken_away_before_the_proposal(store: Path, name: str) -> None:
    version = register(store)
    file = versions.artifact(here(), versions.run_id(here(), version), name)
    assert file is not None
    if file.is_dir():
        shutil.rmtree(file)
    else:
        file.write_text(json.dumps({"band_contract": {"verdict": "pass"}, "drift": {"verdict": "pass"}, "x": 1}))
    found = finding(version, "inputs")
    assert found.verdict == "fail"
    assert name in found.why


def test_an_outcome_known_only_after_the_test_began_is_a_leak(store: Path) -> None:
    _, dataset, _ = study()
    known = dataset.parts["fit"].outcomes["known_at"].copy()
    known.iloc[3] = pd.Timestamp(dataset.parts["test"].outcomes["visited_on"].min()) + pd.Timedelta(days=1)
    found = finding(register(store, data=changed("fit", known_at=known)), "order")
    assert (found.verdict, found.why) == ("fail", "an outcome of fit became known after test began")


def test_segments_that_overlap_and_indicators_of_a_later_day_are_leaks(store: Path) -> None:
    _, dataset, _ = study()
    calibrate, test = dataset.parts["calibrate"].outcomes, dataset.parts["test"].outcomes
    visited = test["visited_on"].where(test.index > 0, calibrate["visited_on"].max())
    found = finding(register(store, 1, data=changed("test", visited_on=visited)), "order")
    assert (found.verdict, found.why) == ("fail", "segments fit and test overlap in time")
    last = calibrate["visited_on"].where(calibrate.index > 0, test["visited_on"].min())
    found = finding(register(store, 2, data=changed("calibrate", visited_on=last)), "order")
    assert (found.verdict, found.why) == ("fail", "segments calibrate and test overlap in time")
    later = test["cutoff"].where(test.index > 4, test["visited_on"] + pd.Timedelta(days=1))
    found = finding(register(store, 3, data=changed("test", cutoff=later)), "order")
    assert (found.verdict, found.why) == ("fail", "5 rows have indicators of a day after the visit")


@pytest.mark.parametrize("hidden", [False, True])
def test_an_indicator_that_alone_tells_the_test_is_a_leak(store: Path, hidden: bool) -> None:
    """Either its value does, upside down too, or its being known at all."""
    _, dataset, _ = study()
    part = dataset.parts["test"]
    X = part.X.copy()
    X[:, 2] = np.where(part.y == 1, np.nan, 1.0) if hidden else -1.0 * part.y
    leaky = replace(dataset, parts={**dataset.parts, "test": replace(part, X=X)})
    found = finding(register(store, data=leaky), "single_indicators")
    assert found.verdict == "fail"
    assert ("knowing penalties_3y, AUC 1.000" if hidden else "penalties_3y, AUC 1.000") in found.why


def test_too_few_visits_say_nothing_of_a_single_indicator(store: Path) -> None:
    _, dataset, _ = study()
    part = dataset.parts["test"]
    few = replace(part, outcomes=part.outcomes[:40], frame=part.frame[:40], X=part.X[:40], y=part.y[:40])
    few = replace(few, weight=part.weight[:40], circumstances=part.circumstances.take(np.arange(40)))
    version = register(store, data=replace(dataset, parts={**dataset.parts, "test": few}))
    assert finding(version, "single_indicators").verdict == "cannot tell"


def test_a_model_that_its_logged_inputs_do_not_give_is_refused(store: Path) -> None:
    """One label turned in what was logged: the model is another."""
    _, dataset, _ = study()
    part = dataset.parts["fit"]
    y = part.y.copy()
    y[:40] = 1 - y[:40]
    other = replace(dataset, parts={**dataset.parts, "fit": replace(part, y=y)})
    found = finding(register(store, data=other), "retrained")
    assert (found.verdict, found.why) == ("fail", "fitted again from the logged inputs, it gives another model")


def test_another_booster_under_another_library_is_no_verdict(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, dataset, _ = study()
    part = dataset.parts["fit"]
    other = replace(dataset, parts={**dataset.parts, "fit": replace(part, y=part.y[::-1].copy())})
    version = register(store, data=other)
    monkeypatch.setattr("models.signoff.checks.computing", lambda: {"lightgbm": "9.9"})
    found = finding(version, "retrained")
    assert found.verdict == "cannot tell"
    assert "here 9.9" in found.why


def test_a_learner_that_knew_arm_and_inspectors_is_fitted_again_with_them(tmp_path: Path) -> None:
    """Their effects are part of the fit: what was logged must be enough to find them again."""
    from helpers.signing import PARAMS
    from models.learning.fit import fitted

    experiment, dataset, _ = study()
    parts = {}
    for name, part in dataset.parts.items():
        arm = np.where(np.arange(len(part)) % 3 == 0, "random", "targeted")
        weight = np.linspace(0.5, 1.5, len(part))
        rows = part.outcomes.assign(arm=arm, inspector_id=[f"I{k % 7}" for k in range(len(part))])
        parts[name] = replace(part, outcomes=rows, weight=weight)
    arms = experiment.arms.model_copy(update={"arm": "known", "inspector": "known"})
    experiment = experiment.model_copy(update={"arms": arms})
    coding = Coding.of(parts["fit"].outcomes, arms)
    parts = {name: replace(part, circumstances=coding.code(part.outcomes)) for name, part in parts.items()}
    dataset = replace(dataset, parts=parts, coding=coding)
    found = fitted(experiment, dataset.names, dataset.parts["fit"], PARAMS)
    assert found.effects_.terms.all()
    assert len(found.effects_.pairs) == 7
    retrain.write_inputs(tmp_path / "inputs", experiment, dataset, PARAMS)
    again = retrain.retrain(retrain.read_inputs(tmp_path / "inputs"))
    assert again.booster_text() == found.booster_text()
    assert again.linear_ == found.linear_
    assert again.effects_.terms.tolist() == found.effects_.terms.tolist()
    assert again.effects_.pairs.tolist() == found.effects_.pairs.tolist()


def test_logged_inputs_name_no_inspector(tmp_path: Path) -> None:
    experiment, dataset, _ = study()
    arms = experiment.arms.model_copy(update={"inspector": "known"})
    rows = dataset.parts["fit"].outcomes.assign(
        inspector_id=[f"BADGE{k % 5}" for k in range(len(dataset.parts["fit"]))]
    )
    coding = Coding.of(rows, arms)
    fit = replace(dataset.parts["fit"], outcomes=rows, circumstances=coding.code(rows))
    changed_one = replace(dataset, parts={**dataset.parts, "fit": fit}, coding=coding)
    retrain.write_inputs(tmp_path, experiment.model_copy(update={"arms": arms}), changed_one, {})
    assert pd.read_parquet(tmp_path / "fit.parquet")["pair"].nunique() == 5
    assert not [file for file in tmp_path.iterdir() if b"BADGE" in file.read_bytes()]


def test_logged_inputs_are_the_same_bytes_each_time_and_name_no_enterprise(tmp_path: Path) -> None:
    experiment, dataset, _ = study()
    for name in ("a", "b"):
        retrain.write_inputs(tmp_path / name, experiment, dataset, {})
    assert artifacts.bundle_hash(tmp_path / "a") == artifacts.bundle_hash(tmp_path / "b")
    assert "enterprise_id" not in pd.read_parquet(tmp_path / "a" / "fit.parquet").columns


def damaged(folder: Path, how: str) -> None:
    spec = json.loads((folder / "spec.json").read_text(encoding="utf-8"))
    if how == "missing":
        (folder / "fit.parquet").unlink()
    elif how == "cut":
        (folder / "fit.parquet").write_bytes((folder / "fit.parquet").read_bytes()[:100])
    elif how == "columns":
        spec["names"] = spec["names"][::-1]
    elif how == "format":
        spec["format"] = 1
    else:
        spec["parameters"]["leaves"] = 3
    (folder / "spec.json").write_text(json.dumps(spec), encoding="utf-8")


@pytest.mark.parametrize("how", ["missing", "cut", "columns", "format", "parameter"])
def test_damaged_inputs_fail_and_say_what_is_wrong(store: Path, how: str) -> None:
    version = register(store)
    folder = versions.artifact(here(), versions.run_id(here(), version), artifacts.FOLDER)
    assert folder is not None
    damaged(folder, how)
    found = gate.examine(here(), version)
    assert found.verdicts["retrained"] == "fail"
    assert found.verdicts["inputs"] == "fail"


def test_a_run_that_logged_nothing_cannot_be_signed_whatever_is_accepted(store: Path) -> None:
    found = gate.examine(here(), register(store, evaluation={}, inputs=False))
    assert found.verdicts["inputs"] == "fail"
    for what in ("inputs_hash", "evaluation_hash", "frozen_hash"):
        assert f"its run and the version states no {what}" in found.not_passed()
    assert "the run logged no evaluation.json" in found.not_passed()


@pytest.mark.parametrize(
    ("told", "verdicts"),
    [
        (("pass", "pass", {}), ("pass", "pass")),
        (("fail", "pass", {}), ("fail", "pass")),
        (("pass", "fail", {}), ("pass", "fail")),
        (("cannot tell", "cannot_tell", {}), ("cannot tell", "cannot tell")),
        (("pass", "pass", {"drift": None}), ("pass", "cannot tell")),
        (("pass", "pass", {"band_contract": None}), ("fail", "pass")),
        (("pass", "pass", {"band_contract": {"verdict": "splendid"}}), ("fail", "fail")),
        (("pass", "pass", {"band_contract": "pass"}), ("fail", "fail")),
    ],
)
def test_the_evaluations_verdicts_are_taken_as_they_are_and_nothing_else_is(
    store: Path, told: tuple[str, str, dict[str, object]], verdicts: tuple[str, str]
) -> None:
    bands, drift, changes = told
    found = gate.examine(here(), register(store, evaluation={**judged(bands, drift), **changes})).verdicts
    assert (found["bands"], found["drift"]) == verdicts


def policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str) -> None:
    root = tmp_path / "policies"
    shutil.copytree(policy_root(), root)
    monkeypatch.setattr("features.policy.policy_root", lambda: root)
    path = root / "hebei" / "gate.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_a_province_may_refuse_what_cannot_be_told_or_ask_no_reason(
    store: Path, signers: People, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = register(store, evaluation=judged("cannot tell"))
    policy(tmp_path, monkeypatch, 'unknown = "reason"', 'unknown = "refuse"')
    with pytest.raises(GateRefused, match=r"gate\.toml accepts no reason"):
        approval.propose(here(), version, "", key=signers.keys["li"], on=ON, accept_unknown="but why not")
    path = tmp_path / "policies" / "hebei" / "gate.toml"
    path.write_text(path.read_text(encoding="utf-8").replace('"refuse"\n', '"allow"\n'), encoding="utf-8")
    entry = approval.propose(here(), version, "", key=signers.keys["li"], on=ON)
    assert entry.accepted.startswith("allowed by gate.toml")
    approval.approve(here(), version, key=signers.keys["wang"], on=ON)


def test_a_wrong_gate_policy_is_named(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    version = register(store)
    policy(tmp_path, monkeypatch, "single_auc = 0.90", "single_auc = 90")
    with pytest.raises(ConfigError, match="single_auc"):
        gate.examine(here(), version)


def test_a_study_that_its_province_does_not_admit_is_not_proposed(store: Path, signers: People) -> None:
    """One learnt on Chicago's records, under Hebei's policies, is no model of Hebei."""
    version = register(store, named="chicago_food", registered=model_name("hebei", "chicago_food"))
    assert version == "hebei.chicago_food/1"
    with pytest.raises(ApprovalError, match=r"study 'chicago_food'; the gate of hebei admits demo, province"):
        approval.propose(here(), version, "look", key=signers.keys["li"], on=ON)


def test_a_version_registered_as_anothers_is_not_proposed(store: Path, signers: People) -> None:
    version = register(store, registered=model_name("hebei", "province"))
    with pytest.raises(ApprovalError, match=r"registered as fenlei\.hebei\.province, but .* of fenlei\.hebei\.demo"):
        approval.propose(here(), version, "look", key=signers.keys["li"], on=ON)
