"""`fenlei backtest` on real rows: what is written is what was measured; what is logged names no enterprise."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers.root import ROOT
from models.backtest.result import BacktestResult
from models.backtest.run import SCORES, backtest
from models.tracking import runs
from models.tracking.store import Store

pytestmark = [pytest.mark.real, pytest.mark.slow]


@pytest.fixture(scope="module")
def found(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[BacktestResult, Store, Path]:
    """Two moments of Miyun's records, few resamples."""
    folder = tmp_path_factory.mktemp("backtest")
    text = (ROOT / "experiments" / "beijing_miyun.toml").read_text(encoding="utf-8")
    study = folder / "beijing_miyun.toml"
    study.write_text(text.replace("repetitions = 2000", "repetitions = 40"), encoding="utf-8")
    store = Store.in_folder(folder)
    result = backtest(
        study, store=store, data=shared / "data" / "beijing_open", work=folder / "work", origins=2, without="families"
    )
    return result, store, folder / "work" / "beijing_miyun"


def test_what_is_written_is_what_was_measured(found: tuple[BacktestResult, Store, Path]) -> None:
    result, _, own = found
    written = json.loads((own / "backtest" / "backtest.json").read_text(encoding="utf-8"))
    assert written["pooled"]["values"]["model"]["auc"]["value"] == result.found.pooled.values["model"]["auc"].value  # noqa: PD011
    assert [o["day"] for o in written["origins"]] == ["2023-08-01", "2023-09-01"]
    scores = pd.read_parquet(own / SCORES)
    assert len(scores) == sum(o["visits"] for o in written["origins"])
    for origin in written["origins"]:
        own_rows = scores[scores["origin"] == origin["day"]]
        assert own_rows["violation"].sum() == origin["violations"]
        assert np.isclose(own_rows["probability:model"].mean(), origin["forecast"])
    page = (own / "backtest" / "backtest.html").read_text(encoding="utf-8")
    for words in ("In short 要点", "At each moment 各时点", "AUC lost without 去除后的损失", "No random arm"):
        assert words in page


def test_without_each_family_something_is_lost_or_won_with_its_interval(
    found: tuple[BacktestResult, Store, Path],
) -> None:
    result, _, _ = found
    assert {"basic", "regulatory"} <= set(result.lost) <= {"basic", "dynamic", "regulatory", "association", "societal"}
    for one in result.lost.values():
        assert one.low <= one.value <= one.high


def test_the_run_is_logged_without_a_name_of_an_enterprise(found: tuple[BacktestResult, Store, Path]) -> None:
    result, store, _ = found
    run = runs.client(store).get_run(result.run_id)
    assert run.data.tags["kind"] == "backtest"
    assert run.data.metrics["test/auc"] == pytest.approx(result.found.pooled.values["model"]["auc"].value)  # noqa: PD011
    logged = {file.path for file in runs.client(store).list_artifacts(result.run_id)}
    assert {"backtest.html", "backtest.json", "backtest.png"} == logged
    enterprise = str(result.told[0].window.fold.validate.outcomes["enterprise_id"].iloc[0])
    assert enterprise not in (result.folder / "backtest.json").read_text(encoding="utf-8")
