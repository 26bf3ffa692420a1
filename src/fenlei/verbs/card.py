"""Verbs over points cards: fit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fenlei.terminal import emit, progress, show
from fenlei.verbs.options import Json
from fenlei.verbs.store import answering_store

card = typer.Typer(help="Points cards: the rules, fitted from data.", no_args_is_help=True)


@card.command("fit")
def fit(
    experiment: Annotated[Path, typer.Argument(help="The study, for instance experiments/demo.toml.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The card to write, such as scorecard.toml.")],
    data: Annotated[Path | None, typer.Option(help="Source folder.")] = None,
    work: Annotated[Path, typer.Option(help="Where checked records and the page go.")] = Path("data/generated"),
    as_json: Json = False,
) -> None:
    """Fit a points card on a study's visits, measure it beside the expert card, log both."""
    from models.cards import fit as run

    with progress("fitting a card", quiet=as_json) as step:
        found = run(experiment, store=answering_store(), data=data, output=output, work=work, say=step)
    emit(found.as_dict()) if as_json else show(found.render())


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    app.add_typer(card, name="card")
