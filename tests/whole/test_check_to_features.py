"""What the check lets through, the indicators can read: empty tables and wholly quarantined ones too."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from features import cohort, compute_indicators
from features.check import check_folder
from features.scope import Scope
from helpers.scope import HEBEI

DAY = date(2026, 1, 1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.mkdir()
    columns = "record_id,version,enterprise_id,occurred_at,known_at,name,enterprise_type,status\n"
    row = "r1,1,E1,2015-01-01,2015-02-01,示例公司,limited_company,active\n"
    (path / "registration.csv").write_text(columns + row, encoding="utf-8")
    return path


@pytest.mark.parametrize("rows", ["", "h1,1,E1,not a date,2024-01-01,other\n"], ids=["empty", "all quarantined"])
def test_a_table_without_a_good_row_is_unknown_and_stops_nothing(folder: Path, rows: str) -> None:
    header = "record_id,version,enterprise_id,occurred_at,known_at,honour_kind\n"
    (folder / "honours.csv").write_text(header + rows, encoding="utf-8")
    check_folder(folder, DAY, folder.parent / "out")
    clean = folder.parent / "out" / "clean"
    found = compute_indicators(clean, cohort(clean, [DAY], HEBEI), HEBEI)
    assert len(found) == 1
    assert found["honours_3y"].isna().all()
    assert found["years_operating"].notna().all()


def test_todays_knowledge_of_a_past_month_corrects_the_cohort_too(folder: Path) -> None:
    """A firm that had ceased before the cut-off, known only later, leaves the corrected picture."""
    file = folder / "registration.csv"
    header, row = file.read_text(encoding="utf-8").splitlines()
    ended = row.replace("r1,1", "r1,2").replace("2015-02-01", "2025-06-01").replace("active", "cancelled")
    file.write_text("\n".join([header, row, ended, ""]), encoding="utf-8")
    check_folder(folder, DAY, folder.parent / "out")
    clean = folder.parent / "out" / "clean"
    past = date(2025, 6, 1)
    assert len(cohort(clean, [past], HEBEI)) == 1
    assert cohort(clean, [past], Scope("hebei", known_as_of=DAY)).empty
    assert isinstance(cohort(clean, [past], Scope("hebei", known_as_of=DAY)), pd.DataFrame)
