"""Verbs over policies: what a change of them would do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group
from rich.table import Table
from rich.text import Text

from features.errors import ConfigError
from features.places import check_output
from fenlei.terminal import emit, progress, show
from fenlei.verbs.options import Json
from fenlei.verbs.store import answering_store

if TYPE_CHECKING:
    from models.scoring.policy_diff import PolicyDiff

policy = typer.Typer(help="Policies of a province: what a change of them would do.", no_args_is_help=True)

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


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    app.add_typer(policy, name="policy")
