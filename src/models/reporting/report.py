"""One self-contained HTML page per run, for the reviewer who has to sign it or refuse."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from models.reporting.html import SCRIPT, STYLE
from models.reporting.page import (
    METRIC_TEXT,
    SCORER_TEXT,
    Case,
    Differences,
    IndicatorRow,
    Move,
    Page,
    Shape,
    verdict,
)
from models.reporting.sections import details as closer
from models.reporting.sections import over_time
from models.reporting.sections import performance as sections
from models.reporting.sections.baselines import rivals
from models.reporting.sections.verdict import verdict_box

__all__ = [
    "METRIC_TEXT",
    "SCORER_TEXT",
    "SECTIONS",
    "Case",
    "Differences",
    "IndicatorRow",
    "Move",
    "Page",
    "Shape",
    "render",
    "verdict",
]

SECTIONS: tuple[tuple[str, str, Callable[[Page], str]], ...] = (
    ("learnt", "What was learnt from what 学习依据", sections.learnt),
    ("contract", "Band contract 分级承诺", sections.contract),
    ("reliability", "Reliability and gain 可靠性与增益", sections.reliability),
    ("worth", "Worth of it 检查效能", sections.worth),
    ("rivals", "Against the baselines 与对照方法比较", rivals),
    ("stability", "Stability and drift 稳定性与漂移", over_time.stability),
    ("fairness", "Fairness by group 分组公平性", over_time.fairness),
    ("shapes", "Shapes of the strongest indicators 主要指标形状", closer.shapes),
    ("cases", "The ten most wrong cases 误差最大的案例", closer.cases),
    ("differences", "Differences from the approved model 与已批准模型的差异", closer.differences),
    ("limits", "Limits 局限", closer.limits),
    ("origin", "Where it comes from 来源", closer.origin),
)
"""Anchor, title and content of each section, in the order of the page."""


def render(page: Page) -> str:
    """Return the page as one HTML text that needs no other file and no network.

    The verdict comes first, then a table of contents; what few will read is folded, and unfolds for print.
    """
    contents = "".join(f'<li><a href="#{anchor}">{escape(title)}</a></li>' for anchor, title, _ in SECTIONS)
    body = "".join(
        f'<section aria-labelledby="{anchor}"><h2 id="{anchor}">{k}. {escape(title)}'
        f'<a class="back" href="#top">top</a></h2>{content(page)}</section>'
        for k, (anchor, title, content) in enumerate(SECTIONS, start=1)
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><title>{escape(page.title)}</title>'
        f'<style>{STYLE}</style></head><body id="top"><a class="skip" href="#verdict">to the verdict</a>'
        f"<header><h1>{escape(page.title)}</h1></header><main>{verdict_box(page)}"
        f'<nav aria-label="contents"><b>Contents 目录</b><ol>{contents}</ol></nav>{body}</main>'
        f"<script>{SCRIPT}</script></body></html>\n"
    )
