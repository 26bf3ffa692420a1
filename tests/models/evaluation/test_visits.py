"""The evaluation's input is made from outcomes as they are read, on a province that was really simulated."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.policy import policy_root
from features.population.groups import enterprise_groups, groups_policy
from features.population.outcomes import read_outcomes
from models.errors import ModelInputError
from models.evaluation import (
    TestVisits,
    check_band_contract,
    fairness,
    gather_visits,
    load_contract,
    load_drift,
    load_sampling,
    worth,
)
from models.scoring.bands import load_bands

PROVINCES = sorted(p.parent.name for p in policy_root().glob("*/bands.toml"))


@pytest.fixture(scope="module")
def outcomes(small_clean: Path) -> pd.DataFrame:
    return read_outcomes(small_clean, date(2026, 1, 2), province="hebei")


def said(outcomes: pd.DataFrame, groups: pd.DataFrame | None = None) -> TestVisits:
    rate = np.full(len(outcomes), 0.15)
    grade = np.full(len(outcomes), "B", dtype=object)
    return gather_visits(outcomes, probability=rate, score=1000 * rate, grade=grade, groups=groups)


def test_random_visits_are_weighted_by_their_draw(outcomes: pd.DataFrame) -> None:
    drawn = outcomes[outcomes["arm"] == "random"]
    visits = said(drawn)
    assert visits.arm == "random"
    assert visits.weight == pytest.approx(1e6 / drawn["probability_ppm"].to_numpy(dtype=float))


@pytest.mark.parametrize(("arms", "arm"), [(["targeted"], "targeted"), (["random", "targeted"], "mixed")])
def test_other_visits_count_one_each_and_say_what_they_are(outcomes: pd.DataFrame, arms: list[str], arm: str) -> None:
    visits = said(outcomes[outcomes["arm"].isin(arms)])
    assert visits.arm == arm
    assert set(visits.weight) == {1.0}
    assert "No random arm" in visits.statement


def test_a_draw_without_probability_can_not_be_weighted(outcomes: pd.DataFrame) -> None:
    drawn = outcomes[outcomes["arm"] == "random"].copy()
    drawn.iloc[0, list(drawn.columns).index("probability_ppm")] = pd.NA
    with pytest.raises(ModelInputError, match="1 visits of the random arm have no draw probability"):
        said(drawn)


def test_the_whole_evaluation_runs_on_what_a_province_holds(outcomes: pd.DataFrame, small_clean: Path) -> None:
    drawn = outcomes[outcomes["arm"] == "random"].reset_index(drop=True)
    visits = said(drawn, groups=enterprise_groups(small_clean, drawn, groups_policy("hebei")))
    assert visits.attributes == ("region", "size", "ownership", "industry", "visited")
    policy, plans = load_contract("hebei"), load_sampling("hebei")
    contract = check_band_contract(visits, load_bands("hebei"), policy)
    # A model that says the same of everyone has no slope and no rise: nothing of it can pass.
    assert contract.verdict != "pass"
    assert {c.verdict for c in contract.of("rise")} == {"cannot tell"}
    assert len(worth(visits, plans, policy, repetitions=20)) == 4 * len(plans.plans)
    assert fairness(visits, plans.plans["henan"], policy, checks=contract.checks).groups


@pytest.mark.parametrize("province", PROVINCES)
def test_every_province_has_the_policies_of_the_evaluation(province: str) -> None:
    assert load_contract(province).least_months >= 12
    assert load_sampling(province).plans
    assert load_drift(province).retrain.months >= 1
