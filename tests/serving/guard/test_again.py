"""An answer is given again for the same key and body, for a stated time, and to nobody else."""

from __future__ import annotations

import pytest

from serving.errors import RequestError
from serving.guard.again import Again


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def refused(again: Again, token: str, key: str, body: bytes) -> int:
    with pytest.raises(RequestError) as told:
        again.begin(token, key, body)
    return told.value.status


def test_the_same_key_and_body_get_the_answer_until_its_time_is_over() -> None:
    clock = Clock()
    again = Again(60, clock=clock)
    assert again.begin("a", "k", b"{}") is None
    again.end("a", "k", (200, b"answer"))
    clock.now = 59.0
    assert again.begin("a", "k", b"{}") == (200, b"answer")
    assert refused(again, "a", "k", b"[]") == 422
    assert again.begin("b", "k", b"[]") is None
    clock.now = 60.0
    assert again.begin("a", "k", b"[]") is None


def test_a_call_under_the_key_of_one_in_work_is_told_to_wait() -> None:
    again = Again(60)
    assert again.begin("a", "k", b"{}") is None
    assert refused(again, "a", "k", b"{}") == 409


@pytest.mark.parametrize("reply", [None, (503, b""), (504, b""), (429, b"")])
def test_a_fault_that_may_pass_is_not_kept(reply: tuple[int, bytes] | None) -> None:
    again = Again(60)
    assert again.begin("a", "k", b"{}") is None
    again.end("a", "k", reply)
    assert again.begin("a", "k", b"{}") is None


def test_the_oldest_answers_go_when_there_are_too_many() -> None:
    again = Again(60, most=10)
    for key in ("one", "two"):
        assert again.begin("a", key, b"{}") is None
        again.end("a", key, (200, b"123456"))
    assert again.begin("a", "one", b"{}") is None
    assert again.begin("a", "two", b"{}") == (200, b"123456")


@pytest.mark.parametrize("key", ["", "x" * 129, "a\nb"])
def test_a_key_that_is_none_is_refused(key: str) -> None:
    assert refused(Again(60), "a", key, b"{}") == 400
