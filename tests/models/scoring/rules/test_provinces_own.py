"""Henan and Ningxia answer by points and direct rules of their own: nothing is wired to Hebei."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from helpers import small_model as small
from models.scoring.classification import Classification
from models.scoring.classify import classify_frame
from models.scoring.rules.province import load_rules

PROVINCES = ("hebei", "henan", "ningxia")


def firm(province: str, **values: float | str) -> Classification:
    """The answer by a province's rules for one enterprise of which these values are known, and no others."""
    rules = load_rules(province)
    row = dict.fromkeys(rules.scorecard.indicators, np.nan) | dict.fromkeys(small.EVIDENCE, "") | values
    index = pd.MultiIndex.from_tuples([("E1", pd.Timestamp("2026-11-01"))], names=["enterprise_id", "cutoff"])
    return classify_frame(pd.DataFrame([row], index=index), None, rules)[0]


def test_each_has_a_card_and_rules_of_its_own() -> None:
    cards = [load_rules(p).scorecard for p in PROVINCES]
    rules = [load_rules(p).determinations for p in PROVINCES]
    assert len({card.name for card in cards}) == 3
    assert [card.name.partition("-")[0] for card in cards] == list(PROVINCES)
    ids = [{rule.id for rule in each.rules} for each in rules]
    assert not ids[0] & ids[1]
    assert not ids[1] & ids[2]


@pytest.mark.parametrize("province", PROVINCES)
def test_a_serious_violator_is_d_everywhere_by_the_provinces_own_rule(province: str) -> None:
    answer = firm(province, evidence_H13_1="serious_list:S1")
    assert answer.grade == "D"
    [hit] = answer.determinations
    assert hit.rule == {"hebei": "H13.1", "henan": "HA-D1", "ningxia": "NX-1"}[province]
    assert hit.evidence == ("serious_list:S1",)


def test_what_one_province_takes_as_a_direct_rule_another_does_not() -> None:
    revoked = {p: firm(p, evidence_H12_3="penalties:P1").grade for p in PROVINCES}
    assert revoked["hebei"] == "C"
    assert revoked["ningxia"] == "D"
    assert not firm("henan", evidence_H12_3="penalties:P1").determinations
    assert [firm(p, evidence_H13_3="blacklists:B1").grade for p in ("hebei", "henan")] == ["D", "C"]


def test_a_filer_of_zero_finances_costs_most_in_henan_which_draws_all_of_them() -> None:
    more = {p: firm(p, all_zero_report=1.0).score - firm(p).score for p in PROVINCES}
    assert more == {"hebei": 40.0, "henan": 75.0, "ningxia": 40.0}
    assert firm("henan", all_zero_report=1.0).score_grade == "B"


@pytest.mark.parametrize("province", PROVINCES)
def test_points_add_up_to_the_score_and_the_version_is_the_provinces(province: str) -> None:
    answer = firm(province, penalties_3y=2.0, complaints_upheld_1y=1.0, tax_grade_a=1.0)
    assert answer.base_score + sum(answer.family_points.values()) == pytest.approx(answer.score, abs=1e-6)
    assert answer.versions["policy"].startswith(f"{province}-")
