"""Figures agree with slow, obvious ones; intervals see enterprises, not rows; differences are paired."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike
from sklearn.metrics import average_precision_score, roc_auc_score

from helpers.thorough import examples
from models.arrays import Floats
from models.evaluation.metrics import (
    Sample,
    Scored,
    auc_kernel,
    average_precision_kernel,
    calibration_error_kernel,
    evaluate,
    resample,
    top_kernel,
)

EPS = 1e-12


def sample_of(y: ArrayLike, weight: ArrayLike | None = None, firm: ArrayLike | None = None) -> Sample:
    y = np.asarray(y)
    firm = np.arange(len(y)).astype(str) if firm is None else np.asarray(firm)
    return Sample.of(y, firm.astype(object), np.ones(len(y)) if weight is None else np.asarray(weight, float))


def pair_auc(y: Floats, score: Floats, weight: Floats) -> float:
    """Count the pairs one by one."""
    won = all_ = 0.0
    for i in range(len(y)):
        for j in range(len(y)):
            if y[i] == 1 and y[j] == 0:
                pair = weight[i] * weight[j]
                all_ += pair
                won += pair * (1.0 if score[i] > score[j] else 0.5 if score[i] == score[j] else 0.0)
    return won / all_


def top_by_hand(sample: Sample, score: Floats, share: float) -> float:
    """Visit one row after another until the share is used up."""
    order = sorted(range(len(score)), key=lambda i: (-score[i], sample.tie[i]))
    room = share * sample.weight.sum()
    found = used = 0.0
    for i in order:
        take = min(sample.weight[i], room - used)
        if take <= 0:
            break
        used += take
        found += take * sample.y[i]
    return found / used


rows = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 4), st.integers(1, 3)), min_size=4, max_size=25).filter(
    lambda r: len({y for y, _, _ in r}) == 2
)


@given(rows)
@settings(deadline=None, max_examples=examples(80))
def test_figures_are_those_of_slow_and_obvious_code(data: list[tuple[int, int, int]]) -> None:
    y, score, weight = (np.array(c, dtype=float) for c in zip(*data, strict=True))
    sample = sample_of(y, weight)
    w = weight[None, :]
    assert auc_kernel(sample, score)(w)[0] == pytest.approx(pair_auc(y, score, weight), abs=EPS)
    assert auc_kernel(sample, score)(w)[0] == pytest.approx(roc_auc_score(y, score, sample_weight=weight))
    expected = average_precision_score(y, score, sample_weight=weight)
    assert average_precision_kernel(sample, score)(w)[0] == pytest.approx(expected, abs=EPS)
    assert top_kernel(sample, score, 0.3)(w)[0] == pytest.approx(top_by_hand(sample, score, 0.3), abs=EPS)


@given(rows, st.integers(0, 3))
@settings(deadline=None, max_examples=examples(40))
def test_a_row_drawn_twice_counts_as_two_rows(data: list[tuple[int, int, int]], seed: int) -> None:
    y, score, weight = (np.array(c, dtype=float) for c in zip(*data, strict=True))
    times = np.random.default_rng(seed).integers(0, 3, len(y))
    many = np.repeat(np.arange(len(y)), times)
    if len(set(y[many])) < 2:
        return
    drawn = (weight * times.astype(float))[None, :]
    sample = sample_of(y, weight)
    assert auc_kernel(sample, score)(drawn)[0] == pytest.approx(pair_auc(y[many], score[many], weight[many]))
    expected = average_precision_score(y[many], score[many], sample_weight=weight[many])
    assert average_precision_kernel(sample, score)(drawn)[0] == pytest.approx(expected)


def test_calibration_error_is_the_weighted_gap_per_bin() -> None:
    rng = np.random.default_rng(3)
    p = rng.uniform(0.02, 0.6, 1000)
    y = (rng.uniform(size=1000) < p).astype(float)
    order = np.argsort(p)
    by_hand = sum(abs((y[b] - p[b]).sum()) for b in np.array_split(order, 10)) / 1000
    assert calibration_error_kernel(sample_of(y), p)(np.ones((1, 1000)))[0] == pytest.approx(by_hand)


def test_equal_predictions_share_a_calibration_bin() -> None:
    y = np.array([0.0, 1.0] * 50)
    p = np.full(100, 0.5)
    shuffled = np.random.default_rng(0).permutation(100)
    for at in (np.arange(100), shuffled, np.argsort(y, kind="stable")):
        assert calibration_error_kernel(sample_of(y[at]), p)(np.ones((1, 100)))[0] == pytest.approx(0.0)


@given(st.integers(0, 50))
@settings(deadline=None, max_examples=examples(20))
def test_the_order_of_the_rows_changes_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    firm = rng.integers(0, 20, 60).astype(str)
    y, score = rng.integers(0, 2, 60), rng.integers(0, 5, 60).astype(float)
    at = rng.permutation(60)
    one = evaluate(sample_of(y, firm=firm), {"a": Scored(score)}, repetitions=0)
    other = evaluate(sample_of(y[at], firm=firm[at]), {"a": Scored(score[at])}, repetitions=0)
    for metric in ("auc", "average_precision"):
        assert one.values["a"][metric].value == pytest.approx(other.values["a"][metric].value)


def test_ties_are_broken_by_enterprise_not_by_place_in_the_file() -> None:
    firm = np.array([f"firm{i}" for i in range(50)])
    y = np.array([1] * 5 + [0] * 45)
    score = np.zeros(50)
    forwards = evaluate(sample_of(y, firm=firm), {"a": Scored(score)}, repetitions=0)
    backwards = evaluate(sample_of(y[::-1], firm=firm[::-1]), {"a": Scored(score)}, repetitions=0)
    value = forwards.values["a"]["precision_top_tenth"].value
    assert value == backwards.values["a"]["precision_top_tenth"].value
    assert value < 1.0  # the violations stood first in the file


def test_resamples_draw_whole_enterprises_and_are_the_same_for_the_same_seed() -> None:
    sample = sample_of([0, 1, 0, 1, 1], weight=[1, 2, 3, 4, 5], firm=["a", "a", "b", "c", "c"])
    first = np.concatenate(list(resample(sample, 50, 7)))
    times = first / sample.weight
    assert (times[:, 0] == times[:, 1]).all()
    assert (times[:, 3] == times[:, 4]).all()
    assert (times[:, [0, 2, 3]].sum(axis=1) == 3).all()
    assert (first == np.concatenate(list(resample(sample, 50, 7)))).all()
    assert (first != np.concatenate(list(resample(sample, 50, 8)))).any()


def test_repeating_every_row_of_an_enterprise_does_not_narrow_its_interval() -> None:
    rng = np.random.default_rng(1)
    y = rng.integers(0, 2, 200)
    score = y + rng.normal(0, 1.5, 200)
    firm = np.arange(200).astype(str)
    once = evaluate(sample_of(y, firm=firm), {"a": Scored(score)}, repetitions=500).values["a"]["auc"]
    nine = evaluate(
        sample_of(np.tile(y, 9), firm=np.tile(firm, 9)), {"a": Scored(np.tile(score, 9))}, repetitions=500
    ).values["a"]["auc"]
    assert nine.high - nine.low == pytest.approx(once.high - once.low, rel=1e-9)


def test_the_interval_of_a_difference_is_paired() -> None:
    rng = np.random.default_rng(2)
    y = rng.integers(0, 2, 400)
    score = y + rng.normal(0, 2, 400)
    out = evaluate(
        sample_of(y), {"model": Scored(score), "same": Scored(score * 3 + 1), "noise": Scored(rng.normal(size=400))}
    )
    same = out.differences["same"]["auc"]
    assert (same.value, same.low, same.high) == (0.0, 0.0, 0.0)
    noise = out.differences["noise"]["auc"]
    assert 0 < noise.low < noise.value < noise.high
    assert "log_loss" not in out.differences["noise"]  # no probabilities, no log loss


@pytest.mark.slow
def test_the_auc_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    # Scores N(1,1) against N(0,1): the true AUC is Phi(1/sqrt 2) = 0.7602.
    covered = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        y = rng.uniform(size=300) < 0.3
        interval = evaluate(
            sample_of(y.astype(int)), {"a": Scored(y + rng.normal(size=300))}, repetitions=300, seed=seed
        ).values["a"]["auc"]
        covered += interval.low <= 0.76025 <= interval.high
    assert 178 <= covered <= 199  # 95 % of 200 is 190; four standard errors are 12


def test_where_nothing_can_be_said_nothing_is_said() -> None:
    empty = evaluate(sample_of([]), {"a": Scored(np.empty(0))})
    assert empty.visits == 0
    one_class = evaluate(sample_of([0, 0, 0]), {"a": Scored(np.arange(3.0))}, repetitions=50)
    assert np.isnan(one_class.values["a"]["auc"].value)
    told: dict[str, Any] = one_class.as_dict()
    assert told["values"]["a"]["auc"] == {"value": None, "low": None, "high": None}
