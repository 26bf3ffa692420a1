"""The pictures of a run: reliability, precision and recall, gain over random inspection, contributions."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import font_manager, rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import FixedLocator

from models.arrays import Floats
from models.evaluation.metrics import Interval, Sample, Scored, group_rates

INK, GREY, RIVALS = "#1f4e79", "#8a8a8a", ("#c2702b", "#5b8c3a", "#7a4a8c", "#a03a3a")
_CJK = (
    "Noto Sans CJK SC",
    "Source Han Sans SC",
    "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei",
    "SimHei",
    "Microsoft YaHei",
    "PingFang SC",
    "AR PL UMing CN",
    "Droid Sans Fallback",
    "Noto Sans CJK JP",  # the face that matplotlib finds in Noto's one file for all languages; it has the Chinese too
)


class _AnyWeight(logging.Filter):
    """Says nothing of a font that has one weight alone: its regular face is what is asked for."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Drop that message alone."""
        return "Failed to find font weight" not in record.getMessage()


logging.getLogger("matplotlib.font_manager").addFilter(_AnyWeight())


def chinese_font() -> str | None:
    """Name of an installed font that has Chinese, if any: labels are English without one, never boxes."""
    return _installed() or (_installed() if _found_new() else None)


def _installed() -> str | None:
    there = {f.name for f in font_manager.fontManager.ttflist}
    return next((name for name in _CJK if name in there), None)


@cache
def _found_new() -> bool:
    """Tell matplotlib of fonts installed since it made the list it keeps; whether there were any."""
    known = {f.fname for f in font_manager.fontManager.ttflist}
    new = [path for path in sorted(font_manager.findSystemFonts()) if path not in known]
    for path in new:
        try:
            font_manager.fontManager.addfont(path)
        except (OSError, RuntimeError):  # a file that is no font FreeType can read
            continue
    return bool(new)


def figure_of(width: float, height: float) -> tuple[Figure, Axes]:
    """Return an empty figure, in inches, and its axes in the style of all pictures."""
    figure = Figure(figsize=(width, height), layout="constrained", dpi=110)
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#e6e6e6", linewidth=0.6)
    axes.set_axisbelow(True)
    return figure, axes


def save(figure: Figure, path: Path) -> Path:
    """Write a PNG without the writing program's name or date, so that equal runs give equal files."""
    fonts = [f for f in (chinese_font(), "DejaVu Sans") if f]
    with rc_context({"font.family": fonts}):
        # A text keeps the fonts of the moment it was made; ticks made while drawing take those of the context.
        for text in figure.findobj(Text):
            text.set_fontfamily(fonts)
        figure.savefig(path, format="png", metadata={"Software": None})
    return path


@dataclass(frozen=True)
class Bin:
    """One bin of predicted probability: its mean prediction, observed rate with interval, and visits."""

    predicted: float
    observed: Interval
    visits: int


def reliability_bins(
    sample: Sample, probability: Floats, *, bins: int, repetitions: int, level: float, seed: int
) -> list[Bin]:
    """Observed violation rate in bins of equal weight of predicted probability, intervals by enterprise."""
    order = np.argsort(probability, kind="stable")
    w = sample.weight[order]
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.minimum((np.cumsum(w) - w / 2) / w.sum() * bins, bins - 1).astype(np.int64)
    # Equal predictions belong together, whatever the order of the rows.
    for value in np.unique(probability[np.diff(np.sort(probability), prepend=np.nan) == 0]):
        same = probability == value
        place[same] = place[same].min()
    rates = group_rates(sample, place, repetitions=repetitions, level=level, seed=seed)
    return [
        Bin(
            float(np.average(probability[place == k], weights=sample.weight[place == k])),
            rate,
            int((place == k).sum()),
        )
        for k, rate in rates.items()
    ]


def reliability(bins: Sequence[Bin], arm: str) -> Figure:
    """Predicted against observed, with an interval per bin; the legend says how many visits a bin has."""
    figure, axes = figure_of(5.4, 4.6)
    x = np.array([b.predicted for b in bins])
    y = np.array([b.observed.value for b in bins])
    low = np.nan_to_num(y - np.array([b.observed.low for b in bins]))
    high = np.nan_to_num(np.array([b.observed.high for b in bins]) - y)
    top = float(np.max(np.concatenate([x, y + high]))) * 1.08
    visits = [b.visits for b in bins]
    seen = f"found, 95 % interval ({min(visits):,} to {max(visits):,} visits a bin)"
    axes.plot([0, top], [0, top], color=GREY, linewidth=1, linestyle="--", label="perfectly calibrated")
    axes.errorbar(x, y, yerr=np.clip([low, high], 0, None), fmt="o", color=INK, capsize=3, markersize=5, label=seen)
    axes.set(xlim=(0, top), ylim=(0, top), xlabel="predicted probability of a violation")
    axes.set_ylabel(f"observed rate ({arm})")
    axes.set_title("Reliability: what was promised, what was found", fontsize=10, loc="left")
    axes.legend(frameon=False, fontsize=8, loc="upper left")
    return figure


def precision_recall(sample: Sample, scorers: dict[str, Scored]) -> Figure:
    """Precision over recall of every scorer; the base rate as a line."""
    figure, axes = figure_of(5.4, 4.6)
    base = float(np.average(sample.y, weights=sample.weight))
    highest = base
    for name, scored, style in _styled(scorers):
        recall, precision, share = _curve(sample, scored.score)
        settled = share >= 0.005  # the first few visits swing between 0 and 1
        recall, precision = recall[settled], precision[settled]
        axes.plot(recall, precision, label=name, drawstyle="steps-post", **style)
        highest = max(highest, float(precision.max(initial=0.0)))
    axes.axhline(base, color=GREY, linewidth=1, linestyle="--", label=f"any visit ({base:.1%})")
    axes.set(xlim=(0, 1), ylim=(0, min(1.0, highest * 1.15)))
    axes.set(xlabel="share of the violations found (recall)", ylabel="violations per visit (precision)")
    axes.set_title("Precision and recall", fontsize=10, loc="left")
    axes.legend(frameon=False, fontsize=8)
    return figure


def gain(sample: Sample, scorers: dict[str, Scored]) -> Figure:
    """Share of violations found when the riskiest share is visited, beside visits at random."""
    figure, axes = figure_of(5.4, 4.6)
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle="--", label="visits at random")
    for name, scored, style in _styled(scorers):
        recall, _, share = _curve(sample, scored.score)
        axes.plot(np.append(0.0, share), np.append(0.0, recall), label=name, **style)
    axes.set(xlim=(0, 1), ylim=(0, 1.01))
    axes.set(xlabel="share of enterprises visited, riskiest first", ylabel="share of the violations found")
    axes.set_title("Gain over random inspection", fontsize=10, loc="left")
    axes.legend(frameon=False, fontsize=8, loc="lower right")
    return figure


def contributions(parts: Floats, X: Floats, labels: Sequence[str], *, top: int = 15, most: int = 2000) -> Figure:
    """SHAP summary: what each of the strongest indicators adds to the margin, one dot a visit.

    Parameters
    ----------
    parts
        Contributions [n, k] to the margin, without the base.
    X
        Indicator values [n, k]; the colour is their rank, grey where unknown.
    labels
        One per indicator, in a script the font has.
    top, most
        Indicators shown; rows drawn (evenly spaced, so the picture is the same each time).
    """
    strength = np.abs(parts).mean(axis=0)
    shown = [i for i in np.argsort(-strength, kind="stable")[:top] if strength[i] > 0][::-1]
    figure, axes = figure_of(7.4, 1.2 + 0.32 * max(len(shown), 1))
    rows = np.unique(np.linspace(0, len(parts) - 1, min(most, len(parts))).astype(int))
    jitter = np.random.default_rng(0).normal(0, 0.09, len(rows)).clip(-0.3, 0.3)
    dots = None
    for y, i in enumerate(shown):
        value, part = X[rows, i], parts[rows, i]
        known = ~np.isnan(value)
        axes.scatter(part[~known], y + jitter[~known], s=5, color="#b5b5b5", linewidths=0)
        if known.any():
            _, place = np.unique(value[known], return_inverse=True)
            rank = place / max(int(place.max()), 1)
            dots = axes.scatter(
                part[known],
                y + jitter[known],
                s=5,
                c=rank,
                cmap="coolwarm",
                vmin=0,
                vmax=1,
                linewidths=0,
            )
    axes.axvline(0, color=GREY, linewidth=0.8)
    axes.set_yticks(range(len(shown)), [labels[i] for i in shown], fontsize=8)
    axes.set_xlabel("adds to the margin (log odds); right is riskier; grey: value unknown")
    axes.set_title("What moves the score: the strongest indicators", fontsize=10, loc="left")
    if dots is not None:
        bar = figure.colorbar(dots, ax=axes, fraction=0.03, pad=0.01)
        bar.set_ticks([0, 1], labels=["low", "high"], fontsize=8)
        bar.set_label("value of the indicator", fontsize=8)
    return figure


def symlog_ticks(threshold: float, most: float) -> FixedLocator:
    """Return few ticks for a symmetric-log axis: 0, the threshold's power of ten, and some of those above."""
    first = round(np.log10(threshold))
    last = max(first, int(np.floor(np.log10(max(most, threshold)))))
    step = max(1, -(-(last - first) // 3))
    return FixedLocator([0.0, *(10.0**k for k in range(first, last + 1, step))])


def _styled(scorers: dict[str, Scored]) -> list[tuple[str, Scored, dict[str, Any]]]:
    """Give the first scorer the strong line, the baselines thin ones."""
    out: list[tuple[str, Scored, dict[str, Any]]] = []
    for place, (name, scored) in enumerate(scorers.items()):
        colour = INK if place == 0 else RIVALS[(place - 1) % len(RIVALS)]
        out.append((name.replace("_", " "), scored, {"color": colour, "linewidth": 2.2 if place == 0 else 1.1}))
    return out


def _curve(sample: Sample, score: Floats) -> tuple[Floats, Floats, Floats]:
    """Recall, precision and share visited at each distinct score, riskiest first; ties are taken whole."""
    order = np.argsort(-score, kind="stable")
    w, y, s = sample.weight[order], sample.y[order], score[order]
    last = np.append(np.flatnonzero(np.diff(s)), len(s) - 1)
    found, seen = np.cumsum(w * y)[last], np.cumsum(w)[last]
    return found / found[-1], found / seen, seen / seen[-1]
