"""Chances follow the policy: shares by class, random share, must-checks, who is left alone; nothing falls short."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.policy import policy_path
from helpers.plans import CUTOFF, MONTH, OLD, inspectors, rules, stands
from helpers.thorough import examples
from models.scoring.classification import GRADES
from supervision.errors import InfeasibleError, PlanError
from supervision.measures import FIELDS
from supervision.plan.chance import Chance
from supervision.plan.chances import build_frame, months_left
from supervision.plan.expected import expect
from supervision.plan.given import Lead
from supervision.plan.plan import Asked, draw_plan
from supervision.plan.policy import plan_rules
from supervision.plan.sampling import MILLION

CLASS_SHARES = (0.0, 0.12, 0.24, 0.6)
EQUIPMENT = FIELDS.index("special_equipment")
CERTIFIED = FIELDS.index("certification")


def ppm(
    grades: str,
    *,
    shares: tuple[float, ...] = CLASS_SHARES,
    columns: Mapping[str, object] | None = None,
    **changes: Any,
) -> list[int]:
    """Chances of enterprises of these classes, parts per million."""
    made = build_frame(stands(grades, **(columns or {})), rules(shares=shares, **changes), CUTOFF)
    return [int(p) for p in made.ppm]


def test_without_a_random_share_each_is_drawn_with_its_class_share_over_the_rounds() -> None:
    assert ppm("ABCD", least_random=0.0) == [0, 10_000, 20_000, 50_000]


def test_the_random_share_gives_everyone_the_same_chance_on_top_and_is_that_share_of_all_draws() -> None:
    found = ppm("ABCD" * 25, least_random=0.2)
    assert found[:4] == [5_000, 15_000, 25_000, 55_000]
    assert 5_000 * 100 / sum(found) == pytest.approx(0.2)


def test_class_a_is_left_alone_where_the_random_share_may_not_reach_it() -> None:
    found = ppm("AABC", shares=(0.5, 0.12, 0.12, 0.12), least_random=0.2, alone={"random_share": False})
    assert found[:2] == [0, 0]
    assert found[2] > 10_000


def test_a_class_that_is_not_left_alone_is_drawn_with_its_own_share() -> None:
    assert ppm("A", shares=(0.06, 0, 0, 0.1), least_random=0.0, alone={"classes": ()}) == [5_000]


def test_the_stricter_of_class_and_sector_grade_sets_the_share() -> None:
    food = 1 << FIELDS.index("food")
    columns = {"fields": food, "sector": [0, 2, 3, 1]}
    assert ppm("BBBC", least_random=0.0, columns=columns) == [10_000, 20_000, 50_000, 20_000]


def test_a_fields_own_share_counts_where_it_is_the_greater() -> None:
    columns = {"fields": [1 << EQUIPMENT, 0]}
    assert ppm("BB", least_random=0.0, columns=columns, field_shares={"special_equipment": (0, 0.36, 0, 0)}) == [
        30_000,
        10_000,
    ]


def test_a_must_check_is_drawn_with_one_over_the_months_left_until_it_is_visited() -> None:
    """HB 18(2): D of special equipment is visited within the year; November leaves two months of one from January."""
    columns = {"fields": 1 << EQUIPMENT, "visits": [0, 1]}
    assert ppm("DD", least_random=0.0, columns=columns) == [500_000, 50_000]
    assert ppm("DD", least_random=0.0, columns=columns, first_month=12) == [MILLION, 50_000]


def test_two_visits_a_year_are_asked_for_where_the_article_says_two() -> None:
    """HB 19(4): at least two visits of a certified firm of class D."""
    assert ppm("DD", least_random=0.0, columns={"fields": 1 << CERTIFIED, "visits": [0, 1]}) == [MILLION, 500_000]


def test_the_must_of_a_field_follows_that_fields_own_grade_and_no_other_fields() -> None:
    food_is_d, equipment_is_d = 3 << (2 * FIELDS.index("food")), 3 << (2 * EQUIPMENT)
    both = 1 << FIELDS.index("food") | 1 << EQUIPMENT
    columns = {"fields": both, "sector": [food_is_d, equipment_is_d]}
    assert ppm("BB", least_random=0.0, columns=columns) == [50_000, 500_000]


def test_a_direct_determination_is_a_must_check_where_policy_says_so() -> None:
    assert ppm("D", least_random=0.0, columns={"determined": True}) == [500_000]
    assert ppm("D", least_random=0.0, columns={"determined": True}, must={"determined": False}) == [50_000]


def test_a_special_action_makes_every_d_a_must_check() -> None:
    """HB 19(1): D is a must-check in special actions on prices."""
    assert ppm("CD", least_random=0.0, special_actions=("price",)) == [20_000, 500_000]


def test_new_industries_have_an_observation_period_and_d_has_none() -> None:
    """SAMR (10), HB 20: A and B of new industries are left alone for a time; also by the random share."""
    young, due = pd.Timestamp("2025-11-01"), pd.Timestamp("2025-10-31")
    columns = {"industry": "I64", "established": [young, due, young, young]}
    found = ppm("BBCD", least_random=0.1, columns=columns)
    assert found[0] == 0
    assert min(found[1:]) > 0


def test_triggered_supervision_leaves_a_class_of_new_industries_alone_at_any_age() -> None:
    """HB 20(2): C, where a province follows it."""
    columns = {"industry": ["I65", "F52"], "established": OLD}
    assert ppm("CC", least_random=0.0, columns=columns, new={"triggered": ("C",)}) == [0, 20_000]


def test_nobody_without_a_district_is_drawn() -> None:
    assert ppm("DD", least_random=0.1, columns={"region": [None, "130101"]})[0] == 0


@pytest.mark.parametrize(("month", "first", "left"), [(1, 1, 12), (12, 1, 1), (11, 1, 2), (3, 4, 1), (4, 4, 12)])
def test_months_left_count_this_one(month: int, first: int, left: int) -> None:
    assert months_left(CUTOFF.replace(month=month), first) == left


def test_a_cap_below_what_an_article_asks_for_is_named_with_the_cap_that_mends_it() -> None:
    policy = rules(shares=CLASS_SHARES, caps=(1, 1, 2, 1))
    with pytest.raises(
        InfeasibleError, match=r"class D may be visited 1 times a year .* least change: a cap of 2 for D"
    ):
        build_frame(stands("D", fields=1 << CERTIFIED), policy, CUTOFF)


def test_shares_beyond_capacity_are_named_with_what_mends_them() -> None:
    people = stands("C" * 1_000)
    asked = Asked(rules(shares=(0, 0, 0.6, 0.6), least_random=0.0), inspectors(4))
    with pytest.raises(InfeasibleError) as err:
        draw_plan(people, Chance("s", MONTH), asked)
    assert str(err.value) == (
        "the plan can't be made; nothing was written: capacity: district 130101 has 2 pairs for 40 visits a month and"
        " needs up to 50 (0 for a cause, 0.0 must-checks, 50.0 by share); least change: 3 pairs (6 inspectors) or"
        " visits_per_pair = 25 or shares of 80 % of what they are"
    )
    for mended in (
        Asked(asked.rules, inspectors(6)),
        Asked(rules(shares=(0, 0, 0.6, 0.6), least_random=0.0, capacity={"visits_per_pair": 25}), inspectors(4)),
        Asked(rules(shares=(0, 0, 0.48, 0.48), least_random=0.0), inspectors(4)),
    ):
        assert draw_plan(people, Chance("s", MONTH), mended).drawn.any()


def test_the_share_that_is_said_to_fit_fits_beside_must_checks_and_a_random_share() -> None:
    people = stands("B" * 300 + "C" * 300 + "D" * 20, determined=[False] * 600 + [True] * 20)
    shares = (0.0, 0.5, 0.9, 0.9)
    with pytest.raises(InfeasibleError, match=r"shares of \d+ %") as err:
        draw_plan(people, Chance("s", MONTH), Asked(rules(shares, least_random=0.3), inspectors(4)))
    said = int(str(err.value).split("shares of ")[1].split(" %")[0])
    for percent, fits in ((said, True), (said + 3, False)):
        asked = Asked(rules(tuple(s * percent / 100 for s in shares), least_random=0.3), inspectors(4))
        if fits:
            assert draw_plan(people, Chance("s", MONTH), asked).drawn.any()
        else:
            with pytest.raises(InfeasibleError):
                draw_plan(people, Chance("s", MONTH), asked)


def test_a_district_without_inspectors_is_named() -> None:
    with pytest.raises(InfeasibleError, match=r"district 130102 has 0 pairs"):
        draw_plan(stands("DD", region=["130101", "130102"]), Chance("s", MONTH), Asked(rules(), inspectors(2)))


def test_a_sampling_plan_that_there_is_none_of_is_named_and_another_provinces_policy(tmp_path: Path) -> None:
    text = policy_path("hebei", "plan").read_text(encoding="utf-8")
    file = tmp_path / "plan.toml"
    file.write_text(text.replace('sampling = "hebei"', 'sampling = "hebey"'), encoding="utf-8")
    with pytest.raises(PlanError, match=r"'hebey'.*hebei"):
        plan_rules("hebei", file)
    file.write_text('province = "henan"\n' + text, encoding="utf-8")
    with pytest.raises(PlanError, match=r"it is the policy of henan, and the plan is hebei's"):
        plan_rules("hebei", file)


shares_of = st.tuples(*[st.floats(0, 1)] * 4).filter(lambda s: sum(s) > 0)


@given(
    shares=shares_of,
    caps=st.tuples(*[st.integers(0, 3)] * 4),
    least=st.floats(0, 0.6),
    alone=st.sets(st.sampled_from("ABC")),
    reach=st.booleans(),
    new=st.sets(st.sampled_from("ABC")),
    first=st.integers(1, 12),
    seed=st.integers(0, 10**6),
)
@settings(max_examples=examples(150), deadline=None)
def test_every_plan_of_any_policy_obeys_every_cap_and_list(
    shares: tuple[float, ...], caps: tuple[int, ...], least: float, alone: set[str], reach: bool, new: set[str],
    first: int, seed: int,
) -> None:  # fmt: skip
    r = np.random.default_rng(seed)
    n = 60
    people = stands(
        "".join(r.choice(list("ABCD"), n)),
        region=r.choice(np.array(["130101", "130102", None], dtype=object), n, p=[0.5, 0.45, 0.05]),
        industry=r.choice(["F52", "I64"], n),
        established=pd.Series([OLD, pd.Timestamp("2026-05-01")]).iloc[r.integers(0, 2, n)].to_numpy(),
        fields=r.choice([0, 1 << EQUIPMENT, 1 << CERTIFIED], n),
        sector=r.choice([0, 2 << (2 * EQUIPMENT)], n, p=[0.9, 0.1]),
        visits=r.integers(0, 4, n),
        determined=r.random(n) < 0.05,
        complaints=r.integers(0, 3, n),
    )
    policy = rules(
        shares, caps, least_random=least, first_month=first, alone={"classes": tuple(alone), "random_share": reach},
        new={"triggered": tuple(new)}, capacity={"visits_per_pair": 12},
    )  # fmt: skip
    people_there = [*inspectors(8), *inspectors(6, "130102")]
    excused = list(people["enterprise_id"].iloc[:3])
    leads = [Lead(str(people["enterprise_id"].iloc[k]), "lead") for k in (5, 6)]
    try:
        plan = draw_plan(people, Chance(f"{seed}", MONTH), Asked(policy, people_there, leads, excused))
    except InfeasibleError as err:
        assert "least change" in str(err)  # noqa: PT017
        return
    frame, going = plan.frame, plan.going
    prompted = (people["complaints"].to_numpy() >= 2) | people["enterprise_id"].isin(
        [x.enterprise_id for x in leads]
    ).to_numpy()
    assert (plan.prompted == prompted).all()
    strict = np.array([GRADES[g] for g in frame.strict])
    unprompted = going & ~prompted
    # Caps: nobody is visited beyond the cap but for a cause or by an article.
    cap = np.array(caps)[frame.strict]
    assert not (unprompted & (cap > 0) & (frame.visits >= cap) & (frame.must == 0)).any()
    # Left alone: never unprompted, but by the random share where policy lets it.
    quiet = np.isin(strict, sorted(alone)) & (frame.must == 0)
    assert not (unprompted & quiet & (not reach)).any()
    assert (frame.base[quiet] == 0).all()
    tech = (people["industry"] == "I64").to_numpy() & (frame.must == 0)
    young = (people["established"] > OLD).to_numpy() & np.isin(strict, ["A", "B"])
    assert not (unprompted & tech & (young | np.isin(strict, sorted(new)))).any()
    # Everyone with a chance of one is drawn; nobody with none; excused ones are drawn and not visited.
    assert plan.drawn[frame.ppm == MILLION].all()
    assert not plan.drawn[frame.ppm == 0].any()
    assert not unprompted[:3].any()
    # Every prompted visit of a known district is made; every visit has a pair of its district, within its capacity.
    placed = people["region"].notna().to_numpy()
    assert going[prompted & placed].all()
    assert not going[~placed].any()
    where = {p.id: p.district for p in plan.pairs}
    assert [where[p] for p in plan.pair[going]] == people["region"][going].tolist()
    assert all(pair is None for pair in plan.pair[~going])
    assert pd.Series(plan.pair[going]).value_counts().max() <= 12 if going.any() else True
    # Every draw has a fate.
    assert (plan.fate[plan.drawn | prompted] != "").all()
    # The number of draws of each district is its probabilities' sum, rounded down or up.
    for d in range(len(frame.districts)):
        total = int(frame.ppm[frame.district == d].sum())
        assert total // MILLION <= plan.drawn[frame.district == d].sum() <= -(-total // MILLION)
    # The random share has its part of the draws.
    if frame.base.sum() and frame.equal.sum():
        assert frame.equal.sum() / (frame.ppm.sum() / MILLION) >= min(least, 0.999) - 1e-3 or frame.equal.max() == 1


def test_without_probabilities_a_plan_is_drawn_and_nothing_is_said_of_what_it_finds() -> None:
    """The rules give none."""
    nothing = dict.fromkeys(("probability", "probability_low", "probability_high"), np.nan)
    made = draw_plan(stands("DDDD", **nothing), Chance("s", MONTH), Asked(rules(least_random=0.5), inspectors(2)))
    found = expect(made.frame, np.ones(4, dtype=bool), 0.95)
    assert not found.has_probability
    assert np.isnan([found.plan.value, found.uniform.value, found.with_random.half_width]).all()
    assert found.with_random.firms == 4


def test_the_interval_of_what_is_found_holds_chance_and_the_models_error() -> None:
    """Ten visits at 0.5 between 0.4 and 0.6: 5, with 1.96 √2.5 of chance and 1 of the model's error, in squares."""
    frame = build_frame(stands("D" * 10), rules(), CUTOFF)
    found = expect(frame, np.ones(10, dtype=bool), 0.95).plan
    half = np.hypot(1.0, 1.959964 * np.sqrt(2.5))
    assert [found.value, found.low, found.high] == pytest.approx([5.0, 5 - half, 5 + half])
