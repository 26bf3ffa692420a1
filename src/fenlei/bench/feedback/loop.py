"""The loop: plan by class, inspect by the truth, learn again; month by month, under one policy.

Ours draws by class at the province's shares and learns as an experiment says: the arm known to the fit, calibrated on
the random arm by 1 / draw probability. Beside it stand a naive loop, which learns from all visits as they come and
visits the highest scores, and a uniform one, which draws everyone alike and learns as ours does. All three visit
as often, in the same province.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

from features import cohort, compute_indicators
from features.scope import Scope
from fenlei.bench.feedback.world import Ledger, World, month_after, number_of
from models.arrays import Bools, Floats, Ints
from models.evaluation.policies import Plan
from models.learning.fit import fitted
from models.learning.learner import bands_of, freeze
from models.learning.rolling import look_back
from models.learning.search import Tuned
from models.scoring.bands import BandPolicy
from models.scoring.classification import GRADES
from models.scoring.rules.determinations import Determinations, load_determinations
from models.study.circumstances import Coding
from models.study.dataset import Dataset, Fold, Part, count_arms
from models.study.experiment import Calibration, Experiment, Origins, Split
from models.study.indicators import choose, usable
from models.study.labels import KEYS, assigned, look_up
from models.study.splits import folds, segments
from models.study.weights import design_weights

Say = Callable[[str], None]
Way = Literal["ours", "naive", "uniform"]
WAYS: tuple[Way, ...] = ("ours", "naive", "uniform")

SHAPE: dict[str, Any] = {
    "n_estimators": 150, "learning_rate": 0.06, "num_leaves": 8, "max_depth": 4, "min_data_in_leaf": 40,
    "max_bin": 63, "num_threads": 1, "tree_share": 0.5,
}  # fmt: skip
"""Small trees, at half the weight: a province of this size brings a few thousand visits, and one origin alone can't
choose a blend."""
YEAR = 12


@dataclass(frozen=True)
class Pace:
    """How often it is learned, and from what: months before the day of learning.

    ``fit``: months whose visits teach. ``calibrate``: those of them, up to a month before the day, whose visits
    calibrate by what a fit before them says of them.
    ``records``: months at the beginning whose visits teach nothing, so that windows of three years are covered.
    ``most_a_year``: visits of one firm in twelve months, in the naive loop.
    """

    every: int = 6
    records: int = 36
    fit: int = 36
    calibrate: int = 9
    most_a_year: int = 2


@dataclass(frozen=True)
class Risks:
    """A model in force: columns, and from them margin, probability and class (0 to 3), before floors."""

    names: tuple[str, ...]
    margin: Callable[[Floats], Floats]
    probability: Callable[[Floats], Floats]
    grade: Callable[[Floats], NDArray[np.intp]]


@dataclass(frozen=True)
class Run:
    """What a policy did, by enterprise and month of the loop.

    Parameters
    ----------
    probability
        Predicted risk on the first of the month; NaN outside the cohort.
    grade
        Class after floors, 0 to 3; -1 outside the cohort.
    ppm
        Draw probability that the plan gave, parts per million; 0 where there is none.
    free
        In the cohort and below the cap: a draw would be carried out.
    drawn, visited, found
        Draws; visits of the policy's own; those that found a violation.
    learned
        Per learning: its day, visits of the fit, and the last day on which an outcome it used became known.
    """

    way: Way
    folder: Path
    probability: Floats
    grade: NDArray[np.int8]
    ppm: Ints
    free: Bools
    drawn: Bools
    visited: Bools
    found: Bools
    learned: tuple[tuple[date, int, date], ...]


def split_for(day: date, pace: Pace, begin: date) -> Split:
    """Return the visits that teach on a day of learning; ``begin``: the first day whose visits may."""
    learn_from = max(begin, month_after(day, -pace.fit))
    return Split(learn_from=learn_from, test_from=day, test_to=month_after(day, 1), gap_days=28)


def origin_for(pace: Pace) -> Origins:
    """Return the one origin of a day of learning: before the months that calibrate and the gap."""
    return Origins(count=1, months=pace.calibrate + 1, least_months=1)


class Loop:
    """One policy's months in one world."""

    def __init__(
        self, world: World, experiment: Experiment, plan: Plan, way: Way, seen: pd.DataFrame, scratch: Path, pace: Pace
    ) -> None:
        self.world, self.plan, self.way, self.pace = world, plan, way, pace
        self.ledger = Ledger(world, scratch / way)
        self.experiment = experiment.model_copy(
            update={
                "learner": {**experiment.learner, **SHAPE},
                "arms": self._arms(experiment),
                "calibration": Calibration(kind="platt"),  # two numbers: all that some hundred visits can tell
                "tuning": experiment.tuning.model_copy(update={"blend": "fixed"}),
                "origins": origin_for(pace),
            }
        )
        self.bands: BandPolicy = bands_of(experiment)
        self.rules: Determinations = load_determinations(self.bands.determinations)
        self.asked = choose(experiment.indicators)
        self._seen: list[pd.DataFrame] = [seen]
        self._learned: list[tuple[date, int, date]] = []

    def _arms(self, experiment: Experiment) -> Any:
        if self.way != "naive":
            return experiment.arms
        pooled = {"learn": ("random", "targeted"), "arm": "ignored", "fit_weights": "equal"}
        return experiment.arms.model_copy(update=pooled)

    def run(self, quota: Ints | None, say: Say) -> Run:
        """Run the months of the loop.

        Parameters
        ----------
        quota
            Visits of each month; None: as the plan by class draws.
        say
            Told of each month.
        """
        world = self.world
        shape = (len(world.truth), world.months - world.history)
        probability, grade = np.full(shape, np.nan), np.full(shape, -1, dtype=np.int8)
        ppm = np.zeros(shape, dtype=np.int64)
        free, drawn, visited, found = (np.zeros(shape, dtype=bool) for _ in range(4))
        model: Risks | None = None
        for t in range(shape[1]):
            day = world.firsts[month := world.history + t]
            say(f"{self.way}: {day:%Y-%m}")
            frame = compute_indicators(
                self.ledger.folder, cohort(self.ledger.folder, [day], Scope("hebei")), Scope("hebei", names=self.asked)
            )
            who = np.array([number_of(e) for e in frame.index.get_level_values("enterprise_id")], dtype=np.int64)
            if model is None or t % self.pace.every == 0:
                model = self.learn(day, frame)
            X = np.ascontiguousarray(frame[list(model.names)].to_numpy(dtype=np.float64))
            margin = model.margin(X)
            probability[who, t] = model.probability(margin)
            grade[who, t] = self._floors(frame, model.grade(margin))
            before = self._visits_before(visited, t)
            many = int(quota[t]) if quota is not None else 0
            free[who, t] = ~self._at_cap(grade[who, t], before[who])
            if self.way == "naive":
                out = self._highest(who, margin, free[:, t], many)
            else:
                chance = self._chances(grade[who, t], many)
                ppm[who, t] = chance
                hit = world.stream.uniform("loop draw", who, month) * 1e6 < chance
                drawn[who[hit], t] = True
                self.ledger.draw(who[hit], chance[hit], ~free[who[hit], t], month)
                out = who[hit & free[who, t]]
            visited[out, t] = True
            found[out, t] = self.ledger.visit(out, month, random=self.way != "naive")
            self.ledger.write()
            self._seen.append(_by_day(frame[(visited[:, t] | world.targeted[:, month])[who]]))
        told = tuple(self._learned)
        return Run(self.way, self.ledger.folder, probability, grade, ppm, free, drawn, visited, found, told)

    def learn(self, day: date, everyone: pd.DataFrame) -> Risks:
        """Learn from what is known before a day; ``everyone``: the cohort's indicators of that day."""
        begin = self.world.firsts[min(self.pace.records, self.world.history)]
        split = split_for(day, self.pace, begin)
        experiment = self.experiment.model_copy(update={"split": split})
        as_of = day - timedelta(days=1)
        start = split.learn_from or begin
        given = assigned(self.ledger.folder, segments(split, start, as_of), experiment, as_of)
        used = given.rows[given.rows["segment"] == "fit"]
        table = pd.concat(self._seen)
        names = usable(look_up(table, used), self.asked, experiment.indicators.covered)
        fit, coding = _parts(given.rows, ("fit",), table, names, experiment)
        self._learned.append((day, len(used), max(used["known_at"])))
        params = dict(experiment.learner)
        found = fitted(experiment, names, fit["fit"], params)
        if self.way == "naive":
            rates = self.bands.rates
            return Risks(names, found.decision_function, expit, lambda m: np.searchsorted(rates, expit(m)))
        [stages] = folds(split, experiment.origins, start)
        earlier = assigned(self.ledger.folder, stages, experiment, as_of)
        told, _ = _parts(earlier.rows, ("fit", "validate"), table, names, experiment)
        fold = Fold(stages[1].start, told["fit"], told["validate"])
        back = look_back(experiment, names, fold, params)
        staged = [used, earlier.rows[earlier.rows["segment"] == "validate"].assign(segment="calibrate")]
        dataset = Dataset(
            parts={"fit": fit["fit"], "calibrate": fold.validate},
            folds=(fold,),
            coding=coding,
            names=names,
            left_out=(),
            population=np.ascontiguousarray(everyone[list(names)].to_numpy(dtype=np.float64)),
            every=given.every,
            counts=count_arms(pd.concat(staged, ignore_index=True)),
            dropped=given.dropped,
            source_hash="",
            as_of=as_of,
        )
        margin = back.margin(found.n_estimators, found.tree_share)
        tuned, arm = Tuned(params, None), "the loop's random arm"
        model = freeze(experiment, dataset, found, tuned, margin=margin, arm=arm).model
        return Risks(
            names,
            model.margin,
            model.probability,
            lambda m: self.bands.grade_index(np.round(model.score(m), 1)),
        )

    def _floors(self, frame: pd.DataFrame, grade: NDArray[np.intp]) -> NDArray[np.intp]:
        for rule in self.rules.active:
            hit = frame[rule.column].fillna("").to_numpy(dtype=object) != ""
            grade = np.where(hit, np.maximum(grade, GRADES.index(rule.grade)), grade)
        return grade

    def _chances(self, grade: NDArray[np.int8], many: int) -> Ints:
        """Return each firm's chance of being drawn this month, in parts per million."""
        if self.way == "uniform":
            return np.full(len(grade), round(1e6 * many / len(grade)), dtype=np.int64)
        shares = np.array(self.plan.shares) / YEAR
        return np.round(1e6 * shares[grade]).astype(np.int64)

    def _at_cap(self, grade: NDArray[np.int8], before: Ints) -> Bools:
        most = np.zeros(len(grade), dtype=np.int64)
        if self.way != "uniform":
            most += np.array(self.plan.caps)[grade] if self.way == "ours" else self.pace.most_a_year
        return np.asarray((most > 0) & (before >= most))

    def _visits_before(self, visited: Bools, t: int) -> Ints:
        """Return each firm's visits by the plan in the twelve months before, those of the history included."""
        history = self.world.random[:, : self.world.history]
        every = np.hstack([history, visited[:, :t]])
        return np.asarray(every[:, -YEAR:].sum(axis=1), dtype=np.int64)

    def _highest(self, who: Ints, margin: Floats, free: Bools, many: int) -> Ints:
        """Return the firms of the highest margins that were not visited too often, ties by their number."""
        among = free[who]
        order = np.lexsort((who[among], -margin[among]))
        return np.sort(who[among][order[:many]])


def _parts(
    rows: pd.DataFrame, stages: tuple[str, ...], table: pd.DataFrame, names: tuple[str, ...], experiment: Experiment
) -> tuple[dict[str, Part], Coding]:
    coding, out = Coding.of(rows[rows["segment"] == "fit"], experiment.arms), {}
    for stage in stages:
        own = rows[rows["segment"] == stage].drop(columns="segment").reset_index(drop=True)
        frame = look_up(table, own)
        X = np.ascontiguousarray(frame[list(names)].to_numpy(dtype=np.float64))
        weight = design_weights(own, "equal" if stage == "fit" else experiment.arms.weights)
        out[stage] = Part(own, frame, X, own["violation"].to_numpy(dtype=np.int8), weight, coding.code(own))
    return out, coding


def _by_day(frame: pd.DataFrame) -> pd.DataFrame:
    at = [frame.index.get_level_values("enterprise_id"), pd.to_datetime(frame.index.get_level_values("cutoff"))]
    frame.index = pd.MultiIndex.from_arrays(at, names=KEYS)
    return frame


def history_indicators(world: World, experiment: Experiment, records: int) -> pd.DataFrame:
    """Indicators of all visits of the history that may teach, as known on the first of their month."""
    seen = (world.targeted | world.random)[:, : world.history]
    seen[:, : min(records, world.history)] = False
    who, month = np.nonzero(seen)
    pairs = pd.DataFrame(
        {"enterprise_id": [f"E{w:07d}" for w in who], "cutoff": [world.firsts[m] for m in month]}, columns=KEYS
    )
    return _by_day(compute_indicators(world.base, pairs, Scope("hebei", names=choose(experiment.indicators))))


def run_all(
    world: World, experiment: Experiment, plan: Plan, scratch: Path, say: Say, pace: Pace | None = None
) -> dict[Way, Run]:
    """Run all policies, ours first: the others visit as often in every month."""
    pace = pace or Pace()
    say("indicators of the history's visits")
    seen = history_indicators(world, experiment, pace.records)
    runs: dict[Way, Run] = {}
    for way in WAYS:
        many = runs["ours"].visited.sum(axis=0) if runs else None
        runs[way] = Loop(world, experiment, plan, way, seen, scratch, pace).run(many, say)
    return runs
