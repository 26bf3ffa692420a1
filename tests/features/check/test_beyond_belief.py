"""What can't be true of a row, or may not be kept of a person, is set aside and counted; all else goes on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest
from rich.console import Console

from features.check import CheckReport, check_folder, render
from features.errors import SourceError
from features.population.cohort import cohort
from features.records.store import open_folder
from features.scope import Scope
from features.table.month import read_table, write_table
from helpers.scope import HEBEI

PERSON = "11010519491231002X"
MASKED = "1101**************"
AS_OF = date(2024, 6, 30)
REGISTER = "record_id,version,enterprise_id,occurred_at,known_at,uscc,name,enterprise_type,status"
COMMON = "record_id,version,enterprise_id,occurred_at,known_at"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A source folder with two enterprises."""
    path = tmp_path / "source"
    path.mkdir()
    write(path, "registration", REGISTER, "r1,1,e1,2015-03-01,2015-03-05,,甲,limited_company,active",
          "r2,1,e2,2015-03-01,2015-03-05,,乙,limited_company,active")  # fmt: skip
    return path


def write(folder: Path, table: str, header: str, *rows: str) -> None:
    (folder / f"{table}.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")


def check(folder: Path) -> CheckReport:
    return check_folder(folder, AS_OF, folder.parent / "out")


def rows(folder: Path, part: str, table: str, columns: str) -> list[tuple[object, ...]]:
    path = folder.parent / "out" / part / f"{table}.parquet"
    return duckdb.read_parquet(str(path)).project(columns).fetchall()


def everything_written(folder: Path, report: CheckReport) -> Iterator[str]:
    """All texts that a check leaves behind: clean, quarantine, report, and what it prints."""
    console = Console(width=400, record=True, quiet=True)
    console.print(render(report))
    yield console.export_text()
    yield (folder.parent / "out" / "report.json").read_text(encoding="utf-8")
    for path in sorted((folder.parent / "out").rglob("*.parquet")):
        yield from (str(cell) for row in duckdb.read_parquet(str(path)).fetchall() for cell in row)


# Amounts


def test_an_amount_beyond_belief_is_quarantined_and_costs_nobody_an_indicator(folder: Path, tmp_path: Path) -> None:
    """Three of them in one sum would not fit into 64 bits."""
    unbelievable = [f"p{i},1,e1,2024-01-05,2024-02-01,fine,9000000000000000000" for i in range(3)]
    write(
        folder, "penalties", f"{COMMON},penalty_kinds,fine_fen", *unbelievable, "p9,1,e2,2024-01-05,2024-02-01,fine,70"
    )
    (folder / "manifest.json").write_text('{"tables": {"penalties": {"covers_from": "2019-01-01"}}}', encoding="utf-8")
    report = check(folder)
    assert report.tables["penalties"].reasons == {"fine_fen: out_of_range": 3}
    [(reason,), *_] = rows(folder, "quarantine", "penalties", "reason")
    assert reason == "fine_fen is '9000000000000000000', expected at most 10000000000000000"
    write_table(folder, AS_OF, tmp_path / "month.parquet", HEBEI)
    table = read_table(tmp_path / "month.parquet")[0].droplevel("cutoff")
    assert table["fines_3y"].to_dict() == {"e1": 0.0, "e2": 70.0}


def test_many_greatest_amounts_of_one_enterprise_stop_at_the_greatest_total(folder: Path, tmp_path: Path) -> None:
    """Each is accepted; their sum is not held to 64 bits, and the neighbour keeps its own."""
    greatest = [f"p{i},1,e1,2024-01-05,2024-02-01,fine,10000000000000000" for i in range(1000)]
    write(folder, "penalties", f"{COMMON},penalty_kinds,fine_fen", *greatest, "q,1,e2,2024-01-05,2024-02-01,fine,70")
    (folder / "manifest.json").write_text('{"tables": {"penalties": {"covers_from": "2019-01-01"}}}', encoding="utf-8")
    assert check(folder).ok
    write_table(folder, AS_OF, tmp_path / "month.parquet", HEBEI)
    table = read_table(tmp_path / "month.parquet")[0].droplevel("cutoff")
    assert table["fines_3y"].to_dict() == {"e1": 1e18, "e2": 70.0}


def test_a_count_beyond_belief_is_quarantined(folder: Path) -> None:
    write(folder, "social_insurance", f"{COMMON},insured_staff", "s1,1,e1,2024-01-31,2024-02-20,1000000001",
          "s2,1,e1,2024-02-29,2024-03-20,1000000000")  # fmt: skip
    report = check(folder)
    assert report.tables["social_insurance"].reasons == {"insured_staff: out_of_range": 1}
    assert rows(folder, "clean", "social_insurance", "record_id") == [("s2",)]


# Persons


def test_a_persons_number_in_the_code_column_is_removed_and_counted_and_its_row_kept(folder: Path) -> None:
    write(folder, "registration", REGISTER, f"r1,1,e1,2015-03-01,2015-03-05,{PERSON},甲,individual_business,active")
    report = check(folder)
    assert report.ok
    assert rows(folder, "clean", "registration", "enterprise_id, uscc") == [("e1", None)]
    [told] = [w for w in report.warnings if w.kind == "identity_number"]
    assert (told.table, told.count, told.examples) == ("registration", 1, ("row 1",))
    assert told.text == "a person's identity number stood in column 'uscc'; it is removed and the row kept"
    assert not any(PERSON in text for text in everything_written(folder, report))


def test_a_persons_number_of_before_1999_in_the_code_column_is_removed_too(folder: Path) -> None:
    write(folder, "registration", REGISTER,
          "r1,1,e1,2015-03-01,2015-03-05,110105491231002,甲,individual_business,active",
          "r2,1,e2,2015-03-01,soon,110105491231002,乙,individual_business,active",
          "110105491231002,1,110105491231003,2015-03-01,2015-03-05,110105491331002,丙,individual_business,active",
          )  # fmt: skip
    report = check(folder)
    assert rows(folder, "clean", "registration", "enterprise_id, uscc") == [
        ("110105491231003", "110105491331002"), ("e1", None),
    ]  # fmt: skip
    assert rows(folder, "quarantine", "registration", "raw_uscc") == [("1101***********",)]
    [told] = [w for w in report.warnings if w.kind == "identity_number"]
    assert (told.table, told.count, told.examples) == ("registration", 1, ("row 1",))


@pytest.mark.parametrize("column", ["record_id", "enterprise_id", "holder_id"])
def test_a_persons_number_in_a_required_column_is_quarantined_masked(folder: Path, column: str) -> None:
    row = {"record_id": "s1", "version": "1", "enterprise_id": "e1", "occurred_at": "2015-03-01",
           "known_at": "2015-03-05", "holder_kind": "person", "holder_id": "h1"} | {column: PERSON}  # fmt: skip
    good = row | {"record_id": "s2", "enterprise_id": "e2", "holder_id": "h2"}
    write(folder, "shareholdings", ",".join(row), ",".join(row.values()), ",".join(good.values()))
    report = check(folder)
    assert report.tables["shareholdings"].reasons == {f"{column}: identity_number": 1}
    assert rows(folder, "quarantine", "shareholdings", f"reason, raw_{column}") == [
        (f"{column}: expected no person's identity number (GB 11643); give an opaque id in its place", MASKED)
    ]
    assert rows(folder, "clean", "shareholdings", "record_id") == [("s2",)]
    assert not any(PERSON in text for text in everything_written(folder, report))


def test_a_persons_number_anywhere_in_a_bad_row_is_masked_in_what_is_kept_of_it(folder: Path) -> None:
    """In a column of codes, in one that the contract doesn't know, in a field too many, behind a long text."""
    write(
        folder,
        "penalties",
        f"{COMMON},penalty_kinds,fine_fen,owner",
        f"p1,1,e1,2024-01-05,2024-02-01,{PERSON},1,x",
        f"p2,1,e1,2024-01-05,soon,fine,1,{PERSON}",
        f"p3,1,e1,2024-01-05,2024-02-01,fine,1,x,{PERSON}",
        f"p4,1,e1,2024-01-05,{'x' * 70}{PERSON},fine,1,x",
        "p5,1,e1,2024-01-05,2024-02-01,fine,110105194912310021,x",
    )
    report = check(folder)
    assert report.tables["penalties"].quarantined == 5
    assert not any("19491231" in text for text in everything_written(folder, report))


def test_a_file_without_a_header_does_not_show_its_first_row_as_columns(folder: Path) -> None:
    write(folder, "penalties", f"p1,1,{PERSON},2024-01-05,2024-02-01,fine")
    with pytest.raises(SourceError, match="required column 'record_id'") as told:
        check(folder)
    assert PERSON not in str(told.value)
    assert MASKED in str(told.value)


def test_a_code_with_a_wrong_check_digit_is_shown_by_its_enterprise_and_starred(folder: Path) -> None:
    write(folder, "registration", REGISTER,
          "r1,1,e1,2015-03-01,2015-03-05,110105194912310021,甲,limited_company,active",
          "r2,1,e2,2015-03-01,2015-03-05,91110000600037341X,乙,limited_company,active")  # fmt: skip
    told = {w.kind: w.examples for w in check(folder).warnings}
    assert told["uscc_check_digit"] == ("e1: 1101*************1", "e2: 9111*************X")


# Dates


@pytest.mark.parametrize("day", ["1900-01-01", "0001-01-01", "1949-09-30", "1970-01-01"])
def test_an_event_on_a_day_that_stands_for_not_yet_is_no_history(folder: Path, tmp_path: Path, day: str) -> None:
    header = f"{COMMON},arm,result_codes"
    write(folder, "inspections", header, f"i1,1,e1,{day},2024-02-01,random,D", "i2,1,e2,2023-03-01,2023-03-09,random,D")
    (folder / "manifest.json").write_text(
        '{"tables": {"inspections": {"covers_from": "2015-01-01"}}}', encoding="utf-8"
    )
    report = check(folder)
    assert report.tables["inspections"].reasons == {"occurred_at: placeholder_date": 1}
    assert rows(folder, "quarantine", "inspections", "reason") == [
        (f"occurred_at is '{day}', expected a day from 1949-10-01 on other than 1970-01-01",)
    ]
    write_table(folder, AS_OF, tmp_path / "month.parquet", HEBEI)
    table = read_table(tmp_path / "month.parquet")[0].droplevel("cutoff")
    assert table["days_since_problem"].to_dict() == {"e1": 3650.0, "e2": float((AS_OF - date(2023, 3, 1)).days)}


def test_an_enterprise_founded_in_the_year_one_is_not_425_years_old(folder: Path) -> None:
    write(folder, "registration", REGISTER, "r1,1,e1,0001-01-01,2015-03-05,,甲,limited_company,active",
          "r2,1,e2,2015-03-01,2015-03-05,,乙,limited_company,active")  # fmt: skip
    report = check(folder)
    assert report.tables["registration"].reasons == {"occurred_at: placeholder_date": 1}
    store = open_folder(folder.parent / "out" / "clean")
    assert cohort(store, [AS_OF], Scope("hebei"))["enterprise_id"].tolist() == ["e2"]
    store.close()


def test_an_end_that_stands_for_not_yet_is_read_as_none_and_counted(folder: Path) -> None:
    header = f"{COMMON},licence_kind,licence_status,valid_to,ended_on"
    write(folder, "licences", header, "l1,1,e1,2014-01-05,2016-02-01,food,valid,1900-01-01,1900-01-01",
          "l2,1,e1,2014-01-05,2016-02-01,food,valid,9999-12-31,2019-01-01")  # fmt: skip
    report = check(folder)
    assert report.ok
    assert rows(folder, "clean", "licences", "valid_to, ended_on") == [
        (None, None),
        (date(9999, 12, 31), date(2019, 1, 1)),
    ]
    told = {w.text: (w.count, w.examples) for w in report.warnings if w.kind == "placeholder_date"}
    assert told == {
        f"a day that stands for 'not known' stood in column {name!r}; it is read as missing": (1, ("row 1",))
        for name in ("valid_to", "ended_on")
    }


def test_an_event_before_its_enterprise_was_registered_is_set_aside(folder: Path) -> None:
    write(folder, "complaints", f"{COMMON},complaint_kind", "c1,1,e1,2015-02-28,2015-03-09,complaint",
          "c2,1,e1,2015-03-01,2015-03-09,complaint", "c3,1,nobody,1990-02-28,1990-03-09,complaint")  # fmt: skip
    report = check(folder)
    assert report.tables["complaints"].reasons == {"occurred_at: before_registration": 1}
    said = "occurred_at is 2015-02-28, expected a day no earlier than the registration of the enterprise on 2015-03-01"
    assert rows(folder, "quarantine", "complaints", "source_row, reason") == [(1, said)]


def test_a_post_or_a_right_may_be_older_than_the_registration(folder: Path) -> None:
    write(folder, "intellectual_property", f"{COMMON},ip_kind", "t1,1,e1,1995-02-28,2020-03-09,trademark")
    assert check(folder).ok


def test_an_event_that_was_known_decades_later_is_set_aside_but_not_its_later_versions(folder: Path) -> None:
    write(
        folder,
        "penalties",
        f"{COMMON},penalty_kinds",
        "p1,1,nobody,1995-01-05,2024-02-01,fine",
        "p2,1,nobody,1995-01-05,1995-02-01,fine",
        "p2,2,nobody,1995-01-05,2024-02-01,fine",
    )
    report = check(folder)
    assert report.tables["penalties"].reasons == {"occurred_at: known_too_late": 1}
    assert rows(folder, "quarantine", "penalties", "source_row, reason") == [
        (1, "occurred_at is 1995-01-05, expected within 20 years before known_at 2024-02-01")
    ]
