"""Each direct determination (HB 12, 13) by records through the real code: its class, its window to the day, its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import pytest

from features.engine.record.record import indicators_of
from features.scope import Scope
from helpers.one_record import CUTOFF, plain, row
from models.scoring.classification import Classification
from models.scoring.classify import classify_frame
from models.scoring.rules.determinations import load_determinations
from models.scoring.rules.province import load_rules

Rows = Mapping[str, Sequence[Mapping[str, Any]]]
DAY = timedelta(days=1)
THREE_YEARS, THREE_MONTHS = date(2023, 1, 1), date(2025, 10, 1)
"""First days of the windows of three years and of three months before the cut-off."""


def classified(tables: Rows, cutoff: date = CUTOFF) -> Classification:
    frame = indicators_of([plain(tables, cutoff)], Scope("hebei", peers=True))
    [one] = classify_frame(frame, None, load_rules("hebei"))
    return one


def hit(tables: Rows, cutoff: date = CUTOFF) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Rules that hit, with their class and records."""
    return {one.rule: (one.grade, one.evidence) for one in classified(tables, cutoff).determinations}


def penalty(on: date, kinds: str, authority: str = "market_regulation") -> Rows:
    return {"penalties": [row("p1", on, authority_kind=authority, penalty_kinds=kinds)]}


def opinion(on: date, **cells: Any) -> Rows:
    said: dict[str, Any] = {"tone": "negative", "attention": "high", "confirmed": True} | cells
    return {"public_opinion": [row("o1", on, **said)]}


def listed(table: str, on: date, ended: date | None = None, **cells: Any) -> Rows:
    rows = [row("l1", on, **cells)]
    if ended is not None:
        rows.append(row("l1", on, known=ended, **cells) | {"version": 2, "ended_on": ended, "end_reason": "repaired"})
    return {table: rows}


def repaired(table: str, record_id: str, on: date, state: str = "granted", known: date | None = None) -> Rows:
    return {"repairs": [row("r1", on, known=known, ref_table=table, ref_record_id=record_id, state=state)]}


def test_a_plain_enterprise_hits_none() -> None:
    assert hit({}) == {}


def test_H12_1_is_off_while_its_text_is_lost() -> None:
    rules = load_determinations("hebei")
    [lost] = [rule for rule in rules.rules if rule.id == "H12.1"]
    assert not lost.enabled
    assert "H12.1" not in [rule.id for rule in rules.active]
    frame = indicators_of([plain()], Scope("hebei")).assign(evidence_H12_1="penalties:p1")
    [one] = classify_frame(frame, None, load_rules("hebei"))
    assert (one.determinations, one.missing.count("evidence_H12_1")) == ((), 0)


@pytest.mark.parametrize(("on", "hits"), [(THREE_YEARS, True), (THREE_YEARS - DAY, False), (CUTOFF - DAY, True)])
def test_H12_2_an_order_to_suspend_business_is_class_C_for_three_years_to_the_day(on: date, hits: bool) -> None:
    found = classified(penalty(on, "fine;suspension"))
    assert ("H12.2" in [d.rule for d in found.determinations]) == hits
    if hits:
        assert (found.determinations[0].grade, found.determinations[0].evidence) == ("C", ("penalties:p1",))
        assert found.grade >= "C"


def test_H12_2_counts_the_market_regulators_orders_alone_and_nothing_of_the_cut_off_itself() -> None:
    assert hit(penalty(date(2025, 5, 1), "suspension", "other")) == {}
    assert hit(penalty(date(2025, 5, 1), "fine;warning")) == {}
    assert hit(penalty(CUTOFF, "suspension")) == {}


@pytest.mark.parametrize(("on", "hits"), [(THREE_YEARS, True), (THREE_YEARS - DAY, False), (CUTOFF - DAY, True)])
def test_H12_3_a_revoked_licence_is_class_C_for_three_years_to_the_day(on: date, hits: bool) -> None:
    expected = {"H12.3": ("C", ("penalties:p1",))} if hits else {}
    assert hit(penalty(on, "licence_revoked")) == expected
    licence = row("k1", date(2016, 2, 1), licence_kind="food", authority_kind="market_regulation")
    ended = licence | {"version": 2, "known_at": on, "licence_status": "revoked", "ended_on": on}
    expected = {"H12.3": ("C", ("licences:k1",))} if hits else {}
    assert hit({"licences": [licence | {"licence_status": "valid"}, ended]}) == expected


def test_H12_3_a_licence_revoked_by_another_department_or_given_back_is_none() -> None:
    on = date(2025, 5, 1)
    assert hit(penalty(on, "licence_revoked", "other")) == {}
    licence = row("k1", date(2016, 2, 1), known=on, licence_kind="food", ended_on=on)
    for cells in (
        {"authority_kind": "other", "licence_status": "revoked"},
        {"authority_kind": "market_regulation", "licence_status": "surrendered"},
    ):
        assert hit({"licences": [licence | cells]}) == {}


@pytest.mark.parametrize(("on", "hits"), [(THREE_MONTHS, True), (THREE_MONTHS - DAY, False), (CUTOFF - DAY, True)])
def test_H12_4_strong_negative_reports_are_class_C_for_three_months_to_the_day(on: date, hits: bool) -> None:
    assert hit(opinion(on)) == ({"H12.4": ("C", ("public_opinion:o1",))} if hits else {})


@pytest.mark.parametrize(
    "cells",
    [{"confirmed": False}, {"confirmed": None}, {"tone": "neutral"}, {"attention": "medium"}, {"attention": None}],
)
def test_H12_4_needs_a_persons_confirmation_a_negative_tone_and_high_attention(cells: dict[str, Any]) -> None:
    assert hit(opinion(date(2025, 12, 1), **cells)) == {}


@pytest.mark.parametrize(
    ("rule", "table", "cells"),
    [
        ("H13.1", "serious_list", {"reason": "quality"}),
        ("H13.2", "blacklists", {"list_kind": "judgment_debtor"}),
        ("H13.3", "blacklists", {"list_kind": "tax"}),
        ("H13.3", "blacklists", {"list_kind": "other"}),
    ],
)
class TestLists:
    """H13.1 serious-violation list, H13.2 dishonest judgment debtors, H13.3 other departments' blacklists."""

    def test_an_open_entry_is_class_D_however_old(self, rule: str, table: str, cells: dict[str, Any]) -> None:
        for on in (date(2015, 3, 1), CUTOFF - DAY):
            assert hit(listed(table, on, **cells)) == {rule: ("D", (f"{table}:l1",))}
            assert classified(listed(table, on, **cells)).grade == "D"
        assert hit(listed(table, CUTOFF, **cells)) == {}

    def test_an_entry_that_ended_before_the_cut_off_hits_no_more_and_one_that_ends_later_does(
        self, rule: str, table: str, cells: dict[str, Any]
    ) -> None:
        on = date(2024, 6, 1)
        assert hit(listed(table, on, CUTOFF - DAY, **cells)) == {}
        # What was known only at the cut-off, or ends then, changes nothing yet.
        assert rule in hit(listed(table, on, CUTOFF, **cells))
        known_early = [row("l1", on, **cells), row("l1", on, known=CUTOFF - DAY, **cells) | {"version": 2}]
        known_early[1]["ended_on"] = CUTOFF
        assert rule in hit({table: known_early})

    def test_a_granted_repair_ends_it_from_the_day_after_it_is_known_and_nothing_less_does(
        self, rule: str, table: str, cells: dict[str, Any]
    ) -> None:
        entry = listed(table, date(2024, 6, 1), **cells)
        assert hit({**entry, **repaired(table, "l1", CUTOFF - DAY)}) == {}
        assert rule in hit({**entry, **repaired(table, "l1", CUTOFF - DAY, known=CUTOFF)})
        for state in ("applied", "refused"):
            assert rule in hit({**entry, **repaired(table, "l1", CUTOFF - DAY, state)})
        assert rule in hit({**entry, **repaired(table, "another", CUTOFF - DAY)})

    def test_an_open_objection_suspends_it_and_a_rejected_one_does_not(
        self, rule: str, table: str, cells: dict[str, Any]
    ) -> None:
        entry = listed(table, date(2024, 6, 1), **cells)
        raised = row("b1", date(2025, 12, 1), ref_table=table, ref_record_id="l1", state="open")
        rejected = raised | {"version": 2, "known_at": date(2025, 12, 20), "state": "rejected"}
        assert hit({**entry, "objections": [raised]}) == {}
        assert rule in hit({**entry, "objections": [raised, rejected]})


@pytest.mark.parametrize(
    ("table", "record_id", "tables"),
    [
        ("penalties", "p1", penalty(date(2025, 5, 1), "suspension")),
        ("penalties", "p1", penalty(date(2025, 5, 1), "licence_revoked")),
        ("public_opinion", "o1", opinion(date(2025, 12, 1))),
    ],
)
def test_repair_ends_the_rules_of_HB_12_on_the_day_it_is_granted(table: str, record_id: str, tables: Rows) -> None:
    """SC (13): a repair ends the direct effect; granted on the last day before the cut-off it counts, later not."""
    assert hit(tables) != {}
    assert hit({**tables, **repaired(table, record_id, CUTOFF - DAY)}) == {}
    applied = row("r1", date(2025, 12, 1), ref_table=table, ref_record_id=record_id, state="applied")
    granted = applied | {"version": 2, "state": "granted"}
    assert hit({**tables, "repairs": [applied, granted | {"known_at": CUTOFF - DAY}]}) == {}
    assert hit({**tables, "repairs": [applied, granted | {"known_at": CUTOFF}]}) != {}


def test_a_sectors_own_grade_never_changes_the_class() -> None:
    """SAMR (9): the stricter of both sets the measure; the class of the general classification stays."""
    for tables in (
        {},
        penalty(date(2025, 5, 1), "suspension"),
        listed("serious_list", date(2024, 6, 1), reason="quality"),
    ):
        without = classified(tables)
        for level in (1, 4):
            graded = row("g1", date(2025, 6, 1), field="food", level=level, levels=4)
            found = classified({**tables, "sector_grades": [graded]})
            assert (found.grade, found.score, found.score_grade) == (without.grade, without.score, without.score_grade)
