"""Remedies: the fewest acts that help, found by changing records alone; and what an enterprise waits for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from features.engine.record.record import Record, indicators_of
from features.errors import ConfigError, SourceError
from features.policies import features_policy
from features.population.cohort import cohort
from features.records.store import opened
from features.scope import Scope
from helpers.one_record import CUTOFF, plain, report, row
from helpers.signing import study
from helpers.small_model import NAMES
from models.errors import ModelError
from models.remedies.changes import as_known, done
from models.remedies.folder import records_of
from models.remedies.policy import load_acts
from models.remedies.result import Remedies
from models.remedies.search import remedies_of
from models.remedies.variants import Judge, standings
from models.scoring.classification import GRADES
from models.scoring.classify import classify_frame
from models.scoring.rules.province import load_rules
from serving.answers.fallback import classify
from serving.current.served import Served

JUDGE = Judge(load_rules("hebei"))
DEBTOR = row("b1", date(2024, 6, 1), list_kind="judgment_debtor", amount_fen=10**8)


def found(tables: Mapping[str, Any], **more: Any) -> Remedies:
    [one] = remedies_of([plain(tables)], JUDGE, **more)
    return one


def test_a_judgment_debtor_performs_the_judgment_and_leaves_class_D() -> None:
    one = found({"blacklists": [DEBTOR]})
    assert one.grade_before == "D"
    assert [act.act for act in one.acts] == ["perform_judgment"]
    assert GRADES.index(one.grade_after) < GRADES.index("D")
    [touched] = one.acts[0].records
    assert (touched.table, touched.record_id) == ("blacklists", "b1")
    assert one.exact
    assert Remedies.model_validate_json(one.model_dump_json()) == one


def test_two_lists_need_two_acts_and_no_single_one_is_given() -> None:
    listed = row("s1", date(2024, 3, 1), reason="quality")
    one = found({"blacklists": [DEBTOR], "serious_list": [listed]})
    assert {act.act for act in one.acts} == {"perform_judgment", "leave_serious_list"}


def test_a_list_that_can_not_be_left_yet_is_waited_for_and_nothing_else_is_said() -> None:
    one = found({"serious_list": [row("s1", date(2025, 11, 1), reason="quality")]}, acts=["leave_serious_list"])
    assert one.acts == ()
    assert one.possible == ()
    assert (one.grade_after, one.score_after) == (one.grade_before, one.score_before) == ("D", one.score_before)
    assert one.answer[0] == ("There is nothing for you to do at present.", "目前无需您办理事项。")


def test_a_suspension_order_stops_counting_three_years_after_it_and_is_named() -> None:
    ordered = row("p1", date(2023, 6, 20), authority_kind="market_regulation", penalty_kinds="suspension", field="food")
    one = found({"penalties": [ordered]}, acts=["pay_tax"])
    assert one.grade_before == "C"
    assert one.waiting is not None
    assert one.waiting.cutoff == date(2026, 7, 1)  # the first cut-off more than three years later
    assert [(r.table, r.record_id) for r in one.waiting.records] == [("penalties", "p1")]
    assert one.answer[-1] == (
        "An administrative penalty decision of 2023-06-20 stops counting on 2026-07-01, if nothing new is recorded.",
        "2023年6月20日的行政处罚记录自2026年7月1日起不再计入（期间无新增记录）。",
    )


def test_a_missing_report_is_filed_before_the_abnormal_list_is_left() -> None:
    reports = [report(year) for year in range(2015, 2024)]  # that of 2024 is missing
    listed = row("a1", date(2025, 7, 20), reason="no_annual_report")
    one = found({"annual_reports": reports, "abnormal_list": [listed]})
    assert {"file_report", "publish_information"} <= {act.act for act in one.possible}
    changed, touched = done(
        as_known(plain({"annual_reports": reports})),
        [load_acts("hebei").named("file_report")],
        features_policy("hebei"),
    )
    assert [t.year for t in touched] == [2024]
    assert indicators_of([changed], Scope("hebei"))["annual_reports_missed_3y"].tolist() == [0.0]
    if "publish_information" in {act.act for act in one.acts}:
        assert "file_report" in {act.act for act in one.acts}


def test_class_A_has_nothing_to_come_down_to() -> None:
    one = found({})
    assert (one.grade_before, one.acts, one.waiting) == ("A", (), None)


def test_acts_touch_no_record_that_they_may_not_and_nothing_of_the_record_given() -> None:
    record = plain(
        {
            "blacklists": [DEBTOR],
            "penalties": [row("p1", date(2025, 1, 5), authority_kind="other", penalty_kinds="fine", fine_fen=10**6)],
            "licences": [
                row("k1", date(2019, 1, 1), licence_kind="food", licence_status="valid", valid_to=date(2024, 1, 1))
            ],
            "tax": [row("t1", date(2025, 6, 30), arrears_fen=10**7)],
        }
    )
    policy, before = load_acts("hebei"), as_known(record)
    kept = {table: [dict(r) for r in rows] for table, rows in before.tables.items()}
    after, touched = done(before, policy.acts, features_policy("hebei"))
    assert {t.table for t in touched} == {"blacklists", "penalties", "licences", "tax", "filings"}
    assert before.tables == kept
    for table, rows in after.tables.items():
        assert [dict(r) for r in rows[: len(kept[table])]] == kept[table]  # nothing is edited or taken away
        new = rows[len(kept[table]) :]
        assert all(r["known_at"] < CUTOFF for r in new)
        if table in policy.never:
            assert new == []


def test_what_is_objected_to_repaired_or_not_known_yet_is_not_acted_on() -> None:
    raised = row("o1", date(2025, 12, 1), ref_table="blacklists", ref_record_id="b1", state="open")
    assert found({"blacklists": [DEBTOR], "objections": [raised]}).possible[0].act == "register_information"
    later = DEBTOR | {"known_at": CUTOFF}
    assert "perform_judgment" not in {act.act for act in found({"blacklists": [later]}).possible}


def test_an_unknown_act_is_refused_by_name_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"no act 'pay_taxes'; known: file_report, .*did you mean pay_tax") as told:
        found({}, acts=["pay_taxes"])
    assert "inspect_equipment" in str(told.value)
    with pytest.raises(ConfigError, match="no act is named"):
        found({}, acts=[])


@pytest.fixture(scope="module")
def some(small_clean: Path) -> list[Record]:
    """Enterprises of the small province above class A, D first."""
    cutoff = date(2026, 1, 1)
    with opened(small_clean) as store:
        ids = cohort(store, [cutoff], Scope("hebei"))["enterprise_id"].head(400).tolist()
        records = records_of(store, ids, cutoff, JUDGE.scope)
    known = [as_known(record) for record in records]
    states = standings(known, JUDGE)
    worst = sorted(zip(states, range(len(known)), strict=True), key=lambda pair: (-pair[0].score, pair[1]))
    return [records[k] for state, k in worst if state.grade != "A"][:60]


def test_variants_stand_where_each_alone_would(some: list[Record]) -> None:
    for record, state in zip(some[:12], standings([*some, *some], JUDGE), strict=False):
        frame = indicators_of([record], JUDGE.scope)
        [alone] = classify_frame(frame, None, JUDGE.rules)
        assert (alone.score, alone.grade, alone.determinations) == (state.score, state.grade, state.determinations)


def test_a_model_judges_as_it_classifies_and_the_rules_do_where_it_can_not_read_a_row(some: list[Record]) -> None:
    _, _, signed = study()
    for nullable in (NAMES, signed.nullable):
        model = signed.model_copy(update={"nullable": nullable})
        judge = Judge(load_rules("hebei"), model)
        frame = indicators_of(some[:20], judge.scope)
        expected = classify(frame, Served("hebei", model), judge.rules)
        for one, state in zip(expected, standings(some[:20], judge), strict=True):
            assert (one.score, one.grade) == (state.score, state.grade)


def test_a_model_signed_under_other_cuts_judges_nothing() -> None:
    _, _, signed = study()
    with pytest.raises(ModelError, match=r"henan now has .* it must be signed again"):
        Judge(load_rules("henan"), signed)


def test_with_a_model_the_acts_found_bring_its_class_down(some: list[Record]) -> None:
    _, _, signed = study()
    judge = Judge(load_rules("hebei"), signed.model_copy(update={"nullable": NAMES}))
    found = remedies_of(some[:20], judge, wait=False)
    assert any(one.acts for one in found)
    for one in found:
        lower = GRADES.index(one.grade_after) < GRADES.index(one.grade_before)
        assert lower == bool(one.acts)


@pytest.mark.slow
def test_no_smaller_set_helps_than_the_one_found(some: list[Record]) -> None:
    """A slow oracle tries every set of up to three acts, one record at a time."""
    policy, features = load_acts("hebei"), features_policy("hebei")
    answers = remedies_of(some[:12], JUDGE, wait=False)
    helped = 0
    for record, answer in zip(some, answers, strict=False):
        known, possible = as_known(record), [act.act for act in answer.possible]
        least = 4
        for size in (1, 2, 3):
            for chosen in combinations([policy.named(name) for name in possible], size):
                needed = {need for act in chosen for need in act.needs} & set(possible)
                if not needed <= {act.id for act in chosen}:
                    continue
                after = done(known, sorted(chosen, key=lambda act: bool(act.needs)), features)[0]
                [one] = classify_frame(indicators_of([after], JUDGE.scope), None, JUDGE.rules)
                if GRADES.index(one.grade) < GRADES.index(answer.grade_before):
                    least = min(least, size)
        if answer.acts and answer.exact:
            helped += 1
            assert len(answer.acts) == least
            assert GRADES.index(answer.grade_after) < GRADES.index(answer.grade_before)
        elif not answer.acts:
            assert least == 4
    assert helped > 3


def test_an_answer_to_an_objection_names_no_score_class_or_points(some: list[Record]) -> None:
    for one in remedies_of(some, JUDGE):
        assert one.answer
        for en, zh in one.answer:
            assert not any(word in zh for word in ("评分", "得分", "分值", "等级", "风险", "类"))
            assert not any(word in en.lower() for word in ("score", "class", "point", "risk"))
            assert f"{one.score_before:.1f}" not in en + zh


def test_an_enterprise_that_is_not_in_the_folder_is_named(small_clean: Path) -> None:
    with pytest.raises(SourceError, match="no enterprise E404"):
        records_of(small_clean, ["E404"], CUTOFF, JUDGE.scope)
    with pytest.raises(SourceError, match="given twice: E404"):
        records_of(small_clean, ["E404", "E404"], CUTOFF, JUDGE.scope)
