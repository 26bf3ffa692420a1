"""A change of policy is signed by two people like a model: who, when, which files; a changed file no longer is."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from features.policy import policy_path, policy_root
from helpers.signing import ON, People, people
from models.signoff.errors import ApprovalError
from models.signoff.record import policies
from models.tracking.store import Store


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Store, People, Path]:
    """A store, people with keys, and Hebei's policies in a folder of the office's own."""
    home = tmp_path / "policies" / "hebei"
    shutil.copytree(policy_root() / "hebei", home)
    monkeypatch.setenv("FENLEI_POLICIES", str(tmp_path / "policies"))
    known = people(tmp_path / "keys")
    return Store.in_folder(tmp_path / "store", signers=known.path), known, home


def signed(office: tuple[Store, People, Path]) -> None:
    store, known, _ = office
    policies.write(store, "propose", "hebei", "yearly review", key=known.keys["li"], on=ON)
    policies.write(store, "approve", "hebei", "", key=known.keys["zhao"], on=ON)


def test_policies_are_signed_once_two_people_signed_the_same_files(office: tuple[Store, People, Path]) -> None:
    store, known, _ = office
    assert not policies.standing(store, "hebei").signed
    policies.write(store, "propose", "hebei", "yearly review", key=known.keys["li"], on=ON)
    assert not policies.standing(store, "hebei").signed
    policies.write(store, "approve", "hebei", "", key=known.keys["zhao"], on=ON)
    found = policies.standing(store, "hebei")
    assert found.signed
    assert found.said == (
        f"policies {found.version} of hebei: proposed by Li Na 李娜 {ON}, approved by Zhao Min 赵敏 {ON}"
    )
    policies.hold_signed(store, "hebei")


def test_a_file_that_changed_is_named_and_must_be_signed_again(office: tuple[Store, People, Path]) -> None:
    store, _, home = office
    signed(office)
    file = home / "bands.toml"
    file.write_text(file.read_text(encoding="utf-8").replace("[200.0,", "[210.0,"), encoding="utf-8")
    found = policies.standing(store, "hebei")
    assert not found.signed
    assert found.differs == ("bands.toml",)
    with pytest.raises(ApprovalError, match=r"not those approved by Zhao Min 赵敏 .*: bands\.toml; gate\.toml"):
        policies.hold_signed(store, "hebei")


def test_nobody_approves_what_they_proposed_nor_what_was_not_proposed(office: tuple[Store, People, Path]) -> None:
    store, known, home = office
    with pytest.raises(ApprovalError, match="not proposed; propose them first"):
        policies.write(store, "approve", "hebei", "", key=known.keys["zhao"], on=ON)
    policies.write(store, "propose", "hebei", "", key=known.keys["li"], on=ON)
    with pytest.raises(ApprovalError, match="another person must approve"):
        policies.write(store, "approve", "hebei", "", key=known.keys["li"], on=ON)
    with pytest.raises(ApprovalError, match="already proposed"):
        policies.write(store, "propose", "hebei", "", key=known.keys["wang"], on=ON)
    file = home / "scorecard.toml"
    file.write_text(file.read_text(encoding="utf-8").replace("base = 148.0", "base = 140.0"), encoding="utf-8")
    with pytest.raises(ApprovalError, match=r"not those that Li Na 李娜 proposed: scorecard\.toml"):
        policies.write(store, "approve", "hebei", "", key=known.keys["zhao"], on=ON)
    assert [e.action for e in policies.read(store)] == ["propose"]


def test_who_may_only_approve_proposes_nothing_and_a_stranger_signs_nothing(
    office: tuple[Store, People, Path], tmp_path: Path
) -> None:
    store, known, _ = office
    with pytest.raises(ApprovalError, match="not propose"):
        policies.write(store, "propose", "hebei", "", key=known.keys["zhao"], on=ON)
    stranger = people(tmp_path / "elsewhere").keys["li"]
    with pytest.raises(ApprovalError, match="is not in"):
        policies.write(store, "propose", "hebei", "", key=stranger, on=ON)
    assert policies.read(store) == []


def test_a_rejection_takes_the_approval_back(office: tuple[Store, People, Path]) -> None:
    store, known, _ = office
    signed(office)
    policies.write(store, "reject", "hebei", "a wrong cut", key=known.keys["wang"], on=ON)
    assert not policies.standing(store, "hebei").signed
    assert policies.standing(store, "hebei").approved is None


def test_a_line_changed_removed_or_moved_breaks_the_record(office: tuple[Store, People, Path]) -> None:
    store = office[0]
    signed(office)
    path = policies.record_path(store)
    first, second = path.read_text(encoding="utf-8").splitlines(keepends=True)
    for spoilt in (first.replace("yearly", "weekly") + second, second, second + first):
        path.write_text(spoilt, encoding="utf-8")
        with pytest.raises(ApprovalError, match="line 1: the record was changed"):
            policies.standing(store, "hebei")
    path.write_text(first, encoding="utf-8")
    head = policies.read(store)[-1].hash
    path.write_text(first + second, encoding="utf-8")
    assert len(policies.read(store, head)) == 2
    path.write_text("", encoding="utf-8")
    with pytest.raises(ApprovalError, match="not the record that the head you gave knows"):
        policies.read(store, head)


def test_what_is_signed_is_every_file_that_holds_the_bases_among_them() -> None:
    files = policies.files_in_force("henan")
    assert {"bands", "scorecard", "determinations", "province", "features", "sectors/food", "national/believable"} <= {
        *files
    }
    assert "signers" not in files
    assert files["features"] == policies.files_in_force("hebei")["features"]
    assert files["bands"] != policies.files_in_force("hebei")["bands"]
    assert policy_path("henan", "features").parent.name == "hebei"
