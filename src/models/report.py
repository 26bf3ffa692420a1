"""One self-contained HTML page per run, for the reviewer who has to sign it or refuse."""

from __future__ import annotations

import base64
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from models.metrics import LOWER_IS_BETTER, METRICS, Evaluation, Interval

METRIC_TEXT = {
    "auc": ("AUC", "chance that a violating visit is ranked above a clean one"),
    "average_precision": ("average precision", "mean share of violations among those visited, over all recalls"),
    "precision_top_tenth": ("precision in the top tenth", "violation rate among the riskiest 10 %"),
    "log_loss": ("log loss", "lower is better"),
    "brier": ("Brier score", "lower is better"),
    "ece": ("calibration error", "mean gap between promise and finding in ten bins; lower is better"),
}
SCORER_TEXT = {
    "model": "model",
    "scorecard": "rules scorecard 规则评分",
    "past_rate": "own past violation rate",
    "logistic": "logistic regression",
}

_STYLE = """
body{font:15px/1.5 system-ui,"PingFang SC","Microsoft YaHei","Noto Sans CJK SC",sans-serif;color:#222;
max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem;margin-bottom:.2rem}h2{font-size:1.1rem;margin:2rem 0 .5rem;border-bottom:1px solid #ddd}
table{border-collapse:collapse;font-size:.87rem;margin:.5rem 0}th,td{padding:.25rem .6rem;text-align:left;
border-bottom:1px solid #eee;vertical-align:top}th{background:#f5f7fa}td.n,th.n{text-align:right;
font-variant-numeric:tabular-nums}.say{background:#fff7e0;border-left:4px solid #d9a400;padding:.5rem .8rem}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(24rem,1fr));gap:1rem}img{max-width:100%}
.dim{color:#666;font-size:.85rem}code{font-size:.82rem;overflow-wrap:anywhere}
"""


@dataclass(frozen=True)
class ClassRow:
    """One score class on the test: its share, and the rate found in it."""

    grade: str
    visits: int
    share: float
    rate: Interval


@dataclass(frozen=True)
class IndicatorRow:
    """One indicator's strength: mean absolute contribution to the margin on the test."""

    name: str
    zh: str
    family: str
    direction: str
    strength: float


@dataclass(frozen=True)
class Page:
    """Everything the report says; plain data, so that it can be built by hand in a test."""

    title: str
    summary: str
    arm_statement: str
    learnt: Sequence[Mapping[Hashable, Any]]
    dropped: Mapping[str, int]
    evaluation: Evaluation
    without: Evaluation | None
    classes: Sequence[ClassRow]
    indicators: Sequence[IndicatorRow]
    plots: Mapping[str, Path]
    limits: Sequence[str]
    facts: Mapping[str, str] = field(default_factory=dict)


def verdict(metric: str, difference: Interval) -> str:
    """Say in words whether the model is ahead of a rival: only an interval that excludes 0 decides."""
    if np.isnan(difference.low):
        return "no interval: cannot tell"
    low, high = difference.low, difference.high
    if metric in LOWER_IS_BETTER:
        low, high = -high, -low
    if low > 0:
        return "ahead"
    return "behind" if high < 0 else "within noise"


def table(head: Sequence[str], rows: Iterable[Sequence[object]], *, numbers: int = 0) -> str:
    """Return an HTML table.

    Parameters
    ----------
    head, rows
        Column titles and cells; everything is escaped.
    numbers
        How many columns after the first are numbers, set right.
    """

    def cells(tag: str, row: Sequence[object]) -> str:
        return "".join(
            f"<{tag}{' class=n' if 0 < i <= numbers else ''}>{escape(str(cell))}</{tag}>" for i, cell in enumerate(row)
        )

    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return f"<table><thead><tr>{cells('th', head)}</tr></thead><tbody>{body}</tbody></table>"


def metric_table(evaluation: Evaluation) -> str:
    """Figures of model and rivals with intervals."""
    scorers = list(evaluation.values)
    rows = [
        [METRIC_TEXT[m][0], *(str(evaluation.values[s].get(m, "–")) for s in scorers), METRIC_TEXT[m][1]]
        for m in METRICS
    ]
    return table(["", *(SCORER_TEXT.get(s, s) for s in scorers), "meaning"], rows, numbers=len(scorers))


def difference_table(evaluation: Evaluation) -> str:
    """Model less rival, paired, with the verdict in words."""
    rows = [
        [SCORER_TEXT.get(rival, rival), METRIC_TEXT[m][0], f"{d.value:+.4f}", _ends(d), verdict(m, d)]
        for rival, row in evaluation.differences.items()
        for m, d in row.items()
    ]
    return table(["rival", "figure", "model − rival", "95 % interval", "the model is"], rows)


def _ends(i: Interval) -> str:
    return "–" if np.isnan(i.low) else f"[{i.low:+.4f}, {i.high:+.4f}]"


def _percent(i: Interval) -> str:
    if np.isnan(i.value):
        return "–"
    return f"{i.value:.1%}" + ("" if np.isnan(i.low) else f" [{i.low:.1%}, {i.high:.1%}]")


def _image(name: str, path: Path) -> str:
    data = base64.b64encode(path.read_bytes()).decode()
    return f'<img alt="{escape(name)}" src="data:image/png;base64,{data}">'


def render(page: Page) -> str:
    """Return the page as one HTML text that needs no other file and no network."""
    e = page.evaluation
    learnt = table(
        ["segment", "arm", "from", "to", "visits", "violations", "enterprises"],
        [
            [
                r["segment"],
                r["arm"],
                str(r["first"])[:10],
                str(r["last"])[:10],
                f"{r['visits']:,}",
                f"{r['violations']:,}",
                f"{r['enterprises']:,}",
            ]
            for r in page.learnt
        ],
    )
    classes = table(
        ["class", "visits in the test", "share", "violations found, 95 % interval"],
        [[c.grade, f"{c.visits:,}", f"{c.share:.1%}", _percent(c.rate)] for c in page.classes],
        numbers=2,
    )
    strong = table(
        ["indicator", "mean |contribution|", "中文", "family", "more of it"],
        [[i.name, f"{i.strength:.4f}", i.zh, i.family, i.direction] for i in page.indicators],
        numbers=1,
    )
    sections = [
        f"<h1>{escape(page.title)}</h1><p>{escape(page.summary)}</p>",
        f'<p class="say">{escape(page.arm_statement)}</p>',
        "<h2>What was learnt from what</h2>",
        learnt,
        "<p class=dim>Left out: "
        + (escape("; ".join(f"{k}: {n:,}" for k, n in page.dropped.items())) or "nothing")
        + "</p>",
        "<h2>How well it holds out of time</h2>",
        f"<p>{e.visits:,} visits of {e.enterprises:,} enterprises, {e.violations:,} with a violation "
        f"({_percent(e.rate)}). Intervals: {e.repetitions:,} resamples of whole enterprises.</p>",
        metric_table(e),
        "<h2>Against its rivals, on the same resamples</h2>",
        difference_table(e),
    ]
    if page.without is not None:
        sections += [
            "<h2>Without violations by result codes 6 and B alone</h2>",
            "<p class=dim>These codes nearly restate the abnormal list and the annual report.</p>",
            metric_table(page.without),
            difference_table(page.without),
        ]
    sections += [
        "<h2>Classes by score, before direct determinations</h2>",
        classes,
        "<h2>Pictures</h2><div class=plots>",
        *(_image(name, path) for name, path in page.plots.items()),
        "</div><h2>The strongest indicators</h2>",
        strong,
        "<h2>Limits</h2><ul>",
        *(f"<li>{escape(text)}</li>" for text in page.limits),
        "</ul><h2>Where it comes from</h2>",
        table(["", ""], [[k, v] for k, v in page.facts.items()]),
    ]
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(page.title)}</title>'
        f"<style>{_STYLE}</style></head><body>{''.join(sections)}</body></html>\n"
    )
