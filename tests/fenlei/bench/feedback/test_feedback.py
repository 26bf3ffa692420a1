"""The loop runs by what it states: same bytes, probabilities as drawn, no outcome before it is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom

from features.check import check_folder
from features.population.outcomes import read_outcomes
from fenlei.bench.common.page import fill
from fenlei.bench.feedback.effects import ALL, Resamples, concentration, drifts, years
from fenlei.bench.feedback.loop import Loop, Pace, Run, Way, history_indicators, origin_for, run_all, split_for
from fenlei.bench.feedback.lots import against_lots, effect
from fenlei.bench.feedback.world import END, OWN, World, make_world, month_after, number_of
from helpers.root import ROOT
from models.evaluation.policies import load_sampling
from models.study.experiment import Experiment, Indicators, load_experiment
from models.study.splits import folds, segments

HISTORY, MONTHS = 12, 4
PACE = Pace(every=2, records=1, fit=10, calibrate=3)
PLAN = load_sampling("hebei").plans["hebei"].model_copy(update={"shares": (0.2, 0.4, 0.8, 1.0)})


FEW = (
    "industry_rate_ratio_random", "problem_rate_random", "problem_rate_targeted", "days_since_problem",
    "clean_visits_ever", "penalties_3y", "abnormal_listed_now", "complaints_1y", "years_operating",
    "registered_capital",
)  # fmt: skip


def few_indicators() -> Experiment:
    """The study of the bench with a tenth of its indicators: what is tested is the loop."""
    asked = load_experiment(ROOT / "experiments" / "province.toml")
    return asked.model_copy(update={"indicators": Indicators(only=FEW)})


def place(month: date) -> int:
    """Number of a month of the loop."""
    return (month.year - END.year) * 12 + month.month - END.month + MONTHS


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(
        tmp_path_factory.mktemp("loop"), enterprises=1500, history=HISTORY, months=MONTHS, hunch=2.5, seed=5
    )


@pytest.fixture(scope="module")
def runs(world: World, tmp_path_factory: pytest.TempPathFactory) -> dict[Way, Run]:
    scratch = tmp_path_factory.mktemp("runs")
    return dict(run_all(world, few_indicators(), PLAN, scratch, lambda _: None, PACE))


@pytest.mark.slow
def test_the_simulated_random_arm_ends_with_the_history_and_the_targeted_one_does_not(world: World) -> None:
    with duckdb.connect() as con:
        last = dict(
            con.execute(f"SELECT arm, max(occurred_at) FROM '{world.base}/inspections.parquet' GROUP BY arm").fetchall()
        )
        [(draws,)] = con.execute(f"SELECT max(occurred_at) FROM '{world.base}/draws.parquet'").fetchall()
    begin = world.firsts[HISTORY]
    assert max(last["random"], draws) < begin < last["targeted"]


@pytest.mark.slow
def test_the_records_pass_the_check_and_hold_every_visit(runs: dict[Way, Run], tmp_path: Path) -> None:
    for way in ("ours", "naive"):  # uniform writes as ours does
        run = runs[way]
        report = check_folder(run.folder, END, tmp_path / way)
        assert report.totals["quarantined"] == 0
        with duckdb.connect() as con:
            found = con.execute(
                f"""SELECT DISTINCT enterprise_id, arm, date_trunc('month', occurred_at)::DATE
                FROM '{run.folder}/inspections.parquet' WHERE right(record_id, 4)::INT % 32 = 0
                AND occurred_at >= DATE '{month_after(END, -MONTHS)}'"""
            ).fetchall()
        assert {arm for _, arm, _ in found} == {"targeted" if way == "naive" else "random"}
        written = {(number_of(e), place(m)) for e, _, m in found}
        who, month = np.nonzero(run.visited)
        # A visit of the last days is known only after the records were taken.
        missing = set(zip(who.tolist(), month.tolist(), strict=True)) - written
        assert written <= set(zip(who.tolist(), month.tolist(), strict=True))
        assert all(m == MONTHS - 1 for _, m in missing)


@pytest.mark.slow
def test_every_policy_visits_as_often(runs: dict[Way, Run]) -> None:
    ours = runs["ours"].visited.sum(axis=0)
    assert (ours > 0).all()
    assert (runs["naive"].visited.sum(axis=0) == ours).all()
    # Drawn, not counted out: as many on average.
    expected = runs["uniform"].ppm.sum() / 1e6
    assert abs(expected - ours.sum()) < 1


@pytest.mark.slow
@pytest.mark.parametrize("way", ["ours", "uniform"])
def test_stated_probabilities_are_those_of_the_draws(runs: dict[Way, Run], way: Way) -> None:
    run = runs[way]
    with duckdb.connect() as con:
        stated = con.execute(
            f"""SELECT enterprise_id, date_trunc('month', occurred_at)::DATE, probability_ppm
            FROM '{run.folder}/draws.parquet' WHERE plan_id LIKE 'LOOP-%'"""
        ).fetchall()
    assert stated
    for enterprise, month, ppm in stated:
        t = place(month)
        assert run.drawn[number_of(enterprise), t]
        assert run.ppm[number_of(enterprise), t] == ppm
    if way == "ours":
        for grade, share in enumerate(PLAN.shares):
            assert set(run.ppm[run.grade == grade]) <= {round(1e6 * share / 12)}
    for ppm in np.unique(run.ppm[run.ppm > 0]):
        drawn = run.drawn[run.ppm == ppm]
        low, high = binom.interval(1 - 1e-5, len(drawn), ppm / 1e6)
        assert low <= drawn.sum() <= high


@pytest.mark.slow
def test_visits_find_what_the_truth_gives(world: World, runs: dict[Way, Run]) -> None:
    truth = world.truth[:, HISTORY:]
    for run in runs.values():
        risk = truth[run.visited]
        expected, spread = np.nansum(risk), np.sqrt(np.nansum(risk * (1 - risk)))
        assert abs(run.found.sum() - expected) < 4.5 * spread
    both = runs["ours"].visited & runs["naive"].visited
    assert both.any()
    # The same firm in the same month is found the same, whoever visits.
    assert (runs["ours"].found[both] == runs["naive"].found[both]).all()


@pytest.mark.slow
def test_no_outcome_is_used_before_it_is_known(runs: dict[Way, Run]) -> None:
    for run in runs.values():
        assert [day for day, _, _ in run.learned] == [month_after(END, -MONTHS), month_after(END, -MONTHS + PACE.every)]
        for day, rows, last in run.learned:
            assert last < day
            known = read_outcomes(run.folder, day, province="hebei")
            split = split_for(day, PACE, month_after(END, -HISTORY - MONTHS))
            assert split.learn_from is not None
            late = day - timedelta(days=28)
            span = known[(known["visited_on"] >= split.learn_from) & (known["visited_on"] < late)]
            assert 0 < rows <= (span["known_at"] < day).sum()


@pytest.mark.slow
def test_what_comes_later_changes_no_earlier_month(world: World, runs: dict[Way, Run], tmp_path: Path) -> None:
    """Stop after three months: the predictions and visits up to there are the same, and so are the records known."""
    short = World(
        world.base, world.seed, world.firsts[: HISTORY + 4], HISTORY, world.truth[:, : HISTORY + 3],
        world.targeted[:, : HISTORY + 3], world.random[:, : HISTORY + 3], world.codes, world.policy,
    )  # fmt: skip
    again = Loop(
        short, few_indicators(), PLAN, "ours", history_indicators(world, few_indicators(), PACE.records), tmp_path, PACE
    ).run(None, lambda _: None)
    ours = runs["ours"]
    np.testing.assert_array_equal(again.probability, ours.probability[:, :3])
    np.testing.assert_array_equal(again.visited, ours.visited[:, :3])
    np.testing.assert_array_equal(again.found, ours.found[:, :3])
    day = world.firsts[HISTORY + 1]
    for table in OWN:
        with duckdb.connect() as con:
            one, other = (
                con.execute(f"FROM '{folder}/{table}.parquet' WHERE known_at < DATE '{day}' ORDER BY ALL").fetchall()
                for folder in (again.folder, ours.folder)
            )
        assert one == other


def test_what_teaches_and_calibrates_lies_before_the_day_of_learning_and_the_first_fit_before_what_calibrates() -> None:
    day, pace = date(2025, 7, 1), Pace()
    split = split_for(day, pace, date(2020, 1, 1))
    assert split.learn_from == month_after(day, -pace.fit)
    assert split_for(day, pace, date(2024, 1, 1)).learn_from == date(2024, 1, 1)
    [fit, _] = segments(split, split.learn_from, day - timedelta(days=1))
    assert (fit.end, fit.known_before) == (day - timedelta(days=28), day)
    [(earlier, calibrate)] = folds(split, origin_for(pace), split.learn_from)
    assert calibrate.start == month_after(day, -pace.calibrate - 1)
    assert calibrate.end == day - timedelta(days=28)
    assert calibrate.known_before == day
    assert earlier.end == calibrate.start - timedelta(days=28)
    assert earlier.known_before == calibrate.start


def made_run(probability: np.ndarray, visited: np.ndarray, ppm: int = 100_000) -> Run:
    n, months = probability.shape
    return Run(
        way="ours", folder=Path(), probability=probability, grade=np.zeros((n, months), dtype=np.int8),
        ppm=np.full((n, months), ppm), free=np.ones((n, months), dtype=bool), drawn=visited, visited=visited,
        found=np.zeros_like(visited), learned=(),
    )  # fmt: skip


def test_a_learner_that_takes_looks_for_guilt_is_found_out() -> None:
    """Predictions rise by 3 points a visit while the truth stands still: drift, effect and yearly means all say so."""
    rng = np.random.default_rng(1)
    truth = np.repeat(rng.uniform(0.05, 0.3, (4000, 1)), 30, axis=1)
    visited = rng.uniform(size=truth.shape) < 0.1
    before: NDArray[np.int64] = np.cumsum(visited, axis=1) - visited
    run, draws = made_run(truth + 0.03 * before, visited), Resamples(4000, 1, 200)
    found = next(r for r in drifts(run, truth, draws) if r.name == ALL)
    assert found.gap_before.value == pytest.approx(0.0)
    assert found.true.value == pytest.approx(0.0)
    assert found.gap.low > 0.055
    of_one = effect(run, truth, draws)
    assert of_one.predicted.low < 0.03 < of_one.predicted.high
    assert of_one.true.low < 0 < of_one.true.high
    last = years(run, truth)[-1]
    assert last.twice.predicted - last.twice.true > 0.06 > 0.04 > last.everyone.true - last.never.predicted


def test_a_learner_that_holds_to_the_truth_is_not() -> None:
    rng = np.random.default_rng(2)
    truth = np.clip(0.15 + np.cumsum(rng.normal(0, 0.005, (3000, 30)), axis=1), 0.01, 0.9)
    visited = rng.uniform(size=truth.shape) < 0.1
    run, draws = made_run(truth, visited), Resamples(3000, 1, 200)
    assert all(abs(r.gap.value) < 1e-12 for r in drifts(run, truth, draws))
    of_one = effect(run, truth, draws)
    assert of_one.predicted == of_one.true
    assert of_one.again.low < 0 < of_one.again.high


def test_choosing_who_proves_worse_is_not_taken_for_the_visits_doing() -> None:
    """Predictions follow the truth late and no visit moves them; the worse are drawn more: the lots take that out."""
    rng = np.random.default_rng(3)
    truth = np.clip(0.2 + np.cumsum(rng.normal(0, 0.02, (6000, 30)), axis=1), 0.01, 0.9)
    probability = np.hstack([np.full((6000, 3), 0.2), truth[:, :-3]])
    ppm = np.where(probability > 0.25, 150_000, 10_000)
    visited = rng.uniform(size=truth.shape) * 1e6 < ppm
    run, draws = replace(made_run(probability, visited), ppm=ppm), Resamples(6000, 1, 200)
    assert next(r for r in drifts(run, truth, draws) if r.name == ALL).gap.low > 0.0
    compared = against_lots(run, truth, draws, np.zeros(4, dtype=np.int64), 1)
    assert compared
    assert compared[1].low < 0 < compared[1].high
    harmed = replace(run, probability=probability + 0.03 * (np.cumsum(visited, axis=1) - visited))
    blamed = against_lots(harmed, truth, draws, np.zeros(4, dtype=np.int64), 1)
    assert blamed
    assert blamed[1].low > 0.01


def test_concentration_of_visits() -> None:
    assert concentration(np.ones(100, dtype=np.int64)) == pytest.approx((0.05, 0.0))
    one = np.zeros(100, dtype=np.int64)
    one[7] = 40
    assert concentration(one) == pytest.approx((1.0, 0.99))


def test_the_page_has_a_place_for_every_block(tmp_path: Path) -> None:
    from fenlei.bench.feedback.report import blocks

    truth = np.full((600, 30), 0.2)
    visited = np.random.default_rng(4).uniform(size=truth.shape) < 0.1
    run = made_run(truth + np.linspace(-0.01, 0.01, 600)[:, None], visited)
    made = blocks({"ours": run}, truth, PLAN, 0.05, 1)
    page = tmp_path / "page.md"
    page.write_text((ROOT / "docs" / "feedback-loop.md").read_text(encoding="utf-8"), encoding="utf-8")
    fill(page, made, "About.")
    text = page.read_text(encoding="utf-8")
    assert all(block in text for block in made.values())
    assert "no runaway feedback" in made["verdict"]
