"""A confirmation (H12.4) says who and when, is signed, and counts from the day after it where the policy wants it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from features.engine.record.record import indicators_of
from features.scope import Scope
from helpers.one_record import CUTOFF, plain, row
from helpers.signing import People, people
from models.scoring.classify import classify_frame
from models.scoring.rules.determinations import Determinations
from models.scoring.rules.province import load_rules
from models.signoff import confirmations
from models.signoff.confirmations import Confirmed, keep_confirmed
from models.signoff.errors import ApprovalError
from models.signoff.overrides import OverrideLine
from models.signoff.record.keys import sign
from models.tracking.store import Store

ON, REPORT, DAY = date(2025, 12, 10), "public_opinion:o1", timedelta(days=1)


@pytest.fixture
def office(tmp_path: Path) -> tuple[Store, People]:
    known = people(tmp_path)
    known.signers["li"] = known.signers["li"].model_copy(update={"roles": ("confirm",)})
    known.write()
    for person in known.signers.values():
        assert person.valid_from == date(2026, 1, 1)
    early = {label: s.model_copy(update={"valid_from": date(2025, 1, 1)}) for label, s in known.signers.items()}
    known.signers.update(early)
    known.write()
    return replace(Store.in_folder(tmp_path), signers=known.path), known


def signed_rules() -> Determinations:
    """Hebei's, with the signature asked for."""
    found = load_rules("hebei").determinations
    rules = tuple(r.model_copy(update={"signed": True}) if r.id == "H12.4" else r for r in found.rules)
    return found.model_copy(update={"rules": rules})


def hits(confirmed: Confirmed, determinations: Determinations) -> list[str]:
    opinion = row("o1", date(2025, 12, 1), tone="negative", attention="high", confirmed=True)
    frame = indicators_of([plain({"public_opinion": [opinion]})], Scope("hebei"))
    kept = keep_confirmed(frame, determinations, confirmed)
    [one] = classify_frame(kept, None, replace(load_rules("hebei"), determinations=determinations))
    return [hit.rule for hit in one.determinations]


def test_a_confirmation_says_who_and_when_and_its_record_counts_from_the_next_day(office: tuple[Store, People]) -> None:
    store, known = office
    line = confirmations.confirm(store, "hebei", REPORT, "read 40,000 times, checked", key=known.keys["li"], on=ON)
    assert (line.by, line.on, line.record) == ("Li Na 李娜", "2025-12-10", REPORT)
    confirmed = confirmations.load_confirmations(store, "hebei")
    assert not confirmed.before(REPORT, ON)
    assert confirmed.before(REPORT, ON + DAY)
    assert not confirmed.before("public_opinion:o2", ON + DAY)
    assert confirmations.load_confirmations(store, "henan").spans == {}
    assert hits(confirmed, signed_rules()) == ["H12.4"]


def test_where_the_policy_wants_a_signature_an_unsigned_flag_does_not_count_and_else_it_does() -> None:
    assert hits(Confirmed(), signed_rules()) == []
    assert hits(Confirmed(), load_rules("hebei").determinations) == ["H12.4"]


def test_a_confirmation_of_the_cut_off_itself_comes_too_late(office: tuple[Store, People]) -> None:
    store, known = office
    confirmations.confirm(store, "hebei", REPORT, "checked", key=known.keys["li"], on=CUTOFF)
    assert hits(confirmations.load_confirmations(store, "hebei"), signed_rules()) == []


def test_a_withdrawn_confirmation_stops_counting_and_may_be_given_again(office: tuple[Store, People]) -> None:
    store, known = office
    key = known.keys["li"]
    confirmations.confirm(store, "hebei", REPORT, "checked", key=key, on=ON)
    confirmations.withdraw(store, "hebei", REPORT, "it was another firm", key=key, on=ON + 3 * DAY)
    found = confirmations.load_confirmations(store, "hebei")
    assert [found.before(REPORT, ON + n * DAY) for n in (1, 3, 4)] == [True, True, False]
    confirmations.confirm(store, "hebei", REPORT, "it was this one after all", key=key, on=ON + 9 * DAY)
    assert confirmations.load_confirmations(store, "hebei").before(REPORT, ON + 10 * DAY)


@pytest.mark.parametrize(
    ("record", "note", "who", "says"),
    [
        (REPORT, "checked", "wang", "Wang Wei 王伟 may propose and approve"),
        ("opinions:o1", "checked", "li", "expected table:record_id"),
        ("public_opinion:", "checked", "li", "expected a record_id"),
        (REPORT, "  ", "li", "say what the confirmation"),
        (REPORT, "of 11010519491231002X", "li", "identity number"),
    ],
)
def test_what_may_not_be_confirmed_is_refused_and_nothing_is_written(
    office: tuple[Store, People], record: str, note: str, who: str, says: str
) -> None:
    store, known = office
    with pytest.raises(ApprovalError, match=says):
        confirmations.confirm(store, "hebei", record, note, key=known.keys[who], on=ON)
    assert not confirmations.record_path(store).exists()


def test_confirming_twice_withdrawing_nothing_or_editing_the_record_is_refused(office: tuple[Store, People]) -> None:
    store, known = office
    key = known.keys["li"]
    with pytest.raises(ApprovalError, match="is not confirmed"):
        confirmations.withdraw(store, "hebei", REPORT, "why not", key=key, on=ON)
    confirmations.confirm(store, "hebei", REPORT, "checked", key=key, on=ON)
    with pytest.raises(ApprovalError, match="was confirmed by Li Na"):
        confirmations.confirm(store, "hebei", REPORT, "checked", key=key, on=ON)
    path = confirmations.record_path(store)
    path.write_text(path.read_text(encoding="utf-8").replace(":o1", ":o2"), encoding="utf-8")
    with pytest.raises(ApprovalError, match="its hashes don't chain"):
        confirmations.read(store)


def test_a_signature_of_one_record_is_none_of_another(office: tuple[Store, People]) -> None:
    """Each record signs under a prefix of its own."""
    line = confirmations.confirm(office[0], "hebei", REPORT, "checked", key=office[1].keys["li"], on=ON)
    other = sign(office[1].keys["li"], line.hash, OverrideLine.SIGNED_AS)
    forged = line.model_copy(update={"signature": other})
    path = confirmations.record_path(office[0])
    path.write_text(forged.line() + "\n", encoding="utf-8")
    with pytest.raises(ApprovalError, match="signature is not"):
        confirmations.read(office[0])
