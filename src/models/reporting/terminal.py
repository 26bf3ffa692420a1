"""Printed summary of a run: short tables of figures, contract, worth and drift; the report has the rest."""

from __future__ import annotations

from rich.console import Group
from rich.table import Table
from rich.text import Text

from models.evaluation import BandContract
from models.evaluation.drift.psi import Stability
from models.evaluation.metrics import METRICS, Evaluation
from models.reporting.html import number, percent
from models.reporting.page import METRIC_TEXT, SCORER_TEXT, verdict
from models.reporting.sections.verdict import worth_verdict
from models.review.monitor import Monitored
from models.review.review import Review

STYLES = {"pass": "green", "fail": "bold red", "cannot tell": "yellow", "ahead": "green", "behind": "bold red"}


def said(word: str) -> Text:
    """Return a verdict in its colour; the word says it without."""
    return Text(word, style=STYLES.get(word, ""))


def figures(evaluation: Evaluation, title: str) -> Table:
    """Model and baselines as columns; below a baseline's figure, model less baseline and what follows from it."""
    out = Table(title=title, caption="below a baseline: model less baseline", show_lines=True)
    out.add_column("")
    for scorer in evaluation.values:
        out.add_column(SCORER_TEXT.get(scorer, scorer), justify="right")
    for metric in METRICS:
        cells = []
        for scorer, row in evaluation.values.items():
            cell = str(row.get(metric, "–"))
            difference = evaluation.differences.get(scorer, {}).get(metric)
            if difference is not None:
                less = number(difference.value, difference.low, difference.high, "+.3f")
                cell += f"\n{less}\n{verdict(metric, difference)}"
            cells.append(cell)
        out.add_row(METRIC_TEXT[metric][0], *cells)
    return out


def contract_table(c: BandContract) -> Table:
    """Classes with what was promised and found, then the other promises for everyone, groups in one line."""
    out = Table(title=f"band contract: {c.verdict} ({c.visits:,} visits, {c.months} months)", title_style="bold")
    for head in ("promise", "visits", "seen, interval", "promised", "verdict", "visits that would tell"):
        out.add_column(head, justify="right" if head.startswith("visits") else "left")
    for r, k in zip((r for r in c.classes if not r.direct), c.of("range"), strict=True):
        promised = f"{r.promised_low:.0%} to {r.promised_high:.0%}"
        cells = [f"rate of class {r.grade}", f"{r.visits:,}", percent(r.rate, r.low, r.high), promised]
        out.add_row(*cells, said(k.verdict), _needed(k.visits_to_tell, k.verdict))
    for k in c.of("rise"):
        seen = percent(k.value, k.low, k.high, signed=True)
        cells = [f"rises {k.subject}", f"{k.visits:,}", seen, "above 0"]
        out.add_row(*cells, said(k.verdict), _needed(k.visits_to_tell, k.verdict))
    for k in (*c.of("calibration_error"), *c.of("calibration_slope")):
        error = k.check == "calibration_error"
        seen = number(k.value, form=".3f") if error else number(k.value, k.low, k.high)
        promised = (
            f"at most {number(k.promised_high, form='.3f')}" if error else f"{k.promised_low:g} to {k.promised_high:g}"
        )
        cells = [k.check.replace("_", " "), f"{k.visits:,}", seen, promised]
        out.add_row(*cells, said(k.verdict), _needed(k.visits_to_tell, k.verdict))
    counts = ", ".join(
        f"{sum(k.verdict == v for k in c.checks if k.attribute)} {v}" for v in ("pass", "fail", "cannot tell")
    )
    out.add_row(f"within {c.groups + c.groups_small} groups", "", counts, "", said(c.within_groups), "")
    return out


def _needed(visits: int | None, verdict_: str) -> str:
    if verdict_ != "cannot tell":
        return ""
    return "none" if visits is None else f"{visits:,}"


def worth_table(review: Review) -> Table:
    """Each plan's violations per inspection beside uniform draws; days earlier below."""
    out = Table(title="worth: violations per inspection, plans drawn by these classes", title_style="bold")
    for head in ("plan", "plan, interval", "uniform", "times as many", "the plan is"):
        out.add_column(head, justify="left" if head in ("plan", "the plan is") else "right")
    for w in review.worth:
        if w.what == "violations" and w.codes == "all":
            out.add_row(
                f"{w.plan.replace('_', ' ')} {w.name_zh}",
                percent(w.per_inspection, w.per_inspection_low, w.per_inspection_high),
                percent(w.uniform, w.uniform_low, w.uniform_high),
                number(w.lift, w.lift_low, w.lift_high),
                said(worth_verdict(w)),
            )
    return out


def lines(review: Review) -> list[Text]:
    """Reasons of the contract, days earlier, and the drift, one line each."""
    out = [Text(reason) for reason in review.contract.reasons]
    out += [Text(f"days earlier: {d.text}") for d in review.earlier if d.codes == "all"]
    retrain = review.stable.retrain
    out.append(Text.assemble("drift: ", said(retrain.verdict), f". {retrain.text}"))
    if review.stable.scores:
        s, k = review.stable.scores[-1], review.stable.classes[-1]
        out.append(
            Text(
                f"  {s.month}: PSI of scores {s.psi:.4f} (alarm from {s.alarm_level:.4f}), of classes {k.psi:.4f} "
                f"(from {k.alarm_level:.4f})"
            )
        )
    return out


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
