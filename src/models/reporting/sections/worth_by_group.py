"""The page's part on worth by group, which shows whether a gain rests on visiting small firms alone."""

from __future__ import annotations

from models.evaluation import Worth
from models.evaluation.metrics import Interval
from models.reporting.html import Raw, badge, folded, number, paragraph, percent, table
from models.reporting.page import Page
from models.reporting.sections.group_names import attribute_title, cell
from models.reporting.sections.verdict import own_plan, worth_verdict

OPENED = ("size", "visited")
"""Columns whose tables stand open: small firms, and those looked at before."""
_HEAD = (
    *("group", "tested visits", "visits a year to 100 firms", "times uniform", "found per visit: plan", "uniform"),
    *("times uniform", "the plan is"),
)


def worth_groups(page: Page) -> list[Raw]:
    """Show the province's own plan within every group beside uniform draws; nothing where no group is known."""
    everyone = own_plan(page)
    if everyone is None:
        return []
    found = [w for w in page.review.worth_groups if w.plan == everyone.plan]
    if not found:
        return []
    relative = {
        (g.attribute, g.group): Interval(g.burden_ratio, g.burden_ratio_low, g.burden_ratio_high)
        for g in page.review.fairness.groups
    }
    parts = [Raw("<h3>Within each group 分组效能</h3>"), paragraph(said(found, everyone))]
    for attribute in dict.fromkeys(w.attribute for w in found):
        rows = [_row(w, relative[w.attribute, w.group], page) for w in found if w.attribute == attribute]
        shown = table(_HEAD, rows, align="tnwwwwwk", label=f"worth by {attribute}")
        title = f"Worth by {attribute_title(attribute)}: {len(rows)} groups"
        parts.append(folded(title, shown, opened=attribute in OPENED))
    return parts


def said(found: list[Worth], everyone: Worth) -> str:
    """Say how many groups gain, for whom the figures hold, and that nothing is corrected for their number."""
    verdicts = [worth_verdict(w) for w in found]
    counted = ", ".join(
        f"{verdicts.count(v)} {v}" for v in ("ahead", "within noise", "behind", "cannot tell") if v in verdicts
    )
    often = number(everyone.visits_per_100, everyone.visits_per_100_low, everyone.visits_per_100_high, ".1f")
    arm = "the random arm" if everyone.arm == "random" else f"no random arm ({everyone.arm} visits)"
    return (
        f"The plan {everyone.plan}, drawn by this model's classes, beside as many uniform draws among everyone: whom "
        f"it visits more ({often} visits a year to 100 firms, uniform draws the same in every group), and whether a "
        f"visit finds more within the group too. Of {len(found)} groups with visits enough: {counted}. Measured on "
        f"{arm}; intervals are of each group alone, not corrected for the number of groups. A plan that gained only by "
        "choosing among groups would find no more than uniform draws within each."
    )


def _row(w: Worth, often: Interval, page: Page) -> list[object]:
    return [
        cell(w.attribute, w.group, page.group_names),
        f"{w.visits:,}",
        number(w.visits_per_100, w.visits_per_100_low, w.visits_per_100_high, ".1f"),
        number(often.value, often.low, often.high),
        percent(w.per_inspection, w.per_inspection_low, w.per_inspection_high),
        percent(w.uniform, w.uniform_low, w.uniform_high),
        number(w.lift, w.lift_low, w.lift_high),
        badge(worth_verdict(w)),
    ]
