"""A reminder names record, duty, day and office, and never a score, a class or points (SAMR (11), HB 5)."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from features.errors import ConfigError
from features.policy import load_toml, policy_path
from features.population.cohort import cohort
from features.records.store import opened
from features.scope import Scope
from helpers.one_record import CUTOFF, plain, report, row
from models.remedies.folder import records_of
from models.remedies.reminder import Reminder, Reminders, load_reminders, reminders_of

DATES_ZH = re.compile(r"\d{4}年\d{1,2}月\d{1,2}日|\d{4}年度")
DATES_EN = re.compile(r"\d{4}-\d{2}-\d{2}|annual report of \d{4}", re.IGNORECASE)


def of(**tables: list[dict[str, object]]) -> list[Reminder]:
    [found] = reminders_of([plain(tables)], "hebei")
    return found


def test_an_open_entry_is_named_with_its_duty_its_day_and_its_office() -> None:
    [one] = of(abnormal_list=[row("a1", date(2025, 7, 20), reason="not_contactable")])
    assert (one.kind, one.record, one.due) == ("abnormal_list", "abnormal_list:a1", date(2026, 1, 31))
    assert one.text_zh == (
        "2025年7月20日的经营异常名录记录尚未移出，请于2026年1月31日前履行相关义务，并向登记机关（所在地市场监督管理部门）申请移出。"
    )
    assert one.text_en == (
        "An entry in the abnormal-operation list of 2025-07-20 is open. Please do what it was listed for and apply to "
        "be taken off by 2026-01-31 at the market regulator where you are registered."
    )


def test_a_missing_report_is_named_by_its_year() -> None:
    [one] = of(annual_reports=[report(year) for year in range(2015, 2024)])
    assert (one.kind, one.record) == ("missing_report", None)
    assert "2024年度的年度报告" in one.text_zh


def test_whoever_owes_nothing_is_reminded_of_nothing() -> None:
    assert of() == []


@pytest.mark.parametrize(
    "tables",
    [
        {"abnormal_list": [row("a1", date(2025, 7, 20), reason="not_contactable", ended_on=date(2025, 12, 31))]},
        {"abnormal_list": [row("a1", CUTOFF, reason="not_contactable")]},
        {"tax": [row("t1", date(2024, 12, 31), arrears_fen=9), row("t2", date(2025, 6, 30), arrears_fen=0)]},
        {
            "recalls": [row("c1", date(2025, 7, 20), recall_kind="ordered")],
            "objections": [row("o", date(2025, 8, 1), ref_table="recalls", ref_record_id="c1", state="open")],
        },
    ],
)
def test_what_has_ended_is_not_known_yet_or_is_objected_to_is_no_reminder(
    tables: dict[str, list[dict[str, object]]],
) -> None:
    assert of(**tables) == []


@pytest.fixture(scope="module")
def province(small_clean: Path) -> list[Reminder]:
    """Every reminder of the simulated province."""
    with opened(small_clean) as store:
        ids = cohort(store, [CUTOFF], Scope("hebei"))["enterprise_id"].tolist()
        records = records_of(store, ids, CUTOFF, Scope("hebei"))
    return [one for found in reminders_of(records, "hebei") for one in found]


def test_no_reminder_of_any_enterprise_tells_a_score_a_class_or_points(province: list[Reminder]) -> None:
    """Beyond days and years no digit stands in a text, and in the Chinese ones no Latin letter: no class, no score."""
    assert len({one.kind for one in province}) >= 6
    assert len(province) > 1000
    for one in province:
        zh, en = DATES_ZH.sub("", one.text_zh), DATES_EN.sub("", one.text_en)
        assert not re.search(r"[0-9A-Za-z０-９]", zh)
        assert not any(word in zh for word in ("分", "类", "等级", "级", "风险"))
        assert not re.search(r"\d", en)
        assert not re.search(r"\b[BCD]\b|\b(class|score|grade|points?|risk|rating)\b", en, re.IGNORECASE)
        assert not re.search(r"\bA\b(?! [a-z])", en)


def test_a_policy_whose_text_would_tell_is_refused_with_the_word(tmp_path: Path) -> None:
    text = policy_path("hebei", "reminders").read_text(encoding="utf-8")
    for old, new, says in (
        ("尚未移出，请于", "影响信用风险，请于", "holds 风险"),
        ("has run out", "lowers your score", "holds score"),
        ("{record}已经到期", "{score}已经到期", "may name due, office, record in braces"),
        ("{record} is not finished", "A recall is not finished", "doesn't name what it is about"),
        ('id = "recall"', 'id = "tax"', "given more than once"),
        ('table = "recalls"', 'table = "recall"', "'recall' is unknown"),
    ):
        file = tmp_path / "reminders.toml"
        file.write_text(text.replace(old, new, 1), encoding="utf-8")
        with pytest.raises(ConfigError, match=re.escape(says)):
            load_toml(file, Reminders)


def test_every_province_has_reminders() -> None:
    for place in ("hebei", "henan", "ningxia", "city"):
        assert load_reminders(place).reminders
