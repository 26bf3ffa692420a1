"""The sheet of an enterprise: adds up, speaks one language, holds no script, and says what stands behind."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import date

import pandas as pd
import pytest
from rich.console import Console

from features.table.behind import Behind, Row
from models.reporting.case import Case, Month, Texts
from models.reporting.sheet import Language, sheet
from models.reporting.terminal_case import shown
from models.reporting.waterfall import steps
from models.scoring.classification import Classification
from models.scoring.classify import classify_frame
from models.scoring.rules.province import load_rules

CUTOFF = date(2026, 1, 1)
RULES = load_rules("hebei")
LISTED = Row("serious_list:S1", "entry in the serious-violation list", "严重违法失信名单", date(2025, 7, 5),
             "abnormal list for three years", "满三年未移出异常名录")  # fmt: skip
FINED = Row("penalties:P1", "administrative penalty decision", "行政处罚", date(2025, 3, 4), "fine", "罚款")


def answer(**values: object) -> Classification:
    """A rules' answer for an enterprise with some values, nothing of the others, and all direct rules looked at."""
    known = {name: [0.0] for name in RULES.scorecard.indicators}
    evidence = {rule.column: [""] for rule in RULES.determinations.active}
    given = {name: [value] for name, value in values.items()}
    index = pd.MultiIndex.from_tuples([("E1", pd.Timestamp(CUTOFF))], names=["enterprise_id", "cutoff"])
    return classify_frame(pd.DataFrame(known | evidence | given, index=index), None, RULES, top=99)[0]


@pytest.fixture
def case() -> Case:
    found = answer(penalties_1y=2.0, serious_list_ever=1.0, evidence_H13_1="serious_list:S1")
    assert found.grade == "D"
    return Case(
        found, RULES.bands.cuts, RULES.bands.closed, code="91990101MA09KN699C",
        behind={"penalties_1y": Behind(5, (FINED, replace(FINED, record="penalties:P2")))},
        evidence={"serious_list:S1": LISTED}, history=(Month(date(2025, 12, 1), 210.0, "B"),),
        helps=Texts(("File the missing report.",), ("补报年报。",)), signed=Texts(("signed by two",), ("两人签署",)),
    )  # fmt: skip


def test_the_steps_go_from_base_to_score_without_a_gap(case: Case) -> None:
    for found in (case.found, answer(), answer(penalties_1y=9.0, abnormal_listed_now=1.0, serious_list_ever=1.0)):
        walk = steps(found, {"language": "en", "base": "b", "rest": "r", "limit": "l", "score": "s"}, most=2)
        assert walk[0].end == found.base_score
        assert [one.begin for one in walk[1:-1]] == [one.end for one in walk[:-2]]
        assert walk[-2].end == pytest.approx(found.score, abs=0.05)
        moves = [one.end - one.begin for one in walk[1:-1] if one.indicator]
        rising = [move for move in moves if move > 0]
        assert moves[: len(rising)] == rising == sorted(rising, reverse=True)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_page_stands_alone_and_says_why_in_its_own_language(case: Case, language: Language) -> None:
    page = sheet(case, language)
    assert not re.search(r"<script|https?://|src=|@import|nan", page)
    assert f'lang="{"zh-CN" if language == "zh" else "en"}"' in page
    words = re.sub(r"(?s)<style>.*?</style>|<[^>]+>", " ", page)
    for said in ("E1", "91990101MA09KN699C", "2026-01-01", "S1", "P1", "2025-12", "H13.1", "200", "500", "750"):
        assert said in words, said
    if language == "en":
        assert not re.search(r"[\u4e00-\u9fff]", words)
        for said in ("2 penalties in the last year", "; 3 more", "File the missing report.", "signed by two",
                     "Internal", "high credit risk", "fine"):  # fmt: skip
            assert said in words, said
    else:
        for said in ("近一年行政处罚2次", "另有3条", "补报年报。", "两人签署", "内部资料", "信用风险高", "罚款"):
            assert said in words, said
        assert not re.findall(r"[a-z]{4,}(?! *-)", re.sub(r"hebei-\S+|[0-9a-f]{12}", "", words))


def test_a_class_that_the_score_does_not_give_is_explained() -> None:
    quiet = answer(evidence_H13_1="serious_list:S1", serious_list_ever=1.0)
    page = sheet(Case(quiet, RULES.bands.cuts, RULES.bands.closed), "en")
    assert quiet.score_grade != "D"
    assert f"By its score alone it would be in {quiet.score_grade}; a direct determination puts it in D." in page
    assert "serious_list:S1" in page  # a record that is not at hand is named all the same


def test_what_is_given_is_escaped(case: Case) -> None:
    page = sheet(replace(case, name="<b>&", reminder="<i>提醒"), "zh")
    assert "<b>&" not in page
    assert "&lt;i&gt;提醒" in page


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_terminal_shows_class_reasons_and_records(case: Case, language: Language) -> None:
    console = Console(record=True, width=140, file=io.StringIO())
    for part in shown(case, language):
        console.print(part)
    told = console.export_text()
    for said in (" D ", "H13.1", "S1", "P1", *(("行政处罚2次",) if language == "zh" else ("2 penalties",))):
        assert said in told, said
