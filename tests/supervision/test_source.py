"""New versions stand behind a table's other rows, in the file's own form, and the ordinary check reads them."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import duckdb
import pytest

from features.check import check_folder
from features.contract.manifest import Form
from features.errors import SourceError
from helpers.tiny_source import write_source
from supervision.source import Source, WriteError, day_of, write_with

HEADER = "record_id,version,enterprise_id,occurred_at,known_at,record_state,penalty_kinds,fine_fen,办案单位\n"


def penalties(folder: Path, encoding: str, text: str) -> Source:
    write_source(folder)
    (folder / "penalties.csv").write_text(HEADER + text, encoding=encoding)
    told = json.loads((folder / "manifest.json").read_text())
    told["tables"]["penalties"] = {"encoding": "gb18030" if encoding == "gbk" else "utf-8"}
    (folder / "manifest.json").write_text(json.dumps(told), encoding="utf-8")
    return Source(folder)


@pytest.mark.parametrize("encoding", ["gbk", "utf-8", "utf-8-sig"])
@pytest.mark.parametrize("end", ["", "\n"])
def test_a_table_of_text_keeps_its_bytes_and_gets_its_rows_at_the_end(tmp_path: Path, encoding: str, end: str) -> None:
    row = 'P1,1,E1,2025-03-01,2025-03-05,,fine,5000,"市局,一队"'
    source = penalties(tmp_path / "s", encoding, row + end)
    before = (tmp_path / "s" / "penalties.csv").read_bytes()
    [latest] = source.versions("penalties", "P1")
    assert (latest["办案单位"], latest["record_state"]) == ("市局,一队", None)
    more = {**latest, "version": "2", "known_at": "2025-12-10", "record_state": "wrong"}
    source.append("penalties", [more])
    assert (tmp_path / "s" / "penalties.csv").read_bytes().startswith(before)
    report = check_folder(tmp_path / "s", date(2026, 1, 1), tmp_path / "out")
    assert report.tables["penalties"].kept == 2
    with duckdb.connect() as con:
        rows = con.execute(
            f"""SELECT version, known_at, record_state, fine_fen, occurred_at
            FROM '{tmp_path}/out/clean/penalties.parquet' ORDER BY version"""
        ).fetchall()
    day = date(2025, 3, 1)
    assert rows == [(1, date(2025, 3, 5), "active", 5000, day), (2, date(2025, 12, 10), "wrong", 5000, day)]


def test_a_table_that_was_not_there_is_made(tmp_path: Path) -> None:
    source = Source(write_source(tmp_path / "s"))
    row = {"record_id": "O1", "version": "1", "enterprise_id": "E1", "occurred_at": "2025-12-10",
           "known_at": "2025-12-10", "ref_table": "registration", "ref_record_id": "r1", "state": "open"}  # fmt: skip
    source.append("objections", [{**row}])
    assert check_folder(tmp_path / "s", date(2026, 1, 1), tmp_path / "out").tables["objections"].kept == 1


def test_a_full_disk_leaves_the_table_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = penalties(tmp_path / "s", "utf-8", "P1,1,E1,2025-03-01,2025-03-05,,fine,5000,x\n")
    before = {p.name: p.read_bytes() for p in source.folder.iterdir()}

    def torn(*given: object) -> None:
        write_with(*given)  # type: ignore[arg-type]
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("supervision.source.write_with", torn)
    with pytest.raises(WriteError, match="can't be written: No space left on device; it is as it was"):
        source.append("penalties", [{"record_id": "P1", "version": "2"}])
    assert {p.name: p.read_bytes() for p in source.folder.iterdir()} == before


def test_a_type_that_can_not_hold_a_value_is_named(tmp_path: Path) -> None:
    write_source(tmp_path / "s")
    with duckdb.connect() as con:
        con.execute(f"COPY (SELECT 'P1' AS record_id, 1 AS version, 500 AS fine_fen) TO '{tmp_path}/s/p.parquet'")
    with pytest.raises(WriteError, match=r"penalties.fine_fen: a new version can't be written as int32"):
        write_with(tmp_path / "s/p.parquet", tmp_path / "out", "penalties", [{"fine_fen": "much"}], Form())


@pytest.mark.parametrize("text", ["2025-03-01", "2025/3/1", "20250301", "2025-03-01 00:00:00", "2025.3.1"])
def test_days_are_read_as_sources_write_them(text: str) -> None:
    assert day_of(text, "x") == date(2025, 3, 1)


@pytest.mark.parametrize("text", [None, "", "soon", "2025-13-01"])
def test_what_is_no_day_is_said(text: str | None) -> None:
    with pytest.raises(SourceError, match=r"x is .*, expected a day such as 2026-01-31"):
        day_of(text, "x")
