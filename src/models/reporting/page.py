"""Content of the report as plain data: a test can build it by hand, and rendering computes nothing of it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from models.evaluation.metrics import LOWER_IS_BETTER, Evaluation, Interval
from models.learning.rolling import Origin
from models.review.review import Review
from models.study.left_out import LeftOut

METRIC_TEXT = {
    "auc": ("AUC", "chance that a violating visit is ranked above a clean one"),
    "average_precision": ("average precision", "mean share of violations among those visited, over all recalls"),
    "precision_top_tenth": ("precision in the top tenth", "violation rate among the riskiest 10 %"),
    "log_loss": ("log loss", "lower is better"),
    "brier": ("Brier score", "lower is better"),
    "calibration_error": ("calibration error", "mean gap between promise and finding in ten bins; lower is better"),
}
SCORER_TEXT = {
    "lightgbm_default": "LightGBM, default settings",
    "model_inspector_known": "model, pair known",
    "model": "model",
    "scorecard": "rules scorecard 规则评分",
    "past_rate": "own past violation rate",
    "logistic": "logistic regression",
}


@dataclass(frozen=True)
class IndicatorRow:
    """One indicator's strength: mean absolute contribution to the margin on the test."""

    name: str
    zh: str
    family: str
    direction: str
    strength: float


@dataclass(frozen=True)
class Shape:
    """How one indicator moves the margin on the followed enterprises.

    Parameters
    ----------
    name, zh, unit, policy
        As catalogued.
    direction
        "raises", "lowers" or "either": what the learner was allowed.
    strength
        Mean absolute contribution, log-odds.
    unknown, unknown_effect
        Share of the rows where the value is unknown, and the mean contribution there (NaN for none).
    least, most
        Least and greatest contribution seen, log-odds.
    picture
        PNG of contribution against value.
    """

    name: str
    zh: str
    unit: str
    policy: str
    direction: str
    strength: float
    unknown: float
    unknown_effect: float
    least: float
    most: float
    picture: Path


@dataclass(frozen=True)
class Case:
    """A visit that the model got most wrong; an enterprise, never a person.

    ``reasons`` are the strongest, in English and Chinese; ``direct`` the class of a direct determination, which the
    model knows nothing of.
    """

    enterprise_id: str
    month: str
    violation: bool
    probability: float
    score: float
    grade: str
    direct: str
    loss: float
    codes: tuple[tuple[str, str, str], ...]
    reasons: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Move:
    """One enterprise under the approved and the new model; ``why`` names the largest differences in points.

    ``grade_before`` and ``grade_after`` are the classes by score, ``answer_before`` and ``answer_after`` those that an
    answer gives: never below a direct determination.
    """

    enterprise_id: str
    before: float
    after: float
    grade_before: str
    grade_after: str
    answer_before: str
    answer_after: str
    family: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Differences:
    """The new model beside the approved one on the followed enterprises of one month.

    ``problem`` says why they can't be compared; empty with ``version`` "" where no model is approved. ``on`` is the day
    of the comparison, ``approved_on`` that of the approval, ``entry`` its line in the signing record. ``counts[i][j]``
    enterprises are by score of class i under the approved model, of class j under the new one; ``changed`` of them move
    by score, ``answers_changed`` get another class once direct determinations are laid under it.
    """

    version: str
    model_hash: str = ""
    month: str = ""
    enterprises: int = 0
    counts: tuple[tuple[int, ...], ...] = ()
    changed: int = 0
    riskier: int = 0
    answers_changed: int = 0
    same_rank: float = float("nan")
    families: tuple[tuple[str, float], ...] = ()
    moves: tuple[Move, ...] = ()
    problem: str = ""
    on: str = ""
    approved_on: str = ""
    entry: int | None = None


@dataclass(frozen=True)
class Parts:
    """The parts of the margin: how many trees at which share, how that was chosen, and what circumstances add.

    Parameters
    ----------
    tried
        Blends and their mean loss over the origins, (trees, share) to loss; empty where the blend was given.
    effects
        Log-odds by circumstance of a visit; see `models.study.circumstances`.
    """

    trees: int
    tree_share: float
    objective: str
    tried: Mapping[tuple[int, float], float]
    effects: Mapping[str, float]


@dataclass(frozen=True)
class Page:
    """Everything the report says.

    Parameters
    ----------
    arm_effect
        Log-odds that visits outside the random arm add at equal records; None where the arm was ignored.
    review
        Contract, worth, fairness, stability and drift.
    plots
        Name to PNG, see `models.reporting.figures.plots` and `models.reporting.figures.pictures`.
    left_out
        Indicators that were not learned from, with the reasons.
    indicator_zh
        Chinese names of the indicators named anywhere on the page.
    group_names
        English and Chinese names of groups, by attribute and group; a group without a name is not in it.
    parts
        Of the margin.
    """

    title: str
    summary: str
    arm_statement: str
    learnt: Sequence[Mapping[Hashable, Any]]
    dropped: Mapping[str, int]
    arm_effect: float | None
    evaluation: Evaluation
    without: Evaluation | None
    indicators: Sequence[IndicatorRow]
    review: Review
    origins: Sequence[Origin]
    shapes: Sequence[Shape]
    cases: Sequence[Case]
    differences: Differences
    plots: Mapping[str, Path]
    limits: Sequence[str]
    left_out: Sequence[LeftOut] = ()
    indicator_zh: Mapping[str, str] = field(default_factory=dict)
    group_names: Mapping[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    parts: Parts | None = None


def verdict(metric: str, difference: Interval) -> str:
    """Say in words whether the model is ahead of a baseline: only an interval that excludes 0 decides."""
    if np.isnan(difference.low):
        return "no interval: cannot tell"
    low, high = difference.low, difference.high
    if metric in LOWER_IS_BETTER:
        low, high = -high, -low
    if low > 0:
        return "ahead"
    return "behind" if high < 0 else "within noise"
