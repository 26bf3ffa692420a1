"""What the service tells of one enterprise: its history from the ledger, its page, and what would help it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest

from features.engine.record.record import extract_context
from features.records.store import open_folder
from features.scope import Scope
from helpers.ledger import NOVEMBER
from helpers.small_model import model
from models.remedies.result import Remedies
from models.remedies.search import remedies_of
from models.remedies.variants import Judge
from models.scoring.rules.province import load_rules
from serving.client import AsyncClient, Client
from serving.current.served import Served
from serving.current.snapshot import Snapshot
from serving.current.tables import NO_TABLE, Tables
from serving.enterprises import Enterprises
from serving.guard.call import Call
from serving.guard.grants import Grant
from serving.guard.paths import ENTERPRISE, SHEET, place_of
from serving.guard.regions import Regions
from serving.ledger.place import Place
from serving.ledger.read import Ledger
from serving.published.months import Months
from serving.published.told import Enterprise, WhatIfAnswer
from serving.settings import Settings


@pytest.fixture(scope="module")
def snapshot(two_months: Path) -> Snapshot:
    """The ledger's newest month, by the model that answered it."""
    table, why = Tables("hebei", Months(two_months, "hebei")).look()
    return Snapshot(Served("hebei", model(), "7"), load_rules("hebei"), table, why)


def _nowhere() -> Regions:
    return Regions(None)


@pytest.fixture
def enterprises(two_months: Path, snapshot: Snapshot) -> Enterprises:
    return Enterprises(Settings(province="hebei", ledger=two_months, timeout=60), lambda: snapshot, _nowhere)


def ask(
    of: Enterprises, path: str, subject: str = "", body: object = None, query: str = "", grant: Grant | None = None
) -> tuple[int, Any, Call]:
    call = Call(path, subject=subject, query=query, grant=grant)
    status, reply = asyncio.run(of.ways()[path](json.dumps(body).encode(), call))
    return status, reply.decode() if call.kind.startswith("text/html") else json.loads(reply), call


def test_an_enterprise_is_told_with_its_class_now_and_every_published_one(
    enterprises: Enterprises, two_months: Path
) -> None:
    ledger = Ledger.open(two_months, "hebei")
    who = str(ledger.query("SELECT enterprise_id FROM ledger WHERE month = '2025-10' ORDER BY 1 LIMIT 1").iloc[0, 0])
    rows = ledger.history(who)
    status, body, call = ask(enterprises, ENTERPRISE, who)
    said = Enterprise.model_validate(body)
    assert status == 200
    assert [(one.month, one.revision, one.grade, one.score) for one in said.history] == list(
        rows[["month", "revision", "grade", "score"]].itertuples(index=False, name=None)
    )
    assert [one.registered for one in said.history] == ["7", "7"]
    assert said.current is not None
    assert (said.current.score, said.current.cutoff) == (said.history[-1].score, NOVEMBER)
    assert (call.enterprises, call.source) == ([who], {said.current.source: 1})
    code = rows["uscc"].iloc[-1]
    assert ask(enterprises, ENTERPRISE, code)[1]["enterprise_id"] == who


def test_an_unknown_enterprise_is_404_and_a_ledger_without_months_503_with_the_cause(
    enterprises: Enterprises, snapshot: Snapshot, tmp_path: Path
) -> None:
    assert ask(enterprises, ENTERPRISE, "nobody")[0] == 404
    assert ask(enterprises, SHEET, "nobody")[0] == 404
    bare = replace(snapshot, table=None, no_table="the ledger has no published month of hebei")
    empty = Enterprises(Settings(province="hebei", ledger=tmp_path), lambda: bare, _nowhere)
    for path in (ENTERPRISE, SHEET):
        status, body, _ = ask(empty, path, "E1")
        assert (status, body["status"]) == (503, 503)
        assert "the ledger has no published month" in body["detail"]
    alone = Enterprises(Settings(province="hebei"), lambda: replace(snapshot, table=None, no_table=NO_TABLE), _nowhere)
    status, body, _ = ask(alone, ENTERPRISE, "E1")
    assert status == 503
    assert "no ledger" in body["detail"]


def test_what_may_be_a_person_is_refused_and_neither_told_nor_noted(enterprises: Enterprises) -> None:
    number = "11010519491231002X"
    status, body, call = ask(enterprises, ENTERPRISE, number)
    assert status == 422
    assert number not in json.dumps(body)
    assert call.enterprises == []


def test_the_page_is_in_the_language_asked_for_with_the_months_before(
    enterprises: Enterprises, two_months: Path
) -> None:
    who = str(Ledger.open(two_months, "hebei").query("SELECT enterprise_id FROM ledger ORDER BY 1 LIMIT 1").iloc[0, 0])
    status, zh, call = ask(enterprises, SHEET, who)
    assert (status, call.kind) == (200, "text/html; charset=utf-8")
    assert '<html lang="zh-CN">' in zh
    assert "近期分数" in zh
    assert "无此前月份的分数" not in zh
    _, en, _ = ask(enterprises, SHEET, who, query="language=en")
    assert '<html lang="en">' in en
    assert ask(enterprises, SHEET, who, query="language=fr")[0] == 422


def test_what_would_help_is_what_the_search_finds_and_named_acts_are_done_together(
    enterprises: Enterprises, two_months: Path
) -> None:
    risky = Ledger.open(two_months, "hebei").query(
        "SELECT enterprise_id FROM ledger WHERE month = '2025-11' AND grade IN ('C', 'D') ORDER BY 1 LIMIT 4"
    )
    store = open_folder(Place(two_months, "hebei").checked / "clean", threads=1)
    records = extract_context(store, list(risky["enterprise_id"]), NOVEMBER, Scope("hebei", peers=True))
    store.close()
    judge = Judge(load_rules("hebei"), model())
    for record in records:
        body = {
            "enterprise_id": record.enterprise_id,
            "cutoff": NOVEMBER.isoformat(),
            "record": {
                "tables": json.loads(json.dumps(record.tables, default=str)),
                "context": json.loads(json.dumps(record.relations, default=str)),
                "covers_from": {t: d.isoformat() for t, d in record.covers_from.items()},
            },
        }
        status, reply, call = ask(enterprises, "/what_if", body=body)
        assert status == 200, reply
        said = WhatIfAnswer.model_validate(reply)
        [found] = remedies_of([record], judge)
        assert said.result == Remedies.model_validate(found.model_dump())
        assert (said.searched, said.source, call.enterprises) == (True, "model", [record.enterprise_id])
        if said.result.possible:
            names = [one.act for one in said.result.possible][:2]
            together = WhatIfAnswer.model_validate(ask(enterprises, "/what_if", body={**body, "acts": names})[1])
            assert not together.searched
            assert set(names) <= {one.act for one in together.result.acts}
            assert together.result.score_before == found.score_before
            again = WhatIfAnswer.model_validate(
                ask(enterprises, "/what_if", body={**body, "acts": [one.act for one in found.acts] or names})[1]
            )
            if found.acts:
                assert (again.result.score_after, again.result.grade_after) == (found.score_after, found.grade_after)
    status, reply, _ = ask(enterprises, "/what_if", body={**body, "acts": ["bribe"]})
    assert (status, reply["errors"][0]["where"]) == (422, "acts[0]")
    wrong = {**body, "record": {"tables": {"penalties": [{"record_id": "p1"}]}}}
    assert ask(enterprises, "/what_if", body=wrong)[0] == 422
    late = Enterprises(Settings(province="hebei", ledger=two_months, timeout=1e-6), enterprises._snapshot, _nowhere)
    assert ask(late, "/what_if", body=body)[0] == 504


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/enterprises/E1", (ENTERPRISE, "E1")),
        ("/enterprises/E1/sheet", (SHEET, "E1")),
        ("/enterprises/E1/", ("other", "")),
        ("/enterprises/E1/more", ("other", "")),
        ("/enterprises", ("other", "")),
        ("/classify/x", ("other", "")),
    ],
)
def test_only_the_paths_that_are_there_are_known(path: str, place: tuple[str, str]) -> None:
    assert place_of(path) == place


def test_both_clients_ask_alike_and_read_the_same(enterprises: Enterprises, two_months: Path) -> None:
    who = str(Ledger.open(two_months, "hebei").query("SELECT enterprise_id FROM ledger ORDER BY 1 LIMIT 1").iloc[0, 0])
    _, body, _ = ask(enterprises, ENTERPRISE, who)
    asked: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(f"{request.method} {request.url.raw_path.decode()}")
        if "sheet" in asked[-1]:
            return httpx.Response(200, html="<html></html>")
        return httpx.Response(200, json=body)

    transport = httpx.MockTransport(handle)
    one = Client("http://s", "t", http=httpx.Client(transport=transport, base_url="http://s"))
    other = AsyncClient("http://s", "t", http=httpx.AsyncClient(transport=transport, base_url="http://s"))
    assert one.enterprise("E/1 ") == asyncio.run(other.enterprise("E/1 ")) == Enterprise.model_validate(body)
    assert one.sheet(who, language="en") == asyncio.run(other.sheet(who, language="en")) == "<html></html>"
    assert asked == ["GET /enterprises/E%2F1%20"] * 2 + [f"GET /enterprises/{who}/sheet?language=en"] * 2


def test_an_enterprise_of_another_region_is_refused_in_the_same_words_whether_or_not_it_is_there(
    two_months: Path, snapshot: Snapshot, tmp_path: Path
) -> None:
    months = duckdb.read_parquet(str(two_months / "months" / "*" / "month=2025-11" / "*" / "*.parquet"))
    months.project("enterprise_id, region, 1 AS version").write_parquet(str(tmp_path / "regions.parquet"))
    regions = Regions(tmp_path / "regions.parquet")
    service = Enterprises(Settings(province="hebei", ledger=two_months, timeout=60), lambda: snapshot, lambda: regions)
    [(who, code, region)] = (
        months.project("enterprise_id, uscc, region")
        .filter("uscc IS NOT NULL")
        .order("enterprise_id")
        .limit(1)
        .fetchall()
    )
    grant = Grant("a", datetime(2030, 1, 1, tzinfo=UTC), regions=(region,))
    elsewhere = replace(grant, regions=("119999",))
    for name in (who, code):
        assert ask(service, ENTERPRISE, name, grant=grant)[0] == 200
        assert ask(service, SHEET, name, grant=grant)[0] == 200
    told = {json.dumps(ask(service, path, name, grant=elsewhere)[:2]) for path in (ENTERPRISE, SHEET)
            for name in (who, code, "nobody")}  # fmt: skip
    assert len(told) == 1
    assert "403" in told.pop()
