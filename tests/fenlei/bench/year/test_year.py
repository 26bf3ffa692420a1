"""The year's draws have the chances that stand in them, and its measures say what they are said to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom

from fenlei.bench.feedback.loop import Pace
from fenlei.bench.feedback.world import OWN, make_world
from fenlei.bench.year.draws import alike, scale_for, stratified
from fenlei.bench.year.measures import Found, group_visits, over_cap, told, work
from fenlei.bench.year.report import joined
from fenlei.bench.year.run import POLICIES, Policy, YearRun, run_year
from helpers.root import ROOT
from models.evaluation.policies import load_sampling
from models.study.experiment import Indicators, load_experiment

SHARES = np.array([0.05, 0.10, 0.30, 0.60]) / 12


def test_over_many_draws_every_firm_is_drawn_as_often_as_its_stated_chance() -> None:
    """Ten thousand seeds, eight firms, a test of size one in a thousand over all of them."""
    rng, seeds = np.random.default_rng(5), 10_000
    grade = np.array([0, 0, 1, 1, 2, 2, 3, 3])
    shares = np.array([0.05, 0.10, 0.30, 0.60])
    count, ppm = np.zeros(8, dtype=int), np.zeros(8, dtype=int)
    random = np.zeros(8, dtype=int)
    for _ in range(seeds):
        made = stratified(grade, shares, 0.25, 1.0, rng.random(8), rng.random(8))
        count, ppm, random = count + made.drawn, made.ppm, random + made.random
    for hits, chance in zip(count, ppm / 1e6, strict=True):
        low, high = binom.ppf([0.0005 / 8, 1 - 0.0005 / 8], seeds, chance)
        assert low <= hits <= high
    low, high = binom.ppf([0.0005 / 8, 1 - 0.0005 / 8], seeds, 0.25 * shares[grade].mean())
    assert (low <= random).all()
    assert (random <= high).all()


def test_a_share_for_everybody_gives_the_least_risky_class_more_than_its_own_chance() -> None:
    grade = np.array([0] * 90 + [3] * 10)
    none = stratified(grade, SHARES, 0.0, 1.0, np.ones(100), np.ones(100))
    some = stratified(grade, SHARES, 0.25, 1.0, np.ones(100), np.ones(100))
    assert none.ppm[0] == round(1e6 * SHARES[0])
    assert some.ppm[0] > none.ppm[0]
    assert some.ppm[-1] < none.ppm[-1]


def test_scaled_chances_bring_the_visits_asked_for_to_those_who_may_be_visited() -> None:
    grade, free = np.array([0, 1, 2, 3] * 50), np.array([True, True, False, True] * 50)
    assert (scale_for(grade, free, SHARES, 12) * SHARES[grade])[free].sum() == pytest.approx(12)


def test_a_draw_of_equals_is_of_exactly_so_many() -> None:
    made = alike(1000, 37, np.random.default_rng(1).random(1000))
    assert made.drawn.sum() == 37
    assert set(made.ppm) == {37_000}
    assert (made.random == made.drawn).all()


def run(policy: Policy, visited: np.ndarray, found: np.ndarray, **changes: np.ndarray) -> YearRun:
    shape = visited.shape
    given = {"grade": np.zeros(shape, dtype=int), "ppm": np.full(shape, 500_000), "free": np.ones(shape, dtype=bool),
             "random": visited, "visited": visited, "found": found} | changes  # fmt: skip
    return YearRun(policy, **given)


def test_work_counts_violations_a_visit_and_holds_them_against_uniform() -> None:
    n = 400
    visited = np.ones((n, 1), dtype=bool)
    few, many = (np.arange(n)[:, None] % 4 < k for k in (1, 2))
    runs: dict[Policy, YearRun] = {p: run(p, visited, few) for p in POLICIES} | {"model": run("model", visited, many)}
    done = work(Found(runs, np.full((n, 1), 0.25), {}), 3)
    assert done["model"].rate.value == 0.5
    assert done["model"].times.value == 2.0
    assert 1.6 < done["model"].times.low < 2.0 < done["model"].times.high < 2.5
    assert done["uniform"].times.low == done["uniform"].times.high == 1.0
    assert done["model"].gini == pytest.approx(0.0)


def test_the_true_rate_is_held_against_the_months_interval_of_the_random_share_alone() -> None:
    n = 200
    truth = np.full((n, 2), 0.3)
    truth[:10] = np.nan
    visited = np.ones((n, 2), dtype=bool)
    found = np.zeros((n, 2), dtype=bool)
    found[10:67, 0] = True  # 57 of 190 visits with a label: 30 %
    found[10:20, 1] = True  # 5 %
    one = told(run("model", visited, found), truth)
    assert (one.months, one.inside, one.visits) == (2, 1, 380)
    assert one.truth == pytest.approx(0.3)
    nobody = told(run("model", visited, found, random=np.zeros((n, 2), dtype=bool)), truth)
    assert (nobody.visits, nobody.inside) == (0, 2)


def test_a_group_that_is_visited_beyond_its_chances_is_seen() -> None:
    n = 400
    groups = {"size": np.array(["micro", "large"] * (n // 2))}
    rng = np.random.default_rng(2)
    fair = rng.random((n, 12)) < 0.5
    assert all(abs(g.above) < 3 for g in group_visits(run("model", fair, fair), groups))
    unfair = fair | (groups["size"] == "micro")[:, None] & (rng.random((n, 12)) < 0.2)
    by_name = {g.name: g for g in group_visits(run("model", unfair, unfair), groups)}
    assert by_name["micro"].above > 3 > abs(by_name["large"].above)
    assert by_name["micro"].expected == pytest.approx(n / 2 * 12 * 0.5)


def test_visits_beyond_a_cap_are_counted() -> None:
    visited = np.array([[1, 0, 1, 1], [1, 0, 0, 0]], dtype=bool)
    assert over_cap(run("model", visited, visited), (1, 1, 2, 0)) == 2
    assert over_cap(run("model", visited, visited, grade=np.full((2, 4), 2)), (1, 1, 2, 0)) == 1
    assert over_cap(run("model", visited, visited, grade=np.full((2, 4), 3)), (1, 1, 2, 0)) == 0


@pytest.mark.slow
def test_a_small_year_visits_alike_often_and_its_records_pass_the_check(tmp_path: Path) -> None:
    from features.check import check_folder
    from fenlei.bench.feedback.world import END

    world = make_world(tmp_path, enterprises=1500, history=12, months=3, hunch=2.5, seed=5)
    names = ("problem_rate_random", "problem_rate_targeted", "penalties_3y", "complaints_1y", "years_operating")
    asked = load_experiment(ROOT / "experiments" / "province.toml")
    asked = asked.model_copy(update={"indicators": Indicators(only=names)})
    plan = load_sampling("hebei").plans["hebei"].model_copy(update={"shares": (0.2, 0.4, 0.8, 1.0)})
    pace = Pace(every=2, records=1, fit=10, calibrate=3)
    runs = run_year(world, asked, plan, tmp_path, lambda _: None, pace)
    visits = {p: r.visited.sum(axis=0) for p, r in runs.items()}
    assert (visits["uniform"] == visits["model"]).all()
    assert (visits["highest"] == visits["model"]).all()
    assert abs(int(visits["rules"].sum()) - int(visits["model"].sum())) < 4 * np.sqrt(visits["model"].sum())
    for policy, made in runs.items():
        assert not (made.visited & ~made.free).any()
        assert (made.found <= made.visited).all()
        [folder] = (tmp_path / policy).iterdir()
        assert check_folder(folder, END, tmp_path / f"checked_{policy}").totals["quarantined"] == 0
        assert all((folder / f"{name}.parquet").is_file() for name in OWN)
    assert not runs["highest"].random.any()
    truth = world.truth[:, world.history :]
    both = joined(
        [Found(runs, truth, {k: np.full(len(truth), "x") for k in ("size", "ownership", "region", "industry")})] * 2
    )
    assert len(both.truth) == 2 * len(truth)
