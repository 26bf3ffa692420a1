"""Guard before the service: token, known paths, size and type of the body, time, one audit line a call.

BentoML has no keys of its own, and its page at ``/`` embeds a tracker's frame: neither passes here. What is asked most
is answered here, too: on the way through the framework a call would be read and wrapped several times more.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from serving.errors import PROBLEM_JSON, RequestError, problem
from serving.guard.again import Again
from serving.guard.audit import AuditLog
from serving.guard.call import CALL, Call
from serving.guard.paths import METHODS, place_of
from serving.guard.tokens import AccessError, Tokens
from serving.metrics import CONTENT_TYPE, Metrics

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger("fenlei.serving")

OPEN = frozenset({"/livez", "/readyz", "/healthz"})
"""Liveness and readiness: no token, no audit line."""

DRAIN_SECONDS = 10.0
DRAIN_TIMES = 8
"""How long, and up to how many times the allowed size, a body that is refused is still read and thrown away: a
connection closed over unread bytes is reset, and the caller would never see why."""

WELCOME = (
    "Fenlei, enterprise credit risk classification 企业信用风险分类. POST /classify, POST /status, GET /model,"
    " GET /docs.json.\n"
)

REPLAYED = ("/classify",)
"""Paths whose answers are kept for an ``Idempotency-Key``."""

PROBLEM = PROBLEM_JSON.encode()

Way = Callable[[bytes, Call], Awaitable[tuple[int, bytes]]]
"""Answers a path from the body: status and body, JSON or, from 400 on, a problem."""


@dataclass(frozen=True)
class Keep:
    """What the guard looks things up in.

    Parameters
    ----------
    tokens
        Who may ask.
    audit
        Gives the audit trail, opened by the first call: BentoML's supervisor must not take hold of it.
    max_bytes
        Longest body.
    ways
        What is answered here, by path; all else goes on to the framework.
    timeout, concurrency
        Seconds that a call may take, and calls in work at once; more get 429.
    again
        Answers kept for an ``Idempotency-Key``; without it the header is not looked at.
    metrics, figures
        Where calls are counted, and what ``GET /metrics`` answers.
    not_ready
        Why calls can't be answered, nothing where they can: what ``GET /readyz`` answers.
    """

    tokens: Tokens
    audit: Callable[[], AuditLog]
    max_bytes: int
    ways: Mapping[str, Way] = field(default_factory=dict)
    timeout: float | None = None
    concurrency: int | None = None
    again: Again | None = None
    metrics: Metrics | None = None
    figures: Callable[[], bytes] | None = None
    not_ready: Callable[[], str] | None = None


class Guard:
    """ASGI middleware: lets known callers through, and writes down every call before its answer leaves."""

    def __init__(self, app: ASGIApp, keep: Callable[[], Keep]) -> None:
        self.app = app
        self.keep = keep()
        self._at_work = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] == "http" and scope["path"] == "/readyz" and self.keep.not_ready is not None:
            why = self.keep.not_ready()
            await _reply(send, 503 if why else 200, problem(503, why) if why else "ready\n", scope)
            return
        if scope["type"] == "lifespan" or (scope["type"] == "http" and scope["path"] in OPEN):
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        path, subject = place_of(scope["path"])
        call = Call(path, subject=subject, query=scope.get("query_string", b"").decode("latin-1"))
        CALL.set(call)
        begin, written = time.perf_counter(), False

        def write(status: int) -> None:
            nonlocal written
            if written:
                return
            written = True
            if self.keep.metrics is not None:
                self.keep.metrics.call(call.path, status, time.perf_counter() - begin)
            try:
                self.keep.audit().append(call.line(status))
            except Exception:
                if self.keep.metrics is not None:
                    self.keep.metrics.audit_failed()
                raise

        async def audited(message: Message) -> None:
            if message["type"] == "http.response.start":
                write(message["status"])
            await send(message)

        self._at_work += 1
        try:
            try:
                body, key = await self._admit(scope, receive, call)
                if call.path in self.keep.ways:
                    status, answer = await self._answer(call, body, key)
                    write(status)
                    await _send(send, status, answer, call.kind.encode() if status < 400 else PROBLEM)
                elif call.path == "/":
                    await _reply(audited, 200, WELCOME, scope)
                elif call.path == "/metrics" and self.keep.figures is not None:
                    write(200)
                    await _send(send, 200, self.keep.figures(), CONTENT_TYPE.encode())
                else:
                    await self.app(scope, _replay(body, receive), audited)
            except RequestError as err:
                await _reply(audited, err.status, err.as_dict(), scope)
        except asyncio.CancelledError:
            write(504)  # no answer was ready in time, or the caller went away
            raise
        except Exception:
            write(500)
            raise
        finally:
            self._at_work -= 1

    async def _answer(self, call: Call, body: bytes, key: str | None) -> tuple[int, bytes]:
        """Answer a call here, or as the call before with its key was answered."""
        keep = self.keep
        if key is None or keep.again is None or call.path not in REPLAYED:
            return await self._in_time(call, body)
        token = call.token or ""
        before = keep.again.begin(token, key, body)
        if before is not None:
            call.repeated = True
            return before
        given: tuple[int, bytes] | None = None
        try:
            given = await self._in_time(call, body)
            return given
        finally:
            keep.again.end(token, key, given)

    async def _in_time(self, call: Call, body: bytes) -> tuple[int, bytes]:
        try:
            async with asyncio.timeout(self.keep.timeout):
                return await self.keep.ways[call.path](body, call)
        except TimeoutError as err:
            raise RequestError(504, "no answer in time: ask about fewer enterprises at once") from err

    async def _admit(self, scope: Scope, receive: Receive, call: Call) -> tuple[bytes, str | None]:
        """Return the body of a call that may go on, and its ``Idempotency-Key``.

        Raises
        ------
        RequestError
            With the status to answer.
        """
        headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
        scheme, _, token = headers.get("authorization", "").partition(" ")
        try:
            call.token = self.keep.tokens.name_of(token.strip()) if scheme.lower() == "bearer" else None
        except AccessError as err:
            log.error("%s", err)
            raise RequestError(503, "the token file can't be read; nobody is let in until it is mended") from err
        if call.token is None:
            raise RequestError(401, "a valid token is needed: Authorization: Bearer <token>")
        if call.path == "other":
            raise RequestError(404, "there is nothing here; POST /classify, POST /status, GET /model, GET /docs.json")
        if scope["method"] not in METHODS[call.path]:
            raise RequestError(405, f"{call.path} is asked with {' or '.join(METHODS[call.path])}")
        if self.keep.concurrency is not None and self._at_work > self.keep.concurrency:
            raise RequestError(429, f"more than {self.keep.concurrency} calls at once: ask again in a moment")
        if scope["method"] != "POST":
            return b"", None
        kind = headers.get("content-type", "application/json").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise RequestError(415, "the body must be application/json")
        return await self._body(receive, headers.get("content-length", "")), headers.get("idempotency-key")

    async def _body(self, receive: Receive, announced: str) -> bytes:
        most = self.keep.max_bytes
        too_long = RequestError(413, f"the body is longer than {most} bytes: split it over several calls")
        if announced.isdecimal() and int(announced) > most:
            await self._drain(receive, 0)
            raise too_long
        parts: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise RequestError(400, "the caller went away")
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > most:
                if message.get("more_body", False):
                    await self._drain(receive, size)
                raise too_long
            if not message.get("more_body", False):
                return b"".join(parts)

    async def _drain(self, receive: Receive, size: int) -> None:
        """Throw the rest of a refused body away, so that the caller reads the answer."""
        until, most = time.monotonic() + DRAIN_SECONDS, DRAIN_TIMES * self.keep.max_bytes
        while size <= most and (left := until - time.monotonic()) > 0:
            try:
                message = await asyncio.wait_for(receive(), left)
            except TimeoutError:
                return
            size += len(message.get("body", b""))
            if message["type"] == "http.disconnect" or not message.get("more_body", False):
                return


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a ``receive`` that gives the body once more, then goes on with the connection."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


async def _send(send: Send, status: int, body: bytes, kind: bytes) -> None:
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _reply(send: Send, status: int, body: dict[str, object] | str, scope: Scope) -> None:
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    kind = b"text/plain; charset=utf-8" if isinstance(body, str) else PROBLEM
    headers = [(b"content-type", kind), (b"content-length", str(len(text.encode())).encode())]
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    if status == 405:
        headers.append((b"allow", ", ".join(METHODS[place_of(scope["path"])[0]]).encode()))
    if status == 413:
        # A rest of the body that was too long even to throw away is not read.
        headers.append((b"connection", b"close"))
    if status in (429, 503):
        headers.append((b"retry-after", b"1"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else text.encode()})
