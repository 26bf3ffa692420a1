"""Study of learning from biased visits where the truth is known: one province at one strength of the hunch.

Beside each way of learning stand the naive one (all outcomes as they come, no calibration), the ceiling (the same
indicators and directions, the learner taught the true risk of many enterprise-months) and the oracle (the truth
itself). Nothing here is seen by a product's package: only benchmarks and tests may open the truth.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq
from models.learning.arms import Fitted, fit_at, fit_ignored, fit_known
from scipy.special import expit

from features import members_of
from features.scope import Scope
from fenlei.bench.learning.judge import Judge, Learner, Truth
from fenlei.bench.truth.visits import enterprise_months
from models.arrays import Floats
from models.learning.classifier import RiskClassifier
from models.learning.fit import study_classifier
from models.learning.learner import Learned, freeze
from models.learning.search import Tuned
from models.review.measure import arm_statement
from models.study.dataset import Dataset, Part, build_dataset
from models.study.experiment import Experiment
from models.study.labels import indicator_table, look_up
from models.study.weights import Rows, design_weights

Say = Callable[[str], None]

TAUGHT = 150_000
"""Enterprise-months of the fit whose truth the ceiling is taught."""
JUDGED = 200_000
"""Enterprise-months of the test whose truth every probability is compared with: all seasons, as the visits have."""
GROUPS = 20
"""Groups of like scores for the intervals: of 10,000 enterprise-months each, whose own mean risk is off by a sixth of
a point (standard error), small beside an interval 1.6 points wide. Of 1,000 it would be half a point, and an interval
that holds the mean 95 times in 100 would seem to hold it 80 times."""
CEILING = "ceiling: taught the true risk"
NAIVE = "naive: all outcomes as they come, not calibrated"
CEILING_SHAPE: dict[str, Any] = {"num_leaves": 31, "max_depth": -1, "min_data_in_leaf": 100, "learning_rate": 0.08}
CEILING_ROUNDS = 500
SHAPES: dict[str, dict[str, Any]] = {
    "depth 2": {"max_depth": 2, "num_leaves": 4},
    "depth 3": {"max_depth": 3, "num_leaves": 8},
    "depth 4": {"max_depth": 4, "num_leaves": 15},
    "depth 5, 15 leaves": {"max_depth": 5, "num_leaves": 15},
    "depth 7": {"max_depth": 7, "num_leaves": 31},
    "any depth, 63 leaves": {"max_depth": -1, "num_leaves": 63},
}


@dataclass(frozen=True)
class Study:
    """One province at one hunch: every learner, the chosen one's contract and its intervals against the truth."""

    seed: int
    hunch: float
    enterprises: int
    fit_visits: int
    targeted: float
    test_visits: int
    test_violations: int
    arm_effect: float
    learners: tuple[Learner, ...]
    chosen: str
    calibration: str
    held: float
    contract: dict[str, Any]
    shapes: tuple[Learner, ...]

    def as_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True)


def read_study(path: Path) -> Study:
    """Read what `Study.as_json` wrote."""
    found = json.loads(path.read_text(encoding="utf-8"))
    for key in ("learners", "shapes"):
        found[key] = tuple(Learner(**row) for row in found[key])
    return Study(**found)


def truth_rows(
    folder: Path, clean: Path, experiment: Experiment, names: tuple[str, ...], span: tuple[date, date], most: int
) -> Truth:
    """Members of the cohort, evenly taken from the months of a span, with their indicators and risk."""
    months = enterprise_months(folder, *span, most)
    members = members_of(clean, months[["enterprise_id", "cutoff"]], Scope(experiment.province))
    months = months.merge(members, on=["enterprise_id", "cutoff"], how="inner")
    frame = look_up(indicator_table(clean, [months], experiment), months)
    return Truth(np.ascontiguousarray(frame[list(names)].to_numpy(dtype=np.float64)), months["risk"].to_numpy())


def taught(experiment: Experiment, names: tuple[str, ...], rows: Truth, constrained: bool = True) -> lgb.Booster:
    """Teach the learner the truth: the same columns and directions, room for more detail."""
    learner = study_classifier(experiment, names, {**dict(experiment.learner), **CEILING_SHAPE})
    learner.n_features_in_ = len(names)
    params = learner.lightgbm_params() | {"objective": "cross_entropy", "metric": "none"}
    if not constrained:
        params = {k: v for k, v in params.items() if not k.startswith("monotone")}
    return lgb.train(params, lgb.Dataset(rows.X, rows.risk), num_boost_round=CEILING_ROUNDS)


def margin_of(booster: lgb.Booster) -> Callable[[Floats], Floats]:
    """Return the function from indicators to the booster's margin."""
    return lambda X: np.asarray(booster.predict(X, raw_score=True), dtype=np.float64)


def study(
    folder: Path, clean: Path, experiment: Experiment, *, seed: int, hunch: float, as_of: date, shapes: bool, say: Say
) -> Study:
    """Learn in every way from one simulated province and measure all on the same visits and the same truth.

    Parameters
    ----------
    folder, clean
        Simulated source folder, its truth beside it; and its checked records.
    experiment
        Which way counts as chosen: its arms; learner, split and calibration hold for all.
    seed, hunch
        Of the simulation.
    as_of
        Day the records were taken.
    shapes
        Whether to try other depths and constraints too.
    """
    asked = experiment.arms.model_copy(update={"fit_weights": "inverse_probability"})
    say("rows and indicators")
    dataset = build_dataset(clean, experiment.model_copy(update={"arms": asked}), as_of)
    split = experiment.split
    teach = truth_rows(folder, clean, experiment, dataset.names, _span(split.fit_from, split.fit_to), TAUGHT)
    judge = truth_rows(folder, clean, experiment, dataset.names, _span(split.test_from, split.test_to), JUDGED)
    say("ceiling")
    bench = Judge(dataset, judge)
    rows = [bench.calibrated(CEILING, margin_of(taught(experiment, dataset.names, teach)))]
    rows.append(bench.oracle(folder))
    fits: dict[str, Fitted] = {}
    for name, fit, stop, known in ways(dataset, experiment):
        say(name)
        found = (fit_known if known else fit_ignored)(
            lambda: study_classifier(experiment, dataset.names, dict(experiment.learner)), fit, stop
        )
        fits[name] = found
        if name == POOLED:
            rows.append(bench.row(NAIVE, found.classifier.decision_function, expit))
        rows.append(bench.calibrated(name, found.classifier.decision_function))
    say("the model as it would be signed")
    plain, own = _equal(dataset), fits[chosen(experiment)]
    tuned = Tuned(dict(experiment.learner), None)
    model = freeze(experiment, plain, own, tuned, arm=arm_statement(experiment, plain))
    others: list[Learner] = []
    if shapes:
        unbound = taught(experiment, dataset.names, teach, constrained=False)
        others.append(bench.calibrated("ceiling without directions", margin_of(unbound)))
        others += _shapes(experiment, plain, bench, own.effect or 0.0, say)
    test = dataset.parts["test"]
    return Study(
        seed=seed,
        hunch=hunch,
        enterprises=_enterprises(folder),
        fit_visits=len(dataset.parts["fit"]),
        targeted=float(dataset.parts["fit"].targeted.mean()),
        test_visits=len(test),
        test_violations=int(test.y.sum()),
        arm_effect=fits[KNOWN].effect or 0.0,
        learners=tuple(rows),
        chosen=chosen(experiment),
        calibration=model.model.calibrator.kind,
        held=intervals_held(model, judge),
        contract=contract(experiment, plain, model),
        shapes=tuple(others),
    )


def _span(first: date, end: date) -> tuple[date, date]:
    """Return the first and the last month of a span that ends before a month."""
    return first, date(end.year - (end.month == 1), (end.month - 2) % 12 + 1, 1)


RANDOM = "random arm"
DESIGN = "random arm, weighted by 1/draw probability"
POOLED = "pooled, arm ignored"
KNOWN = "pooled, arm known"
INVERSE = "pooled, inverse probability"


def chosen(experiment: Experiment) -> str:
    """Name of the way that the experiment's arms ask for."""
    arms = experiment.arms
    if arms.arm == "known":
        return KNOWN
    if set(arms.learn) == {"random"}:
        return DESIGN if arms.fit_weights == "design" else RANDOM
    return INVERSE if arms.fit_weights == "inverse_probability" else POOLED


def ways(dataset: Dataset, experiment: Experiment) -> list[tuple[str, Rows, Rows, bool]]:
    """Name, rows of the fit and of early stopping, and whether the arm is known, of each way."""
    fit, stop = dataset.parts["fit"], dataset.parts["stop"]

    def alone(part: Part, weights: str) -> Rows:
        own = ~part.targeted & part.outcomes["probability_ppm"].notna().to_numpy()
        return Rows(part.X[own], part.y[own], part.targeted[own], design_weights(part.outcomes[own], weights))

    plain_fit, plain_stop = replace(fit.rows(), weight=None), replace(stop.rows(), weight=None)
    return [
        (RANDOM, alone(fit, "equal"), alone(stop, "equal"), False),
        (DESIGN, alone(fit, "design"), alone(stop, "design"), False),
        (POOLED, plain_fit, plain_stop, False),
        (KNOWN, plain_fit, plain_stop, True),
        (INVERSE, fit.rows(), plain_stop, False),
    ]


def _equal(dataset: Dataset) -> Dataset:
    """Return the dataset with the fit's rows weighted alike, as the chosen way has them."""
    fit = dataset.parts["fit"]
    return replace(dataset, parts={**dataset.parts, "fit": replace(fit, weight=np.ones(len(fit)))})


def _enterprises(folder: Path) -> int:
    """Count the enterprises ever registered."""
    return len(pc.unique(pq.read_table(folder / "registration.parquet", columns=["enterprise_id"])["enterprise_id"]))


def _shapes(experiment: Experiment, dataset: Dataset, bench: Judge, effect: float, say: Say) -> list[Learner]:
    """The chosen way at other depths, other directions, and with families kept apart; the arm's effect held."""
    fit, stop = dataset.parts["fit"].rows(), dataset.parts["stop"].rows()
    apart = experiment.model_copy(update={"additive_families": True})
    base = dict(experiment.learner)

    def shaped(shape: dict[str, Any]) -> Callable[[], RiskClassifier]:
        return lambda: study_classifier(experiment, dataset.names, {**base, **shape})

    variants = [(name, shaped(shape)) for name, shape in SHAPES.items()]
    variants += [
        ("directions from the root on", shaped({"monotone_penalty": 0.0})),
        ("without directions", lambda: shaped({})().set_params(monotone=None)),
        ("families kept apart", lambda: study_classifier(apart, dataset.names, base)),
    ]
    out = []
    for name, make in variants:
        say(name)
        out.append(bench.calibrated(name, fit_at(make, fit, stop, effect).decision_function))
    return out


def intervals_held(found: Learned, judge: Truth, groups: int = GROUPS) -> float:
    """Share of groups of enterprises with like scores whose mean true risk lies in the model's interval.

    Groups of equal size along the margin; the interval is that of the group's mean margin.
    """
    margin = found.model.margin(judge.X)
    order = np.argsort(margin, kind="stable")
    held = []
    for rows in np.array_split(order, groups):
        ends = found.model.interval(margin[rows])
        if ends is None:
            return float("nan")
        held.append(float(ends[0].mean()) <= float(judge.risk[rows].mean()) <= float(ends[1].mean()))
    return float(np.mean(held))


def contract(experiment: Experiment, dataset: Dataset, found: Learned) -> dict[str, Any]:
    """The band contract of the chosen model on its test, as plain values."""
    from models.evaluation import TestVisits, check_band_contract, load_contract

    test, model = dataset.parts["test"], found.model
    margin = model.margin(test.X)
    score = np.round(model.score(margin), 1)
    frame = test.outcomes[["enterprise_id", "cutoff", "visited_on", "severity", "restates"]].assign(
        y=test.y, weight=test.weight, probability=model.probability(margin), score=score, grade=model.grades(score)
    )
    visits = TestVisits(pd.DataFrame(frame).reset_index(drop=True), "random")
    return check_band_contract(visits, model.bands, load_contract(experiment.province), seed=experiment.seed).as_dict()
