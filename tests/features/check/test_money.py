"""Amounts: a decimal is never read as fen without a word, and yuan become fen exactly."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.check import check_folder
from features.check.money import fen_of_number, fen_of_text
from features.errors import SourceError
from helpers.source import AS_OF, check, clean, manifest, parquet, penalties, quarantined
from helpers.thorough import examples

TODO = (
    'it has decimals: say in manifest.json "money": "yuan" where the amounts are yuan, '
    '"money": "fen" where they are fen'
)


def fines(folder: Path, *amounts: str) -> None:
    penalties(folder, *(f"p{k},1,e1,2024-01-05,2024-02-01,fine,{amount}" for k, amount in enumerate(amounts)))


def test_a_decimal_in_a_column_of_fen_goes_to_quarantine_though_it_be_whole(folder: Path) -> None:
    fines(folder, "500.00", "500", "500.", "12.5")
    report = check(folder).tables["penalties"]
    assert clean(folder, "penalties", "fine_fen") == [(500,)]
    assert report.hints == {f"fine_fen: {TODO}": 3}
    reason = f"fine_fen is '500.00', expected a whole number of fen (0.01 yuan); {TODO}"
    assert quarantined(folder, "penalties")[1] == reason


@pytest.mark.parametrize(
    "amounts",
    [[500.0, 19.99], pa.array([500.0], pa.float32()), [Decimal("500.00")]],
    ids=["double", "float", "decimal"],
)
def test_so_does_an_amount_of_a_type_with_decimals(folder: Path, amounts: Any) -> None:
    parquet(folder, "penalties", fine_fen=amounts)
    report = check(folder).tables["penalties"]
    assert (report.kept, report.quarantined) == (0, len(amounts))
    assert report.hints == {f"fine_fen: {TODO}": len(amounts)}


def test_a_decimal_type_without_decimals_and_a_missing_amount_need_no_word(folder: Path) -> None:
    parquet(folder, "penalties", fine_fen=pa.array([Decimal(500), None], pa.decimal128(18, 0)))
    assert check(folder).ok
    assert clean(folder, "penalties", "fine_fen") == [(500,), (None,)]
    parquet(folder, "penalties", fine_fen=pa.array([None], pa.float64()))
    assert check(folder).ok


@pytest.mark.parametrize("amounts", [[12.0, 12.5], ["12.0", "12.5"], [Decimal("12.00"), Decimal("12.50")]])
def test_a_source_that_says_fen_may_write_them_with_a_point(folder: Path, amounts: Any) -> None:
    manifest(folder, money="fen")
    parquet(folder, "penalties", fine_fen=amounts)
    report = check(folder).tables["penalties"]
    assert (report.quarantined, report.hints) == (1, {})
    assert clean(folder, "penalties", "fine_fen") == [(12,)]


@pytest.mark.parametrize(
    ("amounts", "kept"),
    [
        (["500.00", "500", "19.9", "0.01", "+1.", "12.3400"], [50000, 50000, 1990, 1, 100, 1234]),
        ([500, 0], [50000, 0]),
        ([500.0, 19.99, 1234567.89, 9_999_999_999_999.99], [50000, 1999, 123456789, 999_999_999_999_999]),
        ([Decimal("19.9900"), Decimal("90000000000000.0100")], [1999, 9_000_000_000_000_001]),
        (pa.array([Decimal(500)], pa.decimal128(18, 0)), [50000]),
    ],
    ids=["text", "integer", "double", "decimal", "whole decimal"],
)
def test_yuan_become_fen_exactly(folder: Path, amounts: Any, kept: list[int]) -> None:
    manifest(folder, money="yuan")
    parquet(folder, "penalties", fine_fen=amounts)
    assert check(folder).ok
    assert clean(folder, "penalties", "fine_fen") == [(amount,) for amount in kept]


@pytest.mark.parametrize(
    "amount",
    ["1.234", "1e3", "x", 1.234, 1e15, float("nan"), float("inf"), Decimal("0.001"), 2**62, "99999999999999999.99"],
)
def test_yuan_that_are_no_whole_fen_or_not_exact_go_to_quarantine(folder: Path, amount: Any) -> None:
    manifest(folder, money="yuan")
    parquet(folder, "penalties", fine_fen=[amount])
    assert check(folder).tables["penalties"].reasons == {"fine_fen: wrong_type": 1}
    assert "expected an amount of yuan with two decimals at most" in quarantined(folder, "penalties")[1]


def test_the_unit_may_be_one_tables_alone_and_negative_profits_are_kept(folder: Path) -> None:
    fines(folder, "500")
    header = "record_id,version,enterprise_id,occurred_at,known_at,report_year,profit_fen\n"
    row = "a1,1,e1,2024-01-05,2024-02-01,2023,-0.50\n"
    (folder / "annual_reports.csv").write_text(header + row, encoding="utf-8")
    manifest(folder, tables={"annual_reports": {"money": "yuan"}})
    assert check(folder).ok
    assert clean(folder, "penalties", "fine_fen") == [(500,)]
    assert clean(folder, "annual_reports", "profit_fen") == [(-50,)]


def test_the_clean_folder_of_a_source_in_yuan_is_in_fen_and_says_nothing_else(folder: Path, tmp_path: Path) -> None:
    fines(folder, "500.00")
    said = {"money": "yuan", "timezone": "Asia/Shanghai", "encoding": "utf-8"}
    manifest(folder, **said, tables={"penalties": {**said, "covers_from": "2020-01-01"}, "registration": said})
    check(folder)
    assert check_folder(tmp_path / "out" / "clean", AS_OF, tmp_path / "again").ok
    for path in sorted((tmp_path / "out" / "clean").iterdir()):
        assert (tmp_path / "again" / "clean" / path.name).read_bytes() == path.read_bytes()


def test_an_unknown_unit_is_refused(folder: Path) -> None:
    manifest(folder, money="dollar")
    with pytest.raises(SourceError, match="money: Input should be 'fen' or 'yuan'"):
        check(folder)


def value(sql: str, given: Any, kind: str) -> Any:
    [(found,)] = duckdb.execute(f"SELECT {sql} FROM (SELECT CAST(? AS {kind}) AS r)", [given]).fetchall()
    return found


@settings(max_examples=examples(200), deadline=None)
@given(st.integers(-(2**63), 2**63 - 1))
def test_any_fen_written_as_yuan_come_back(fen: int) -> None:
    yuan = Decimal(fen).scaleb(-2)
    assert value(fen_of_text("r", "yuan"), f"{yuan:f}", "VARCHAR") == fen
    assert value(fen_of_number("r", "DECIMAL(38,2)"), yuan, "DECIMAL(38,2)") == fen
    assert value(fen_of_number("r", "DOUBLE"), float(yuan), "DOUBLE") in ({fen} if abs(fen) < 10**15 else {fen, None})
