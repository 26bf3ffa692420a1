"""Two people put a model into use, and nothing else does."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest
from mlflow import MlflowClient

from helpers.small_model import model as small_model
from models import approval, registry, tracking
from models.approval import ApprovalError

ON = "2026-11-02"
INPUTS = {"data_hash": "d" * 64, "catalogue_hash": "c" * 64}


@pytest.fixture
def registered(store: Path) -> Path:
    """A store with versions 1 and 2 of the model."""
    model = small_model()
    for n in (1, 2):
        with tracking.run("study", f"run {n}") as run_id:
            bundle = store / f"bundle{n}"
            model.model_copy(update={"about": {"n": n}}).save(bundle)
            assert registry.register(run_id, bundle, model.indicator_names, INPUTS) == str(n)
    return store


def accept(version: str) -> None:
    approval.propose(version, "Li Na 李娜", "first", on=ON)
    approval.approve(version, "Wang Wei 王伟", on=ON)


def test_nothing_is_approved_until_two_people_have_signed(registered):
    assert approval.approved_model() is None
    approval.propose("1", "Li Na 李娜", "first", on=ON)
    assert approval.approved_model() is None
    entry = approval.approve("1", "Wang Wei 王伟", "agreed", on=ON)
    assert (entry.action, entry.version, entry.inputs) == ("approve", "1", INPUTS)
    found = approval.approved_model()
    assert found is not None
    model, version = found
    assert version == "1"
    assert model.about == {"n": 1}
    assert [e.action for e in approval.history()] == ["propose", "approve"]


@pytest.mark.parametrize("same", ["Li Na", "  li na ", "ＬＩ　ＮＡ", "Li\u200bNa", "LI-NA"])
def test_the_proposer_cannot_approve_under_another_spelling(registered, same):
    approval.propose("1", "Li Na", "first", on=ON)
    with pytest.raises(ApprovalError, match="another person"):
        approval.approve("1", same, on=ON)
    assert registry.aliased() is None


def test_a_name_in_look_alike_letters_signs_nothing(registered):
    """The second name has a Cyrillic е: no reader sees the difference."""
    approval.propose("1", "Li Lei 李雷", "first", on=ON)
    for alike in ("Li L\u0435i", "L\u0456 Lei", "Li Lei\u0301\u03bf"):
        with pytest.raises(ApprovalError, match="mixes letters of several scripts"):
            approval.approve("1", alike, on=ON)
    assert registry.aliased() is None
    for fine in ("Wang Wei 王伟", "王伟", "Мария Петрова", "佐々木 のぞみ", "Wang Wei 2"):
        assert approval.person(fine)


@pytest.mark.parametrize("nobody", ["", "  ", "--"])
def test_nobody_cannot_sign(registered, nobody):
    with pytest.raises(ApprovalError, match="nobody"):
        approval.propose("1", nobody, "", on=ON)


def test_what_was_not_proposed_cannot_be_approved_or_rejected(registered):
    with pytest.raises(ApprovalError, match="not proposed"):
        approval.approve("1", "Wang Wei", on=ON)
    with pytest.raises(ApprovalError, match="neither"):
        approval.reject("1", "Wang Wei", "no", on=ON)
    with pytest.raises(registry.RegistryError, match="no version '9'"):
        approval.propose("9", "Li Na", "", on=ON)
    approval.propose("1", "Li Na", "", on=ON)
    with pytest.raises(ApprovalError, match="already proposed"):
        approval.propose("1", "Li Na", "", on=ON)


def test_a_model_swapped_after_the_proposal_is_not_approved(registered):
    approval.propose("1", "Li Na", "", on=ON)
    small_model().model_copy(update={"about": {"n": "swapped"}}).save(registry.bundle("1"))
    with pytest.raises(ApprovalError, match="not what was proposed"):
        approval.approve("1", "Wang Wei", on=ON)


def test_a_model_swapped_after_the_approval_is_not_an_approved_model(registered):
    accept("1")
    small_model().model_copy(update={"about": {"n": "swapped"}}).save(registry.bundle("1"))
    with pytest.raises(ApprovalError, match="changed since approval"):
        approval.approved_model()


def test_hashes_changed_after_the_proposal_stop_the_approval(registered):
    approval.propose("1", "Li Na", "", on=ON)
    tracking.client().set_model_version_tag(tracking.MODEL_NAME, "1", "data_hash", "e" * 64)
    with pytest.raises(ApprovalError, match="not what was proposed"):
        approval.approve("1", "Wang Wei", on=ON)


@pytest.mark.parametrize("change", ["edit", "drop", "swap", "insert"])
def test_a_record_that_was_touched_is_refused(registered, change):
    accept("1")
    path = approval.record_path()
    lines = path.read_text(encoding="utf-8").splitlines()
    if change == "edit":
        entry = json.loads(lines[0])
        lines[0] = json.dumps({**entry, "by": "Zhao"}, ensure_ascii=False, sort_keys=True)
    elif change == "drop":
        lines = lines[1:]
    elif change == "swap":
        lines = lines[::-1]
    else:
        lines.insert(1, lines[0])
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(ApprovalError, match="hashes don't chain"):
        approval.approved_model()


def test_an_alias_set_by_hand_approves_nothing(registered):
    MlflowClient().set_registered_model_alias(tracking.MODEL_NAME, tracking.ALIAS, "2")
    with pytest.raises(ApprovalError, match="set by hand"):
        approval.approved_model()
    tracking.client().delete_registered_model_alias(tracking.MODEL_NAME, tracking.ALIAS)
    accept("1")
    MlflowClient().set_registered_model_alias(tracking.MODEL_NAME, tracking.ALIAS, "2")
    with pytest.raises(ApprovalError, match="points at version 2"):
        approval.approved_model()


def test_rejecting_the_approved_version_brings_the_one_before_back(registered):
    accept("1")
    accept("2")
    assert registry.aliased() == "2"
    approval.reject("2", "Zhao", "drifts", on=ON)
    found = approval.approved_model()
    assert found is not None
    assert found[1] == "1"
    approval.reject("1", "Zhao", "drifts too", on=ON)
    assert approval.approved_model() is None
    assert registry.aliased() is None


def test_a_rejected_proposal_can_be_proposed_again_and_a_new_proposal_withdraws_nothing(registered):
    accept("1")
    approval.propose("2", "Li Na", "", on=ON)
    approval.reject("2", "Wang Wei", "not yet", on=ON)
    found = approval.approved_model()
    assert found is not None
    assert found[1] == "1"
    approval.propose("1", "Li Na", "sign it once more", on=ON)
    assert registry.aliased() == "1"
    approval.propose("2", "Li Na", "", on=ON)
    approval.approve("2", "Wang Wei", on=ON)
    assert registry.aliased() == "2"


def test_two_people_signing_at_once_write_two_entries_in_one_chain(registered):
    errors: list[Exception] = []

    def sign(version: str) -> None:
        for _ in range(200):
            try:
                approval.propose(version, "Li Na", "", on=ON)
            except ApprovalError as err:
                if "under way" in str(err):
                    time.sleep(0.05)
                    continue
                errors.append(err)
            return

    threads = [threading.Thread(target=sign, args=(v,)) for v in ("1", "2")]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert errors == []
    assert sorted(e.version for e in approval.history()) == ["1", "2"]
