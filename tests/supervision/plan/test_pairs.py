"""Inspectors are drawn as enterprises are: every pair as likely as any other, and no conflict of interest."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2, chisquare

from helpers.plans import MONTH, inspectors
from helpers.thorough import examples
from supervision.errors import InfeasibleError
from supervision.measures import FIELDS
from supervision.plan.chance import Chance
from supervision.plan.given import Inspector
from supervision.plan.pairs import deal, draw_pairs

SIZE = 0.001
EQUIPMENT = 1 << FIELDS.index("special_equipment")


def visits(count: int, mask: int = 0) -> list[tuple[str, int]]:
    return [(f"E{k}", mask) for k in range(count)]


def partners(seeds: int) -> Counter[str]:
    """How often each other inspector is the first one's partner."""
    people, found = inspectors(6), Counter[str]()
    for seed in range(seeds):
        for pair in draw_pairs(people, Chance(f"{seed}", MONTH))[0]:
            one, two = pair.id.split("+")
            if people[0].id in (one, two):
                found[two if one == people[0].id else one] += 1
    return found


def goes(seeds: int) -> Counter[str]:
    """How often each inspector goes to the first enterprise."""
    people, found = inspectors(6), Counter[str]()
    for seed in range(seeds):
        chance = Chance(f"{seed}", MONTH)
        pairs, _ = draw_pairs(people, chance)
        found.update(deal(visits(7), pairs, 4, 0, chance)[0].id.split("+"))
    return found


def test_every_partner_is_as_likely_as_any_other_over_10_000_seeds() -> None:
    found = partners(10_000)
    assert sum(found.values()) == 10_000
    assert chisquare([found[i.id] for i in inspectors(6)[1:]]).pvalue > SIZE


def test_every_inspector_is_as_likely_to_go_to_an_enterprise_as_any_other_over_10_000_seeds() -> None:
    found = goes(10_000)
    assert sum(found.values()) == 2 * 10_000
    # Two of six go each time: the statistic of single counts is scaled by (1 - 2/6) / (1 - 1/6).
    counts = [found[i.id] for i in inspectors(6)]
    expected = 2 * 10_000 / 6
    scaled = sum((c - expected) ** 2 for c in counts) / (expected * (1 - 2 / 6)) * 5 / 6
    assert chi2.sf(scaled, 5) > SIZE


def test_the_odd_one_waits_in_reserve() -> None:
    pairs, reserve = draw_pairs(inspectors(5), Chance("s", MONTH))
    assert len(pairs) == 2
    assert len(reserve) == 1
    assert sorted([*reserve, *(i for p in pairs for i in p.id.split("+"))]) == [i.id for i in inspectors(5)]


@given(
    st.integers(2, 8), st.integers(0, 30), st.integers(1, 6), st.text(min_size=1, max_size=5, alphabet="abc"),
    st.sets(st.tuples(st.integers(0, 7), st.integers(0, 29)), max_size=40),
)  # fmt: skip
@settings(max_examples=examples(200), deadline=None)
def test_no_pair_goes_where_it_has_a_conflict_nor_more_often_than_it_may(
    people: int, count: int, each: int, seed: str, conflicts: set[tuple[int, int]]
) -> None:
    own = [
        Inspector(i.id, i.district, conflicts=frozenset(f"E{v}" for p, v in conflicts if p == k))
        for k, i in enumerate(inspectors(people))
    ]
    chance = Chance(seed, MONTH)
    pairs, _ = draw_pairs(own, chance)
    try:
        got = deal(visits(count), pairs, each, 0, chance)
    except InfeasibleError as err:
        assert "least change" in str(err) or "places" in str(err)  # noqa: PT017
        short = count > each * len(pairs)
        alone = any(all(f"E{v}" in p.conflicts for p in pairs) for v in range(count))
        assert short or alone or conflicts
        return
    assert len(got) == count
    assert all(f"E{k}" not in pair.conflicts for k, pair in enumerate(got))
    assert max(Counter(p.id for p in got).values(), default=0) <= each


def test_a_conflict_is_solved_if_any_deal_solves_it() -> None:
    """Two pairs of one visit each; each may go to one of two only: there is one way."""
    people = [
        Inspector("a", "130101", conflicts=frozenset({"E0"})),
        Inspector("b", "130101", conflicts=frozenset({"E0"})),
    ]
    for seed in range(30):
        chance = Chance(f"{seed}", MONTH)
        one, _ = draw_pairs(people, chance)
        two, _ = draw_pairs([Inspector(c, "130101", conflicts=frozenset({"E1"})) for c in "cd"], chance)
        assert [p.id for p in deal(visits(2), [*one, *two], 1, 0, chance)] == ["c+d", "a+b"]


def test_without_conflicts_visits_are_dealt_evenly() -> None:
    chance = Chance("s", MONTH)
    pairs, _ = draw_pairs(inspectors(6), chance)
    assert sorted(Counter(p.id for p in deal(visits(7), pairs, 20, 0, chance)).values()) == [2, 2, 3]


def test_a_visit_that_every_pair_has_a_conflict_with_is_named() -> None:
    people = [Inspector(i.id, i.district, conflicts=frozenset({"E0"})) for i in inspectors(2)]
    chance = Chance("s", MONTH)
    with pytest.raises(InfeasibleError, match=r"conflict of interest .*; least change: one inspector more") as err:
        deal(visits(1), draw_pairs(people, chance)[0], 5, 0, chance)
    assert "enterprise E0 has a conflict" in str(err.value)


def test_a_field_that_no_pair_is_named_for_is_named() -> None:
    people = [Inspector(i.id, i.district, frozenset({"food"})) for i in inspectors(2)]
    chance = Chance("s", MONTH)
    with pytest.raises(InfeasibleError, match=r"no pair that is named for special_equipment.*name one inspector"):
        deal(visits(1, EQUIPMENT), draw_pairs(people, chance)[0], 5, EQUIPMENT, chance)


def test_a_specialist_goes_where_one_is_needed() -> None:
    people = [*inspectors(1), Inspector("x1", "130101", frozenset({"special_equipment"}))]
    food = [Inspector(f"y{k}", "130101", frozenset({"food"})) for k in range(2)]
    for seed in range(30):
        chance = Chance(f"{seed}", MONTH)
        pairs = [*draw_pairs(people, chance)[0], *draw_pairs(food, chance)[0]]
        assert "x1" in deal([("E0", EQUIPMENT), ("E1", 0)], pairs, 1, EQUIPMENT, chance)[0].id
