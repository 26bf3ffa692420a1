"""Two people put a model into use, and nothing else does."""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path

import pytest

from features.policy import policy_root
from helpers.here import here
from helpers.signing import ON, People, judged, register
from models.scoring.risk_model import RiskModel
from models.signoff import approval
from models.signoff.approval import ApprovalError, GateRefused
from models.signoff.record.entries import HEAD
from models.tracking import artifacts, runs, versions
from models.tracking.names import LEGACY

LATER = "2026-11-05"


@pytest.fixture
def one(store: Path, signers: People) -> People:
    """A store with version 1, and people who may sign it."""
    assert register(store, 1) == "1"
    return signers


@pytest.fixture
def two(store: Path, one: People) -> People:
    """A store with versions 1 and 2."""
    assert register(store, 2) == "2"
    return one


def propose(who: People, version: str = "1", by: str = "li", on: str = ON) -> approval.Entry:
    return approval.propose(here(), version, "look", key=who.keys[by], on=on)


def approve(who: People, version: str = "1", by: str = "wang", on: str = ON) -> approval.Entry:
    return approval.approve(here(), version, "agreed", key=who.keys[by], on=on)


def accept(who: People, version: str, on: str = ON) -> None:
    propose(who, version, on=on)
    approve(who, version, on=on)


def served() -> str | None:
    found = approval.approved_model(here())
    return found[1] if found else None


def swap(version: str) -> None:
    """Write another whole and valid model over a registered version's files."""
    folder = versions.bundle(here(), version)
    RiskModel.load(folder).model_copy(update={"about": {"n": "swapped", "source_hash": "d" * 64}}).save(folder)


def test_nothing_is_approved_until_two_people_have_signed(one: People) -> None:
    assert approval.approved_model(here()) is None
    propose(one)
    assert approval.approved_model(here()) is None
    assert versions.aliased(here()) is None
    entry = approve(one)
    assert (entry.action, entry.version, entry.by) == ("approve", "1", "Wang Wei 王伟")
    assert set(entry.inputs) == {
        *("data_hash", "catalogue_hash", "policy_hash", "experiment_hash"),
        *("bundle_hash", "model_hash", "inputs_hash", "evaluation_hash", "frozen_hash"),
    }
    found = approval.approved_model(here())
    assert found is not None
    model, version = found
    assert version == "1"
    assert model.about["n"] == 1
    assert versions.aliased(here()) == "1"
    assert [(e.action, e.by) for e in approval.history(here())] == [
        ("propose", "Li Na 李娜"),
        ("approve", "Wang Wei 王伟"),
    ]


def test_the_proposer_cannot_approve(one: People) -> None:
    propose(one)
    with pytest.raises(ApprovalError, match="Li Na 李娜 proposed version 1: another person must approve it"):
        approve(one, by="li")
    assert versions.aliased(here()) is None


def test_the_proposer_cannot_approve_with_a_second_key_of_theirs(one: People) -> None:
    one.add("new", "Li Na", "李娜")
    propose(one)
    with pytest.raises(ApprovalError, match="another person must approve it"):
        approve(one, by="new")


def test_the_proposer_cannot_come_back_under_another_name_with_the_same_key(one: People) -> None:
    """The list is edited between: the same key now is somebody else's."""
    propose(one)
    one.signers["li"] = one.signers["li"].model_copy(update={"name": "Sun Li", "name_zh": "孙丽"})
    one.write()
    with pytest.raises(ApprovalError, match=r"line 1, .*signed as Li Na 李娜, but in .* the key is Sun Li 孙丽's"):
        approve(one, by="li")


def test_a_list_changed_between_proposal_and_approval_asks_for_a_new_proposal(one: People) -> None:
    """Or the proposer would add a friend's key, or a second of their own under a made-up name, and approve."""
    propose(one)
    one.add("friend", "Qian Jin", "钱进")
    with pytest.raises(ApprovalError, match=r"proposed under another signers\.toml"):
        approve(one, by="friend")
    with pytest.raises(ApprovalError, match=r"proposed under another signers\.toml"):
        approve(one, by="wang")
    approval.reject(here(), "1", "the list changed", key=one.keys["wang"], on=ON)
    accept(one, "1")
    found = approval.read(here())
    assert [found.under_another_list(e) for e in found.entries] == [True, False, False, False]


def test_who_may_not_do_it_is_told_before_the_gate_looks(one: People, tmp_path: Path) -> None:
    with pytest.raises(ApprovalError, match=r"Zhao Min 赵敏 may approve, .*, not propose"):
        propose(one, by="zhao")
    stranger = one.add("stranger", "Wu Ming", "吴明")
    del one.signers["stranger"]
    one.write()
    with pytest.raises(ApprovalError, match=r"the key \S+ is not in .*signers\.toml; listed: Li Na 李娜, Wang Wei"):
        approval.propose(here(), "1", "", key=stranger, on=ON)
    assert not approval.record_path(here()).exists()


@pytest.mark.parametrize("on", ["2025-12-31", "2028-01-01"])
def test_a_key_signs_only_on_its_days(one: People, on: str) -> None:
    with pytest.raises(ApprovalError, match=f"good from 2026-01-01 until before 2028-01-01, not on {on}"):
        propose(one, on=on)


def test_nobody_signs_before_the_entry_above(one: People) -> None:
    """A key that has ended can't be dated back past what was signed since."""
    propose(one, on=LATER)
    with pytest.raises(ApprovalError, match=f"Wang Wei 王伟 signed on {ON}, before the entry above of {LATER}"):
        approve(one, on=ON)


def test_as_it_ships_nobody_is_listed_and_nothing_can_be_signed(one: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FENLEI_SIGNERS")
    with pytest.raises(ApprovalError, match=r"hebei.signers\.toml; listed: nobody; see `fenlei keygen`"):
        propose(one)


def test_a_note_of_no_text_is_refused_before_anything_is_signed(one: People) -> None:
    with pytest.raises(ApprovalError, match="no text"):
        approval.propose(here(), "1", "caf\udce9", key=one.keys["li"], on=ON)


def test_what_was_not_proposed_cannot_be_approved_or_rejected(one: People) -> None:
    with pytest.raises(ApprovalError, match="not proposed"):
        approve(one)
    with pytest.raises(ApprovalError, match="neither"):
        approval.reject(here(), "1", "no", key=one.keys["wang"], on=ON)
    with pytest.raises(versions.RegistryError, match="no version '9'"):
        propose(one, "9")
    propose(one)
    with pytest.raises(ApprovalError, match="already proposed, by Li Na 李娜"):
        propose(one, by="wang")
    approve(one)
    with pytest.raises(ApprovalError, match="not proposed"):
        approve(one, by="zhao")


def test_a_model_swapped_after_the_proposal_is_not_approved(one: People) -> None:
    propose(one)
    swap("1")
    with pytest.raises(ApprovalError, match=r"version 1 is not what was proposed: its files hash to"):
        approve(one)


def test_a_model_swapped_after_the_approval_is_not_an_approved_model(one: People) -> None:
    accept(one, "1")
    swap("1")
    with pytest.raises(ApprovalError, match="changed since approval"):
        approval.approved_model(here())


def test_hashes_changed_after_the_proposal_or_the_approval_undo_it(one: People) -> None:
    propose(one)
    client = runs.client(here())
    client.set_model_version_tag(LEGACY, "1", "data_hash", "e" * 64)
    with pytest.raises(ApprovalError, match=r"not what was proposed: data_hash is eeeeeeeeeeee…, proposed was ddddd"):
        approve(one)
    client.set_model_version_tag(LEGACY, "1", "data_hash", "d" * 64)
    approve(one)
    assert served() == "1"
    client.set_model_version_tag(LEGACY, "1", "data_hash", "e" * 64)
    with pytest.raises(ApprovalError, match="what is registered of approved version 1 has changed since approval"):
        approval.approved_model(here())


def test_an_evaluation_edited_after_the_proposal_stops_the_approval(store: Path, signers: People) -> None:
    register(store, 1, evaluation=judged("cannot tell"))
    approval.propose(here(), "1", "few visits", key=signers.keys["li"], on=ON, accept_unknown="one year of draws only")
    file = versions.artifact(here(), versions.run_id(here(), "1"), artifacts.EVALUATION)
    assert file is not None
    file.write_text(json.dumps(judged()))
    with pytest.raises(ApprovalError, match="not what was proposed: evaluation_hash is"):
        approve(signers)


def test_an_alias_set_by_hand_approves_nothing_and_can_be_mended(two: People) -> None:
    runs.client(here()).set_registered_model_alias(LEGACY, versions.ALIAS, "2")
    with pytest.raises(ApprovalError, match="set by hand"):
        approval.approved_model(here())
    assert approval.follow(here()) is None
    accept(two, "1")
    runs.client(here()).set_registered_model_alias(LEGACY, versions.ALIAS, "2")
    with pytest.raises(ApprovalError, match="points at version 2, the record approves 1: the alias was set by hand"):
        approval.approved_model(here())
    assert approval.follow(here()) == "1"
    assert served() == "1"


def test_rejecting_the_approved_version_brings_the_one_before_back(two: People) -> None:
    accept(two, "1")
    accept(two, "2")
    assert versions.aliased(here()) == "2"
    approval.reject(here(), "2", "drifts", key=two.keys["zhao"], on=ON)
    assert served() == "1"
    approval.reject(here(), "1", "drifts too", key=two.keys["zhao"], on=ON)
    assert served() is None
    assert versions.aliased(here()) is None


def test_a_version_can_be_rejected_when_its_files_are_gone(one: People) -> None:
    accept(one, "1")
    shutil.rmtree(versions.bundle(here(), "1"))
    approval.reject(here(), "1", "lost", key=one.keys["wang"], on=ON)
    assert served() is None


def test_a_rejected_proposal_can_be_proposed_again_and_a_new_proposal_withdraws_nothing(two: People) -> None:
    accept(two, "1")
    propose(two, "2")
    approval.reject(here(), "2", "not yet", key=two.keys["wang"], on=ON)
    assert served() == "1"
    propose(two, "1")
    assert versions.aliased(here()) == "1"
    accept(two, "2")
    assert served() == "2"


def test_going_back_needs_two_people_and_a_version_that_two_people_approved(two: People) -> None:
    li = two.keys["li"]
    with pytest.raises(ApprovalError, match="version 1 was never approved, or was withdrawn or gone back from"):
        approval.back(here(), "1", "?", key=li, on=ON)
    accept(two, "1")
    with pytest.raises(ApprovalError, match="version 1 is the one in force"):
        approval.back(here(), "1", "?", key=li, on=ON)
    accept(two, "2")
    approval.back(here(), "1", "2 drifts", key=li, on=ON)
    assert served() == "2"
    with pytest.raises(ApprovalError, match="another person"):
        approve(two, "1", by="li")
    approve(two, "1")
    assert served() == "1"
    assert [e.action for e in approval.history(here())][-2:] == ["back", "approve"]
    approval.reject(here(), "2", "drifts", key=li, on=ON)
    assert served() == "1"
    with pytest.raises(ApprovalError, match="was never approved, or was withdrawn"):
        approval.back(here(), "2", "?", key=li, on=ON)


def test_going_back_to_files_that_changed_since_is_refused(two: People) -> None:
    accept(two, "1")
    accept(two, "2")
    swap("1")
    with pytest.raises(ApprovalError, match="version 1 is not what was approved: its files hash to"):
        approval.back(here(), "1", "2 drifts", key=two.keys["li"], on=ON)


def test_lines_cut_off_the_end_show(two: People) -> None:
    accept(two, "1")
    accept(two, "2")
    path = approval.record_path(here())
    whole = path.read_text(encoding="utf-8")
    path.write_text("".join(whole.splitlines(keepends=True)[:2]), encoding="utf-8")
    versions.set_alias(here(), LEGACY, "1")
    with pytest.raises(ApprovalError, match="has 2 entries; the model registry says there were 4: lines were cut off"):
        approval.approved_model(here())
    path.unlink()
    versions.set_alias(here(), LEGACY, None)
    with pytest.raises(ApprovalError, match="has 0 entries"):
        approval.approved_model(here())
    runs.client(here()).delete_registered_model_tag(LEGACY, HEAD)
    path.write_text(whole, encoding="utf-8")
    with pytest.raises(ApprovalError, match="the model registry holds no approval_head, but the record has 4 entries"):
        approval.history(here())


def test_a_head_kept_elsewhere_shows_a_record_and_registry_set_back_together(two: People) -> None:
    accept(two, "1")
    path, early = approval.record_path(here()), approval.read(here()).head
    before = path.read_bytes()
    accept(two, "2")
    kept = approval.read(here(), early).head
    path.write_bytes(before)
    versions.set_tag(here(), LEGACY, HEAD, early)
    versions.set_alias(here(), LEGACY, "1")
    assert served() == "1"
    for head in (kept, kept.split()[1]):
        with pytest.raises(ApprovalError, match="the head you gave"):
            approval.read(here(), head)


def test_a_crash_between_line_and_head_leaves_a_record_that_holds(one: People) -> None:
    """The line is written first: what the registry then says is an older head of the same record."""
    propose(one)
    head = approval.read(here()).head
    approve(one)
    versions.set_tag(here(), LEGACY, HEAD, head)
    versions.set_alias(here(), LEGACY, None)
    with pytest.raises(ApprovalError, match="alias 'approved' of fenlei points at version None, the record approves 1"):
        approval.approved_model(here())
    assert approval.follow(here()) == "1"
    assert served() == "1"


def test_a_record_copied_from_another_store_approves_nothing_there(
    one: People, tmp_path: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same files, even the same version number: but this store's run is another."""
    accept(one, "1")
    lines = approval.record_path(here()).read_bytes()
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(empty_store, other / "mlflow.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{other / 'mlflow.db'}")
    assert register(other, 1) == "1"
    approval.record_path(here()).write_bytes(lines)
    versions.set_tag(
        here(), LEGACY, HEAD, lines.decode().count("\n").__str__() + " " + json.loads(lines.splitlines()[-1])["hash"]
    )
    versions.set_alias(here(), LEGACY, "1")
    with pytest.raises(ApprovalError, match="what is registered of approved version 1 has changed since approval"):
        approval.approved_model(here())


def test_a_gate_policy_changed_between_proposal_and_approval_asks_for_a_new_proposal(
    one: People, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    propose(one)
    root = tmp_path / "policies"
    shutil.copytree(policy_root(), root)
    monkeypatch.setattr("features.policy.policy_root", lambda: root)
    path = root / "hebei" / "gate.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("0.90", "0.99"), encoding="utf-8")
    with pytest.raises(ApprovalError, match=r"proposed under another gate\.toml"):
        approve(one)


def test_two_people_signing_at_once_write_two_entries_in_one_chain(two: People) -> None:
    errors: list[ApprovalError] = []

    def sign(version: str, by: str) -> None:
        try:
            propose(two, version, by)
        except ApprovalError as err:
            errors.append(err)

    threads = [threading.Thread(target=sign, args=pair) for pair in (("1", "li"), ("2", "wang"))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert errors == []
    assert sorted(e.version for e in approval.history(here())) == ["1", "2"]


def test_what_the_gate_cannot_tell_is_signed_only_with_a_reason_that_both_sign(store: Path, signers: People) -> None:
    register(store, 1, evaluation=judged("cannot tell", "cannot tell", why="1,200 more visits would"))
    with pytest.raises(GateRefused, match=r"can't tell for version 1: bands, drift(.|\n)*1,200 more visits would"):
        propose(signers)
    approval.propose(here(), "1", "first year", key=signers.keys["li"], on=ON, accept_unknown="first year of draws")
    entry = approve(signers)
    assert entry.accepted == "first year of draws"
    assert served() == "1"


def test_a_version_that_breaks_the_band_contract_cannot_be_proposed_whatever_is_accepted(
    store: Path, signers: People
) -> None:
    why = "class C found less than class B"
    register(store, 1, evaluation=judged("fail", why=why))
    with pytest.raises(GateRefused, match=rf"the gate said no to version 1: bands(.|\n)*{why}"):
        approval.propose(here(), "1", "all the same", key=signers.keys["li"], on=ON, accept_unknown="I say so")
    assert approval.history(here()) == []
