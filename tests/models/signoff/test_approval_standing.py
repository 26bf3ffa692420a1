"""Which approval is in force: after going back and after rejections, and in each province by itself."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from helpers.here import here
from helpers.signing import ON, People, register
from models.scoring.risk_model import RiskModel
from models.signoff import approval
from models.signoff.approval import ApprovalError
from models.signoff.record.entries import HEAD, Action, Entry
from models.signoff.record.rules import in_force, standing
from models.tracking import runs, versions
from models.tracking.names import LEGACY, model_name

HENAN = "henan"


def entries(story: str, province: str = "hebei") -> list[Entry]:
    """The lines of a story such as "approve 1, approve 2, reject 2"; unsigned: only their order is looked at."""
    found = []
    for number, line in enumerate(story.split(", ")):
        action, version, *where = line.split()
        assert action in get_args(Action)
        at = where[0] if where else province
        text = dict.fromkeys(("run", "by", "key", "note", "on", "model_hash", "accepted", "previous"), "")
        found.append(Entry(number, action, version, province=at, inputs={}, policies={}, verdicts={}, **text))  # type: ignore[arg-type]
    return found


@pytest.mark.parametrize(
    ("story", "then"),
    [
        ("propose 1", None),
        ("approve 1, propose 2", "1"),
        ("approve 1, approve 2", "2"),
        ("approve 1, approve 2, reject 2", "1"),
        ("approve 1, approve 2, reject 1", "2"),
        ("approve 1, approve 2, reject 1, reject 2", None),
        # Gone back from 2: one person who rejects 1 doesn't bring 2 back.
        ("approve 1, approve 2, back 1", "2"),
        ("approve 1, approve 2, back 1, approve 1", "1"),
        ("approve 1, approve 2, back 1, approve 1, reject 1", None),
        ("approve 1, approve 2, back 1, approve 1, reject 2, reject 1", None),
        # Nor what lay between the two, nor what was approved before it any less.
        ("approve 1, approve 2, approve 3, back 1, approve 1, reject 1", None),
        ("approve 1, approve 2, approve 3, back 2, approve 2, reject 2", "1"),
        ("approve 1, approve 2, approve 3, reject 3, back 1, approve 1, reject 1", None),
        # Returning by a proposal comes to the same as by going back.
        ("approve 1, approve 2, propose 1, approve 1, reject 1", None),
        # An approval of its own brings it back, and then it stands on what was in force.
        ("approve 1, approve 2, back 1, approve 1, propose 2, approve 2", "2"),
        ("approve 1, approve 2, back 1, approve 1, propose 2, approve 2, reject 2", "1"),
        ("approve 1, approve 2, back 1, approve 1, propose 2, approve 2, back 1, approve 1, reject 1", None),
        # A going back that nobody approved has ended nothing.
        ("approve 1, approve 2, approve 3, back 2, approve 4, reject 4", "3"),
    ],
)
def test_what_is_in_force_after(story: str, then: str | None) -> None:
    found = in_force(entries(story))
    assert (found.version if found else None) == then


def test_each_provinces_approvals_stand_by_themselves() -> None:
    found = entries("approve 1 hebei, approve 2 henan, approve 3 hebei, approve 4 henan, reject 4, back 1, approve 1")
    assert {p: [e.version for e in stood] for p, stood in standing(found).items()} == {"hebei": ["1"], "henan": ["2"]}
    newest = in_force(found)
    assert newest is not None
    assert newest.version == "1"


def test_what_two_people_went_back_from_needs_two_people_to_return(store: Path, signers: People) -> None:
    for version in ("1", "2"):
        register(store, int(version))
        sign(signers, version)
    approval.back(here(), "1", "2 drifts", key=signers.keys["li"], on=ON)
    approval.approve(here(), "1", key=signers.keys["wang"], on=ON)
    approval.reject(here(), "1", "drifts too", key=signers.keys["zhao"], on=ON)
    assert approval.approved_model(here()) is None
    assert versions.aliased(here()) is None
    with pytest.raises(ApprovalError, match="version 2 was never approved, or was withdrawn or gone back from"):
        approval.back(here(), "2", "it was not so bad", key=signers.keys["li"], on=ON)
    sign(signers, "2")
    assert served("hebei") == "2"


def sign(who: People, version: str) -> None:
    approval.propose(here(), version, "look", key=who.keys["li"], on=ON)
    approval.approve(here(), version, "agreed", key=who.keys["wang"], on=ON)


def served(province: str) -> str | None:
    found = approval.approved_model(here(), province)
    assert found is None or found[0].province == province
    return found[1] if found else None


@pytest.fixture
def both(store: Path, signers: People) -> People:
    """Version 1 is approved for Hebei, then version 2 for Henan."""
    register(store, 1)
    register(store, 2, province=HENAN)
    sign(signers, "1")
    sign(signers, "2")
    return signers


def test_a_provinces_approval_disturbs_no_other(both: People) -> None:
    assert (served("hebei"), served(HENAN), served("ningxia")) == ("1", "2", None)
    assert versions.aliased(here()) == "2"
    approval.reject(here(), "2", "drifts", key=both.keys["zhao"], on=ON)
    assert (served("hebei"), served(HENAN)) == ("1", None)
    assert versions.aliased(here()) == "1"


def test_going_back_leads_to_a_version_of_the_same_province(both: People, store: Path) -> None:
    register(store, 3)
    sign(both, "3")
    approval.back(here(), "1", "3 drifts", key=both.keys["li"], on=ON)
    approval.approve(here(), "1", key=both.keys["wang"], on=ON)
    assert (served("hebei"), served(HENAN)) == ("1", "2")
    with pytest.raises(ApprovalError, match="version 2 is the one in force"):
        approval.back(here(), "2", "?", key=both.keys["li"], on=ON)


def swap(version: str) -> None:
    folder = versions.bundle(here(), version)
    RiskModel.load(folder).model_copy(update={"arm": "another"}).save(folder)


def test_what_is_in_use_is_said_of_each_province_and_why_not(both: People) -> None:
    assert {p: (e.version, why) for p, (e, why) in approval.in_use(here()).items()} == {
        "hebei": ("1", ""),
        HENAN: ("2", ""),
    }
    swap("2")
    found = approval.in_use(here())
    assert found["hebei"][1] == ""
    assert "the files of approved version 2 have changed since approval" in found[HENAN][1]
    assert served("hebei") == "1"


def test_a_hash_taken_away_after_the_approval_undoes_it(store: Path, signers: People) -> None:
    register(store, 1)
    sign(signers, "1")
    runs.client(here()).delete_model_version_tag(LEGACY, "1", "evaluation_hash")
    with pytest.raises(ApprovalError, match="what is registered of approved version 1 has changed since approval"):
        approval.approved_model(here())


def test_files_that_are_all_gone_are_no_approved_model(store: Path, signers: People) -> None:
    register(store, 1)
    sign(signers, "1")
    for file in versions.bundle(here(), "1").iterdir():
        file.unlink()
    with pytest.raises(ApprovalError, match="the files of approved version 1 can't be read"):
        approval.approved_model(here())


def test_each_studys_model_keeps_head_and_alias_and_disturbs_no_other_place(store: Path, signers: People) -> None:
    demo, whole = model_name("hebei", "demo"), model_name("hebei", "province")
    for n, (study, model) in enumerate((("demo", demo), ("province", whole)), start=1):
        version = register(store, n, named=study, registered=model)
        assert version == f"hebei.{study}/1"
        sign(signers, version)
        assert served("hebei") == version
    assert (versions.aliased(here(), demo), versions.aliased(here(), whole)) == (None, "1")
    pointers = versions.pointers(here())
    assert pointers[demo].tags[HEAD] == pointers[whole].tags[HEAD] == approval.read(here()).head
    client = runs.client(here())
    version_page = client.get_model_version(whole, "1")
    about = str(version_page.description)
    assert version_page.tags["signed"] == "approved"
    assert "proposed by" in about
    assert "Li Na 李娜" in about
    assert "approved by" in about
    approval.reject(here(), "hebei.province/1", "drifts", key=signers.keys["zhao"], on=ON)
    assert client.get_model_version(whole, "1").tags["signed"] == "rejected"
    assert served("hebei") == "hebei.demo/1"
    assert versions.aliased(here(), demo) == "1"
    elsewhere = register(store, 3, named="chicago_food", registered=model_name("chicago", "chicago_food"))
    versions.set_alias(here(), model_name("chicago", "chicago_food"), "1")  # by hand, of another place
    assert elsewhere == "chicago.chicago_food/1"
    assert served("hebei") == "hebei.demo/1"
    versions.set_alias(here(), demo, None)
    with pytest.raises(ApprovalError, match=r"of fenlei\.hebei\.demo points at version None, the record approves 1"):
        served("hebei")
