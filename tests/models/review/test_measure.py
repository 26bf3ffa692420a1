"""The rivals get the model's chances: what states a probability is calibrated on the visits that the model's is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from helpers import small_model as small
from helpers import small_study
from models.evaluation.metrics import Scored
from models.learning.calibration import fit_calibrator, log_loss
from models.review.baselines import LogisticBaseline, past_violation_rate
from models.review.measure import score_all
from models.study.dataset import Dataset


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    """A study where targeted visits, which the records before the calibration are full of, find far more."""
    return small_study.dataset()


@pytest.fixture(scope="module")
def scored(dataset: Dataset) -> dict[str, Scored]:
    return score_all(small_study.experiment(), dataset, small.model())


def past(dataset: Dataset, segment: str) -> np.ndarray:
    experiment = small_study.experiment()
    prior = float(dataset.parts["fit"].y.mean())
    rates = past_violation_rate(dataset.every, prior=prior, strength=experiment.evaluation.past_rate_strength)
    at = dataset.every["inspection_id"].isin(dataset.parts[segment].outcomes["inspection_id"])
    return rates[at.to_numpy()]


def test_a_rivals_probability_stands_at_the_level_of_the_calibration_visits(dataset: Dataset) -> None:
    # Asked about the calibration visits themselves, a rival calibrated on them says their weighted rate.
    own = dataset.parts["calibrate"]
    asked = replace(dataset, parts={**dataset.parts, "test": own})
    said = score_all(small_study.experiment(), asked, small.model())["past_rate"].probability
    assert said is not None
    rate = np.average(own.y, weights=own.weight)
    assert np.average(said, weights=own.weight) == pytest.approx(rate, abs=1e-4)
    assert abs(own.y.mean() - rate) > 0.005  # unweighted it would stand elsewhere, and so would the rate of all arms
    assert abs(dataset.parts["fit"].y.mean() - rate) > 0.05


def test_the_logistic_rival_is_calibrated_on_what_its_fits_before_each_origin_said(
    dataset: Dataset, scored: dict[str, Scored]
) -> None:
    own, margins = dataset.parts["calibrate"], []
    for fold in reversed(dataset.folds):
        margins.append(LogisticBaseline().fit(fold.fit.X, fold.fit.y).margin(fold.validate.X))
    last = LogisticBaseline().fit(dataset.parts["fit"].X, dataset.parts["fit"].y)
    level = fit_calibrator("platt", np.concatenate(margins), own.y, own.weight)
    said = scored["logistic"]
    assert np.array_equal(said.score, last.margin(dataset.parts["test"].X))
    assert said.probability == pytest.approx(level.probability(said.score), abs=1e-12)
    # Not on what the last fit says of them: for a study it has seen them.
    seen = fit_calibrator("platt", last.margin(own.X), own.y, own.weight)
    assert np.abs(said.probability - seen.probability(said.score)).max() > 1e-3


def test_the_past_rate_as_it_stands_is_a_worse_probability_than_the_calibrated_one(
    dataset: Dataset, scored: dict[str, Scored]
) -> None:
    test = dataset.parts["test"]
    raw = log_loss(past(dataset, "test"), test.y, test.weight)
    calibrated = scored["past_rate"].probability
    assert calibrated is not None
    assert log_loss(calibrated, test.y, test.weight) < raw - 0.005


def test_calibrating_the_past_rate_leaves_its_order_and_its_ties(dataset: Dataset, scored: dict[str, Scored]) -> None:
    rate, found = past(dataset, "test"), scored["past_rate"]
    assert found.probability is not None
    assert np.array_equal(found.score, rate)
    levels = np.unique(rate)
    assert 2 < len(levels) < len(rate)
    by_level = [np.unique(found.probability[rate == level]) for level in levels]
    assert all(len(p) == 1 for p in by_level)
    assert (np.diff(np.concatenate(by_level)) > 0).all()


def test_the_rules_state_points_and_no_probability(scored: dict[str, Scored]) -> None:
    assert scored["scorecard"].probability is None
    assert list(scored) == ["model", "scorecard", "past_rate", "logistic"]
