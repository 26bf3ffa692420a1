"""Verbs of results: take them back for the next learning."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from features.places import check_output
from fenlei.terminal import emit, parse_date, show
from fenlei.verbs.options import Json
from fenlei.verbs.person import today

results = typer.Typer(help="Results of a plan's visits 检查结果.", no_args_is_help=True)


@results.callback()
def _group() -> None:
    """Results of a plan's visits 检查结果."""


@results.command()
def take(
    file: Annotated[Path, typer.Argument(help="CSV or Parquet: draw_id, day, result_codes, items and more.")],
    into: Annotated[Path, typer.Option("--into", help="Source folder whose draws have the plan's.")],
    on: Annotated[str | None, typer.Option("--on", help="Day they became known; without: today.")] = None,
    quarantine: Annotated[
        Path | None, typer.Option(help="CSV for rows set aside; default <FILE>_quarantine.csv.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Put results of draws into a source; exit 1 when rows were set aside: draws never made, contradictions, faults."""
    from supervision.results.take import take as put

    check_output(quarantine or file.with_name(f"{file.stem}_quarantine.csv"))
    done = put(file, into, on=parse_date(on) if on else today(), quarantine=quarantine)
    if as_json:
        emit(asdict(done))
    else:
        show(Text(f"{done.rows:,} rows: {done.taken:,} draws got their result, {done.there:,} had the same already,"
                  f" {done.merged:,} rows repeat another, {done.aside:,} are set aside"))  # fmt: skip
        for table, count in done.written.items():
            show(Text(f"{count:,} rows into {table}"))
        for reason, count in done.reasons.items():
            show(Text(f"set aside: {count:,}, {reason}"))
        if done.quarantine:
            show(Text(f"rows set aside, with reasons: {done.quarantine}"))
    if done.aside:
        raise typer.Exit(1)


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    app.add_typer(results, name="results")
