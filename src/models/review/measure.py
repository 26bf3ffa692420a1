"""The model and its rivals on the test, and what a reviewer is told of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from features.catalogue.declaration import Indicator
from models.evaluation.metrics import CALIBRATION_BINS, Evaluation, Sample, Scored, evaluate
from models.learning.learn import Learned, calibrated
from models.reporting.figures import plots
from models.reporting.page import IndicatorRow, verdict
from models.review.baselines import LogisticBaseline, past_violation_rate
from models.scoring.risk_model import RiskModel
from models.scoring.rules.scorecard import load_scorecard
from models.study.dataset import Dataset
from models.study.experiment import Experiment
from models.study.indicators import catalogue

Floats = NDArray[np.float64]
MOST_EXPLAINED = 2000
"""Rows whose contributions are drawn: evenly spaced through the test."""


@dataclass(frozen=True)
class Measured:
    """Everything found on the test; ``scorers`` are the model's and every rival's scores of its visits, row by row."""

    scorers: dict[str, Scored]
    evaluation: Evaluation
    without: Evaluation | None
    indicators: tuple[IndicatorRow, ...]
    plots: dict[str, Path]


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
    """Return the model's and every rival's scores of the test rows; the model first.

    A rival that states a probability is calibrated as the model is: the same kind, on the same rows and weights. The
    rules state none.
    """
    fit, calibrate, test = (dataset.parts[s] for s in ("fit", "calibrate", "test"))
    rates = past_violation_rate(
        dataset.every, prior=float(fit.y.mean()), strength=experiment.evaluation.past_rate_strength
    )
    rows = dataset.every.reset_index(drop=True).reset_index().set_index("inspection_id")["index"]
    before, past = (rates[rows.loc[p.outcomes["inspection_id"]].to_numpy()] for p in (calibrate, test))
    linear = LogisticBaseline().fit(fit.X, fit.y)

    def likewise(margin: Floats, asked: Floats) -> Floats:
        return calibrated(experiment, calibrate, margin)[0].probability(asked)

    margin, linear_margin = model.margin(test.X), linear.margin(test.X)
    return {
        "model": Scored(margin, model.probability(margin)),
        "scorecard": Scored(load_scorecard(model.bands.scorecard).evaluate(test.frame).score),
        "past_rate": Scored(past, likewise(logit(before), logit(past))),
        "logistic": Scored(linear_margin, likewise(linear.margin(calibrate.X), linear_margin)),
    }


def measure(experiment: Experiment, dataset: Dataset, learned: Learned, folder: Path) -> Measured:
    """Measure model and rivals on the test and draw the plots into ``folder``."""
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
    shown = np.unique(np.linspace(0, len(test) - 1, min(MOST_EXPLAINED, len(test))).astype(int))
    parts = model.contributions(test.X[shown])[:, :-1]
    folder.mkdir(parents=True, exist_ok=True)
    figures = {
        "reliability": plots.reliability(
            plots.reliability_bins(
                sample,
                _probability(scorers["model"]),
                bins=CALIBRATION_BINS,
                repetitions=e.repetitions,
                level=e.level,
                seed=experiment.seed,
            ),
            "random arm" if experiment.arms.measures_random else "no random arm",
        ),
        "precision_recall": plots.precision_recall(sample, scorers),
        "gain": plots.gain(sample, scorers),
        "shap_summary": plots.contributions(parts, test.X[shown], labels(model.indicator_names, catalogue(experiment))),
    }
    return Measured(
        scorers,
        evaluation,
        without,
        strongest(model, parts, catalogue(experiment)),
        {name: plots.save(figure, folder / f"{name}.png") for name, figure in figures.items()},
    )


def _probability(scored: Scored) -> Floats:
    if scored.probability is None:
        raise AssertionError("the model always has a probability")
    return scored.probability


def labels(names: Sequence[str], known: Mapping[str, Indicator]) -> list[str]:
    """Indicator names for a picture: with the Chinese name where a font can draw it."""
    if plots.chinese_font() is None:
        return [n.replace("_", " ") for n in names]
    return [f"{known[n].zh} {n}" for n in names]


def strongest(
    model: RiskModel, parts: Floats, known: Mapping[str, Indicator], top: int = 20
) -> tuple[IndicatorRow, ...]:
    """Indicators by mean absolute contribution, the strongest first; those that never contribute are left out."""
    strength = np.abs(parts).mean(axis=0)
    order = [i for i in np.argsort(-strength, kind="stable")[:top] if strength[i] > 0]
    words = {1: "raises the risk", -1: "lowers the risk", 0: "either way"}
    return tuple(
        IndicatorRow(
            model.indicator_names[i],
            known[model.indicator_names[i]].zh,
            model.families[i],
            words[model.directions[i]],
            float(strength[i]),
        )
        for i in order
    )


def limits(experiment: Experiment, dataset: Dataset, learned: Learned, measured: Measured) -> list[str]:
    """What the reviewer must know before believing the page."""
    out = []
    for rival, row in measured.evaluation.differences.items():
        unsure = [m for m in ("auc", "average_precision", "precision_top_tenth") if verdict(m, row[m]) != "ahead"]
        if unsure:
            words = ", ".join(f"{m.replace('_', ' ')} {verdict(m, row[m])}" for m in unsure)
            out.append(f"Against {rival.replace('_', ' ')} the model is not ahead in: {words}.")
    if learned.model.score_map.unreachable:
        out.append(f"No score of this model reaches class {', '.join(learned.model.score_map.unreachable)}.")
    if dataset.constant:
        out.append(
            f"{len(dataset.constant)} indicators never vary in the fit, or are covered for too little of it, and "
            f"were left out: {', '.join(dataset.constant)}."
        )
    if measured.without is None and experiment.label.codes == "all":
        out.append("No test visit is a violation by result codes 6 or B alone.")
    out.append("Classes here are by score alone; direct determinations (HB 12, 13) come on top.")
    out.append("Calibration error is never 0 on a finite sample, even for a perfect model.")
    return out
