"""Lines written past the commands: whoever can write the file, without another person's key, approves nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from helpers.here import here
from helpers.signing import ON, People, people
from helpers.thorough import examples
from models.chain import FIRST
from models.signoff import approval
from models.signoff.approval import ApprovalError
from models.signoff.record.entries import HEAD, Entry, append, head_of, parse, read_chain, record_path
from models.signoff.record.rules import CHECKS, admit
from models.signoff.record.signers import Signers, load_signers
from models.tracking import runs, versions
from models.tracking.names import LEGACY

PASSED = dict.fromkeys(CHECKS, "pass")


def entry(who: People, by: str, action: str, before: list[Entry], **changes: object) -> Entry:
    """A line as somebody with a key would write it by hand."""
    signer = who.signers[by]
    draft = Entry(
        number=len(before),
        action=action,  # type: ignore[arg-type]  # wrong actions are tried too
        version="1",
        run="r" * 32,
        province="hebei",
        by=signer.shown,
        key=signer.public_key,
        note="by hand",
        on=ON,
        model_hash="m" * 64,
        inputs={"data_hash": "d" * 64},
        policies={"gate": "g" * 64, "signers": "s" * 64},
        verdicts=dict(PASSED),
        accepted="",
        previous=before[-1].hash if before else FIRST,
    )
    return replace(draft, **changes).signed(who.keys[by])  # type: ignore[arg-type]  # fields of an Entry


def write(*entries: Entry) -> None:
    """Write the lines, and the head that goes with them: who forges the one may well forge the other."""
    record_path(here()).unlink(missing_ok=True)
    for e in entries:
        append(here(), e)
    versions.set_tag(here(), LEGACY, HEAD, head_of(list(entries)))


@pytest.fixture
def who(signers: People) -> People:
    """The people, and a registry that knows the model."""
    runs.client(here()).create_registered_model(LEGACY)
    return signers


@pytest.fixture
def pair(who: People) -> tuple[Entry, Entry]:
    """A proposal and its approval, written by hand and right in everything."""
    first = entry(who, "li", "propose", [])
    second = entry(who, "wang", "approve", [first])
    write(first, second)
    assert approval.history(here()) == [first, second]
    return first, second


def refused(*entries: Entry, match: str) -> None:
    write(*entries)
    with pytest.raises(ApprovalError, match=match):
        approval.history(here())


@pytest.mark.parametrize("change", ["edit", "drop", "swap", "insert"])
def test_a_record_that_was_touched_is_refused(pair: tuple[Entry, Entry], change: str) -> None:
    lines = record_path(here()).read_text(encoding="utf-8").splitlines()
    if change == "edit":
        lines[0] = lines[0].replace("by hand", "by Hand")
    elif change == "drop":
        lines = lines[1:]
    elif change == "swap":
        lines = lines[::-1]
    else:
        lines.insert(1, lines[0])
    record_path(here()).write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(ApprovalError, match=r"line [12]: the record was changed: its hashes don't chain"):
        approval.history(here())


def test_an_edited_line_with_all_hashes_made_anew_lacks_the_signature(who: People, pair: tuple[Entry, Entry]) -> None:
    first, second = pair
    edited = replace(first, note="something else")
    edited = replace(edited, hash=edited.digest())
    after = replace(second, previous=edited.hash)
    after = replace(after, hash=after.digest())
    refused(edited, after, match=r"line 1, propose of version 1 by Li Na 李娜: the signature is not Li Na 李娜's")


def test_an_edited_line_signed_anew_with_ones_own_key_is_not_the_others(who: People, pair: tuple[Entry, Entry]) -> None:
    first, _ = pair
    forged = replace(first, note="something else").signed(who.keys["wang"])
    refused(forged, match="the signature is not Li Na 李娜's")
    forged = replace(first, key=who.signers["wang"].public_key).signed(who.keys["wang"])
    refused(forged, match=r"signed as Li Na 李娜, but in .* the key is Wang Wei 王伟's")


def test_one_person_cannot_write_both_lines(who: People, pair: tuple[Entry, Entry]) -> None:
    first, _ = pair
    refused(first, entry(who, "li", "approve", [first]), match=r"line 2.*Li Na 李娜 proposed version 1: another person")
    who.add("second", "Li Na", "李娜")
    refused(first, entry(who, "second", "approve", [first]), match="another person")


def test_an_approval_alone_or_of_something_else_is_refused(who: People, pair: tuple[Entry, Entry]) -> None:
    first, _ = pair
    refused(entry(who, "wang", "approve", []), match="version 1 is not proposed")
    for changes, says in (
        ({"version": "2"}, "version 2 is not proposed"),
        ({"model_hash": "x" * 64}, "its files hash to xxxxxxxxxxxx…, proposed was mmmmmmmmmmmm…"),
        ({"inputs": {"data_hash": "x" * 64}}, "data_hash is xxxxxxxxxxxx…, proposed was dddddddddddd…"),
        ({"inputs": {}}, "data_hash is nothing…"),
        ({"run": "x" * 32}, "it is another run's"),
        ({"policies": {"gate": "g" * 64, "signers": "x" * 64}}, r"another signers\.toml"),
        ({"policies": {}}, r"another gate\.toml and signers\.toml"),
        ({"accepted": "I say so"}, "accepts another unknown"),
    ):
        refused(first, entry(who, "wang", "approve", [first], **changes), match=says)


def test_a_line_of_another_place_or_version_cannot_be_said_again(who: People, pair: tuple[Entry, Entry]) -> None:
    first, second = pair
    rejected = entry(who, "wang", "reject", [first, second], verdicts={}, policies={})
    again = entry(who, "li", "propose", [first, second, rejected])
    refused(first, second, rejected, again, second, match="line 5: the record was changed: its hashes don't chain")
    # Moved to where it would chain, with its old signature:
    moved = replace(second, number=4, previous=again.hash)
    moved = replace(moved, hash=moved.digest())
    refused(first, second, rejected, again, moved, match="line 5.*the signature is not Wang Wei 王伟's")


def test_a_key_that_is_not_good_that_day_not_listed_or_without_the_role_signs_nothing(
    who: People, pair: tuple[Entry, Entry]
) -> None:
    first, _ = pair
    refused(
        entry(who, "li", "propose", [], on="2025-12-31"), match="line 1.*good from 2026-01-01 .*, not on 2025-12-31"
    )
    refused(entry(who, "li", "propose", [], on="2028-01-01"), match="not on 2028-01-01")
    refused(entry(who, "li", "propose", [], on="today"), match="'today' is no day")
    refused(entry(who, "zhao", "propose", []), match="Zhao Min 赵敏 may approve")
    refused(
        first, entry(who, "wang", "approve", [first], on="2026-11-01"), match="before the entry above of 2026-11-02"
    )
    stranger = entry(who, "li", "propose", [])
    del who.signers["li"]
    who.write()
    refused(stranger, match=r"line 1, propose of version 1 by Li Na 李娜: the key \S+ is not in .*signers\.toml")


def test_a_list_that_was_swapped_shows(who: People, pair: tuple[Entry, Entry]) -> None:
    """Other keys under the same names: nothing that was signed before holds."""
    for label in ("li", "wang"):
        del who.signers[label]
    who.add("li2", "Li Na", "李娜")
    who.add("wang2", "Wang Wei", "王伟")
    with pytest.raises(ApprovalError, match="line 1, propose of version 1 by Li Na 李娜: the key"):
        approval.history(here())


def test_a_list_that_grew_since_is_said_of_each_entry(who: People) -> None:
    first = entry(who, "li", "propose", [], policies={"gate": "g", "signers": load_signers(here(), "hebei").hash})
    write(first)
    found = approval.read(here())
    assert not found.under_another_list(first)
    who.add("qian", "Qian Jin", "钱进")
    assert approval.read(here()).under_another_list(first)


def test_an_entry_cannot_name_a_list_of_its_own(who: People, pair: tuple[Entry, Entry]) -> None:
    for province in ("../../tmp", "/tmp", "", "HEBEI", "hebei\n"):
        refused(entry(who, "li", "propose", [], province=province), match="names no province")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"verdicts": {}}, "doesn't say what the gate found for bands, drift, files"),
        ({"verdicts": {**PASSED, "bands": "fail"}, "accepted": "I say so"}, "the gate said no to version 1: bands"),
        ({"verdicts": {**PASSED, "retrained": "fine"}}, "the gate said no to version 1: retrained"),
        ({"verdicts": {**PASSED, "bands": "cannot tell"}}, "can't tell for version 1: bands"),
        ({"verdicts": {**PASSED, "bands": "cannot tell"}, "accepted": "  "}, "can't tell for version 1: bands"),
        ({"accepted": "nothing"}, "accepts an unknown, but the gate could tell"),
    ],
)
def test_what_the_gate_refused_cannot_be_written_by_hand(who: People, changes: dict[str, Any], says: str) -> None:
    refused(entry(who, "li", "propose", [], **changes), match=says)


def test_going_back_by_hand_needs_what_was_approved(who: People, pair: tuple[Entry, Entry]) -> None:
    first, second = pair
    refused(first, second, entry(who, "li", "back", [first, second]), match="version 1 is the one in force")
    other = entry(who, "li", "propose", [first, second], version="2")
    its = entry(who, "wang", "approve", [first, second, other], version="2")
    before = [first, second, other, its]
    refused(*before, entry(who, "li", "back", before, model_hash="x" * 64), match="not what was approved")
    back = entry(who, "li", "back", before)
    refused(*before, back, entry(who, "li", "approve", [*before, back]), match="another person")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("no json", "line 1: not an entry"),
        ("[]", "expected a JSON object"),
        ("{}", "missing .* required"),
        ("", "line 1: not an entry"),
    ],
)
def test_a_line_that_is_no_entry_is_named(who: People, line: str, says: str) -> None:
    record_path(here()).write_text(line + "\n", encoding="utf-8")
    with pytest.raises(ApprovalError, match=says):
        approval.history(here())


def test_an_entry_has_one_spelling(who: People, pair: tuple[Entry, Entry]) -> None:
    """A key given twice, or spaces: two readers could read two things from one hash."""
    first, _ = pair
    line = first.line()
    for spelling in (line.replace('{"accepted"', '{"note":"else","accepted"', 1), line.replace(",", ", ", 1)):
        with pytest.raises(ValueError, match="not written as an entry is"):
            parse(spelling)
    for field, value in (("number", "0"), ("format", 2), ("inputs", {"a": 1}), ("action", "decide"), ("note", None)):
        with pytest.raises(ValueError, match=field):
            parse(json.dumps({**json.loads(line), field: value}, ensure_ascii=False, sort_keys=True))


def test_a_line_cut_short_says_so_and_the_rest_can_be_mended(who: People, pair: tuple[Entry, Entry]) -> None:
    first, second = pair
    whole = record_path(here()).read_bytes()
    record_path(here()).write_bytes(whole[:-20])
    with pytest.raises(ApprovalError, match="line 2: the last line has no end: writing it was cut short"):
        approval.history(here())
    write(first)
    assert approval.history(here()) == [first]
    append(here(), second)
    assert approval.history(here()) == [first, second]


def test_a_note_may_hold_any_character(who: People) -> None:
    """U+2028 and the like end a line for some readers, not for this one."""
    note = 'one\u2028two\x85three\nfour " 五 🐟'
    first = entry(who, "li", "propose", [], note=note)
    write(first)
    assert approval.history(here())[0].note == note


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes, Signers]:
    """A record that holds, and its list, in a folder of their own for many examples."""
    folder = tmp_path_factory.mktemp("kept")
    who = people(folder / "signing")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FENLEI_SIGNERS", str(who.path))
        signers = load_signers(here(), "hebei")
    first = entry(who, "li", "propose", [])
    text = first.line() + "\n" + entry(who, "wang", "approve", [first]).line() + "\n"
    return folder / "record.jsonl", text.encode(), signers


@settings(max_examples=examples(300), deadline=None)
@given(at=st.integers(0, 10_000), value=st.integers(0, 255))
@example(at=-4, value=ord("B"))
def test_no_byte_of_the_record_can_be_changed(kept: tuple[Path, bytes, Signers], at: int, value: int) -> None:
    path, text, signers = kept
    at %= len(text)
    changed = text[:at] + bytes([value]) + text[at + 1 :]
    path.write_bytes(changed)

    def read() -> list[Entry]:
        entries = read_chain(path)
        for number, e in enumerate(entries):
            admit(e, entries[:number], lambda _: signers)
        return entries

    if changed == text:
        assert len(read()) == 2
    else:
        with pytest.raises(ApprovalError):
            read()
