"""Verbs of a person's judgement: override propose, approve, end, list, evaluate (HB 8)."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from fenlei.terminal import emit, parse_date, show
from fenlei.verbs.options import Json, Province, whose
from fenlei.verbs.person import Key, List, read_private, today
from fenlei.verbs.store import answering_store

if TYPE_CHECKING:
    from models.signoff.overrides import OverrideLine

override = typer.Typer(help="A person's judgement in the place of the computed class 人工研判.", no_args_is_help=True)
Number = Annotated[int, typer.Argument(help="Number of the proposal, as `fenlei override list` shows it.")]


@override.command()
def propose(
    enterprise: Annotated[str, typer.Argument(metavar="ID", help="Enterprise whose class is set.")],
    grade: Annotated[str, typer.Argument(help="Class: A, B, C or D.")],
    instead_of: Annotated[str, typer.Option("--instead-of", help="Class that is answered now.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; stands in every answer.")],
    until: Annotated[str, typer.Option("--until", help="First day it no longer holds, such as 2027-06-01.")],
    key: Key,
    province: Province = None,
    signers: List = None,
    as_json: Json = False,
) -> None:
    """Put another class for an enterprise up for approval by a second person."""
    from models.signoff import overrides

    store, private = answering_store(signers), read_private(key)
    line = overrides.propose(
        store,
        whose(province),
        enterprise,
        grade,
        reason,
        instead_of=instead_of,
        until=parse_date(until),
        key=private,
        on=today(),
    )
    _said(line, as_json, f"proposed; another person approves: fenlei override approve {line.number} --key FILE")


@override.command()
def approve(
    number: Number,
    key: Key,
    note: Annotated[str, typer.Option("--note", help="What the second person adds.")] = "",
    signers: List = None,
    as_json: Json = False,
) -> None:
    """Approve an override as another person: it holds from today."""
    from models.signoff import overrides

    line = overrides.approve(answering_store(signers), number, note, key=read_private(key), on=today())
    _said(line, as_json, f"approved; it holds until before {line.until}")


@override.command()
def end(
    number: Number,
    note: Annotated[str, typer.Option("--note", help="Why.")],
    key: Key,
    signers: List = None,
    as_json: Json = False,
) -> None:
    """End an override before its time: the computed class returns today."""
    from models.signoff import overrides

    line = overrides.end(answering_store(signers), number, note, key=read_private(key), on=today())
    _said(line, as_json, "ended; the computed class returns")


@override.command("list")
def list_all(
    head: Annotated[str | None, typer.Option(help="Head kept elsewhere, which the record must still hold.")] = None,
    signers: List = None,
    as_json: Json = False,
) -> None:
    """Verify the record of overrides and show every step, and which hold today."""
    from models.signoff import overrides

    lines, day = overrides.read(answering_store(signers), head), today()
    holding = sorted(
        one.number
        for province in sorted({line.province for line in lines})
        for one in overrides.overrides_of(lines, province).on(day).values()
    )
    if as_json:
        emit({"in_force": holding, "head": overrides.head_of(lines), "lines": [e.model_dump() for e in lines]})
        return
    table = Table(title="record of overrides: every line verified")
    for column in ("number", "on", "step", "enterprise", "class", "until", "by", "why"):
        table.add_column(column)
    for e in lines:
        cells = (e.about, e.on, e.step, e.enterprise_id, f"{e.instead_of} → {e.grade}", e.until, e.by, e.note)
        table.add_row(*(Text(str(cell)) for cell in cells))
    show(table)
    show(Text(f"in force today: {', '.join(map(str, holding)) or 'none'}"))
    show(Text(f"head, to keep elsewhere: {overrides.head_of(lines)}"))


@override.command()
def evaluate(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Clean folder with the visits.")],
    province: Province = None,
    signers: List = None,
    as_json: Json = False,
) -> None:
    """Say who was right, the officials or the model, by what visits found while the overrides held."""
    from features.population.outcomes import read_outcomes
    from models.evaluation.override_outcomes import override_outcomes
    from models.scoring.bands import load_bands
    from models.scoring.classification import GRADES
    from models.signoff import overrides

    place = whose(province)
    visits = read_outcomes(folder, today(), province=place)
    decided = overrides.load_overrides(answering_store(signers), place)
    bands = load_bands(place)
    found = override_outcomes(visits, decided, {grade: bands.promised(grade) for grade in GRADES})
    if as_json:
        emit([{**asdict(one), "rate": one.rate.as_dict()} for one in found])
        return
    table = Table(title="overrides, and what visits found while they held")
    for column in ("arm", "class", "enterprises", "visits", "violations", "rate", "right"):
        table.add_column(column)
    for one in found:
        way = f"all {'stricter' if one.stricter else 'milder'}" if one.grade == "all" else ""
        moved = way or f"{one.instead_of} → {one.grade}"
        cells = (one.arm, moved, one.enterprises, one.visits, one.violations, one.rate, "" if way else one.right)
        table.add_row(*(Text(str(cell)) for cell in cells))
    show(table)
    if not found:
        show(Text("no visit while an override held"))


def _said(line: OverrideLine, as_json: bool, done: str) -> None:
    if as_json:
        emit(line.model_dump())
        return
    show(Text(f"override {line.about}: {line.enterprise_id} {line.instead_of} → {line.grade}, {line.by}: {done}"))


def add_to(app: typer.Typer) -> None:
    """Register the verb and what it has below it."""
    app.add_typer(override, name="override")
