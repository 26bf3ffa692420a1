"""Limits of how often: calls by token, and wrong tokens by the address they come from. Both in bounded memory."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

Clock = Callable[[], float]


class Buckets:
    """Token buckets: each name may do something ``rate`` times a second, and ``burst`` times at once.

    Parameters
    ----------
    most
        Names that are remembered; the one unseen for longest is forgotten first.
    clock
        Seconds, as `time.monotonic`.

    Examples
    --------
    >>> buckets = Buckets(clock=lambda: 0.0)
    >>> [buckets.take("a", rate=1.0, burst=2) for _ in range(3)]
    [0.0, 0.0, 1.0]
    """

    def __init__(self, most: int = 10_000, clock: Clock = time.monotonic) -> None:
        self._most, self._clock = most, clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str, rate: float, burst: int) -> float:
        """Take one; returns 0 where there is one, else the seconds until there will be."""
        now = self._clock()
        left, at = self._left.pop(name, (float(burst), now))
        left = min(float(burst), left + max(0.0, now - at) * rate)
        taken = left >= 1.0
        self._left[name] = (left - 1.0 if taken else left), now
        if len(self._left) > self._most:
            self._left.popitem(last=False)
        return 0.0 if taken else (1.0 - left) / rate


class Guesses:
    """Slows whoever tries tokens: after some wrong ones a minute, each further answer waits.

    A caller with a right token is never slowed by what others at its address do, until so many of their answers wait at
    once that the address is turned away before its token is looked at: trying more at a time does not help, either.

    Parameters
    ----------
    a_minute
        Wrong tokens that an address may send in a minute before its answers wait.
    wait
        Seconds that each then waits.
    at_once, in_all
        Waiting answers of one address, and of all, from which on it is turned away.
    clock
        Seconds, as `time.monotonic`.
    """

    def __init__(
        self, a_minute: int, wait: float, at_once: int = 8, in_all: int = 256, clock: Clock = time.monotonic
    ) -> None:
        self._a_minute, self._wait, self._at_once, self._in_all = a_minute, wait, at_once, in_all
        self._buckets = Buckets(clock=clock)
        self._waiting: dict[str, int] = {}

    def crowded(self, source: str) -> bool:
        """Tell whether an address is to be turned away, whatever its token."""
        return self._waiting.get(source, 0) >= self._at_once

    def wrong(self, source: str) -> float:
        """Count a wrong token; returns the seconds that its answer must wait."""
        if not self._buckets.take(source, self._a_minute / 60.0, self._a_minute):
            return 0.0
        return self._wait if sum(self._waiting.values()) < self._in_all else 0.0

    def begin(self, source: str) -> None:
        """Note that an answer waits."""
        self._waiting[source] = self._waiting.get(source, 0) + 1

    def end(self, source: str) -> None:
        """Note that it does no more."""
        left = self._waiting.pop(source, 1) - 1
        if left > 0:
            self._waiting[source] = left
