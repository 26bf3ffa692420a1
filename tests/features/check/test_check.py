"""What a check says of a source folder, and what it lays down."""

from __future__ import annotations

import csv
import hashlib
import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from features.check import check_folder, render
from features.contract import TABLES
from features.contract.identity import starred
from features.contract.manifest import read_manifest
from features.errors import SourceError
from helpers.source import AS_OF, PENALTIES, REGISTRATION, check, clean, parquet, penalties, quarantined

# What stops a check


def test_an_empty_folder_is_told_what_belongs_in_it(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no table of the contract here; expected files named .*registration"):
        check_folder(tmp_path, AS_OF, tmp_path / "out")
    with pytest.raises(SourceError, match="no such folder"):
        check_folder(tmp_path / "nowhere", AS_OF, tmp_path / "out")


def test_registration_is_required(folder: Path) -> None:
    (folder / "registration.csv").unlink()
    penalties(folder, "p1,1,e1,2024-01-05,2024-02-01,fine,100")
    with pytest.raises(SourceError, match=r"required table registration \(登记注册\) is missing"):
        check(folder)


@pytest.mark.parametrize("column", [c for c in TABLES["registration"].columns if c.required], ids=lambda c: c.name)
def test_a_missing_required_column_is_named_with_its_type(folder: Path, column: Any) -> None:
    header, *rows = [line.split(",") for line in REGISTRATION.splitlines()]
    place = header.index(column.name)
    lines = [",".join(row[:place] + row[place + 1 :]) for row in (header, *rows)]
    (folder / "registration.csv").write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(SourceError) as told:
        check(folder)
    message = str(told.value)
    assert "registration.csv" in message
    assert f"required column {column.name!r} ({column.zh}) is missing; expected type {column.sql_type}" in message


def test_a_column_in_other_case_is_told_to_be_renamed(folder: Path) -> None:
    text = REGISTRATION.replace("known_at", "Known_At", 1)
    (folder / "registration.csv").write_text(text, encoding="utf-8")
    with pytest.raises(SourceError, match="rename 'Known_At' to 'known_at'"):
        check(folder)


@pytest.mark.parametrize("name", ["registration.parquet", "penalties.parquet", "penalties.csv"])
@pytest.mark.parametrize(
    "content", [b"", b"PAR1 but not really PAR1", b"\x00\x01\x02"], ids=["0 bytes", "fake", "junk"]
)
def test_an_empty_or_broken_file_is_named_and_leaves_the_last_check_alone(
    folder: Path, name: str, content: bytes
) -> None:
    check(folder)
    before = (folder.parent / "out" / "report.json").read_bytes()
    if name.startswith("registration"):
        (folder / "registration.csv").unlink()
    (folder / name).write_bytes(content)
    with pytest.raises(SourceError, match=name):
        check(folder)
    assert (folder.parent / "out" / "report.json").read_bytes() == before
    assert not (folder.parent / "out" / ".checking").exists()
    assert clean(folder, "registration", "count(*)") == [(2,)]


def test_a_parquet_file_that_breaks_off_in_its_pages_is_named(folder: Path) -> None:
    parquet(folder, "penalties", fine_fen=list(range(20_000)))
    path = folder / "penalties.parquet"
    content = bytearray(path.read_bytes())
    content[50 : len(content) // 2] = b"\xff" * (len(content) // 2 - 50)
    path.write_bytes(content)
    with pytest.raises(SourceError, match=r"penalties\.parquet"):
        check(folder)


def test_one_table_in_two_files_is_refused(folder: Path) -> None:
    penalties(folder, "p1,1,e1,2024-01-05,2024-02-01,fine,100")
    parquet(folder, "penalties", fine_fen=[1])
    with pytest.raises(SourceError, match=r"penalties is there twice, as penalties\.csv and as penalties\.parquet"):
        check(folder)


def test_a_column_of_lists_is_refused(folder: Path) -> None:
    parquet(folder, "penalties", penalty_kinds=[["fine"]])
    with pytest.raises(SourceError, match=r"'penalty_kinds' has type VARCHAR\[\]; expected VARCHAR"):
        check(folder)


def test_a_quote_that_is_never_closed_is_found_where_it_opens(folder: Path) -> None:
    penalties(folder, "p1,1,e1,2024-01-05,2024-02-01,fine,100", 'p2,1,"e1,2024-01-05,2024-02-01,fine,100')
    with pytest.raises(SourceError, match=r"penalties\.csv: the record that starts in line 3 opens a quote"):
        check(folder)


def test_a_field_may_be_longer_than_the_parsers_own_limit(folder: Path) -> None:
    before = csv.field_size_limit()
    long = "长" * 200_000
    text = PENALTIES.strip() + ",document_no\n"
    for field in (long, f'"{long}"'):
        rows = f"p1,1,e1,2024-01-05,2024-02-01,fine,1,{field}\np2,1,e1,2024-01-05,2024-02-01,fine,1,\n"
        (folder / "penalties.csv").write_text(text + rows, encoding="utf-8")
        assert check(folder).ok
        assert clean(folder, "penalties", "document_no") == [(long,), (None,)]
    assert csv.field_size_limit() == before


def test_a_field_without_an_end_in_sight_is_called_too_long(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("features.check.csv_text.FIELD_LIMIT", 1000)
    good = "p1,1,e1,2024-01-05,2024-02-01,fine,100"
    penalties(folder, good, 'p2,1,"e1' + good * 100)
    with pytest.raises(SourceError, match=r"starts in line 3 has a field of more than 1,000 characters; .*is a quote"):
        check(folder)


def test_a_header_that_names_a_column_twice_is_refused(folder: Path) -> None:
    (folder / "penalties.csv").write_text(PENALTIES.strip() + ",fine_fen\n", encoding="utf-8")
    with pytest.raises(SourceError, match=r"names \['fine_fen'\] twice"):
        check(folder)


def test_the_clean_tables_never_overwrite_their_source(folder: Path) -> None:
    source = folder.rename(folder.parent / "clean")
    with pytest.raises(SourceError, match="would overwrite their source"):
        check_folder(source, AS_OF, source.parent)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "not valid JSON"),
        ('{"tables": {"penalties": {"covers_form": "2020-01-01"}}}', "covers_form"),
        ('{"tables": {"penalties": {"covers_from": "2020-13-01"}}}', "tables.penalties.covers_from"),
        ('{"tables": {"fines": {}}}', r"\['fines'\] are not in the contract"),
    ],
)
def test_a_wrong_manifest_is_refused(folder: Path, content: str, said: str) -> None:
    (folder / "manifest.json").write_text(content, encoding="utf-8")
    with pytest.raises(SourceError, match=said):
        check(folder)


# What a row is quarantined for

GOOD = {
    "record_id": "p1",
    "version": "1",
    "enterprise_id": "e1",
    "occurred_at": "2024-01-05",
    "known_at": "2024-02-01",
    "penalty_kinds": "fine",
    "fine_fen": "100",
}


@pytest.mark.parametrize(
    ("change", "reason", "kind"),
    [
        ({"known_at": ""}, "is missing, expected a day written YYYY-MM-DD", "missing"),
        ({"known_at": "05.01.2024"}, "is '05.01.2024', expected a day written YYYY-MM-DD", "wrong_type"),
        ({"occurred_at": "0000-01-01"}, "is '0000-01-01', expected a day written", "wrong_type"),
        ({"fine_fen": "12.5"}, "is '12.5', expected a whole number of fen", "wrong_type"),
        ({"fine_fen": "-1"}, "is '-1', expected at least 0", "out_of_range"),
        ({"version": "0"}, "is '0', expected at least 1", "out_of_range"),
        (
            {"penalty_kinds": "fine;jail"},
            "is 'fine;jail', expected codes separated by ; out of warning, fine",
            "unknown_code",
        ),
        (
            {"known_at": "2024-01-04"},
            "is 2024-01-04, expected no earlier than occurred_at 2024-01-05",
            "known_before_occurred",
        ),
        (
            {"known_at": "2024-07-01"},
            "is '2024-07-01', expected a day no later than --as-of 2024-06-30",
            "after_as_of",
        ),
        ({"occurred_at": "2024-07-01"}, "is '2024-07-01', expected a day no later than --as-of", "after_as_of"),
    ],
)
def test_a_bad_value_is_named_with_what_was_expected(
    folder: Path, change: dict[str, str], reason: str, kind: str
) -> None:
    penalties(folder, ",".join(GOOD.values()), ",".join({**GOOD, "record_id": "p2", **change}.values()))
    report = check(folder)
    assert not report.ok
    [column] = change
    assert f"{column} {reason}" in quarantined(folder, "penalties")[2]
    assert report.tables["penalties"].reasons[f"{column}: {kind}"] == 1
    assert clean(folder, "penalties", "record_id") == [("p1",)]


def test_what_was_known_on_the_last_day_is_kept(folder: Path) -> None:
    penalties(folder, "p1,1,e1,2024-06-30,2024-06-30,fine,100")
    assert check(folder).ok


def test_a_row_tells_everything_that_is_wrong_with_it(folder: Path) -> None:
    penalties(folder, "p1,x,e1,2024-01-05,2024-02-01,,-5")
    check(folder)
    assert quarantined(folder, "penalties")[1].count(", expected ") == 3


def test_the_quarantine_keeps_the_row_as_it_came(folder: Path) -> None:
    header = "record_id,version,enterprise_id,occurred_at,known_at,reason,memo\n"
    row = 'a1, 1 ,e1,2024-01-05,2024-02-01,none,"x, y"\n'
    (folder / "abnormal_list.csv").write_text(header + row, encoding="utf-8")
    check(folder)
    path = str(folder.parent / "out" / "quarantine" / "abnormal_list.parquet")
    kept = duckdb.read_parquet(path)
    assert kept.columns[:3] == ["source_file", "source_row", "reason"]
    assert dict(zip(kept.columns, kept.fetchall()[0], strict=True)) | {"reason": ""} == {
        "source_file": "abnormal_list.csv",
        "source_row": 1,
        "reason": "",
        "raw_record_id": "a1",
        "raw_version": " 1 ",
        "raw_enterprise_id": "e1",
        "raw_occurred_at": "2024-01-05",
        "raw_known_at": "2024-02-01",
        "raw_reason": "none",
        "raw_memo": "x, y",
    }


def test_unreadable_csv_rows_keep_their_number_and_their_neighbours(folder: Path) -> None:
    good = "p{},1,e1,2024-01-05,2024-02-01,fine,100"
    lines = [
        good.format(1),
        "",
        "p2,1,e1",
        good.format(3) + ",more",
        'p4,1,"e"1,2024-01-05,2024-02-01,fine,1',
        "GBK",
        good.format(6),
    ]
    content = (
        (PENALTIES + "\n".join(lines) + "\n")
        .encode()
        .replace(b"GBK", "p5,1,企,2024-01-05,2024-02-01,fine,1".encode("gbk"))
    )
    (folder / "penalties.csv").write_bytes(b"\xef\xbb\xbf" + content)
    report = check(folder)
    told = quarantined(folder, "penalties")
    assert "has 3 fields, expected 7" in told[2]
    assert "has 8 fields, expected 7 as in the header; beyond those: 'more'" in told[3]
    assert "line 6 is not CSV" in told[4]
    assert "not UTF-8" in told[5]
    assert sorted(told) == [2, 3, 4, 5]
    path = str(folder.parent / "out" / "quarantine" / "penalties.parquet")
    raw = duckdb.read_parquet(path).project("raw_record_id, raw_enterprise_id").fetchall()
    assert raw[2] == (lines[4] + "\n", "")
    assert raw[3] == ("p5", "\\xc6\\xf3")
    assert report.tables["penalties"].rows_in == 6
    assert clean(folder, "penalties", "record_id") == [("p1",), ("p6",)]


def test_a_field_may_hold_a_line_break(folder: Path) -> None:
    text = REGISTRATION.replace("甲", '"甲\r\n公司"')
    (folder / "registration.csv").write_bytes(text.encode())
    check(folder)
    assert clean(folder, "registration", "name") == [("甲\r\n公司",), ("乙",)]


# Duplicates, orphans, warnings


def test_identical_rows_are_merged_and_conflicting_ones_all_quarantined(folder: Path) -> None:
    same = "p1,1,e1,2024-01-05,2024-02-01,fine,100"
    other = "p2,1,e1,2024-01-05,2024-02-01,fine,"
    penalties(folder, same, same, same, other + "1", other, other + "1", "p2,2,e1,2024-01-05,2024-02-01,fine,1")
    report = check(folder).tables["penalties"]
    assert (report.rows_in, report.kept, report.merged, report.quarantined) == (7, 2, 2, 3)
    assert quarantined(folder, "penalties") == {
        4: "record_id 'p2' version 1 stands also in row 5, 6 with another fine_fen, expected one row a version",
        5: "record_id 'p2' version 1 stands also in row 4, 6 with another fine_fen, expected one row a version",
        6: "record_id 'p2' version 1 stands also in row 4, 5 with another fine_fen, expected one row a version",
    }


def test_orphans_are_counted_and_kept(folder: Path) -> None:
    penalties(folder, *(f"p{i},1,{e},2024-01-05,2024-02-01,fine,1" for i, e in enumerate(["e1", "e8", "e9", "e9"])))
    report = check(folder)
    assert report.ok
    assert (report.tables["penalties"].orphans, report.tables["penalties"].orphan_enterprises) == (3, 2)
    assert report.orphans == 3
    assert len(clean(folder, "penalties")) == 4


def test_an_enterprise_whose_registration_is_quarantined_makes_orphans(folder: Path) -> None:
    text = REGISTRATION.replace("甲,limited_company", "甲,limited")
    (folder / "registration.csv").write_text(text, encoding="utf-8")
    penalties(folder, "p1,1,e1,2024-01-05,2024-02-01,fine,1")
    assert check(folder).tables["penalties"].orphans == 1


def test_a_wrong_social_credit_code_is_a_warning(folder: Path) -> None:
    text = REGISTRATION.replace("91110000600037341L", "91110000600037341X").replace("05,,乙", "05,a1110000,乙")
    (folder / "registration.csv").write_text(text, encoding="utf-8")
    report = check(folder)
    assert report.ok
    codes = {w.kind: (w.count, w.examples) for w in report.warnings if w.kind.startswith("uscc")}
    assert codes == {
        "uscc_check_digit": (1, ("e1: 9111*************X",)),
        "uscc_format": (1, ("e2: A111***0",)),
        "uscc_spelling": (1, ("a111***0",)),
    }


@pytest.mark.parametrize(
    "written", ["91110000600037341l", "９１１１００００６０００３７３４１Ｌ", "9111 0000 6000 3734 1L"]
)
def test_a_code_in_another_spelling_is_kept_in_the_usual_one_and_told(folder: Path, written: str) -> None:
    text = REGISTRATION.replace("91110000600037341L", written)
    (folder / "registration.csv").write_text(text, encoding="utf-8")
    report = check(folder)
    assert report.ok
    assert clean(folder, "registration", "uscc") == [("91110000600037341L",), (None,)]
    told = [(w.kind, w.count, w.examples) for w in report.warnings if w.kind.startswith("uscc")]
    assert told == [("uscc_spelling", 1, (starred(written),))]


def test_odd_versions_files_and_columns_are_warnings(folder: Path) -> None:
    (folder / "notes.txt").write_text("x", encoding="utf-8")
    (folder / "penalties.csv").write_text(
        PENALTIES.strip() + ",judge\n"
        "p1,1,e1,2024-01-05,2024-02-01,fine,1,\n"
        "p1,2,e2,2024-01-05,2024-03-01,fine,1,\n"
        "p1,3,e1,2024-01-05,2024-03-01,fine,1,\n"
        "p1,4,e1,2024-01-05,2024-02-02,fine,1,\n",
        encoding="utf-8",
    )
    (folder / "repairs.csv").write_text(
        "record_id,version,enterprise_id,occurred_at,known_at,ref_table,ref_record_id,state\n"
        "x1,1,e1,2024-01-05,2024-02-01,fines,p1,granted\n",
        encoding="utf-8",
    )
    report = check(folder)
    assert report.ok
    told = {(w.table, w.kind): w.examples for w in report.warnings if w.kind != "coverage_inferred"}
    assert told == {
        ("", "unknown_file"): (),
        ("penalties", "unknown_column"): (),
        ("penalties", "versions_out_of_order"): ("p1 v4",),
        ("penalties", "record_of_two_enterprises"): ("p1",),
        ("repairs", "unknown_ref_table"): ("x1: fines",),
    }


def test_missing_optional_tables_and_columns_are_said(folder: Path) -> None:
    report = check(folder)
    assert report.ok
    assert report.missing_tables == tuple(name for name in TABLES if name != "registration")
    assert "industry" in report.tables["registration"].missing_columns
    assert clean(folder, "registration", "industry, record_state") == [(None, "active")] * 2


def test_a_registration_without_social_credit_codes_is_read(folder: Path) -> None:
    lines = [line.split(",") for line in REGISTRATION.splitlines()]
    text = "\n".join(",".join(line[:5] + line[6:]) for line in lines)
    (folder / "registration.csv").write_text(text, encoding="utf-8")
    assert check(folder).ok
    assert clean(folder, "registration", "uscc, name") == [(None, "甲"), (None, "乙")]


def test_a_registration_without_a_usable_row_is_not_ok(folder: Path) -> None:
    (folder / "registration.csv").write_text(REGISTRATION.splitlines()[0], encoding="utf-8")
    report = check(folder)
    assert report.tables["registration"].rows_in == 0
    assert not report.ok


# Parquet types


@pytest.mark.parametrize(
    ("column", "values", "kept"),
    [
        ("known_at", ["2024-02-01", "1 Feb"], date(2024, 2, 1)),
        ("fine_fen", ["100", "a hundred"], 100),
        ("fine_fen", pa.array([100, 2**64 - 1], pa.uint64()), 100),
        ("document_no", pa.array([b"x", b"\xff"]), "x"),
        ("penalty_kinds", pa.array(["fine", "jail"]).dictionary_encode(), "fine"),
        ("record_id", ["p0", " "], "p0"),
    ],
)  # fmt: skip
def test_another_parquet_type_is_read_value_by_value(folder: Path, column: str, values: Any, kept: Any) -> None:
    parquet(folder, "penalties", **{column: values})
    report = check(folder).tables["penalties"]
    assert (report.kept, report.quarantined) == (1, 1)
    assert clean(folder, "penalties", column) == [(kept,)]
    assert column in quarantined(folder, "penalties")[2]


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        ([7.0, 7.5], 7),
        ([7.0, float("nan")], 7),
        ([7.0, 1e17], 7),
        (pa.array([2.0**24, 2.0**25], pa.float32()), 2**24),
        ([Decimal("7.00"), Decimal("7.01")], 7),
    ],
)
def test_a_count_of_a_type_with_decimals_is_read_where_it_is_whole_and_exact(
    folder: Path, values: Any, kept: int
) -> None:
    parquet(folder, "social_insurance", insured_staff=values)
    report = check(folder).tables["social_insurance"]
    assert (report.kept, report.quarantined) == (1, 1)
    assert clean(folder, "social_insurance", "insured_staff") == [(kept,)]


def test_numbers_become_the_text_they_stand_for(folder: Path) -> None:
    parquet(folder, "penalties", document_no=[130100.0, None], enterprise_id=[7, 8])
    assert check(folder).ok
    assert clean(folder, "penalties", "document_no, enterprise_id") == [("130100", "7"), (None, "8")]


def test_a_column_of_another_type_is_a_warning(folder: Path) -> None:
    parquet(folder, "penalties", known_at=["2024-02-01"])
    [told] = [w for w in check(folder).warnings if w.kind == "other_type"]
    assert told.text == "column 'known_at' is stored as VARCHAR, expected DATE; read value by value"


def test_clean_tables_have_exactly_the_contracts_columns_and_types(folder: Path) -> None:
    for name, table in TABLES.items():
        if name != "registration":
            header = [c.name for c in reversed(table.columns) if c.required]
            (folder / f"{name}.csv").write_text(",".join([*header, "extra"]) + "\n", encoding="utf-8")
    check(folder)
    for name, table in TABLES.items():
        relation = duckdb.read_parquet(str(folder.parent / "out" / "clean" / f"{name}.parquet"))
        have = dict(zip(relation.columns, map(str, relation.types), strict=True))
        assert have == {c.name: c.sql_type for c in table.columns}
        assert tuple(have) == table.column_names


# Manifest and outputs


def test_the_manifest_is_completed_and_says_what_is_a_guess(folder: Path) -> None:
    penalties(folder, "p1,1,e1,2024-01-05,2024-02-01,fine,1")
    said = {"source": "a bureau", "tables": {"penalties": {"covers_from": "2019-01-01", "lag_days": 27}, "tax": {}}}
    (folder / "manifest.json").write_text(json.dumps(said), encoding="utf-8")
    report = check(folder)
    manifest = read_manifest(folder.parent / "out" / "clean")
    assert (manifest.source, manifest.as_of) == ("a bureau", AS_OF)
    assert list(manifest.tables) == ["penalties", "registration"]
    assert manifest.coverage("penalties").covers_from == date(2019, 1, 1)
    assert manifest.coverage("penalties").lag_days == 27
    assert not manifest.coverage("penalties").inferred
    assert manifest.coverage("registration").covers_from == date(2020, 1, 5)
    assert manifest.coverage("registration").inferred
    assert {(w.table, w.kind) for w in report.warnings} == {
        ("registration", "coverage_inferred"),
        ("tax", "manifest_without_table"),
    }


def test_the_clean_folder_is_a_source_that_checks_to_itself(folder: Path, tmp_path: Path) -> None:
    penalties(folder, "p1,1,e1,2024-01-05,2024-02-01,fine;warning,1", "p0,1,e2,2024-01-05,2024-02-01,fine,1")
    check(folder)
    again = check_folder(tmp_path / "out" / "clean", AS_OF, tmp_path / "again")
    assert again.ok
    assert {w.kind for w in again.warnings} == {"coverage_inferred"}
    for path in sorted((tmp_path / "out" / "clean").iterdir()):
        assert (tmp_path / "again" / "clean" / path.name).read_bytes() == path.read_bytes()


def digest(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def many_penalties(folder: Path, order: str) -> None:
    """Write 250,000 penalties in some order."""
    columns = (
        "'p' || n AS record_id, 1::BIGINT AS version, 'e' || n % 977 AS enterprise_id, "
        "DATE '2024-01-05' AS occurred_at, "
        "DATE '2024-02-01' + (n % 28)::INT AS known_at, 'fine' AS penalty_kinds, n * 7919 % 10007 AS fine_fen"
    )
    target = str(folder / "penalties.parquet")
    duckdb.execute(f"COPY (SELECT {columns} FROM range(250000) AS t(n) ORDER BY {order}) TO '{target}'")


def test_the_same_rows_give_the_same_bytes_whatever_their_order_and_the_threads(folder: Path, tmp_path: Path) -> None:
    many_penalties(folder, "n")
    check_folder(folder, AS_OF, tmp_path / "one", threads=1, memory_limit="1GB")
    check_folder(folder, AS_OF, tmp_path / "two", threads=2)
    assert digest(tmp_path / "one") == digest(tmp_path / "two")
    groups = pq.ParquetFile(tmp_path / "one" / "clean" / "penalties.parquet").metadata
    assert groups.num_row_groups >= 2
    assert groups.row_group(0).column(0).compression == "ZSTD"
    many_penalties(folder, "hash(n)")
    check_folder(folder, AS_OF, tmp_path / "three", threads=2)
    assert digest(tmp_path / "three" / "clean") == digest(tmp_path / "one" / "clean")


def test_a_bad_row_beside_them_leaves_the_bytes_of_the_good_ones_as_they_are(folder: Path, tmp_path: Path) -> None:
    good = "p1,1,e1,2024-01-05,2024-02-01,fine,100"
    penalties(folder, good)
    check_folder(folder, AS_OF, tmp_path / "one")
    penalties(folder, ",,,,,,", good)
    check_folder(folder, AS_OF, tmp_path / "two")
    assert digest(tmp_path / "one" / "clean") == digest(tmp_path / "two" / "clean")


def test_a_second_check_leaves_nothing_of_the_first_and_nothing_else_touched(folder: Path) -> None:
    penalties(folder, "p1,1,e1,,2024-02-01,fine,1")
    check(folder)
    out = folder.parent / "out"
    (out / "clean" / "mine.txt").write_text("kept", encoding="utf-8")
    (folder / "penalties.csv").unlink()
    report = check(folder)
    assert sorted(path.name for path in out.iterdir()) == ["clean", "quarantine", "report.json"]
    assert sorted(path.name for path in (out / "clean").iterdir()) == [
        "manifest.json",
        "mine.txt",
        "registration.parquet",
    ]
    assert not list((out / "quarantine").iterdir())
    assert json.loads((out / "report.json").read_text(encoding="utf-8")) == report.as_dict()


def test_a_path_with_a_quote_is_a_path(folder: Path) -> None:
    odd = folder.rename(folder.parent / "it's 数据")
    penalties(odd, "p1,1,e1,,2024-02-01,fine,1")
    report = check_folder(odd, AS_OF, odd.parent / "o'ut")
    assert report.tables["penalties"].quarantined == 1


def test_the_rendered_report_shows_counts_reasons_and_warnings(folder: Path) -> None:
    penalties(folder, "p1,1,e9,2024-01-05,2024-02-01,fine,1", "p2,1,e1,,2024-02-01,fine,1")
    seen: list[str] = []
    report = check(folder, progress=seen.append)
    assert seen == ["registration", "penalties"]
    console = Console(width=160, record=True, file=(folder.parent / "screen").open("w", encoding="utf-8"))
    console.print(render(report))
    console.file.close()
    text = console.export_text()
    for part in (
        "penalties 行政处罚",
        "1 x occurred_at: missing",
        "not there, so unknown: persons_roles",
        "not every row",
    ):
        assert part in text
