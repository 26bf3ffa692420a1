"""Verb that explains one enterprise's class: explain."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from features.errors import SourceError
from fenlei.terminal import emit, err, parse_date, progress, show
from fenlei.verbs.options import AsOf, Json, Province, whose

if TYPE_CHECKING:
    from features.table.comparisons import Comparisons
    from models.reporting.case import Case
    from models.tracking.store import Store

Language = Literal["zh", "en"]


def explain(
    source: Annotated[Path, typer.Argument(help="Folder of records, raw or clean, or a month's indicator table.")],
    enterprise: Annotated[str, typer.Argument(help="Its enterprise id, or its social credit code.")],
    as_of: AsOf,
    language: Annotated[Language, typer.Option(help="zh or en.")] = "zh",
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Page to write: one A4 sheet, HTML.")] = None,
    table: Annotated[
        Path | None, typer.Option(help="The month's indicator table: what values of a folder are compared with.")
    ] = None,
    store: Annotated[
        Path | None,
        typer.Option(help="Folder of the store with the approved model; without, MLFLOW_TRACKING_URI, or the rules."),
    ] = None,
    signers: Annotated[Path | None, typer.Option(help="Another list of signers than the province's.")] = None,
    months: Annotated[int, typer.Option(min=1, help="Months of history, this one with them, from a folder.")] = 6,
    province: Province = None,
    as_json: Json = False,
) -> None:
    """Show why an enterprise is in its class, and write its page."""
    from features.places import check_output
    from fenlei.verbs.explaining import Explainer, check_source, from_records, from_table
    from models.reporting.sheet import sheet
    from models.reporting.terminal_case import shown

    cutoff = parse_date(as_of)
    check_source(source)
    if output is not None:
        check_output(output, suffix=".html")
    compared = table if table is not None else source if source.is_file() else None
    with progress("explaining", quiet=as_json) as step:
        explainer = Explainer(
            whose(province), _store(store, signers), _comparisons(compared, required=table is not None)
        )
        if source.is_file():
            case = from_table(source, enterprise, cutoff, explainer)
        else:
            from features.table.notebook import open_source

            with open_source(source, cutoff, None, step) as records:
                case = from_records(records, source, enterprise, cutoff, months, explainer, step)
    if output is not None:
        output.write_text(sheet(case, language), encoding="utf-8")
    if as_json:
        emit(_told(case))
        return
    for part in shown(case, language):
        show(part)
    if output is not None:
        err.print(f"page: {output}", markup=False, soft_wrap=True)


def _store(folder: Path | None, signers: Path | None) -> Store | None:
    """Return the store that is named, by the command line or the environment; None where none is."""
    import os

    from fenlei.verbs.store import answering_store

    if folder is None:
        return answering_store(signers) if os.environ.get("MLFLOW_TRACKING_URI") else None
    from models.tracking.reach import check_store
    from models.tracking.store import Store

    found = Store.in_folder(folder, None if signers is None else signers.resolve())
    check_store(found)
    return found


def _comparisons(table: Path | None, *, required: bool) -> Comparisons | None:
    """Return the comparisons of a table; of one that is only explained and has none beside it, None."""
    from features.table.comparisons import read_comparisons

    try:
        return read_comparisons(table) if table is not None else None
    except SourceError:
        if required:
            raise
        return None


def _told(case: Case) -> dict[str, object]:
    from dataclasses import asdict

    parts = {k: v for k, v in asdict(case).items() if k != "found"}
    return {"classification": json.loads(case.found.to_json()), **parts}


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command()(explain)
