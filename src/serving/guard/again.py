"""Answers given once and asked for again: the same ``Idempotency-Key`` and body get the same bytes for a stated time.

As the draft of the header says (draft-ietf-httpapi-idempotency-key-header): another body under a key is refused with
422, and a call under the key of one that is still in work with 409. Keys are each token's own. What is kept is kept in
this process: another worker, or a restart, answers anew.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable

from serving.errors import RequestError

LONGEST = 128
"""Characters of a key."""

Reply = tuple[int, bytes]


class Again:
    """Answers by token and key.

    Parameters
    ----------
    seconds
        How long an answer is kept.
    most
        Bytes of answers kept at most; the oldest go first.
    clock
        Seconds, as `time.monotonic`.
    """

    def __init__(self, seconds: float, most: int = 64 * 2**20, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._most, self._clock = seconds, most, clock
        self._kept: OrderedDict[tuple[str, str], tuple[bytes, float, Reply | None]] = OrderedDict()
        self._bytes = 0

    def begin(self, token: str, key: str, body: bytes) -> Reply | None:
        """Return the answer given before, or None and hold the key for this call until `end`.

        Raises
        ------
        RequestError
            400 for a key that is empty, too long or not printable; 409 while the call before is in work; 422 for
            another body.
        """
        if not 0 < len(key) <= LONGEST or not key.isprintable():
            raise RequestError(400, f"an Idempotency-Key has 1 to {LONGEST} printable characters")
        now, digest = self._clock(), hashlib.sha256(body).digest()
        while self._kept and next(iter(self._kept.values()))[1] <= now:
            self._drop(next(iter(self._kept)))
        found = self._kept.get((token, key))
        if found is None:
            self._kept[token, key] = digest, now + self._seconds, None
            return None
        if found[0] != digest:
            raise RequestError(422, "this Idempotency-Key came with another body before: give each call its own")
        if found[2] is None:
            raise RequestError(409, "the call before with this Idempotency-Key is still in work: ask again")
        return found[2]

    def end(self, token: str, key: str, reply: Reply | None) -> None:
        """Keep a call's answer; None (no answer was ready, or a fault that may pass) sets the key free."""
        found = self._kept.get((token, key))
        if found is None:
            return
        if reply is None or reply[0] >= 500 or reply[0] == 429:
            self._drop((token, key))
            return
        self._kept[token, key] = found[0], found[1], reply
        self._bytes += len(reply[1])
        while self._bytes > self._most and self._kept:
            self._drop(next(iter(self._kept)))

    def _drop(self, at: tuple[str, str]) -> None:
        _, _, reply = self._kept.pop(at)
        self._bytes -= len(reply[1]) if reply else 0
