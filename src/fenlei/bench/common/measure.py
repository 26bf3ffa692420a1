"""Cost of one piece of work: wall time, processor time and peak memory, in a process of its own."""

from __future__ import annotations

import multiprocessing
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Cost:
    """What a piece of work took.

    Parameters
    ----------
    seconds, cpu_seconds
        Wall and processor time of the work alone, imports of its modules included.
    peak_mb
        Greatest resident memory of its process, in MiB.
    value
        What the work returned.
    """

    seconds: float
    cpu_seconds: float
    peak_mb: float
    value: Any


def _child(connection: Any, work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    begin, cpu = time.perf_counter(), time.process_time()
    value = work(*arguments)
    took, cpu_took = time.perf_counter() - begin, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    connection.send(Cost(took, cpu_took, peak, value))
    connection.close()


def measure(work: Callable[..., Any], *arguments: Any) -> Cost:
    """Run ``work(*arguments)`` in a fresh process and return what it cost.

    Raises
    ------
    RuntimeError
        If the process ended without an answer.
    """
    context = multiprocessing.get_context("spawn")
    mine, its = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(its, work, arguments))
    process.start()
    its.close()
    try:
        cost: Cost = mine.recv()
    except EOFError as err:
        process.join()
        raise RuntimeError(f"{work.__name__} ended with exit code {process.exitcode} and no answer") from err
    process.join()
    return cost
