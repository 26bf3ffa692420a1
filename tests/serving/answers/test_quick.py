"""Quick reading takes nothing that careful reading refuses, and takes it alike."""

from __future__ import annotations

import json
from typing import Any

import pytest

from features.catalogue import CATALOGUE, RECENT
from serving.answers.quick import Quick
from serving.answers.requests import asked
from serving.errors import RequestError

KNOWN = CATALOGUE | RECENT
WHOLE = {"enterprise_id": "E1", "cutoff": "2026-01-01", "indicators": {"penalties_3y": 2, "years_operating": 3.5}}


def outcome(raw: bytes, *, quickly: bool) -> object:
    """What reading gives, or how it refuses."""
    try:
        return Quick(KNOWN, 3).read(raw) if quickly else asked(raw, 3, KNOWN)
    except RequestError as err:
        return err.as_dict()


@pytest.mark.parametrize(
    "body",
    [
        WHOLE,
        {**WHOLE, "cutoff": "2026-01"},
        {**WHOLE, "cutoff": "2026-13"},
        {**WHOLE, "cutoff": "2026-01-02"},
        {**WHOLE, "cutoff": 7},
        {**WHOLE, "enterprise_id": ""},
        {**WHOLE, "enterprise_id": "11010519491231002X"},
        {**WHOLE, "enterprise_id": "x" * 129},
        {**WHOLE, "indicators": {}},
        {**WHOLE, "indicators": {"penalties_3y": None}},
        {**WHOLE, "indicators": {"penalties_3y": -1}},
        {**WHOLE, "indicators": {"penalties_3y": 1.5}},
        {**WHOLE, "indicators": {"penalties_3y": True}},
        {**WHOLE, "indicators": {"penalties_3y": "2"}},
        {**WHOLE, "indicators": {"penalties_3y": 10**400}},
        {**WHOLE, "indicators": {"registered_capital": 1e19}},
        {**WHOLE, "indicators": {"penalty": 1}},
        {**WHOLE, "evidence": {"evidence_H13_1": []}},
        {**WHOLE, "evidence": {"evidence_H13_1": ["serious_list:s1"]}},
        {**WHOLE, "evidence": {"evidence_H13_1": ["a;b"]}},
        {**WHOLE, "evidence": {"evidence_H13_1": [" a"]}},
        {**WHOLE, "evidence": {"evidence_H13_1": ["严重:1"]}},
        {**WHOLE, "evidence": {"evidence_H99": []}},
        {**WHOLE, "evidence": None},
        {**WHOLE, "language": "zh", "reasons": 2},
        {**WHOLE, "language": "fr"},
        {**WHOLE, "reasons": False},
        {**WHOLE, "reasons": -1},
        {**WHOLE, "reasons": 1.0},
        {**WHOLE, "record": {"tables": {}}},
        {"enterprise_id": "E1"},
        {"enterprise_id": "E1", "cutoff": "2026-01"},
        {"uscc": "91110000600037341L"},
        {"items": [{"enterprise_id": "E1"}, WHOLE]},
        {"items": []},
        {"items": [{"enterprise_id": f"E{i}"} for i in range(4)]},
        {"items": [{"enterprise_id": "E1"}], "language": "en"},
        {"items": [{"enterprise_id": "E1"}], "cutoff": "2026-01"},
        [],
    ],
)
def test_a_body_is_read_or_refused_as_by_careful_reading(body: Any) -> None:
    raw = json.dumps(body, ensure_ascii=False).encode()
    assert outcome(raw, quickly=True) == outcome(raw, quickly=False)


@pytest.mark.parametrize(
    "raw", [b'{"enterprise_id":"E1","enterprise_id":"E2"}', b'{"enterprise_id":"E:1"}', b"{", b'{"enterprise_id":NaN}']
)
def test_what_is_no_plain_json_is_read_or_refused_as_by_careful_reading(raw: bytes) -> None:
    assert outcome(raw, quickly=True) == outcome(raw, quickly=False)


def test_usual_questions_do_not_go_the_careful_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.answers.quick.asked", lambda *_: pytest.fail("the careful way was taken"))
    for body in (WHOLE, {"enterprise_id": "E1"}, {"items": [WHOLE, {"enterprise_id": "E2"}], "reasons": 3}):
        Quick(KNOWN, 3).read(json.dumps(body).encode())
