"""What a value looks like is said, and never taken for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers.source import check, parquet, penalties, quarantined


@pytest.mark.parametrize(
    ("text", "looks"),
    [
        ("45291", "it looks like Excel's day number: give the column the format YYYY-MM-DD"),
        ("45291.75", "it looks like Excel's day number"),
        ("20231231", "it looks like YYYYMMDD"),
        ("1704067200", "it looks like a count of seconds since 1970"),
        ("1704067200000", "it looks like a count of seconds since 1970"),
        ("31/12/2025", "it looks like a day written DD/MM/YYYY or MM/DD/YYYY, which can't be told apart"),
        ("1.2.23", "it looks like a day written DD/MM/YYYY or MM/DD/YYYY"),
        ("12/31/2025 00:00", "it looks like a day written DD/MM/YYYY or MM/DD/YYYY"),
        ("2025/12/31", "it looks like a day with the year first"),
        ("2025-1-5", "it looks like a day with the year first"),
        ("2025年1月5日", "it looks like a day with the year first"),
    ],
)
def test_a_day_in_another_form_is_named_and_quarantined(folder: Path, text: str, looks: str) -> None:
    penalties(folder, f"p1,1,e1,2024-01-05,{text},fine,1", f"p2,1,e1,{text},2024-02-01,fine,1")
    report = check(folder).tables["penalties"]
    assert (report.kept, report.quarantined) == (0, 2)
    assert f"known_at is '{text}', expected a day written YYYY-MM-DD; {looks}" in quarantined(folder, "penalties")[1]
    assert sorted(said.partition(":")[0] for said in report.hints) == ["known_at", "occurred_at"]
    assert all(looks in said and text not in said for said in report.hints)


@pytest.mark.parametrize("values", [[45291, None], [45291.0, None]])
def test_excels_day_numbers_are_named_in_columns_of_numbers_too(folder: Path, values: list[float | None]) -> None:
    parquet(folder, "penalties", known_at=values)
    report = check(folder).tables["penalties"]
    assert [(count, "Excel" in said) for said, count in report.hints.items()] == [(1, True)]


@pytest.mark.parametrize("text", ["上月底", "5", "0", "2024-02-30"])
def test_of_what_looks_like_nothing_nothing_is_said(folder: Path, text: str) -> None:
    penalties(folder, f"p1,1,e1,2024-01-05,{text},fine,1")
    report = check(folder).tables["penalties"]
    assert (report.quarantined, report.hints) == (1, {})


@pytest.mark.parametrize("text", ["¥500", '"1,500"', '"1,500.00元"', "3万元"])
def test_an_amount_with_signs_around_it_is_named(folder: Path, text: str) -> None:
    penalties(folder, f"p1,1,e1,2024-01-05,2024-02-01,fine,{text}")
    assert check(folder).tables["penalties"].hints == {
        "fine_fen: it looks like an amount with signs or words around it: write digits alone": 1
    }
