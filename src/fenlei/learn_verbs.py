"""Verbs over models: train, compare, propose, approve, reject, history."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from fenlei.data_verbs import Json
from fenlei.terminal import emit, progress, show

By = Annotated[str, typer.Option("--by", help="Who acts; proposer and approver must be two persons.")]
Note = Annotated[str, typer.Option("--note", help="Why.")]
Version = Annotated[str, typer.Argument(help="Registered version, as `fenlei train` printed it.")]


def _today() -> str:
    """The only clock of the product: the command line hands the date down."""
    return datetime.now(UTC).date().isoformat()


def train(
    experiment: Annotated[Path, typer.Argument(help="The study, for instance experiments/demo.toml.")],
    data: Annotated[Path | None, typer.Option(help="Source folder.")] = None,
    trials: Annotated[int | None, typer.Option(min=0, help="Tuning trials, instead of the study's.")] = None,
    work: Annotated[Path, typer.Option(help="Where checked records and reports go.")] = Path("data/generated"),
    as_json: Json = False,
) -> None:
    """Learn, measure beside the rivals, write the report, register a version in MLflow."""
    from models.train import train as run

    with progress("training", quiet=as_json) as step:
        result = run(experiment, data=data, trials=trials, work=work, say=step)
    emit(result.as_dict()) if as_json else show(result.render())


def compare(
    runs: Annotated[list[str] | None, typer.Argument(help="Run ids or their beginnings; default: the newest.")] = None,
    as_json: Json = False,
) -> None:
    """Show training runs side by side, as MLflow has them."""
    from models import compare as comparing

    frame = comparing.runs(runs or None)
    emit(frame.reset_index().to_dict("records")) if as_json else show(comparing.render(frame))


def propose(version: Version, by: By, note: Note) -> None:
    """Put a registered version up for approval."""
    from models import approval

    entry = approval.propose(version, by, note, on=_today())
    show(Text(f"version {version} proposed by {entry.by}; another person approves: fenlei approve {version} --by NAME"))


def approve(version: Version, by: By, note: Note = "") -> None:
    """Approve a proposed version as another person: it is the one that is served."""
    from models import approval

    entry = approval.approve(version, by, note, on=_today())
    show(Text(f"version {version} approved by {entry.by}: it is served from now on"))


def reject(version: Version, by: By, note: Note) -> None:
    """Refuse a proposed version or withdraw an approved one; the one approved before it returns."""
    from models import approval

    approval.reject(version, by, note, on=_today())
    standing = approval.in_force(approval.history())
    served = f"version {standing.version}" if standing else "no model: the rules answer"
    show(Text(f"version {version} rejected; served: {served}"))


def history(as_json: Json = False) -> None:
    """Show who proposed, approved and rejected what."""
    from models import approval

    entries = approval.history()
    if as_json:
        emit([e.__dict__ for e in entries])
        return
    table = Table(title="approval record")
    for column in ("on", "version", "action", "by", "note", "model"):
        table.add_column(column)
    for e in entries:
        table.add_row(e.on, e.version, e.action, e.by, e.note, e.model_hash[:12])
    show(table)


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    for verb in (train, compare, propose, approve, reject, history):
        app.command()(verb)
