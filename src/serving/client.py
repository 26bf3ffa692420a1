"""Client of the service: typed answers, kept connections, and another try of what may be tried again.

`Client` waits for its answers, `AsyncClient` is awaited; both say the same.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import quote
from uuid import uuid4

import httpx

from features.errors import FenleiError
from models.scoring.classification import Classification
from serving.published.told import Enterprise, WhatIfAnswer

Question = Mapping[str, Any]
"""One enterprise, as an item of ``POST /classify``: by ``enterprise_id`` or ``uscc``, by indicators, or by record."""

Language = Literal["zh", "en"]

AGAIN = frozenset({429, 502, 503, 504})
"""Statuses that may pass: the same call is asked again. Asking twice changes nothing but the audit record."""

LONGEST_WAIT = 10.0
"""Seconds that a client waits at most before it asks again."""


class ServiceError(FenleiError):
    """The service did not answer a call; carries its status, 0 where none came, and what it said is wrong by field."""

    def __init__(self, status: int, detail: str, errors: Sequence[Mapping[str, str]] = ()) -> None:
        shown = "".join(f"\n  {e.get('where', '')}: {e.get('what', '')}" for e in errors)
        super().__init__((f"{status}: " if status else "") + detail + shown)
        self.status, self.errors = status, tuple(errors)


@dataclass(frozen=True)
class NotAnswered:
    """Why one item of several has no answer."""

    item: int
    status: int
    what: str


class _Calls:
    """What both clients share: how a call is put, and how its answer is read."""

    def __init__(self, tries: int, pause: float) -> None:
        self._tries, self._pause = tries, pause

    def wait(self, attempt: int, told: str | None = None) -> float:
        """Return the seconds to wait before trying again: twice as long each time, and no two clients at once."""
        if told is not None and told.isdecimal():
            return min(float(told), LONGEST_WAIT)
        return float(min(self._pause * 2**attempt * random.uniform(0.5, 1.5), LONGEST_WAIT))

    def last(self, attempt: int) -> bool:
        """Whether this was the last try."""
        return attempt + 1 >= self._tries


def _body(question: Question, language: str, reasons: bool | int | None) -> dict[str, Any]:
    more: dict[str, Any] = {} if language == "both" else {"language": language}
    return {**question, **more, **({} if reasons is None else {"reasons": reasons})}


def _of(who: str) -> str:
    """Return the path of an enterprise, whatever signs its id has."""
    return f"/enterprises/{quote(who, safe='')}"


def _read(reply: httpx.Response) -> Any:
    if reply.status_code == 200 and reply.headers.get("content-type", "").startswith("text/html"):
        return reply.text
    try:
        said = reply.json()
    except ValueError:
        said = {}
    if reply.status_code == 200:
        return said
    known = said if isinstance(said, dict) else {}
    raise ServiceError(reply.status_code, str(known.get("detail", reply.reason_phrase)), known.get("errors", ()))


def _items(said: Any) -> list[Classification | NotAnswered]:
    return [
        Classification.model_validate(one["classification"]) if "classification" in one else NotAnswered(**one["error"])
        for one in said["items"]
    ]


def _settings(url: str, token: str, timeout: float) -> dict[str, Any]:
    return {"base_url": url, "headers": {"Authorization": f"Bearer {token}"}, "timeout": timeout}


class Client(_Calls):
    """A client that waits for its answers.

    Parameters
    ----------
    url, token
        Of the service.
    timeout
        Seconds for one try.
    tries, pause
        How often a call is tried where the service is busy or can't be reached, and the first pause between, seconds.
    http
        An own ``httpx.Client`` in the place of the one that is made, for proxies or certificates.

    Examples
    --------
    >>> Client("http://127.0.0.1:9", "a token", tries=1).model()
    Traceback (most recent call last):
    serving.client.ServiceError: http://127.0.0.1:9 can't be reached: ConnectError
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        timeout: float = 30.0,
        tries: int = 4,
        pause: float = 0.2,
        http: httpx.Client | None = None,
    ) -> None:
        super().__init__(tries, pause)
        self._http = http or httpx.Client(**_settings(url, token, timeout))

    def classify(
        self, question: Question, *, language: str = "both", reasons: bool | int | None = None
    ) -> Classification:
        """Classify one enterprise.

        Raises
        ------
        ServiceError
            If it can't be answered; ``errors`` names fields.
        """
        return Classification.model_validate(self._ask("POST", "/classify", _body(question, language, reasons)))

    def classify_many(
        self, questions: Sequence[Question], *, language: str = "both", reasons: bool | int | None = None
    ) -> list[Classification | NotAnswered]:
        """Classify several enterprises in one call, in order; one that has no answer does not stop the others."""
        return _items(self._ask("POST", "/classify", _body({"items": list(questions)}, language, reasons)))

    def enterprise(self, who: str) -> Enterprise:
        """Return an enterprise's class now and every published one, by its id or code; raises as `Client.classify`."""
        return Enterprise.model_validate(self._ask("GET", _of(who)))

    def sheet(self, who: str, *, language: Language = "zh") -> str:
        """Return the page of an enterprise, HTML; raises as `Client.classify`."""
        return str(self._ask("GET", f"{_of(who)}/sheet?language={language}"))

    def what_if(self, question: Question, acts: Sequence[str] | None = None) -> WhatIfAnswer:
        """Return what would help an enterprise, asked about by record, or where it would stand after ``acts``."""
        more = {} if acts is None else {"acts": list(acts)}
        return WhatIfAnswer.model_validate(self._ask("POST", "/what_if", {**question, **more}))

    def model(self) -> dict[str, Any]:
        """Return what is known of the model that answers."""
        return dict(self._ask("GET", "/model"))

    def status(self) -> dict[str, Any]:
        """Return what answers now."""
        return dict(self._ask("POST", "/status", {}))

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        key = {"Idempotency-Key": uuid4().hex} if path == "/classify" else {}
        for attempt in range(self._tries):
            told = None
            try:
                reply = self._http.request(method, path, json=body, headers=key)
                if reply.status_code not in AGAIN or self.last(attempt):
                    return _read(reply)
                told = reply.headers.get("retry-after")
            except httpx.TransportError as err:
                if self.last(attempt):
                    raise _unreachable(self._http.base_url, err) from err
            time.sleep(self.wait(attempt, told))
        raise ServiceError(0, "no try was allowed: give tries of at least 1")

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, err: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncClient(_Calls):
    """A client that is awaited; parameters as `Client`'s, ``http`` an ``httpx.AsyncClient``.

    Examples
    --------
    >>> import asyncio
    >>> asyncio.run(AsyncClient("http://127.0.0.1:9", "a token", tries=1).model())
    Traceback (most recent call last):
    serving.client.ServiceError: http://127.0.0.1:9 can't be reached: ConnectError
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        timeout: float = 30.0,
        tries: int = 4,
        pause: float = 0.2,
        http: httpx.AsyncClient | None = None,
    ) -> None:
        super().__init__(tries, pause)
        self._http = http or httpx.AsyncClient(**_settings(url, token, timeout))

    async def classify(
        self, question: Question, *, language: str = "both", reasons: bool | int | None = None
    ) -> Classification:
        """Classify one enterprise; raises as `Client.classify`."""
        return Classification.model_validate(await self._ask("POST", "/classify", _body(question, language, reasons)))

    async def classify_many(
        self, questions: Sequence[Question], *, language: str = "both", reasons: bool | int | None = None
    ) -> list[Classification | NotAnswered]:
        """Classify several enterprises in one call, in order."""
        return _items(await self._ask("POST", "/classify", _body({"items": list(questions)}, language, reasons)))

    async def enterprise(self, who: str) -> Enterprise:
        """Return an enterprise's class now and every published one, by its id or code; raises as `Client.classify`."""
        return Enterprise.model_validate(await self._ask("GET", _of(who)))

    async def sheet(self, who: str, *, language: Language = "zh") -> str:
        """Return the page of an enterprise, HTML; raises as `Client.classify`."""
        return str(await self._ask("GET", f"{_of(who)}/sheet?language={language}"))

    async def what_if(self, question: Question, acts: Sequence[str] | None = None) -> WhatIfAnswer:
        """Return what would help an enterprise, asked about by record, or where it would stand after ``acts``."""
        more = {} if acts is None else {"acts": list(acts)}
        return WhatIfAnswer.model_validate(await self._ask("POST", "/what_if", {**question, **more}))

    async def model(self) -> dict[str, Any]:
        """Return what is known of the model that answers."""
        return dict(await self._ask("GET", "/model"))

    async def status(self) -> dict[str, Any]:
        """Return what answers now."""
        return dict(await self._ask("POST", "/status", {}))

    async def _ask(self, method: str, path: str, body: Any = None) -> Any:
        key = {"Idempotency-Key": uuid4().hex} if path == "/classify" else {}
        for attempt in range(self._tries):
            told = None
            try:
                reply = await self._http.request(method, path, json=body, headers=key)
                if reply.status_code not in AGAIN or self.last(attempt):
                    return _read(reply)
                told = reply.headers.get("retry-after")
            except httpx.TransportError as err:
                if self.last(attempt):
                    raise _unreachable(self._http.base_url, err) from err
            await asyncio.sleep(self.wait(attempt, told))
        raise ServiceError(0, "no try was allowed: give tries of at least 1")

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, err: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def _unreachable(url: httpx.URL, err: httpx.TransportError) -> ServiceError:
    return ServiceError(0, f"{url} can't be reached: {type(err).__name__}")
