"""Options that several verbs share."""

from __future__ import annotations

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]


Sector = Annotated[str | None, typer.Option(help="Sector whose indicators are added, such as food.")]
Peers = Annotated[
    bool,
    typer.Option("--peers", help="Recent peer rates, too: what visits found lately in its trade, at itself."),
]


AsOf = Annotated[str, typer.Option("--as-of", help="Date, such as 2026-01-01; 2026-01 means its first day.")]
