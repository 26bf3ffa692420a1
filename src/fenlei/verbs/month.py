"""Verbs of the month: classify, release, diff, export; an enterprise's history."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from features.places import check_output
from features.policy import own_policies
from fenlei.terminal import emit, parse_date, progress, show
from fenlei.verbs.options import LEDGER, AsOf, Json, Province, whose
from fenlei.verbs.person import Key, List, Note, read_private, today

Target = Annotated[Path, typer.Option("-o", "--ledger", help="The ledger's folder.")]
LedgerOption = Annotated[Path, typer.Option("--ledger", help="The ledger's folder.")]


def classify(
    folder: Annotated[Path, typer.Argument(help="Source folder; it is checked first, unchanged tables not again.")],
    as_of: AsOf,
    ledger: Target = LEDGER,
    province: Province = None,
    engine: Annotated[str, typer.Option(help="duckdb, or spark: the extra, and Java 17.")] = "duckdb",
    master: Annotated[str | None, typer.Option(help="Spark's master URL.")] = None,
    memory: Annotated[str | None, typer.Option(help="What DuckDB may hold, such as 4GB; the rest is spilled.")] = None,
    revise: Annotated[
        str, typer.Option("--revise", help="Make a published month again, and say why: adds its changed rows.")
    ] = "",
    known_as_of: Annotated[
        str | None, typer.Option("--known-as-of", help="For a revision: use what is known by this date.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Classify every enterprise of a month and publish it in the ledger; exit 1 when it waits for a person."""
    from features.errors import ConfigError
    from serving.current.snapshot import State
    from serving.ledger.publish import classify_month
    from serving.ledger.run import Ask
    from serving.settings import Settings

    if known_as_of and not revise:
        raise ConfigError("--known-as-of is for a revision: say why with --revise")
    cutoff = parse_date(as_of)
    settings = Settings.from_env(province=whose(province), policies=own_policies())
    current = State(settings).snapshot
    known = parse_date(known_as_of) if known_as_of else None
    ask = Ask(
        folder,
        cutoff,
        current.served,
        current.rules,
        known,
        engine,
        master,
        memory,
        current.overrides,
        current.confirmed,
    )
    with progress("classifying", quiet=as_json) as step:
        made = classify_month(ask, ledger, on=today(), cause=revise, say=step)
    if as_json:
        findings = [{"code": f.code, "en": f.en, "zh": f.zh} for f in made.findings]
        emit(
            {"act": made.act, "month": made.month, "revision": made.revision, "folder": str(made.folder),
             "findings": findings, "seconds": made.seconds, "manifest": made.manifest}
        )  # fmt: skip
    else:
        _shown(made)
    if made.act == "held":
        raise typer.Exit(1)


def _shown(made: object) -> None:
    from models.scoring.classification import GRADE_ZH, GRADES
    from serving.ledger.place import SUMMARY
    from serving.ledger.publish import Outcome

    assert isinstance(made, Outcome)
    said = made.manifest
    words = {"published": "published", "held": "made, and held for a person", "unchanged": "there already, the same"}
    head = words.get(made.act, f"revision {made.revision}: {said['cause']}")
    table = Table(title=f"{made.month} {head}: {said['rows']:,} enterprises")
    for column in ("class", "中文", "firms", "share"):
        table.add_column(column, justify="left" if column in ("class", "中文") else "right")
    for grade in GRADES:
        count = said["classes"][grade]
        table.add_row(grade, GRADE_ZH[grade], f"{count:,}", f"{count / max(1, said['rows']):.1%}")
    show(table)
    moved = said["migration"]
    if moved and made.act != "revised":
        show(
            Text(
                f"of {moved['firms']:,} firms of the month before {moved['moved']:.1%} moved class: "
                f"{moved['worse']:,} to a riskier one, {moved['better']:,} to a safer one; {moved['entered']:,} are new"
            )
        )
    answered = f"model version {said['model']['registered']}" if said["model"]["version"] else "the rules"
    show(Text(f"answered by {answered}; {said['determined']:,} with a direct determination"))
    for finding in made.findings:
        show(Text(f"held: {finding.en}（{finding.zh}）", style="red"))
    if made.findings:
        show(Text(f"a person who may approve publishes it: fenlei release {made.month} --note … --key …"))
    if (made.folder / SUMMARY).is_file():
        show(Text(f"summary: {made.folder / SUMMARY}"))
    show(Text(f"{made.folder}; " + ", ".join(f"{name} {seconds:.1f} s" for name, seconds in made.seconds.items())))


def release(
    month: Annotated[str, typer.Argument(help="The held month, such as 2026-11.")],
    note: Note,
    key: Key,
    ledger: LedgerOption = LEDGER,
    province: Province = None,
    signers: List = None,
) -> None:
    """Publish a month that the gate held, signed by a person who may approve."""
    from fenlei.verbs.store import answering_store
    from models.signoff.record.signers import load_signers
    from serving.ledger.publish import release as publish

    place = whose(province)
    listed = load_signers(answering_store(signers), place)
    folder = publish(ledger, place, month, note, key=read_private(key), signers=listed, on=today())
    show(Text(f"{month} is published: {folder}"))


def diff(
    before: Annotated[str, typer.Argument(help="A published month, such as 2026-10.")],
    after: Annotated[str, typer.Argument(help="A later one.")],
    ledger: LedgerOption = LEDGER,
    province: Province = None,
    output: Annotated[Path | None, typer.Option("--movers", help="Parquet or CSV file of those who moved.")] = None,
    as_json: Json = False,
) -> None:
    """Show who moved from class to class between two months and why, by cause, region and trade."""
    from models.scoring.classification import GRADES
    from serving.ledger.diff import difference
    from serving.ledger.read import Ledger

    found = difference(Ledger.open(ledger, whose(province)), before, after)
    if output is not None:
        check_output(output)
        found.movers.to_parquet(output, index=False) if output.suffix == ".parquet" else found.movers.to_csv(
            output, index=False
        )
    if as_json:
        emit(found.as_dict())
        return
    table = Table(title=f"{before} → {after}: {len(found.movers):,} moved")
    table.add_column("from")
    for grade in GRADES:
        table.add_column(f"to {grade}", justify="right")
    for grade, counts in zip(GRADES, found.counts, strict=True):
        table.add_row(grade, *(f"{count:,}" for count in counts))
    show(table)
    came, left = sum(found.entered.values()), sum(found.left.values())
    show(Text(f"{came:,} firms are new, {left:,} are no longer there"))
    for name, rows in found.sums.items():
        table = Table(title=f"by {name}")
        for column in (name, "riskier", "safer"):
            table.add_column(column, justify="left" if column == name else "right")
        for row in rows.head(10).to_dict("records"):
            table.add_row(str(row[name]), f"{row['riskier']:,}", f"{row['safer']:,}")
        show(table)
    if output is not None:
        show(Text(f"those who moved: {output}"))


def export(
    month: Annotated[str, typer.Argument(help="A published month, such as 2026-11.")],
    receiver: Annotated[str, typer.Argument(help="Who gets it: an id of exports.toml, such as two_randoms.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for the file and its manifest.")],
    ledger: LedgerOption = LEDGER,
    province: Province = None,
    since: Annotated[str | None, typer.Option(help="Only what is other than in this published month.")] = None,
    form: Annotated[str, typer.Option("--format", help="csv or parquet.")] = "csv",
    as_json: Json = False,
) -> None:
    """Write what a receiver may get of a published month, with its manifest and checksum."""
    from features.errors import ConfigError
    from serving.ledger.export import export as write
    from serving.ledger.export import receiver_of
    from serving.ledger.read import Ledger

    if form not in ("csv", "parquet"):
        raise ConfigError(f"--format is {form!r}; expected csv or parquet")
    place = whose(province)
    to = receiver_of(place, receiver)
    done = write(Ledger.open(ledger, place), month, to, output, since=since, form="csv" if form == "csv" else "parquet")
    if as_json:
        emit(done.manifest)
    else:
        show(Text(f"{done.rows:,} rows for {to.en} {to.zh}: {done.file}, SHA-256 {done.manifest['sha256'][:12]}…"))


def enterprise_history(who: str, ledger: Path, province: str | None, as_json: bool) -> None:
    """Show every published classification of one enterprise, revisions included."""
    from serving.ledger.read import Ledger

    found = Ledger.open(ledger, whose(province)).history(who)
    if as_json:
        emit(found.astype(object).where(found.notna(), None).to_dict("records"))
        return
    last = found.iloc[-1]
    table = Table(title=f"{last['enterprise_id']} {last['name'] or ''}".strip())
    for column in ("month", "class", "score", "by", "why it moved", "determinations", "revision"):
        table.add_column(column, justify="right" if column == "score" else "left")
    for row in found.to_dict("records"):
        revised = f"{row['revision']}: {row['cause']}" if row["revision"] else ""
        grade = row["grade"] if row["covered"] else "not covered"
        why = row["moved_class_by"] if isinstance(row["moved_class_by"], str) else ""
        table.add_row(
            row["month"], grade, f"{row['score']:.1f}", row["source"], why, row["determinations"] or "", revised
        )
    show(table)


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    app.command()(classify)
    app.command()(release)
    app.command()(diff)
    app.command()(export)
