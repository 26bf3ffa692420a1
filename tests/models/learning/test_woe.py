"""Bins along which risk only rises or only falls, each with visits enough to be told."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.thorough import examples
from models.learning.woe import CardPolicy, card_policy, weigh

POLICY = CardPolicy(bins=8, least_visits=50, least_violations=5, prior_visits=10, most_indicators=30, strength=1.0)


def visits(seed: int, slope: float, unknown: float = 0.2, n: int = 3_000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Counts, mostly 0, some unknown; risk moves with them by ``slope`` in log-odds."""
    rng = np.random.default_rng(seed)
    values = rng.poisson(rng.gamma(0.5, 2.0, n)).astype(np.float64)
    y = (rng.random(n) < 1 / (1 + np.exp(2.0 - slope * values))).astype(np.int8)
    values[rng.random(n) < unknown] = np.nan
    return values, y, rng.uniform(0.5, 2.0, n)


@settings(max_examples=examples(40), deadline=None)
@given(seed=st.integers(0, 10_000), slope=st.floats(-0.8, 0.8), direction=st.sampled_from([-1, 0, 1]))
def test_evidence_is_monotone_in_the_direction_and_every_bin_has_visits_enough(
    seed: int, slope: float, direction: int
) -> None:
    values, y, weight = visits(seed, slope)
    bins = weigh(values, y, weight, direction, POLICY)
    if bins is None:
        return
    steps = np.diff(bins.woe)
    assert (
        (steps > 0).all()
        if direction == 1
        else (steps < 0).all()
        if direction == -1
        else abs(np.sign(steps).sum()) == len(steps)
    )
    at = np.searchsorted(bins.edges, values[~np.isnan(values)], side="right")
    assert np.bincount(at, minlength=len(bins.woe)).tolist() == bins.visits.tolist()
    assert bins.visits.min() >= POLICY.least_visits
    assert bins.unknown >= bins.woe.min()


def test_an_indicator_that_points_the_other_way_tells_nothing() -> None:
    values, y, weight = visits(3, 0.7)
    assert weigh(values, y, weight, 1, POLICY) is not None
    assert weigh(values, y, weight, -1, POLICY) is None


def test_an_unknown_value_has_its_own_evidence_only_with_visits_enough_and_is_never_the_best() -> None:
    values, y, weight = visits(4, 0.6)
    y = np.where(np.isnan(values) & (np.arange(len(y)) % 10 > 0), 0, y).astype(np.int8)
    found = weigh(values, y, weight, 1, POLICY)
    assert found is not None
    assert found.unknown == found.woe.min()  # those unknown violate least of all, and are taken for the best bin
    few, y_few, w_few = visits(5, 0.6, unknown=0.01)
    found = weigh(few, y_few, w_few, 1, POLICY)
    assert found is not None
    assert found.unknown == 0.0


def test_evidence_of_a_bin_is_the_log_odds_of_its_rate_less_those_of_all() -> None:
    values = np.repeat([0.0, 1.0], [1000, 1000])
    y = np.concatenate([np.repeat([1, 0], [100, 900]), np.repeat([1, 0], [300, 700])])
    found = weigh(values, y, np.ones(2000), 1, POLICY)
    assert found is not None
    assert found.edges.tolist() == [1.0]
    rates = np.array([(100 + 10 * 0.2) / 1010, (300 + 10 * 0.2) / 1010])
    assert found.woe == pytest.approx(np.log(rates / (1 - rates)) - np.log(0.2 / 0.8))
    assert found.rates.tolist() == [0.1, 0.3]
    assert found.of(np.array([0.5, 7.0, np.nan])).tolist() == [found.woe[0], found.woe[1], 0.0]


def test_the_shipped_policy_is_read() -> None:
    assert card_policy("henan") == card_policy("hebei")
