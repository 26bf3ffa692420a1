"""`fenlei explain`: one enterprise, from records or from a month's table, on the terminal, as JSON and as a page."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from typer.testing import CliRunner

from features.errors import ConfigError, SourceError
from features.table.month import read_table, write_clean_table
from fenlei.cli import app
from fenlei.verbs.explaining import Explainer
from helpers import small_model as small
from helpers.scope import HEBEI
from models.reporting.sheet import Language, sheet
from models.signoff import approval
from models.tracking.store import Store

RUN = CliRunner()


@pytest.fixture(scope="module")
def table(small_clean: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("explain") / "m.parquet"
    write_clean_table(small_clean, date(2026, 1, 1), path, HEBEI)
    return path


@pytest.fixture(scope="module")
def listed(table: Path) -> pd.Series:
    """An enterprise on the serious list, with its code."""
    frame, _ = read_table(table)
    hit = frame[(frame["evidence_H13_1"].str.len() > 0) & frame["uscc"].notna()].reset_index()
    return hit.iloc[0]


def ask(*words: object) -> object:
    found = RUN.invoke(app, ["explain", *map(str, words), "--as-of", "2026-01"], catch_exceptions=False)
    assert found.exit_code == 0, found.output
    return found.stdout


def test_records_give_reasons_the_records_behind_them_and_a_page(
    small_clean: Path, table: Path, listed: pd.Series, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    page = tmp_path / "page.html"
    told = ask(small_clean, listed["uscc"], "--table", table, "--months", 2, "-o", page, "--json")
    said = json.loads(str(told))
    found = said["classification"]
    assert (found["enterprise_id"], found["grade"], found["source"]) == (listed["enterprise_id"], "D", "rules")
    assert any(reason["standing"] for reason in found["reasons"])
    assert [month["cutoff"] for month in said["history"]] == ["2025-12-01"]
    evidence = found["determinations"][0]["evidence"][0]
    assert said["evidence"][evidence]["zh"] == "严重违法失信名单"
    assert any(behind["rows"] for behind in said["behind"].values())
    assert evidence.partition(":")[2] in page.read_text(encoding="utf-8")


def test_a_table_alone_gives_the_same_class_and_reasons(table: Path, listed: pd.Series, small_clean: Path) -> None:
    told = str(ask(table, listed["enterprise_id"], "--language", "en"))
    assert "high credit risk" in told
    assert "firms" in told
    one = json.loads(str(ask(table, listed["enterprise_id"], "--json")))["classification"]
    other = json.loads(str(ask(small_clean, listed["enterprise_id"], "--table", table, "--months", 1, "--json")))
    assert one == other["classification"]


def test_an_approved_model_answers_and_its_page_says_who_signed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    proposed = SimpleNamespace(version="v1", action="propose", by="Li Na 李娜", on="2025-12-20")
    approved = SimpleNamespace(version="v1", action="approve", by="Wang Fang 王芳", on="2025-12-22")
    monkeypatch.setattr(approval, "approved_model", lambda _store, _province: (small.model(), "v1"))
    monkeypatch.setattr(approval, "history", lambda _store: [proposed, approved])
    monkeypatch.setattr(approval, "in_force", lambda _entries, _province: approved)
    explainer = Explainer("hebei", Store.in_folder(tmp_path), None)
    frame, _ = small.rows(5, 1)
    cutoff = pd.Timestamp(frame.index[0][1]).date()
    case = explainer.case(frame.head(1), cutoff)
    assert case.found.source == "model"
    assert case.found.fallback is None
    told: list[tuple[Language, str]] = [
        ("zh", "提请：Li Na 李娜，2025-12-20；批准：Wang Fang 王芳"),
        ("en", "approved by Wang Fang"),
    ]
    for language, said in told:
        assert said in sheet(case, language)
        assert ("概率" if language == "zh" else "chance") in sheet(case, language)


def test_without_a_named_store_the_rules_answer_and_say_so() -> None:
    assert Explainer("hebei", None, None).fallback == "no store of models is named"


def test_an_unknown_enterprise_and_a_month_without_a_table_are_told(table: Path, small_clean: Path) -> None:
    for words, error, said in (
        (
            [table, "nobody", "--as-of", "2026-01"],
            SourceError,
            "nobody: no enterprise of this id or social credit code",
        ),
        ([table, "E1", "--as-of", "2025-12"], SourceError, "is the table of 2026-01-01, not of 2025-12-01"),
        ([small_clean, "nobody", "--as-of", "2026-01"], SourceError, "as known before 2026-01-01"),
        ([table.with_name("none"), "E1", "--as-of", "2026-01"], ConfigError, "no such folder or file"),
        (
            [small_clean, "E1", "--as-of", "2026-01", "--table", table.with_name("none.parquet")],
            SourceError,
            "none.parq",
        ),
    ):
        with pytest.raises(error, match=said):
            RUN.invoke(app, ["explain", *map(str, words)], catch_exceptions=False)
