"""Clients that ask a server over and over: plain sockets and ready-made bytes, so that they cost little themselves."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from features.errors import FenleiError


class NoAnswer(FenleiError):
    """A server answered otherwise than it should while it was measured."""


@dataclass(frozen=True)
class Load:
    """What clients saw.

    Parameters
    ----------
    seconds
        Of each call, rising.
    wall
        From the first call to the last answer.
    """

    seconds: Sequence[float]
    wall: float

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.seconds) / self.wall

    def at(self, share: float) -> float:
        """Return the milliseconds within which this share of the calls was answered."""
        return 1e3 * self.seconds[min(len(self.seconds) - 1, int(share * len(self.seconds)))]


def request(path: str, body: bytes, token: str = "") -> bytes:
    """Return a POST as it goes over the line."""
    given = f"Authorization: Bearer {token}\r\n" if token else ""
    head = f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n{given}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def ask(port: int, requests: Sequence[bytes], clients: int, seconds: float, least: int = 20) -> Load:
    """Let clients ask one after the other, each as soon as it has its answer, and return what they saw.

    Parameters
    ----------
    port
        Of 127.0.0.1.
    requests
        Asked in turn.
    clients
        Connections at once.
    seconds
        How long; a tenth of it before warms up and is not counted.
    least
        Calls in all, however long they take.

    Raises
    ------
    NoAnswer
        If an answer has another status than 200.
    """

    async def measured() -> Load:
        await _all(port, requests, clients, seconds / 10, clients)
        begin = time.perf_counter()
        took = await _all(port, requests, clients, seconds, least)
        return Load(sorted(took), time.perf_counter() - begin)

    return asyncio.run(measured())


async def _all(port: int, requests: Sequence[bytes], clients: int, seconds: float, least: int) -> list[float]:
    took: list[float] = []
    until, number = time.perf_counter() + seconds, count()

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**24)
        try:
            while time.perf_counter() < until or len(took) < least:
                begin = time.perf_counter()
                writer.write(requests[next(number) % len(requests)])
                await _answer(reader)
                took.append(time.perf_counter() - begin)
        finally:
            writer.close()

    await asyncio.gather(*(one() for _ in range(clients)))
    return took


async def _answer(reader: Any) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
    body = await reader.readexactly(int(length))
    if not head.startswith(b"http/1.1 200"):
        raise NoAnswer(f"{head.partition(bytes([13]))[0].decode()}: {body[:300].decode(errors='replace')}")
