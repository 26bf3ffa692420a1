"""Verbs of remedies: what an enterprise may lawfully do to come down a class, and what to remind it of."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from fenlei.terminal import emit, parse_date, show
from fenlei.verbs.options import AsOf, Json, Province, whose

if TYPE_CHECKING:
    from models.remedies.result import Remedies
    from models.remedies.variants import Judge


def remedies(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Clean folder of records.")],
    enterprise: Annotated[list[str], typer.Argument(metavar="ID", help="Enterprises.")],
    as_of: AsOf,
    act: Annotated[list[str] | None, typer.Option("--act", help="Only this act; may be given again.")] = None,
    bundle: Annotated[
        Path | None, typer.Option("--model", help="Folder of a saved model; without, the rules classify.")
    ] = None,
    province: Province = None,
    as_json: Json = False,
) -> None:
    """Find the fewest lawful acts that bring an enterprise a class down, or when a record stops counting."""
    from models.remedies.folder import records_of
    from models.remedies.search import remedies_of

    judge = _judge(whose(province), bundle)
    records = records_of(folder, enterprise, parse_date(as_of), judge.scope)
    found = remedies_of(records, judge, acts=act)
    if as_json:
        emit([{**one.model_dump(mode="json"), "answer": one.answer} for one in found])
        return
    for one in found:
        _shown(one)


def remind(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Clean folder of records.")],
    enterprise: Annotated[list[str], typer.Argument(metavar="ID", help="Enterprises.")],
    as_of: AsOf,
    province: Province = None,
    as_json: Json = False,
) -> None:
    """Write the reminders to an enterprise: which record asks what of it, by when and where; never its class."""
    from features.scope import Scope
    from models.remedies.folder import records_of
    from models.remedies.reminder import reminders_of

    place = whose(province)
    records = records_of(folder, enterprise, parse_date(as_of), Scope(place))
    found = [one for each in reminders_of(records, place) for one in each]
    if as_json:
        emit([one.model_dump(mode="json") for one in found])
        return
    for one in found:
        show(Text(f"{one.enterprise_id}: {one.text_zh} {one.text_en}"))
    if not found:
        show(Text("nothing to remind of"))


def _judge(province: str, bundle: Path | None) -> Judge:
    from models.remedies.variants import Judge
    from models.scoring.risk_model import RiskModel
    from models.scoring.rules.province import load_rules

    return Judge(load_rules(province), None if bundle is None else RiskModel.load(bundle))


def _shown(one: Remedies) -> None:
    show(Text(f"{one.enterprise_id} at {one.cutoff}: class {one.grade_before}, score {one.score_before:.1f}"))
    if one.acts:
        table = Table(title=f"then class {one.grade_after}, score {one.score_after:.1f}")
        for column in ("act", "days", "what", "办理事项"):
            table.add_column(column, overflow="fold")
        for act in one.acts:
            table.add_row(*map(Text, (act.act, str(act.days), act.text_en, act.text_zh)))
        show(table)
        if not one.exact:
            show(Text("no set of up to three acts helps; a smaller one than this may"))
        return
    if one.grade_before == "A":
        show(Text("class A already: there is no lower class"))
        return
    show(Text("no acts bring it a class down now"))
    if one.waiting is not None:
        show(Text(f"class {one.waiting.grade_after} on {one.waiting.cutoff}, if nothing new is recorded:"))
    for en, zh in one.answer:
        show(Text(f"  {en} {zh}"))


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    for verb in (remedies, remind):
        app.command()(verb)
