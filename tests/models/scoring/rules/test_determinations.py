from __future__ import annotations

import itertools

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from models.scoring.classification import GRADES, Grade
from models.scoring.rules.determinations import Determinations, Rule, floor, load_determinations

HEBEI = load_determinations("hebei")
GRADE = {rule.id: rule.grade for rule in HEBEI.rules}
COLUMNS = [rule.column for rule in HEBEI.active]


def row(**evidence: str | None) -> pd.DataFrame:
    return pd.DataFrame({c: [evidence.get(c, "")] for c in COLUMNS})


def test_the_seven_rules_of_articles_12_and_13_and_only_the_lost_one_is_off() -> None:
    assert GRADE == {
        "H12.1": "C", "H12.2": "C", "H12.3": "C", "H12.4": "C", "H13.1": "D", "H13.2": "D", "H13.3": "D",
    }  # fmt: skip
    assert [rule.id for rule in HEBEI.rules if not rule.enabled] == ["H12.1"]
    assert "disabled" in HEBEI.rules[0].note
    assert [rule.id for rule in HEBEI.rules if rule.needs_confirmation] == ["H12.4"]


def test_d_rules_come_before_c_rules() -> None:
    assert [rule.grade for rule in HEBEI.active] == ["D"] * 3 + ["C"] * 3


@pytest.mark.parametrize("rule", HEBEI.active, ids=lambda rule: rule.id)
@pytest.mark.parametrize("score_grade", GRADES)
def test_each_rule_is_a_floor_that_never_lowers_a_worse_score(rule: Rule, score_grade: Grade) -> None:
    (hits,), (unchecked,) = HEBEI.hits(row(**{rule.column: "penalties:P1;penalties:P2"}))
    (hit,) = hits
    assert (hit.rule, hit.grade) == (rule.id, rule.grade)
    assert hit.evidence == ("penalties:P1", "penalties:P2")
    assert floor(score_grade, hits) == max(score_grade, rule.grade)
    assert unchecked == ()


@given(st.sets(st.sampled_from(COLUMNS)), st.sampled_from(GRADES))
def test_any_set_of_hits_gives_the_worst_class_of_all(hit: set[str], score_grade: Grade) -> None:
    (hits,), _ = HEBEI.hits(row(**dict.fromkeys(hit, "t:1")))
    assert len(hits) == len(hit)
    assert floor(score_grade, hits) == max([score_grade, *(h.grade for h in hits)])
    assert [h.grade for h in hits] == sorted((h.grade for h in hits), reverse=True)


def test_no_evidence_no_determination() -> None:
    assert HEBEI.hits(row()) == ([()], [()])
    for one, grade in itertools.product([()], GRADES):
        assert floor(grade, one) == grade


def test_every_text_names_article_class_and_records_in_both_languages() -> None:
    (hits,), _ = HEBEI.hits(row(**dict.fromkeys(COLUMNS, "blacklists:B7")))
    for hit in hits:
        for text in (hit.text_en, hit.text_zh):
            assert "blacklists:B7" in text
            assert f"HB {hit.rule[1:3]}({hit.rule[-1]})" in text
            assert hit.grade in text
        assert any("\u4e00" <= ch <= "\u9fff" for ch in hit.text_zh)


def test_a_disabled_rule_is_silent_even_with_evidence() -> None:
    (hits,), _ = HEBEI.hits(row().assign(evidence_H12_1="penalties:P1"))
    assert hits == ()


def test_a_policy_can_switch_rules_and_change_their_class() -> None:
    data = HEBEI.model_dump()
    data["rules"] = [
        {**r, "enabled": r["id"] == "H12.2", "grade": "D" if r["id"] == "H12.2" else r["grade"]} for r in data["rules"]
    ]
    (hits,), _ = Determinations.model_validate(data).hits(row(**dict.fromkeys(COLUMNS, "t:1")))
    assert [(h.rule, h.grade) for h in hits] == [("H12.2", "D")]


def test_a_rule_that_could_not_be_looked_at_is_named() -> None:
    (hits,), (unchecked,) = HEBEI.hits(row().drop(columns="evidence_H13_2"))
    assert (hits, unchecked) == ((), ("evidence_H13_2",))
    _, (unchecked,) = HEBEI.hits(row().assign(evidence_H12_3=None))
    assert unchecked == ("evidence_H12_3",)


def test_one_rule_one_entry() -> None:
    data = HEBEI.model_dump()
    with pytest.raises(ValidationError, match="more than once"):
        Determinations.model_validate({"rules": [data["rules"][0]] * 2})
