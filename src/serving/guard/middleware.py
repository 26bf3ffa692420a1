"""Guard before the service: token, known paths, size and type of the body, one audit line a call.

BentoML has no keys of its own, and its page at ``/`` embeds a tracker's frame: neither passes here.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from serving.errors import RequestError
from serving.guard.audit import AuditLog
from serving.guard.call import CALL, Call
from serving.guard.tokens import AccessError, Tokens

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger("fenlei.serving")

OPEN = frozenset({"/livez", "/readyz", "/healthz"})
"""Liveness and readiness: no token, no audit line."""

KNOWN = frozenset({"/", "/classify", "/status", "/docs.json", "/schema.json", "/metrics"})
"""All else is not there, whoever asks."""

METHODS = dict.fromkeys(KNOWN, ("GET", "HEAD")) | dict.fromkeys(("/classify", "/status"), ("POST",))
"""How each path is asked."""

DRAIN_SECONDS = 10.0
DRAIN_TIMES = 8
"""How long, and up to how many times the allowed size, a body that is refused is still read and thrown away: a
connection closed over unread bytes is reset, and the caller would never see why."""

WELCOME = (
    "Fenlei, enterprise credit risk classification 企业信用风险分类. POST /classify, POST /status, GET /docs.json.\n"
)


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
    """

    tokens: Tokens
    audit: Callable[[], AuditLog]
    max_bytes: int


class Guard:
    """ASGI middleware: lets known callers through, and writes down every call before its answer leaves."""

    def __init__(self, app: ASGIApp, keep: Callable[[], Keep]) -> None:
        self.app = app
        self.keep = keep()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] == "lifespan" or (scope["type"] == "http" and scope["path"] in OPEN):
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        call = Call(path=scope["path"] if scope["path"] in KNOWN else "other")
        CALL.set(call)
        written = False

        def write(status: int) -> None:
            nonlocal written
            if not written:
                written = True
                self.keep.audit().append(call.line(status))

        async def audited(message: Message) -> None:
            if message["type"] == "http.response.start":
                write(message["status"])
            await send(message)

        try:
            try:
                body = await self._admit(scope, receive, call)
            except RequestError as err:
                await _reply(audited, err.status, err.as_dict(), scope)
                return
            if call.path == "/":
                await _reply(audited, 200, WELCOME, scope)
            else:
                await self.app(scope, _replay(body, receive), audited)
        except asyncio.CancelledError:
            write(504)  # no answer was ready in time, or the caller went away
            raise
        except Exception:
            write(500)
            raise

    async def _admit(self, scope: Scope, receive: Receive, call: Call) -> bytes:
        """Return the body of a call that may go on.

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
            raise RequestError(404, "there is nothing here; POST /classify, POST /status, GET /docs.json")
        if scope["method"] not in METHODS[call.path]:
            raise RequestError(405, f"{call.path} is asked with {' or '.join(METHODS[call.path])}")
        if scope["method"] != "POST":
            return b""
        kind = headers.get("content-type", "application/json").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise RequestError(415, "the body must be application/json")
        return await self._body(receive, headers.get("content-length", ""))

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


async def _reply(send: Send, status: int, body: dict[str, object] | str, scope: Scope) -> None:
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    kind = b"text/plain; charset=utf-8" if isinstance(body, str) else b"application/json"
    headers = [(b"content-type", kind), (b"content-length", str(len(text.encode())).encode())]
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    if status == 405:
        headers.append((b"allow", ", ".join(METHODS[scope["path"]]).encode()))
    if status == 413:
        # A rest of the body that was too long even to throw away is not read.
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else text.encode()})
