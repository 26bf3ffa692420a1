"""The verbs of warnings and outlook: what they print, what they keep, and what they refuse."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from features.check import check_folder
from features.errors import ConfigError
from fenlei.cli import app
from helpers.tiny_source import AS_OF, write_source
from serving.ledger.place import LedgerError
from supervision.alerts.book import BookError

RUN = CliRunner()


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checked register of 200 firms and, at one address in one week, of 8 more."""
    folder = write_source(tmp_path_factory.mktemp("warn") / "source", 200)
    register = pd.read_csv(folder / "registration.csv", dtype=str)
    register["address_id"] = [f"A{k}" for k in range(len(register))]
    more = register.head(8).assign(
        record_id=[f"s{k}" for k in range(8)], enterprise_id=[f"S{k}" for k in range(8)], occurred_at="2025-12-10",
        known_at="2025-12-12", address_id="X",
    )  # fmt: skip
    pd.concat([register, more]).to_csv(folder / "registration.csv", index=False)
    check_folder(folder, AS_OF, folder.parent / "checked")
    return folder.parent / "checked"


def warn(checked: Path, book: Path, *more: str) -> list[dict[str, object]]:
    done = RUN.invoke(app, ["warn", str(checked), "--as-of", "2026-01", "--book", str(book), "--json", *more])
    assert done.exit_code == 0, done.output
    found: list[dict[str, object]] = json.loads(done.stdout)
    return found


def test_a_warning_is_found_closed_and_stays_closed(checked: Path, tmp_path: Path) -> None:
    book = tmp_path / "book.jsonl"
    [found] = warn(checked, book)
    assert found["evidence"] == [f"registration:s{k}" for k in range(8)]
    assert (found["state"], found["kind_zh"]) == ("new", "异常注册")
    closing = ["warn", "close", str(found["id"]), "--outcome", "confirmed", "--by", "inspector 7", "--book", str(book)]
    assert RUN.invoke(app, closing).exit_code == 0
    [again] = warn(checked, book)
    assert (again["id"], again["state"], again["outcome"]) == (found["id"], "closed", "confirmed")
    assert isinstance(RUN.invoke(app, closing).exception, BookError)


def test_since_raises_only_what_has_evidence_known_from_that_day(checked: Path, tmp_path: Path) -> None:
    assert len(warn(checked, tmp_path / "a.jsonl", "--since", "2025-12-12")) == 1
    assert warn(checked, tmp_path / "b.jsonl", "--since", "2025-12-13") == []


def test_people_read_both_languages_the_answer_and_who_is_in_charge(checked: Path, tmp_path: Path) -> None:
    done = RUN.invoke(app, ["warn", str(checked), "--as-of", "2026-01", "--book", str(tmp_path / "book.jsonl")])
    assert "8 enterprises registered" in done.stdout
    assert "有8户企业以同一地址登记" in done.stdout
    assert "registration authority" in done.stdout


@pytest.mark.parametrize("words", [["warn", "close", "W1"], ["warn", "nowhere"]])
def test_wrong_use_says_what_was_expected(words: list[str]) -> None:
    problem = RUN.invoke(app, words).exception
    assert isinstance(problem, ConfigError)
    assert "expected `fenlei warn" in str(problem)


def test_a_month_that_is_not_published_is_an_error_and_nothing_is_kept(checked: Path, tmp_path: Path) -> None:
    book = tmp_path / "book.jsonl"
    words = ["warn", str(checked), "--as-of", "2026-01", "--ledger", str(tmp_path / "ledger"), "--book", str(book)]
    assert isinstance(RUN.invoke(app, words).exception, LedgerError)
    assert not book.exists()
    words = ["outlook", "--ledger", str(tmp_path / "ledger"), "-o", str(tmp_path / "page.html")]
    assert isinstance(RUN.invoke(app, words).exception, LedgerError)
    assert not (tmp_path / "page.html").exists()


def test_a_cut_off_after_the_records_is_an_error(checked: Path, tmp_path: Path) -> None:
    words = ["warn", str(checked), "--as-of", str(date(2026, 3, 1)), "--book", str(tmp_path / "book.jsonl")]
    assert isinstance(RUN.invoke(app, words).exception, ConfigError)
