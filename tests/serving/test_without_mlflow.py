"""The service needs MLflow for nothing: gone, locked or never there, the signed model goes on answering."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from helpers.here import here
from serving.launch import Running, _stop, _wait, environment, free_port, start
from serving.packing import pack

from .conftest import World, wait_for

pytestmark = pytest.mark.slow


def by_model_still(url: str, world: World) -> None:
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {world.token}"}, timeout=30) as client:
        status = wait_for(client, lambda s: s["source"] == "model")
        assert status["model"]["registered"] == "1"
        said = client.get("/model").json()
        assert [(one["action"], one["by"]) for one in said["signed"]] == [
            ("propose", "Li Na 李娜"),
            ("approve", "Wang Wei 王伟"),
        ]


@pytest.fixture
def apart(world: World, tmp_path: Path) -> World:
    """The approval record and its files in a folder of their own, beside an MLflow that a test may destroy."""
    world.approve("1")
    records = tmp_path / "records"
    records.mkdir()
    for name in ("approvals.jsonl", "signed"):
        path = here().records / name
        (shutil.copytree if path.is_dir() else shutil.copy)(path, records / name)
    database = tmp_path / "mlflow.db"
    shutil.copy(world.folder / "mlflow.db", database)
    told = {
        "tracking_uri": f"sqlite:///{database}",
        "records": records,
        "audit": tmp_path / "audit.jsonl",
        "shadow": None,
    }
    settings = world.settings.model_copy(update=told)
    return World(world.folder, settings, world.token, world.frame, world.codes, world.records, world.signers)


def test_the_model_answers_while_mlflow_is_locked_and_after_it_is_deleted_restarts_included(
    apart: World, tmp_path: Path
) -> None:
    database = tmp_path / "mlflow.db"
    lock = sqlite3.connect(database)
    lock.execute("BEGIN EXCLUSIVE")
    with start(apart.settings) as service:
        by_model_still(service.url, apart)
        lock.close()
        database.unlink()
        by_model_still(service.url, apart)
    with start(apart.settings) as service:
        by_model_still(service.url, apart)
    assert not database.exists()


@pytest.mark.long
def test_a_bento_serves_from_its_folder_with_its_own_code_record_and_model(apart: World, tmp_path: Path) -> None:
    folder = pack(apart.settings, tmp_path / "bento")
    assert (folder / "env" / "docker" / "Dockerfile").is_file()
    port, log = free_port(), tmp_path / "log"
    told = environment(apart.settings, tmp_path / "home")
    env = {k: v for k, v in told.items() if k not in ("FENLEI_RECORDS", "FENLEI_SIGNERS", "MLFLOW_TRACKING_URI")}
    env |= {"PYTHONPATH": "", "FENLEI_TRACKING_URI": f"sqlite:///{tmp_path / 'none' / 'mlflow.db'}"}
    (tmp_path / "records").rename(tmp_path / "elsewhere")
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "bentoml", "serve", str(folder), "--port", str(port)],
            env=env, cwd=tmp_path, stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    try:
        running = Running(f"http://127.0.0.1:{port}", log)
        _wait(running, process)
        by_model_still(running.url, apart)
    finally:
        _stop(process)
