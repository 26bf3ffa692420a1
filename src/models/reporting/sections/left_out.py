"""Indicators left out of what is learned, as the page, the limits and the terminal say it: reason and remedy."""

from __future__ import annotations

from rich.table import Table

from models.reporting.html import Raw, table, text
from models.reporting.page import Page
from models.study.dataset import Dataset
from models.study.left_out import LeftOut

_HEADS = ("why", "what would have kept it")


def left_out_table(page: Page) -> str:
    """Return the page's table of the indicators left out; empty where there are none."""
    if not page.left_out:
        return ""
    rows = [
        [Raw(f"<code>{text(one.name)}</code>"), page.indicator_zh.get(one.name, ""), one.why, one.remedy or "–"]
        for one in page.left_out
    ]
    return table(["indicator", "中文", *_HEADS], rows, align="kttt", label="indicators left out 未采用的指标")


def left_out_lines(left_out: tuple[LeftOut, ...]) -> Table:
    """Return the terminal's table of the indicators left out, those with the same reason and remedy in one row."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for one in left_out:
        grouped.setdefault((one.why, one.remedy), []).append(one.name)
    out = Table(title=f"{len(left_out)} indicators left out of what is learned", title_style="bold", show_lines=True)
    for head in ("indicators", *_HEADS):
        out.add_column(head, overflow="fold")
    for (why, remedy), names in grouped.items():
        out.add_row(f"{len(names)}: {', '.join(names)}", why, remedy or "–")
    return out


def short_text(dataset: Dataset) -> str:
    """Say which indicators were computed although a few days of their windows are not covered."""
    short = dataset.short
    return (
        f"{len(short)} indicators were computed although up to {max(short.values())} days of their windows lie before "
        f"the records begin, at the first cut-offs of the fit (features.toml, uncovered_days_a_year, tolerates it): "
        f"{', '.join(short)}."
    )
