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
from scipy.special import expit

from features import members_of
from features.scope import Scope
from fenlei.bench.learning.judge import Judge, Learner, Truth
from fenlei.bench.truth.visits import enterprise_months
from models.arrays import Floats
from models.learning.classifier import RiskClassifier
from models.learning.fit import fit_rows, fitted, study_classifier
from models.learning.learner import Learned, freeze
from models.learning.rolling import LookBack, choose_blend, look_back, out_of_time_margins, with_blend
from models.learning.search import Params, Tuned
from models.review.measure import arm_statement
from models.study.circumstances import Circumstances
from models.study.dataset import Dataset, Part, build_dataset
from models.study.experiment import Experiment
from models.study.labels import indicator_table, look_up
from models.study.weights import design_weights

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
SHAPES: dict[str, Params] = {
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
        Whether to try other depths, parts and constraints too.

    Notes
    -----
    The number of trees and their share are chosen by the rolling origins of the chosen way and hold for all; each way
    is calibrated on what its own fits at the origins said of the visits that followed.
    """
    asked = experiment.arms.model_copy(update={"fit_weights": "inverse_probability", "arm": "known"})
    say("rows and indicators")
    dataset = build_dataset(clean, experiment.model_copy(update={"arms": asked}), as_of)
    split, names, calibrate = experiment.split, dataset.names, dataset.parts["calibrate"].X
    begins = pd.Timestamp(dataset.parts["fit"].outcomes["visited_on"].min()).date().replace(day=1)
    # Up to the first origin: what calibrates the ceiling is out of time for it, too.
    teach = truth_rows(folder, clean, experiment, names, _span(begins, dataset.folds[-1].day), TAUGHT)
    judge = truth_rows(folder, clean, experiment, names, _span(split.test_from, split.test_to), JUDGED)
    say("ceiling")
    bench = Judge(dataset, judge)
    ceiling = margin_of(taught(experiment, names, teach))
    rows = [bench.calibrated(CEILING, ceiling, ceiling(calibrate)), bench.oracle(folder)]
    say("looking back from the rolling origins")
    way = chosen(experiment)
    own, params = of_way(dataset, way), dict(experiment.learner)
    seen = [look_back(experiment, names, fold, params) for fold in own.folds]
    blend = choose_blend(experiment, seen, params)
    params = with_blend(params, blend)
    fits: dict[str, RiskClassifier] = {}
    for name in WAYS:
        say(name)
        data = of_way(dataset, name)
        found = fits[name] = fitted(experiment, names, data.parts["fit"], params)
        if name == POOLED:
            rows.append(bench.row(NAIVE, found.decision_function, expit))
        back = seen if name == way else _looked_back(experiment, data, params)
        rows.append(bench.calibrated(name, found.decision_function, out_of_time_margins(back, blend)))
    say("the model as it would be signed")
    margin, arm = out_of_time_margins(seen, blend), arm_statement(experiment, own)
    model = freeze(experiment, own, fits[way], Tuned(params, None), margin=margin, arm=arm, blend=blend)
    others: list[Learner] = []
    if shapes:
        unbound = margin_of(taught(experiment, names, teach, constrained=False))
        others.append(bench.calibrated("ceiling without directions", unbound, unbound(calibrate)))
        others += _shapes(experiment, own, bench, params, say)
    test = dataset.parts["test"]
    return Study(
        seed=seed,
        hunch=hunch,
        enterprises=_enterprises(folder),
        fit_visits=len(dataset.parts["fit"]),
        targeted=float(dataset.parts["fit"].targeted.mean()),
        test_visits=len(test),
        test_violations=int(test.y.sum()),
        arm_effect=float(fits[KNOWN].effects_.terms[0]),
        learners=tuple(rows),
        chosen=chosen(experiment),
        calibration=model.model.calibrator.kind,
        held=intervals_held(model, judge),
        contract=contract(experiment, own, model),
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
WAYS = (RANDOM, DESIGN, POOLED, KNOWN, INVERSE)


def chosen(experiment: Experiment) -> str:
    """Name of the way that the experiment's arms ask for."""
    arms = experiment.arms
    if arms.arm == "known":
        return KNOWN
    if set(arms.learn) == {"random"}:
        return DESIGN if arms.fit_weights == "design" else RANDOM
    return INVERSE if arms.fit_weights == "inverse_probability" else POOLED


def of_way(dataset: Dataset, way: str) -> Dataset:
    """Return the study's rows as a way learns from them, at every origin and in the end.

    Parameters
    ----------
    dataset
        With the arm coded, and the fits weighted by inverse probability.
    """
    folds = tuple(replace(fold, fit=_taught_by(fold.fit, way)) for fold in dataset.folds)
    parts = {**dataset.parts, "fit": _taught_by(dataset.parts["fit"], way)}
    coding = dataset.coding if way == KNOWN else replace(dataset.coding, names=(), means=(), pairs=())
    return replace(dataset, parts=parts, folds=folds, coding=coding)


def _taught_by(part: Part, way: str) -> Part:
    """Return the rows of a fit that a way learns from, with its weights and what it knows of the visits."""
    seen = part.circumstances if way == KNOWN else Circumstances.none(len(part))
    if way not in (RANDOM, DESIGN):
        return replace(part, weight=part.weight if way == INVERSE else np.ones(len(part)), circumstances=seen)
    own = ~part.targeted & part.outcomes["probability_ppm"].notna().to_numpy()
    outcomes = part.outcomes[own].reset_index(drop=True)
    weight = design_weights(outcomes, "design" if way == DESIGN else "equal")
    return Part(outcomes, part.frame[own], part.X[own], part.y[own], weight, seen.take(own))


def _looked_back(experiment: Experiment, dataset: Dataset, params: Params) -> list[LookBack]:
    """Look back with the parameters as they are: the number of trees and their share are those of the chosen way."""
    tuning = experiment.tuning.model_copy(update={"blend": "fixed"})
    fixed = experiment.model_copy(update={"tuning": tuning})
    return [look_back(fixed, dataset.names, fold, params) for fold in dataset.folds]


def _enterprises(folder: Path) -> int:
    """Count the enterprises ever registered."""
    return len(pc.unique(pq.read_table(folder / "registration.parquet", columns=["enterprise_id"])["enterprise_id"]))


def _shapes(experiment: Experiment, dataset: Dataset, bench: Judge, params: Params, say: Say) -> list[Learner]:
    """The chosen way at other depths, other directions, and with families kept apart.

    Each is calibrated on what a fit at the first origin says of all calibration visits: one fit more, not one an
    origin.
    """
    first, fit, calibrate = dataset.folds[-1].fit.rows(), dataset.parts["fit"].rows(), dataset.parts["calibrate"].X
    apart = experiment.model_copy(update={"additive_families": True})

    def shaped(shape: Params) -> Callable[[], RiskClassifier]:
        return lambda: study_classifier(experiment, dataset.names, {**params, **shape})

    variants = [(name, shaped(shape)) for name, shape in SHAPES.items()]
    variants += [
        ("directions from the root on", shaped({"monotone_penalty": 0.0})),
        ("without directions", lambda: shaped({})().set_params(monotone=None)),
        ("families kept apart", lambda: study_classifier(apart, dataset.names, params)),
        ("linear part alone", shaped({"tree_share": 0.0, "n_estimators": 1})),
        ("trees alone", shaped({"tree_share": 1.0})),
    ]
    out = []
    for name, make in variants:
        say(name)
        told = fit_rows(make(), first).decision_function(calibrate)
        out.append(bench.calibrated(name, fit_rows(make(), fit).decision_function, told))
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
