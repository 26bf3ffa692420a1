"""Verbs over records and indicators: simulate, check, indicators, features."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from features.catalogue import FAMILIES, catalogue_of, lookup
from features.catalogue.sectors import own_of
from features.contract import TABLES
from features.policies import features_policy
from features.scope import Scope
from fenlei.terminal import emit, parse_date, progress, show
from fenlei.verbs.options import AsOf, Json, Peers, Province, Sector, whose


def simulate(
    folder: Annotated[Path, typer.Argument(help="Where the record tables go; the truth goes beside it.")],
    enterprises: Annotated[int, typer.Option(min=1, help="How many enterprises.")] = 20_000,
    months: Annotated[int, typer.Option(min=1, help="Months of history.")] = 60,
    seed: Annotated[int, typer.Option(help="Same seed, same bytes.")] = 7,
    hunch: Annotated[
        float | None,
        typer.Option(help="Odds ratio of a violation, targeted to random visits, at equal records: 1 to 20."),
    ] = None,
    drift: Annotated[
        list[str] | None,
        typer.Option("--drift", help="shock, new_industry, rule_change; may be given several times."),
    ] = None,
    dirty: Annotated[float, typer.Option(help="Share of rows that each kind of dirt spoils: 0 to 0.1.")] = 0.0,
    as_json: Json = False,
) -> None:
    """Write a simulated province: every table of the contract, and its truth in a separate folder."""
    from simulation import simulate as run
    from simulation import soil

    with progress("simulating", quiet=as_json) as step:
        summary = run(
            folder,
            enterprises=enterprises,
            months=months,
            seed=seed,
            hunch=hunch,
            drift=drift or (),
            progress=lambda done, of: step(f"{done:,} of {of:,} enterprises"),
        )
        if dirty:
            step("making it dirty")
        dirt = soil(folder, dirty, seed=seed, as_of=summary.end) if dirty else {}
    if as_json:
        emit(summary.as_dict() | {"dirt": dirt})
        return
    table = Table(title=f"{enterprises:,} enterprises, {summary.begin} to {summary.end}, seed {seed}: {folder}")
    table.add_column("table")
    table.add_column("rows", justify="right")
    for name, rows in summary.rows.items():
        table.add_row(f"{name} {TABLES[name].zh}", f"{rows:,}")
    show(table)
    for kind, day in summary.drift.items():
        show(Text(f"drift: {kind} begins on {day}"))
    for kind in sorted({kind for struck in dirt.values() for kind in struck}):
        total = sum(struck.get(kind, 0) for struck in dirt.values())
        show(Text(f"dirt: {kind} in {total:,} rows"))


def check(
    folder: Annotated[Path, typer.Argument(help="Folder of <table>.parquet or <table>.csv.")],
    as_of: AsOf,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Where clean and quarantined rows go; default FOLDER_checked.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check record tables against the contract; exit 1 when rows went to quarantine or were left out."""
    from features.check import check_folder, render

    # A folder such as . has no name of its own to go by.
    named = folder if folder.name not in ("", "..") else folder.resolve()
    target = output or named.with_name(f"{named.name}_checked")
    with progress("checking", quiet=as_json) as step:
        report = check_folder(folder, parse_date(as_of), target, progress=step)
    emit(report.as_dict()) if as_json else show(render(report))
    if not as_json:
        show(Text(f"clean rows: {target / 'clean'}; quarantine: {target / 'quarantine'}"))
    if not report.ok:
        raise typer.Exit(1)


def indicators(
    name: Annotated[str | None, typer.Argument(help="One indicator; without, the whole catalogue.")] = None,
    sql: Annotated[bool, typer.Option("--sql", help="Show the SQL of its aggregates and formula.")] = False,
    sector: Sector = None,
    peers: Peers = False,
    province: Province = None,
    as_json: Json = False,
) -> None:
    """Show the catalogue of indicators, or one of them with its SQL."""
    place = whose(province)
    own = own_of(place, sector)
    every = catalogue_of(features_policy(place), own, peers=peers or name is not None)
    chosen = [lookup(name, every)] if name else list(every.values())
    if as_json:
        keys = ("name", "zh", "en", "family", "group", "direction", "unit", "window", "missing", "policy", "doc")
        emit([{k: getattr(i, k) for k in keys} | {"values": str(i.bounds), "tables": i.tables} for i in chosen])
        return
    if name is None:
        table = Table(title=f"{len(chosen)} indicators in {len(FAMILIES)} families")
        for column in ("family", "indicator", "中文", "English", "direction", "unit", "window", "policy"):
            table.add_column(column)
        for i in chosen:
            table.add_row(i.family, i.name, i.zh, i.en, i.direction, i.unit, i.window, i.policy)
        show(table)
        return
    [one] = chosen
    lines = [
        f"{one.name}  {one.zh}  {one.en}", "", one.doc, "",
        f"family     {one.family} {FAMILIES[one.family]}, {one.group}", f"direction  {one.direction} risk",
        f"unit       {one.unit}", f"values     {one.bounds}", f"window     {one.window}", f"policy     {one.policy}",
        f"missing    {one.missing}", f"reads      {', '.join(one.tables)}",
    ]  # fmt: skip
    if sql:
        lines += ["", f"formula    {one.formula.template}"]
        lines += [f"  {{{k}}} = {a.sql}  from {a.table}, empty: {a.empty}" for k, a in enumerate(one.formula.parts)]
    show(Text("\n".join(lines)))


def features(
    folder: Annotated[Path, typer.Argument(help="Source folder; it is checked first.")],
    as_of: AsOf,
    output: Annotated[Path, typer.Option("-o", "--output", help="Parquet file to write, outside FOLDER.")],
    province: Province = None,
    sector: Sector = None,
    peers: Peers = False,
    engine: Annotated[str, typer.Option(help="duckdb, or spark: the extra, and Java 17.")] = "duckdb",
    master: Annotated[
        str | None, typer.Option(help="Spark's master URL; without, all processors of this machine.")
    ] = None,
    known_as_of: Annotated[
        str | None, typer.Option("--known-as-of", help="Re-compute a past month with what is known by this date.")
    ] = None,
    accept_fall: Annotated[
        bool, typer.Option("--accept-fall", help="Write it although it has far fewer enterprises than the older table.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Compute all indicators of every enterprise of the cohort at one cut-off; with a sector, of its own alone."""
    from features.table.month import write_table

    cutoff = parse_date(as_of)
    known = parse_date(known_as_of) if known_as_of else None
    with progress("indicators", quiet=as_json) as step:
        written = write_table(
            folder,
            cutoff,
            output,
            Scope(whose(province), known_as_of=known, sector=sector, peers=peers),
            progress=step,
            engine=engine,
            master=master,
            accept_fall=accept_fall,
        )
    line = f"{written['enterprises']:,} enterprises × {written['indicators']} indicators at {cutoff}: {output}"
    line += (
        f"; {written['quarantined']:,} source rows quarantined, see `fenlei check`" if written["quarantined"] else ""
    )
    if as_json:
        emit(written)
        return
    show(Text(line))
    for text in written["misnamed"]:
        show(Text(text, style="red"))


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    for verb in (simulate, check, indicators, features):
        app.command()(verb)
