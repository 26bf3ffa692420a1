"""Book of warnings: one warning over months, closed by a person, and kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from helpers.alerts import CUTOFF
from supervision.alerts.alert import Alert
from supervision.alerts.book import Book, BookError
from supervision.alerts.policy import warnings_policy

POLICY = warnings_policy("hebei")


def alert(*core: str, pattern: str = "") -> Alert:
    return Alert(
        "complaints", "attention", "remind", ("E1",), "130102", "F51", "many", "多", core, core, pattern, 1e-6,
        "2025-12-20", "office", "机构",
    )  # fmt: skip


def test_the_same_core_evidence_is_one_warning_that_continues(tmp_path: Path) -> None:
    book = Book(tmp_path / "book.jsonl")
    [first] = book.enter([alert("t:1", "t:2", "t:3")], "2025-11", POLICY)
    [second] = book.enter([alert("t:2", "t:3", "t:4")], "2025-12", POLICY)
    assert (first.state, second.state) == ("new", "continues")
    assert second.id == first.id
    assert second.first == "2025-11"


def test_other_evidence_is_another_warning(tmp_path: Path) -> None:
    book = Book(tmp_path / "book.jsonl")
    [first] = book.enter([alert("t:1", "t:2", "t:3")], "2025-11", POLICY)
    [second] = book.enter([alert("t:3", "t:4", "t:5")], "2025-12", POLICY)
    assert second.state == "new"
    assert second.id != first.id


def test_a_pattern_goes_on_with_new_evidence_for_the_policys_months_and_no_longer(tmp_path: Path) -> None:
    book = Book(tmp_path / "book.jsonl")
    [first] = book.enter([alert("t:1", pattern="complaints/E1")], "2025-08", POLICY)
    [second] = book.enter([alert("t:2", pattern="complaints/E1")], "2025-10", POLICY)
    [third] = book.enter([alert("t:3", pattern="complaints/E1")], "2026-01", POLICY)
    assert second.id == first.id
    assert third.id != first.id


def test_entering_a_month_again_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "book.jsonl"
    Book(path).enter([alert("t:1")], "2025-11", POLICY)
    before = path.read_bytes()
    [again] = Book(path).enter([alert("t:1")], "2025-11", POLICY)
    assert path.read_bytes() == before
    assert again.state == "new"


def test_what_a_person_found_is_kept_and_the_warning_stays_closed(tmp_path: Path) -> None:
    path = tmp_path / "book.jsonl"
    [first] = Book(path).enter([alert("t:1", "t:2")], "2025-11", POLICY)
    Book(path).close(first.id, "confirmed", "inspector 7", CUTOFF, POLICY, "visited")
    [again] = Book(path).enter([alert("t:1", "t:2")], "2025-12", POLICY)
    assert (again.id, again.state, again.outcome) == (first.id, "closed", "confirmed")
    kept = Book(path).kept[first.id]
    assert (kept.by, kept.on, kept.note) == ("inspector 7", "2026-01-01", "visited")


def test_new_evidence_after_closing_is_a_new_warning(tmp_path: Path) -> None:
    book = Book(tmp_path / "book.jsonl")
    [first] = book.enter([alert("t:1", pattern="complaints/E1")], "2025-11", POLICY)
    book.close(first.id, "handled", "inspector 7", CUTOFF, POLICY)
    [second] = book.enter([alert("t:2", pattern="complaints/E1")], "2025-12", POLICY)
    assert second.state == "new"


@pytest.mark.parametrize(
    ("name", "outcome", "by", "said"),
    [
        ("W0", "confirmed", "x", "no warning 'W0'"),
        ("", "perhaps", "x", "expected one of confirmed"),
        ("", "confirmed", " ", "--by has 0 characters"),
    ],
)
def test_a_wrong_closing_is_refused_and_leaves_it_open(
    tmp_path: Path, name: str, outcome: str, by: str, said: str
) -> None:
    book = Book(tmp_path / "book.jsonl")
    [first] = book.enter([alert("t:1")], "2025-11", POLICY)
    with pytest.raises(BookError, match=said):
        book.close(name or first.id, outcome, by, CUTOFF, POLICY)
    assert Book(book.path).kept[first.id].outcome == ""


def test_a_warning_is_closed_once(tmp_path: Path) -> None:
    book = Book(tmp_path / "book.jsonl")
    [first] = book.enter([alert("t:1")], "2025-11", POLICY)
    book.close(first.id, "confirmed", "inspector 7", CUTOFF, POLICY)
    with pytest.raises(BookError, match="a closed one stays as it is"):
        book.close(first.id, "handled", "inspector 8", CUTOFF, POLICY)


def test_a_book_that_was_changed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "book.jsonl"
    Book(path).enter([alert("t:1"), replace(alert("t:9"), enterprises=("E2",))], "2025-11", POLICY)
    path.write_text(path.read_text(encoding="utf-8").replace("E1", "E3"), encoding="utf-8")
    with pytest.raises(BookError, match="line 1: the book of warnings was changed"):
        Book(path)
