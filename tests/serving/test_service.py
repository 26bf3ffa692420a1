"""The service over HTTP: what it answers, and that it is the same as in process."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http import HTTPStatus
from typing import Any

import httpx
import pandas as pd
import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it ships no types

from features.catalogue.evidence import EVIDENCE
from features.errors import SourceError
from helpers.here import here
from models.scoring.classification import Classification
from models.scoring.classify import classify_frame
from models.scoring.rules.province import load_rules
from models.signoff import export
from models.tracking import versions
from models.tracking.names import LEGACY
from serving.answers.fallback import classify
from serving.current.served import Served
from serving.guard.audit import verify
from serving.shadow.tally import read_tally

from .conftest import CUTOFF, World, wait_for

pytestmark = pytest.mark.slow


def as_indicators(frame: pd.DataFrame, i: int) -> dict[str, Any]:
    """Row i as a question by indicators."""
    row = frame.iloc[i]
    return {
        "enterprise_id": frame.index[i][0],
        "cutoff": CUTOFF.isoformat(),
        "indicators": {k: None if pd.isna(v) else float(v) for k, v in row.items() if k not in EVIDENCE},
        "evidence": {k: [r for r in row[k].split(";") if r] for k in EVIDENCE},
    }


def as_record(world: World, i: int) -> dict[str, Any]:
    """Row i as a question by record."""
    r = world.records[i]
    return {
        "enterprise_id": r.enterprise_id,
        "cutoff": CUTOFF.isoformat(),
        "record": {
            "tables": json.loads(json.dumps(r.tables, default=str)),
            "context": json.loads(json.dumps(r.relations, default=str)),
            "covers_from": {t: d.isoformat() for t, d in r.covers_from.items()},
        },
    }


def classified(reply: httpx.Response) -> list[Classification]:
    assert reply.status_code == 200, reply.text
    return [Classification.model_validate(item["classification"]) for item in reply.json()["items"]]


def test_the_three_ways_of_asking_agree_with_the_classification_in_process(
    by_model: httpx.Client, world: World
) -> None:
    expected = classify(world.frame.iloc[:12], Served("hebei", world.model(), "1"), load_rules("hebei"))
    plain = classify_frame(world.frame.iloc[:12], world.model(), load_rules("hebei"))
    assert [c.score for c in expected] == [c.score for c in plain]
    assert {c.source for c in expected} == {"model"}
    ids = [c.enterprise_id for c in expected]
    ways = {
        "indicators": [as_indicators(world.frame, i) for i in range(12)],
        "record": [as_record(world, i) for i in range(12)],
        "enterprise": [{"enterprise_id": e} for e in ids],
        "uscc": [{"uscc": world.codes.iloc[i]} for i in range(12) if pd.notna(world.codes.iloc[i])],
    }
    assert len(ways["uscc"]) >= 6
    for way, items in ways.items():
        found = classified(by_model.post("/classify", json={"items": items}))
        wanted = [c for c in expected if way != "uscc" or pd.notna(world.codes.iloc[ids.index(c.enterprise_id)])]
        assert found == wanted, way
    mixed = [ways["record"][3], ways["enterprise"][0], ways["indicators"][5], ways["enterprise"][0]]
    assert classified(by_model.post("/classify", json={"items": mixed})) == [expected[i] for i in (3, 0, 5, 0)]


def test_an_answer_says_score_class_source_reasons_and_versions(by_model: httpx.Client, world: World) -> None:
    reply = by_model.post("/classify", json={"enterprise_id": world.frame.index[0][0]})
    answer = reply.json()
    assert 0 <= answer["score"] <= 1000
    assert answer["grade"] in "ABCD"
    assert answer["source"] == "model"
    assert answer["fallback"] is None
    assert answer["reasons"][0]["text_en"]
    assert answer["reasons"][0]["text_zh"]
    assert set(answer["versions"]) == {"model", "registered", "catalogue", "policy"}
    assert answer["base_score"] + sum(answer["family_points"].values()) == pytest.approx(answer["score"], abs=1e-6)


def test_the_same_question_gets_the_same_bytes(by_model: httpx.Client, world: World) -> None:
    question = {"items": [as_record(world, 0), {"enterprise_id": world.frame.index[1][0]}]}
    assert len({by_model.post("/classify", json=question).content for _ in range(5)}) == 1


def test_an_unknown_enterprise_is_404_and_in_a_batch_the_others_are_answered(
    by_model: httpx.Client, world: World
) -> None:
    reply = by_model.post("/classify", json={"enterprise_id": "nobody"})
    assert reply.status_code == 404
    assert "no such enterprise" in reply.json()["detail"]
    good = world.frame.index[0][0]
    items = by_model.post("/classify", json={"items": [{"uscc": "nobody"}, {"enterprise_id": good}]}).json()["items"]
    assert items[0]["error"] == {
        "item": 0,
        "status": 404,
        "what": "no such enterprise in the indicator table of 2026-01-01",
    }
    assert items[1]["classification"]["enterprise_id"] == good


def test_ten_thousand_enterprises_in_one_call_are_refused_with_the_maximum(by_rules: httpx.Client) -> None:
    reply = by_rules.post("/classify", json={"items": [{"enterprise_id": f"E{i}"} for i in range(10_000)]})
    assert reply.status_code == 413
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.json() == {
        "type": "about:blank",
        "title": HTTPStatus.REQUEST_ENTITY_TOO_LARGE.phrase,
        "status": 413,
        "detail": "10000 items in one call; at most 1000 are answered: split them over several calls",
    }


def test_a_thousand_enterprises_in_one_call_are_answered(by_model: httpx.Client, world: World) -> None:
    ids = list(world.frame.index.get_level_values("enterprise_id"))
    asked = [ids[i % len(ids)] for i in range(1000)]
    found = classified(by_model.post("/classify", json={"items": [{"enterprise_id": e} for e in asked]}))
    assert [c.enterprise_id for c in found] == asked


@pytest.mark.parametrize(
    ("body", "where", "what"),
    [
        (b"", "body", "not JSON"),
        (b"{", "body", "not JSON"),
        (b"[1]", "body", "expected a JSON object"),
        (b'"E1"', "body", "expected a JSON object"),
        (b"{}", "body", "exactly one of enterprise_id and uscc"),
        (b'{"items": []}', "items", "at least 1"),
        (b'{"items": {"enterprise_id": "E1"}}', "items", "valid list"),
        (b'{"items": [{"enterprise_id": "E1"}, 7]}', "items[1]", "valid dictionary"),
        (b'{"enterprise_id": 7}', "enterprise_id", "valid string"),
        (b'{"enterprise": "E1"}', "enterprise", "not permitted"),
        (b'{"enterprise_id": "E1", "indicators": {"penalties_3y": 1}}', "body", "needs enterprise_id and cutoff"),
        (
            b'{"enterprise_id": "E1", "cutoff": "2026-01-01", "indicators": {"penalties": 1}}',
            "indicators",
            "unknown indicator: penalties",
        ),
        (
            b'{"enterprise_id": "E1", "cutoff": "2026-01-01", "indicators": {"penalties_3y": "3"}}',
            "indicators.penalties_3y",
            "valid number",
        ),
        (b'{"enterprise_id": "E1", "cutoff": "2026-01-01", "indicators": {"penalties_3y": NaN}}', "body", "not JSON"),
        (
            b'{"enterprise_id": "E1", "cutoff": "January", "indicators": {}}',
            "cutoff",
            "the first day of a month such as 2026-01-01",
        ),
        (
            b'{"items": [{"enterprise_id": "E1", "cutoff": "2026-01-01", "record": {"tables": {"horoscopes": []}}}]}',
            "items[0].record.tables",
            "unknown table: horoscopes",
        ),
        (
            b'{"items": [{"enterprise_id": "E1", "cutoff": "2026-01-01", "record": {"tables": {"penalties": '
            b'[{"record_id": "p", "occurred_at": "2025-01-01", "known_at": "2025-01-09", "penalty_kinds": "fine", '
            b'"fine_fen": "Zhang San"}]}}}]}',
            "items[0].record.tables.penalties[0].fine_fen",
            "expected a whole number",
        ),
        (
            b'{"enterprise_id": "E1", "cutoff": "2026-01-01", "record": {"tables": {"penalties": [{"weight": 1}]}}}',
            "record.tables.penalties[0]",
            "unknown column weight",
        ),
        (
            b'{"enterprise_id": "E1", "cutoff": "2026-01-01", "record": {"tables": {}, "context": '
            b'{"cluster": [{"others": "many"}]}}}',
            "record.context",
            "cluster, row 0, column others: expected a whole number",
        ),
    ],
)
def test_a_wrong_request_is_422_and_names_item_and_field(
    by_rules: httpx.Client, body: bytes, where: str, what: str
) -> None:
    reply = by_rules.post("/classify", content=body, headers={"Content-Type": "application/json"})
    assert reply.status_code == 422, reply.text
    (problem,) = reply.json()["errors"]
    assert problem["where"] == where
    assert what in problem["what"]
    assert "Zhang San" not in reply.text
    assert "Traceback" not in reply.text


def test_two_records_of_one_enterprise_in_a_call_are_refused(by_rules: httpx.Client, world: World) -> None:
    reply = by_rules.post("/classify", json={"items": [as_record(world, 0), as_record(world, 0)]})
    assert reply.status_code == 422
    assert reply.json()["errors"] == [{"where": "items[1]", "what": "the same enterprise and cutoff as items[0]"}]


def test_a_body_over_the_limit_gets_a_readable_answer(by_rules: httpx.Client) -> None:
    reply = by_rules.post("/classify", content=b" " * (33 * 2**20), headers={"Content-Type": "application/json"})
    assert reply.status_code == 413
    assert "longer than" in reply.json()["detail"]
    wrong = by_rules.put("/classify", content=b"{}", headers={"Content-Type": "application/json"})
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST")
    assert by_rules.get("/status").json()["detail"] == "/status is asked with POST"


def test_heavy_calls_do_not_keep_a_single_record_waiting(by_rules: httpx.Client, world: World) -> None:
    """As a reviewer took it down: calls of 150 records, each with coverage of its own."""

    def heavy(n: int) -> int:
        items = []
        for i in range(150):
            one = as_record(world, i % 12)
            one["enterprise_id"] = f"X{n}-{i}"
            one["record"]["tables"] = {"penalties": [], "inspections": [], "abnormal_list": []}
            one["record"]["covers_from"] = {"penalties": f"20{i % 20:02}-01-{i % 28 + 1:02}"}
            items.append(one)
        return by_rules.post("/classify", json={"items": items}).status_code

    with ThreadPoolExecutor(8) as several:
        waiting = [several.submit(heavy, n) for n in range(7)]
        answers = [by_rules.post("/classify", json=as_record(world, i)) for i in range(3)]
        assert {a.status_code for a in answers} == {200}
        assert {w.result() for w in waiting} <= {200, 504}
    assert by_rules.post("/classify", json=as_record(world, 0)).status_code == 200


@pytest.mark.parametrize("header", [None, "Bearer wrong", "Basic dGVzdHM6dGVzdHM=", "bearer"])
def test_without_a_valid_token_nothing_is_answered(by_rules: httpx.Client, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    with httpx.Client(base_url=by_rules.base_url, timeout=30) as stranger:
        for path in ("/classify", "/status", "/docs.json", "/metrics", "/", "/static_content/index.css", "/nothing"):
            method = "POST" if path in ("/classify", "/status") else "GET"
            reply = stranger.request(method, path, headers=headers)
            assert reply.status_code == 401, path
            assert reply.headers["www-authenticate"] == "Bearer"
        assert stranger.get("/livez").status_code == 200
        assert stranger.get("/readyz").status_code == 200


def test_bentomls_own_page_is_not_shown_and_the_description_is(by_rules: httpx.Client) -> None:
    page = by_rules.get("/")
    assert page.headers["content-type"].startswith("text/plain")
    assert "<" not in page.text.replace("<token>", "")
    assert by_rules.get("/static_content/index.css").status_code == 404
    described = by_rules.get("/docs.json").json()
    request = described["paths"]["/classify"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert {"items", "indicators", "record", "uscc"} <= set(request["properties"])


def test_another_kind_of_body_is_refused(by_rules: httpx.Client) -> None:
    reply = by_rules.post("/classify", content=b"x", headers={"Content-Type": "application/vnd.bentoml+pickle"})
    assert reply.status_code == 415


def test_with_nothing_approved_the_rules_answer_and_say_so(by_rules: httpx.Client, world: World) -> None:
    answer = by_rules.post("/classify", json={"enterprise_id": world.frame.index[0][0]}).json()
    (expected,) = classify_frame(world.frame.iloc[:1], None, load_rules("hebei"), fallback="no approved model")
    assert Classification.model_validate(answer) == expected.model_copy(update={"fallback_code": "no_model"})
    assert (answer["source"], answer["fallback"]) == ("rules", "no approved model")


def by_version(version: str) -> Callable[[dict[str, Any]], bool]:
    """Whether a status says that a registered version answers."""
    return lambda status: status["source"] == "model" and status["model"]["registered"] == version


def test_an_approval_is_served_without_a_restart_and_a_withdrawal_ends_it(by_rules: httpx.Client, world: World) -> None:
    question = {"enterprise_id": world.frame.index[0][0]}
    versions.set_alias(here(), LEGACY, "2")  # by hand: signed by nobody
    assert by_rules.post("/classify", json=question).json()["fallback"] == "no approved model"
    versions.set_alias(here(), LEGACY, None)
    for version in ("1", "2"):
        world.approve(version)
        status = wait_for(by_rules, by_version(version))
        assert (status["fallback"], status["model"]["version"]) == (None, world.model(version).version)
        answer = by_rules.post("/classify", json=question).json()
        assert (answer["source"], answer["fallback"]) == ("model", None)
        assert answer["versions"]["registered"] == version
        assert answer["versions"]["model"] == world.model(version).version
    world.withdraw()
    wait_for(by_rules, lambda s: s["fallback"] == "no approved model")


def test_a_bundle_changed_since_approval_is_not_served_and_the_rules_answer(
    by_model: httpx.Client, world: World
) -> None:
    booster = export.folder_of(here(), "1") / "booster.txt"
    before = booster.read_bytes()
    try:
        booster.write_bytes(before.replace(b"leaf_value=", b"leaf_value=9", 1))
        wait_for(by_model, lambda s: s["source"] == "rules")
        answer = by_model.post("/classify", json={"enterprise_id": world.frame.index[0][0]}).json()
        assert answer["source"] == "rules"
        assert "have changed since approval" in answer["fallback"]
        assert answer["fallback_code"] == "hash_mismatch"
    finally:
        booster.write_bytes(before)
    wait_for(by_model, lambda s: s["source"] == "model")


def test_every_call_is_in_the_audit_record_without_what_was_asked(by_model: httpx.Client, world: World) -> None:
    question = as_record(world, 0)
    person = "P-very-private"
    question["record"]["tables"]["persons_roles"] = [{"person_id": person}]
    before = by_model.post("/status").json()["audit"]
    by_model.post("/classify", json=question)
    good = world.frame.index[0][0]
    by_model.post("/classify", json={"items": [{"enterprise_id": good}, {"enterprise_id": "nobody"}]})
    after = by_model.post("/status").json()["audit"]
    text = world.settings.audit.read_text(encoding="utf-8")
    _, wrong, batch = [json.loads(line) for line in text.splitlines()][before["lines"] : after["lines"]]
    assert (wrong["status"], wrong["token"]) == (422, "tests 测试")
    assert (batch["status"], batch["enterprises"], batch["source"]) == (200, [good, "nobody"], {"model": 1})
    assert batch["versions"]["model.registered"] == "1"
    assert person not in text
    assert world.token not in text
    assert verify(world.settings.audit, head=before["head"]).ok


def test_a_call_may_ask_for_one_language_and_fewer_reasons(by_model: httpx.Client, world: World) -> None:
    question = {"enterprise_id": world.frame.index[0][0]}
    whole = by_model.post("/classify", json=question).json()
    few = by_model.post("/classify", json={**question, "reasons": 2, "language": "zh"}).json()
    assert [(r["text_zh"], r["text_en"]) for r in few["reasons"]] == [(r["text_zh"], "") for r in whole["reasons"][:2]]
    none = by_model.post("/classify", json={"items": [question], "reasons": False}).json()["items"][0]["classification"]
    assert none == {**whole, "reasons": []}
    wrong = by_model.post("/classify", json={**question, "language": "fr"})
    assert (wrong.status_code, wrong.json()["errors"][0]["where"]) == (422, "language")


def test_the_same_key_and_body_get_the_same_bytes_and_another_body_is_refused(
    by_model: httpx.Client, world: World
) -> None:
    key = {"Idempotency-Key": "month-2026-01"}
    question = {"enterprise_id": world.frame.index[0][0]}
    first = by_model.post("/classify", json=question, headers=key)
    again = by_model.post("/classify", json=question, headers=key)
    assert (first.status_code, first.content) == (again.status_code, again.content)
    other = by_model.post("/classify", json={"enterprise_id": world.frame.index[1][0]}, headers=key)
    assert other.status_code == 422
    assert "Idempotency-Key" in other.json()["detail"]
    line = json.loads(world.settings.audit.read_text(encoding="utf-8").splitlines()[-2])
    assert line["repeated"] is True


def test_the_model_says_who_signed_it_when_and_what_it_promises(by_model: httpx.Client, world: World) -> None:
    said = by_model.get("/model").json()
    model = world.model("1")
    assert (said["registered"], said["content_hash"]) == ("1", model.content_hash)
    assert [(s["action"], s["on"]) for s in said["signed"]] == [("propose", "2026-01-02"), ("approve", "2026-01-02")]
    assert said["signed"][0]["by"] != said["signed"][1]["by"]
    assert said["contract"]["cuts"] == list(model.bands.cuts)
    assert by_model.post("/model").status_code == 405


def test_the_figures_count_calls_answers_and_fallbacks(by_rules: httpx.Client, world: World) -> None:
    def figure(name: str) -> float:
        lines = by_rules.get("/metrics").text.splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))

    fallbacks = 'fenlei_fallbacks_total{cause="no_model"}'
    calls = 'fenlei_call_seconds_count{path="/classify",status="200"}'
    before = figure(fallbacks), figure(calls), figure("fenlei_answers_total{")
    by_rules.post("/classify", json={"enterprise_id": world.frame.index[0][0]})
    assert (figure(fallbacks), figure(calls), figure("fenlei_answers_total{")) == tuple(n + 1 for n in before)
    assert figure('fenlei_age_days{of="month"}') > 0
    assert figure("fenlei_audit_failures_total") == 0


def test_the_description_is_true_of_answers_and_of_refusals(by_model: httpx.Client, world: World) -> None:
    described = by_model.get("/docs.json").json()
    Draft202012Validator.check_schema(described["components"]["schemas"]["Classification"])
    known = world.frame.index[0][0]
    told: list[tuple[str, str, Any]] = [
        ("post", "/classify", as_indicators(world.frame, 0)),
        ("post", "/classify", {"items": [{"enterprise_id": known}, {"enterprise_id": "nobody"}]}),
        ("post", "/classify", {"enterprise_id": "nobody"}),
        ("post", "/classify", {"enterprise": known}),
        ("post", "/status", {}),
        ("get", "/model", None),
        ("post", "/what_if", as_record(world, 0)),
        ("post", "/what_if", {"enterprise_id": known}),
        ("get", f"/enterprises/{known}", None),
    ]
    for method, path, body in told:
        reply = by_model.request(method, path, json=body)
        kind = reply.headers["content-type"]
        template = "/enterprises/{id}" if path.startswith("/enterprises") else path
        schema = described["paths"][template][method]["responses"][str(reply.status_code)]["content"][kind]["schema"]
        Draft202012Validator({**schema, "components": described["components"]}).validate(reply.json())


def test_the_page_of_an_enterprise_is_answered_and_every_such_call_is_audited(
    by_model: httpx.Client, world: World
) -> None:
    who = world.frame.index[0][0]
    before = by_model.post("/status").json()["audit"]["lines"]
    page = by_model.get(f"/enterprises/{who}/sheet", params={"language": "en"})
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert '<html lang="en">' in page.text
    assert by_model.get("/enterprises/nobody/sheet").status_code == 404
    assert by_model.get(f"/enterprises/{who}").status_code == 503  # no ledger is set
    assert by_model.post(f"/enterprises/{who}", json={}).status_code == 405
    assert by_model.post("/what_if", json=as_record(world, 0)).status_code == 200
    lines = [json.loads(line) for line in world.settings.audit.read_text(encoding="utf-8").splitlines()][before + 1 :]
    assert [(one["path"], one["status"]) for one in lines] == [
        ("/enterprises/{id}/sheet", 200),
        ("/enterprises/{id}/sheet", 404),
        ("/enterprises/{id}", 503),
        ("/enterprises/{id}", 405),
        ("/what_if", 200),
    ]
    assert [one["enterprises"] for one in lines[:2]] == [[who], ["nobody"]]
    assert lines[-1]["enterprises"] == [world.records[0].enterprise_id]


def test_a_shadow_scores_beside_the_version_in_use_and_changes_no_answer(by_model: httpx.Client, world: World) -> None:
    ids = [who for who, _ in world.frame.index[100:120]]
    for who in ids:
        said = by_model.post("/classify", json={"enterprise_id": who}).json()
        assert (said["source"], said["versions"]["registered"]) == ("model", "1")
    end = time.monotonic() + 20
    while time.monotonic() < end:
        with suppress(SourceError):
            tally = read_tally(world.settings.shadow_file)
            if (tally.served, tally.shadow) == ("1", "2") and tally.size >= len(ids):
                break
        time.sleep(0.2)
    assert (tally.served, tally.shadow, tally.failed) == ("1", "2", 0)
    assert tally.size >= len(ids)
    assert 'fenlei_shadow_total{outcome="agree"}' in by_model.get("/metrics").text
