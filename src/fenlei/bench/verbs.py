"""The benchmark verbs: simulate, published, province, features, record, fit, explain, learn, loop, serve, spark."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from fenlei.bench.alerts.verb import warnings_verb
from fenlei.bench.common.grid import Grid
from fenlei.bench.common.measure import measure
from fenlei.bench.feedback.verb import loop
from fenlei.bench.learning.rules_verb import rules
from fenlei.bench.learning.verb import learn
from fenlei.bench.month.verb import faults, month_verb
from fenlei.bench.serve.verb import serve
from fenlei.bench.speed.plan import plan_verb
from fenlei.bench.speed.spark import spark
from fenlei.bench.year.verb import year
from fenlei.terminal import progress, show

END = date(2026, 1, 1)
MONTHS = 36
Sizes = Annotated[
    list[int] | None,
    typer.Option("--enterprises", help="Size to run; several for a growth table. Default: 30,000 and 100,000."),
]
SIZES = [30_000, 100_000]
bench = typer.Typer(help="Measure speed and memory on this machine.", no_args_is_help=True)
bench.command()(learn)
bench.command()(loop)
bench.command()(rules)
bench.command()(serve)
bench.command()(spark)
bench.command("month")(month_verb)
bench.command()(faults)
bench.command("plan")(plan_verb)
bench.command("warnings")(warnings_verb)
bench.command()(year)


def _simulate(folder: Path, enterprises: int) -> int:
    from simulation import simulate

    return sum(simulate(folder, enterprises=enterprises, months=MONTHS, seed=7, end=END).rows.values())


def _check(folder: Path, out: Path) -> int:
    from features.check import check_folder

    return check_folder(folder, END, out).totals["rows_in"]


@bench.command()
def simulate(enterprises: Sizes = None) -> None:
    """Rows per second of the simulator by size, and how its time grows."""
    title = "simulate, 36 months; growth: time against the size before, 1.0 is linear"
    table = _table(title, "enterprises", "rows", "rows/s", "seconds", "processor s", "growth", "peak MiB")
    before: tuple[int, float] | None = None
    with progress("bench") as step:
        for size in enterprises or SIZES:
            step(f"{size:,} enterprises")
            # Removed before the next size: three million enterprises fill the disk by the ten gigabytes.
            with tempfile.TemporaryDirectory() as scratch:
                cost = measure(_simulate, Path(scratch) / "province", size)
            growth = f"{cost.cpu_seconds / before[1] / (size / before[0]):.2f}" if before else ""
            rate = cost.value / cost.seconds
            cells = (f"{rate:,.0f}", f"{cost.seconds:.1f}", f"{cost.cpu_seconds:.1f}", growth, f"{cost.peak_mb:,.0f}")
            table.add_row(f"{size:,}", f"{cost.value:,}", *cells)
            before = size, cost.cpu_seconds
    show(table)


@bench.command()
def published(
    folder: Annotated[Path | None, typer.Argument(help="Simulated folder; without, one is simulated.")] = None,
    enterprises: Annotated[int, typer.Option(min=1000, help="Size to simulate.")] = 20_000,
    seed: Annotated[int, typer.Option(help="Seed to simulate.")] = 7,
) -> None:
    """Published aggregates beside those of a simulated province, with their sources and tolerances."""
    from features.check.files import find_tables
    from fenlei.bench.truth.published import compare, render
    from simulation import simulate as run

    if folder is not None:
        find_tables(folder)  # says what is missing there
    with tempfile.TemporaryDirectory() as scratch, progress("published") as step:
        source = folder or Path(scratch) / "province"
        if folder is None:
            step(f"simulating {enterprises:,} enterprises")
            run(source, enterprises=enterprises, seed=seed, end=END)
        step("measuring")
        rows = compare(source, END)
    named = str(folder) if folder else f"{enterprises:,} enterprises, seed {seed}"
    show(render(rows, f"published and simulated: {named}"))


@bench.command()
def province(
    enterprises: Annotated[int, typer.Option(min=5000, help="Size of each province.")] = 60_000,
    seed: Annotated[list[int] | None, typer.Option("--seed", help="Several for several provinces.")] = None,
    page: Annotated[Path | None, typer.Option(help="Page to fill, such as docs/simulation.md.")] = None,
    today: Annotated[str, typer.Option(help="Date to write on the page.")] = "",
) -> None:
    """How hard the simulated province is: published figures, learners beside the truth, bias by hunch."""
    from fenlei.bench.common.page import check_page, fill
    from fenlei.bench.truth.province import measured

    check_page(page, "published", "ranking", "hunch", "about")
    seeds = seed or [7]
    with progress("province") as step:
        blocks = measured(enterprises, seeds, step)
    if page:
        options = "".join(f" --seed {s}" for s in seeds)
        line = f"`fenlei bench province --enterprises {enterprises}{options}`"
        fill(page, blocks, f"Measured by {line}" + (f" on {today}." if today else "."))
    for block in blocks.values():
        show(Text(block + "\n"))


def _prepare(folder: Path, enterprises: int) -> Path:
    measure(_simulate, folder / "source", enterprises)
    measure(_check, folder / "source", folder / "checked")
    for made in ("source", "source_truth"):  # three million enterprises would fill the disk twice over
        shutil.rmtree(folder / made)
    return folder / "checked" / "clean"


Page = Annotated[Path | None, typer.Option(help="Page to fill, such as docs/performance.md.")]
Today = Annotated[str, typer.Option(help="Date to write on the page.")]


@bench.command()
def features(
    enterprises: Sizes = None,
    clean: Annotated[
        list[Path] | None, typer.Option(help="Clean folder to measure, instead of a simulated one; several for growth.")
    ] = None,
    pairs: Annotated[int, typer.Option(min=1, help="Training pairs to compute.")] = 200_000,
    memory: Annotated[str, typer.Option(help="What DuckDB may hold; the rest is spilled.")] = "3GB",
    rival: Annotated[int, typer.Option(help="Greatest size that pandas is to hold; 0: without pandas.")] = 300_000,
    page: Page = None,
    today: Today = "",
) -> None:
    """All indicators at one cut-off by size, of training pairs, and beside pandas pipelines."""
    from features.records.store import read_days
    from fenlei.bench.common.page import check_page
    from fenlei.bench.speed import report

    check_page(page, "growth", "profile", "pairs", "about features")
    for given_folder in clean or ():
        read_days(given_folder)  # says what is missing there
    sizes = enterprises or SIZES
    given: list[int | Path] = [*clean] if clean else [*sizes]
    held = given[-1] if clean else max((n for n in sizes if n <= rival), default=sizes[0])
    with tempfile.TemporaryDirectory() as home, progress("bench") as step:
        scratch = Path(home)
        growth, others = report.Growth(END, memory, scratch), list[Grid]()
        for one in given:
            # Each province is removed before the next one is made.
            with tempfile.TemporaryDirectory(dir=scratch) as room:
                if isinstance(one, int):
                    step(f"simulating and checking {one:,} enterprises")
                folder = _prepare(Path(room), one) if isinstance(one, int) else one
                step(f"indicators of {one:,} enterprises" if isinstance(one, int) else f"indicators of {one}")
                growth.add(folder)
                if one == held and not others:
                    others.append(report.training(folder, END, pairs, step))
                    others += report.rivals(folder, END, scratch, step) if rival else []
    grids = [*growth.grids(), *others]
    for grid in grids:
        show(grid.shown())
    if page:
        options = "".join(f" --enterprises {n}" for n in sizes) if not clean else " --clean …"
        _write(page, grids, "about features", f"features{options} --rival {rival}", today)


@bench.command()
def record(
    calls: Annotated[int, typer.Option(min=20, help="Calls with one record.")] = 200,
    page: Page = None,
    today: Today = "",
) -> None:
    """Latency of one enterprise's record through the same SQL, and of a thousand."""
    from fenlei.bench.common.page import check_page
    from fenlei.bench.speed.report import single_records

    check_page(page, "record", "about record")
    with progress("bench") as step:
        found = single_records(END, calls, _prepare, step)
    show(found.shown())
    if page:
        _write(page, [found], "about record", f"record --calls {calls}", today)


@bench.command()
def fit(
    enterprises: Annotated[int, typer.Option(min=1000, help="Size of the province the pairs are of.")] = 60_000,
    pairs: Annotated[int, typer.Option(min=2000, help="Training pairs.")] = 200_000,
    experiment: Annotated[Path, typer.Option(help="Whose learner and arms.")] = Path("experiments/province.toml"),
    page: Page = None,
    today: Today = "",
) -> None:
    """One fit with its calibration, on 81 indicators and on all."""
    from fenlei.bench.common.page import check_page
    from fenlei.bench.speed.fit import measured
    from models.study.experiment import load_experiment

    check_page(page, "fit", "about fit")
    load_experiment(experiment)
    with progress("bench") as step:
        found = measured(enterprises, pairs, experiment, step)
    show(found.shown())
    if page:
        _write(page, [found], "about fit", f"fit --enterprises {enterprises} --pairs {pairs}", today)


@bench.command()
def explain(
    rows: Annotated[int, typer.Option(min=1000, help="Rows to stream.")] = 3_000_000,
    compared: Annotated[int, typer.Option(min=1000, help="Rows to compare with pred_contrib.")] = 100_000,
    page: Page = None,
    today: Today = "",
) -> None:
    """Contributions of millions of rows, beside LightGBM's pred_contrib and shap, and the largest difference."""
    from fenlei.bench.common.page import check_page
    from fenlei.bench.speed.explain import measured

    check_page(page, "explain speed", "explain many", "about explain")
    with progress("bench") as step:
        grids = measured(rows, compared, step)
    for grid in grids:
        show(grid.shown())
    if page:
        _write(page, grids, "about explain", f"explain --rows {rows} --compared {compared}", today)


def _write(page: Path, grids: Sequence[Grid], about: str, command: str, today: str) -> None:
    """Fill a page's blocks with what was measured, and by what."""
    from fenlei.bench.common.page import put

    line = f"Measured by `fenlei bench {command}` on {os.cpu_count()} processors" + (f", {today}." if today else ".")
    put(page, {grid.name: grid.markdown() for grid in grids} | {about: line})


@bench.command()
def remedies(
    enterprises: Annotated[int, typer.Option(min=20, help="Enterprises asked about.")] = 400,
) -> None:
    """Enterprises a second whose remedies are found, by the rules: those above class A alone, and all."""
    from fenlei.bench.speed.remedies import remedies_speed

    table = _table(
        "remedies", "enterprises", "asked", "seconds", "processor s", "a second", "by number of acts", "waiting"
    )
    with tempfile.TemporaryDirectory() as scratch, progress("bench"):
        found = remedies_speed(Path(scratch), enterprises, END)
    for name, one in zip(("above class A", "all"), found, strict=True):
        acts = ", ".join(f"{n}: {count}" for n, count in one.acts.items())
        rate = one.enterprises / one.seconds
        cells = (one.enterprises, f"{one.seconds:.1f}", f"{one.cpu_seconds:.1f}", f"{rate:.1f}", acts, one.waiting)
        table.add_row(name, *map(str, cells))
    show(table)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title)
    for column in columns:
        table.add_column(column, justify="right")
    return table
