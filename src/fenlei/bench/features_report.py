"""``fenlei bench features`` and ``fenlei bench record``: what is measured, as tables."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

from rich.console import RenderableType
from rich.table import Table

from fenlei.bench import features as work
from fenlei.bench.measure import Cost, measure

Step = Callable[[str], None]
Prepare = Callable[[Path, int], Path]
"""Simulates and checks a province of a size in a folder; returns its clean folder."""


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title)
    for column in columns:
        table.add_column(column, justify="right")
    return table


def growth(cleans: Sequence[Path], cutoff: date, memory: str, scratch: Path, step: Step) -> list[RenderableType]:
    """Indicator tables by size of the province, and where the time of the last one went."""
    table = _table(
        f"all indicators at {cutoff} into a Parquet table, with its quality; growth: time per enterprise against the"
        " size before",
        "enterprises", "seconds", "processor s", "growth", "peak MiB",
    )  # fmt: skip
    before: tuple[int, float] | None = None
    spent: dict[str, float] = {}
    for clean in cleans:
        step(f"indicators of {clean}")
        cost: Cost = measure(work.table, clean, scratch / "indicators.parquet", cutoff, memory)
        size, spent = cost.value
        more = f"{cost.seconds / before[1] / (size / before[0]):.2f}" if before else ""
        cells = (f"{cost.seconds:.1f}", f"{cost.cpu_seconds:.1f}", more, f"{cost.peak_mb:,.0f}")
        table.add_row(f"{size:,}", *cells)
        before = size, cost.seconds
    profile = _table("where the seconds of the last one went", "step", "seconds")
    for name, seconds in sorted(spent.items(), key=lambda item: -item[1])[:12]:
        profile.add_row(name, f"{seconds:.1f}")
    return [table, profile]


def training(clean: Path, cutoff: date, pairs: int, step: Step) -> RenderableType:
    """All indicators of training pairs at many cut-offs."""
    step(f"{pairs:,} training pairs")
    cost = measure(work.training_pairs, clean, cutoff, pairs)
    table = _table("training pairs (enterprise, cut-off)", "pairs", "cut-offs", "seconds", "peak MiB")
    table.add_row(f"{cost.value[0]:,}", str(cost.value[1]), f"{cost.seconds:.1f}", f"{cost.peak_mb:,.0f}")
    return table


def rivals(clean: Path, cutoff: date, scratch: Path, step: Step) -> list[RenderableType]:
    """The engine beside the pandas pipeline, each in its own process, on the same cohort and indicators."""
    from features import CATALOGUE
    from fenlei.bench.pandas_rival import names_compared

    names, pairs = names_compared(), scratch / "pairs.parquet"
    size = measure(work.save_pairs, clean, cutoff, pairs).value
    empty = measure(work.idle, clean, cutoff, pairs, names, scratch / "none").peak_mb
    step("the engine's turn")
    ours: Cost = measure(work.engine, clean, cutoff, pairs, names, scratch / "ours.parquet")
    step("pandas' turn")
    theirs: Cost = measure(work.pandas_rival, clean, cutoff, pairs, names, scratch / "theirs.parquet")
    cells = work.different(scratch / "ours.parquet", scratch / "theirs.parquet")
    took, profile = theirs.value
    table = _table(
        f"{len(names)} of {len(CATALOGUE)} indicators (own tables and visits) of {size:,} enterprises;"
        f" cells that differ: {cells:,}; a process that only loads both: {empty:,.0f} MiB",
        "pipeline", "seconds", "peak MiB", "MiB above idle",
    )  # fmt: skip
    for name, seconds, cost in (("engine", ours.value, ours), ("pandas", took, theirs)):
        table.add_row(name, f"{seconds:.1f}", f"{cost.peak_mb:,.0f}", f"{cost.peak_mb - empty:,.0f}")
    ratio = f"{(ours.peak_mb - empty) / max(1.0, theirs.peak_mb - empty):.2f}"
    table.add_row("pandas / engine", f"{took / ours.value:.1f} ×", f"{ours.peak_mb / theirs.peak_mb:.2f} of it", ratio)
    where = _table("where pandas' seconds went", "step", "seconds")
    for name, seconds in sorted(profile.items(), key=lambda item: -item[1]):
        where.add_row(name, f"{seconds:.1f}")
    return [table, where]


def single_records(cutoff: date, calls: int, prepare: Prepare, step: Step, enterprises: int = 20_000) -> RenderableType:
    """One record in a dict through the same SQL: latency, and a thousand in one call."""
    with tempfile.TemporaryDirectory() as scratch:
        step(f"simulating {enterprises:,} enterprises")
        clean = prepare(Path(scratch), enterprises)
        step("records")
        cost = measure(work.records, clean, cutoff, calls).value
    title = f"one enterprise's record in a dict, {calls} calls, one after the other"
    table = _table(title, "first ms", "p50 ms", "p95 ms", f"{cost.many:,} in one call, ms")
    table.add_row(f"{cost.first:.0f}", f"{cost.p50:.1f}", f"{cost.p95:.1f}", f"{cost.thousand:.0f}")
    return table
