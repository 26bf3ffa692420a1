"""Every trial is a run in MLflow from when it ends, under one training run, and never twice."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from mlflow.entities import Run

from features.errors import ConfigError
from helpers import small_study
from helpers.here import here
from models.learning.learner import search
from models.learning.search import Tuned
from models.learning.trials import CONTINUED_BY, CONTINUES, PLACE, TrialLog, alone, end_killed
from models.tracking import runs

PARENT = "mlflow.parentRunId"


def trial_runs() -> list[Run]:
    """All runs of trials, by start."""
    where = runs.experiment_id(here(), "demo")
    found: list[Run] = runs.client(here()).search_runs([where], "tags.kind = 'trial'", order_by=["start_time"])
    return found


def by_parent() -> dict[str, list[str]]:
    """Training run to the numbers of the trials under it."""
    out: dict[str, list[str]] = {}
    for run in trial_runs():
        out.setdefault(run.data.tags[PARENT], []).append(run.data.tags["trial"])
    return {parent: sorted(numbers) for parent, numbers in out.items()}


def trained(
    store: Path, run_id: str, trials: int, say: Callable[[str], None] = lambda line: None, **tuning: Any
) -> Tuned:
    experiment = small_study.experiment(**tuning)
    return search(
        experiment, small_study.dataset(), trials, store / "tuning.db", say, TrialLog(here(), experiment, run_id)
    )


def left_running(place: str = "here") -> str:
    """A training run as a kill leaves it."""
    tags = {"kind": "training", PLACE: place}
    run_id: str = runs.client(here()).create_run(runs.experiment_id(here(), "demo"), tags=tags).info.run_id
    return run_id


Training = Callable[[], AbstractContextManager[str]]


@pytest.fixture
def training(store: Path) -> Training:
    """Open a training run of the demo."""
    return lambda: runs.run(here(), "demo", "demo", tags={"kind": "training", PLACE: "here"})


def test_a_trial_is_a_finished_run_before_the_next_begins(store: Path, training: Training) -> None:
    seen = []
    with training() as run_id:
        trained(
            store, run_id, 3, say=lambda _: seen.append([(r.info.status, r.data.tags[PARENT]) for r in trial_runs()])
        )
    assert seen == [[("FINISHED", run_id)] * n for n in (1, 2, 3)]


@pytest.mark.parametrize("objective", ["log_loss", "visits_needed"])
def test_a_trial_tells_its_objective_by_name_and_its_value_at_every_origin(
    store: Path, training: Training, objective: str
) -> None:
    with training() as run_id:
        tuned = trained(store, run_id, 2, objective=objective, found_share=0.4)
    for trial, run in zip(tuned.trials, trial_runs(), strict=True):
        metrics = {f"mean_{objective}": trial.loss}
        metrics |= {f"origin_{k}_{objective}": loss for k, loss in enumerate(trial.losses, start=1)}
        assert run.data.metrics == pytest.approx(metrics)
        assert {k: float(v) for k, v in run.data.params.items()} == pytest.approx(trial.params)
    for run in (*trial_runs(), runs.get_run(here(), run_id)):
        assert run.data.tags["objective"] == objective
        assert run.data.tags.get("found_share") == ("0.4" if objective == "visits_needed" else None)


def test_a_killed_runs_trials_go_on_under_its_successor_and_are_logged_once(store: Path, training: Training) -> None:
    dead = left_running()

    class Killed(BaseException):
        pass

    def dies(line: str) -> None:
        if line.startswith("trial 2"):
            raise Killed

    with pytest.raises(Killed):
        trained(store, dead, 4, say=dies)
    assert by_parent() == {dead: ["0", "1"]}
    before = {r.info.run_id for r in trial_runs()}
    with training() as run_id:
        end_killed(here(), "demo", "here", run_id)
        trained(store, run_id, 4)
    assert by_parent() == {run_id: ["0", "1", "2", "3"]}
    assert before < {r.info.run_id for r in trial_runs()}
    was = runs.get_run(here(), dead)
    assert (was.info.status, was.data.tags[CONTINUED_BY]) == ("KILLED", run_id)
    assert runs.get_run(here(), run_id).data.tags[CONTINUES] == dead


def test_of_several_runs_cut_off_each_names_the_next_and_the_last_has_all_trials(
    store: Path, training: Training
) -> None:
    ids = []
    for trials in (1, 2):
        ids.append(left_running())
        end_killed(here(), "demo", "here", ids[-1])
        trained(store, ids[-1], trials)
    with training() as run_id:
        end_killed(here(), "demo", "here", run_id)
        trained(store, run_id, 3)
    chain = [*ids, run_id]
    for earlier, later in pairwise(chain):
        assert runs.get_run(here(), earlier).data.tags[CONTINUED_BY] == later
        assert runs.get_run(here(), later).data.tags[CONTINUES] == earlier
    assert by_parent() == {run_id: ["0", "1", "2"]}


def test_a_trial_that_ended_but_was_not_logged_or_only_half_is_logged_whole(store: Path, training: Training) -> None:
    with training() as run_id:
        trained(store, run_id, 3)
    first, second, third = trial_runs()
    c = runs.client(here())
    c.update_run(run_id, status="FAILED")
    c.delete_run(first.info.run_id)  # killed after the search's storage had it, before MLflow did
    c.update_run(second.info.run_id, status="RUNNING")  # killed while it was written
    with training() as later:
        trained(store, later, 3)
    assert by_parent() == {later: ["0", "1", "2"]}
    assert {r.info.status for r in trial_runs()} == {"FINISHED"}
    assert {r.info.run_id for r in trial_runs()} & {r.info.run_id for r in (first, second, third)} == {
        third.info.run_id
    }
    for again, run in zip(
        sorted(trial_runs(), key=lambda r: r.data.tags["trial"]), (first, second, third), strict=True
    ):
        assert again.data.metrics == run.data.metrics


def test_training_again_names_the_run_that_holds_the_trials_and_logs_the_new_ones_only(
    store: Path, training: Training
) -> None:
    with training() as first:
        trained(store, first, 2)
    with training() as second:
        trained(store, second, 2)
    assert by_parent() == {first: ["0", "1"]}
    assert runs.get_run(here(), second).data.tags[CONTINUES] == first
    assert CONTINUED_BY not in runs.get_run(here(), first).data.tags  # it ended well: its trials stay its own
    with training() as third:
        trained(store, third, 3)
    assert by_parent() == {first: ["0", "1"], third: ["2"]}


def test_a_search_made_anew_is_another_search_though_nothing_changed(store: Path, training: Training) -> None:
    with training() as first:
        trained(store, first, 2)
    (store / "tuning.db").unlink()
    with training() as second:
        trained(store, second, 2)
    assert by_parent() == {first: ["0", "1"], second: ["0", "1"]}
    assert CONTINUES not in runs.get_run(here(), second).data.tags


def test_a_run_at_work_elsewhere_is_left_alone(store: Path, training: Training) -> None:
    elsewhere, dead = left_running("another machine"), left_running()
    with training() as run_id:
        end_killed(here(), "demo", "here", run_id)
        assert runs.get_run(here(), run_id).info.status == "RUNNING"
    assert runs.get_run(here(), elsewhere).info.status == "RUNNING"
    assert runs.get_run(here(), dead).info.status == "KILLED"


HOLDS = """
import sys
from pathlib import Path
from models.learning.trials import alone
with alone(Path(sys.argv[1])) as place:
    print(place, flush=True)
    sys.stdin.read()
"""


def test_a_folder_is_held_until_its_holder_ends_however_it_ends(tmp_path: Path) -> None:
    with alone(tmp_path / "mine") as place:
        pass
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(tmp_path / "mine")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline().strip() == place
        with pytest.raises(ConfigError, match="another training"), alone(tmp_path / "mine"):
            pass
        other.kill()
    with alone(tmp_path / "mine"), alone(tmp_path / "other"):
        pass
