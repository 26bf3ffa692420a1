"""A search is the one its inputs ask for: by the objective stated, taken up again only where nothing changed."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.policy import policy_root
from helpers import small_study
from models.learning.calibration import fit_calibrator
from models.learning.fit import fitted
from models.learning.learner import Learned, calibration_weight, learn, study_name
from models.learning.rolling import choose_blend, look_back, out_of_time_margins, visits_needed
from models.study.dataset import Dataset
from models.study.experiment import Experiment


def learned(
    tmp_path: Path, experiment: Experiment, dataset: Dataset, trials: int = 2, said: list[str] | None = None
) -> Learned:
    return learn(
        experiment,
        dataset,
        trials=trials,
        storage=tmp_path / "tuning.db",
        arm="random arm of a made-up province",
        say=lambda line: said.append(line) if said is not None else None,
    )


def searched(said: list[str]) -> int:
    return sum(line.startswith("trial ") for line in said)


def test_a_search_by_visits_needed_is_judged_by_the_visits_its_margins_ask_for(tmp_path: Path) -> None:
    experiment = small_study.experiment(objective="visits_needed", found_share=0.4, prune=False)
    dataset = small_study.dataset()
    said: list[str] = []
    found = learned(tmp_path, experiment, dataset, said=said).tuned
    assert len(found.trials) == 2
    for trial in found.trials:
        params = {**experiment.learner, **trial.params}
        by_hand = []
        for fold in dataset.folds:
            rows = fold.validate
            margin = look_back(experiment, dataset.names, fold, params).margin(40, 0.5)
            by_hand.append(visits_needed(margin, rows.y, rows.weight, 0.4))
        assert trial.losses == pytest.approx(by_hand)
        assert 0 < trial.loss < 0.4  # a model that ranks needs fewer visits than chance
    assert found.value == min(t.loss for t in found.trials)
    assert {k: found.params[k] for k in experiment.tuning.space} == min(found.trials, key=lambda t: t.loss).params
    assert [line for line in said if line.startswith("trial 1 of 2: visits_needed 0.")]
    by_loss = small_study.experiment(objective="log_loss", prune=False)
    assert learned(tmp_path, by_loss, dataset).tuned.value != found.value


def test_the_model_is_one_fit_on_everything_that_teaches_with_the_blend_that_the_origins_chose(tmp_path: Path) -> None:
    experiment, dataset = small_study.experiment(), small_study.dataset()
    found = learned(tmp_path, experiment, dataset)
    assert found.blend is not None
    chosen = {"n_estimators": found.blend.rounds, "tree_share": found.blend.tree_share}
    assert chosen.items() <= found.tuned.params.items()
    again = fitted(experiment, dataset.names, dataset.parts["fit"], found.tuned.params)
    model = found.model
    assert (again.booster_text(), again.linear_, again.tree_share) == (
        model.booster_text,
        model.linear,
        model.tree_share,
    )
    assert model.booster.num_trees() == found.rounds == found.blend.rounds
    assert found.effects == {"arm: not random": found.arm_effect} == model.about["effects"]
    assert found.arm_effect == pytest.approx(np.log(3), abs=0.4)  # the odds of the small study's targeted visits


def test_the_probability_is_calibrated_on_what_fits_said_that_had_not_seen_the_visits(tmp_path: Path) -> None:
    experiment, dataset = small_study.experiment(), small_study.dataset()
    found = learned(tmp_path, experiment, dataset)
    seen = [look_back(experiment, dataset.names, fold, found.tuned.params) for fold in dataset.folds]
    chosen = choose_blend(small_study.experiment(blend="fixed"), seen, found.tuned.params)
    part = dataset.parts["calibrate"]
    # As many trees at the same share: the last of those that are tried with these parameters.
    margin = out_of_time_margins(seen, chosen)
    assert found.model.calibrator == fit_calibrator("platt", margin, part.y, part.weight)
    own = found.model.margin(part.X)
    assert found.model.calibrator != fit_calibrator("platt", own, part.y, part.weight)


def test_nothing_of_the_test_moves_a_search_a_fit_a_blend_or_a_calibration(tmp_path: Path) -> None:
    experiment, dataset = small_study.experiment(), small_study.dataset()
    before = learned(tmp_path / "a", experiment, dataset)
    test = dataset.parts["test"]
    moved = replace(test, X=test.X[::-1] * 3, y=1 - test.y, weight=test.weight[::-1].copy())
    after = learned(tmp_path / "b", experiment, replace(dataset, parts={**dataset.parts, "test": moved}))
    assert after.tuned == before.tuned
    assert after.blend == before.blend
    assert after.origins == before.origins
    assert after.model.content_hash == before.model.content_hash
    # Not so with what teaches.
    fit = dataset.parts["fit"]
    other = replace(dataset, parts={**dataset.parts, "fit": replace(fit, y=np.r_[1 - fit.y[:50], fit.y[50:]])})
    assert learned(tmp_path / "c", experiment, other).model.content_hash != before.model.content_hash


@pytest.fixture
def policies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The province's policies where a test may change them."""
    shutil.copytree(policy_root(), tmp_path / "policies")
    monkeypatch.setattr("features.policy.policy_root", lambda: tmp_path / "policies")
    return tmp_path / "policies" / "hebei"


def test_a_search_is_taken_up_again_unless_the_policies_that_decide_its_labels_changed(
    tmp_path: Path, policies: Path
) -> None:
    experiment, dataset = small_study.experiment(), small_study.dataset()
    before: list[str] = []
    first = learned(tmp_path, experiment, dataset, said=before)
    again: list[str] = []
    assert learned(tmp_path, experiment, dataset, said=again).tuned == first.tuned
    outcomes = policies / "outcomes.toml"
    as_it_was = outcomes.read_text(encoding="utf-8")
    outcomes.write_text(as_it_was.replace('restating = ["6", "B"]', 'restating = ["6"]'), encoding="utf-8")
    assert outcomes.read_text(encoding="utf-8") != as_it_was
    changed: list[str] = []
    learned(tmp_path, experiment, dataset, said=changed)
    outcomes.write_text(as_it_was, encoding="utf-8")
    back: list[str] = []
    learned(tmp_path, experiment, dataset, said=back)
    assert [searched(s) for s in (before, again, changed, back)] == [2, 0, 2, 0]


@pytest.mark.parametrize("policy", ["outcomes", "cohort", "features"])
def test_every_policy_that_decides_rows_or_labels_names_another_search(policy: str, policies: Path) -> None:
    experiment, dataset = small_study.experiment(), small_study.dataset(origins=1)
    before = study_name(experiment, dataset)
    with (policies / f"{policy}.toml").open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    assert study_name(experiment, dataset) != before


def test_what_decides_no_trial_leaves_the_search_as_it_was(policies: Path) -> None:
    experiment, dataset = small_study.experiment(), small_study.dataset(origins=1)
    before = study_name(experiment, dataset)
    with (policies / "signers.toml").open("a", encoding="utf-8") as file:
        file.write("# another signer\n")
    assert study_name(experiment, dataset) == before
    tuning = experiment.tuning.model_copy(update={"trials": 9})
    more = experiment.model_copy(update={"title": "Another", "tuning": tuning})
    assert study_name(more, dataset) == before
    assert study_name(experiment, small_study.dataset(origins=1, source="t" * 64)) != before


def test_older_visits_calibrate_by_half_after_every_half_life_where_the_study_says_so() -> None:
    experiment, part = small_study.experiment(), small_study.dataset().parts["calibrate"]
    assert np.array_equal(calibration_weight(experiment, part), part.weight)
    asked = experiment.calibration.model_copy(update={"half_life_days": 20.0})
    weight = calibration_weight(experiment.model_copy(update={"calibration": asked}), part)
    day = pd.to_datetime(part.outcomes["visited_on"])
    age = (day.max() - day).dt.days.to_numpy()
    assert weight / part.weight == pytest.approx(2.0 ** (-age / 20.0))
    assert (weight[age == 0] == part.weight[age == 0]).all()
    assert age.max() >= 60
