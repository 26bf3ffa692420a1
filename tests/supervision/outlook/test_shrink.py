"""Shrinkage: towards the mean, the more the less is known, with intervals that cover a known truth."""

from __future__ import annotations

import numpy as np
import pytest

from supervision.outlook.shrink import Floats, design, shares, shrunken

REGIONS = [f"r{k}" for k in range(12) for _ in range(8)]
INDUSTRIES = [f"i{k}" for _ in range(12) for k in range(8)]
CELLS = len(REGIONS)


def world(seed: int, spread: float) -> tuple[Floats, Floats, Floats]:
    """True means of cells, what is observed of them, and the sampling variances."""
    rng = np.random.default_rng(seed)
    region, industry = rng.normal(0, 0.02, 12), rng.normal(0, 0.02, 8)
    truth = 0.2 + np.repeat(region, 8) + np.tile(industry, 12) + rng.normal(0, spread, CELLS)
    variance = 0.1 / rng.integers(50, 1000, CELLS)
    return truth, truth + rng.normal(0, np.sqrt(variance)), variance


@pytest.mark.parametrize("spread", [0.0, 0.01, 0.03])
def test_intervals_cover_the_truth_as_often_as_they_say(spread: float) -> None:
    """60 provinces of 96 cells: the share covered of 90 % intervals, give or take what the dependence allows."""
    covered = []
    for seed in range(60):
        truth, observed, variance = world(seed, spread)
        found = shrunken(observed, variance, design(REGIONS, INDUSTRIES), 0.9)
        covered.append(float(((found.low <= truth) & (truth <= found.high)).mean()))
    assert 0.88 <= np.mean(covered) <= 0.97


def test_shrunken_means_are_nearer_the_truth_than_observed_ones() -> None:
    truth, observed, variance = world(3, 0.01)
    found = shrunken(observed, variance, design(REGIONS, INDUSTRIES), 0.9)
    assert ((found.mean - truth) ** 2).mean() < 0.6 * ((observed - truth) ** 2).mean()


def test_a_cell_is_drawn_to_the_mean_the_more_the_less_is_known_of_it() -> None:
    rng = np.random.default_rng(5)
    variance = np.concatenate([rng.uniform(0.0004, 0.0008, 30), [0.0001, 0.01]])
    observed = np.concatenate([rng.normal(0.2, 0.04, 30), [0.4, 0.4]])
    found = shrunken(observed, variance, np.ones((32, 1)), 0.9)
    well, badly = found.mean[30], found.mean[31]
    assert 0.2 < badly < well < 0.4
    assert found.high[31] - found.low[31] > found.high[30] - found.low[30]


def test_a_cell_without_a_hit_is_not_said_to_be_without_risk() -> None:
    hits, of = np.array([0, 10, 12, 9, 30, 14]), np.array([60, 100, 100, 100, 100, 100])
    found = shares(hits, of, np.ones((6, 1)), 0.9)
    assert 0 < found.mean[0] < 0.1
    assert found.high[0] > 0.02
    assert found.low[0] >= 0
