"""Pictures of the sheet, as SVG in the page: the scale with its cuts, families, history, a step of the waterfall."""

from __future__ import annotations

from collections.abc import Sequence

from models.reporting.case import Case
from models.reporting.html import Raw, text
from models.reporting.sheet_words import Words
from models.reporting.waterfall import Step, signed
from models.scoring.bands import SCALE
from models.scoring.classification import GRADES

_COLOURS = dict(zip(GRADES, ("#176b3a", "#3f6f9e", "#9a5b00", "#a3201d"), strict=True))
_UP, _DOWN, _DIM = "#a3201d", "#176b3a", "#56616d"


def scale(case: Case) -> Raw:
    """Return the scale of 0 to 1000 with the cuts between the classes and where the score stands."""
    edges, width = (0.0, *case.cuts, SCALE), 600.0
    at = [width * edge / SCALE for edge in edges]
    parts = []
    for grade, begin, end in zip(GRADES, at, at[1:], strict=False):
        parts.append(f'<rect x="{begin:.1f}" y="20" width="{end - begin:.1f}" height="12" fill="{_COLOURS[grade]}"/>')
        parts.append(_label((begin + end) / 2, 30, grade, fill="#fff", weight=600))
    parts += [_label(x, 45, f"{edge:g}") for x, edge in zip(at, edges, strict=True)]
    x = width * case.found.score / SCALE
    parts.append(f'<path d="M{x:.1f} 20l-5 -8h10z" fill="#1d2733"/>')
    parts.append(_label(min(max(x, 14), width - 14), 9, f"{case.found.score:g}", fill="#1d2733", weight=600, size=11))
    return _svg(-12, 624, 50, parts, f"{case.found.score:g} / {SCALE:g}")


def bars(families: Sequence[tuple[str, float]]) -> Raw:
    """Return the points of each family as bars to the right (raising) and left (lowering) of nothing."""
    most = max((abs(points) for _, points in families), default=0.0) or 1.0
    middle, half, parts = 228.0, 78.0, []
    for k, (name, points) in enumerate(families):
        y, long = 4 + 19 * k, half * abs(points) / most
        begin = middle if points >= 0 else middle - long
        parts.append(_label(0, y + 11, name, fill="#1d2733", anchor="start"))
        colour = _UP if points > 0 else _DOWN
        parts.append(f'<rect x="{begin:.1f}" y="{y}" width="{max(long, 0.6):.1f}" height="13" fill="{colour}"/>')
        parts.append(_label(345, y + 11, signed(points), fill="#1d2733", anchor="end", weight=600))
    parts.append(f'<path d="M{middle} 0V{19 * len(families) + 3}" stroke="#9aa7b4"/>')
    return _svg(0, 346, 19 * len(families) + 5, parts, "")


def history(case: Case, words: Words) -> Raw:
    """Return the scores of the months as a line, each with its class; words where there is but one month."""
    months = [
        *((m.cutoff, m.score, m.grade) for m in case.history),
        (case.found.cutoff, case.found.score, case.found.grade),
    ]
    if len(months) == 1:
        return Raw(f'<p class="dim">{words.no_history}</p>')
    width, top, tall = 346.0, 16.0, 52.0
    xs = [26 + (width - 52) * k / (len(months) - 1) for k in range(len(months))]
    ys = [top + tall * (1 - score / SCALE) for _, score, _ in months]
    parts = [
        f'<path d="M0 {y:.1f}H{width}" stroke="#c9d1d9" stroke-dasharray="3 3"/>'
        for y in (top + tall * (1 - cut / SCALE) for cut in case.cuts)
    ]
    line = "L".join(f"{x:.1f} {y:.1f}" for x, y in zip(xs, ys, strict=True))
    parts.append(f'<path d="M{line}" fill="none" stroke="#1d2733" stroke-width="1.4"/>')
    for x, y, (day, score, grade) in zip(xs, ys, months, strict=True):
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.4" fill="{_COLOURS[grade]}"/>')
        parts.append(_label(x, y - 6, f"{score:.0f} {grade}", fill="#1d2733"))
        parts.append(_label(x, top + tall + 13, f"{day:%Y-%m}"))
    return _svg(0, width, top + tall + 17, parts, "")


def step(one: Step, low: float, high: float) -> Raw:
    """Return one step of the waterfall on the scale from ``low`` to ``high``."""
    width = 200.0
    span = (high - low) or 1.0
    begin, end = (width * (0.03 + 0.94 * (edge - low) / span) for edge in (one.begin, one.end))
    if one.total:
        return _svg(0, width, 12, [f'<path d="M{end:.1f} 0V12" stroke="#1d2733" stroke-width="3"/>'], "")
    colour = _UP if one.end > one.begin else _DOWN
    bar = f'<rect x="{min(begin, end):.1f}" y="1" width="{max(abs(end - begin), 1):.1f}" height="10" fill="{colour}"/>'
    return _svg(0, width, 12, [bar, f'<path d="M{end:.1f} 0V12" stroke="#1d2733"/>'], "")


def _label(
    x: float, y: float, value: str, *, fill: str = _DIM, anchor: str = "middle", weight: int = 400, size: int = 10
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="{weight}" fill="{fill}" '
        f'text-anchor="{anchor}">{text(value)}</text>'
    )


def _svg(left: float, width: float, height: float, parts: Sequence[str], label: str) -> Raw:
    named = f'role="img" aria-label="{text(label)}"' if label else 'aria-hidden="true"'
    return Raw(f'<svg viewBox="{left:g} 0 {width:g} {height:g}" {named}>{"".join(parts)}</svg>')
