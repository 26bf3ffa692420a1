"""Verb of confirmation: a person confirms a record that a direct determination rests on (H12.4), or takes it back."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from fenlei.terminal import emit, show
from fenlei.verbs.options import Json, Province, whose
from fenlei.verbs.person import Key, List, Note, read_private, today
from fenlei.verbs.store import answering_store


def confirm(
    record: Annotated[str, typer.Argument(help="Record as evidence names it, such as public_opinion:P17.")],
    note: Note,
    key: Key,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Take the confirmation back.")] = False,
    province: Province = None,
    signers: List = None,
    as_json: Json = False,
) -> None:
    """Confirm with your signature that a report in the media is as strong as HB 12(4) wants it."""
    from models.signoff import confirmations

    step = confirmations.withdraw if withdraw else confirmations.confirm
    line = step(answering_store(signers), whose(province), record, note, key=read_private(key), on=today())
    if as_json:
        emit(line.model_dump())
        return
    done = "no longer confirmed" if withdraw else "confirmed"
    show(Text(f"{line.record} {done} by {line.by} on {line.on}; line {line.number} of the record"))


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command()(confirm)
