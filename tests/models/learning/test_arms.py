"""Each way of learning from biased visits does what it says, where the truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from models.learning.arms import arm_effect, fit_ignored, fit_known
from pydantic import ValidationError
from scipy.special import expit

from models.learning.classifier import RiskClassifier
from models.study.experiment import Arms
from models.study.weights import Rows, inverse_probability


def made(n: int, seed: int, effect: float = 1.2) -> tuple[Rows, np.ndarray]:
    """Visits whose log-odds are 1.5 x - 1.5, and ``effect`` more outside the random arm; and their true risk."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    targeted = rng.random(n) < expit(X[:, 0] - 0.5)
    odds = 1.5 * X[:, 0] - 1.5
    y = (rng.random(n) < expit(odds + effect * targeted)).astype(np.int8)
    return Rows(X, y, targeted), expit(odds)


def learner() -> RiskClassifier:
    return RiskClassifier(n_estimators=200, learning_rate=0.08, min_data_in_leaf=40, num_threads=1, max_depth=3)


def test_the_arms_effect_is_found_and_left_out_when_scoring() -> None:
    fit, _ = made(12_000, 1)
    stop, _ = made(6_000, 2)
    fresh, truth = made(6_000, 3)
    known = fit_known(learner, fit, stop)
    pooled = fit_ignored(learner, fit, stop)
    assert known.effect == pytest.approx(1.2, abs=0.15)
    assert pooled.effect is None
    bias = {
        name: expit(f.classifier.decision_function(fresh.X)).mean() - truth.mean()
        for name, f in (("known", known), ("pooled", pooled))
    }
    assert abs(bias["known"]) < 0.015
    assert bias["pooled"] > 0.07


def test_with_one_arm_alone_there_is_no_effect_to_find() -> None:
    rows, _ = made(3_000, 4)
    for targeted in (np.zeros(3_000, dtype=bool), np.ones(3_000, dtype=bool)):
        assert arm_effect(np.zeros(3_000), rows.y, targeted) == 0.0
    alone = Rows(rows.X, rows.y, np.zeros(3_000, dtype=bool))
    known, ignored = fit_known(learner, alone, alone), fit_ignored(learner, alone, alone)
    assert known.effect == 0.0
    both = [f.classifier.decision_function(rows.X) for f in (known, ignored)]
    assert np.asarray(np.corrcoef(both))[0, 1] > 0.99
    assert both[0].mean() == pytest.approx(both[1].mean(), abs=0.1)


def test_the_effect_is_that_of_a_plain_logistic_regression() -> None:
    rows, _ = made(20_000, 5)
    margin = 1.5 * rows.X[:, 0]
    assert arm_effect(margin, rows.y, rows.targeted) == pytest.approx(1.2, abs=0.1)
    twice = arm_effect(np.tile(margin, 2), np.tile(rows.y, 2), np.tile(rows.targeted, 2))
    weighted = arm_effect(margin, rows.y, rows.targeted, np.full(20_000, 2.0))
    assert twice == pytest.approx(weighted, abs=1e-4)


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


def test_a_row_weighs_what_it_does_and_its_offset_is_not_scored() -> None:
    rows, _ = made(4_000, 7)
    plain = learner().fit(rows.X, rows.y)
    shifted = learner().fit(rows.X, rows.y, offset=np.full(4_000, 3.0))
    gap = shifted.decision_function(rows.X) - plain.decision_function(rows.X)
    assert gap.mean() == pytest.approx(-3.0, abs=0.2)


@pytest.mark.parametrize(
    ("arms", "message"),
    [
        ({"learn": ["random"], "arm": "known"}, "another arm"),
        ({"learn": ["targeted", "unknown"], "arm": "known"}, '"random" and another arm'),
        ({"learn": ["random", "targeted"], "fit_weights": "design"}, "only they are drawn"),
    ],
)
def test_a_strategy_that_its_arms_cant_carry_is_refused(arms: dict[str, list[str] | str], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Arms.model_validate(arms)
