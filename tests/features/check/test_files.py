"""A file that is almost named right is no file of the contract, but never passed over in silence."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from features.check import CheckReport, render
from features.contract import TABLES
from features.errors import SourceError
from helpers.source import PENALTIES, check, penalties

OTHERS = [name for name in TABLES if name != "registration"]


def screen(report: CheckReport) -> str:
    console = Console(width=300)
    with console.capture() as shown:
        console.print(render(report))
    return shown.get()


def singular(name: str) -> str:
    """The slip that people make: one thing's name."""
    return name.removesuffix("ies") + "y" if name.endswith("ies") else name.removesuffix("s")


@pytest.mark.parametrize("name", OTHERS)
def test_a_table_in_other_case_or_in_the_singular_is_recognised_and_is_not_ok(folder: Path, name: str) -> None:
    slips = {f"{name.title()}.parquet", f"{name}.CSV", f"{name} (1).csv", f"{name}_2024.csv"}
    slips |= {f"{singular(name)}.csv"} if singular(name) != name else set()
    for slip in slips:
        (folder / slip).write_text("x", encoding="utf-8")
    report = check(folder)
    assert not report.ok
    told = {w.text for w in report.misnamed}
    assert len(told) == len(slips)
    assert all(any(text.startswith(f"'{slip}' is left out: did you mean {name}? ") for text in told) for slip in slips)


@pytest.mark.parametrize(
    ("slip", "todo"),
    [
        ("Penalties.parquet", "did you mean penalties? name it penalties.parquet"),
        ("penalty.csv", "did you mean penalties? name it penalties.csv"),
        ("penalites.csv", "did you mean penalties? name it penalties.csv"),
        ("penalties.xlsx", "did you mean penalties? save it as penalties.parquet or penalties.csv"),
        ("penalties.csv.gz", "did you mean penalties? save it as penalties.parquet or penalties.csv"),
        ("penalties", "did you mean penalties? save it as penalties.parquet or penalties.csv"),
        ("complaint.parquet", "did you mean complaints? name it complaints.parquet"),
        ("Manifest.json", "did you mean manifest.json? name it manifest.json"),
    ],
)
def test_the_screen_says_what_was_meant_and_that_not_every_row_was_used(folder: Path, slip: str, todo: str) -> None:
    (folder / slip).write_text("x", encoding="utf-8")
    shown = screen(check(folder))
    assert f"misnamed '{slip}' is left out: {todo}" in shown
    assert "every row is usable" not in shown
    assert "something was left out: see the names above" in shown


@pytest.mark.parametrize("name", ["penalties", "penalties.parquet"])
def test_a_folder_of_part_files_in_the_place_of_a_table_is_said(folder: Path, name: str) -> None:
    (folder / name).mkdir()
    [told] = check(folder).misnamed
    assert told.text.startswith(f"'{name}' is left out: did you mean penalties? it is a folder, expected one file")


def test_beside_the_table_itself_the_slip_is_said_to_be_a_second_one(folder: Path) -> None:
    penalties(folder, "p1,1,e1,2024-01-05,2024-02-01,fine,1")
    (folder / "penalties_2023.csv").write_text(PENALTIES, encoding="utf-8")
    [told] = check(folder).misnamed
    assert "penalties.csv is there too: put their rows into one file, or move this one away" in told.text


@pytest.mark.parametrize("name", ["notes.txt", "README.md", "penalties.sql", "tax_notes.txt", "schema.json", "truth"])
def test_a_file_of_another_name_or_kind_is_a_warning_that_stops_nothing(folder: Path, name: str) -> None:
    (folder / name).write_text("x", encoding="utf-8")
    report = check(folder)
    assert report.ok
    assert f"warning '{name}' is no table of the contract; left out" in screen(report)
    assert "warning :" not in screen(report)


def test_a_required_table_with_a_slip_in_its_name_is_missing_and_named(folder: Path) -> None:
    (folder / "registration.csv").rename(folder / "Registrations.csv")
    with pytest.raises(SourceError, match=r"no table of the contract here.*did you mean registration\? name it regist"):
        check(folder)
    penalties(folder, "p1,1,e1,2024-01-05,2024-02-01,fine,1")
    with pytest.raises(SourceError, match=r"registration .* is missing; .*did you mean registration\? name it registr"):
        check(folder)


@pytest.mark.parametrize("name", ["Fine_Fen", "fine fen", "fines_fen", "FineFen"])
def test_an_optional_column_that_is_almost_named_right_is_not_ok_either(folder: Path, name: str) -> None:
    text = PENALTIES.replace("fine_fen", name) + "p1,1,e1,2024-01-05,2024-02-01,fine,1\n"
    (folder / "penalties.csv").write_text(text, encoding="utf-8")
    report = check(folder)
    assert not report.ok
    assert [w.text for w in report.misnamed] == [
        f"column {name!r} is not in the contract; left out: did you mean fine_fen?"
    ]


def test_an_address_is_not_taken_for_its_opaque_identifier(folder: Path) -> None:
    text = (folder / "registration.csv").read_text(encoding="utf-8").replace("uscc", "address").replace("9111", "")
    (folder / "registration.csv").write_text(text, encoding="utf-8")
    report = check(folder)
    assert report.ok
    assert [w.kind for w in report.warnings if "address" in w.text] == ["unknown_column"]
