"""Run of a year: classify, draw, visit by the truth, write what was found, learn each quarter, under one policy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from features import cohort, compute_indicators
from features.scope import Scope
from fenlei.bench.feedback.loop import YEAR, Loop, Pace, Risks, Way, history_indicators
from fenlei.bench.feedback.world import World, number_of
from fenlei.bench.year.draws import alike, scale_for, stratified
from models.arrays import Bools, Floats, Ints
from models.evaluation.policies import Plan
from models.scoring.columns import graded, scored_by_rules
from models.scoring.rules.province import load_rules
from models.study.experiment import Experiment

Say = Callable[[str], None]
Policy = Literal["model", "uniform", "rules", "highest"]
POLICIES: tuple[Policy, ...] = ("model", "uniform", "rules", "highest")
LEARNS: dict[Policy, Way] = {"model": "ours", "uniform": "uniform", "rules": "ours", "highest": "naive"}
"""How `Loop` learns for a policy; uniform and rules choose without a model, and learn none."""
PACE = Pace(every=3)
RANDOM_SHARE = 0.25
"""Part of the draws from everybody alike; SAMR (8) asks for a random part and leaves its size open. [K]"""


@dataclass(frozen=True)
class YearRun:
    """What a policy did, by enterprise and month.

    Parameters
    ----------
    policy
        Which.
    grade
        Class it went by, 0 to 3; -1 outside the cohort.
    ppm
        Chance of being drawn, parts per million; 0 where there is none.
    free
        In the cohort and below the cap of its class.
    random
        Visited for the random share.
    visited, found
        Visits, and those that found a violation.
    """

    policy: Policy
    grade: Ints
    ppm: Ints
    free: Bools
    random: Bools
    visited: Bools
    found: Bools


class YearLoop(Loop):
    """Twelve months of one policy in one world; learning is `Loop`'s own."""

    def __init__(
        self, world: World, experiment: Experiment, plan: Plan, policy: Policy, seen: pd.DataFrame, scratch: Path,
        pace: Pace = PACE, random_share: float = RANDOM_SHARE,
    ) -> None:  # fmt: skip
        home = scratch / policy
        home.mkdir(parents=True)
        super().__init__(world, experiment, plan, LEARNS[policy], seen, home, pace)
        self.policy, self.random_share = policy, random_share
        self.scorecard = load_rules("hebei")

    def year(self, quota: Ints | None, say: Say) -> YearRun:
        """Run the months.

        Parameters
        ----------
        quota
            Visits of each month; None: as many as the plan's shares bring.
        say
            Told of each month.
        """
        world = self.world
        shape = (len(world.truth), world.months - world.history)
        grade, ppm = np.full(shape, -1, dtype=np.int64), np.zeros(shape, dtype=np.int64)
        free, random, visited, found = (np.zeros(shape, dtype=bool) for _ in range(4))
        learns = self.policy in ("model", "highest")
        names = self.asked if learns else self.scorecard.scorecard.indicators
        model: Risks | None = None
        for t in range(shape[1]):
            day = world.firsts[month := world.history + t]
            say(f"{self.policy}: {day:%Y-%m}")
            folder = self.ledger.folder
            frame = compute_indicators(folder, cohort(folder, [day], Scope("hebei")), Scope("hebei", names=names))
            who = np.array([number_of(e) for e in frame.index.get_level_values("enterprise_id")], dtype=np.int64)
            if learns and (model is None or t % self.pace.every == 0):
                model = self.learn(day, frame)
            margin = np.zeros(len(who))
            if model is not None:
                margin = model.margin(np.ascontiguousarray(frame[list(model.names)].to_numpy(dtype=np.float64)))
                classes = self._floors(frame, model.grade(margin))
            else:
                classes = graded(scored_by_rules(frame, self.scorecard), frame, self.scorecard).grade
            grade[who, t] = classes
            before = self._visits_before(visited, t)[who]
            free[who, t] = ~self._full(grade[who, t], before)
            out = self._choose(grade, ppm, free, random, who, margin, t, quota)
            visited[out, t] = True
            found[out, t] = self.ledger.visit(out, month, random=self.policy != "highest")
            self.ledger.write()
            if learns:
                self._seen.append(_dated(frame[(visited[:, t] | world.targeted[:, month])[who]]))
        return YearRun(self.policy, grade, ppm, free, random, visited, found)

    def _full(self, grade: Ints, before: Ints) -> Bools:
        """Tell who has had as many visits in twelve months as the policy lets a firm have."""
        most = np.full(len(grade), self.pace.most_a_year, dtype=np.int64)
        if self.policy != "highest":
            most = np.array(self.plan.caps)[grade]
        return np.asarray((most > 0) & (before >= most))

    def _choose(
        self, grade: Ints, ppm: Ints, free: Bools, random: Bools, who: Ints, margin: Floats, t: int,
        quota: Ints | None,
    ) -> Ints:  # fmt: skip
        """Return who is visited, and note chances and the random share."""
        month = self.world.history + t
        if self.policy == "highest":
            assert quota is not None
            return self._highest(who, margin, free[:, t], int(quota[t]))
        u, v = (self.world.stream.uniform(what, who, month) for what in ("year random", "year class"))
        if self.policy == "uniform":
            assert quota is not None
            may = who[free[who, t]]
            made = alike(len(may), int(quota[t]), self.world.stream.uniform("year random", may, month))
            among = may
        else:
            shares = np.array(self.plan.shares) / YEAR
            own = grade[who, t]
            scale = 1.0 if quota is None else scale_for(own, free[who, t], shares, int(quota[t]))
            made = stratified(own, shares, self.random_share, scale, u, v)
            among = who
        ppm[among, t] = made.ppm
        hit = made.drawn
        self.ledger.draw(among[hit], made.ppm[hit], ~free[among[hit], t], month)
        random[among[made.random & free[among, t]], t] = True
        return np.asarray(among[hit & free[among, t]], dtype=np.int64)


def _dated(frame: pd.DataFrame) -> pd.DataFrame:
    at = [frame.index.get_level_values("enterprise_id"), pd.to_datetime(frame.index.get_level_values("cutoff"))]
    frame.index = pd.MultiIndex.from_arrays(at, names=["enterprise_id", "cutoff"])
    return frame


def run_year(
    world: World, experiment: Experiment, plan: Plan, scratch: Path, say: Say, pace: Pace = PACE,
    random_share: float = RANDOM_SHARE,
) -> dict[Policy, YearRun]:  # fmt: skip
    """Run all policies, the model's plan first: the others make as many visits in every month."""
    say("indicators of the history's visits")
    seen = history_indicators(world, experiment, pace.records)
    runs: dict[Policy, YearRun] = {}
    for policy in POLICIES:
        quota = runs["model"].visited.sum(axis=0) if runs else None
        loop = YearLoop(world, experiment, plan, policy, seen, scratch, pace, random_share)
        runs[policy] = loop.year(quota, say)
    return runs
