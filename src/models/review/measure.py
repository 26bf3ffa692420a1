"""Measures of the model and its baselines on the test, with the statement of what they hold for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import logit

from models.arrays import Floats
from models.evaluation.metrics import Evaluation, Sample, Scored, evaluate
from models.learning.learner import Learned, calibrated
from models.review.baselines import LogisticBaseline, past_violation_rate
from models.scoring.risk_model import RiskModel
from models.scoring.rules.scorecard import load_scorecard
from models.study.dataset import Dataset
from models.study.experiment import Experiment


@dataclass(frozen=True)
class Measured:
    """Everything found on the test; ``scorers`` are the model's and the baselines' scores of its visits, by row."""

    scorers: dict[str, Scored]
    evaluation: Evaluation
    without: Evaluation | None


def arm_statement(experiment: Experiment, dataset: Dataset) -> str:
    """Return the sentence every result carries: on which visits the figures were measured, and what that means."""
    if experiment.arms.measures_random:
        weighting = (
            "weighted by 1/draw probability, so that they hold for all enterprises that could be drawn"
            if experiment.arms.weights == "design"
            else "not weighted by draw probability, so that they hold for the mix of enterprises drawn"
        )
        return f"Calibrated and measured on the random arm, {weighting}."
    arms = dataset.parts["test"].outcomes["arm"].value_counts().sort_index()
    shares = ", ".join(f"{n:,} {arm}" for arm, n in arms.items())
    none = "There is no random arm to measure on"
    if "random" in arms.index:
        none = "There is no random arm that could be measured on its own"
    return (
        f"{none} (test visits by arm: {shares}). The figures hold for enterprises "
        "chosen for a visit as these were, not for all enterprises; a probability is the chance of a violation at "
        "such a visit."
    )


def score_all(experiment: Experiment, dataset: Dataset, model: RiskModel) -> dict[str, Scored]:
    """Return the model's and every baseline's scores of the test rows; the model first.

    A baseline that states a probability is calibrated as the model is: the same kind, on the same rows and weights. The
    rules state none.
    """
    fit, calibrate, test = (dataset.parts[s] for s in ("fit", "calibrate", "test"))
    rates = past_violation_rate(
        dataset.every, prior=float(fit.y.mean()), strength=experiment.evaluation.past_rate_strength
    )
    rows = dataset.every.reset_index(drop=True).reset_index().set_index("inspection_id")["index"]
    before, past = (rates[rows.loc[p.outcomes["inspection_id"]].to_numpy()] for p in (calibrate, test))
    linear = LogisticBaseline().fit(fit.X, fit.y)
    # Out of time, as the model's: what a fit says of its own rows calibrates nothing.
    back = np.concatenate(
        [LogisticBaseline().fit(f.fit.X, f.fit.y).margin(f.validate.X) for f in reversed(dataset.folds)]
    )

    def likewise(margin: Floats, asked: Floats) -> Floats:
        return calibrated(experiment, calibrate, margin)[0].probability(asked)

    margin, linear_margin = model.margin(test.X), linear.margin(test.X)
    return {
        "model": Scored(margin, model.probability(margin)),
        "scorecard": Scored(load_scorecard(model.bands.scorecard).evaluate(test.frame).score),
        "past_rate": Scored(past, likewise(logit(before), logit(past))),
        "logistic": Scored(linear_margin, likewise(back, linear_margin)),
    }


def test_scores(dataset: Dataset, model: RiskModel) -> pd.DataFrame:
    """Return what a model says of each test visit: enterprise, visit, day, arm, outcome, margin, probability, class."""
    test = dataset.parts["test"]
    margin = model.margin(test.X)
    score = np.round(model.score(margin), 1)
    known = test.outcomes[["enterprise_id", "inspection_id", "visited_on", "cutoff", "arm", "violation"]]
    out = known.reset_index(drop=True)
    out["weight"], out["margin"], out["probability"] = test.weight, margin, model.probability(margin)
    out["score"], out["class"] = score, model.grades(score)
    return out


def measure(experiment: Experiment, dataset: Dataset, learned: Learned) -> Measured:
    """Measure model and baselines on the test."""
    test, model, e = dataset.parts["test"], learned.model, experiment.evaluation
    sample = Sample.of(test.y, test.enterprise, test.weight)
    scorers = score_all(experiment, dataset, model)
    evaluation = evaluate(sample, scorers, repetitions=e.repetitions, level=e.level, seed=experiment.seed)
    restates = test.outcomes["restates"].to_numpy() == 1
    without = None
    if restates.any():
        kept = {
            k: Scored(s.score[~restates], None if s.probability is None else s.probability[~restates])
            for k, s in scorers.items()
        }
        without = evaluate(sample.take(~restates), kept, repetitions=e.repetitions, level=e.level, seed=experiment.seed)
    return Measured(scorers, evaluation, without)
