"""Runs stand side by side under MLflow's own names, in MLflow's order, and only what is beyond noise is called best."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from helpers.here import here
from helpers.signing import ON, People, register
from models.reporting import compare
from models.scoring.risk_model import RiskModel
from models.signoff import approval
from models.tracking import runs, versions
from models.tracking.metric_names import GROUPS, HEADLINE, better, group_of

HASH = "ab" * 32


def logged(study: str, version: int, metrics: dict[str, float], width: float = 0.05, **params: str) -> str:
    """Log a training run with one trial inside; every metric gets an interval of that half width."""
    spread = {f"{m}{end}": v + sign * width for m, v in metrics.items() for end, sign in (("_low", -1), ("_high", 1))}
    tags = {
        "kind": "training",
        "version": str(version),
        "band_contract": "pass",
        "drift": "cannot tell",
        "arm": "Measured on the random arm.",
    }
    with runs.run(here(), study, study) as run_id:
        given = {"data_hash": HASH, "test_from": "2025-08-01", "learning_rate": "0.05", **params}
        runs.log(here(), run_id, params=dict(given), metrics={**metrics, **(spread if width else {})}, tags=tags)
        with runs.run(here(), study, "trial 0", parent=run_id) as trial:
            runs.log(here(), trial, metrics={"test/auc": 0.99}, tags={"kind": "trial"})
    return run_id


@pytest.fixture
def two_runs(store: Path) -> list[str]:
    return [
        logged("a", 1, {"test/auc": 0.61, "test/log_loss": 0.40}),
        logged("b", 2, {"test/auc": 0.72, "test/log_loss": 0.38}),
    ]


def shown(frame: pd.DataFrame) -> str:
    console = Console(width=160, record=True, file=io.StringIO())
    console.print(compare.render(frame))
    return console.export_text()


def test_training_runs_are_listed_and_trials_are_not(two_runs: list[str]) -> None:
    frame = compare.compare_runs(here())
    assert sorted(frame.index) == sorted(two_runs)
    assert set(frame["study"]) == {"a", "b"}
    assert frame.loc[two_runs[1], "test/auc"] == 0.72


def test_named_runs_come_in_the_order_asked_for(two_runs: list[str]) -> None:
    frame = compare.compare_runs(here(), [two_runs[1], two_runs[0][:12]])
    assert list(frame.index) == two_runs[::-1]
    with pytest.raises(compare.RunNotFound, match="begin with 'zz'"):
        compare.compare_runs(here(), ["zz"])


@pytest.mark.parametrize(
    ("metric", "order"), [("test/auc", "DESC"), ("test/log_loss", "ASC"), ("baseline/scorecard/auc_difference", "DESC")]
)
def test_sorting_ranks_as_the_mlflow_ui_does(store: Path, metric: str, order: str) -> None:
    values = (0.61, 0.72, 0.55, None, 0.68)
    for k, value in enumerate(values):
        logged("many", k + 1, {"test/brier": 0.1} if value is None else {metric: value, "test/brier": 0.1})
    client = runs.client(here())
    with runs.quiet():
        [study] = [e.experiment_id for e in client.search_experiments() if e.name == "many"]
        ranked = client.search_runs([study], "tags.kind = 'training'", order_by=[f"metrics.`{metric}` {order}"])
    assert list(compare.compare_runs(here(), sort=metric).index) == [r.info.run_id for r in ranked]
    assert compare.compare_runs(here(), sort=metric)[metric].isna().tolist() == [False] * 4 + [True]


def test_an_unknown_metric_to_sort_by_is_named_with_those_there_are(two_runs: list[str]) -> None:
    with pytest.raises(compare.MetricNotFound, match="'aucc'; there are test/auc, test/log_loss"):
        compare.compare_runs(here(), sort="aucc")


def test_the_table_shows_value_interval_verdicts_and_arm(two_runs: list[str]) -> None:
    text = shown(compare.compare_runs(here(), two_runs))
    for said in ("0.6100", "[0.6700, 0.7700]", "band contract", "cannot tell", "Measured on the random arm."):
        assert said in text


def test_a_run_is_best_only_where_its_interval_lies_apart(two_runs: list[str]) -> None:
    frame = compare.compare_runs(here(), two_runs)
    assert compare.best(frame, "test/auc").run == two_runs[1]
    assert compare.best(frame, "test/log_loss").text == compare.OVERLAP
    text = shown(frame)
    assert "★ v2" in text
    assert compare.OVERLAP in text


def test_a_smaller_loss_is_the_better_one(store: Path) -> None:
    made = [logged("a", 1, {"test/log_loss": 0.30}, 0.01), logged("a", 2, {"test/log_loss": 0.40}, 0.01)]
    assert compare.best(compare.compare_runs(here(), made), "test/log_loss").run == made[0]


def test_figures_of_other_visits_are_not_compared(store: Path) -> None:
    made = [
        logged("a", 1, {"test/auc": 0.6}, 0.01, data_hash="cd" * 32),
        logged("a", 2, {"test/auc": 0.8}, 0.01, learning_rate="0.1"),
    ]
    frame = compare.compare_runs(here(), made)
    assert compare.best(frame, "test/auc").run == ""
    assert compare.not_comparable(frame) == ("data_hash",)
    assert list(compare.differs(frame)) == ["data_hash", "learning_rate"]
    text = shown(frame)
    assert "Not comparable: measured on other visits, they differ in data_hash" in text
    assert "cdcdcdcdcdcd" in text
    assert "cdcdcdcdcdcdc" not in text


def test_a_program_reads_the_same(two_runs: list[str]) -> None:
    plain = json.loads(json.dumps(compare.as_dict(compare.compare_runs(here(), two_runs))))
    assert [r["version"] for r in plain["runs"]] == ["1", "2"]
    assert plain["best"]["test/auc"] == two_runs[1]
    assert plain["differs"] == {}


def test_a_name_says_its_group_and_whether_more_is_better() -> None:
    assert better("test/auc") == better("baseline/logistic/auc_difference") == better("worth/lift") == 1
    assert better("test/log_loss") == better("contract/fails") == better("drift/psi_score") == -1
    assert better("test/visits") == better("test/calibration_slope") == better("learnt/arm_effect") == 0
    assert group_of("baseline/scorecard/auc_difference") == "baseline"
    assert group_of("origin_1_auc") == ""
    assert {group_of(name) for name in HEADLINE} == set(GROUPS)


def test_at_most_forty_figures_are_shown_and_each_interval_is_whole() -> None:
    assert len(HEADLINE) <= 40
    for name in HEADLINE:
        if name.endswith("_low"):
            assert {name.removesuffix("_low"), name.removesuffix("_low") + "_high"} <= HEADLINE.keys()


def test_an_empty_store_gives_an_empty_table(store: Path) -> None:
    assert compare.compare_runs(here()).empty
    assert "runs" in shown(compare.compare_runs(here()))


def test_the_run_that_two_people_signed_is_called_approved_and_no_other(store: Path, signers: People) -> None:
    version = register(store)
    approval.propose(here(), version, "look", key=signers.keys["li"], on=ON)
    approval.approve(here(), version, key=signers.keys["wang"], on=ON)
    other = logged("a", int(version), {"test/auc": 0.7})  # a run may say of itself that it made any version
    frame = compare.compare_runs(here())
    run = versions.run_id(here(), version)
    assert frame["approved"].to_dict() == {run: True, other: False}
    assert set(frame["not_approved"]) == {""}
    assert "✓ approved" in shown(frame)


def test_a_swapped_model_and_a_broken_record_are_not_called_approved(store: Path, signers: People) -> None:
    version = register(store)
    approval.propose(here(), version, "look", key=signers.keys["li"], on=ON)
    approval.approve(here(), version, key=signers.keys["wang"], on=ON)
    folder = versions.bundle(here(), version)
    RiskModel.load(folder).model_copy(update={"arm": "another"}).save(folder)
    frame = compare.compare_runs(here())
    assert not frame["approved"].any()
    text = " ".join(shown(frame).split())
    assert "✓ approved" not in text
    assert "v1 not approved: the files of approved version 1 have changed since approval" in text
    lines = approval.record_path(here()).read_text(encoding="utf-8").replace("look", "Look")
    approval.record_path(here()).write_text(lines, encoding="utf-8")
    plain = json.loads(json.dumps(compare.as_dict(compare.compare_runs(here()))))["runs"]
    assert [r["approved"] for r in plain] == [False]
    assert "the record was changed: its hashes don't chain" in plain[0]["not_approved"]


def test_what_a_run_wrote_is_no_input_in_which_runs_differ(store: Path) -> None:
    made = [versions.run_id(here(), register(store, n)) for n in (1, 2)]
    frame = compare.compare_runs(here(), made)
    assert frame["params.bundle_hash"].nunique() == 2
    assert compare.differs(frame) == {}
