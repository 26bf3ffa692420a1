"""The client: typed answers, another try of what may pass, and none of what may not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from datetime import date

import httpx
import pytest

from models.scoring.classification import Classification
from serving.client import AsyncClient, Client, NotAnswered, ServiceError

ONE = Classification(
    enterprise_id="E1", cutoff=date(2026, 1, 1), score=12.5, grade="A", score_grade="A", source="rules",
    base_score=12.5, family_points={},
)  # fmt: skip
Reply = tuple[int, dict[str, str], object]
GOOD: Reply = (200, {}, json.loads(ONE.to_json()))


def told(replies: Sequence[Reply], seen: list[httpx.Request]) -> Callable[[httpx.Request], httpx.Response]:
    """Answer each request with the next reply, the last one for ever."""

    def handle(request: httpx.Request) -> httpx.Response:
        status, headers, body = replies[min(len(seen), len(replies) - 1)]
        seen.append(request)
        return httpx.Response(status, headers=headers, json=body)

    return handle


def client(*replies: Reply, tries: int = 3) -> tuple[Client, list[httpx.Request]]:
    seen: list[httpx.Request] = []
    http = httpx.Client(transport=httpx.MockTransport(told(replies, seen)), base_url="http://service")
    return Client("http://service", "t", tries=tries, pause=0.001, http=http), seen


def test_an_answer_is_a_classification() -> None:
    asked, seen = client(GOOD)
    with asked:
        assert asked.classify({"enterprise_id": "E1"}, language="zh", reasons=2) == ONE
    assert json.loads(seen[0].content) == {"enterprise_id": "E1", "language": "zh", "reasons": 2}


def test_a_busy_service_is_asked_again_under_the_same_key() -> None:
    asked, seen = client((503, {"retry-after": "0"}, {}), (429, {}, {}), GOOD)
    assert asked.classify({"enterprise_id": "E1"}) == ONE
    assert len({request.headers["idempotency-key"] for request in seen}) == 1
    assert len(seen) == 3
    asked.close()


def test_a_wrong_question_is_asked_once_and_names_its_fields() -> None:
    problem = {"detail": "the request has the wrong shape", "errors": [{"where": "cutoff", "what": "expected a month"}]}
    asked, seen = client((422, {}, problem))
    with pytest.raises(ServiceError, match="cutoff: expected a month") as raised:
        asked.classify({"enterprise_id": "E1", "cutoff": "x"})
    assert (raised.value.status, len(seen)) == (422, 1)
    asked.close()


def test_a_service_that_stays_busy_is_told_after_the_last_try() -> None:
    asked, seen = client((503, {"retry-after": "0"}, {"detail": "no table"}))
    with pytest.raises(ServiceError, match="503: no table"):
        asked.classify({"enterprise_id": "E1"})
    assert len(seen) == 3
    asked.close()


def test_of_several_those_without_an_answer_stand_among_the_others() -> None:
    lost = {"item": 1, "status": 404, "what": "no such enterprise"}
    asked, _ = client((200, {}, {"items": [{"classification": GOOD[2]}, {"error": lost}]}))
    assert asked.classify_many([{"enterprise_id": "E1"}, {"enterprise_id": "E2"}]) == [ONE, NotAnswered(**lost)]  # type: ignore[arg-type]
    asked.close()


def test_a_client_that_is_awaited_says_the_same() -> None:
    seen: list[httpx.Request] = []

    async def story() -> Classification:
        http = httpx.AsyncClient(
            transport=httpx.MockTransport(told([(503, {"retry-after": "0"}, {}), GOOD], seen)), base_url="http://s"
        )
        async with AsyncClient("http://s", "t", pause=0.001, http=http) as asked:
            return await asked.classify({"enterprise_id": "E1"})

    assert asyncio.run(story()) == ONE
    assert len(seen) == 2
