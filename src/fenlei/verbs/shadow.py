"""Verb that prints how a proposed version answers beside the one in use: shadow."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from fenlei.terminal import emit, show
from fenlei.verbs.options import Json


def shadow(
    source: Annotated[
        Path,
        typer.Argument(metavar="FILE_OR_STORE", help="What the service wrote (FENLEI_SHADOW_FILE), or its folder."),
    ] = Path("data/generated/shadow.json"),
    as_json: Json = False,
) -> None:
    """Compare the shadow with what answers: agreement by class and drift of the scores, with 95% intervals."""
    from dataclasses import asdict

    from models.scoring.classification import GRADES
    from serving.shadow.tally import read_tally

    tally = read_tally(source)
    said = tally.compared()
    if as_json:
        emit({**asdict(tally), "compared": said})
        return
    show(
        Text(f"version {tally.shadow} beside {tally.served}, since {tally.since}: {said['enterprises']:,} enterprises")
    )
    table = Table(title="class that answered, and the shadow's")
    for column in ("answered", *(f"shadow {grade}" for grade in GRADES), "agree"):
        table.add_column(column, justify="right")
    for grade, row in said["by_class"].items():
        table.add_row(grade, *(f"{row['shadow'][other]:,}" for other in GRADES), _share(row["agreement"]))
    show(table)
    for name in ("agreement", "riskier", "safer"):
        show(Text(f"{name}: {_share(said[name])}"))
    apart = said["score_difference"]
    if apart["interval"] is not None:
        low, high = apart["interval"]
        show(Text(f"shadow's score less the served one: {apart['mean']:+.1f} ({low:+.1f} to {high:+.1f})"))
        show(Text("points apart: " + ", ".join(f"{name} {count:,}" for name, count in apart["apart"].items())))
        show(Text(f"stability index of the scores (PSI): {said['psi']:.3f}"))
    left = {"asked again": tally.repeated, "shadow busy": tally.dropped, "shadow failed": tally.failed}
    left["rules in the shadow's place"] = tally.by_rules
    show(Text("not counted: " + ", ".join(f"{name} {count:,}" for name, count in left.items())))


def _share(said: dict[str, Any]) -> str:
    if said["share"] is None:
        return "none"
    low, high = said["interval"]
    return f"{said['count']:,} of {said['of']:,}, {said['share']:.1%} ({low:.1%} to {high:.1%})"


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command()(shadow)
