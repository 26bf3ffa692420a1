"""Worth: the estimate is what the plan would have found, its baseline is uniform draws, caps are kept."""

from __future__ import annotations

import json

import numpy as np
import pytest
from pydantic import ValidationError

from helpers.henan_year import HENAN, henan_year
from models.evaluation import (
    Plan,
    SamplingPolicy,
    TestVisits,
    load_contract,
    load_sampling,
    worth,
    worth_by_group,
)
from models.evaluation.plan_worth import Worth, expected_visits

CONTRACT, PLANS = load_contract("hebei"), load_sampling("hebei")


def plan(*shares: float, caps: tuple[int, int, int, int] = (0, 0, 0, 0), rounds: int = 1) -> Plan:
    return Plan(name_zh="试", source="test", shares=shares, caps=caps, rounds=rounds)


def only(**plans: Plan) -> SamplingPolicy:
    return SamplingPolicy(plans=plans)


def test_every_published_plan_is_there_with_its_source() -> None:
    assert set(PLANS.plans) == {"hebei", "henan", "bayannur", "yuexiu", "daqing_least", "daqing_most"}
    assert PLANS.plans["henan"].shares == HENAN
    assert PLANS.plans["yuexiu"].caps == (1, 1, 1, 1)
    for name, p in PLANS.plans.items():
        assert "[S]" in p.source or name == "hebei"


def test_a_plan_without_rounds_visits_its_shares_and_a_cap_of_one_binds_only_in_rounds() -> None:
    assert plan(0.1, 0.2, 0.3, 1.0).visits() == pytest.approx((0.1, 0.2, 0.3, 1.0))
    assert plan(0.1, 0.2, 0.3, 1.0, rounds=12).visits() == pytest.approx((0.1, 0.2, 0.3, 1.0))
    capped = plan(0.1, 0.2, 0.3, 1.0, caps=(1, 1, 1, 2), rounds=12).visits()
    assert capped[0] == pytest.approx(1 - (1 - 0.1 / 12) ** 12)
    drawn = np.random.default_rng(0).binomial(12, 1 / 12, 400_000)
    assert capped[3] == pytest.approx(np.minimum(drawn, 2).mean(), abs=0.005)


@pytest.mark.parametrize(
    "change", [{"shares": (0, 0, 0, 0)}, {"shares": (0.1, 0.2, 0.3, 1.1)}, {"caps": (-1, 0, 0, 0)}]
)
def test_impossible_plans_are_refused(
    change: dict[str, tuple[float, ...]],
) -> None:
    with pytest.raises(ValidationError):
        Plan.model_validate({"name_zh": "", "source": "", "shares": HENAN, "caps": (0, 0, 0, 0), "rounds": 1, **change})


def test_off_policy_finds_what_the_plan_finds_when_it_is_really_carried_out() -> None:
    """Drawn by Henan's shares, told for Yuexiu's; then Yuexiu's are really drawn in the same province."""
    logged = henan_year(600_000, seed=1)
    [told] = worth_of(logged, "yuexiu")
    real = henan_year(600_000, seed=1, shares=PLANS.plans["yuexiu"].shares)
    found = float(real.y.mean())
    assert told.per_inspection_low < found < told.per_inspection_high
    assert told.per_inspection == pytest.approx(found, rel=0.06)
    assert told.uniform == pytest.approx(float(np.average(real.y, weights=real.weight)), rel=0.08)
    assert told.lift == pytest.approx(told.per_inspection / told.uniform)
    assert told.saved == pytest.approx(1 - 1 / told.lift)


def worth_of(
    visits: TestVisits, name: str, *, what: str = "violations", codes: str = "all", repetitions: int = 200
) -> list[Worth]:
    policy = only(**{name: PLANS.plans[name]})
    found = worth(visits, policy, CONTRACT, repetitions=repetitions)
    return [w for w in found if w.what == what and w.codes == codes]


def test_a_plan_that_draws_everyone_alike_is_uniform_and_gains_exactly_nothing() -> None:
    visits = henan_year(50_000, seed=2)
    same = worth(visits, only(flat=plan(0.1, 0.1, 0.1, 0.1)), CONTRACT, repetitions=50)[0]
    assert same.difference == pytest.approx(0, abs=1e-12)
    assert (same.lift_low, same.lift_high) == pytest.approx((1, 1))
    assert same.visits_per_100 == pytest.approx(10)


def test_the_scale_of_a_plan_changes_its_visits_and_not_its_yield() -> None:
    visits = henan_year(50_000, seed=2)
    one, double = (
        worth(visits, only(p=p), CONTRACT, repetitions=20)[0]
        for p in (plan(0.01, 0.02, 0.1, 0.3), plan(0.02, 0.04, 0.2, 0.6))
    )
    assert one.per_inspection == pytest.approx(double.per_inspection)
    assert double.visits_per_100 == pytest.approx(2 * one.visits_per_100)


def test_severity_and_the_codes_that_restate_are_told_apart() -> None:
    visits = henan_year(50_000, seed=3)
    all_ = worth_of(visits, "henan", what="violations")[0]
    severe = worth_of(visits, "henan", what="severity")[0]
    without = worth_of(visits, "henan", codes="without 6 and B")[0]
    assert severe.per_inspection > 2 * all_.per_inspection
    assert without.visits == int((visits.frame["restates"] == 0).sum())
    assert without.per_inspection < all_.per_inspection


def test_without_random_arm_or_year_the_figures_tell_nothing_and_say_why() -> None:
    visits = henan_year(20_000, seed=4)
    [targeted] = worth_of(TestVisits(visits.frame, "targeted"), "henan", repetitions=20)
    assert not targeted.tells
    assert "random arm" in targeted.text
    [short] = worth_of(visits.take(visits.month < "2025-04"), "henan", repetitions=20)
    assert not short.tells
    assert "3 months" in short.text
    assert worth_of(visits, "henan", repetitions=20)[0].tells


def test_by_group_each_group_is_measured_alone() -> None:
    visits = henan_year(50_000, seed=5, groups={"size": 3})
    found = worth_by_group(visits, only(henan=PLANS.plans["henan"]), CONTRACT, repetitions=30)
    assert [(w.attribute, w.group) for w in found] == [("size", f"size{i}") for i in range(3)]
    assert sum(w.visits for w in found) == len(visits)
    json.dumps([w.as_dict() for w in found], allow_nan=False)


def test_expected_visits_go_by_the_class() -> None:
    visits = henan_year(5_000, seed=6)
    assert set(zip(visits.frame["grade"], expected_visits(visits, PLANS.plans["henan"]), strict=True)) == {
        ("A", 0.01), ("B", 0.02), ("C", 0.10), ("D", 0.30)
    }  # fmt: skip
