"""The service answers by id from the ledger's newest published month: the month's own class, never half a month."""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
import time
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from helpers.ledger import NOVEMBER, OCTOBER, make
from helpers.small_model import model
from models.scoring.classification import Classification
from models.scoring.rules.province import load_rules
from serving.answers.answer import Lost, answer
from serving.answers.requests import Item
from serving.current.served import Served
from serving.current.snapshot import Snapshot
from serving.current.tables import Tables
from serving.guard.call import Call
from serving.ledger import publish
from serving.ledger.gate import ledger_policy
from serving.ledger.place import Place
from serving.ledger.read import Ledger
from serving.ledger.schema import REASONS
from serving.published.months import Months
from serving.runtime import Runtime
from serving.settings import Settings

DECEMBER = date(2025, 12, 1)


@pytest.fixture
def ledger(two_months: Path, tmp_path: Path) -> Path:
    """A copy of both months that a test may write to."""
    return Path(shutil.copytree(two_months, tmp_path / "L"))


def looking(ledger: Path) -> Tables:
    return Tables("hebei", Months(ledger, "hebei"))


def _known(value: float | None) -> float | None:
    return None if value is None or np.isnan(value) else value


def test_two_hundred_enterprises_are_answered_with_score_class_and_reasons_of_their_ledger_row(ledger: Path) -> None:
    table, why = looking(ledger).look()
    assert table is not None
    assert (table.cutoff, why) == (NOVEMBER, "")
    rows = Ledger.open(ledger, "hebei").query("SELECT * FROM ledger WHERE month = '2025-11' ORDER BY enterprise_id")
    rows = rows.iloc[:: max(1, len(rows) // 200)].head(200)
    assert len(rows) == 200
    snapshot = Snapshot(Served("hebei", model(), "7"), load_rules("hebei"), table, "")
    found = answer([Item(enterprise_id=who) for who in rows["enterprise_id"]], snapshot, top=REASONS)
    for row, one in zip(rows.to_dict("records"), found, strict=True):
        assert isinstance(one, Classification)
        assert (one.enterprise_id, one.cutoff) == (row["enterprise_id"], NOVEMBER)
        assert (one.score, one.grade, one.score_grade) == (row["score"], row["grade"], row["score_grade"])
        assert (one.source, one.probability) == (row["source"], row["probability"])
        told = [(r.indicator, _known(r.value), r.points) for r in one.reasons]
        kept = [
            (row[f"reason_{k}"], row[f"reason_{k}_value"], row[f"reason_{k}_points"])
            for k in range(1, REASONS + 1)
            if isinstance(row[f"reason_{k}"], str)
        ]
        kept = [(name, _known(value), points) for name, value, points in kept]
        assert told == kept
        assert ";".join(hit.rule for hit in one.determinations) == (row["determinations"] or "")


def test_a_newly_published_month_is_taken_up_and_its_code_finds_the_enterprise(source: Path, ledger: Path) -> None:
    tables = looking(ledger)
    assert tables.look()[0] is tables.look()[0]
    make(source, ledger, DECEMBER)
    table, why = tables.look()
    assert table is not None
    assert (table.cutoff, why) == (DECEMBER, "")
    code = Ledger.open(ledger, "hebei").query("SELECT uscc FROM ledger WHERE uscc IS NOT NULL LIMIT 1")["uscc"].iloc[0]
    assert len(table.places_of(code)) == 1


def test_a_month_published_while_calls_are_answered_is_taken_up_without_a_restart_or_a_failed_call(
    source: Path, ledger: Path, tmp_path: Path
) -> None:
    """Without MLflow, too: nothing of it is there, and nothing is made."""
    settings = Settings(
        province="hebei", ledger=ledger, tracking_uri=f"sqlite:///{tmp_path / 'mlflow.db'}",
        audit=tmp_path / "audit.jsonl", tokens=tmp_path / "tokens.jsonl", reload_seconds=0.1,
    )  # fmt: skip
    who = str(Ledger.open(ledger, "hebei").query("SELECT max(enterprise_id) FROM ledger").iloc[0, 0])
    runtime = Runtime(settings)
    runtime.state.start()
    made = threading.Thread(target=make, args=(source, ledger, DECEMBER))
    made.start()
    replies: list[tuple[int, str]] = []

    async def steadily() -> None:
        body, end = json.dumps({"enterprise_id": who}).encode(), time.monotonic() + 60
        while time.monotonic() < end and (not replies or replies[-1][1] != DECEMBER.isoformat()):
            status, reply = await runtime.classify(body, Call("/classify"))
            replies.append((status, json.loads(reply).get("cutoff", "")))
            await asyncio.sleep(0.02)

    try:
        asyncio.run(steadily())
        status = runtime.status()
    finally:
        made.join()
        runtime.close()
    assert {status for status, _ in replies} == {200}
    assert list(dict.fromkeys(cutoff for _, cutoff in replies)) == [NOVEMBER.isoformat(), DECEMBER.isoformat()]
    assert status["no_table"] is None
    assert not (tmp_path / "mlflow.db").exists()


def test_a_held_month_leaves_the_one_before_and_says_so(
    source: Path, ledger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = looking(ledger)
    strict = ledger_policy("hebei").model_copy(update={"most_moved": 0.0})
    with monkeypatch.context() as patched:
        patched.setattr(publish, "ledger_policy", lambda _: strict)
        assert make(source, ledger, DECEMBER).act == "held"
    table, why = tables.look()
    assert table is not None
    assert (table.cutoff, why) == (NOVEMBER, "2025-12 waits for a person's release; 2025-11 is served")


@pytest.mark.parametrize("torn", ["part", "table", "record"])
def test_a_torn_month_leaves_the_one_before_says_so_and_is_taken_up_once_mended(
    source: Path, ledger: Path, torn: str
) -> None:
    tables = looking(ledger)
    tables.look()
    make(source, ledger, DECEMBER)
    place = Place(ledger, "hebei")
    [part] = place.revision("2025-12", 0).glob("part-*.parquet")
    file = {"part": part, "table": place.indicators("2025-12"), "record": place.record}[torn]
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) - 20])
    table, why = tables.look()
    assert table is not None
    assert table.cutoff == NOVEMBER
    says = {
        "part": "2025-12: part-00000.parquet has changed",
        "table": "2025-12: 2025-12.parquet is no",
        "record": "hebei.jsonl, line 3",
    }
    assert says[torn] in why
    assert str(ledger) not in why
    file.write_bytes(whole)
    table, why = tables.look()
    assert table is not None
    assert (table.cutoff, why) == (DECEMBER, "")


def test_after_a_restart_the_month_before_answers_where_the_newest_is_torn(ledger: Path) -> None:
    file = Place(ledger, "hebei").indicators("2025-11")
    file.write_bytes(file.read_bytes()[:1000])
    table, why = looking(ledger).look()
    assert table is not None
    assert table.cutoff == OCTOBER
    assert why.startswith("2025-11: 2025-11.parquet is no indicator table")


def test_a_ledger_whose_record_is_lost_leaves_the_month_in_place_and_says_so(ledger: Path) -> None:
    tables = looking(ledger)
    before, _ = tables.look()
    Place(ledger, "hebei").record.unlink()
    assert tables.look() == (before, "the ledger has no published month of hebei")


def test_a_ledger_without_months_says_so(tmp_path: Path) -> None:
    table, why = looking(tmp_path / "none").look()
    assert table is None
    assert why == "the ledger has no published month of hebei"
    snapshot = Snapshot(Served("hebei"), load_rules("hebei"), None, why)
    [lost] = answer([Item(enterprise_id="E1")], snapshot)
    assert isinstance(lost, Lost)
    assert (lost.status, lost.what) == (503, f"enterprises can't be looked up: {why}")
