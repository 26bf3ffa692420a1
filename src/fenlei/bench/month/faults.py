"""Faults of a month's run, each provoked for real: the ledger's bytes afterwards are an undisturbed run's."""

from __future__ import annotations

import multiprocessing
import os
import random
import resource
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fenlei.bench.month.province import END, month
from serving.ledger.place import STEPS, SUMMARY, LedgerError, Place, held_by
from serving.ledger.read import Ledger

LIMIT = 64 * 1024
"""Bytes that a file may have where the disk is "full"."""


@dataclass(frozen=True)
class Fault:
    """One fault: what was done, what the run said, and whether the ledger then is an undisturbed one's."""

    what: str
    said: str
    held: bool


def files_of(ledger: Path) -> dict[str, bytes]:
    """Bytes of what is published, and of the record."""
    kept = [p for p in sorted((ledger / "months").rglob("*")) if p.is_file() and p.name not in (STEPS, SUMMARY)]
    return {str(p.relative_to(ledger)): p.read_bytes() for p in [*kept, ledger / "hebei.jsonl"] if p.is_file()}


def _run(source: Path, ledger: Path, model: Path, limit: int | None, say: object) -> None:
    if limit is not None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        month(source, ledger, model, END, None)
        text = "published"
    except LedgerError as err:
        text = str(err)
    say.send(text)  # type: ignore[attr-defined]


def _child(source: Path, ledger: Path, model: Path, limit: int | None = None) -> tuple[multiprocessing.Process, object]:
    context = multiprocessing.get_context("spawn")
    mine, its = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(source, ledger, model, limit, its))
    process.start()
    its.close()
    return process, mine  # type: ignore[return-value]


def kills(source: Path, model: Path, folder: Path, count: int, seed: int, say: Callable[[str], None]) -> list[Fault]:
    """Kill runs of a month at random moments, resume each, and compare its bytes with an undisturbed run's."""
    begun = time.perf_counter()
    process, _ = _child(source, folder / "whole", model)
    process.join()
    took = time.perf_counter() - begun
    whole = files_of(folder / "whole")
    draw, found = random.Random(seed), []
    for k in range(count):
        ledger, moment = folder / f"killed{k}", draw.uniform(0.1, took)
        say(f"kill {k + 1} of {count}")
        process, _ = _child(source, ledger, model)
        process.join(moment)
        alive = process.is_alive()
        if alive and process.pid is not None:
            os.kill(process.pid, signal.SIGKILL)
        process.join()
        process, _ = _child(source, ledger, model)
        process.join()
        same = files_of(ledger) == whole
        found.append(Fault(f"kill -9 after {moment:.1f} of {took:.1f} s", "killed" if alive else "had ended", same))
        shutil.rmtree(ledger)
    return found


def others(source: Path, model: Path, folder: Path) -> list[Fault]:
    """Try a full disk, a second run, a file that is torn midway, and a published file that somebody changed."""
    whole = files_of(folder / "whole")
    found = []
    ledger = folder / "full"
    process, answer = _child(source, ledger, model, LIMIT)
    said = answer.recv() if answer.poll(3600) else "no answer"  # type: ignore[attr-defined]
    process.join()
    nothing = not Ledger.open(ledger, "hebei").months
    month(source, ledger, model, END, None)
    found.append(Fault("no space is left", said, nothing and files_of(ledger) == whole))

    ledger = folder / "twice"
    with held_by(Place(ledger, "hebei"), "fenlei classify 2026-01"):
        process, answer = _child(source, ledger, model)
        said = answer.recv() if answer.poll(3600) else "no answer"  # type: ignore[attr-defined]
        process.join()
    month(source, ledger, model, END, None)
    found.append(Fault("two runs at once", said, files_of(ledger) == whole))

    ledger = folder / "torn"
    process, _ = _child(source, ledger, model)
    rows = Place(ledger, "hebei").work("2026-01") / "rows"
    until = time.monotonic() + 3600
    while process.is_alive() and time.monotonic() < until and not list(rows.glob("part-*.parquet")):
        time.sleep(0.002)
    if process.pid is not None:
        os.kill(process.pid, signal.SIGKILL)
    process.join()
    for part in rows.glob("part-*.parquet"):
        part.write_bytes(part.read_bytes()[:-100])
    month(source, ledger, model, END, None)
    found.append(Fault("a finished part torn before it was published", "made again", files_of(ledger) == whole))

    ledger = folder / "changed"
    month(source, ledger, model, END, None)
    [part] = sorted((ledger / "months").rglob("part-00000.parquet"))
    part.write_bytes(part.read_bytes()[:-1] + b"X")
    try:
        Ledger.open(ledger, "hebei").month("2026-01").verify()
        said = "not noticed"
    except LedgerError as err:
        said = str(err)
    found.append(Fault("a published file changed", said, "has changed" in said))
    return found
