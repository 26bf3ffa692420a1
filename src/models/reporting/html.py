"""Small pieces of HTML: tables, verdicts, folded parts, pictures. Everything given is escaped here and nowhere else."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

STYLE = """
:root{color-scheme:light;--ink:#1d2733;--dim:#5b6673;--line:#d9dfe6;--good:#176b3a;--bad:#a3201d;--open:#7a5200}
*{box-sizing:border-box}
body{font:15px/1.55 system-ui,"PingFang SC","Microsoft YaHei","Noto Sans CJK SC","Noto Sans SC","Source Han Sans SC",
"WenQuanYi Micro Hei",sans-serif;color:var(--ink);background:#fff;max-width:68rem;
margin:0 auto;padding:1.2rem 1.2rem 4rem}
h1{font-size:1.45rem;line-height:1.3;margin:.4rem 0 .2rem}
h2{font-size:1.15rem;margin:2.4rem 0 .4rem;padding-bottom:.2rem;border-bottom:2px solid var(--line)}
h3{font-size:.98rem;margin:1.3rem 0 .3rem}p{margin:.4rem 0;max-width:50rem}
.scroll{overflow-x:auto;margin:.5rem 0}
table{border-collapse:collapse;font-size:.86rem}
th,td{padding:.26rem .6rem;text-align:left;border-bottom:1px solid #e8ecf0;vertical-align:top}
thead th{background:#f2f5f8;border-bottom:1px solid var(--line);vertical-align:bottom}tbody th{font-weight:600}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
td.n,td.k,tbody th.k{white-space:nowrap}tbody th:not(.k){min-width:6rem}thead th.n{min-width:4.6rem}
td.w{white-space:normal}td.r{font-size:.8rem;line-height:1.4;min-width:18rem}td.r .dim{font-size:inherit}
.verdict{display:inline-block;border:1.5px solid;border-radius:.25rem;padding:0 .45rem;font-weight:600;
white-space:nowrap;font-size:.85rem;background:#fff}
.good{color:var(--good);border-style:solid}.bad{color:#fff;background:var(--bad);border-color:var(--bad)}
.open{color:var(--open);border-style:dashed}
.box{border:2px solid var(--ink);border-radius:.4rem;padding:.9rem 1.1rem 1rem;margin:1rem 0}
.box h2{margin:0 0 .5rem;border:0;padding:0}
.box dl{display:grid;grid-template-columns:minmax(9.5rem,auto) auto 1fr;gap:.4rem .9rem;margin:.4rem 0 .8rem;
align-items:baseline}.box dt{font-weight:600}.box dd{margin:0}
.say{background:#fff7e0;border-left:4px solid #d9a400;padding:.5rem .8rem;max-width:none}
.names{display:block;color:var(--dim);font-weight:400;font-size:.8rem;line-height:1.35;min-width:6.2rem}
.dim{color:var(--dim);font-size:.86rem}code{font-size:.82rem;overflow-wrap:anywhere}
nav ol{columns:3 15rem;column-gap:2.4rem;margin:.3rem 0;padding-left:1.3rem;font-size:.9rem}nav{margin:1rem 0}
a{color:#0b5394}
a:focus-visible,summary:focus-visible,.scroll:focus-visible{outline:3px solid #0b5394;outline-offset:2px}
.skip{position:absolute;left:-99rem}.skip:focus{position:static}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,26rem),1fr));gap:1rem;margin:.6rem 0}
.small{grid-template-columns:repeat(auto-fit,minmax(min(100%,14rem),1fr))}
figure{margin:0;break-inside:avoid}figcaption{font-size:.82rem;color:var(--ink)}img{max-width:100%;height:auto;display:block}
details{margin:.5rem 0}summary{cursor:pointer;font-weight:600;font-size:.92rem}
ul{padding-left:1.2rem;max-width:50rem}li{margin:.2rem 0}
.back{font-size:.8rem;font-weight:400;float:right}
@media(max-width:40rem){body{padding:.7rem}.box dl{grid-template-columns:1fr auto;gap:.15rem .6rem}
.box dd:nth-of-type(2n){grid-column:1/-1;margin-bottom:.5rem}nav ol{columns:1}}
@media print{@page{margin:14mm}body{font-size:10.5pt;max-width:none;padding:0}.back,.skip{display:none}
a{color:inherit;text-decoration:none}h2,h3{break-after:avoid}tr,figure,.box,li{break-inside:avoid}
.scroll{overflow:visible}table{font-size:8.5pt}th,td{padding:.15rem .35rem}
td.n{white-space:normal}td.r{min-width:0;font-size:7.5pt}
.plots{grid-template-columns:1fr 1fr}.small{grid-template-columns:1fr 1fr 1fr}
.verdict,thead th,.say{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
"""

SCRIPT = """
var shut=[];addEventListener("beforeprint",function(){
shut=[].slice.call(document.querySelectorAll("details:not([open])"));shut.forEach(function(d){d.open=true})});
addEventListener("afterprint",function(){shut.forEach(function(d){d.open=false})})
"""
"""Opens the folded parts for print; without it they print folded, and nothing else changes."""

KINDS = {"n": " class=n", "w": ' class="n w"', "k": " class=k", "r": " class=r"}
"""Letters of `table`'s ``align``: figures, set right; such with an interval that may stand below, where room is scarce;
text kept on one line; reasons, set small. Any other: text.
"""

_VERDICTS = {
    "pass": ("good", "✓ pass", "通过"),
    "fail": ("bad", "✗ fail", "不通过"),
    "cannot tell": ("open", "? cannot tell", "无法判定"),
    "ahead": ("good", "▲ ahead", "领先"),
    "behind": ("bad", "▼ behind", "落后"),
    "within noise": ("open", "≈ within noise", "差异在误差内"),
    "no interval: cannot tell": ("open", "? cannot tell", "无法判定"),
}


class Raw(str):
    """Text that is HTML already: made in this package, never taken from data."""

    __slots__ = ()


def text(value: object) -> str:
    """Return a value as HTML: escaped, unless it is `Raw`; None and NaN as a dash."""
    if isinstance(value, Raw):
        return value
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    return escape(str(value))


def badge(verdict: str, *, chinese: bool = False) -> Raw:
    """Return a verdict that reads without colour: a sign, words, and its own frame."""
    kind, words, zh = _VERDICTS.get(verdict, ("open", verdict, ""))
    both = f"{words} {zh}" if chinese and zh else words
    return Raw(f'<span class="verdict {kind}">{text(both)}</span>')


def chinese_verdict(verdict: str) -> str:
    """Return a verdict's Chinese word; the verdict itself where there is none."""
    return _VERDICTS.get(verdict, ("", "", verdict))[2]


def table(head: Sequence[object], rows: Iterable[Sequence[object]], *, align: str = "", label: str = "") -> Raw:
    """Return a table that scrolls by itself on a narrow screen, also by keyboard.

    Parameters
    ----------
    head, rows
        Column titles and cells; the first cell of a row is its heading.
    align
        One letter a column, see `KINDS`; columns beyond it are text.
    label
        What it shows, for those who don't see it.
    """

    def cell(tag: str, i: int, value: object) -> str:
        scope = ' scope="row"' if tag == "th" and i == 0 else ""
        kind, shown = KINDS.get(align[i : i + 1], ""), text(value)
        if kind in (KINDS["n"], KINDS["w"]):
            shown = shown.replace(", ", ",&nbsp;")  # an interval breaks before its bracket, not within
        return f"<{tag}{kind}{scope}>{shown}</{tag}>"

    top = "".join(cell("th", i, h).replace(' scope="row"', "") for i, h in enumerate(head))
    body = "".join(
        f"<tr>{''.join(cell('td' if i else 'th', i, value) for i, value in enumerate(row))}</tr>" for row in rows
    )
    named = f' role="region" aria-label="{text(label)}"' if label else ""
    inner = f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
    return Raw(f'<div class="scroll" tabindex="0"{named}>{inner}</div>')


def paragraph(value: object, kind: str = "") -> Raw:
    """Return a paragraph."""
    return Raw(f"<p{f' class={kind}' if kind else ''}>{text(value)}</p>")


def bullets(lines: Iterable[object]) -> Raw:
    """Return a list; nothing for no lines."""
    items = "".join(f"<li>{text(line)}</li>" for line in lines)
    return Raw(f"<ul>{items}</ul>" if items else "")


def folded(title: str, *content: str, opened: bool = False) -> Raw:
    """Return a part that unfolds."""
    return Raw(f"<details{' open' if opened else ''}><summary>{text(title)}</summary>{''.join(content)}</details>")


def image(path: Path, alt: str, caption: str = "") -> Raw:
    """Return a picture with its bytes in the page; ``alt`` says what it shows, the caption is HTML."""
    data = base64.b64encode(path.read_bytes()).decode()
    below = f"<figcaption>{caption}</figcaption>" if caption else ""
    return Raw(f'<figure><img alt="{text(alt)}" src="data:image/png;base64,{data}">{below}</figure>')


def percent(value: float, low: float = math.nan, high: float = math.nan, *, signed: bool = False) -> str:
    """Return a share, with its interval where there is one; a dash for NaN."""
    if math.isnan(value):
        return "–"
    form = "+.1%" if signed else ".1%"
    return f"{value:{form}}" + ("" if math.isnan(low) else f" [{low:{form}}, {high:{form}}]")


def number(value: float, low: float = math.nan, high: float = math.nan, form: str = ".2f") -> str:
    """Return a figure, with its interval where there is one; a dash for NaN."""
    if math.isnan(value):
        return "–"
    return f"{value:{form}}" + ("" if math.isnan(low) else f" [{low:{form}}, {high:{form}}]")
