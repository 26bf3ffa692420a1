"""A search is the one its inputs ask for: by the objective stated, taken up again only where nothing changed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from models.learning.backtest import at_origin, visits_needed

from features.policy import policy_root
from helpers import small_study
from models.learning.learner import Learned, learn, study_name
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
            rows = fold["validate"]
            margin, _ = at_origin(experiment, dataset.names, fold, params)
            by_hand.append(visits_needed(margin, rows.y, rows.weight, 0.4))
        assert trial.losses == pytest.approx(by_hand)
        assert 0 < trial.loss < 0.4  # a model that ranks needs fewer visits than chance
    assert found.value == min(t.loss for t in found.trials)
    assert {k: found.params[k] for k in experiment.tuning.space} == min(found.trials, key=lambda t: t.loss).params
    assert [line for line in said if line.startswith("trial 1 of 2: visits_needed 0.")]
    by_loss = small_study.experiment(objective="log_loss", prune=False)
    assert learned(tmp_path, by_loss, dataset).tuned.value != found.value


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
    experiment, dataset = small_study.experiment(), small_study.dataset(origins=0)
    before = study_name(experiment, dataset)
    with (policies / f"{policy}.toml").open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    assert study_name(experiment, dataset) != before


def test_what_decides_no_trial_leaves_the_search_as_it_was(policies: Path) -> None:
    experiment, dataset = small_study.experiment(), small_study.dataset(origins=0)
    before = study_name(experiment, dataset)
    with (policies / "signers.toml").open("a", encoding="utf-8") as file:
        file.write("# another signer\n")
    assert study_name(experiment, dataset) == before
    tuning = experiment.tuning.model_copy(update={"trials": 9})
    more = experiment.model_copy(update={"title": "Another", "tuning": tuning})
    assert study_name(more, dataset) == before
    assert study_name(experiment, small_study.dataset(origins=0, source="t" * 64)) != before
