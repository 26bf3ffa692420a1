"""A small province, a model of it in a real MLflow store, and the real service in its own process."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest

from features.check import check_folder
from features.engine.record.record import Record, extract_context
from features.records.store import open_folder
from features.table.month import read_table, write_clean_table
from helpers.here import here
from helpers.scope import HEBEI
from helpers.signing import People, people, register, study
from helpers.small_model import NAMES
from models.scoring.risk_model import RiskModel
from models.signoff import approval
from serving.guard.tokens import create_token
from serving.launch import start
from serving.settings import Settings
from simulation import simulate

CUTOFF = date(2026, 1, 1)
ON = "2026-01-02"


def signed_model(n: int, province: str = "hebei") -> RiskModel:
    """A model that can be approved here: the signing tests' study's, and fine with unknown values."""
    _, dataset, model = study(province)
    return model.model_copy(update={"nullable": NAMES, "about": {"n": n, "source_hash": dataset.source_hash}})


@dataclass(frozen=True)
class World:
    """Everything a service needs, and what its answers are compared with."""

    folder: Path
    settings: Settings
    token: str
    frame: pd.DataFrame
    codes: pd.Series
    records: list[Record]
    signers: People

    def model(self, version: str = "1") -> RiskModel:
        return signed_model(int(version))

    def approve(self, version: str = "1") -> None:
        approval.propose(here(), version, "ok", key=self.signers.keys["li"], on=ON)
        approval.approve(here(), version, "ok", key=self.signers.keys["wang"], on=ON)

    def withdraw(self) -> None:
        while (entry := approval.in_force(approval.history(here()))) is not None:
            approval.reject(here(), entry.version, "withdrawn", key=self.signers.keys["wang"], on=ON)


@pytest.fixture(scope="session")
def built(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    """The world; its MLflow store holds versions 1 and 2, and 3 of Henan, of which nothing is approved."""
    folder = tmp_path_factory.mktemp("served")
    simulate(folder / "source", enterprises=300, months=36, seed=5, end=CUTOFF)
    check_folder(folder / "source", CUTOFF, folder / "checked")
    clean, table = folder / "checked" / "clean", folder / "indicators.parquet"
    write_clean_table(clean, CUTOFF, table, HEBEI)
    frame, _ = read_table(table)
    ids = list(frame.index.get_level_values("enterprise_id"))
    store = open_folder(clean, threads=1)
    records = extract_context(store, ids[:12], CUTOFF, HEBEI)
    store.close()
    shutil.copy(empty_store, folder / "mlflow.db")
    signers = people(folder / "signing")
    settings = Settings(
        province="hebei",
        tracking_uri=f"sqlite:///{folder / 'mlflow.db'}",
        signers=signers.path,
        table=table,
        tokens=folder / "tokens.jsonl",
        audit=folder / "audit.jsonl",
        shadow="2",
        shadow_file=folder / "shadow.json",
        reload_seconds=0.1,
        recheck_seconds=0.5,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", str(settings.tracking_uri))
        for n, province in ((1, "hebei"), (2, "hebei"), (3, "henan")):
            assert register(folder, n, model=signed_model(n, province), province=province) == str(n)
    token = create_token(settings.tokens, "tests 测试")
    return World(folder, settings, token, frame.drop(columns="uscc"), frame["uscc"], records, signers)


@pytest.fixture
def world(built: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """The world with nothing approved, for one test."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", str(built.settings.tracking_uri))
    monkeypatch.setenv("FENLEI_SIGNERS", str(built.signers.path))
    monkeypatch.delenv("FENLEI_RECORDS", raising=False)
    built.withdraw()
    return built


@pytest.fixture(scope="session")
def running(built: World) -> Iterator[httpx.Client]:
    """The service in its own process; one start for all tests."""
    with (
        start(built.settings) as service,
        httpx.Client(base_url=service.url, headers={"Authorization": f"Bearer {built.token}"}, timeout=30) as client,
    ):
        yield client


def wait_for(client: httpx.Client, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Ask for the status until it is as wanted; fails after 15 s."""
    status: dict[str, Any] = {}
    for _ in range(150):
        status = client.post("/status").json()
        if wanted(status):
            return status
        time.sleep(0.1)
    raise AssertionError(f"the service still says {status}")


@pytest.fixture
def by_model(running: httpx.Client, world: World) -> httpx.Client:
    """The service with version 1 approved."""
    world.approve("1")
    wait_for(running, lambda s: s["source"] == "model" and s["model"]["registered"] == "1")
    return running


@pytest.fixture
def by_rules(running: httpx.Client, world: World) -> httpx.Client:
    """The service with nothing approved."""
    wait_for(running, lambda s: s["fallback"] == "no approved model")
    return running
