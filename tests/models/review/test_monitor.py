"""A version in use is followed on later records: by what was frozen with it, by results as they ripen, by no future."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from fenlei.cli import app
from helpers.here import here
from helpers.root import ROOT
from models.evaluation.policies import load_drift
from models.learning.learner import learn
from models.review import review as reviewing
from models.review.monitor import MonitoringError, monitor
from models.study.dataset import build_dataset
from models.study.experiment import Experiment, experiment_hash, load_experiment
from models.study.panel import follow
from models.study.pending import awaited_visits, count_by_month
from models.tracking import artifacts, runs, versions

pytestmark = pytest.mark.slow

AS_OF = date(2026, 1, 1)
EARLIER = date(2025, 7, 10)
DEMO = load_experiment(ROOT / "experiments" / "demo.toml")
STUDY = DEMO.model_copy(update={"learner": {**DEMO.learner, "n_estimators": 40}})


@pytest.fixture(scope="module")
def signed(
    checked: Path, empty_store: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, str, str, reviewing.Stable]]:
    """A registered version, and what its training said of the months of its own test."""
    home = tmp_path_factory.mktemp("monitoring")
    shutil.copy(empty_store, home / "mlflow.db")
    patch = pytest.MonkeyPatch()
    patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{home / 'mlflow.db'}")
    patch.delenv("FENLEI_RECORDS", raising=False)
    dataset = build_dataset(checked, STUDY, AS_OF)
    model = learn(STUDY, dataset, trials=0, storage=home / "none.db", arm="random").model
    panel = follow(checked, STUDY, dataset.parts["test"].outcomes["visited_on"].max())
    visits = reviewing.tested_visits(checked, STUDY, dataset.parts["test"], model)
    waiting = count_by_month(awaited_visits(checked, STUDY, AS_OF))
    stable, frozen = reviewing.stability_of(model, panel, visits, waiting, load_drift("hebei"), STUDY.seed)
    folder = home / "run"
    folder.mkdir()
    told = {name: f.model_dump(mode="json") for name, f in frozen.items()}
    (folder / artifacts.FROZEN).write_text(json.dumps(told), encoding="utf-8")
    model.save(home / "bundle")
    found = {"experiment_hash": experiment_hash(STUDY)}
    with runs.run(here(), STUDY.name, STUDY.name) as run:
        runs.log(here(), run, tags={"kind": "training"}, files=folder)
        frozen_hash = artifacts.file_hash(folder / artifacts.FROZEN)
        version = versions.register(here(), run, home / "bundle", dataset.names, {**found, "frozen_hash": frozen_hash})
    with runs.run(here(), STUDY.name, "another study's") as run:
        other = versions.register(here(), run, home / "bundle", dataset.names, {"experiment_hash": "of another"})
    with runs.run(here(), STUDY.name, "froze nothing") as run:
        bare = versions.register(here(), run, home / "bundle", dataset.names, found)
    yield version, other, bare, stable
    patch.undo()


def known_by(clean: Path, out: Path, day: date) -> Path:
    """Copy a clean folder without the versions that became known later."""
    shutil.copytree(clean, out)
    for path in sorted(out.glob("*.parquet")):
        with duckdb.connect() as con:
            columns = [c[0] for c in con.sql(f"DESCRIBE SELECT * FROM '{path}'").fetchall()]
            if "known_at" in columns:
                kept = con.sql(f"SELECT * FROM '{path}' WHERE known_at <= DATE '{day}'")
                kept.write_parquet(str(out / "kept"))
                (out / "kept").replace(path)
    return out


def test_the_months_of_its_own_test_move_as_training_said(
    signed: tuple[str, str, str, reviewing.Stable], checked: Path
) -> None:
    """The frozen distributions survive the registry: read back from it, the same months give the same figures."""
    version, _, _, at_training = signed
    found = monitor(here(), version, STUDY, checked, AS_OF).stable
    theirs: reviewing.Stable = at_training
    months = {s.month: s for s in theirs.scores}
    both = [(mine, months[mine.month]) for mine in found.scores if mine.month in months]
    assert len(both) == 10
    for mine, theirs_then in both:
        # The 3,000 followed are chosen among whoever belongs in one of the months: a few differ.
        assert mine.rows == pytest.approx(theirs_then.rows, rel=0.02)
        assert mine.psi == pytest.approx(theirs_then.psi, abs=0.004)
        assert mine.shares_then == theirs_then.shares_then
    assert [s.month for s in found.classes] == [s.month for s in found.scores]
    observed = {m.month: (m.visits, m.observed) for m in found.calibration.months}
    told = {m.month: (m.visits, m.observed) for m in theirs.calibration.months if m.month in observed}
    assert len(told) == 10
    assert {month: observed[month] for month in told} == told


def test_what_becomes_known_later_changes_nothing(
    signed: tuple[str, str, str, reviewing.Stable], checked: Path, tmp_path: Path
) -> None:
    version = signed[0]
    whole = monitor(here(), version, STUDY, checked, EARLIER)
    assert whole.months[-1] == date(2025, 7, 1)
    assert (
        monitor(here(), version, STUDY, known_by(checked, tmp_path / "then", EARLIER), EARLIER).as_dict()
        == whole.as_dict()
    )
    unripe = [m for m in whole.stable.calibration.months if not m.ripe]
    assert unripe
    assert unripe[-1].awaited > 0
    last = whole.stable.expected[-1]
    assert last.visits == last.awaited + whole.stable.calibration.months[-1].visits


def test_a_version_is_followed_only_by_its_own_study_with_something_frozen_and_time_passed(
    signed: tuple[str, str, str, reviewing.Stable], checked: Path
) -> None:
    version, other, bare, _ = signed
    with pytest.raises(MonitoringError, match="another study"):
        monitor(here(), other, STUDY, checked, AS_OF)
    with pytest.raises(MonitoringError, match=r"frozen\.json"):
        monitor(here(), bare, STUDY, checked, AS_OF)
    with pytest.raises(MonitoringError, match="followed from the month after"):
        monitor(here(), version, STUDY, checked, date(2024, 12, 20))


def test_a_month_without_any_result_is_followed_and_nothing_is_said_of_its_calibration(
    signed: tuple[str, str, str, reviewing.Stable], checked: Path, tmp_path: Path
) -> None:
    day = date(2025, 1, 3)
    found = monitor(here(), signed[0], STUDY, known_by(checked, tmp_path / "then", day), day)
    assert found.months == (date(2025, 1, 1),)
    assert len(found.visits) == 0
    assert [s.month for s in found.stable.scores] == ["2025-01"]
    assert not [m for m in found.stable.calibration.months if m.ripe or m.visits]
    assert json.loads(json.dumps(found.as_dict()))["version"] == signed[0]


def test_frozen_distributions_that_were_edited_are_not_compared_with(
    signed: tuple[str, str, str, reviewing.Stable], checked: Path
) -> None:
    version = signed[0]
    file = versions.artifact(here(), versions.run_id(here(), version), artifacts.FROZEN)
    assert file is not None
    kept = file.read_bytes()
    file.write_bytes(kept.replace(b"score", b"Score", 1))
    try:
        with pytest.raises(MonitoringError, match="not the file it was registered with"):
            monitor(here(), version, STUDY, checked, AS_OF)
    finally:
        file.write_bytes(kept)


def test_the_command_names_the_version_it_follows_and_says_whether_to_learn_again(
    signed: tuple[str, str, str, reviewing.Stable], province: Path, tmp_path: Path
) -> None:
    version = signed[0]
    study: Experiment = STUDY
    path = tmp_path / "demo.toml"
    text = (ROOT / "experiments" / "demo.toml").read_text(encoding="utf-8")
    path.write_text(text.replace(f"n_estimators = {DEMO.learner['n_estimators']}", "n_estimators = 40"), "utf-8")
    assert experiment_hash(load_experiment(path)) == experiment_hash(study)
    args = ["drift", str(path), "--data", str(province), "--version", version, "--months", "3"]
    done = CliRunner().invoke(app, [*args, "--work", str(tmp_path / "work"), "--json"])
    told = json.loads(done.stdout)
    assert (told["version"], told["frozen"], len(told["months"])) == (version, "2024-12-01", 3)
    assert done.exit_code == (1 if told["drift"]["asked"] else 0)
    unsigned = CliRunner().invoke(app, ["drift", str(path), "--data", str(province)])
    assert isinstance(unsigned.exception, MonitoringError)
    assert "no version is approved" in str(unsigned.exception)
