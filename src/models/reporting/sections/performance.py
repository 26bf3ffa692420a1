"""The page's sections on what was learned and how well it holds: data, contract, reliability, worth."""

from __future__ import annotations

import math
from collections.abc import Sequence

from models.evaluation import Check, Worth
from models.reporting.html import Raw, badge, bullets, folded, image, number, paragraph, percent, table
from models.reporting.page import Page
from models.reporting.sections.days_earlier import days_earlier
from models.reporting.sections.group_names import GroupNames, cell, subject
from models.reporting.sections.verdict import worth_verdict
from models.reporting.sections.worth_by_group import worth_groups

CHECK_TEXT = {
    "rise": "rate rises",
    "range": "rate in its range",
    "calibration_error": "calibration error",
    "calibration_slope": "calibration slope",
}


def learnt(page: Page) -> str:
    """What was learnt from what."""
    rows = [
        [
            r["segment"],
            r["arm"],
            str(r["first"])[:10],
            str(r["last"])[:10],
            f"{r['visits']:,}",
            f"{r['violations']:,}",
            percent(r["violations"] / r["visits"]) if r["visits"] else "–",
            f"{r['enterprises']:,}",
        ]
        for r in page.learnt
    ]
    head = ["segment", "arm", "from", "to", "visits", "violations", "share", "enterprises"]
    left = "; ".join(f"{k}: {n:,}" for k, n in page.dropped.items()) or "nothing"
    return "".join(
        [
            paragraph(page.summary),
            table(head, rows, align="kkkknnnn", label="segments"),
            *parts_text(page),
            paragraph(arm_text(page.arm_effect)),
            paragraph(f"Outcomes left out: {left}.", "dim"),
        ]
    )


def parts_text(page: Page) -> list[Raw]:
    """Say what the margin is made of, and how that was chosen; nothing where the page does not know."""
    if (parts := page.parts) is None:
        return []
    share = parts.tree_share
    said = (
        f"The margin is {1 - share:.0%} the linear part (ridge logistic regression on signed logs, signs as declared) "
        f"and {share:.0%} the {parts.trees} trees, in log-odds. "
    )
    out = []
    if parts.tried:
        said += (
            f"Both were chosen by the rolling origins: of {len(parts.tried)} blends the usual one stays unless another "
            "was better by more than one standard error of the difference."
        )
        rows = [[many, f"{w:g}", f"{loss:.4f}"] for (many, w), loss in sorted(parts.tried.items())]
        shown = table(["trees", "share", parts.objective.replace("_", " ")], rows, align="nnn", label="blends tried")
        out = [folded("Blends tried at the rolling origins", shown)]
    others = {name: effect for name, effect in parts.effects.items() if not name.startswith("arm")}
    if others:
        rows = [[name, f"{effect:+.2f}", f"{math.exp(effect):.2f}"] for name, effect in sorted(others.items())]
        shown = table(["circumstance of a visit", "log-odds", "odds"], rows, align="tnn", label="circumstances")
        out.append(
            folded("What circumstances of a visit add at equal records; left out of every score", shown, opened=True)
        )
    return [paragraph(said), *out]


def arm_text(effect: float | None) -> str:
    """Say what the arm of a visit was found to do."""
    if effect is None:
        return "The arm of a visit was not looked at in learning: outcomes of all arms named above count alike."
    odds = math.exp(effect)
    return (
        f"Effect of the arm: at equal records the odds of a violation are {odds:.2f} times as high at a targeted visit "
        f"as at a random one (log-odds {effect:+.2f}). It is what complaints and leads know and the records don't; it "
        "was learned apart and is left out of every probability and score here."
    )


def contract(page: Page) -> str:
    """The band contract, everyone first, groups folded."""
    c = page.review.contract
    classes = table(
        ["class", "visits", "violations", "share of all", "said", "found, interval", "promised", ""],
        [
            [
                f"direct {r.grade} 直接判定" if r.direct else r.grade,
                f"{r.visits:,}",
                f"{r.violations:,}",
                percent(r.share),
                percent(r.expected),
                percent(r.rate, r.low, r.high),
                "–" if r.direct else f"{r.promised_low:.0%} to {r.promised_high:.0%}",
                "" if r.direct else next((badge(k.verdict) for k in c.of("range") if k.subject == r.grade), Raw("")),
            ]
            for r in c.classes
        ],
        align="knnnnnk",
        label="classes",
    )
    groups = [k for k in c.checks if k.attribute]
    small = [k for k in groups if math.isnan(k.value)]
    return "".join(
        [
            f"<p>{badge(c.verdict)} {c.visits:,} visits to {c.enterprises:,} enterprises in {c.months} months, "
            f"{c.violations:,} with a violation; intervals {c.level:.0%}, by enterprise.</p>",
            bullets(c.reasons),
            f'<div class="plots">{image(page.plots["classes"], "rate of each class against its promise")}</div>'
            if "classes" in page.plots
            else "",
            classes,
            "<h3>For everyone</h3>",
            check_table([k for k in c.checks if not k.attribute], page.group_names),
            folded(
                f"Within groups: {c.within_groups} ({c.groups} tested, {c.groups_small} too small; {_count(groups)})",
                paragraph(
                    "Fails are after Holm's correction for how many groups are looked at; a group is tested from a "
                    "stated number of visits, never by what was found.",
                    "dim",
                ),
                check_table([k for k in groups if not math.isnan(k.value)], page.group_names),
                paragraph(f"Groups with too few visits to test: {too_small(small, page.group_names)}.", "dim")
                if small
                else "",
            )
            if groups
            else "",
        ]
    )


def too_small(checks: Sequence[Check], known: GroupNames) -> str:
    """Name groups with too few visits, how many they have, and how many would tell; alike ones together."""
    alike: dict[str, list[str]] = {}
    for group in dict.fromkeys(c.subject for c in checks):
        own = [c for c in checks if c.subject == group]
        needed = " and ".join(
            f"{'no number' if c.visits_to_tell is None else f'{c.visits_to_tell:,}'} of the {c.check[12:]}" for c in own
        )
        alike.setdefault(needed, []).append(f"{subject(own[0], known)} ({own[0].visits:,})")
    return "; ".join(f"{', '.join(names)}: {needed} would tell" for needed, names in alike.items())


def _count(checks: Sequence[Check]) -> str:
    kinds = ("fail", "cannot tell", "pass")
    return ", ".join(f"{sum(c.verdict == v for c in checks)} {v}" for v in kinds)


def check_table(checks: Sequence[Check], known: GroupNames) -> Raw:
    """Every check with its figure, its promise and the visits that would tell; fails first, then by kind."""
    rank = {"fail": 0, "cannot tell": 1, "pass": 2}
    grouped = any(c.attribute for c in checks)
    ordered = sorted(checks, key=lambda c: rank[c.verdict]) if grouped else checks
    rows = [
        [
            _promise(c, known),
            badge(c.verdict),
            _figure(c),
            _promised(c),
            f"{c.visits:,}",
            "" if c.verdict != "cannot tell" else "none" if c.visits_to_tell is None else f"{c.visits_to_tell:,}",
        ]
        for c in ordered
    ]
    head = ["promise", "verdict", "seen", "promised", "visits", "visits that would tell"]
    return table(head, rows, align=("t" if grouped else "k") + "knknn", label="checks of the band contract")


def _promise(c: Check, known: GroupNames) -> Raw | str:
    if c.attribute:
        return Raw(f"{CHECK_TEXT[c.check]}, {c.attribute} {cell(c.attribute, c.group, known, between=' ')}")
    return f"{CHECK_TEXT[c.check]}, {f'class {c.subject}' if c.check == 'range' else c.subject}"


def _figure(c: Check) -> str:
    if c.check == "calibration_error":
        return number(c.value, form=".3f")
    if c.check == "calibration_slope":
        return number(c.value, c.low, c.high)
    return percent(c.value, c.low, c.high, signed=c.check == "rise")


def _promised(c: Check) -> str:
    if math.isnan(c.promised_high):
        return "–"
    if c.check == "rise":
        return "above 0"
    if c.check == "calibration_error":
        return f"at most {c.promised_high:.3f} (if perfect: {number(c.low, form='.3f')})"
    if c.check == "calibration_slope":
        return f"{c.promised_low:g} to {c.promised_high:g}"
    return f"{c.promised_low:.0%} to {c.promised_high:.0%}"


def reliability(page: Page) -> str:
    """Pictures of what was promised and found, and of the gain."""
    captions = {
        "reliability": "Reliability: dots on the dashed line are kept promises; bars are 95 % intervals.",
        "gain": "Gain: how much is found when the riskiest are visited first.",
    }
    shown = [image(page.plots[k], k, words) for k, words in captions.items() if k in page.plots]
    return f'<div class="plots">{"".join(shown)}</div>'


def worth(page: Page) -> str:
    """What each province's plan would find by these classes, beside as many uniform draws."""
    plain = [w for w in page.review.worth if w.what == "violations" and w.codes == "all"]
    if not plain:
        return paragraph("Not estimated.")
    others = dict.fromkeys((w.what, w.codes) for w in page.review.worth if (w.what, w.codes) != ("violations", "all"))
    untold = sorted({w.text.rpartition(". ")[2] for w in plain if not w.tells})
    return "".join(
        [
            paragraph(
                "Estimated from the tested visits: what a year of each plan, drawn by this model's classes, would find "
                "per inspection, and what as many uniform draws would."
            ),
            bullets(untold),
            f'<div class="plots">{image(page.plots["worth"], "worth of each plan with intervals")}</div>'
            if "worth" in page.plots
            else "",
            worth_table(plain),
            *worth_groups(page),
            folded(
                "By severity of what is found, and without result codes 6 and B",
                *(
                    f"<h3>{'Points of severity' if what == 'severity' else 'Violations'}, {_codes(codes)}</h3>"
                    + worth_table([w for w in page.review.worth if (w.what, w.codes) == (what, codes)])
                    for what, codes in others
                ),
            ),
            "<h3>Days earlier 提前天数</h3>",
            days_earlier(page.review.earlier),
        ]
    )


def _codes(codes: str) -> str:
    return "all result codes" if codes == "all" else codes


def worth_table(found: Sequence[Worth]) -> Raw:
    """One line a plan."""
    rows = []
    for w in found:
        shown = number if w.what == "severity" else percent
        many = [
            shown(w.per_inspection, w.per_inspection_low, w.per_inspection_high),
            shown(w.uniform, w.uniform_low, w.uniform_high),
        ]
        rows.append(
            [
                f"{w.name_zh} {w.plan.replace('_', ' ')}",
                badge(worth_verdict(w)),
                *many,
                number(w.lift, w.lift_low, w.lift_high),
                percent(w.saved, w.saved_low, w.saved_high),
                number(w.visits_per_100, w.visits_per_100_low, w.visits_per_100_high, ".1f"),
                f"{w.visits:,}",
            ]
        )
    head = [
        *("plan", "the plan is", "per inspection", "uniform", "times", "visits saved"),
        *("visits a year to 100 firms", "tested visits"),
    ]
    return table(head, rows, align="kkwwwwwn", label="worth of plans")
