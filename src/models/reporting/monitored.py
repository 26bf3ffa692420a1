"""What following a version prints: one line a month, what moved, and whether a new model is asked for."""

from __future__ import annotations

from rich.console import Group
from rich.table import Table
from rich.text import Text

from models.evaluation.drift.psi import Stability
from models.reporting.html import number, percent
from models.reporting.terminal import said
from models.review.monitor import Monitored

MOVED = 5
"""Indicators named: those that moved most in the last month."""


def render(found: Monitored) -> Group:
    """Scores, classes, indicators and calibration by month, then the verdict."""
    s = found.stable
    title = f"version {found.version} on {found.experiment}, records of {found.as_of}: against {found.since:%Y-%m}"
    out = Table(title=title, title_style="bold", caption="PSI with the level that alarms; ! is an alarm")
    for head in ("month", "enterprises", "PSI scores", "PSI classes", "indicators that alarm"):
        out.add_column(head, justify="left" if head == "month" else "right")
    for a, b, moved in zip(s.scores, s.classes, s.indicators, strict=True):
        alarms = f"{sum(d.alarm for d in moved)} of {len(moved)}"
        out.add_row(a.month, f"{a.rows:,}", _index(a), _index(b), alarms)
    results = Table(title=f"expected and found: {found.visits.statement}", title_style="bold")
    for head in ("month", "visits", "without a result", "expected of all", "found", "found less expected"):
        results.add_column(head, justify="left" if head == "month" else "right")
    expected = {e.month: e for e in s.expected}
    for m in s.calibration.months:
        e = expected.get(m.month)
        results.add_row(
            m.month,
            f"{m.visits:,}",
            f"{m.awaited:,}" + ("" if m.ripe else " (unripe)"),
            "–" if e is None else percent(e.rate, e.low, e.high),
            percent(m.observed, m.observed_low, m.observed_high),
            percent(m.gap, m.gap_low, m.gap_high, signed=True),
        )
    lines = [Text(s.calibration.text)]
    if s.indicators:
        named = "; ".join(f"{d.indicator} {number(d.psi, form='.3f')}" for d in s.indicators[-1][:MOVED])
        lines.append(Text(f"moved most in {s.scores[-1].month}: {named}"))
    lines.append(Text.assemble("drift: ", said(s.retrain.verdict), f". {s.retrain.text}"))
    return Group(out, results, *lines)


def _index(x: Stability) -> str:
    return f"{x.psi:.4f} ({x.alarm_level:.4f})" + (" !" if x.alarm else "")
