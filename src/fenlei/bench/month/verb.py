"""The verb ``fenlei bench month``: a month for everyone, end to end, and the month after."""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from fenlei.bench.common.measure import measure
from fenlei.bench.common.page import check_page, markdown, put
from fenlei.terminal import progress, show

MEMORY = "3GB"
CUTOFFS = (date(2025, 12, 1), date(2026, 1, 1))
BLOCK = "month"


def month_verb(
    enterprises: Annotated[
        list[int] | None, typer.Option("--enterprises", help="Size to run; several for the growth. Default: 30,000.")
    ] = None,
    memory: Annotated[str, typer.Option(help="What DuckDB may hold; the rest is spilled.")] = MEMORY,
    page: Annotated[Path | None, typer.Option(help="Page whose block is to be filled.")] = None,
) -> None:
    """Time and memory of a month end to end by step, and of the next one, whose records are checked already."""
    from fenlei.bench.month import province
    from fenlei.bench.month.province import save_model, simulated

    check_page(page, BLOCK)
    columns = [
        "enterprises",
        "rows of records",
        "month",
        "seconds",
        "processor s",
        "growth",
        "peak MiB",
        "steps, seconds",
    ]
    cells: list[list[str]] = []
    with progress("bench") as step, tempfile.TemporaryDirectory() as scratch:
        step("a model of all indicators")
        measure(save_model, Path(scratch))
        before: dict[int, tuple[int, float]] = {}
        for size in enterprises or [30_000]:
            with tempfile.TemporaryDirectory() as place:
                source, ledger = Path(place) / "source", Path(place) / "ledger"
                step(f"simulating {size:,} enterprises")
                rows = measure(simulated, source, size).value
                for k, cutoff in enumerate(CUTOFFS):
                    step(f"{size:,} enterprises, {cutoff:%Y-%m}")
                    cost = measure(province.month, source, ledger, Path(scratch) / "model", cutoff, memory)
                    grown = f"{cost.cpu_seconds / before[k][1] / (size / before[k][0]):.2f}" if k in before else ""
                    before[k] = size, cost.cpu_seconds
                    steps = ", ".join(f"{name} {seconds:.1f}" for name, seconds in cost.value.seconds.items())
                    cells.append(
                        [f"{size:,}", f"{rows:,}", f"{cutoff:%Y-%m} {cost.value.act}", f"{cost.seconds:.1f}",
                         f"{cost.cpu_seconds:.1f}", grown, f"{cost.peak_mb:,.0f}", steps]
                    )  # fmt: skip
    table = Table(title="a month for everyone; growth: processor time against the size before, 1.0 is linear")
    for name in columns:
        table.add_column(name, justify="left" if name in ("month", "steps, seconds") else "right")
    for row in cells:
        table.add_row(*row)
    show(table)
    if page is not None:
        put(page, {BLOCK: markdown(columns, cells)})
        show(Text(f"written into {page}"))


def faults(
    month: Annotated[bool, typer.Option("--month", help="Of a month's run: the default.")] = True,
    serving: Annotated[bool, typer.Option("--serve", help="Of the service, while clients call steadily.")] = False,
    swaps: Annotated[int, typer.Option(min=0, help="Withdrawals and approvals, of the service.")] = 2,
    enterprises: Annotated[int, typer.Option(min=500, help="Size to simulate.")] = 30_000,
    kills: Annotated[int, typer.Option(min=1, help="Runs to kill.")] = 20,
    seed: Annotated[int, typer.Option(help="Of the moments.")] = 7,
    page: Annotated[Path | None, typer.Option(help="Page whose block is to be filled.")] = None,
) -> None:
    """Kill a month's run at random moments, fill its disk, run it twice; exit 1 where the ledger is another then.

    With --serve: kill the service's worker, swap approvals, corrupt files, lose MLflow; exit 1 where an answer is
    wrong, unlogged or lost but for those in flight.
    """
    if serving:
        from fenlei.bench.serve.faults_verb import tried as tried_serving

        tried_serving(enterprises, swaps, page)
        return
    from fenlei.bench.month import faults as tried
    from fenlei.bench.month.province import save_model, simulated

    check_page(page, "faults month")
    with progress("faults") as step, tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        step("a model and a province")
        measure(save_model, place)
        measure(simulated, place / "source", enterprises)
        source, model = place / "source", place / "model"
        found = tried.kills(source, model, place, kills, seed, step)
        step("other faults")
        found += tried.others(source, model, place)
    columns = ["fault", "the run", "ledger as undisturbed"]
    cells = [[f.what, f.said.replace(str(place), "…"), "yes" if f.held else "NO"] for f in found]
    table = Table(title=f"faults of a month of {enterprises:,} enterprises")
    for name in columns:
        table.add_column(name)
    for row in cells:
        table.add_row(*row)
    show(table)
    held = sum(f.held for f in found)
    show(Text(f"{held} of {len(found)} held"))
    if page is not None:
        put(page, {"faults month": markdown(columns, cells)})
    if held < len(found):
        raise typer.Exit(1)
