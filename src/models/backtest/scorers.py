"""Scorers of a backtest: the learner as production would have had it at each moment, its parts, and its rivals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import lightgbm as lgb
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, logit

from models.arrays import Floats
from models.backtest.windows import Window, Windows, known_by
from models.learning.learner import calibrated
from models.learning.linear import Effects
from models.learning.rolling import USUAL_SHARE, Blend, LookBack, choose_blend, look_back
from models.review.baselines import LogisticBaseline, past_violation_rate
from models.scoring.bands import load_bands
from models.scoring.rules.scorecard import load_scorecard
from models.study.circumstances import Circumstances
from models.study.dataset import Part
from models.study.experiment import Experiment

MODEL, INSPECTOR = "model", "model_inspector_known"
"""The learner; and the same with the effect of the pair that made the visit, which no plan knows before it is made."""
PARTS = {"linear part alone": 0.0, "trees alone": 1.0, "mean of both": USUAL_SHARE}
RIVALS = ("scorecard", "past_rate", "logistic", "lightgbm_default")
CALIBRATION_MONTHS = 12
"""Age of the oldest out-of-time margins that calibrate: a year, for all seasons."""


@dataclass(frozen=True)
class Told:
    """What was said at one moment of the visits that followed.

    Parameters
    ----------
    window
        The moment.
    margins, probabilities
        By scorer, [m]; the rules have no probability.
    blend
        What was chosen then.
    back
        Both parts' margins.
    """

    window: Window
    margins: dict[str, Floats]
    probabilities: dict[str, Floats]
    blend: Blend
    back: LookBack


def tell(experiment: Experiment, found: Windows, say: Callable[[str], None]) -> tuple[Told, ...]:
    """Fit at every moment on what was known then, and say what learner and rivals made of the visits that followed.

    At each measured moment the blend is chosen by, and every probability calibrated on, the margins of the moments
    before, by results known at that moment.
    """
    params = dict(experiment.learner)
    backs, rivals, out = [], [], []
    for at, window in enumerate(found.windows):
        say(f"{window.fold.day}: {len(window.fold.fit):,} visits known, {len(window.names)} indicators")
        backs.append(look_back(experiment, window.names, window.fold, params))
        rivals.append(rival_margins(experiment, window, found.every))
        if window.counts:
            out.append(_told(experiment, found, backs, rivals, at))
    return tuple(out)


def _told(
    experiment: Experiment, found: Windows, backs: Sequence[LookBack], rivals: Sequence[Mapping[str, Floats]], at: int
) -> Told:
    window, back = found.windows[at], backs[at]
    day = window.fold.day
    earlier = [_as_seen(experiment, found, k, backs[k], day) for k in range(at)]
    seen = [one for one, _ in earlier if one.fold.validate.kinds == 2]
    chosen = choose_blend(experiment, seen, dict(experiment.learner))
    recent = [
        (one, rows, rival)
        for (one, rows), rival in zip(earlier, rivals[:at], strict=False)
        if len(one.fold.validate) and (day - one.fold.day).days <= CALIBRATION_MONTHS * 31
    ]

    def calibrate(before: Sequence[Floats], margin: Floats) -> Floats:
        if not before or len(np.unique(y := np.concatenate([one.fold.validate.y for one, _, _ in recent]))) < 2:
            return np.asarray(expit(margin))
        rows = _stacked([one.fold.validate for one, _, _ in recent], y)
        return calibrated(experiment, rows, np.concatenate(before))[0].probability(margin)

    margin = back.margin(chosen.rounds, chosen.tree_share)
    margins = {MODEL: margin}
    if experiment.tuning.blend == "chosen":  # a blend that is given may be of trees alone, with no other part
        margins |= {name: back.margin(chosen.rounds, share) for name, share in PARTS.items()}
    if experiment.arms.inspector == "known":
        pair = window.fold.validate.circumstances
        alone = Circumstances(np.zeros((len(pair), 0)), pair.pair)
        margins[INSPECTOR] = margin + Effects(np.zeros(0), back.effects.pairs).of(alone)
    margins |= rivals[at]
    probabilities = {
        MODEL: calibrate([one.margin(chosen.rounds, chosen.tree_share) for one, _, _ in recent], margin),
        **{
            name: calibrate([np.asarray(rival[name])[rows] for _, rows, rival in recent], rivals[at][name])
            for name in RIVALS
            if name != "scorecard"
        },
    }
    return Told(window, margins, probabilities, chosen, back)


def _as_seen(
    experiment: Experiment, found: Windows, at: int, back: LookBack, day: date
) -> tuple[LookBack, NDArray[np.bool_]]:
    """Return an earlier look back with the visits whose results were known on a day, and which those are."""
    window = found.windows[at]
    then = known_by(window, day, experiment.split.gap_days, found.known[day])
    rows = window.fold.validate.outcomes["inspection_id"].isin(then.fold.validate.outcomes["inspection_id"]).to_numpy()
    return replace(back, fold=then.fold, linear=back.linear[rows], trees=back.trees[rows]), rows


def _stacked(parts: Sequence[Part], y: np.ndarray) -> Part:
    """Return the visits of several parts as one, for calibration."""
    outcomes = pd.concat([p.outcomes for p in parts], ignore_index=True)
    weight = np.concatenate([p.weight for p in parts])
    return Part(outcomes, pd.DataFrame(), np.empty((len(y), 0)), y, weight, Circumstances.none(len(y)))


def rival_margins(experiment: Experiment, window: Window, every: pd.DataFrame) -> dict[str, Floats]:
    """Return the rivals' scores of the visits after a moment, from the same indicators and what was known then."""
    fit, asked = window.fold.fit, window.fold.validate
    rates = past_violation_rate(every, prior=float(fit.y.mean()), strength=experiment.evaluation.past_rate_strength)
    at = pd.Series(np.arange(len(every)), index=every["inspection_id"].to_numpy())
    past = rates[at.loc[asked.outcomes["inspection_id"].to_numpy()].to_numpy()]
    trees = lgb.LGBMClassifier(random_state=experiment.seed, n_jobs=1, deterministic=True, verbosity=-1)
    trees.fit(fit.X, fit.y)
    return {
        "scorecard": load_scorecard(load_bands(experiment.province).scorecard).evaluate(asked.frame).score,
        "past_rate": np.asarray(logit(past), dtype=np.float64),
        "logistic": LogisticBaseline().fit(fit.X, fit.y).margin(asked.X),
        "lightgbm_default": np.asarray(trees.predict(asked.X, raw_score=True), dtype=np.float64),
    }
