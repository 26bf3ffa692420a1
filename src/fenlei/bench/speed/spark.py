"""``fenlei bench spark``: a province on several executors, one of them killed midway, against DuckDB."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from rich.text import Text

from features.scope import Scope
from fenlei.bench.common.processes import peak_memory, wait_for
from fenlei.terminal import emit, progress, show

END = date(2026, 1, 1)
MONTHS = 36
EXECUTOR = "CoarseGrainedExecutorBackend"
"""Main class of an executor's process."""


@dataclass
class Killer:
    """Kills one executor of this process as soon as a scan is awaited that lies midway.

    Parameters
    ----------
    say
        Told of every step.
    midway
        The step at which to kill; None: never.
    executors
        How many there are.
    """

    say: Callable[[str], None]
    midway: str | None
    executors: int = 2
    killed: list[int] = field(default_factory=list)

    def __call__(self, step: str) -> None:
        """Take a step of the engine."""
        self.say(step)
        if step == self.midway:
            victim = wait_for(EXECUTOR, self.executors)[0]
            os.kill(victim, signal.SIGKILL)
            self.killed.append(victim)


def different_cells(one: pd.DataFrame, other: pd.DataFrame) -> int:
    """Return how many cells of two tables differ, exactly; unknown equals unknown.

    Raises
    ------
    ValueError
        If rows, columns or types differ.
    """
    if not (one.index.equals(other.index) and one.dtypes.equals(other.dtypes)):
        raise ValueError("the tables have other rows, columns or types")
    return sum(int(((one[c] != other[c]) & ~(one[c].isna() & other[c].isna())).sum()) for c in one)


def spark(
    enterprises: Annotated[int, typer.Option(min=100, help="Size of the province.")] = 300_000,
    master: Annotated[str, typer.Option(help="Spark's master URL.")] = "local-cluster[2,1,1024]",
    kill: Annotated[bool, typer.Option(help="Kill one executor of this machine midway.")] = True,
    memory: Annotated[str, typer.Option(help="Heap of Spark's driver.")] = "2GB",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a program.")] = False,
) -> None:
    """Indicators on Spark executors, one killed midway, and whether the table equals DuckDB's; exit 1 if not."""
    from features.check import check_folder
    from features.engine.choice import check_engine
    from features.engine.duckdb_engine import compute_indicators
    from features.engine.plan import plan
    from features.engine.spark import compute_indicators as on_spark
    from features.policies import features_policy
    from features.population.cohort import cohort
    from simulation import simulate

    check_engine("spark", master)
    with tempfile.TemporaryDirectory(prefix="fenlei-") as scratch, progress("bench", quiet=as_json) as step:
        step("simulating")
        simulate(Path(scratch) / "province", enterprises=enterprises, months=MONTHS, seed=7, end=END)
        step("checking")
        check_folder(Path(scratch) / "province", END, Path(scratch) / "checked")
        clean = Path(scratch) / "checked" / "clean"
        pairs = cohort(clean, [END], Scope("hebei"))
        step("duckdb")
        begin = time.perf_counter()
        expected = compute_indicators(clean, pairs, Scope("hebei"))
        duckdb_seconds = time.perf_counter() - begin
        scans = list(plan(features=features_policy("hebei")).wanted)
        killer = Killer(step, scans[len(scans) // 2] if kill else None)
        with peak_memory() as watched:
            begin = time.perf_counter()
            found = on_spark(clean, pairs, Scope("hebei"), progress=killer, master=master, memory=memory)
            seconds = time.perf_counter() - begin
        differing = different_cells(found, expected)
    told = {
        "enterprises": enterprises, "rows": len(found), "columns": len(found.columns), "master": master,
        "executors killed": len(killer.killed), "cells different": differing, "spark seconds": round(seconds, 1),
        "spark peak MiB, all processes": round(watched["peak_mb"]), "duckdb seconds": round(duckdb_seconds, 1),
    }  # fmt: skip
    emit(told) if as_json else show(Text("\n".join(f"{name}: {value}" for name, value in told.items())))
    if differing or len(killer.killed) != kill:
        raise typer.Exit(1)
