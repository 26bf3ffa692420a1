"""Admission: who may go on to the service, and with which body (HB 4, 23, 24; SC (17); SAMR (15)).

Token, act, how often, path, method, type, length and time, in this order; what is refused is refused with a reason, and
the guard writes it down.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from serving.errors import RequestError
from serving.guard.grants import Grant, act_of
from serving.guard.limits import Buckets, Guesses
from serving.guard.tokens import PREFIX, AccessError

if TYPE_CHECKING:
    from starlette.types import Receive, Scope

    from serving.guard.call import Call
    from serving.guard.middleware import Keep

log = logging.getLogger("fenlei.serving")

DRAIN_SECONDS = 10.0
DRAIN_TIMES = 8
"""How long, and up to how many times the allowed size, a body that is refused is still read and thrown away: a
connection closed over unread bytes is reset, and the caller would never see why."""

QUERY_NAMES = (b"token=", b"access_token=", b"api_key=", b"apikey=", b"authorization=")
HEADER_NAMES = frozenset(
    {b"x-api-key", b"api-key", b"x-auth-token", b"x-access-token", b"x-token", b"proxy-authorization"}
)
"""Where tokens are put by those who don't put them where they belong."""


class WrongTokenError(RequestError):
    """No valid token: the answer may have to wait."""


def source_of(scope: Scope) -> str:
    """Return the address that a call comes from: the caller's own where a proxy of this machine passed it on."""
    client = scope.get("client")
    return str(client[0])[:64] if client else ""


class Admission:
    """Looks at a call before anything is done for it.

    Parameters
    ----------
    keep
        What it looks things up in.
    methods
        How each path is asked.
    """

    def __init__(self, keep: Keep, methods: Mapping[str, tuple[str, ...]]) -> None:
        self.keep, self._methods = keep, methods
        access = keep.access
        self._calls = Buckets()
        self._guesses = Guesses(access.wrong_tokens_per_minute, access.wrong_token_seconds)

    async def admit(self, scope: Scope, receive: Receive, call: Call, at_work: int) -> tuple[bytes, str | None]:
        """Return the body of a call that may go on, and its ``Idempotency-Key``.

        Raises
        ------
        RequestError
            With the status to answer.
        """
        headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
        given = self._allowed(scope, call)
        if call.path == "other":
            raise RequestError(404, "there is nothing here; POST /classify, POST /status, GET /model, GET /docs.json")
        if scope["method"] not in self._methods[call.path]:
            raise RequestError(405, f"{call.path} is asked with {' or '.join(self._methods[call.path])}")
        act = act_of(call.path)
        if act is not None and act not in given.acts:
            call.why = f"no act {act}"
            raise RequestError(403, f"this token may not {act}; it may {', '.join(given.acts)}")
        if self.keep.concurrency is not None and at_work > self.keep.concurrency:
            raise RequestError(429, f"more than {self.keep.concurrency} calls at once: ask again in a moment")
        if scope["method"] != "POST":
            return b"", None
        kind = headers.get("content-type", "application/json").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise RequestError(415, "the body must be application/json")
        return await self._body(receive, headers.get("content-length", "")), headers.get("idempotency-key")

    def _allowed(self, scope: Scope, call: Call) -> Grant:
        """Return what the call's token allows."""
        if self._guesses.crowded(call.came_from):
            call.why = "too many wrong tokens"
            raise RequestError(429, "too many wrong tokens from this address: ask again in a moment")
        if why := _misplaced(scope):
            call.why = why
            raise WrongTokenError(401, f"{why}: send it as Authorization: Bearer <token>, alone, and have it replaced")
        sent = [value.decode("latin-1") for name, value in scope["headers"] if name.lower() == b"authorization"]
        scheme, _, token = (sent[0] if len(sent) == 1 else "").partition(" ")
        try:
            given = self.keep.tokens.grant_of(token.strip()) if scheme.lower() == "bearer" else None
        except AccessError as err:
            log.error("%s", err)
            raise RequestError(503, "the token file can't be read; nobody is let in until it is mended") from err
        if given is None:
            call.why = "no valid token" if token else "no token"
            raise WrongTokenError(401, "a valid token is needed: Authorization: Bearer <token>")
        call.token, call.grant, call.department = given.name, given, given.department
        rate = (given.rate or self.keep.access.calls_per_second) / self.keep.workers
        burst = max(1, (given.burst or self.keep.access.burst) // self.keep.workers)
        if self._calls.take(given.name, rate, burst):
            call.why = "too many calls"
            raise RequestError(429, "this token has asked too often: ask again in a moment")
        return given

    async def slow(self, source: str) -> None:
        """Let the answer to a wrong token wait where its address has sent many."""
        seconds = self._guesses.wrong(source)
        if seconds:
            self._guesses.begin(source)
            try:
                await asyncio.sleep(seconds)
            finally:
                self._guesses.end(source)

    async def _body(self, receive: Receive, announced: str) -> bytes:
        most = self.keep.max_bytes
        too_long = RequestError(413, f"the body is longer than {most} bytes: split it over several calls")
        if announced.isdecimal() and int(announced) > most:
            await self._drain(receive, 0)
            raise too_long
        parts: list[bytes] = []
        size = 0
        until = time.monotonic() + self.keep.access.body_seconds
        while True:
            try:
                message = await asyncio.wait_for(receive(), max(0.0, until - time.monotonic()))
            except TimeoutError as err:
                raise RequestError(408, "the body did not come in time") from err
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


def _misplaced(scope: Scope) -> str:
    """Say where a token stands that belongs elsewhere, nothing where none does: addresses and headers are logged."""
    query = scope.get("query_string", b"").lower()
    prefix = PREFIX.encode()
    if prefix in query or any(query.startswith(name) or b"&" + name in query for name in QUERY_NAMES):
        return "a token in the query"
    for name, value in scope["headers"]:
        if name.lower() in HEADER_NAMES or (name.lower() != b"authorization" and prefix in value.lower()):
            return "a token in another header"
    return ""
