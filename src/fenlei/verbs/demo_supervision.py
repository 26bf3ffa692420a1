"""What supervision does with the demo's month: ten lines of its plan, its warnings, the outlook's page."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from rich.table import Table
from rich.text import Text

from fenlei.terminal import show

if TYPE_CHECKING:
    from serving.ledger.read import Ledger

SHOWN = 10
PAIRS = 3
"""Inspecting pairs of each district."""


def supervise(work: Path, cutoff: date) -> None:
    """Draw the plan of the demo's newest month, find its warnings and write its outlook.

    Where the month is held by its gate there is nothing to plan from, and this says so.
    """

    from serving.ledger.read import Ledger

    ledger, month = Ledger.open(work / "ledger", "hebei"), f"{cutoff:%Y-%m}"
    if month not in ledger.months:
        show(Text(f"{month} waits for a person's release: no plan, warnings or outlook"))
        return
    _plan(ledger, month, work)
    _warnings(ledger, cutoff, work)
    _outlook(ledger, work)


def _plan(ledger: Ledger, month: str, work: Path) -> None:
    from supervision.plan.chance import Chance
    from supervision.plan.given import read_inspectors
    from supervision.plan.plan import Asked, make_plan
    from supervision.plan.policy import plan_rules
    from supervision.plan.write import write_plan

    rules = plan_rules("hebei", None)
    digits = rules.plan.capacity.district_digits
    districts = ledger.query(
        f"SELECT DISTINCT left(region, {digits}) AS d FROM ledger WHERE region IS NOT NULL ORDER BY 1"
    )
    people = work / "inspectors.csv"
    with people.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["inspector_id", "district", "fields", "conflicts"])
        for district in districts["d"]:
            rows.writerows([f"I{district}-{k}", district, "", ""] for k in range(2 * PAIRS))
    inspectors, _ = read_inspectors(people, digits)
    made = make_plan(ledger, Chance("demo", month), Asked(rules, inspectors, [], [], None))
    said = write_plan(made, work / "plan", left_out=[], last=None)
    found = said["findings"]
    show(Text(f"plan of {month}, drawn from the seed 'demo': {said['visits']:,} visits by {said['pairs']:,} pairs"))
    if found["probabilities"]:
        one, other = found["plan"], found["uniform"]
        show(
            Text(
                f"  expected to find {one['value']:.1f} violations [{one['low']:.1f}, {one['high']:.1f}], as many "
                f"visits drawn uniformly {other['value']:.1f} [{other['low']:.1f}, {other['high']:.1f}]"
            )
        )
    planned = pd.read_parquet(work / "plan" / "plan.parquet").head(SHOWN)
    table = Table(title=f"its first {len(planned)} of {said['draws']:,} draws: {work / 'plan'}")
    names = [n for n in ("enterprise_id", "grade", "district", "probability", "fate", "pair") if n in planned.columns]
    for name in names:
        table.add_column(name)
    for row in planned[names].astype(object).itertuples(index=False):
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    show(table)


def _warnings(ledger: Ledger, cutoff: date, work: Path) -> None:
    from supervision.alerts.find import find_alerts
    from supervision.alerts.policy import KIND_ZH, warnings_policy

    alerts = find_alerts(ledger.place.checked / "clean", cutoff, warnings_policy("hebei"), ledger=ledger)
    show(Text(f"{len(alerts)} early warnings 预警 at {cutoff}"))
    for alert in alerts[:3]:
        show(Text(f"  {alert.kind} {KIND_ZH[alert.kind]}, {alert.level}: {alert.en}（{alert.zh}）"))


def _outlook(ledger: Ledger, work: Path) -> None:
    from supervision.outlook.outlook import outlook
    from supervision.outlook.page import page
    from supervision.outlook.policy import outlook_policy

    policy = outlook_policy("hebei")
    seen = outlook(ledger, None, policy)
    file = work / "outlook.html"
    file.write_text(page(seen, policy), encoding="utf-8")
    show(Text(f"outlook of {len(seen.cells)} regions and industries 区域行业研判: {file.resolve()}"))
