"""A search is repeatable, and a killed one goes on where it stopped."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.experiment import Range, Tuning
from models.tuning import tune

SPACE = {
    "x": Range(low=-5, high=5),
    "leaves": Range(low=2, high=16, kind="int", log=True),
}
PLAN = Tuning(trials=12, space=SPACE)


def loss(params) -> float:
    return (params["x"] - 1.5) ** 2 + params["leaves"] / 16


def search(path: Path, objective=loss, trials=12, seen=None):
    return tune(
        objective,
        PLAN,
        base={"depth": 4},
        trials=trials,
        seed=5,
        storage=path,
        study="s",
        on_trial=None if seen is None else lambda n, p, v: seen.append(n),
    )


def test_no_trials_leave_the_parameters_as_the_file_has_them(tmp_path):
    out = search(tmp_path / "t.db", trials=0)
    assert (out.params, out.value, out.trials) == ({"depth": 4}, None, ())
    assert not (tmp_path / "t.db").exists()


def test_a_search_killed_on_the_way_ends_as_one_that_was_not(tmp_path):
    whole = search(tmp_path / "whole.db")

    class Killed(BaseException):
        pass

    calls = []

    def dies(params):
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
    assert whole.value == min(v for _, _, v in whole.trials)
    assert whole.params["depth"] == 4
    assert isinstance(whole.params["leaves"], int)


def test_a_finished_search_is_read_back_without_fitting_again(tmp_path):
    first = search(tmp_path / "t.db")

    def never(params):
        raise AssertionError("fitted again")

    assert search(tmp_path / "t.db", never) == first
