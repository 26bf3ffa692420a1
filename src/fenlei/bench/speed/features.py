"""Cost of the indicators of a province, of training pairs and of single records, and of the same in pandas."""

from __future__ import annotations

import random
import statistics
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from features.scope import Scope


@dataclass(frozen=True)
class Work:
    """What a pipeline took for the compared indicators.

    Parameters
    ----------
    seconds
        Of the work alone: without reading the cohort and writing the result.
    steps
        The same by step.
    """

    seconds: float
    steps: dict[str, float]


class Stopwatch:
    """Counts the seconds between announced steps."""

    def __init__(self, first: str) -> None:
        self.seconds: dict[str, float] = {}
        self._now, self._since = first, time.perf_counter()

    def __call__(self, step: str) -> None:
        """End the present step and begin the next one."""
        now = time.perf_counter()
        self.seconds[self._now] = self.seconds.get(self._now, 0.0) + now - self._since
        self._now, self._since = step.partition(" ")[0], now


def table(clean: Path, out: Path, cutoff: date, memory: str) -> tuple[int, dict[str, float]]:
    """Write the indicator table of a cut-off; return its enterprises and the seconds by step."""
    from features.table.month import write_clean_table

    step = Stopwatch("cohort")
    written = write_clean_table(clean, cutoff, out, Scope("hebei"), progress=step, memory=memory, accept_fall=True)
    step("end")
    return int(written["enterprises"]), step.seconds


def training_pairs(clean: Path, cutoff: date, pairs: int) -> tuple[int, int]:
    """Compute all indicators of random (enterprise, cut-off) pairs over the 24 months before a cut-off.

    Returns
    -------
    tuple
        Numbers of pairs and of different cut-offs.
    """
    from features import cohort, compute_indicators

    months = [d.date() for d in pd.date_range(end=pd.Timestamp(cutoff), periods=24, freq="MS")]
    everyone = cohort(clean, [cutoff], Scope("hebei"))["enterprise_id"].to_numpy()
    rng = np.random.default_rng(7)
    picked = rng.choice(len(everyone) * len(months), size=min(pairs, len(everyone) * len(months)), replace=False)
    chosen = pd.DataFrame(
        {"enterprise_id": everyone[picked // len(months)], "cutoff": [months[k] for k in picked % len(months)]}
    )
    return len(compute_indicators(clean, chosen, Scope("hebei"))), len(months)


def _cohort(clean: Path, cutoff: date) -> pd.DataFrame:
    from features import cohort

    return cohort(clean, [cutoff], Scope("hebei"))


def engine(clean: Path, cutoff: date, pairs: Path, names: list[str], out: Path) -> Work:
    """Compute the compared indicators with the engine into a file."""
    from features import compute_indicators

    given = pd.read_parquet(pairs)
    step, begin = Stopwatch("cohort"), time.perf_counter()
    frame = compute_indicators(clean, given, Scope("hebei", names=names), progress=step)[names]
    took = time.perf_counter() - begin
    step("end")
    frame.reset_index(drop=True).to_parquet(out)
    return Work(took, step.seconds)


def plain_pandas(clean: Path, cutoff: date, pairs: Path, names: list[str], out: Path) -> Work:
    """Compute the same with pandas as one writes it."""
    from fenlei.bench.speed.pandas_plain import Pipeline

    return _rival(Pipeline(clean, cutoff, "hebei"), pairs, names, out)


def tuned_numpy(clean: Path, cutoff: date, pairs: Path, names: list[str], out: Path) -> Work:
    """Compute the same with numpy, tuned by hand."""
    from fenlei.bench.speed.pandas_rival import Rival

    return _rival(Rival(clean, cutoff, "hebei"), pairs, names, out)


def _rival(rival: Any, pairs: Path, names: list[str], out: Path) -> Work:
    given = pd.read_parquet(pairs)
    begin = time.perf_counter()
    frame = rival.run(given, names)
    took = time.perf_counter() - begin
    frame.reset_index(drop=True).to_parquet(out)
    return Work(took, rival.seconds)


def idle(clean: Path, cutoff: date, pairs: Path, names: list[str], out: Path) -> None:
    """Load what all need and do nothing: the memory that the work is counted above."""
    import features  # noqa: F401  what is measured is that it is loaded
    from fenlei.bench.speed import (
        pandas_rival,  # noqa: F401
    )

    pd.read_parquet(pairs)


def save_pairs(clean: Path, cutoff: date, out: Path) -> int:
    """Write the cohort of a cut-off; return its size."""
    found = _cohort(clean, cutoff)
    found.to_parquet(out)
    return len(found)


def different(one: Path, other: Path) -> int:
    """Count the cells in which two tables differ; missing equals missing."""
    a, b = pd.read_parquet(one).to_numpy(), pd.read_parquet(other).to_numpy()
    return int((~((a == b) | (np.isnan(a) & np.isnan(b)))).sum())


@dataclass(frozen=True)
class RecordCost:
    """Milliseconds of the single-record path.

    Parameters
    ----------
    first, p50, p95, thousand
        The first call of a process, one record at a time, and a thousand (or ``many``) in one call.
    many
        How many records the last call had.
    """

    first: float
    p50: float
    p95: float
    thousand: float
    many: int


def records(clean: Path, cutoff: date, calls: int) -> RecordCost:
    """Measure the single-record path on records taken out of a province with their context."""
    from features.engine.record.record import extract_context, indicators_of
    from features.records.store import open_folder

    ids = list(_cohort(clean, cutoff)["enterprise_id"])
    chosen = random.Random(7).sample(ids, min(1000, len(ids)))
    store = open_folder(clean)
    given = extract_context(store, chosen, cutoff, Scope("hebei"))
    store.close()

    def took(some: list[Any]) -> float:
        begin = time.perf_counter()
        indicators_of(some, Scope("hebei"))
        return (time.perf_counter() - begin) * 1e3

    first = took(given[:1])
    single = [took([given[k % len(given)]]) for k in range(calls)]
    many = min(took(given) for _ in range(3))
    p95 = statistics.quantiles(single, n=20)[-1]
    return RecordCost(first, statistics.median(single), p95, many, len(given))
