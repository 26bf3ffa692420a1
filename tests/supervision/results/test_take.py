"""Results come back as records of their draws, once; what no plan drew, or can't be, is set aside with a reason."""

from __future__ import annotations

import csv
import sys
from datetime import date
from pathlib import Path

import duckdb
import pytest

from features.check import check_folder
from features.errors import SourceError
from fenlei.cli import main
from helpers.tiny_source import write_source
from supervision.results.take import Taken, take
from supervision.source import Source, WriteError

ON = date(2025, 12, 20)
DRAWS = "record_id,version,enterprise_id,occurred_at,known_at,plan_id,probability_ppm,fate\n"
HEADER = "draw_id,day,result_codes,fate,items,inspector_id,known_at\n"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Ten firms, five of them drawn in December with a chance of a tenth."""
    folder = write_source(tmp_path / "source")
    rows = "".join(f"D{k},1,E{k},2025-12-03,2025-12-03,P12,100000,pending\n" for k in range(5))
    (folder / "draws.csv").write_text(DRAWS + rows, encoding="utf-8")
    return folder


def results(source: Path, *rows: str, header: str = HEADER) -> Path:
    file = source.with_name("back.csv")
    file.write_text(header + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    return file


def rows(folder: Path, table: str, columns: str) -> list[tuple[object, ...]]:
    """Clean rows, as the ordinary check has them."""
    out = folder.with_name("out")
    report = check_folder(folder, date(2026, 1, 1), out)
    assert report.totals["quarantined"] == 0
    with duckdb.connect() as con:
        found = con.execute(f"SELECT {columns} FROM '{out}/clean/{table}.parquet' ORDER BY record_id, version")
        return found.fetchall()


def aside(taken: Taken) -> dict[int, str]:
    assert taken.quarantine is not None
    with taken.quarantine.open(encoding="utf-8", newline="") as file:
        return {int(row["row"]): row["reason"] for row in csv.DictReader(file)}


def test_a_result_is_a_visit_of_the_random_arm_with_the_probability_of_its_draw(source: Path) -> None:
    taken = take(
        results(
            source,
            "D0,2025-12-12,E;D,,F01=failed:serious;F02=passed,I7,2025-12-15",
            "D1,2025-12-13,1,,,,",
            "D2,2025-12-14,,excused,,,",
        ),
        source,
        on=ON,
    )
    assert (taken.taken, taken.aside, taken.quarantine) == (3, 0, None)
    assert taken.written == {"inspections": 2, "inspection_items": 2, "draws": 3}
    visits = rows(source, "inspections", "enterprise_id, occurred_at, known_at, arm, trigger, draw_id, result_codes")
    assert visits == [
        ("E0", date(2025, 12, 12), date(2025, 12, 15), "random", "draw", "D0", "D;E"),
        ("E1", date(2025, 12, 13), ON, "random", "draw", "D1", "1"),
    ]
    items = rows(source, "inspection_items", "inspection_id, item_code, severity, result")
    assert items == [("FLV-D0", "F01", "serious", "failed"), ("FLV-D0", "F02", None, "passed")]
    draws = rows(source, "draws", "record_id, version, known_at, probability_ppm, fate, occurred_at")
    assert [d for d in draws if d[1] == 2] == [
        ("D0", 2, date(2025, 12, 15), 100_000, "carried_out", date(2025, 12, 3)),
        ("D1", 2, ON, 100_000, "carried_out", date(2025, 12, 3)),
        ("D2", 2, ON, 100_000, "excused", date(2025, 12, 3)),
    ]


def test_the_same_file_taken_again_changes_nothing(source: Path) -> None:
    file = results(source, "D0,2025-12-12,1,,,,", "D1,2025-12-12,,not_carried_out,,,")
    take(file, source, on=ON)
    before = {p.name: p.read_bytes() for p in source.iterdir()}
    again = take(file, source, on=date(2025, 12, 20))
    assert again.written == {}
    assert {p.name: p.read_bytes() for p in source.iterdir()} == before


def test_what_no_plan_drew_or_can_not_be_is_set_aside_and_the_rest_goes_on(source: Path) -> None:
    faults = {
        "D9,2025-12-12,1,,,,": "draw_id 'D9' was never drawn: no plan's draws have it",
        ",2025-12-12,1,,,,": "draw_id is missing",
        "D1,soon,1,,,,": "day is 'soon', expected a day such as",
        "D1,2025-12-02,1,,,,": "day is 2025-12-02, before the draw on 2025-12-03",
        "D1,2025-12-12,1,,,,2025-12-11": "known_at is 2025-12-11, before the visit on 2025-12-12",
        "D1,2025-12-12,1,,,,2025-12-21": "known_at is 2025-12-21, after 2025-12-20, today",
        "D1,2025-12-12,Z,,,,": "result_codes has 'Z', expected of 1, A,",
        "D1,2025-12-12,,,,,": "result_codes is '' and fate carried_out; expected codes of what was found",
        "D1,2025-12-12,1,excused,,,": "result_codes is '1' and fate excused; expected none",
        "D1,2025-12-12,1,lost,,,": "fate is 'lost', expected one of carried_out",
        "D1,2025-12-12,1,,F01=good,,": "items has 'F01=good', expected code=result",
        "D1,2025-12-12,1,,F01=passed;F01=failed,,": "items names 'F01' twice",
        "D1,2025-12-12,1,,": "expected",
    }
    taken = take(results(source, *faults, "D0,2025-12-12,1,,,,"), source, on=ON)
    assert (taken.rows, taken.taken, taken.aside) == (len(faults) + 1, 1, len(faults))
    found = aside(taken)
    for number, says in enumerate(faults.values(), 1):
        assert says in found[number]
    assert taken.reasons["was never drawn"] == 1
    assert len(rows(source, "inspections", "record_id")) == 1


def test_a_draw_has_one_result(source: Path) -> None:
    take(results(source, "D0,2025-12-12,1,,,,"), source, on=ON)
    file = results(
        source,
        "D0,2025-12-12,D,,,,",  # another result than the one that is there
        "D1,2025-12-12,1,,,,", "D1,2025-12-12,D,,,,",  # two that contradict
        "D2,2025-12-12,1,,,,", "D2,2025-12-12,1,,,,",  # one said twice
    )  # fmt: skip
    taken = take(file, source, on=ON)
    assert (taken.taken, taken.merged, taken.aside) == (1, 1, 3)
    found = aside(taken)
    assert found[1] == "draw D0 has another result already: carried_out 1"
    assert found[2] == found[3] == "rows 2, 3 say different things of draw D1"
    assert [v[0] for v in rows(source, "inspections", "draw_id")] == ["D0", "D2"]


def test_a_visit_that_waits_for_its_result_gets_it_as_a_later_version(source: Path) -> None:
    (source / "inspections.csv").write_text(
        "record_id,version,enterprise_id,occurred_at,known_at,arm,draw_id,result_codes\n"
        "V7,1,E0,2025-12-12,2025-12-13,random,D0,\n",
        encoding="utf-8",
    )
    assert take(results(source, "D0,2025-12-12,D,,,,"), source, on=ON).written == {"inspections": 1, "draws": 1}
    assert rows(source, "inspections", "record_id, version, result_codes") == [("V7", 1, None), ("V7", 2, "D")]


def test_what_was_cut_short_goes_on(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = results(source, "D0,2025-12-12,1,,F01=passed,,", "D1,2025-12-12,D,,,,")
    append = Source.append

    def cut(self: Source, table: str, given: object) -> Path:
        if table == "draws":
            raise WriteError("the disk is full")
        return append(self, table, given)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(Source, "append", cut)
        with pytest.raises(WriteError):
            take(file, source, on=ON)
    taken = take(file, source, on=ON)
    assert (taken.aside, taken.written) == (0, {"draws": 2})
    assert len(rows(source, "inspections", "record_id")) == 2


def test_a_person_s_number_is_neither_taken_nor_shown(source: Path) -> None:
    number = "11010519491231002X"  # the standard's own example
    taken = take(results(source, f"D0,2025-12-12,1,,,{number},"), source, on=ON)
    assert taken.aside == 1
    assert taken.quarantine is not None
    assert number not in taken.quarantine.read_text(encoding="utf-8")
    assert not (source / "inspections.parquet").exists()


def test_a_file_that_is_none_is_said(source: Path) -> None:
    with pytest.raises(SourceError, match="no such file"):
        take(source / "nothing.csv", source, on=ON)
    with pytest.raises(SourceError, match="required column 'day' is missing"):
        take(results(source, "D0,1", header="draw_id,result_codes\n"), source, on=ON)


def test_the_verb_exits_1_where_rows_are_set_aside(
    source: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(file: Path) -> object:
        words = ["fenlei", "results", "take", str(file), "--into", str(source), "--on", "2025-12-20"]
        monkeypatch.setattr(sys, "argv", words)
        try:
            main()
        except SystemExit as ended:
            return ended.code
        return 0

    assert run(results(source, "D0,2025-12-12,1,,,,")) == 0
    assert "1 draws got their result" in capsys.readouterr().out
    assert run(results(source, "D9,2025-12-12,1,,,,")) == 1
    assert "set aside: 1, was never drawn" in capsys.readouterr().out
    assert run(source / "nothing.csv") == 2
