"""Guard before the service: token, known paths, size and type of the body, time, one audit line a call.

BentoML has no keys of its own, and its page at ``/`` embeds a tracker's frame: neither passes here. What is asked most
is answered here, too: on the way through the framework a call would be read and wrapped several times more.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from serving.current.policy import AccessPolicy
from serving.errors import PROBLEM_JSON, RequestError, problem
from serving.guard.admission import Admission, WrongTokenError, source_of
from serving.guard.again import Again
from serving.guard.audit import AuditError, AuditLog
from serving.guard.call import CALL, Call
from serving.guard.paths import METHODS, place_of
from serving.guard.tokens import Tokens
from serving.metrics import CONTENT_TYPE, Metrics

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger("fenlei.serving")

OPEN = frozenset({"/livez", "/readyz", "/healthz"})
"""Liveness and readiness: no token, no audit line."""


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
    access, workers
        How often a caller may ask, and of how many processes this is one.
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
    access: AccessPolicy = field(default_factory=AccessPolicy)
    workers: int = 1


class Guard:
    """ASGI middleware: lets known callers through, and writes down every call before its answer leaves."""

    def __init__(self, app: ASGIApp, keep: Callable[[], Keep]) -> None:
        self.app = app
        self.keep = keep()
        self._admission = Admission(self.keep, METHODS)
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
        query = scope.get("query_string", b"").decode("latin-1")
        call = Call(path, subject=subject, query=query, came_from=source_of(scope))
        CALL.set(call)
        begin, written = time.perf_counter(), False

        def write(status: int, answer: bytes | None = None) -> None:
            nonlocal written
            if written:
                return
            written = True
            if answer is not None:
                call.answer = hashlib.sha256(answer).hexdigest()
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
                body, key = await self._admission.admit(scope, receive, call, self._at_work)
                if call.path in self.keep.ways:
                    status, answer = await self._answer(call, body, key)
                    write(status, answer)
                    await _send(send, status, answer, call.kind.encode() if status < 400 else PROBLEM)
                elif call.path == "/":
                    await _reply(audited, 200, WELCOME, scope)
                elif call.path == "/metrics" and self.keep.figures is not None:
                    figures = self.keep.figures()
                    write(200, figures)
                    await _send(send, 200, figures, CONTENT_TYPE.encode())
                else:
                    await self.app(scope, _replay(body, receive), audited)
            except WrongTokenError as err:
                # Whoever is made to wait takes no place from those who are at work.
                self._at_work -= 1
                try:
                    await self._admission.slow(call.came_from)
                finally:
                    self._at_work += 1
                await _reply(audited, err.status, err.as_dict(), scope)
            except RequestError as err:
                await _reply(audited, err.status, err.as_dict(), scope)
        except AuditError as err:
            # Nothing of an answer has left: what can't be written down is not answered.
            log.error("%s", err)
            await _reply(send, 503, problem(503, "the call can't be written down, so it is not answered"), scope)
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
        token = call.token or "" if call.grant is None else call.grant.owner
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
    answer = b"" if scope["method"] == "HEAD" else text.encode()
    if (call := CALL.get(None)) is not None:
        call.answer = hashlib.sha256(answer).hexdigest()
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": answer})
