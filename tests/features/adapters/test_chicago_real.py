"""The Chicago adapter on the real rows: accounts, the label of the source's own notes, bytes."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from features.adapters import ADAPTERS, AdapterReport
from features.check import check_folder

pytestmark = [pytest.mark.real, pytest.mark.slow]

Made = tuple[Path, AdapterReport]


@pytest.fixture(scope="module")
def made(chicago: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    out = tmp_path_factory.mktemp("chicago")
    return out, ADAPTERS["chicago"](chicago, out, inspections=("canvass",))


def test_no_row_of_any_file_is_lost(made: Made, chicago: Path) -> None:
    _, report = made
    rows = {p.name: pq.read_metadata(p).num_rows for p in chicago.glob("*.parquet")}
    said = {f.file: f.rows_in for f in report.files} | {f: n for f, (n, _) in report.left_out.items()}
    assert said == rows
    assert report.balanced
    assert not report.missing
    assert "file not known to the adapter" not in {why for _, why in report.left_out.values()}


def test_every_visit_has_the_label_of_the_source(made: Made, chicago: Path) -> None:
    out, report = made
    [visits] = [f for f in report.files if f.file == "inspections.parquet"]
    assert visits.unmapped.total() == 0

    def by_day(file: Path, when: str, critical: str) -> list[tuple[str, int, int]]:
        query = f"SELECT {when}, count(*), count(*) FILTER ({critical}) FROM read_parquet(?) GROUP BY 1 ORDER BY 1"
        return duckdb.execute(query, [str(file)]).fetchall()

    ours = by_day(out / "inspections.parquet", "occurred_at::VARCHAR", "result_codes = '3'")
    theirs = by_day(chicago / "inspections.parquet", "Inspection_Date", "criticalCount > 0")
    assert ours == theirs
    # The source's own notes: 13.5 % of its rows; a folder with more months may differ a little.
    assert 0.125 < sum(v for _, _, v in ours) / sum(n for _, n, _ in ours) < 0.15


def test_no_visit_is_drawn_or_targeted_and_no_inspector_is_named(made: Made) -> None:
    out, _ = made
    query = "SELECT DISTINCT arm, trigger, inspector_id, draw_id FROM read_parquet(?)"
    assert duckdb.execute(query, [str(out / "inspections.parquet")]).fetchall() == [("unknown", "routine", None, None)]


def test_a_tenth_of_the_visits_has_no_licence(made: Made) -> None:
    _, report = made
    [permits] = [f for f in report.files if f.file == "business_license_at_inspection.parquet"]
    assert 0.09 < permits.unmapped["the source found no licence in force"] / permits.rows_in < 0.12


def test_nearly_every_place_has_an_industry_and_a_region(made: Made) -> None:
    out, _ = made
    query = "SELECT avg((industry IS NULL)::INT), avg((region IS NULL)::INT) FROM read_parquet(?)"
    [(trade, region)] = duckdb.execute(query, [str(out / "registration.parquet")]).fetchall()
    assert trade < 0.02
    assert region < 0.001


def test_the_contract_quarantines_nothing(made: Made, tmp_path: Path) -> None:
    totals = check_folder(made[0], date(2099, 1, 1), tmp_path).as_dict()["totals"]
    assert (totals["quarantined"], totals["merged"], totals["orphans"]) == (0, 0, 0)


def test_same_input_same_bytes(made: Made, chicago: Path, tmp_path: Path) -> None:
    ADAPTERS["chicago"](chicago, tmp_path, inspections=("canvass",))
    for path in sorted(made[0].iterdir()):
        again = (tmp_path / path.name).read_bytes()
        assert hashlib.sha256(path.read_bytes()).digest() == hashlib.sha256(again).digest(), path.name
