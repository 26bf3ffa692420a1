"""Time and trouble: a call whose time is over is not worked on, and what stands in the way is told to the operator."""

from __future__ import annotations

import logging
import time

from features.errors import FenleiError
from serving.errors import RequestError

log = logging.getLogger("fenlei.serving")


def in_time(until: float | None) -> None:
    """Stop work that nobody waits for any more.

    Raises
    ------
    RequestError
        504 if the moment (of `time.monotonic`) has passed.
    """
    if until is not None and time.monotonic() > until:
        raise RequestError(504, "no answer in time: ask about fewer enterprises at once")


def not_now(err: FenleiError) -> RequestError:
    """What stands in the way here is the operator's to mend, and may name files."""
    log.error("an answer failed: %s", err)
    return RequestError(503, "the service can't answer just now: its operator must look at its log")
