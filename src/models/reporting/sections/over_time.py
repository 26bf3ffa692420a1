"""The page's sections on time and on groups: stability, migration, drift, rolling origins, fairness."""

from __future__ import annotations

from collections.abc import Mapping

from models.evaluation import GroupFairness, IndicatorDrift, Migration, Stability
from models.reporting.html import Raw, badge, bullets, folded, image, number, paragraph, percent, table, text
from models.reporting.page import Page
from models.reporting.sections.group_names import attribute_title, cell
from models.review.review import Stable

MIGRATIONS = 3
"""The last so many months' matrices are shown."""
MOST_RATIO = 20.0
MOVED = 10
"""Indicators shown: those that moved most."""


def stability(page: Page) -> str:
    """Has the population or the calibration moved?"""
    s = page.review.stable
    parts = [
        f"<p>{badge(s.retrain.verdict)} {text(s.retrain.text)}</p>",
        paragraph(
            f"{s.enterprises:,} enterprises, drawn by a hash of their id, are followed through {s.months} months and "
            "compared with the first, which is when the model could first have been used."
        ),
    ]
    shown = [
        image(page.plots[name], alt)
        for name, alt in (
            ("psi", "stability index by month with alarm level"),
            ("class_mix", "class mix by month"),
        )
        if name in page.plots
    ]
    parts.append(f'<div class="plots">{"".join(shown)}</div>')
    if s.scores:
        parts.append(folded("Stability by month, in figures", index_table(s)))
    parts.append("<h3>Expected and found, as results ripen</h3>")
    if "expected_observed" in page.plots:
        shown = [image(page.plots["expected_observed"], "expected and observed rate by month")]
        parts.append(f'<div class="plots">{"".join(shown)}</div>')
    parts.append(labels_table(s))
    parts += ["<h3>Who moved class, month to month</h3>", migrations(s.migrations)]
    if s.indicators:
        parts += ["<h3>Indicators that moved most, last month</h3>", moved(s.indicators[-1], page.indicator_zh)]
    parts += ["<h3>Rolling origins: the same parameters at earlier moments</h3>", origins(page)]
    return "".join(parts)


def index_table(s: Stable) -> Raw:
    """PSI of scores and classes by month."""

    def cells(x: Stability) -> list[object]:
        says: object = Raw("<b>× alarm</b>") if x.alarm else "no"
        return [number(x.psi, form=".4f"), number(x.alarm_level, form=".4f"), says]

    rows = [[a.month, f"{a.rows:,}", *cells(a), *cells(b)] for a, b in zip(s.scores, s.classes, strict=True)]
    head = ["month", "enterprises", "PSI scores", "alarm from", "alarm", "PSI classes", "alarm from", "alarm"]
    return table(head, rows, align="tnnntnn", label="stability index by month")


def labels_table(s: Stable) -> str:
    """Expected and observed by month, as results ripen."""
    expected, arrived = ({e.month: e for e in found} for found in (s.expected, s.expected_arrived))
    rows = []
    for m in s.calibration.months:
        e, a = expected.get(m.month), arrived.get(m.month)
        rows.append(
            [
                m.month,
                f"{m.visits:,}",
                f"{m.awaited:,}" + ("" if m.ripe else " (unripe)"),
                "–" if e is None else percent(e.rate, e.low, e.high),
                "–" if a is None else percent(a.rate, a.low, a.high),
                percent(m.observed, m.observed_low, m.observed_high),
                percent(m.gap, m.gap_low, m.gap_high, signed=True),
            ]
        )
    head = [
        "month",
        "visits with a result",
        "still awaited",
        "expected of all of them, before results",
        "expected of those with a result",
        "observed of these",
        "observed − expected",
    ]
    return "".join(
        [
            paragraph(
                f"Arm: {s.calibration.arm}. What is expected before results is of every visit made in the month, its "
                "result known or not; what is observed is compared with what was expected of the same visits.",
                "dim",
            ),
            table(head, rows, align="knnwwww", label="expected and observed"),
            paragraph(s.calibration.text, "dim"),
        ]
    )


def migrations(found: tuple[Migration, ...]) -> str:
    """The last months' matrices, the latest open."""
    if not found:
        return paragraph("One month only: nobody can have moved.")
    out = []
    for k, m in enumerate(reversed(found[-MIGRATIONS:])):
        rows = [
            [
                f"was {grade}",
                *(
                    f"{n:,}" + ("" if share != share else f" ({share:.0%})")
                    for n, share in zip(ns, shares, strict=True)
                ),
                f"{m.left[i]:,}",
            ]
            for i, (grade, ns, shares) in enumerate(zip(m.labels, m.counts, m.shares, strict=True))
        ]
        rows.append(["entered", *(f"{n:,}" for n in m.entered), ""])
        head = [f"{m.month} → {m.next_month}", *(f"now {g}" for g in m.labels), "left"]
        matrix = table(head, rows, align="tnnnnn", label=f"class migration {m.month} to {m.next_month}")
        out.append(folded(m.text, matrix, opened=k == 0))
    return "".join(out)


def moved(found: tuple[IndicatorDrift, ...], zh: Mapping[str, str]) -> str:
    """The indicators whose distribution moved most in a month."""
    alarms = sum(d.alarm for d in found)
    rows = [
        [
            f"{d.indicator} {zh.get(d.indicator, '')}".strip(),
            number(d.psi, form=".4f"),
            number(d.alarm_level, form=".4f"),
            "< 0.001" if d.p_adjusted < 0.001 else number(d.p_adjusted, form=".3f"),
            Raw("<b>× alarm</b>") if d.alarm else "no",
            f"{d.unknown_then:.0%} → {d.unknown:.0%}",
        ]
        for d in found[:MOVED]
    ]
    head = ["indicator", "PSI", "by chance at most", "p, corrected", "alarm", "unknown then → now"]
    return "".join(
        [
            paragraph(
                f"{alarms} of {len(found)} indicators raise an alarm after correction for their number. Windows slide "
                "and firms age: an alarm says that something moved, its size says whether it matters."
            ),
            table(head, rows, align="tnnnkn", label="indicators that moved most"),
        ]
    )


def origins(page: Page) -> str:
    """What the final parameters would have shown earlier."""
    if not page.origins:
        return paragraph("None asked for by the study.")
    e = page.evaluation
    own = e.values["model"]
    found = [
        (f"{o.validate_from} to {o.validate_to}", o.visits, o.violations, o.auc, o.log_loss)
        for o in reversed(page.origins)
    ]
    found.append(("this test", e.visits, e.violations, own["auc"], own["log_loss"]))
    rows = [
        [when, f"{visits:,}", f"{bad:,}", *(number(i.value, i.low, i.high, ".3f") for i in (auc, loss))]
        for when, visits, bad, auc, loss in found
    ]
    arm = paragraph(f"{page.arm_statement} Intervals by enterprise.", "dim")
    return arm + table(
        ["validated on", "visits", "violations", "AUC", "log loss"], rows, align="tnnnn", label="rolling origins"
    )


def _ratio(value: float, low: float, high: float) -> str:
    """Return a ratio with its interval; of two visits its end is a number nobody should read."""
    if high > MOST_RATIO:
        return f"{number(value)} [{low:.2f}, over {MOST_RATIO:g}]"
    return number(value, low, high)


def _held(g: GroupFairness) -> Raw:
    """Return how far a group's probabilities hold, and the verdict below it: side by side they find no room."""
    held = _ratio(g.observed_over_expected, g.observed_over_expected_low, g.observed_over_expected_high)
    return Raw(f"{text(held)}<br>{badge(g.calibration)}")


def fairness(page: Page) -> str:
    """Calibration, burden and false alarms by group."""
    f = page.review.fairness
    head = [
        "group",
        "share",
        "visits",
        "found / said, calibration",
        "visits a year to 100",
        "times everyone's",
        "needless visits",
        "clean firms in C, D",
        "violators in neither",
    ]
    parts = [
        f"<p>{badge(f.verdict)} calibration within groups ({f.groups_tested} tested, {f.groups_small} too small "
        f"to test), and what the plan {f.plan} would mean for each.</p>",
        paragraph(
            "A group with more violations ought to be visited more: burden and false alarms are shown, not judged. "
            f"What must hold is that a probability means the same in each (found / said near 1). {f.statement}",
            "dim",
        ),
    ]
    for attribute in dict.fromkeys(g.attribute for g in f.groups):
        rows = [
            [
                cell(attribute, g.group, page.group_names),
                percent(g.firms_share),
                f"{g.visits:,}",
                _held(g),
                number(g.burden, g.burden_low, g.burden_high, ".1f"),
                _ratio(g.burden_ratio, g.burden_ratio_low, g.burden_ratio_high),
                percent(g.needless, g.needless_low, g.needless_high),
                percent(g.false_alarms, g.false_alarms_low, g.false_alarms_high),
                percent(g.misses, g.misses_low, g.misses_high),
            ]
            for g in f.groups
            if g.attribute == attribute
        ]
        shown = table(head, rows, align="tnnwwwwww", label=f"fairness by {attribute}")
        title = f"by {attribute_title(attribute)}: {len(rows)} groups"
        parts.append(folded(title, shown, opened=attribute in ("size", "ownership", "visited")))
    if not f.groups:
        parts.append(bullets(["No groups are known of the tested visits."]))
    return "".join(parts)
