"""Options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from features.errors import ConfigError
from features.policy import own_policies

Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]


Sector = Annotated[str | None, typer.Option(help="Sector whose indicators are added, such as food.")]
Peers = Annotated[
    bool,
    typer.Option("--peers", help="Recent peer rates, too: what visits found lately in its trade, at itself."),
]


Province = Annotated[
    str | None,
    typer.Option(help="Whose policies hold; without: hebei's, or where --policies names a folder, its only place's."),
]


def whose(province: str | None) -> str:
    """Return the province that is asked about: the one named, else the only place of one's own policies, else Hebei.

    Raises
    ------
    ConfigError
        If one's own policies hold several places, or none, and no one is named.
    """
    own = own_policies()
    if province is not None or own is None:
        return province or "hebei"
    places = sorted({file.parent.name for file in own.glob("*/*.toml")})
    if len(places) != 1:
        raise ConfigError(f"{own}: say --province; it has policies of {', '.join(places) or 'no place'}")
    return places[0]


LEDGER = Path("data/generated/ledger")
"""The ledger, where none is named."""

AsOf = Annotated[str, typer.Option("--as-of", help="Date, such as 2026-01-01; 2026-01 means its first day.")]
