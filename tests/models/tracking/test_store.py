"""Runs and versions are written where they should be, and read back as they were."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import mlflow
import numpy as np
import pytest

from helpers.small_model import NAMES, rows
from helpers.small_model import model as small_model
from models.tracking import artifacts
from models.tracking import store as tracking
from models.tracking import versions as registry


def test_without_a_setting_everything_lives_under_data_generated(monkeypatch, tmp_path):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("FENLEI_RECORDS", raising=False)
    monkeypatch.chdir(tmp_path)
    found = tracking.store()
    assert found.uri == "sqlite:///data/generated/mlflow.db"
    assert found.home == tmp_path / "data/generated"
    assert found.artifacts == tmp_path / "data/generated/mlartifacts"


def test_a_run_keeps_what_it_was_given_and_leaves_out_what_is_no_number(store):
    (store / "files").mkdir()
    (store / "files" / "note.txt").write_text("好", encoding="utf-8")
    with tracking.run("study", "one") as run_id:
        tracking.log(
            run_id,
            params={"leaves": 8},
            metrics={"auc": 0.7, "nothing": float("nan"), "endless": float("inf")},
            tags={"kind": "training"},
            files=store / "files",
        )
    found = tracking.get_run(run_id)
    assert found.info.status == "FINISHED"
    assert found.data.params == {"leaves": "8"}
    assert found.data.metrics == {"auc": 0.7}
    assert found.data.tags["kind"] == "training"
    assert found.info.artifact_uri.startswith((store / "mlartifacts").as_uri())
    kept = tracking.download(f"runs:/{run_id}/note.txt", store / "back")
    assert kept.read_text(encoding="utf-8") == "好"
    with pytest.raises(KeyError, match="no run"):
        tracking.get_run("f" * 32)


def test_more_metrics_than_a_server_takes_at_once_are_all_written(store):
    many = {f"worth_plan{k}_lift": float(k) for k in range(2 * tracking.MOST_METRICS + 1)}
    with tracking.run("study", "many") as run_id:
        tracking.log(run_id, metrics=many)
    assert tracking.get_run(run_id).data.metrics == many
    sizes = [len(b) for b in tracking.batched(list(many), tracking.MOST_METRICS)]
    assert sizes == [tracking.MOST_METRICS, tracking.MOST_METRICS, 1]
    assert tracking.batched([], 3) == [[]]


def test_the_day_of_a_run_is_the_day_it_began(store):
    before = datetime.now(UTC).date().isoformat()
    with tracking.run("study", "one") as run_id:
        pass
    assert before <= tracking.started_on(run_id) <= datetime.now(UTC).date().isoformat()


def test_a_run_that_breaks_is_marked_failed(store):
    with pytest.raises(RuntimeError), tracking.run("study", "breaks") as run_id:
        raise RuntimeError("no")
    assert tracking.get_run(run_id).info.status == "FAILED"


def test_a_nested_run_names_its_parent(store):
    with tracking.run("study", "outer") as outer, tracking.run("study", "inner", parent=outer) as inner:
        pass
    assert tracking.get_run(inner).data.tags["mlflow.parentRunId"] == outer


def test_a_registered_version_answers_through_mlflow_as_the_model_itself_does(store):
    model = small_model()
    with tracking.run("study", "one") as run_id:
        model.save(store / "bundle")
        version = registry.register(run_id, store / "bundle", model.indicator_names, {"data_hash": "d"})
    assert registry.versions() == [version]
    found = registry.inputs(version)
    assert found.pop("data_hash") == "d"
    assert found == {"bundle_hash": artifacts.bundle_hash(store / "bundle")}
    assert registry.model_hash(version) == artifacts.bundle_hash(store / "bundle")
    frame, _ = rows(50, 8)
    X = frame[list(NAMES)]
    with tracking.quiet():
        loaded = mlflow.pyfunc.load_model(f"models:/fenlei/{version}")
        answer = loaded.predict(X[X.columns[::-1]])  # another column order must not matter
    margin = model.margin(X.to_numpy())
    assert np.array_equal(answer["score"], model.score(margin))
    assert np.array_equal(answer["probability"], model.probability(margin))
    signature = loaded.metadata.signature
    assert tuple(signature.inputs.input_names()) == NAMES
    files = {p.name for p in registry.bundle(version).parent.parent.rglob("*") if p.is_file()}
    assert not {f for f in files if f.endswith(".pkl")}


def test_the_bundle_hash_sees_names_and_bytes(tmp_path):
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
