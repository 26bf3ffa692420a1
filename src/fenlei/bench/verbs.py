"""The benchmark verbs: simulate, features, serve."""

from __future__ import annotations

import statistics
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from fenlei.bench.measure import measure
from fenlei.terminal import progress, show

END = date(2026, 1, 1)
MONTHS = 36
Sizes = Annotated[
    list[int] | None,
    typer.Option("--enterprises", help="Size to run; several for a growth table. Default: 30,000 and 100,000."),
]
SIZES = [30_000, 100_000]
bench = typer.Typer(help="Measure speed and memory on this machine.", no_args_is_help=True)


def _simulate(folder: Path, enterprises: int) -> int:
    from simulation import simulate

    return sum(simulate(folder, enterprises=enterprises, months=MONTHS, seed=7, end=END).rows.values())


def _check(folder: Path, out: Path) -> int:
    from features.check import check_folder

    return check_folder(folder, END, out).totals["rows_in"]


def _features(clean: Path, out: Path) -> int:
    from features.table import write_clean_table

    return int(write_clean_table(clean, END, out)["enterprises"])


@bench.command()
def simulate(enterprises: Sizes = None) -> None:
    """Rows per second of the simulator, by size."""
    table = _table("simulate, 36 months", "enterprises", "rows", "rows/s", "seconds", "peak MiB")
    with tempfile.TemporaryDirectory() as scratch, progress("bench") as step:
        for size in enterprises or SIZES:
            step(f"{size:,} enterprises")
            cost = measure(_simulate, Path(scratch) / str(size), size)
            rate = cost.value / cost.seconds
            table.add_row(f"{size:,}", f"{cost.value:,}", f"{rate:,.0f}", f"{cost.seconds:.1f}", f"{cost.peak_mb:,.0f}")
    show(table)


@bench.command()
def features(enterprises: Sizes = None) -> None:
    """Check of the records, and all indicators of the cohort at one cut-off, by size."""
    table = _table("36 months of records, one cut-off", "enterprises", "rows", "step", "seconds", "peak MiB")
    with tempfile.TemporaryDirectory() as scratch, progress("bench") as step:
        for size in enterprises or SIZES:
            folder = Path(scratch) / str(size)
            step(f"{size:,} enterprises: simulating")
            measure(_simulate, folder / "source", size)
            step(f"{size:,} enterprises: checking")
            checked = measure(_check, folder / "source", folder / "checked")
            step(f"{size:,} enterprises: indicators")
            found = measure(_features, folder / "checked" / "clean", folder / "indicators.parquet")
            for name, cost, rows in (("check", checked, checked.value), ("indicators", found, found.value)):
                table.add_row(f"{size:,}", f"{rows:,}", name, f"{cost.seconds:.1f}", f"{cost.peak_mb:,.0f}")
    show(table)


@bench.command()
def serve(
    demo: Annotated[Path, typer.Option(help="What `fenlei demo` left.")] = Path("data/generated/demo"),
    calls: Annotated[int, typer.Option(min=10, help="Calls of each kind.")] = 200,
) -> None:
    """Latency of single and batched calls to a service started on the demo's model and table."""
    from features.errors import ConfigError
    from features.table import read_table
    from serving.access import create_token
    from serving.launch import start
    from serving.settings import Settings

    tables = sorted(demo.glob("indicators_*.parquet"))
    if not tables:
        raise ConfigError(f"{demo} holds no indicator table: run `fenlei demo` first")
    ids = list(read_table(tables[-1])[0].index.get_level_values("enterprise_id"))
    table = _table("calls to the service, one after the other", "call", "calls", "p50 ms", "p95 ms", "enterprises/s")
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        settings = Settings(
            tracking_uri=f"sqlite:///{(demo / 'mlflow.db').resolve()}",
            table=tables[-1],
            tokens=home / "tokens.jsonl",
            audit=home / "audit.jsonl",
        )
        token = create_token(settings.tokens, "bench")
        with start(settings) as service:
            for size in (1, 100, 1000):
                body = {"items": [{"enterprise_id": e} for e in ids[:size]]}
                took = []
                for _ in range(max(10, calls // size)):
                    begin = time.perf_counter()
                    status, answer = service.post("/classify", body, token)
                    took.append(time.perf_counter() - begin)
                    if status != 200:
                        raise ConfigError(f"the service answered {status}: {answer}")
                low, high = statistics.median(took), statistics.quantiles(took, n=20)[-1]
                per_call = min(size, len(ids))
                cells = (f"{low * 1e3:.1f}", f"{high * 1e3:.1f}", f"{per_call / low:,.0f}")
                table.add_row(f"{per_call} from the table", str(len(took)), *cells)
    show(table)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title)
    for column in columns:
        table.add_column(column, justify="right")
    return table
