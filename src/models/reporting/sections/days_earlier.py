"""The page's part on days earlier: the same visits in the model's and each baseline's order, for each window."""

from __future__ import annotations

import math
from collections.abc import Sequence

from models.evaluation import DaysEarlier, RivalDays
from models.evaluation.metrics import Interval
from models.reporting.html import Raw, badge, folded, number, paragraph, percent, table
from models.reporting.page import SCORER_TEXT, verdict

_HEAD = {"month": "each month one list", "whole test": "{} months one list"}


def days_earlier(found: Sequence[DaysEarlier]) -> str:
    """Days earlier of every order side by side; without codes 6 and B folded."""
    parts: list[str] = []
    for codes in dict.fromkeys(d.codes for d in found):
        own = [d for d in found if d.codes == codes and (d.window == "month" or d.months > 1)]
        if codes == "all":
            parts += [paragraph(said(own)), days_table(own), *(paragraph(halves(d)) for d in own)]
        else:
            visits = paragraph(f"{own[0].visits:,} visits, {own[0].violations:,} with a violation.", "dim")
            parts.append(
                folded("Days earlier without violations by result codes 6 and B alone", visits, days_table(own))
            )
        if codes == "all":
            parts.append(folded("Days earlier weighted by severity", days_table(own, severity=True)))
    return "".join(parts)


def said(found: Sequence[DaysEarlier]) -> str:
    """Say what is compared, on which lists, and of which arm the visits are."""
    first = found[0]
    arm = "These are visits of the random arm, each counted once."
    if first.arm != "random":
        arm = f"No random arm ({first.arm} visits): it holds for enterprises chosen for a visit as these were."
    whole = next((d for d in found if d.window == "whole test" and d.months > 1), None)
    return (
        f"The same {first.visits:,} visits on the same days, riskiest first: how much earlier, in days, is a violation "
        f"found on average than in the order in which the visits were made? {arm} A list is each month's visits, as a "
        "plan would have them"
        + (
            f"; or those of all {whole.months} months at once, each with the score of its own month: no list that "
            "anybody could have drawn up at the start, but the window in which Chicago told its figure"
            if whole
            else ""
        )
        + ". What an order by lot shows is owed to when the visits fell, and to nobody's score."
    )


def days_table(found: Sequence[DaysEarlier], *, severity: bool = False) -> Raw:
    """One line an order, two columns a window: its days, and the model less it with the verdict."""
    head: list[object] = ["order of the visits"]
    for d in found:
        head += [_HEAD[d.window].format(d.months), "model less it: the model is"]
    rows: list[list[object]] = [["model"]]
    for d in found:
        ours = (d.days_severity, d.days_severity_low, d.days_severity_high)
        rows[0] += [_days(*(ours if severity else (d.days, d.days_low, d.days_high))), ""]
    for k, rival in enumerate(found[0].rivals):
        line: list[object] = [SCORER_TEXT.get(rival.rival, rival.rival)]
        for d in found:
            line += _beside(d.rivals[k], severity=severity)
        rows.append(line)
    if not severity:
        lot: list[object] = ["by lot"]
        best: list[object] = ["every violation first"]
        for d in found:
            lot += [_days(d.random, d.random_low, d.random_high), ""]
            best += [_days(d.best, d.best_low, d.best_high), ""]
        rows += [lot, best]
    return table(head, rows, align="t" + "nk" * len(found), label="days earlier")


def _beside(r: RivalDays, *, severity: bool) -> list[object]:
    days, less = (r.days, r.days_low, r.days_high), (r.difference, r.difference_low, r.difference_high)
    if severity:
        days = (r.days_severity, r.days_severity_low, r.days_severity_high)
        less = (r.difference_severity, r.difference_severity_low, r.difference_severity_high)
    return [_days(*days), Raw(f"{badge(verdict('days_earlier', Interval(*less)))}<br>{_days(*less)}")]


def _days(value: float, low: float, high: float) -> str:
    return number(value, low, high, "+z.1f")  # a difference that rounds to nothing has no sign of its own


def halves(d: DaysEarlier) -> str:
    """Say how many of the violations the first half of a list's visits finds."""
    if math.isnan(d.first_half):
        return ""
    lists = "each month's list" if d.window == "month" else f"one list of {d.months} months"
    return (
        f"By score, the first half of the visits of {lists} finds "
        f"{percent(d.first_half, d.first_half_low, d.first_half_high)} of the violations; as the visits were made, "
        f"{percent(d.first_half_made, d.first_half_made_low, d.first_half_made_high)}."
    )
