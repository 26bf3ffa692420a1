"""Verbs over policies: what a change of them would do, and who signed those in force."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Group
from rich.table import Table
from rich.text import Text

from features.errors import ConfigError
from features.places import check_output
from fenlei.terminal import emit, progress, show
from fenlei.verbs.options import Json, Province, whose
from fenlei.verbs.person import Key, List, Note, today
from fenlei.verbs.sign import plain, signing
from fenlei.verbs.store import answering_store

if TYPE_CHECKING:
    from models.scoring.policy_diff import PolicyDiff

policy = typer.Typer(help="Policies of a province: what a change would do, and who signed.", no_args_is_help=True)

SHOWN = 20
"""Movers shown in the terminal."""


@policy.command("diff")
def diff(
    old: Annotated[str, typer.Argument(help="Policies in force: a province's name, or a folder of policies.")],
    new: Annotated[str, typer.Argument(help="Policies that are proposed, likewise.")],
    table: Annotated[Path, typer.Option(help="Indicator table of `fenlei features`.")],
    province: Annotated[str | None, typer.Option(help="Whose, in a folder of several provinces.")] = None,
    data: Annotated[
        Path | None, typer.Option(help="Clean records of `fenlei check`, for region and trade of the movers.")
    ] = None,
    rules: Annotated[bool, typer.Option("--rules", help="By the rules, also where a model is approved.")] = False,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="List of the movers to write, .csv or .parquet.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show who would move class between two sets of policies, from where to where, and why."""
    from features.table.month import read_table
    from models.scoring.policy_diff import groups_of, load_policies, policy_diff
    from models.signoff.approval import approved_model

    if output is not None:
        if output.suffix not in (".csv", ".parquet"):
            raise ConfigError(f"{output}: a list is written as .csv or .parquet")
        check_output(output)
    one, other = load_policies(old, province), load_policies(new, province)
    frame, about = read_table(table)
    of = str(about["province"])
    if one.province != of:
        raise ConfigError(f"{table} is of province {of!r}; {old} holds the policies of {one.province!r}")
    approved = None if rules else approved_model(answering_store(), one.province)
    with progress("comparing", quiet=as_json):
        groups = None if data is None else groups_of(data, frame, one.province)
        found = policy_diff(frame, one, other, model=None if approved is None else approved[0], groups=groups)
    if output is not None:
        if output.suffix == ".csv":
            found.movers.to_csv(output, index=False)
        else:
            found.movers.to_parquet(output, index=False)
    if as_json:
        emit({**found.as_dict(), "model": approved[1] if approved else None, "list": output and str(output)})
        return
    show(_rendered(found, approved[1] if approved else None))
    if output is not None:
        show(Text(f"list of the movers: {output}"))


def _rendered(found: PolicyDiff, version: str | None) -> Group:
    by = f"model {version}" if version else "the rules"
    moves = Table(title=f"{len(found.movers):,} of {found.enterprises:,} enterprises move, by {by}")
    for column in ("old", "new", "enterprises", "share"):
        moves.add_column(column, justify="left" if column in ("old", "new") else "right")
    for _, row in found.moves.iterrows():
        moves.add_row(row["old"], row["new"], f"{row['enterprises']:,}", f"{row['share']:.2%}")
    groups = Table(title="movers by region and trade")
    for column in ("by", "group", "enterprises", "safer", "riskier", "share"):
        groups.add_column(column, justify="left" if column in ("by", "group") else "right")
    for _, row in found.groups.iterrows():
        counts = (f"{row[c]:,}" for c in ("enterprises", "safer", "riskier"))
        groups.add_row(row["by"], Text(str(row["group"])), *counts, f"{row['share']:.2%}")
    some = Table(title=f"the first {min(SHOWN, len(found.movers))} movers, those to a riskier class first")
    for column in ("enterprise", "from", "to", "cause", "why"):
        some.add_column(column)
    for _, row in found.movers.head(SHOWN).iterrows():
        some.add_row(Text(row["enterprise_id"]), row["old"], row["new"], row["cause"], Text(row["why"]))
    causes = ", ".join(f"{cause} {n:,}" for cause, n in found.causes.items()) or "none"
    sides = f"old: policy {found.old.rules.version}; new: policy {found.new.rules.version}"
    return Group(moves, groups, some, Text(f"causes: {causes}"), Text(sides), *map(Text, found.notes))


@policy.command("propose")
def propose(note: Note, key: Key, province: Province = None, signers: List = None, as_json: Json = False) -> None:
    """Put the policies in force up for approval by another person."""
    _step("propose", note, key, province, signers, as_json)


@policy.command("approve")
def approve(key: Key, note: Note = "", province: Province = None, signers: List = None, as_json: Json = False) -> None:
    """Approve the proposed policies as another person; they must be the files that were proposed."""
    _step("approve", note, key, province, signers, as_json)


@policy.command("reject")
def reject(note: Note, key: Key, province: Province = None, signers: List = None, as_json: Json = False) -> None:
    """Refuse the proposed policies, or take the newest approval back."""
    _step("reject", note, key, province, signers, as_json)


def _step(
    action: Literal["propose", "approve", "reject"],
    note: str,
    key: Path,
    province: str | None,
    signers: Path | None,
    as_json: bool,
) -> None:
    from models.signoff.record import policies

    with signing(key, signers, as_json, "signing") as (store, private, _):
        entry = policies.write(store, action, whose(province), note, key=private, on=today().isoformat())
        found = policies.standing(store, entry.province)
    if as_json:
        emit(asdict(entry))
        return
    show(Text(f"policies {entry.version} of {entry.province}: {action} by {entry.by}"))
    show(Text(found.said))


@policy.command("status")
def status(province: Province = None, signers: List = None, as_json: Json = False) -> None:
    """Show whether the policies in force are signed, by whom and when; exit 1 when they are not."""
    from models.signoff.record import policies

    found = policies.standing(answering_store(signers), whose(province))
    emit(asdict(found)) if as_json else show(Text(found.said))
    if not found.signed:
        raise typer.Exit(1)


@policy.command("history")
def history(
    head: Annotated[str | None, typer.Option(help="Hash kept elsewhere, which the record must still hold.")] = None,
    signers: List = None,
    as_json: Json = False,
) -> None:
    """Verify the whole record of policies and show who proposed, approved and rejected what."""
    from models.signoff.record import policies

    entries = policies.read(answering_store(signers), head)
    if as_json:
        emit([asdict(e) for e in entries])
        return
    table = Table(title="record of policies: every line verified")
    for column in ("on", "province", "policies", "action", "by", "note"):
        table.add_column(column)
    for e in entries:
        table.add_row(*map(plain, (e.on, e.province, e.version, e.action, e.by, e.note)))
    show(table)
    if entries:
        show(Text(f"head, to keep elsewhere: {entries[-1].hash}"))


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    app.add_typer(policy, name="policy")
