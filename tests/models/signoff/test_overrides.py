"""An override needs a reason, two people and an end; every line of its record is held, and nothing is written half."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from features.errors import FenleiError
from helpers.signing import People, people
from models.signoff import overrides
from models.signoff.errors import ApprovalError
from models.signoff.overrides import OverrideLine
from models.tracking.store import Store

ON, UNTIL = date(2026, 11, 2), date(2027, 3, 1)
REASON = "Seen at the door: the workshop has moved to another county."


@pytest.fixture
def office(tmp_path: Path) -> tuple[Store, People]:
    """Li Na proposes, Wang Wei approves, Zhao Min may sign models alone."""
    known = people(tmp_path)
    both = ("override", "override_approve")
    for label, roles in (("li", both), ("wang", both), ("zhao", ("propose", "approve"))):
        known.signers[label] = known.signers[label].model_copy(update={"roles": roles})
    known.write()
    return replace(Store.in_folder(tmp_path), signers=known.path), known


def proposed(office: tuple[Store, People], **changes: object) -> OverrideLine:
    store, known = office
    told: dict[str, object] = {"grade": "C", "reason": REASON, "instead_of": "A", "until": UNTIL, "on": ON, "by": "li"}
    told |= {"enterprise": "E1"} | changes
    return overrides.propose(
        store,
        "hebei",
        str(told["enterprise"]),
        str(told["grade"]),
        str(told["reason"]),
        instead_of=str(told["instead_of"]),
        until=told["until"],  # type: ignore[arg-type]
        key=known.keys[str(told["by"])],
        on=told["on"],  # type: ignore[arg-type]
    )


def approved(office: tuple[Store, People], on: date = ON + timedelta(days=3), number: int = 0) -> OverrideLine:
    return overrides.approve(office[0], number, key=office[1].keys["wang"], on=on)


def in_force(office: tuple[Store, People], on: date) -> dict[str, str]:
    return {e: one.grade for e, one in overrides.load_overrides(office[0], "hebei").on(on).items()}


def test_a_proposal_alone_changes_nothing_and_an_approval_by_another_person_holds_until_the_expiry(
    office: tuple[Store, People],
) -> None:
    proposed(office)
    assert in_force(office, ON + timedelta(days=3)) == {}
    approved(office)
    assert in_force(office, ON + timedelta(days=2)) == {}
    assert in_force(office, ON + timedelta(days=3)) == {"E1": "C"}
    assert in_force(office, UNTIL - timedelta(days=1)) == {"E1": "C"}
    assert in_force(office, UNTIL) == {}
    assert overrides.load_overrides(office[0], "henan").decided == ()


def test_an_override_ended_early_holds_no_longer_from_that_day_and_makes_room_for_another(
    office: tuple[Store, People],
) -> None:
    proposed(office)
    approved(office)
    with pytest.raises(ApprovalError, match="has override 0 until 2027-03-01 already"):
        proposed(office, on=ON + timedelta(days=4))
    ended = ON + timedelta(days=20)
    overrides.end(office[0], 0, "it has moved back", key=office[1].keys["li"], on=ended)
    assert in_force(office, ended - timedelta(days=1)) == {"E1": "C"}
    assert in_force(office, ended) == {}
    assert proposed(office, on=ended, grade="D").number == 3
    with pytest.raises(ApprovalError, match="was ended by Li Na 李娜"):
        overrides.end(office[0], 0, "again", key=office[1].keys["li"], on=ended)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"reason": " "}, "needs a reason of at least 10 signs"),
        ({"reason": "because"}, "needs a reason of at least 10 signs"),
        ({"reason": "Owner 11010519491231002X says so."}, "identity number"),
        ({"until": ON}, "not after 2026-11-02"),
        ({"until": ON - timedelta(days=9)}, "not after 2026-11-02"),
        ({"until": ON + timedelta(days=366)}, "longer than 365 days from 2026-11-02: at most 2027-11-02"),
        ({"grade": "A"}, "already: there is nothing to override"),
        ({"grade": "E"}, "'E' is no class; expected one of A, B, C, D"),
        ({"instead_of": "low"}, "'low' is no class"),
        ({"by": "zhao"}, "Zhao Min 赵敏 may propose and approve"),
        ({"enterprise": "11010519491231002X"}, "opaque id"),
        ({"on": date(2028, 5, 1), "until": date(2028, 6, 1)}, "good from 2026-01-01 until before 2028-01-01"),
    ],
)
def test_what_may_not_be_proposed_is_refused_and_nothing_is_written(
    office: tuple[Store, People], changes: dict[str, object], says: str
) -> None:
    with pytest.raises(ApprovalError, match=says):
        proposed(office, **changes)
    assert not overrides.record_path(office[0]).exists()


def test_the_longest_expiry_of_the_policy_is_allowed_to_the_day(office: tuple[Store, People]) -> None:
    assert proposed(office, until=ON + timedelta(days=365)).until == "2027-11-02"


def test_one_person_twice_is_one_person_also_with_a_second_key(office: tuple[Store, People]) -> None:
    store, known = office
    proposed(office)
    before = overrides.record_path(store).read_bytes()
    with pytest.raises(ApprovalError, match="another person must approve it"):
        overrides.approve(store, 0, key=known.keys["li"], on=ON)
    second = known.add("li2", "Li Na", "李娜", roles=("override_approve",))
    with pytest.raises(ApprovalError, match="another person must approve it"):
        overrides.approve(store, 0, key=second, on=ON)
    with pytest.raises(ApprovalError, match="not approve an override"):
        overrides.approve(store, 0, key=known.keys["zhao"], on=ON)
    assert overrides.record_path(store).read_bytes() == before


def test_what_is_not_proposed_approved_already_or_expired_can_not_be_approved(office: tuple[Store, People]) -> None:
    with pytest.raises(ApprovalError, match="no override 0 is proposed; proposed: none"):
        approved(office)
    proposed(office)
    with pytest.raises(ApprovalError, match="no override 7 is proposed; proposed: 0"):
        approved(office, number=7)
    with pytest.raises(ApprovalError, match="which is not after 2027-03-01"):
        approved(office, on=UNTIL)
    with pytest.raises(ApprovalError, match="before the line above"):
        approved(office, on=ON - timedelta(days=1))
    approved(office)
    with pytest.raises(ApprovalError, match="was approved by Wang Wei"):
        approved(office)


@pytest.mark.parametrize("field", ["grade", "until", "note", "by", "enterprise_id"])
def test_a_line_changed_afterwards_is_found(office: tuple[Store, People], field: str) -> None:
    proposed(office)
    approved(office)
    path = overrides.record_path(office[0])
    first, second = path.read_text(encoding="utf-8").splitlines()
    changed = {**json.loads(first), field: {"grade": "D", "until": "2027-04-01"}.get(field, "someone else")}
    text = json.dumps(changed, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    path.write_text(f"{text}\n{second}\n", encoding="utf-8")
    with pytest.raises(ApprovalError, match=r"line 1: the record was changed"):
        overrides.load_overrides(office[0], "hebei")


def test_an_approval_written_past_the_commands_needs_the_other_persons_key_and_the_same_class(
    office: tuple[Store, People],
) -> None:
    store, known = office
    line = proposed(office)
    path = overrides.record_path(store)
    kept = path.read_bytes()
    forged = line.model_copy(update={"step": "approve", "number": 1, "previous": line.hash, "note": ""})
    for changes, key, says in (
        ({}, "li", "another person must approve"),
        ({"by": known.signers["wang"].shown}, "li", "but in"),
        ({"by": known.signers["wang"].shown, "key": known.signers["wang"].public_key}, "li", "signature is not"),
        (
            {"by": known.signers["wang"].shown, "key": known.signers["wang"].public_key, "grade": "D"},
            "wang",
            "signs for something else",
        ),
    ):
        bad = forged.model_copy(update=changes).signed(known.keys[key])
        path.write_bytes(kept + bad.line().encode() + b"\n")
        with pytest.raises(ApprovalError, match=says):
            overrides.read(store)


def test_a_torn_last_line_and_a_record_cut_short_are_told(office: tuple[Store, People]) -> None:
    proposed(office)
    approved(office)
    store = office[0]
    head = overrides.head_of(overrides.read(store))
    path = overrides.record_path(store)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    with pytest.raises(ApprovalError, match="writing it was cut short"):
        overrides.read(store)
    path.write_bytes(whole.splitlines(keepends=True)[0])
    with pytest.raises(ApprovalError, match="lines were cut off its end"):
        overrides.read(store, head)
    path.write_bytes(whole)
    assert len(overrides.read(store, head)) == 2


def test_a_stricter_policy_does_not_undo_what_was_signed_under_the_earlier_one(
    office: tuple[Store, People], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proposed(office)
    approved(office)
    own = tmp_path / "own" / "hebei"
    own.mkdir(parents=True)
    (own / "overrides.toml").write_text("longest_days = 30\nleast_reason = 500\n", encoding="utf-8")
    monkeypatch.setenv("FENLEI_POLICIES", str(tmp_path / "own"))
    assert in_force(office, UNTIL - timedelta(days=1)) == {"E1": "C"}
    with pytest.raises(FenleiError, match="at least 500 signs"):
        proposed(office, enterprise="E2")
