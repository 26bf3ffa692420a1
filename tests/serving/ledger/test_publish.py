"""What is published is verified, held where it differs too much, and revised but never written over."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from helpers.ledger import NOVEMBER, ON, asked, files_of, make
from helpers.signing import people
from models.signoff.errors import ApprovalError
from models.signoff.record.signers import Signers
from serving.current.served import Served
from serving.ledger import gate
from serving.ledger.diff import difference
from serving.ledger.export import Receiver, export, receiver_of
from serving.ledger.gate import judge, ledger_policy
from serving.ledger.page import PAGE, text
from serving.ledger.place import LedgerError, Place
from serving.ledger.publish import classify_month, held_months, release
from serving.ledger.read import Ledger


@pytest.fixture
def ledger(two_months: Path, tmp_path: Path) -> Path:
    """A copy of both months that a test may write to."""
    return Path(shutil.copytree(two_months, tmp_path / "L"))


def test_a_changed_file_is_noticed(ledger: Path) -> None:
    month = Ledger.open(ledger, "hebei").month("2025-11")
    month.verify()
    [part] = month.folders[0].glob("part-*.parquet")
    part.write_bytes(part.read_bytes() + b"x")
    with pytest.raises(LedgerError, match=r"part-00000\.parquet has changed since it was written"):
        month.verify()
    part.unlink()
    with pytest.raises(LedgerError, match="is missing: the month is not whole"):
        month.verify()


def test_a_changed_record_is_noticed(ledger: Path) -> None:
    record = ledger / "hebei.jsonl"
    record.write_text(record.read_text().replace('"act":"published"', '"act":"released"', 1))
    with pytest.raises(LedgerError, match="line 1: the record of the ledger was changed"):
        Ledger.open(ledger, "hebei")


def _held(source: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    strict = ledger_policy("hebei").model_copy(update={"most_moved": 0.0})
    with monkeypatch.context() as patched:
        patched.setattr("serving.ledger.publish.ledger_policy", lambda _: strict)
        made = make(source, root, date(2025, 12, 1))
    assert made.act == "held"
    assert [f.code for f in made.findings] == ["many_moved"]


def test_a_held_month_is_published_by_a_listed_person_with_a_note_alone(
    source: Path, ledger: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _held(source, ledger, monkeypatch)
    assert held_months(Place(ledger, "hebei")) == ["2025-12"]
    with pytest.raises(LedgerError, match="2025-12 waits for a person's release"):
        Ledger.open(ledger, "hebei").month("2025-12")
    signing = people(tmp_path / "signing")
    listed = Signers(signing.path, "0", tuple(s for k, s in signing.signers.items() if k != "wang"))
    on = date(2026, 2, 1)
    for label, note, error, says in (
        ("wang", "looked at it", ApprovalError, "is not in"),
        ("li", " ", LedgerError, "needs a note"),
    ):
        with pytest.raises(error, match=says):
            release(ledger, "hebei", "2025-12", note, key=signing.keys[label], signers=listed, on=on)
    with pytest.raises(LedgerError, match="does not wait for a release; waiting: 2025-12"):
        release(ledger, "hebei", "2025-11", "yes", key=signing.keys["li"], signers=listed, on=on)
    release(ledger, "hebei", "2025-12", "looked at it", key=signing.keys["li"], signers=listed, on=on)
    month = Ledger.open(ledger, "hebei").month("2025-12")
    month.verify()
    assert month.lines[-1].by == listed.of_key(month_key(ledger)).shown
    assert held_months(Place(ledger, "hebei")) == []


def month_key(ledger: Path) -> str:
    """Public key of the last line of the record."""
    import json

    return str(json.loads((ledger / "hebei.jsonl").read_text().splitlines()[-1])["key"])


def test_a_forged_release_is_noticed(source: Path, ledger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from models import chain

    _held(source, ledger, monkeypatch)
    [*_, last] = Ledger.open(ledger, "hebei").lines
    body = {
        "act": "released", "month": last.month, "revision": 0, "manifest": last.manifest, "on": "2026-02-01",
        "why": "trust me", "by": "Li Na 李娜", "key": "A" * 44, "number": 3, "previous": last.hash,
    }  # fmt: skip
    body["hash"] = chain.digest(body, ("hash", "signature"))
    chain.append(ledger / "hebei.jsonl", chain.canonical(body | {"signature": "AAAA"}))
    with pytest.raises(LedgerError, match="the signature of the release does not hold"):
        Ledger.open(ledger, "hebei")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"classes": {"A": 0, "B": 400, "C": 50, "D": 50}}, "class_emptied"),
        ({"rows": 300}, "firms_lost"),
        ({"classes": {"A": 100, "B": 100, "C": 150, "D": 150}}, "classes_drifted"),
        ({"records": {}}, "table_missing"),
        ({"coverage": {"penalties": 0.8}}, "coverage_lost"),
        ({"by_rules": 100}, "many_by_rules"),
        ({"migration": {"firms": 500, "moved": 0.5, "far": 0.0}}, "many_moved"),
        ({"migration": {"firms": 500, "moved": 0.1, "far": 0.05}}, "many_far"),
        ({"model": {"version": None, "why": "hash", "expected": True}}, "model_not_used"),
    ],
)
def test_the_gate_names_what_differs_too_much(change: dict[str, object], code: str) -> None:
    month = {
        "rows": 500, "classes": {"A": 300, "B": 120, "C": 50, "D": 30}, "by_rules": 0, "coverage": {"penalties": 1.0},
        "records": {"penalties": {}}, "migration": {"firms": 500, "moved": 0.03, "far": 0.0},
        "model": {"version": "v", "why": "", "expected": False},
    }  # fmt: skip
    policy = gate.ledger_policy("hebei")
    assert judge(month, month, policy) == []
    assert code in [f.code for f in judge(month | change, month, policy)]


def _corrected(source: Path, folder: Path, table: str, record: str) -> Path:
    """The records, and a version of one that withdraws it: an objection to it was upheld on 20 December."""
    shutil.copytree(source, folder)
    path = folder / f"{table}.parquet"
    rows = pd.read_parquet(path)
    new = rows[rows["record_id"] == record].tail(1).copy()
    new["version"], new["known_at"], new["record_state"] = new["version"] + 1, pd.Timestamp(2025, 12, 20), "wrong"
    new["known_at"] = new["known_at"].astype(rows["known_at"].dtype)
    duckdb.from_df(pd.concat([rows, new], ignore_index=True)).write_parquet(str(path))
    return folder


def test_an_objection_upheld_later_moves_that_months_revision_alone(source: Path, ledger: Path, tmp_path: Path) -> None:
    con = duckdb.connect()
    enterprise, record = con.execute(
        f"""SELECT p.enterprise_id, p.record_id FROM read_parquet('{source}/penalties.parquet') p
        JOIN read_parquet('{ledger}/months/*/*/*/*.parquet') l USING (enterprise_id)
        WHERE p.occurred_at > '2024-01-01' AND p.known_at < '2025-09-01' ORDER BY ALL LIMIT 1"""
    ).fetchall()[0]
    later = _corrected(source, tmp_path / "later", "penalties", record)
    before = files_of(ledger)
    assert make(later, ledger, NOVEMBER).act == "unchanged"
    made = make(later, ledger, NOVEMBER, cause="objection O-17 upheld", known=date(2025, 12, 21))
    assert (made.act, made.revision) == ("revised", 1)
    assert made.manifest["rows"] < 10  # what else became known of the months before is in it, too
    after = files_of(ledger)
    assert {name: after[name] for name in before if name != "hebei.jsonl"} == {
        name: data for name, data in before.items() if name != "hebei.jsonl"
    }
    history = Ledger.open(ledger, "hebei").history(enterprise)
    assert history[["month", "revision"]].to_numpy().tolist() == [["2025-10", 0], ["2025-11", 0], ["2025-11", 1]]
    assert history["score"].iloc[2] < history["score"].iloc[1]
    assert history["cause"].iloc[2] == "objection O-17 upheld"
    latest = Ledger.open(ledger, "hebei").query(
        "SELECT score FROM ledger WHERE month = '2025-11' AND enterprise_id = $who", {"who": enterprise}
    )
    assert latest["score"].tolist() == [history["score"].iloc[2]]


def test_a_revision_without_a_change_is_refused(source: Path, ledger: Path) -> None:
    with pytest.raises(LedgerError, match="nothing changed"):
        make(source, ledger, NOVEMBER, cause="just to see")


def test_another_model_is_no_reason_to_write_over_a_month(source: Path, ledger: Path) -> None:
    rules = Served("hebei")
    with pytest.raises(LedgerError, match="2025-11 is published already, and would be another month now"):
        classify_month(asked(source, NOVEMBER, served=rules), ledger, on=ON)


def test_the_difference_counts_everybody_once(two_months: Path) -> None:
    ledger = Ledger.open(two_months, "hebei")
    found = difference(ledger, "2025-10", "2025-11")
    october, november = (ledger.months[m].manifest["rows"] for m in ("2025-10", "2025-11"))
    both = sum(map(sum, found.counts))
    assert both + sum(found.left.values()) == october
    assert both + sum(found.entered.values()) == november
    off_diagonal = both - sum(found.counts[k][k] for k in range(4))
    assert off_diagonal == len(found.movers) == found.sums["region"]["movers"].sum() > 0
    moved = ledger.months["2025-11"].manifest["migration"]
    assert [list(row) for row in found.counts] == moved["counts"]


def test_an_enterprise_nobody_knows_has_no_history(two_months: Path) -> None:
    with pytest.raises(LedgerError, match="no enterprise 'X' in the published months of hebei"):
        Ledger.open(two_months, "hebei").history("X")


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_an_export_has_what_its_receiver_may_get(two_months: Path, tmp_path: Path, form: str) -> None:
    ledger = Ledger.open(two_months, "hebei")
    to = receiver_of("hebei", "two_randoms")
    done = export(ledger, "2025-11", to, tmp_path, form="csv" if form == "csv" else "parquet")
    frame = pd.read_csv(done.file, dtype=str) if form == "csv" else pd.read_parquet(done.file)
    assert tuple(frame.columns) == to.columns
    assert len(frame) == done.rows == ledger.months["2025-11"].manifest["rows"]


def test_a_delta_turns_the_older_export_into_the_newer(two_months: Path, tmp_path: Path) -> None:
    ledger, to = Ledger.open(two_months, "hebei"), receiver_of("hebei", "two_randoms")
    old, new = (
        pd.read_csv(export(ledger, m, to, tmp_path).file, dtype=str).set_index("enterprise_id")
        for m in ("2025-10", "2025-11")
    )
    delta = pd.read_csv(export(ledger, "2025-11", to, tmp_path, since="2025-10").file, dtype=str)
    delta = delta.set_index("enterprise_id")
    assert set(delta["change"]) <= {"new", "changed", "gone"}
    patched = pd.concat(
        [old.drop(delta.index, errors="ignore"), delta[delta["change"] != "gone"].drop(columns="change")]
    )
    pd.testing.assert_frame_equal(patched.sort_index(), new.sort_index())


def test_no_class_goes_to_the_public(tmp_path: Path) -> None:
    told = {
        "id": "press",
        "zh": "媒体",
        "en": "press",
        "article": "-",
        "audience": "public",
        "columns": ["name", "grade"],
    }
    with pytest.raises(ValueError, match=r"\['grade'\] may not go to the public"):
        Receiver.model_validate(told)
    with pytest.raises(ValueError, match="not columns of the ledger; did you mean grade"):
        Receiver.model_validate(told | {"audience": "regulator", "columns": ["grde"]})


def test_an_unknown_receiver_is_told_whom_there_are() -> None:
    with pytest.raises(LedgerError, match="exports to no 'two_random'; there are two_randoms"):
        receiver_of("hebei", "two_random")


def test_the_page_is_what_the_schema_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == text(), "run python -m serving.ledger.page"
