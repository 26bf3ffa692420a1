from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from features.catalogue import CATALOGUE
from features.policy import policy_path
from helpers.thorough import examples
from models.scoring.bands import load_bands
from models.scoring.rules.scorecard import Scorecard, load_scorecard

CARD = load_scorecard("hebei")
FAMILY = {"regulatory": {"zh": "监管信息", "weight": 1.0}}


def card(rule: Mapping[str, object], **more: object) -> Scorecard:
    """A card of one entry."""
    entry = {"indicator": "x", "zh": "某", "family": "regulatory", "rule": rule, "why": "test", **more}
    return Scorecard.model_validate({"name": "t", "base": 100, "families": FAMILY, "entries": [entry]})


def points(scorecard: Scorecard, *values: float) -> list[float]:
    found: list[float] = (scorecard.evaluate(pd.DataFrame({"x": values})).tenths[:, 0] / 10).tolist()
    return found


def test_per_unit_counts_above_its_start_up_to_its_cap() -> None:
    rule = {"kind": "per_unit", "points": 20, "unit": 2, "start": 1, "cap": 50}
    assert points(card(rule), 0, 1, 2, 3, 6, 100, -5) == [0, 0, 10, 20, 50, 50, 0]
    assert points(card({**rule, "points": -20}), 3, 100) == [-20, -50]


def test_steps_give_the_points_of_the_last_threshold_reached() -> None:
    rule = {
        "kind": "steps",
        "below": 40,
        "steps": [{"at_least": 1, "points": 25}, {"at_least": 3, "points": -5}],
    }
    assert points(card(rule), 0.99, 1, 2.99, 3, 1e9) == [40, 25, 25, -5, -5]


def test_a_flag_counts_once() -> None:
    assert points(card({"kind": "flag", "points": 30}), 0, 1, 5) == [0, 30, 30]


def test_an_unknown_value_gets_the_stated_points_and_is_named() -> None:
    one = card({"kind": "flag", "points": 30}, missing=7.5)
    for frame in (pd.DataFrame({"x": [np.nan]}), pd.DataFrame({"y": [1.0]}), pd.DataFrame({"x": [None]})):
        found = one.evaluate(frame)
        assert found.score[0] == 107.5
        assert found.missing.tolist() == [[True]]
    assert not one.evaluate(pd.DataFrame({"x": [0]})).missing.any()


def test_family_weights_scale_points_before_they_are_rounded() -> None:
    families = {"regulatory": {"zh": "监管信息", "weight": 0.333}}
    entry = {"indicator": "x", "zh": "某", "family": "regulatory", "why": "t"}
    data = {"name": "t", "base": 0, "families": families}
    weighted = Scorecard.model_validate({**data, "entries": [{**entry, "rule": {"kind": "flag", "points": 10}}]})
    assert points(weighted, 1) == [3.3]


VALUE = st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True), st.integers(0, 10**12))


@settings(max_examples=examples(150), deadline=None)
@given(st.fixed_dictionaries({}, optional=dict.fromkeys(CARD.indicators, VALUE)))
def test_points_add_up_exactly_whatever_is_known(values: dict[str, float | None]) -> None:
    frame = pd.DataFrame({name: pd.array([v], dtype="object") for name, v in values.items()}, index=[0])
    found = CARD.evaluate(frame.astype(float) if values else frame)
    assert (found.base + found.tenths.sum(axis=1) + found.limit == found.score_tenths).all()
    assert 0 <= found.score[0] <= 1000
    assert found.missing.sum() == len(CARD.entries) - sum(v is not None and v == v for v in values.values())


def test_points_move_the_way_the_catalogue_says() -> None:
    grid = np.concatenate([np.linspace(0, 1, 21), np.geomspace(2, 1e9, 60)])
    for entry in CARD.entries:
        direction = CATALOGUE[entry.indicator].monotone
        moved = np.diff(entry.rule.give(grid))
        assert (moved != 0).any(), entry.indicator
        if direction:
            assert (moved * direction >= 0).all(), entry.indicator


def test_every_entry_is_a_catalogue_indicator_under_its_own_name_and_family() -> None:
    for entry in CARD.entries:
        found = CATALOGUE[entry.indicator]
        assert (entry.zh, entry.family) == (found.zh, found.family)
    assert {entry.family for entry in CARD.entries} == set(CARD.families)


def test_every_weight_is_marked_as_an_assumption() -> None:
    text = policy_path("hebei", "scorecard").read_text(encoding="utf-8")
    numbers = [line for line in text.splitlines() if line.startswith(("rule =", "base =")) or "weight =" in line]
    assert len(numbers) == len(CARD.entries) + 1 + len(CARD.families)
    assert all("[K]" in line for line in numbers)


def test_a_firm_of_which_nothing_is_known_is_not_called_risky() -> None:
    score = CARD.evaluate(pd.DataFrame(index=[0])).score
    assert load_bands("hebei").grade(score[0]) == "A"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rule": {"kind": "steps", "steps": []}}, "at least 1"),
        (
            {"rule": {"kind": "steps", "steps": [{"at_least": 2, "points": 1}, {"at_least": 1, "points": 2}]}},
            "rising",
        ),
        ({"rule": {"kind": "per_unit", "points": 0, "cap": 1}}, "leave the entry out"),
        ({"rule": {"kind": "wish", "points": 1}}, "kind"),
        ({"rule": {"kind": "flag", "points": 1}, "family": "stars"}, "families without a weight"),
        ({"rule": {"kind": "per_unit", "points": 1, "cap": 1, "unit": 0}}, "greater than 0"),
    ],
)
def test_a_card_that_makes_no_sense_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        card(**change)


def test_an_indicator_counts_once() -> None:
    data = CARD.model_dump()
    data["entries"] = [data["entries"][0]] * 2
    with pytest.raises(ValidationError, match="more than one entry"):
        Scorecard.model_validate(data)


def believable(n: int, seed: int) -> pd.DataFrame:
    """A population whose marginals follow published aggregates, tied by one hidden badness. [K]"""
    rng = np.random.default_rng(seed)
    bad = rng.gamma(0.6, 1.0, n)  # a long tail: most firms are fine

    def count(rate: float, pull: float = 1.0) -> np.ndarray:
        return rng.poisson(rate * bad**pull / 0.6).astype(float)

    def flag(share: float) -> np.ndarray:
        return (rng.random(n) < np.clip(share * bad / 0.6, 0, 0.95)).astype(float)

    listed = flag(0.10)
    visits = rng.poisson(0.3, n)
    found = rng.binomial(visits, np.clip(0.11 * bad / 0.6, 0, 0.9))
    targeted = rng.poisson(0.15 * bad)
    hit = rng.binomial(targeted, 0.35)
    penalties_3y = count(0.10)
    penalties_1y = rng.binomial(penalties_3y.astype(int), 0.35).astype(float)
    complaints = count(0.25)
    related = rng.poisson(0.8, n)
    columns = {
        "years_operating": rng.gamma(1.6, 5.0, n),
        "corporate_shareholders": (rng.random(n) < 0.15).astype(float),
        "outbound_investments": rng.poisson(0.2, n).astype(float),
        "branches_open": rng.poisson(0.2, n).astype(float),
        "licences_held": rng.poisson(0.6, n).astype(float),
        "licences_expired": count(0.05),
        "licences_expiring": rng.poisson(0.05, n).astype(float),
        "licences_revoked_3y": count(0.003),
        "representative_changes_1y": rng.poisson(0.06, n).astype(float),
        "name_changes_1y": rng.poisson(0.03, n).astype(float),
        "address_changes_1y": rng.poisson(0.07, n).astype(float),
        "scope_changes_1y": rng.poisson(0.12, n).astype(float),
        "changes_1y": rng.poisson(0.4, n).astype(float),
        "annual_report_late": flag(0.08),
        "annual_reports_missed_3y": np.minimum(count(0.28), 3),
        "all_zero_report": flag(0.15),
        "insured_staff": rng.negative_binomial(0.5, 0.03, n).astype(float),
        "tax_arrears": flag(0.03) * rng.lognormal(15, 2, n).round(),
        "tax_grade_a": (rng.random(n) < 0.12).astype(float),
        "trademarks_held": rng.negative_binomial(0.2, 0.2, n).astype(float),
        "equity_freezes_now": count(0.01),
        "chattel_mortgages_now": rng.poisson(0.03, n).astype(float),
        "abnormal_listed_now": listed,
        "abnormal_listings_3y": listed + count(0.03),
        "days_abnormal_listed": listed * rng.uniform(0, 1100, n).round(),
        "serious_list_ever": flag(0.006),
        "judgment_debtor_5y": count(0.012),
        "penalties_1y": penalties_1y,
        "penalties_3y": penalties_3y,
        "fines_3y": penalties_3y * rng.lognormal(13, 1.5, n).round(),
        "days_since_penalty": np.where(penalties_3y > 0, rng.uniform(1, 1095, n).round(), 3650.0),
        "safety_field_penalties_3y": rng.binomial(penalties_3y.astype(int), 0.3).astype(float),
        "problem_rate_random": (found + 1) / (visits + 9),
        "problem_rate_targeted": (hit + 1) / (targeted + 4),
        "last_problem_found": ((found + hit > 0) & (rng.random(n) < 0.6)).astype(float),
        "visits_refused_3y": count(0.003),
        "days_since_clean_visit": np.where(visits + targeted > 0, rng.uniform(1, 1500, n).round(), 3650.0),
        "lawsuits_defendant_3y": count(0.2),
        "samples_failed_2y": count(0.01),
        "certificates_withdrawn_3y": count(0.005),
        "equipment_overdue": count(0.02),
        "warning_talks_1y": count(0.03),
        "firms_per_representative": rng.poisson(0.6, n).astype(float),
        "related_bad_share": (rng.binomial(related, np.clip(0.12 * bad, 0, 0.8)) + 1) / (related + 9),
        "address_cluster_size": rng.negative_binomial(0.3, 0.06, n).astype(float),
        "same_day_batch": rng.poisson(0.05, n).astype(float),
        "complaints_1y": complaints,
        "complaints_upheld_1y": rng.binomial(complaints.astype(int), 0.4).astype(float),
        "complaints_malicious_share_1y": np.zeros(n),
        "negative_news_1m": count(0.005),
        "honours_3y": rng.poisson(0.05, n).astype(float),
        "credit_grade_poor": flag(0.02),
        "commitments_broken_3y": count(0.01),
    }
    assert set(columns) == set(CARD.indicators)
    return pd.DataFrame(columns)


def test_a_believable_province_falls_near_the_published_class_mix() -> None:
    # 55/32/9/4 assumed; published mixes run from 48.6 to 73.2 % A and from 1.5 to 3.5 % D.
    score = CARD.evaluate(believable(20_000, 1)).score
    mix = np.bincount(load_bands("hebei").grade_index(score), minlength=4) / len(score)
    np.testing.assert_allclose(mix, [0.55, 0.32, 0.09, 0.04], atol=0.06)
