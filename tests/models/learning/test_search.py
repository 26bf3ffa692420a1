"""A search is repeatable, and a killed one goes on where it stopped."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from models.learning.search import Params, Trial, Tuned, tune
from models.study.experiment import Range, Tuning

SPACE = {
    "x": Range(low=-5, high=5),
    "leaves": Range(low=2, high=16, kind="int", log=True),
}
PLAN = Tuning(trials=12, space=SPACE)


def loss(params: Params) -> list[float]:
    """Three origins that differ a little."""
    return [(float(params["x"]) - 1.5) ** 2 + float(params["leaves"]) / 16 + k / 10 for k in range(3)]


def search(
    path: Path, objective: Callable[[Params], Iterable[float]] = loss, trials: int = 12, seen: list[int] | None = None
) -> Tuned:
    return tune(
        objective,
        PLAN,
        base={"depth": 4},
        trials=trials,
        seed=5,
        storage=path,
        study="s",
        on_trial=None if seen is None else lambda trial: seen.append(trial.number),
    )


def test_no_trials_leave_the_parameters_as_the_file_has_them(tmp_path: Path) -> None:
    out = search(tmp_path / "t.db", trials=0)
    assert (out.params, out.value, out.trials) == ({"depth": 4}, None, ())
    assert not (tmp_path / "t.db").exists()


def test_a_search_killed_on_the_way_ends_as_one_that_was_not(tmp_path: Path) -> None:
    whole = search(tmp_path / "whole.db")

    class Killed(BaseException):
        pass

    calls = []

    def dies(params: Params) -> list[float]:
        calls.append(params)
        if len(calls) in (4, 11):
            raise Killed
        return loss(params)

    for _ in range(2):
        with pytest.raises(Killed):
            search(tmp_path / "killed.db", dies)
    seen: list[int] = []
    resumed = search(tmp_path / "killed.db", dies, seen=seen)
    assert resumed == whole
    assert len(whole.trials) == 12
    assert seen == [9, 10, 11]  # nine were complete before the second kill: none repeated
    assert whole.value == min(t.loss for t in whole.trials if not t.pruned)
    assert whole.params["depth"] == 4
    assert isinstance(whole.params["leaves"], int)


def test_a_finished_search_is_read_back_without_fitting_again(tmp_path: Path) -> None:
    first = search(tmp_path / "t.db")

    def never(params: Params) -> NoReturn:
        raise AssertionError("fitted again")

    assert search(tmp_path / "t.db", never) == first


def test_a_trial_that_falls_behind_is_given_up_before_its_last_origin(tmp_path: Path) -> None:
    asked = []

    def one_by_one(params: Params) -> Iterator[float]:
        for value in loss(params):
            asked.append(params)
            yield value

    out = search(tmp_path / "t.db", one_by_one, trials=30)
    pruned = [t for t in out.trials if t.pruned]
    assert 0 < len(pruned) < 25
    assert all(len(t.losses) < 3 for t in pruned)
    assert all(len(t.losses) == 3 for t in out.trials if not t.pruned)
    assert len(asked) == sum(len(t.losses) for t in out.trials)  # what was given up was not fitted further
    assert [t.number for t in out.trials] == list(range(30))
    assert out.value == min(t.loss for t in out.trials if not t.pruned)
    whole = tune(
        loss, PLAN.model_copy(update={"prune": False}), base={}, trials=30, seed=5, storage=tmp_path / "u.db", study="s"
    )
    assert not any(t.pruned for t in whole.trials)


KILLED = """
import os, signal, sys, time
from pathlib import Path
from models.study.experiment import Range, Tuning
from models.learning.search import tune

asked = 0

def losses(params):
    global asked
    asked += 1
    for k in range(3):
        if 0 < int(sys.argv[2]) <= asked and k == int(sys.argv[3]):  # the first of them not given up before
            os.kill(os.getpid(), signal.SIGKILL)
        yield (params["x"] - 1.5) ** 2 + k / 10

tuned = tune(
    losses, Tuning(trials=50, space={"x": Range(low=-5, high=5)}), base={}, trials=50, seed=3,
    storage=Path(sys.argv[1]), study="killed",
)
for t in tuned.trials:
    print(t.number, t.params["x"], t.losses, t.pruned)
"""


@pytest.mark.slow
def test_fifty_trials_killed_twice_by_the_system_lose_and_repeat_none(tmp_path: Path) -> None:
    def run(storage: str, die_at: int, origin: int = 0) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", KILLED, str(tmp_path / storage), str(die_at), str(origin)],
            capture_output=True,
            text=True,
            check=False,
        )

    whole = run("whole.db", 0)
    assert whole.returncode == 0, whole.stderr
    assert len(whole.stdout.splitlines()) == 50
    assert run("killed.db", 17).returncode == -signal.SIGKILL
    assert run("killed.db", 20, origin=1).returncode == -signal.SIGKILL  # one origin of three was reported
    resumed = run("killed.db", 0)
    assert resumed.stdout == whole.stdout


def test_the_trials_of_another_number_of_origins_are_averaged() -> None:
    assert Trial(0, {}, (1.0, 3.0), pruned=True).loss == 2.0
