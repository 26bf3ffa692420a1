"""Drawings of the outlook as inline SVG: ranked intervals, heat map, small multiples. No script, no file beside."""

from __future__ import annotations

from collections.abc import Sequence

from models.reporting.html import Raw, text
from supervision.outlook.outlook import Cell, Outlook

INK, LINE, BAND, USUAL, WORTH = "#1f4e79", "#d9dfe6", "#9db9d3", "#7a5200", "#a3201d"
ROW = 22


def _svg(width: float, height: float, inner: Sequence[str], label: str) -> Raw:
    head = (
        f'<svg viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" style="max-width:100%;height:auto" role="img"'
        f' aria-label="{text(label)}" font-size="12" font-family="inherit">'
    )
    return Raw(f"{head}{''.join(inner)}</svg>")


def _words(x: float, y: float, value: str, *, anchor: str = "start", fill: str = "#1d2733", size: int = 12) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{fill}" font-size="{size}">{text(value)}</text>'


def _stroke(x1: float, y1: float, x2: float, y2: float, colour: str, width: float = 1, dash: str = "") -> str:
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {ends} stroke="{colour}" stroke-width="{width}"{dashed}/>'


def _dot(x: float, y: float, size: float, colour: str, *, ring: bool = False) -> str:
    paint = f'fill="none" stroke="{colour}"' if ring else f'fill="{colour}"'
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size}" {paint}/>'


def _box(x: float, y: float, width: float, height: float, colour: str, said: str = "") -> str:
    told = f"<title>{text(said)}</title>" if said else ""
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width}" height="{height}" fill="{colour}">{told}</rect>'


def nice_step(span: float) -> float:
    """Return a step of 1, 2 or 5 times a power of ten that gives about five marks.

    Examples
    --------
    >>> nice_step(0.23)
    0.05
    """
    step = 10.0**-6
    while True:
        for times in (1, 2, 5):
            if span / (step * times) <= 6:
                return round(step * times, 9)
        step *= 10


def ranked(seen: Outlook, most: int) -> Raw:
    """Draw the riskiest cells with their intervals, and the province's mean."""
    cells = seen.cells[:most]
    left, right, top = 190.0, 70.0, 30.0
    width, height = 900.0, top + ROW * len(cells) + 30
    high = max([cell.risk.high for cell in cells] + [seen.mean]) * 1.02
    low = max(0.0, min([cell.risk.low for cell in cells] + [seen.mean]) * 0.95)

    def x(value: float) -> float:
        return left + (value - low) / max(high - low, 1e-9) * (width - left - right)

    step = nice_step(high - low)
    marks = [k * step for k in range(int(low / step) + 1, int(high / step) + 1)]
    inner = [_stroke(x(m), top - 6, x(m), height - 24, LINE) for m in marks]
    inner += [_words(x(m), height - 8, f"{m:.1%}", anchor="middle") for m in marks]
    inner += [_stroke(x(seen.mean), top - 6, x(seen.mean), height - 24, USUAL, 1.5, "5 3")]
    inner += [_words(x(seen.mean), 14, f"province 全省 {seen.mean:.1%}", anchor="middle", fill=USUAL)]
    for k, cell in enumerate(cells):
        y, colour = top + ROW * k + ROW / 2, WORTH if cell.worth else INK
        inner += [
            _words(left - 8, y + 4, f"{cell.region} {cell.industry} ({cell.firms:,})", anchor="end"),
            _stroke(x(cell.risk.low), y, x(cell.risk.high), y, colour, 2.5),
            _dot(x(cell.risk.value), y, 4, colour),
            _dot(x(max(low, min(high, cell.observed))), y, 3, "#5b6673", ring=True),
            _words(width - right + 10, y + 4, f"{cell.risk.value:.1%}" + (" ▲" if cell.worth else "")),
        ]
    return _svg(width, height, inner, "risk of the riskiest cells with intervals")


def _shade(value: float, low: float, middle: float, high: float) -> tuple[str, str]:
    """Return fill and ink: blue below the province's mean, white at it, red above."""
    if value >= middle:
        share, end = (value - middle) / max(high - middle, 1e-9), (163, 32, 29)
    else:
        share, end = (middle - value) / max(middle - low, 1e-9), (31, 78, 121)
    share = min(1.0, share) * 0.85
    red, green, blue = (round(255 + (part - 255) * share) for part in end)
    return f"rgb({red},{green},{blue})", "#fff" if share > 0.55 else "#1d2733"


def heat(seen: Outlook) -> Raw:
    """Draw regions by industries; a cell that nothing is said of stays empty."""
    regions = sorted({cell.region for cell in seen.cells})
    industries = sorted({cell.industry for cell in seen.cells})
    wide, high, left, top = 52.0, 22.0, 64.0, 24.0
    values = [cell.risk.value for cell in seen.cells]
    inner = [_words(left + wide * (i + 0.5), 16, name, anchor="middle") for i, name in enumerate(industries)]
    inner += [_words(left - 8, top + high * (j + 0.7), name, anchor="end") for j, name in enumerate(regions)]
    inner += [
        _box(left + wide * i, top + high * j, wide - 1, high - 1, "#f2f5f8")
        for i in range(len(industries))
        for j in range(len(regions))
    ]
    for cell in seen.cells:
        i, j = industries.index(cell.industry), regions.index(cell.region)
        fill, ink = _shade(cell.risk.value, min(values), seen.mean, max(values))
        said = f"{cell.region} {cell.industry}: {cell.risk.value:.1%} [{cell.risk.low:.1%}, {cell.risk.high:.1%}]"
        inner += [
            _box(left + wide * i, top + high * j, wide - 1, high - 1, fill, f"{said}, {cell.firms:,} firms"),
            _words(left + wide * (i + 0.5) - 0.5, top + high * (j + 0.68), f"{cell.risk.value:.1%}",
                   anchor="middle", fill=ink, size=11),
        ]  # fmt: skip
    return _svg(left + wide * len(industries) + 8, top + high * len(regions) + 8, inner, "risk by region and industry")


def small(cell: Cell, seen: Outlook, low: float, high: float) -> Raw:
    """Draw one cell's risk over the months beside the province's, on the scale shared by all."""
    width, height, left, top, bottom = 230.0, 120.0, 40.0, 22.0, 18.0
    number = len(seen.months)

    def x(t: int) -> float:
        return left + (width - left - 10) * (t / max(number - 1, 1))

    def y(value: float) -> float:
        return top + (height - top - bottom) * (1 - (value - low) / max(high - low, 1e-9))

    def path(values: Sequence[float | None], colour: str, dash: str = "") -> str:
        points = [(t, v) for t, v in enumerate(values) if v is not None]
        line = " ".join(f"{x(t):.1f},{y(v):.1f}" for t, v in points)
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        return f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"{dashed}/>'

    inner = [_words(2, 13, f"{cell.region} {cell.industry} ({cell.firms:,})")]
    for value in (low, high):
        inner += [
            _stroke(left, y(value), width - 10, y(value), LINE),
            _words(left - 4, y(value) + 4, f"{value:.0%}", anchor="end", size=10),
        ]
    inner += [path(seen.means, USUAL, "5 3"), path(cell.history, WORTH if cell.worth else INK)]
    inner += [
        _stroke(x(number - 1), y(cell.risk.low), x(number - 1), y(cell.risk.high), BAND, 5),
        _dot(x(number - 1), y(cell.risk.value), 3.5, WORTH if cell.worth else INK),
        _words(left, height - 4, seen.months[0], size=10),
        _words(width - 8, height - 4, seen.months[-1], anchor="end", size=10),
    ]
    return _svg(width, height, inner, f"risk of {cell.region} {cell.industry} over the months")
