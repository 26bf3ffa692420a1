"""Runs stand side by side under MLflow's own names."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from models import compare, tracking


@pytest.fixture
def two_runs(store) -> list[str]:
    ids = []
    for study, auc in (("a", 0.61), ("b", 0.72)):
        with tracking.run(study, study) as run_id:
            tracking.log(
                run_id,
                metrics={"auc": auc, "auc_low": auc - 0.05, "auc_high": auc + 0.05},
                tags={"kind": "training", "version": str(len(ids) + 1)},
            )
            with tracking.run(study, "trial 0", parent=run_id) as trial:
                tracking.log(trial, metrics={"stop_log_loss": 0.4}, tags={"kind": "trial"})
        ids.append(run_id)
    return ids


def test_training_runs_are_listed_and_trials_are_not(two_runs):
    frame = compare.runs()
    assert sorted(frame.index) == sorted(two_runs)
    assert set(frame["study"]) == {"a", "b"}
    assert frame.loc[two_runs[1], "auc"] == 0.72


def test_named_runs_come_in_the_order_asked_for(two_runs):
    frame = compare.runs([two_runs[1], two_runs[0][:12]])
    assert list(frame.index) == two_runs[::-1]
    with pytest.raises(compare.RunNotFound, match="begin with 'zz'"):
        compare.runs(["zz"])


def test_the_table_shows_value_and_interval(two_runs):
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(compare.render(compare.runs(two_runs)))
    text = console.export_text()
    assert "0.6100" in text
    assert "[0.6700, 0.7700]" in text


def test_an_empty_store_gives_an_empty_table(store):
    assert compare.runs().empty
    assert compare.render(compare.runs()).row_count > 0
