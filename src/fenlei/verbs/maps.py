"""Verbs over a city's map: try and draft."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from fenlei.terminal import emit, progress, show
from fenlei.verbs.options import Json

maps = typer.Typer(help="The map of a city's files: docs/maps.md.", no_args_is_help=True)


@maps.command("try")
def try_(
    city_map: Annotated[Path, typer.Argument(metavar="MAP", help="The city's map, a TOML file.")],
    data: Annotated[Path, typer.Option(help="Folder with the city's files.")],
    province: Annotated[
        str | None, typer.Option(help="Whose outcomes.toml says which result codes are violations.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what every file and rule of a map would become; nothing is written."""
    from features.adapters.table.trial import try_map
    from models.study.records import account

    with progress("reading", quiet=as_json):
        found = try_map(data, city_map, province=province)
    if as_json:
        emit(found.as_dict())
        return
    show(account(found.report))
    for title, rows in (("arms", found.arms), ("result codes", found.outcomes)):
        show(_table(title, ("rule", "visits"), [(rule, f"{n:,}") for rule, n in rows]))
    measures = [(name, *(f"{value:,}" for value in said.values())) for name, said in found.measures.items()]
    if measures:
        show(_table("measures", ("measure", "visits", "least", "greatest", "total"), measures))
    if found.events:
        show(_table("events", ("kind", "events"), [(kind, f"{n:,}") for kind, n in found.events.items()]))
    months = []
    for row in found.months:
        codes = ", ".join(f"{code}: {n:,}" for code, n in row["codes"].items())
        rate = f"{row['violations'] / row['labelled']:.1%}" if row.get("labelled") else ""
        months.append((row["month"][:7], f"{row['visits']:,}", codes, rate))
    show(_table("visits by month", ("month", "visits", "result codes", "violation rate"), months))
    lines = [f"{table}: {n:,} records" for table, n in found.records.items()]
    lines += [f"{what}: {n:,}" for what, n in sorted(found.report.counts.items())]
    lines += [f"missing: {file}" for file in sorted(found.report.missing)]
    lines += found.report.left_lines() + found.report.fault_lines()
    lines.append(f"{len(found.indicators)} indicators of the place: {', '.join(found.indicators)}")
    show(Text("\n".join(lines)))


@maps.command("draft")
def draft(
    data: Annotated[Path, typer.Argument(help="Folder with the city's files.")],
    as_json: Json = False,
) -> None:
    """Print the beginning of a map, proposed from the files' columns."""
    from features.adapters.table.draft import drafted

    text = drafted(data)
    emit({"map": text}) if as_json else typer.echo(text, nl=False)


def _table(title: str, columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Table:
    table = Table(title=title, title_justify="left")
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if not number or column == "result codes" else "right")
    for row in rows:
        table.add_row(*row)
    return table


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    app.add_typer(maps, name="map")
