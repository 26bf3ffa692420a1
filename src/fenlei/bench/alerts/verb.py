"""The verb ``fenlei bench warnings``: false alarms, power and delay by kind, beside a plain threshold on counts."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import pandas as pd
import typer
from rich.table import Table
from rich.text import Text

from fenlei.bench.common.page import check_page, markdown, put
from fenlei.terminal import progress, show

if TYPE_CHECKING:
    from fenlei.bench.alerts.study import Study
    from supervision.alerts.policy import WarningsPolicy

FALSE, POWER = "false alarms", "power"
Rows = list[list[str]]


def warnings_verb(
    enterprises: Annotated[int, typer.Option(min=3000, help="Size of each province.")] = 30_000,
    seeds: Annotated[int, typer.Option(min=1, help="Provinces.")] = 2,
    months: Annotated[int, typer.Option(min=1, max=12, help="Months of each.")] = 6,
    page: Annotated[Path | None, typer.Option(help="Page whose blocks are to be filled.")] = None,
) -> None:
    """Early warnings on the simulated truth: false alarms against policy, power and delay, beside plain counts."""
    from fenlei.bench.alerts.study import study
    from supervision.alerts.policy import warnings_policy

    check_page(page, FALSE, POWER, "about")
    policy = warnings_policy("hebei")
    with progress("warnings") as step, tempfile.TemporaryDirectory() as scratch:
        done = study(Path(scratch), enterprises, [7 + k for k in range(seeds)], months, policy, step)
    tables = {FALSE: _false(done, policy), POWER: _power(done, policy)}
    for name, (columns, rows) in tables.items():
        table = Table(title=name)
        for column in columns:
            table.add_column(column)
        for row in rows:
            table.add_row(*row)
        show(table)
    command = f"fenlei bench warnings --enterprises {enterprises} --seeds {seeds} --months {months}"
    about = f"{seeds} provinces of {enterprises:,} enterprises, {months} months each: `{command}`."
    if page is not None:
        put(page, {name: markdown(columns, rows) for name, (columns, rows) in tables.items()} | {"about": about})
        show(Text(f"written into {page}"))


def _false(done: Study, policy: WarningsPolicy) -> tuple[list[str], Rows]:
    from scipy.stats import binomtest

    rows = []
    for kind, cells in done.cells.items():
        found = binomtest(done.false[kind], cells).proportion_ci(0.95, method="exact")
        allowed = getattr(policy, kind).false_alarms
        shown = f"{done.false[kind] / cells * 1e4:.2f} [{found.low * 1e4:.2f}, {found.high * 1e4:.2f}]"
        rows.append([kind, f"{cells:,}", str(done.false[kind]), shown, f"{allowed:g}",
                     "yes" if found.low * 1e4 <= allowed else "NO"])  # fmt: skip
    head = ["kind", "cells × months", "false alarms", "of 10,000 [95 %]", "policy", "within policy"]
    return head, rows


def plain_threshold(counts: pd.Series, cells: int, alpha: float) -> int:
    """Return the least count that raises no more of the quiet cells than the policy lets.

    Parameters
    ----------
    counts
        Of the quiet cells that have any.
    cells
        All of them.
    alpha
        The policy's rate.
    """
    least = 1
    while int((counts >= least).sum()) > alpha * cells:
        least += 1
    return least


def _power(done: Study, policy: WarningsPolicy) -> tuple[list[str], Rows]:
    from models.evaluation.intervals import wilson

    plants, counts = pd.DataFrame(done.plants), pd.concat(done.counts)
    rows = []
    for (kind, size), those in plants.groupby(["kind", "size"], sort=False):
        least = plain_threshold(
            counts.loc[counts["kind"] == kind, "n"], done.cells[str(kind)], getattr(policy, str(kind)).alpha
        )
        shown = []
        for hits in (those["found"], those["n"] >= least):
            low, high = wilson(float(hits.mean()), len(those), 1.96)
            shown.append(f"{hits.mean():.0%} [{low:.0%}, {high:.0%}]")
        delay = those["delay"].median()
        when = "–" if math.isnan(delay) else f"{delay:.0f}"
        rows.append([str(kind), str(size), str(len(those)), shown[0], when, shown[1], f"≥ {least}"])
    head = ["kind", "what", "number", "found [95 %]", "median days", "by a plain count [95 %]", "its threshold"]
    return head, sorted(rows, key=lambda row: row[0])
