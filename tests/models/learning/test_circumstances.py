"""What a visit finds more for its circumstances is learned apart, where the truth is known, and left out of a score."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError
from scipy.special import expit

from models.arrays import Floats, Ints
from models.learning.classifier import RiskClassifier
from models.learning.fit import fit_rows
from models.study.circumstances import Circumstances
from models.study.experiment import Arms
from models.study.weights import Rows, inverse_probability


def made(n: int, seed: int, effect: float = 1.2) -> tuple[Rows, Floats]:
    """Visits whose log-odds are 1.5 x - 1.5, and ``effect`` more outside the random arm; and their true risk."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    targeted = rng.random(n) < expit(X[:, 0] - 0.5)
    odds = 1.5 * X[:, 0] - 1.5
    y = (rng.random(n) < expit(odds + effect * targeted)).astype(np.int8)
    return Rows(X, y, of_arm(targeted)), expit(odds)


def of_arm(targeted: NDArray[np.bool_]) -> Circumstances:
    """The arm as the one circumstance; a random visit has 0."""
    return replace(Circumstances.none(len(targeted)), terms=targeted.astype(np.float64)[:, None])


def learner(**params: Any) -> RiskClassifier:
    shape: dict[str, Any] = {
        "n_estimators": 100,
        "learning_rate": 0.08,
        "min_data_in_leaf": 40,
        "num_threads": 1,
        "max_depth": 3,
    }
    return RiskClassifier(**{**shape, **params})


@pytest.mark.parametrize("tree_share", [0.0, 0.5, 1.0])
def test_the_arms_effect_is_found_and_left_out_when_scoring(tree_share: float) -> None:
    fit, _ = made(12_000, 1)
    fresh, truth = made(6_000, 3)
    known = fit_rows(learner(tree_share=tree_share), fit)
    pooled = fit_rows(learner(tree_share=tree_share), replace(fit, circumstances=None))
    assert known.effects_.terms == pytest.approx([1.2], abs=0.15)
    assert not pooled.effects_.terms.size
    bias = {
        name: expit(found.decision_function(fresh.X)).mean() - truth.mean()
        for name, found in (("known", known), ("pooled", pooled))
    }
    assert abs(bias["known"]) < 0.015
    assert bias["pooled"] > 0.07


def test_with_one_arm_alone_there_is_no_effect_to_find() -> None:
    rows, _ = made(3_000, 4)
    ignored = learner().fit(rows.X, rows.y)
    for targeted in (np.zeros(3_000, dtype=bool), np.ones(3_000, dtype=bool)):
        # As `Coding` has it: less what the visits that measure have.
        seen = of_arm(targeted)
        known = fit_rows(learner(), replace(rows, circumstances=replace(seen, terms=seen.terms - seen.terms.mean())))
        assert known.effects_.terms == pytest.approx([0.0], abs=1e-9)
        both = [found.decision_function(rows.X) for found in (known, ignored)]
        assert np.abs(both[0] - both[1]).max() < 1e-6


def test_the_effect_is_the_same_of_rows_told_twice_or_weighing_double() -> None:
    rows, _ = made(20_000, 5)
    assert rows.circumstances is not None
    again = rows.circumstances.take(np.tile(np.arange(20_000), 2))
    twice = Rows(np.tile(rows.X, (2, 1)), np.tile(rows.y, 2), again)
    effects = [
        fit_rows(learner(n_estimators=1), r).effects_.terms[0]
        for r in (rows, twice, replace(rows, weight=np.full(20_000, 2.0)))
    ]
    assert effects == pytest.approx([effects[0]] * 3, abs=0.01)
    assert effects[2] == pytest.approx(effects[0], abs=1e-6)


def by_pairs(n: int, pairs: int, seed: int) -> tuple[Rows, Floats, Floats]:
    """Visits by inspecting pairs that differ, the hard ones where the risk is high; the pairs' truth and the risk."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 2))
    truth = rng.normal(0, 0.6, pairs)
    # A pair has its own part of town, low numbers where x is low: those that find most are where the risk is high.
    truth = np.sort(truth)
    at = np.clip((expit(X[:, 0] + rng.normal(size=n)) * pairs).astype(int), 0, pairs - 1)
    odds = X[:, 0] - 1.5
    y = (rng.random(n) < expit(odds + truth[at])).astype(np.int8)
    return Rows(X, y, replace(Circumstances.none(n), pair=at.astype(np.int64))), truth, odds


def test_inspectors_effects_are_found_weigh_up_to_nothing_and_are_left_out_when_scoring() -> None:
    rows, truth, odds = by_pairs(20_000, 40, 6)
    assert rows.circumstances is not None
    known, ignored = fit_rows(learner(), rows), fit_rows(learner(), replace(rows, circumstances=None))
    found, pair = known.effects_.pairs, rows.circumstances.pair
    assert np.asarray(np.corrcoef(found, truth))[0, 1] > 0.9
    assert found[pair].mean() == pytest.approx(0.0, abs=1e-9)
    assert known.effects_.of(rows.circumstances) == pytest.approx(found[pair])
    # What is scored is the risk of a visit by an average pair: its slope is the enterprise's alone, not the pairs'.
    average = odds + truth[pair].mean()
    slopes = [np.polyfit(average, f.decision_function(rows.X), 1)[0] for f in (known, ignored)]
    assert abs(slopes[0] - 1) < 0.2
    assert slopes[1] - slopes[0] > 0.1
    assert expit(known.decision_function(rows.X)).mean() == pytest.approx(expit(average).mean(), abs=0.015)


def test_a_pair_that_was_hardly_seen_is_drawn_to_the_average() -> None:
    rows, _, _ = by_pairs(4_000, 10, 7)
    assert rows.circumstances is not None
    pair: Ints = rows.circumstances.pair.copy()
    always = np.flatnonzero(rows.y == 1)
    pair[always[:2]], pair[always[2:202]] = 10, 11  # two visits, and two hundred, all with a violation
    seen = replace(rows.circumstances, pair=pair)
    few, many = fit_rows(learner(), replace(rows, circumstances=seen)).effects_.pairs[10:]
    assert 0.1 < few < 0.8
    assert many > 3 * few


def test_a_pair_that_the_fit_had_not_seen_adds_nothing() -> None:
    rows, _, _ = by_pairs(2_000, 5, 8)
    effects = fit_rows(learner(n_estimators=1), rows).effects_
    strange = replace(Circumstances.none(3), pair=np.array([-1, 5, 2]))
    assert effects.of(strange).tolist() == [0.0, 0.0, effects.pairs[2]]


def test_inverse_probability_weights_bring_the_cohorts_means_back() -> None:
    rng = np.random.default_rng(6)
    cohort = rng.normal(size=(8_000, 2))
    visited = cohort[rng.random(8_000) < expit(2 * cohort[:, 0] - 2)]
    weight = inverse_probability(visited, cohort, seed=1)
    assert weight.mean() == pytest.approx(1)
    assert (weight > 0).all()
    assert visited[:, 0].mean() > 0.7
    assert abs(np.average(visited[:, 0], weights=weight)) < 0.35
    assert np.array_equal(weight, inverse_probability(visited, cohort, seed=1))


@pytest.mark.parametrize("tree_share", [0.0, 0.5, 1.0])
def test_a_term_counted_from_elsewhere_only_moves_the_margin(tree_share: float) -> None:
    """The margin is that of a visit whose terms are 0: terms that are 3 more score what -3 scored before."""
    rows, _ = made(4_000, 7)
    assert rows.circumstances is not None
    moved = replace(rows.circumstances, terms=rows.circumstances.terms + 3.0)
    plain, shifted = (fit_rows(learner(tree_share=tree_share), r) for r in (rows, replace(rows, circumstances=moved)))
    effect = plain.effects_.terms[0]
    assert shifted.effects_.terms[0] == pytest.approx(effect, abs=1e-3)
    gap = shifted.decision_function(rows.X) - plain.decision_function(rows.X)
    assert gap == pytest.approx(np.full(4_000, -3.0 * effect), abs=5e-3)


@pytest.mark.parametrize(
    ("arms", "message"),
    [
        ({"learn": ["random"], "arm": "known"}, "another arm"),
        ({"learn": ["targeted", "unknown"], "arm": "known"}, '"random" and another arm'),
        ({"learn": ["random", "targeted"], "fit_weights": "design"}, "only its visits are drawn"),
    ],
)
def test_a_strategy_that_its_arms_cant_carry_is_refused(arms: dict[str, list[str] | str], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Arms.model_validate(arms)
