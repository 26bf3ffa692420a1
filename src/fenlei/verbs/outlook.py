"""Verb of the outlook: risk of regions and industries in a published month."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from features.places import check_output
from fenlei.terminal import emit, show
from fenlei.verbs.options import LEDGER, Json, Province, whose

SHOWN = 12


def outlook(
    ledger: Annotated[Path, typer.Option("--ledger", help="The ledger's folder.")] = LEDGER,
    month: Annotated[str | None, typer.Option("--month", help="Such as 2026-11; without: the newest.")] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="HTML page.")] = None,
    province: Province = None,
    as_json: Json = False,
) -> None:
    """Show which industries of which regions are risky, how sure that is, and what a directed check would take."""
    from models.reporting.html import percent
    from serving.ledger.read import Ledger
    from supervision.outlook.outlook import outlook as look
    from supervision.outlook.page import page
    from supervision.outlook.policy import outlook_policy

    place = whose(province)
    policy = outlook_policy(place)
    if output is not None:
        check_output(output)
    seen = look(Ledger.open(ledger, place), month, policy)
    if output is not None:
        output.write_text(page(seen, policy), encoding="utf-8")
    if as_json:
        emit(seen.as_dict())
        return
    table = Table(title=f"{place} {seen.month}: {len(seen.cells)} cells 区域行业, mean {seen.mean:.1%}")
    for column in ("region", "industry", "firms", "risk", "C+D", "a month", "check", "visits"):
        table.add_column(column, justify="left" if column in ("region", "industry") else "right")
    for c in seen.cells[:SHOWN]:
        trend = "–" if c.trend is None else f"{c.trend.value * 100:+.2f} pp"
        table.add_row(
            c.region, c.industry, f"{c.firms:,}", percent(c.risk.value, c.risk.low, c.risk.high), percent(c.cd.value),
            trend, "▲" if c.worth else "", f"{c.visits_to_know:,}",
        )  # fmt: skip
    show(table)
    if seen.small:
        show(Text(f"{seen.small} cells with {seen.small_firms:,} enterprises are too small: nothing is said of them"))
    if output is not None:
        show(Text(f"page: {output}"))


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command()(outlook)
