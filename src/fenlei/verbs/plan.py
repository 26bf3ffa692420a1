"""Verbs of supervision's plan: the spot checks of a month, and measures by field and class."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from features.places import check_output, check_place
from fenlei.terminal import emit, progress, show
from fenlei.verbs.options import LEDGER, Json, Province, whose

Ledgers = Annotated[Path, typer.Option("--ledger", help="The ledger's folder.")]
Records = Annotated[
    Path | None,
    typer.Option("--records", help="Clean folder of records; without: what the ledger's last run kept."),
]


def plan(
    month: Annotated[str, typer.Option("--month", help="A published month, such as 2026-11.")],
    seed: Annotated[str, typer.Option("--seed", help="The published seed: any line of text.")],
    inspectors: Annotated[
        Path, typer.Option("--inspectors", help="CSV or Parquet: inspector_id, district, fields, conflicts.")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for the plan.")],
    ledger: Ledgers = LEDGER,
    province: Province = None,
    policy: Annotated[Path | None, typer.Option("--policy", help="File in the place of plan.toml.")] = None,
    leads: Annotated[
        Path | None, typer.Option("--leads", help="CSV or Parquet: enterprise_id, cause, field, item.")
    ] = None,
    excused: Annotated[Path | None, typer.Option("--excused", help="CSV or Parquet: enterprise_id.")] = None,
    last: Annotated[Path | None, typer.Option("--last", help="Folder of last month's plan, to stand beside.")] = None,
    records: Records = None,
    as_json: Json = False,
) -> None:
    """Draw a month's spot checks at random from a published seed, enterprises and inspectors (SAMR (8), HB 17)."""
    from serving.ledger.read import Ledger
    from supervision.plan.chance import Chance
    from supervision.plan.given import read_excused, read_inspectors, read_leads
    from supervision.plan.plan import Asked, make_plan
    from supervision.plan.policy import plan_rules
    from supervision.plan.write import read_summary, write_plan

    place = whose(province)
    chance, rules = Chance(seed, month), plan_rules(place, policy)
    there = Ledger.open(ledger, place)
    published = there.month(month)
    check_place(output)
    before = read_summary(last) if last is not None else None
    known = ids_of(published) if leads or excused else set()
    people, bad = read_inspectors(inspectors, rules.plan.capacity.district_digits)
    asked_for, more = read_leads(leads, known) if leads else ([], [])
    let_off, further = read_excused(excused, known) if excused else ([], [])
    with progress("planning", quiet=as_json):
        made = make_plan(there, chance, Asked(rules, people, asked_for, let_off, records))
        said = write_plan(made, output, left_out=[*bad, *more, *further], last=before)
    if as_json:
        emit(said)
    else:
        _shown(said, output)


def ids_of(month: Any) -> set[str]:
    """Return the ids of a month's enterprises."""
    from features.records.store import connect

    con = connect()
    try:
        return {who for (who,) in con.execute(f"SELECT enterprise_id FROM {month.latest_sql()}").fetchall()}
    finally:
        con.close()


def _shown(said: dict[str, Any], folder: Path) -> None:
    found = said["findings"]
    head = f"{said['plan_id']}: {said['visits']:,} visits by {said['pairs']:,} pairs"
    if not found["probabilities"]:
        show(Text(head))
        show(Text("the rules answered this month and give no probability: what a plan finds can't be told"))
    else:
        table = Table(title=head)
        for column in ("", "visits", "violations expected", "interval"):
            table.add_column(column, justify="left" if not column else "right")
        lines = [("this plan's draws 本计划", found["visits"], found["plan"]),
                 ("uniform draw 均匀抽取", found["visits"], found["uniform"])]  # fmt: skip
        if found["last"] and found["last"]["plan"]["value"] is not None:
            lines.append((f"last 上月 {found['last']['plan_id']}", found["last"]["visits"], found["last"]["plan"]))
        for name, visits, one in lines:
            table.add_row(name, f"{visits:,}", f"{one['value']:.1f}", f"{one['low']:.1f} – {one['high']:.1f}")
        show(table)
        if not found["model_interval"]:
            show(Text("the ledger's probabilities have no interval of their own: chance alone is in these"))
    share = said["random_share"]
    if share["half_width"] is not None:
        show(
            Text(
                f"random share {share['share'] or 0:.0%} ({share['visits']:.1f} visits) costs {share['cost']:.2f}"
                f" findings; it tells the rate of {share['rate_of']:,} firms within ±{share['half_width']:.1%}; without"
                f" it: {share['rate_of_without']:,} firms"
                + (f" within ±{share['half_width_without']:.1%}" if share["half_width_without"] is not None else "")
            )
        )
    fates = ", ".join(f"{count:,} {fate}" for fate, count in said["fates"].items())
    show(Text(f"{said['draws']:,} draws and {said['prompted']:,} visits for a cause: {fates or 'none'}"))
    if not said["records"]:
        show(
            Text("no records: fields, earlier visits and complaints are not known; name them by --records", style="red")
        )
    if said["without_district"]:
        show(Text(f"{said['without_district']:,} enterprises have no district and can't be drawn", style="red"))
    for line in said["left_out"][:10]:
        show(Text(f"left out: {line}", style="red"))
    if len(said["left_out"]) > 10:
        show(Text(f"and {len(said['left_out']) - 10} more rows: left_out.csv", style="red"))
    show(Text(f"{folder}"))


def measures(
    who: Annotated[
        str | None, typer.Argument(help="One enterprise, by id or code; without: everyone, to --output.")
    ] = None,
    month: Annotated[str | None, typer.Option("--month", help="A published month; without: the latest.")] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Parquet or CSV file.")] = None,
    ledger: Ledgers = LEDGER,
    province: Province = None,
    records: Records = None,
    as_json: Json = False,
) -> None:
    """Show the measure of each field by class, the stricter of class and sector grade, with its article (HB 18, 19)."""
    from features.errors import ConfigError
    from serving.ledger.read import Ledger
    from supervision.standing import find_month, month_measures

    if who is None and output is None:
        raise ConfigError("name an enterprise, or a file for everyone's measures by --output")
    if output is not None:
        check_output(output)
    place = whose(province)
    found = month_measures(find_month(Ledger.open(ledger, place), month), place, records, who)
    if output is not None:
        found.to_parquet(output, index=False) if output.suffix == ".parquet" else found.to_csv(output, index=False)
    if as_json:
        emit(found.astype(object).where(found.notna(), None).to_dict("records"))
    elif who is not None:
        table = Table(title=f"{found['enterprise_id'].iloc[0]}: class {found['grade'].iloc[0]}")
        for column in ("field", "领域", "class", "set by", "measure", "措施", "article"):
            table.add_column(column)
        for row in found.to_dict("records"):
            table.add_row(row["field"], row["field_zh"], row["measure_grade"], row["by"], row["measure_en"],
                          row["measure_zh"], row["article"])  # fmt: skip
        show(table)
    else:
        show(Text(f"{len(found):,} measures of {found['enterprise_id'].nunique():,} enterprises: {output}"))


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    app.command()(plan)
    app.command()(measures)
