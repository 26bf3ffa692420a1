"""``fenlei bench serve``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from fenlei.terminal import progress, show

TABLES = "ledger/indicators/*/[0-9][0-9][0-9][0-9]-[0-9][0-9].parquet"
"""Where `fenlei demo` leaves the indicator tables of its months."""


def serve(
    demo: Annotated[
        Path, typer.Option(help="What `fenlei demo` left; a place that is not there yet gets a small one.")
    ] = Path("data/generated/demo"),
    enterprises: Annotated[int, typer.Option(min=2000, help="Size of a province to make.")] = 8_000,
    seconds: Annotated[float, typer.Option(min=0.5, help="How long each load lasts.")] = 5.0,
    mlflow: Annotated[bool, typer.Option("--mlflow/--no-mlflow", help="Measure `mlflow models serve`, too.")] = True,
    page: Annotated[Path | None, typer.Option(help="Page to fill, such as docs/performance.md.")] = None,
    today: Annotated[str, typer.Option(help="Date to write on the page.")] = "",
) -> None:
    """Requests a second and latency of the service, of an empty endpoint and of MLflow; and where the time goes."""
    from features.errors import ConfigError
    from fenlei.bench.common.page import check_page, put
    from fenlei.bench.serve.report import measured
    from fenlei.verbs.demo import signed, store_of

    check_page(page, "serve", "profile serve", "about serve")
    if demo.exists() and not list(demo.glob(TABLES)):
        raise ConfigError(
            f"{demo} holds no indicator table: give what `fenlei demo` left, or a place that is not there yet"
        )
    with progress("bench") as step:
        if not demo.exists():
            signed(demo, enterprises, 0, 7, step)
        tables = sorted(demo.glob(TABLES))
        clean = next(folder for folder in sorted(demo.glob("**/clean")) if folder.is_dir())
        grids = measured(store_of(demo), tables[-1], clean, seconds=seconds, mlflow=mlflow, step=step)
    for grid in grids:
        show(grid.shown())
    if page:
        more = "" if mlflow else " --no-mlflow"
        line = f"Measured by `fenlei bench serve --seconds {seconds:g}{more}` on {os.cpu_count()} processors"
        put(
            page,
            {grid.name: grid.markdown() for grid in grids} | {"about serve": line + (f", {today}." if today else ".")},
        )
