"""Files given for a plan: good rows go on, each bad one is told by row and column, and no name is repeated."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from features.errors import SourceError
from supervision.errors import PlanError
from supervision.plan.given import Inspector, Lead, read_excused, read_inspectors, read_leads

PERSON = "11010519491231002X"


def written(folder: Path, text: str) -> Path:
    file = folder / "inspectors.csv"
    file.write_text(text, encoding="utf-8")
    return file


def test_inspectors_are_read_with_their_fields_and_conflicts(tmp_path: Path) -> None:
    file = written(tmp_path, "inspector_id,district,fields,conflicts\nI2,130102,food;drug,E1; E2\nI1,130101,,\n")
    good, bad = read_inspectors(file, 4)
    assert bad == []
    assert good == [
        Inspector("I1", "1301"),
        Inspector("I2", "1301", frozenset({"food", "drug"}), frozenset({"E1", "E2"})),
    ]


def test_parquet_is_read_as_csv_is(tmp_path: Path) -> None:
    file = tmp_path / "inspectors.parquet"
    pd.DataFrame({"inspector_id": ["I1"], "district": ["130101"], "fields": [None]}).to_parquet(file)
    assert read_inspectors(file, 6) == ([Inspector("I1", "130101")], [])


@pytest.mark.parametrize(
    ("row", "column", "expected"),
    [
        ("张三,130101,,", "inspector_id", "an opaque id"),
        (f"{PERSON},130101,,", "inspector_id", "an opaque id"),
        ("I1,130101,,", "inspector_id", "each inspector once"),
        ("I9,Shijiazhuang,,", "district", "a district code of 6 to 6 digits"),
        ("I9,1301,,", "district", "a district code of 6 to 6 digits"),
        ("I9,130101,foods,", "fields", "fields of the contract joined by ;, got 1 unknown"),
        (f"I9,130101,,E1;{PERSON}", "conflicts", "enterprise ids joined by ;"),
        ("I9,130101", "–", "as many fields as the header has"),
    ],
)
def test_a_bad_row_is_left_out_and_told_without_repeating_it(
    tmp_path: Path, row: str, column: str, expected: str
) -> None:
    file = written(tmp_path, f"inspector_id,district,fields,conflicts\nI1,130101,,\n{row}\nI2,130101,,\n")
    good, [bad] = read_inspectors(file, 6)
    assert [i.id for i in good] == ["I1", "I2"]
    assert (bad.row, bad.column) == (2, column)
    assert bad.expected.startswith(expected)
    assert bad.text.startswith("inspectors.csv, row 2, column ")
    assert "张三" not in bad.text
    assert PERSON not in bad.text


def test_a_file_without_a_good_row_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=r"no inspector that can be used; .*row 1, column district"):
        read_inspectors(written(tmp_path, "inspector_id,district\nI1,x\n"), 6)


@pytest.mark.parametrize(
    ("text", "said"),
    [("inspector_id,region\nI1,130101\n", "column 'district' is missing"), ("", "no header line")],
)
def test_a_file_without_its_columns_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises((PlanError, SourceError), match=said):
        read_inspectors(written(tmp_path, text), 6)


def test_a_file_that_is_not_there_or_no_parquet_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="no such file"):
        read_inspectors(tmp_path / "none.csv", 6)
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"no parquet")
    with pytest.raises(PlanError, match="not a readable Parquet file"):
        read_inspectors(broken, 6)


def test_leads_name_an_enterprise_of_the_month_a_cause_and_a_field(tmp_path: Path) -> None:
    file = tmp_path / "leads.csv"
    lines = ["E1,complaint,food,过期食品", "E9,complaint,,", "E1,hunch,,", "E1,lead,foods,", f"E1,lead,,{PERSON}"]
    file.write_text("\n".join(["enterprise_id,cause,field,item", *lines]) + "\n", encoding="utf-8")
    good, bad = read_leads(file, {"E1"})
    assert good == [Lead("E1", "complaint", "food", "过期食品")]
    assert [(b.row, b.column) for b in bad] == [(2, "enterprise_id"), (3, "cause"), (4, "field"), (5, "item")]


def test_excused_enterprises_are_those_of_the_month(tmp_path: Path) -> None:
    file = tmp_path / "excused.csv"
    file.write_text("enterprise_id\nE1\nE2\n", encoding="utf-8")
    good, [bad] = read_excused(file, {"E1"})
    assert good == ["E1"]
    assert bad.text == "excused.csv, row 2, column enterprise_id: expected an enterprise of the month"
