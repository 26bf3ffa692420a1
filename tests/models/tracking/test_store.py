"""Runs and versions are written where they should be, and read back as they were."""

from __future__ import annotations

import os
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import mlflow
import numpy as np
import pytest

from helpers.here import here
from helpers.small_model import NAMES, rows
from helpers.small_model import model as small_model
from models.reporting.run_texts import USE
from models.tracking import artifacts, runs, versions
from models.tracking.names import LEGACY
from models.tracking.store import Store


def test_without_a_setting_everything_lives_under_data_generated(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("FENLEI_RECORDS", raising=False)
    monkeypatch.chdir(tmp_path)
    found = Store.from_env({})
    home = tmp_path / "data/generated"
    assert found == Store(f"sqlite:///{home / 'mlflow.db'}", home)
    assert found.artifacts == home / "mlartifacts"
    monkeypatch.chdir("/")
    assert found.artifacts == home / "mlartifacts"  # where the process goes later changes nothing


def test_a_server_keeps_its_files_and_our_records_stand_where_they_are_told(tmp_path: Path) -> None:
    told = {
        "MLFLOW_TRACKING_URI": "http://mlflow.example:5000",
        "FENLEI_RECORDS": str(tmp_path / "r"),
        "FENLEI_SIGNERS": str(tmp_path / "signers.toml"),
    }
    found = Store.from_env(told)
    assert found == Store("http://mlflow.example:5000", tmp_path / "r", tmp_path / "signers.toml")
    assert found.artifacts is None
    assert Store.from_env({**told, "FENLEI_RECORDS": "", "FENLEI_SIGNERS": ""}).signers is None


def test_two_stores_are_at_work_in_one_process_and_neither_sees_the_other(empty_store: Path, tmp_path: Path) -> None:
    """Runs, versions, alias and record of each are its own, whatever is done in between in the other."""
    process = mlflow.get_tracking_uri(), dict(os.environ)
    stores = []
    for name in ("served", "shadow"):
        (tmp_path / name).mkdir()
        shutil.copy(empty_store, tmp_path / name / "mlflow.db")
        stores.append(Store.in_folder(tmp_path / name))
    small_model().save(tmp_path / "bundle")
    ids = []
    for number, store in enumerate(stores):
        for _ in range(number + 1):
            with runs.run(store, "study", "one") as run_id:
                runs.log(store, run_id, metrics={"auc": 0.7 + number / 10})
                version = versions.register(store, run_id, tmp_path / "bundle", NAMES, {"data_hash": "d" * 64})
        ids.append(run_id)
        assert version == str(number + 1)
    served, shadow = stores
    versions.set_alias(shadow, LEGACY, "2")
    assert (versions.aliased(served), versions.aliased(shadow)) == (None, "2")
    with pytest.raises(versions.RegistryError, match="no version '2'"):
        versions.bundle(served, "2")
    for number, (store, run_id) in enumerate(zip(stores, ids, strict=True)):
        assert runs.get_run(store, run_id).data.metrics == {"auc": 0.7 + number / 10}
        assert versions.bundle(store, "1").is_relative_to(tmp_path / ("served", "shadow")[number])
        with pytest.raises(KeyError, match="no run"):
            runs.get_run(stores[1 - number], run_id)
    assert (mlflow.get_tracking_uri(), dict(os.environ)) == process  # nothing of the process was set


def test_a_run_keeps_what_it_was_given_and_leaves_out_what_is_no_number(store: Path) -> None:
    (store / "files").mkdir()
    (store / "files" / "note.txt").write_text("好", encoding="utf-8")
    with runs.run(here(), "study", "one") as run_id:
        runs.log(
            here(),
            run_id,
            params={"leaves": 8},
            metrics={"auc": 0.7, "nothing": float("nan"), "endless": float("inf")},
            tags={"kind": "training"},
            files=store / "files",
        )
    found = runs.get_run(here(), run_id)
    assert found.info.status == "FINISHED"
    assert found.data.params == {"leaves": "8"}
    assert found.data.metrics == {"auc": 0.7}
    assert found.data.tags["kind"] == "training"
    assert found.info.artifact_uri.startswith((store / "mlartifacts").as_uri())
    kept = runs.download(here(), f"runs:/{run_id}/note.txt", store / "back")
    assert kept.read_text(encoding="utf-8") == "好"
    with pytest.raises(KeyError, match="no run"):
        runs.get_run(here(), "f" * 32)


def test_more_metrics_than_a_server_takes_at_once_are_all_written(store: Path) -> None:
    many = {f"worth_plan{k}_lift": float(k) for k in range(2 * runs.MOST_METRICS + 1)}
    with runs.run(here(), "study", "many") as run_id:
        runs.log(here(), run_id, metrics=many)
    assert runs.get_run(here(), run_id).data.metrics == many
    sizes = [len(b) for b in runs.batched(list(many), runs.MOST_METRICS)]
    assert sizes == [runs.MOST_METRICS, runs.MOST_METRICS, 1]
    assert runs.batched([], 3) == [[]]


def test_the_day_of_a_run_is_the_day_it_began(store: Path) -> None:
    before = datetime.now(UTC).date().isoformat()
    with runs.run(here(), "study", "one") as run_id:
        pass
    assert before <= runs.started_on(here(), run_id) <= datetime.now(UTC).date().isoformat()


def test_a_run_that_breaks_is_marked_failed(store: Path) -> None:
    with pytest.raises(RuntimeError), runs.run(here(), "study", "breaks") as run_id:
        raise RuntimeError("no")
    assert runs.get_run(here(), run_id).info.status == "FAILED"


def test_a_nested_run_names_its_parent(store: Path) -> None:
    with runs.run(here(), "study", "outer") as outer, runs.run(here(), "study", "inner", parent=outer) as inner:
        pass
    assert runs.get_run(here(), inner).data.tags["mlflow.parentRunId"] == outer


def test_a_registered_version_answers_through_mlflow_as_the_model_itself_does(store: Path) -> None:
    model = small_model()
    with runs.run(here(), "study", "one") as run_id:
        model.save(store / "bundle")
        version = versions.register(here(), run_id, store / "bundle", model.indicator_names, {"data_hash": "d"})
    found = versions.inputs(here(), version)
    assert found.pop("data_hash") == "d"
    assert found == {"bundle_hash": artifacts.bundle_hash(store / "bundle")}
    assert artifacts.bundle_hash(versions.bundle(here(), version)) == artifacts.bundle_hash(store / "bundle")
    frame, _ = rows(50, 8)
    X = frame[list(NAMES)]
    with runs.quiet():
        loaded = mlflow.pyfunc.load_model(f"models:/fenlei/{version}")
        answer = loaded.predict(X[X.columns[::-1]])  # another column order must not matter
    margin = model.margin(X.to_numpy())
    assert np.array_equal(answer["score"], model.score(margin))
    assert np.array_equal(answer["probability"], model.probability(margin))
    signature = loaded.metadata.signature
    assert tuple(signature.inputs.input_names()) == NAMES
    files = {p.name for p in versions.bundle(here(), version).parent.parent.rglob("*") if p.is_file()}
    assert not {f for f in files if f.endswith(".pkl")}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # MLflow's own
def test_mlflows_evaluation_takes_a_version_as_its_description_says(store: Path) -> None:
    model = small_model()
    with runs.run(here(), "study", "one") as run_id:
        model.save(store / "bundle")
        version = versions.register(here(), run_id, store / "bundle", model.indicator_names, {"data_hash": "d"})
    frame, truth = rows(50, 8)
    X = frame[list(NAMES)].reset_index(drop=True)
    with runs.quiet():
        found = eval(  # the very line that a reviewer copies
            re.sub(r"\s+", " ", re.findall(r"`(mlflow\.models\.evaluate.*?)`", USE, re.DOTALL)[0]),
            {"mlflow": mlflow, "uri": f"models:/fenlei/{version}", "frame": X.assign(violation=truth)},
        )
    probability = model.probability(model.margin(X.to_numpy()))
    assert found.metrics["mean_squared_error"] == pytest.approx(np.mean((probability - truth) ** 2), rel=1e-12)


def test_the_bundle_hash_sees_names_and_bytes(tmp_path: Path) -> None:
    def folder(name: str, files: dict[str, bytes]) -> Path:
        (tmp_path / name).mkdir()
        for file, content in files.items():
            (tmp_path / name / file).write_bytes(content)
        return tmp_path / name

    hashes = {
        artifacts.bundle_hash(folder("a", {"x": b"12", "y": b"3"})),
        artifacts.bundle_hash(folder("b", {"x": b"1", "y": b"23"})),
        artifacts.bundle_hash(folder("c", {"x": b"12", "z": b"3"})),
    }
    assert len(hashes) == 3
    with pytest.raises(FileNotFoundError):
        artifacts.bundle_hash(folder("d", {}))
