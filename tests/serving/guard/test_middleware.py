"""The guard before the service: what it lets through, and that every call leaves a line."""

from __future__ import annotations

import asyncio
import hashlib
import json
import socket
from collections.abc import Callable, Iterator, MutableMapping
from pathlib import Path
from typing import Any

import pytest

from features.errors import ConfigError
from serving.current.policy import AccessPolicy
from serving.guard.audit import AuditError, verify
from serving.guard.call import CALL
from serving.guard.middleware import Guard, Keep
from serving.guard.tokens import create_token
from serving.launch import LaunchError, start
from serving.runtime import Runtime
from serving.settings import Settings


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    return Runtime(
        Settings(province="hebei", tokens=tmp_path / "tokens.jsonl", audit=tmp_path / "audit.jsonl", max_bytes=100)
    )


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """An application that answers with the body it got and names an enterprise."""
    body = (await receive())["body"]
    CALL.get().enterprises.append("E1")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


def call(
    runtime: Runtime,
    app: Callable[..., Any] = echo,
    *,
    method: str = "POST",
    parts: tuple[bytes, ...] = (b"{}",),
    token: str = "",
    **headers: str,
) -> tuple[int, bytes]:
    """Send a request through the guard; returns status and body."""
    sent: list[MutableMapping[str, Any]] = []
    todo = [{"type": "http.request", "body": p, "more_body": p is not parts[-1]} for p in parts]

    async def receive() -> MutableMapping[str, Any]:
        return todo.pop(0)

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    told = {"authorization": f"Bearer {token}", **{k.replace("_", "-"): v for k, v in headers.items()}}
    scope = {
        "type": "http",
        "method": method,
        "path": "/classify",
        "headers": [(k.encode(), v.encode()) for k, v in told.items()],
    }
    asyncio.run(
        Guard(app, lambda: Keep(runtime.tokens, lambda: runtime.audit, runtime.settings.max_bytes))(
            scope, receive, send
        )
    )
    return sent[0]["status"], b"".join(m.get("body", b"") for m in sent[1:])


def lines(runtime: Runtime) -> list[dict[str, Any]]:
    assert verify(runtime.settings.audit).ok
    return [json.loads(line) for line in runtime.settings.audit.read_text(encoding="utf-8").splitlines()]


def test_the_application_gets_the_whole_body_and_its_answer_is_noted_first(runtime: Runtime) -> None:
    token = create_token(runtime.settings.tokens, "a")
    assert call(runtime, parts=(b'{"a"', b": 1", b"}"), token=token) == (200, b'{"a": 1}')
    (line,) = lines(runtime)
    assert (line["token"], line["enterprises"], line["status"], line["path"]) == ("a", ["E1"], 200, "/classify")


def test_a_refused_call_never_reaches_the_application_and_leaves_a_line(runtime: Runtime) -> None:
    async def never(*_: Any) -> None:
        raise AssertionError("reached")

    status, body = call(runtime, never)
    assert status == 401
    (line,) = lines(runtime)
    assert (line["token"], line["status"]) == (None, 401)
    assert line["answer"] == hashlib.sha256(body).hexdigest()


@pytest.mark.parametrize("headers", [{}, {"content_length": "101"}])
def test_a_body_that_is_too_long_is_413_announced_or_not(runtime: Runtime, headers: dict[str, Any]) -> None:
    token = create_token(runtime.settings.tokens, "a")
    status, body = call(runtime, parts=(b"x" * 60, b"x" * 41), token=token, **headers)
    assert status == 413
    assert "longer than 100 bytes" in json.loads(body)["detail"]


def test_a_refused_body_is_read_to_its_end_so_that_the_caller_sees_why(runtime: Runtime) -> None:
    token = create_token(runtime.settings.tokens, "a")
    read = []

    class Parts(tuple[bytes, ...]):
        def __iter__(self) -> Iterator[bytes]:
            for part in super().__iter__():
                read.append(part)
                yield part

    assert call(runtime, parts=Parts((b"x" * 101, b"y" * 101, b"z")), token=token)[0] == 413
    assert len(read) == 3


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_another_method_is_405_in_json(runtime: Runtime, method: str) -> None:
    token = create_token(runtime.settings.tokens, "a")
    status, body = call(runtime, method=method, token=token)
    assert status == 405
    assert method == "HEAD" or json.loads(body)["detail"] == "/classify is asked with POST"


def test_a_call_that_was_cut_off_or_failed_leaves_a_line_too(runtime: Runtime) -> None:
    token = create_token(runtime.settings.tokens, "a")

    async def cut(*_: Any) -> None:
        raise asyncio.CancelledError

    async def fails(*_: Any) -> None:
        raise RuntimeError("unforeseen")

    with pytest.raises(asyncio.CancelledError):
        call(runtime, cut, token=token)
    with pytest.raises(RuntimeError):
        call(runtime, fails, token=token)
    assert [line["status"] for line in lines(runtime)] == [504, 500]


def test_a_broken_token_file_lets_nobody_in_and_shows_nothing_of_it(runtime: Runtime) -> None:
    token = create_token(runtime.settings.tokens, "a")
    with runtime.settings.tokens.open("a", encoding="utf-8") as file:
        file.write("secret nonsense\n")
    status, body = call(runtime, token=token)
    assert status == 503
    assert b"nonsense" not in body


def test_a_websocket_is_closed(runtime: Runtime) -> None:
    sent: list[MutableMapping[str, Any]] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "websocket", "path": "/classify", "headers": []}
    guard = Guard(echo, lambda: Keep(runtime.tokens, lambda: runtime.audit, runtime.settings.max_bytes))
    asyncio.run(guard(scope, None, send))  # type: ignore[arg-type]  # nothing is received
    assert sent == [{"type": "websocket.close", "code": 1008}]


@pytest.mark.slow
def test_a_service_that_cannot_start_says_why(tmp_path: Path) -> None:
    settings = Settings(
        province="hebei",
        tokens=tmp_path / "t.jsonl",
        audit=tmp_path / "a.jsonl",
        tracking_uri=f"sqlite:///{tmp_path}/m.db",
    )
    with pytest.raises(ConfigError, match="atlantis"), start(settings.model_copy(update={"province": "atlantis"})):
        pass
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(LaunchError, match="in use"), start(settings, taken.getsockname()[1]):
            pass


def test_readiness_says_why_not(runtime: Runtime) -> None:
    sent: list[MutableMapping[str, Any]] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    def asked() -> tuple[int, bytes]:
        sent.clear()
        keep = Keep(runtime.tokens, lambda: runtime.audit, 100, not_ready=runtime.not_ready)
        scope = {"type": "http", "path": "/readyz", "method": "GET", "headers": []}
        asyncio.run(Guard(echo, lambda: keep)(scope, None, send))  # type: ignore[arg-type]  # nothing is received
        return sent[0]["status"], sent[1]["body"]

    assert asked() == (200, b"ready\n")
    runtime.settings.tokens.write_text("no token\n", encoding="utf-8")
    status, body = asked()
    assert (status, json.loads(body)["detail"]) == (503, "the token file can't be read")
    runtime.audit.close()


def test_a_call_that_cannot_be_written_down_is_not_answered(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    token = create_token(runtime.settings.tokens, "a")

    def full(*_: Any) -> str:
        raise AuditError("the disk is full")

    monkeypatch.setattr(runtime.audit, "append", full)
    status, body = call(runtime, parts=(b'{"a": 1}',), token=token)
    assert (status, json.loads(body)["detail"]) == (503, "the call can't be written down, so it is not answered")
    assert b'"a"' not in body


def test_a_body_that_does_not_come_is_not_waited_for(runtime: Runtime) -> None:
    token = create_token(runtime.settings.tokens, "a")
    sent: list[MutableMapping[str, Any]] = []

    async def never() -> MutableMapping[str, Any]:
        await asyncio.sleep(60)
        raise AssertionError("waited")

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    keep = Keep(runtime.tokens, lambda: runtime.audit, 100, access=AccessPolicy(body_seconds=0.05))
    headers = [(b"authorization", f"Bearer {token}".encode())]
    scope = {"type": "http", "path": "/classify", "method": "POST", "headers": headers}
    asyncio.run(Guard(echo, lambda: keep)(scope, never, send))
    assert sent[0]["status"] == 408
    assert [line["status"] for line in lines(runtime)] == [408]


def test_two_tokens_in_one_call_let_nobody_in(runtime: Runtime) -> None:
    token = create_token(runtime.settings.tokens, "a")
    assert call(runtime, token=token)[0] == 200
    assert call(runtime, token=token, Authorization=f"Bearer {token}")[0] == 401
    assert [line["status"] for line in lines(runtime)] == [200, 401]
