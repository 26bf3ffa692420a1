"""``fenlei bench features`` and ``fenlei bench record``: what is measured, as tables with their targets."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

from fenlei.bench.common.grid import Grid
from fenlei.bench.common.measure import Cost, measure
from fenlei.bench.speed import features as work

Step = Callable[[str], None]
Prepare = Callable[[Path, int], Path]
"""Simulates and checks a province of a size in a folder; returns its clean folder."""

FASTER, SMALLER = 5.0, 0.5
"""Targets against pandas: times as fast, share of its memory."""
RIVALS = {"pandas": work.plain_pandas, "numpy tuned by hand": work.tuned_numpy}


class Growth:
    """Indicator tables by size of the province, and where the time of the last one went."""

    def __init__(self, cutoff: date, memory: str, scratch: Path) -> None:
        self._arguments = scratch / "indicators.parquet", cutoff, memory
        self._before: tuple[int, float] | None = None
        self._table = Grid(
            "growth",
            f"all indicators at {cutoff} into a Parquet table, with its quality (target for 3 million: 240 s,"
            " 6,144 MiB); growth: time per enterprise against the size before",
            ["enterprises", "seconds", "processor s", "growth", "peak MiB"],
        )
        self._profile = Grid("profile", "", [])

    def add(self, clean: Path) -> None:
        """Measure one more size."""
        cost: Cost = measure(work.table, clean, *self._arguments)
        size, spent = cost.value
        more = f"{cost.seconds / self._before[1] / (size / self._before[0]):.2f}" if self._before else ""
        cells = (f"{cost.seconds:.1f}", f"{cost.cpu_seconds:.1f}", more, f"{cost.peak_mb:,.0f}")
        self._table.rows.append((f"{size:,}", *cells))
        self._before = size, cost.seconds
        self._profile = profile("profile", f"where the seconds of {size:,} enterprises went", spent)

    def grids(self) -> list[Grid]:
        """Return what was measured."""
        return [self._table, self._profile]


def profile(name: str, title: str, spent: Mapping[str, float], most: int = 12) -> Grid:
    """Steps by their seconds, the longest first."""
    longest = sorted(spent.items(), key=lambda item: -item[1])[:most]
    return Grid(name, title, ["step", "seconds"], [(step, f"{seconds:.1f}") for step, seconds in longest])


def training(clean: Path, cutoff: date, pairs: int, step: Step) -> Grid:
    """All indicators of training pairs at many cut-offs."""
    step(f"{pairs:,} training pairs")
    cost = measure(work.training_pairs, clean, cutoff, pairs)
    cells = (f"{cost.value[0]:,}", str(cost.value[1]), f"{cost.seconds:.1f}", f"{cost.cpu_seconds:.1f}")
    columns = ["pairs", "cut-offs", "seconds", "processor s", "peak MiB"]
    title = "training pairs (enterprise, cut-off) (target for 200,000: 45 s)"
    return Grid("pairs", title, columns, [(*cells, f"{cost.peak_mb:,.0f}")])


def rivals(clean: Path, cutoff: date, scratch: Path, step: Step) -> list[Grid]:
    """The engine beside pandas and numpy, each in its own process, on the same cohort and indicators."""
    from features import CATALOGUE
    from fenlei.bench.speed.pandas_rival import names_compared

    names, pairs = names_compared(), scratch / "pairs.parquet"
    size = measure(work.save_pairs, clean, cutoff, pairs).value
    empty = measure(work.idle, clean, cutoff, pairs, names, scratch / "none").peak_mb
    step("the engine's turn")
    ours: Cost = measure(work.engine, clean, cutoff, pairs, names, scratch / "ours.parquet")
    costs = {"engine": ours}
    table = Grid(
        "rivals",
        f"{len(names)} of {len(CATALOGUE)} indicators (own tables and visits) of {size:,} enterprises; a process that"
        f" only loads all three: {empty:,.0f} MiB; target against pandas: {FASTER:g} times as fast, {SMALLER:g} of the"
        " memory",
        ["pipeline", "seconds", "processor s", "peak MiB", "above idle", "engine is faster", "engine's memory",
         "cells that differ"],
    )  # fmt: skip
    for name, pipeline in RIVALS.items():
        step(f"the turn of {name}")
        costs[name] = measure(pipeline, clean, cutoff, pairs, names, scratch / "theirs.parquet")
        costs[name].value.steps["cells that differ"] = work.different(
            scratch / "ours.parquet", scratch / "theirs.parquet"
        )
    profiles = []
    for name, cost in costs.items():
        differ = cost.value.steps.pop("cells that differ", None)
        cells = [f"{cost.value.seconds:.1f}", f"{cost.cpu_seconds:.1f}", f"{cost.peak_mb:,.0f}"]
        cells.append(f"{cost.peak_mb - empty:,.0f}")
        if cost is not ours:
            cells += [f"{cost.value.seconds / ours.value.seconds:.1f} ×", f"{_memory(ours, cost, empty):.2f}"]
            cells.append(f"{differ:,}")
        table.rows.append((name, *cells, *[""] * (len(table.columns) - 1 - len(cells))))
        block = "profile " + name.partition(" ")[0]
        profiles.append(profile(block, f"where the seconds of {name} went", cost.value.steps, 8))
    table.note = bound(ours, costs["pandas"], empty)
    return [table, *profiles]


def _memory(ours: Cost, theirs: Cost, empty: float) -> float:
    return (ours.peak_mb - empty) / max(1.0, theirs.peak_mb - empty)


def bound(ours: Cost, theirs: Cost, empty: float) -> str:
    """Say which targets against pandas are met, and what the engine's time goes to where one is not."""
    faster, memory = theirs.value.seconds / ours.value.seconds, _memory(ours, theirs, empty)
    missed = [f"{faster:.1f} times as fast, not {FASTER:g}"] if faster < FASTER else []
    missed += [f"{memory:.2f} of the memory, not {SMALLER:g}"] if memory > SMALLER else []
    if not missed:
        return f"Targets against pandas met: {faster:.1f} times as fast, {memory:.2f} of the memory."
    longest = sorted(ours.value.steps.items(), key=lambda item: -item[1])[:3]
    named = ", ".join(f"{step} {seconds:.1f} s" for step, seconds in longest)
    return (
        f"Not met against pandas: {'; '.join(missed)}. The engine's longest steps: {named}, of"
        f" {ours.value.seconds:.1f} s; it used {ours.cpu_seconds / ours.seconds:.1f} processors on average, pandas"
        f" {theirs.cpu_seconds / theirs.seconds:.1f}."
    )


def single_records(cutoff: date, calls: int, prepare: Prepare, step: Step, enterprises: int = 20_000) -> Grid:
    """One record in a dict through the same SQL: latency, and a thousand in one call."""
    with tempfile.TemporaryDirectory() as scratch:
        step(f"simulating {enterprises:,} enterprises")
        clean = prepare(Path(scratch), enterprises)
        step("records")
        cost = measure(work.records, clean, cutoff, calls).value
    title = (
        f"one enterprise's record in a dict, {calls} calls, one after the other (target: median 50 ms; 1,000 in one"
        " call 500 ms)"
    )
    columns = ["first ms", "p50 ms", "p95 ms", f"{cost.many:,} in one call, ms"]
    cells = (f"{cost.first:.0f}", f"{cost.p50:.1f}", f"{cost.p95:.1f}", f"{cost.thousand:.0f}")
    return Grid("record", title, columns, [cells])
