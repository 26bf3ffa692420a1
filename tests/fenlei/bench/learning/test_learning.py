"""The learning bench keeps what is done, and its tables say what the studies hold."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fenlei.bench.learning import report
from fenlei.bench.learning.judge import Learner
from fenlei.bench.learning.study import CEILING, KNOWN, NAIVE, POOLED, Study, chosen, read_study
from helpers.root import ROOT
from models.study.experiment import load_experiment

PROVINCE = load_experiment(ROOT / "experiments" / "province.toml")


def learner(name: str, mse: float, gain: float = 0.97, lift: float = 0.95) -> Learner:
    return Learner(
        name=name, auc=0.78, lift=3.4, gain=gain, gain_low=gain - 0.01, gain_high=gain + 0.01, lift_share=lift,
        lift_share_low=lift - 0.02, lift_share_high=lift + 0.02, true_auc=0.79, true_gain=gain, mse=mse, bias=0.5,
        error=0.01, error_limit=0.009, error_p=0.04,
    )  # fmt: skip


def study(seed: int, hunch: float = 1.5, mse: float = 26.5) -> Study:
    rows = (learner(CEILING, 26.0), learner(NAIVE, 28.0), learner(POOLED, 27.0), learner(KNOWN, mse))
    checks = [
        {"check": "rise", "subject": "A<B", "verdict": "pass"},
        {"check": "range", "subject": "D", "verdict": "cannot tell"},
    ]
    return Study(
        seed=seed, hunch=hunch, enterprises=1000, fit_visits=90, targeted=0.3, test_visits=50, test_violations=9,
        arm_effect=float(np.log(1.5)), learners=rows, chosen=KNOWN, calibration="platt", held=0.9,
        contract={"verdict": "cannot tell", "checks": checks}, shapes=(learner("depth 3", 27.5),),
    )  # fmt: skip


def test_a_study_survives_its_file(tmp_path: Path) -> None:
    one = study(3)
    (tmp_path / "s.json").write_text(one.as_json(), encoding="utf-8")
    assert read_study(tmp_path / "s.json") == one


def test_a_run_that_was_stopped_goes_on_with_the_first_study_missing(tmp_path: Path) -> None:
    for seed in (1, 2):
        for hunch in (1.5, 4.0):
            kept = tmp_path / report.kept_name(PROVINCE, 1000, seed, hunch)
            kept.write_text(study(seed, hunch).as_json(), encoding="utf-8")
    said: list[str] = []
    found = report.run(PROVINCE, [1, 2], [1.5, 4.0], enterprises=1000, out=tmp_path, say=said.append)
    assert [(s.hunch, s.seed) for s in found] == [(1.5, 1), (1.5, 2), (4.0, 1), (4.0, 2)]
    assert said == []  # nothing was simulated again


def test_the_error_above_the_ceilings_is_a_share_of_the_naive_learners() -> None:
    assert report.excess(study(1), KNOWN) == pytest.approx(0.25)
    assert report.excess(study(1), CEILING) == 0
    assert report.excess(study(1), NAIVE) == 1


def test_the_targets_are_marked_as_they_were_met_or_not() -> None:
    good, bad = report.targets_table([study(1)]), report.targets_table([study(1, mse=27.5)])
    assert good.count("✓") == 3
    assert (bad.count("✓"), bad.count("✗")) == (2, 1)
    weak = replace(study(1), learners=(learner(CEILING, 26), learner(NAIVE, 28), learner(KNOWN, 26.5, gain=0.94)))
    assert report.targets_table([weak]).count("✗") == 1
    assert "cannot tell (1 / 1 / 0)" in good


def test_a_mean_over_provinces_has_a_t_interval_and_one_province_has_none() -> None:
    i = report.mean([1.0, 2.0, 3.0])
    assert i.value == 2.0
    assert i.high - i.value == pytest.approx(4.303 / 3**0.5, abs=1e-3)
    assert np.isnan(report.mean([1.0]).low)


def test_checks_that_did_not_pass_are_counted_over_the_provinces() -> None:
    text = report.contract_text([study(1), study(2)])
    assert "| range D: cannot tell | 2 of 2 |" in text
    assert "A<B" not in text


def test_the_chosen_way_is_the_one_the_experiment_asks_for() -> None:
    assert chosen(PROVINCE) == KNOWN
    assert chosen(PROVINCE.model_copy(update={"arms": PROVINCE.arms.model_copy(update={"arm": "ignored"})})) == POOLED


@pytest.mark.long
def test_a_small_province_is_learned_in_every_way(tmp_path: Path) -> None:
    small = PROVINCE.model_copy(update={"learner": {**PROVINCE.learner, "n_estimators": 60, "min_data_in_leaf": 30}})
    [found] = report.run(small, [7], [4.0], enterprises=8000, out=tmp_path, say=lambda _: None)
    by = {r.name: r for r in found.learners}
    assert by[NAIVE].bias > by[KNOWN].bias + 1  # the hunch lifts what is learned as it comes
    assert 1.8 < np.exp(found.arm_effect) < 8
    assert found.shapes
    assert not (tmp_path / "scratch_7_4").exists()
    assert report.run(small, [7], [4.0], enterprises=8000, out=tmp_path, say=pytest.fail) == [found]


def test_a_study_of_another_experiment_is_not_taken_for_this_one() -> None:
    other = PROVINCE.model_copy(update={"learner": {**PROVINCE.learner, "max_depth": 3}})
    assert report.kept_name(PROVINCE, 1000, 1, 1.5) != report.kept_name(other, 1000, 1, 1.5)
    assert report.kept_name(PROVINCE, 1000, 1, 1.5) == report.kept_name(PROVINCE, 1000, 1, 1.5)


def test_the_ways_say_how_often_the_calibration_error_was_beyond_a_perfect_models() -> None:
    row = next(line for line in report.ways_table([study(1), study(2)]).splitlines() if CEILING in line)
    assert row.endswith("| 2 of 2 |")
