"""Draws have exactly the probabilities that are stated, whatever the order; and chance can be checked by hand."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from helpers.plans import CUTOFF, MONTH, rules, stands
from helpers.thorough import examples
from models.arrays import Ints
from supervision.errors import PlanError
from supervision.plan.chance import Chance
from supervision.plan.chances import build_frame
from supervision.plan.plan import draw
from supervision.plan.sampling import MILLION, row_order, systematic, to_ppm

SIZE = 0.001
"""Chance that a fair draw fails the test of its frequencies, all enterprises together."""
TENTHS = st.lists(st.integers(0, 10), min_size=1, max_size=30)


def unfair(counts: Ints, ppm: Ints, draws: int) -> list[int]:
    """Places whose frequency does not match the probability, by exact binomial tests of size `SIZE` together."""
    found = []
    for k, (count, chance) in enumerate(zip(counts.tolist(), ppm.tolist(), strict=True)):
        if binomtest(count, draws, chance / MILLION).pvalue < SIZE / len(ppm):
            found.append(k)
    return found


def slow(tenths: list[int], order: list[int], start: int) -> list[bool]:
    """The comb, tooth by tooth: a unit is picked if a tooth (start short of a whole number) falls on its length."""
    picked, at = [False] * len(tenths), start
    for unit in order:
        picked[unit] = any((at + step) % 10 == 0 for step in range(1, tenths[unit] + 1))
        at += tenths[unit]
    return picked


@given(TENTHS, st.randoms(use_true_random=False))
@settings(max_examples=examples(200), deadline=None)
def test_over_all_starts_each_unit_is_picked_exactly_as_often_as_its_probability_says(
    tenths: list[int], r: object
) -> None:
    order = list(range(len(tenths)))
    r.shuffle(order)  # type: ignore[attr-defined]
    ppm = np.array(tenths, dtype=np.int64) * 100_000
    each = np.array([systematic(ppm, np.array(order, dtype=np.intp), start * 100_000) for start in range(10)])
    assert each.sum(axis=0).tolist() == tenths
    assert each.tolist() == [slow(tenths, order, start) for start in range(10)]


@given(TENTHS, st.integers(0, 999_999))
@settings(max_examples=examples(200), deadline=None)
def test_any_run_of_neighbours_gets_its_sum_rounded_down_or_up(tenths: list[int], start: int) -> None:
    ppm = np.array(tenths, dtype=np.int64) * 100_000
    picked = systematic(ppm, np.arange(len(ppm)), start)
    for i in range(len(ppm)):
        for j in range(i + 1, len(ppm) + 1):
            total = int(ppm[i:j].sum())
            assert total // MILLION <= picked[i:j].sum() <= -(-total // MILLION)


def test_a_probability_beyond_one_is_refused() -> None:
    with pytest.raises(ValueError, match="parts per million"):
        systematic(np.array([1_000_001]), np.arange(1), 0)


def test_parts_per_million_are_rounded_and_no_chance_is_lost() -> None:
    assert to_ppm(np.array([0.0, 1e-12, 0.1234564, 0.1234566, 1.0, 1.7])).tolist() == [
        0, 1, 123_456, 123_457, MILLION, MILLION,
    ]  # fmt: skip


def test_a_number_is_the_sha_256_of_seed_purpose_month_and_id() -> None:
    digest = hashlib.sha256("开奖 07\nenterprise\n2026-11\nE1".encode()).hexdigest()
    assert Chance("开奖 07", MONTH).numbers("enterprise", ["E0", "E1"])[1] == int(digest[:16], 16)


@pytest.mark.parametrize("seed", ["", "  ", "a\nb", "a\rb"])
def test_a_seed_that_can_be_read_in_two_ways_is_refused(seed: str) -> None:
    with pytest.raises(PlanError, match="one line of text"):
        Chance(seed, MONTH)


def frequencies(draws: int) -> tuple[Ints, Ints]:
    """Times that each of some enterprises of all classes is drawn, by so many seeds; and their probabilities."""
    people = stands(
        "A" * 12 + "B" * 12 + "C" * 8 + "D" * 6, region=["130101", "130102"] * 19, determined=[False] * 34 + [True] * 4
    )
    frame = build_frame(people, rules(shares=(0.5, 0.8, 1.0, 1.0), least_random=0.3), CUTOFF)
    counts = np.zeros(len(frame), dtype=np.int64)
    for seed in range(draws):
        counts += draw(frame, Chance(f"seed {seed}", MONTH))
    return counts, frame.ppm


def test_inclusion_frequencies_match_the_stated_probabilities_over_10_000_seeds() -> None:
    counts, ppm = frequencies(10_000)
    assert len(set(ppm.tolist())) == 4
    assert unfair(counts, ppm, 10_000) == []


def test_the_test_of_fairness_notices_a_draw_that_takes_the_first_of_the_list() -> None:
    ppm = np.full(20, 250_000)
    counts = np.zeros(20, dtype=np.int64)
    for _ in range(500):
        counts += np.arange(20) < 5
    assert unfair(counts, ppm, 500) == list(range(20))


def test_the_test_of_fairness_notices_chances_that_are_off_by_a_tenth_over_10_000_seeds() -> None:
    counts = np.random.default_rng(1).binomial(10_000, 0.22, size=20)
    assert unfair(counts, np.full(20, 200_000), 10_000)


def test_within_a_stratum_the_order_follows_the_numbers_alone() -> None:
    numbers = np.array([5, 1, 9, 3], dtype=np.uint64)
    assert row_order(np.array([1, 0, 1, 0]), numbers).tolist() == [1, 3, 0, 2]
