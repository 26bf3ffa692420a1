"""A month is made whole or not at all, goes on where it was killed, and says what the service says."""

from __future__ import annotations

import errno
import shutil
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from features.catalogue import FAMILIES
from features.table.month import read_table
from helpers.ledger import NOVEMBER, OCTOBER, ON, asked, files_of, make
from helpers.small_model import model
from models.scoring.rules.province import load_rules
from serving.answers.fallback import classify
from serving.current.served import Served
from serving.ledger.place import LedgerError, Place, held_by
from serving.ledger.publish import classify_month
from serving.ledger.read import Ledger
from serving.ledger.rows import REGISTER, ledger_rows
from serving.ledger.schema import REASONS, SCHEMA


class Killed(BaseException):
    """Stands in for a process that ends between two steps."""


def _answers(root: Path, month: str) -> pd.DataFrame:
    rows: pd.DataFrame = Ledger.open(root, "hebei").query(
        "SELECT * FROM ledger WHERE month = $month ORDER BY enterprise_id", {"month": month}
    )
    return rows


def test_every_cell_is_what_the_service_answers(two_months: Path) -> None:
    frame, _ = read_table(Place(two_months, "hebei").indicators("2025-11"))
    objects = classify(frame, Served("hebei", model(), "7"), load_rules("hebei"), top=REASONS)
    rows = _answers(two_months, "2025-11").to_dict("records")
    assert len(rows) == len(objects) > 300
    assert {row["source"] for row in rows} == {"model"}
    for row, one in zip(rows, objects, strict=True):
        assert (row["enterprise_id"], row["grade"], row["score_grade"], row["score"]) == (
            one.enterprise_id, one.grade, one.score_grade, one.score,
        )  # fmt: skip
        assert row["probability"] == one.probability
        assert (row["insufficient"], row["unknown"]) == (
            one.insufficient, len([m for m in one.missing if not m.startswith("evidence")]),
        )  # fmt: skip
        assert {f: row[f"points_{f}"] for f in FAMILIES if f in one.family_points} == one.family_points
        told = [(row[f"reason_{k}"], row[f"reason_{k}_points"]) for k in range(1, REASONS + 1)]
        assert [t for t in told if isinstance(t[0], str)] == [(r.indicator, r.points) for r in one.reasons]
        assert row["determinations"] == ";".join(d.rule for d in one.determinations)
        assert row["registered"] == one.versions["registered"]
        groups = sum(value for name, value in row.items() if str(name).startswith("group_"))
        assert row["base_score"] + groups + row["points_limit"] == pytest.approx(row["score"], abs=1e-6)


def test_rows_that_the_model_cannot_read_are_answered_by_the_rules_in_their_place(two_months: Path) -> None:
    frame, _ = read_table(Place(two_months, "hebei").indicators("2025-11"))
    frame = frame.head(60).copy()
    frame["penalties_3y"] = frame["penalties_3y"].where(np.arange(60) % 7 > 0)
    register = pq.read_table(Place(two_months, "hebei").indicators("2025-11")).slice(0, 60).select(["enterprise_id"])
    for name in REGISTER:
        register = register.append_column(name, [[None] * 60])
    served, rules = Served("hebei", model(), "7"), load_rules("hebei")
    from features.catalogue import of_province

    table = ledger_rows(frame, register, served, rules, of_province("hebei", peers=True)).to_pylist()
    objects = classify(frame, served, rules, top=REASONS)
    assert [row["source"] for row in table] == [one.source for one in objects]
    assert [row["score"] for row in table] == [one.score for one in objects]
    assert [row["fallback"] for row in table] == [one.fallback for one in objects]
    assert {row["source"] for row in table} == {"model", "rules"}


def test_the_same_records_give_the_same_bytes(source: Path, two_months: Path, tmp_path: Path) -> None:
    for cutoff in (OCTOBER, NOVEMBER):
        make(source, tmp_path / "L", cutoff)
    assert files_of(tmp_path / "L") == files_of(two_months)


def test_a_month_that_is_there_already_stays(source: Path, two_months: Path, tmp_path: Path) -> None:
    shutil.copytree(two_months, tmp_path / "L")
    assert make(source, tmp_path / "L", NOVEMBER).act == "unchanged"
    assert files_of(tmp_path / "L") == files_of(two_months)


@pytest.mark.parametrize("when", [2, 9, 30, 60, 61, 62, 63, 64])
def test_a_run_that_is_killed_between_two_steps_goes_on_where_it_was(
    source: Path, two_months: Path, tmp_path: Path, when: int
) -> None:
    root = tmp_path / "L"
    shutil.copytree(two_months, root)
    _forget(root, "2025-11")
    said: list[str] = []

    def say(step: str) -> None:
        said.append(step)
        if len(said) == when:
            raise Killed

    try:
        classify_month(asked(source, NOVEMBER), root, on=ON, say=say)
    except Killed:
        assert "2025-11" not in Ledger.open(root, "hebei").months
    else:
        pytest.skip(f"the run has {len(said)} steps")
    assert make(source, root, NOVEMBER).act == "published"
    assert files_of(root) == files_of(two_months)


def _forget(root: Path, month: str) -> None:
    """Take the newest month out of a copied ledger, as if it had not been made."""
    shutil.rmtree(Place(root, "hebei").month(month))
    record = root / "hebei.jsonl"
    record.write_text("".join(record.read_text().splitlines(keepends=True)[:-1]))


def test_a_second_run_is_refused_and_told_who_holds_the_ledger(source: Path, tmp_path: Path) -> None:
    with (
        held_by(Place(tmp_path, "hebei"), "fenlei classify 2025-11"),
        pytest.raises(LedgerError, match=r"is being written by process \d+ \(fenlei classify 2025-11\)"),
    ):
        make(source, tmp_path, NOVEMBER)


def test_readers_never_see_half_a_month(source: Path, two_months: Path, tmp_path: Path) -> None:
    root, seen, done = tmp_path / "L", set[int](), threading.Event()
    shutil.copytree(two_months, root)
    _forget(root, "2025-11")

    def read() -> None:
        while not done.is_set():
            ledger = Ledger.open(root, "hebei")
            seen.add(len(ledger.query("SELECT 1 FROM ledger WHERE month = '2025-11'")))

    reader = threading.Thread(target=read)
    reader.start()
    rows = make(source, root, NOVEMBER).manifest["rows"]
    done.set()
    reader.join()
    assert seen <= {0, rows}


def test_a_full_disk_leaves_the_month_before_and_says_what_to_do(
    source: Path, two_months: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "L"
    shutil.copytree(two_months, root)
    _forget(root, "2025-11")

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(root))

    with monkeypatch.context() as patched:
        patched.setattr(pq, "write_table", full)
        with pytest.raises(
            LedgerError, match=r"no space is left.*the months before stand.*Make room and run"
        ):
            make(source, root, NOVEMBER)
    assert list(Ledger.open(root, "hebei").months) == ["2025-10"]
    assert make(source, root, NOVEMBER).act == "published"
    assert files_of(root) == files_of(two_months)


def test_only_first_days_of_months_are_classified(source: Path, tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="expected the first day of a month"):
        make(source, tmp_path, NOVEMBER.replace(day=2))


def test_months_are_made_in_their_order(source: Path, two_months: Path, tmp_path: Path) -> None:
    shutil.copytree(two_months, tmp_path / "L")
    with pytest.raises(LedgerError, match="2025-09 lies before 2025-11"):
        make(source, tmp_path / "L", OCTOBER.replace(month=9))


def test_the_schema_is_what_other_readers_find(two_months: Path) -> None:
    [file] = Place(two_months, "hebei").revision("2025-11", 0).glob("*.parquet")
    assert pq.read_schema(file).names == SCHEMA.names
    assert len(pd.read_parquet(two_months / "months")) == sum(
        m.manifest["rows"] for m in Ledger.open(two_months, "hebei").months.values()
    )
