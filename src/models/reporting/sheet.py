"""Sheet of one enterprise: why it is in its class, on one A4 page of HTML, in Chinese or in English.

Offline and without scripts: styles and pictures stand in the page. No natural person is on it but those who signed
the model; records are named by table, day and number.
"""

from __future__ import annotations

from typing import Literal

from features.table.behind import Row
from models.reporting.case import Case
from models.reporting.html import Raw, text
from models.reporting.sheet_pictures import bars, history, scale, step
from models.reporting.sheet_words import WORDS, Words
from models.reporting.waterfall import Step, steps
from models.scoring.classification import LIMIT

Language = Literal["zh", "en"]

RECORDS = 2
"""Records that stand behind a reason on the sheet; the rest are counted."""

STYLE = """
@page{size:A4;margin:9mm 11mm}*{box-sizing:border-box}
body{font:9pt/1.42 "PingFang SC","Microsoft YaHei","Noto Sans CJK SC","Noto Sans SC","Source Han Sans SC",
"WenQuanYi Micro Hei",system-ui,sans-serif;color:#1d2733;background:#fff;max-width:188mm;margin:0 auto;padding:4mm 0}
@media print{body{padding:0}}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}
h1{font-size:14pt;line-height:1.25;margin:0}h2{font-size:10pt;margin:2.6mm 0 .8mm;border-bottom:1px solid #9aa7b4}
p{margin:.4mm 0}.dim{color:#56616d;font-size:7.6pt;line-height:1.35}
header{display:flex;justify-content:space-between;gap:6mm;align-items:flex-start;border-bottom:2px solid #1d2733;
padding-bottom:1.2mm}
.internal{border:1.5px solid #a3201d;color:#a3201d;font-weight:600;padding:0 2mm;white-space:nowrap;font-size:8.4pt}
.top{display:grid;grid-template-columns:31mm 1fr;gap:5mm;margin-top:2mm;align-items:center}
.grade{border-radius:2mm;color:#fff;text-align:center;padding:1.4mm 1mm}
.grade b{display:block;font-size:25pt;line-height:1.05}
.A{background:#176b3a}.B{background:#3f6f9e}.C{background:#9a5b00}.D{background:#a3201d}
.two{display:grid;grid-template-columns:1fr 1fr;gap:7mm}
svg{display:block;width:100%;height:auto;font-family:inherit}
table{border-collapse:collapse;width:100%;table-layout:fixed}
td{padding:.55mm 0;vertical-align:top;border-bottom:1px solid #e4e9ee}
td.bar{width:38mm;padding-left:3mm;vertical-align:middle}td.n{width:14mm;text-align:right;font-variant-numeric:tabular-nums;
white-space:nowrap;font-weight:600}
tr.sum td{font-weight:600;background:#f2f5f8}tr{break-inside:avoid}
ul{margin:.4mm 0;padding-left:4.4mm}li{margin:.2mm 0}
.floor{border-left:3px solid #a3201d;padding-left:2.4mm;margin:1.4mm 0}
footer{margin-top:2.6mm;border-top:1px solid #9aa7b4;padding-top:.8mm}code{font-size:7.2pt;overflow-wrap:anywhere}
"""


def sheet(case: Case, language: Language) -> str:
    """Return the page of one enterprise.

    Parameters
    ----------
    case
        The enterprise, classified.
    language
        ``zh`` or ``en``; the page says nothing in the other but what stands in the records so.
    """
    words, found = WORDS[language], case.found
    title = words.title.format(who=case.name or found.enterprise_id)
    body = "".join(
        (
            _head(case, words, title),
            _top(case, words),
            _floors(case, words),
            f'<div class="two"><section><h2>{words.families}</h2>{bars(_families(case, words))}</section>'
            f"<section><h2>{words.months}</h2>{history(case, words)}</section></div>",
            _reasons(case, words),
            _helps(case, words),
            _foot(case, words),
        )
    )
    return (
        f'<!doctype html><html lang="{"zh-CN" if language == "zh" else "en"}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{text(title)}</title><style>{STYLE}</style></head>'
        f"<body>{body}</body></html>\n"
    )


def _head(case: Case, words: Words, title: str) -> str:
    found = case.found
    known = [f"{words.id} {found.enterprise_id}", *([f"{words.code} {case.code}"] if case.code else [])]
    line = words.apart.join([*known, words.month.format(day=found.cutoff)])
    return (
        f'<header><div><h1>{text(title)}</h1><p class="dim">{text(line)}</p></div>'
        f'<div class="internal">{words.internal}</div></header>'
    )


def _top(case: Case, words: Words) -> str:
    found = case.found
    lines = [words.score.format(score=f"{found.score:g}", meaning=words.meaning[found.grade])]
    if found.probability is not None:
        lines.append(words.chance.format(chance=words.percent(found.probability)))
        if found.probability_interval is not None:
            low, high = map(words.percent, found.probability_interval)
            lines[-1] += words.interval.format(low=low, high=high)
    if found.source == "rules":
        lines.append(words.by_rules)
    if found.grade != found.score_grade:
        why = words.floored if found.determinations else words.insufficient
        lines.append(why.format(by_score=found.score_grade, grade=found.grade))
    said = "".join(f"<p>{text(line)}</p>" for line in lines)
    return (
        f'<div class="top"><div class="grade {found.grade}"><b>{found.grade}</b>{words.meaning[found.grade]}</div>'
        f"<div>{scale(case)}{said}</div></div>"
    )


def _floors(case: Case, words: Words) -> str:
    if not case.found.determinations:
        return ""
    parts = [f"<h2>{words.determined}</h2>"]
    for hit in case.found.determinations:
        rows = [case.evidence.get(record) for record in hit.evidence]
        records = [
            _record(row, words) if row is not None else Raw(f"<code>{text(record)}</code>")
            for record, row in zip(hit.evidence, rows, strict=True)
        ]
        what = words.hit(hit)
        parts.append(
            f'<div class="floor"><p>{text(what)}</p><p class="dim">{words.records}{words.apart.join(records)}</p></div>'
        )
    return "".join(parts)


def _record(row: Row, words: Words) -> Raw:
    table, day, kind, record = words.row(row)
    shown = f"{text(table)} {text(day)}"
    return Raw(f"{shown}{text(words.bracket(kind)) if kind else ''} <code>{text(record)}</code>")


def _families(case: Case, words: Words) -> list[tuple[str, float]]:
    points = case.found.family_points
    return [(words.family[name], points[name]) for name in words.family if name in points and name != LIMIT]


def _reasons(case: Case, words: Words) -> str:
    walk = steps(case.found, words.step)
    edges = [edge for one in walk for edge in (one.begin, one.end)]
    low, high = min(edges), max(edges)
    told: set[str] = set()
    rows = "".join(_row(one, case, words, low, high, told) for one in walk)
    return f'<h2>{words.why}</h2><p class="dim">{words.how}</p><table>{rows}</table>'


def _row(one: Step, case: Case, words: Words, low: float, high: float, told: set[str]) -> str:
    """Return a step as a row; a record that an earlier step was ``told`` with is named by its number alone."""
    behind = case.behind.get(one.indicator)
    records = ""
    if behind is not None:
        newest = behind.rows[:RECORDS]
        shown = words.apart.join(
            Raw(f"<code>{text(row.record.partition(':')[2])}</code>") if row.record in told else _record(row, words)
            for row in newest
        )
        told |= {row.record for row in newest}
        more = words.more.format(n=behind.count - RECORDS) if behind.count > RECORDS else ""
        records = f'<div class="dim">{words.records}{shown}{more}</div>'
    kind = ' class="sum"' if one.total else ""
    said = one.said[:1].upper() + one.said[1:]
    return (
        f'<tr{kind}><td>{text(said)}{records}</td><td class="bar">{step(one, low, high)}</td>'
        f'<td class="n">{text(one.number)}</td></tr>'
    )


def _helps(case: Case, words: Words) -> str:
    helps = words.of(case.helps)
    lines = "".join(f"<li>{text(line)}</li>" for line in helps)
    parts = [f"<h2>{words.helps}</h2>", f"<ul>{lines}</ul>" if helps else f'<p class="dim">{words.no_helps}</p>']
    if case.reminder:
        parts += [f"<h2>{words.reminder}</h2>", f'<p lang="zh-CN">{text(case.reminder)}</p>']
    return "".join(parts)


def _foot(case: Case, words: Words) -> str:
    found = case.found
    versions = words.apart.join(f"{words.version.get(k, k)} {v}" for k, v in found.versions.items())
    signed = words.apart.join(words.of(case.signed))
    unknown = words.unknown.format(n=len(found.missing)) if found.missing else ""
    return (
        f'<footer class="dim"><p>{text(versions)}{words.apart if signed else ""}{text(signed)}</p>'
        f"<p>{text(unknown)}{words.note}</p></footer>"
    )
