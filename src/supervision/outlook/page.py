"""Page of the outlook: one HTML file that needs nothing beside it, in both languages."""

from __future__ import annotations

import math

from features.contract.national_names import DISTRICT, INDUSTRY_SECTION
from models.reporting.html import STYLE, Raw, bullets, paragraph, percent, table, text
from supervision.outlook.drawings import heat, ranked, small
from supervision.outlook.outlook import Cell, Outlook
from supervision.outlook.policy import OutlookPolicy

MEASURE = {
    "probability": ("mean chance that a visit finds a violation", "平均违法概率"),
    "share": (
        "share of classes C and D: the rules answer, which give no probability",
        "C、D类占比（按规则判定，无概率）",
    ),
}


def page(seen: Outlook, policy: OutlookPolicy) -> str:
    """Return the page."""
    head = f"{seen.province} {seen.month}：区域行业信用风险研判 Outlook on regions and industries"
    en, zh = MEASURE[seen.measure]
    worth = [cell for cell in seen.cells if cell.worth]
    parts = [
        Raw(f"<h1>{text(head)}</h1>"),
        paragraph(_lead(seen, worth, policy), "say"),
        *_check(worth, seen, policy),
        Raw("<h2>风险最高 Riskiest industries of a region</h2>"),
        paragraph(
            f"Dot: {en} ({zh}), shrunken; line: {policy.confidence:.0%} interval 区间; ring: as observed 观测值; "
            "in brackets: enterprises 企业数; red and ▲: a directed check is worth it 建议定向抽查."
        ),
        ranked(seen, policy.ranked),
        Raw("<h2>热力图 Heat map</h2>"),
        paragraph(
            f"White: the province's mean 全省均值 {seen.mean:.1%}; red above 高于, blue below 低于; empty: fewer than "
            f"{policy.least_firms} enterprises, nothing is said 企业数不足，不作判断."
        ),
        Raw(f'<div class="scroll" tabindex="0" role="region" aria-label="heat map">{heat(seen)}</div>'),
        paragraph(_names(seen), "dim"),
        *_months(seen, policy),
        Raw("<h2>明细 All figures</h2>"),
        _table(seen),
        Raw("<h2>方法 Method</h2>"),
        bullets(_method(seen, policy)),
    ]
    return (
        f'<!doctype html><html lang="zh"><head><meta charset="utf-8"><title>{text(seen.province)} {text(seen.month)}'
        f'</title><meta name="viewport" content="width=device-width,initial-scale=1"><style>{STYLE}</style></head>'
        f"<body>{''.join(parts)}</body></html>\n"
    )


def _lead(seen: Outlook, worth: list[Cell], policy: OutlookPolicy) -> str:
    en, zh = MEASURE[seen.measure]
    told = (
        f"Province 全省: {seen.mean:.1%} ({en} {zh}). {len(seen.cells)} cells 区域行业 are large enough; "
        f"{seen.small} with {seen.small_firms:,} enterprises are too small, nothing is said of them. "
    )
    if not worth:
        return told + "In none is a directed check worth it now. 目前无需定向抽查的区域行业。"
    return told + (
        f"In {len(worth)} the whole interval lies above {policy.worth_above:g} times the province's mean: a "
        f"directed check is worth it. "
        f"{len(worth)}个区域行业的区间整体高于全省均值{policy.worth_above:g}倍，建议定向抽查。"
    )


def _names(seen: Outlook) -> str:
    """Name the sections and districts that the codes have names for; a code without one is shown as it is."""
    sections = [(code, INDUSTRY_SECTION.codes.get(code)) for code in sorted({c.industry[:1] for c in seen.cells})]
    districts = [(code, DISTRICT.codes.get(code)) for code in sorted({c.region for c in seen.cells})]
    return "; ".join(f"{code} {named[1]} {named[0]}" for code, named in sections + districts if named)


def _check(worth: list[Cell], seen: Outlook, policy: OutlookPolicy) -> list[Raw]:
    if not worth:
        return []
    check = policy.check
    rows = [
        [f"{c.region} {c.industry}", f"{c.firms:,}", percent(c.risk.value, c.risk.low, c.risk.high),
         f"{c.visits_to_know:,}", "–" if c.visits_to_tell is None else f"{c.visits_to_tell:,}"
         + (" (more than there are)" if c.visits_to_tell > c.firms else "")]
        for c in worth
    ]  # fmt: skip
    said = (
        f"Visits at random there: to know the rate to ±{check.half_width:.0%} ({check.confidence:.0%} 置信), and to "
        f"tell it from the province's with {check.power:.0%} power (one-sided {check.false_alarm:.0%}). "
        f"随机抽查户数：估计违法率至±{check.half_width:.0%}；以{check.power:.0%}功效判明其高于全省。"
    )
    if seen.measure == "share":
        said += " The rate is taken to be the share of C and D. 此处以C、D类占比代替违法率。"
    head = ["区域 行业", "企业 firms", "风险 risk", "visits to know 估计", "visits to tell 判明"]
    return [
        Raw("<h2>建议定向抽查 Where a directed check is worth it</h2>"),
        paragraph(said),
        table(head, rows, align="knwnn", label="directed checks"),
    ]


def _months(seen: Outlook, policy: OutlookPolicy) -> list[Raw]:
    if len(seen.months) < policy.least_months:
        said = (
            f"{len(seen.months)} months by the present model and policy; a trend takes {policy.least_months}. "
            "月份不足，不作趋势判断。"
        )
        return [Raw("<h2>走势 Over time</h2>"), paragraph(said)]
    cells = seen.cells[: policy.multiples]
    values = [v for cell in cells for v in cell.history if v is not None]
    values += [*seen.means, *(cell.risk.low for cell in cells), *(cell.risk.high for cell in cells)]
    low, high = math.floor(min(values) * 50) / 50, math.ceil(max(values) * 50) / 50
    return [
        Raw("<h2>走势 Over time</h2>"),
        paragraph(
            "Line: as observed 观测值; dashed: the province 全省; bar and dot: this month, shrunken, with its "
            "interval. All on one scale. 各图同一刻度。"
        ),
        Raw(f'<div class="plots small">{"".join(small(cell, seen, low, high) for cell in cells)}</div>'),
    ]


def _table(seen: Outlook) -> Raw:
    rows = [
        [f"{c.region} {c.industry}", f"{c.firms:,}", percent(c.risk.value, c.risk.low, c.risk.high),
         percent(c.observed),
         percent(c.cd.value, c.cd.low, c.cd.high), percent(c.d.value, c.d.low, c.d.high), _trend(c)]
        for c in seen.cells
    ]  # fmt: skip
    head = ["区域 行业", "企业 firms", "风险 risk", "观测 observed", "C+D", "D", "每月变化 change a month"]
    return table(head, rows, align="knwnwww", label="all cells")


def _trend(cell: Cell) -> str:
    if cell.trend is None:
        return "–"
    t = cell.trend
    sign = " ▲" if t.low > 0 else " ▼" if t.high < 0 else ""
    return f"{t.value * 100:+.2f} [{t.low * 100:+.2f}, {t.high * 100:+.2f}] pp{sign}"


def _method(seen: Outlook, policy: OutlookPolicy) -> list[str]:
    lines = [
        "Shrinkage 收缩: a cell's mean is drawn to what its region and industry let expect, the more the fewer its "
        f"enterprises (empirical Bayes); between cells beyond those: {seen.spread * 100:.2f} pp. "
        "企业越少，越向区域与行业的预期收缩。",
        f"Shares 占比 of C+D and D: drawn in the same way. Intervals: {policy.confidence:.0%}.",
        "Intervals speak of what an enterprise of this kind has; they don't cover an error that the model makes for "
        "all. 区间不含模型的系统误差。",
        "Change a month 每月变化: mean of the changes from month to month, uncertain as those of a random walk; ▲▼: "
        "the interval leaves out zero. 区间不含零时标注。",
    ]
    if seen.cut:
        lines.append(
            f"{seen.cut} earlier months were made by another model or policy and are left out of the trend. "
            f"前{seen.cut}个月模型或政策不同，不计入趋势。"
        )
    return lines
