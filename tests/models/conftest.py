"""A real MLflow store in a temporary folder, and one trained study for the tests that read a whole run."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from helpers.root import ROOT

if TYPE_CHECKING:
    from helpers.signing import People

FOLDER = ROOT / "experiments"


@pytest.fixture
def store(empty_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store of the test's own; returns its folder."""
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    monkeypatch.delenv("FENLEI_RECORDS", raising=False)
    return tmp_path


@pytest.fixture(scope="session")
def province(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small simulated province's source folder."""
    from simulation import simulate

    folder = tmp_path_factory.mktemp("province") / "source"
    simulate(folder, enterprises=6000, months=84, seed=12, end=date(2026, 1, 1))
    return folder


@pytest.fixture(scope="session")
def checked(province: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The province's clean folder."""
    from features.check import check_folder

    out = tmp_path_factory.mktemp("checked")
    check_folder(province, date(2026, 1, 1), out)
    return out / "clean"


@pytest.fixture
def signers(store: Path, monkeypatch: pytest.MonkeyPatch) -> People:
    """Li Na, Wang Wei and Zhao Min with keys of their own, on the list that the store's tests look at."""
    from helpers.signing import people

    made = people(store / "signing")
    monkeypatch.setenv("FENLEI_SIGNERS", str(made.path))
    return made
