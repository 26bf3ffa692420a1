"""Pictures of the review: months of a run, worth of plans, and the shape of an indicator. Labels are English.

Series differ by marker and line, not by colour alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter
from numpy.typing import NDArray

from models.arrays import Floats
from models.evaluation import ClassRate, Worth
from models.reporting.figures import plots
from models.reporting.figures.plots import GREY, INK
from models.review.review import Review, Stable
from models.scoring.classification import GRADES

CLASS_COLOURS = ("#2f7d4f", "#9bbf65", "#e0a03a", "#a3201d")
"""A to D, from safe to risky; each band also carries its letter."""
ALARM = "#a3201d"
RANGE_FOR_LOG = 50.0
"""Where the greatest value is so many times the middle one, the axis is compressed."""


def draw(review: Review, folder: Path) -> dict[str, Path]:
    """Draw every picture that the review has figures for; return name to PNG."""
    s = review.stable
    figures: dict[str, Figure] = {}
    classes = [c for c in review.contract.classes if not c.direct and c.visits]
    if classes:
        figures["classes"] = class_rates(classes)
    plans = [w for w in review.worth if w.what == "violations" and w.codes == "all"]
    if plans:
        figures["worth"] = worth_picture(plans)
    if s.scores:
        figures["psi"] = psi_picture(s)
        figures["class_mix"] = class_mix(s)
    if s.expected:
        figures["expected_observed"] = expected_observed(s)
    return {name: plots.save(figure, folder / f"{name}.png") for name, figure in figures.items()}


def class_rates(classes: Sequence[ClassRate]) -> Figure:
    """Rate found in each class with its interval, over the range that is promised, and the rate that was said."""
    figure, axes = plots.figure_of(5.4, 2.6)
    y = np.arange(len(classes))[::-1]
    for row, c in zip(y, classes, strict=True):
        width = c.promised_high - c.promised_low
        axes.barh(row, width, left=c.promised_low, height=0.62, color="#dfe7ef", edgecolor="#b7c5d3")
    rates: Floats = np.array([[c.rate, c.low, c.high] for c in classes])
    _points(axes, rates, y.astype(np.float64), INK, "o", "found, 95 % interval")
    axes.plot([c.expected for c in classes], y, "D", color="#c2702b", markersize=5, label="said", zorder=3)
    axes.plot([], [], "s", color="#dfe7ef", markeredgecolor="#b7c5d3", markersize=9, label="promised")
    axes.set_yticks(y, [f"{c.grade} ({c.visits:,} visits)" for c in classes])
    axes.set_xlim(0, min(1.0, max(float(rates.max()), *(c.promised_low for c in classes)) * 1.15))
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set_xlabel("violation rate")
    axes.legend(frameon=False, fontsize=8, loc="lower center", bbox_to_anchor=(0.45, 1.0), ncols=3)
    return figure


def worth_picture(plans: Sequence[Worth]) -> Figure:
    """Violations per inspection of each plan, with intervals, beside as many uniform draws."""
    figure, axes = plots.figure_of(5.4, 0.9 + 0.5 * len(plans))
    y = np.arange(len(plans))[::-1]
    found: Floats = np.array([[w.per_inspection, w.per_inspection_low, w.per_inspection_high] for w in plans])
    uniform: Floats = np.array([[w.uniform, w.uniform_low, w.uniform_high] for w in plans])
    _points(axes, uniform, y - 0.15, GREY, "s", "uniform draws, as many visits")
    _points(axes, found, y + 0.15, INK, "o", "the plan, by this model's classes")
    axes.set_yticks(y, [w.plan.replace("_", " ") for w in plans])
    axes.set_xlim(left=0)
    axes.set_xlabel("violations found per inspection, 95 % intervals")
    axes.legend(frameon=False, fontsize=8, loc="lower center", bbox_to_anchor=(0.45, 1.0), ncols=2)
    return figure


def _points(axes: Axes, value: Floats, y: NDArray[np.floating], colour: str, marker: str, label: str) -> None:
    bars = np.nan_to_num(np.clip([value[:, 0] - value[:, 1], value[:, 2] - value[:, 0]], 0, None))
    axes.errorbar(value[:, 0], y, xerr=bars, fmt=marker, color=colour, capsize=3, markersize=5, label=label)


def psi_picture(stable: Stable) -> Figure:
    """Stability index of scores and classes by month, with the level that chance passes once in a hundred months."""
    figure, axes = plots.figure_of(5.4, 3.0)
    months = [s.month for s in stable.scores]
    x = np.arange(len(months))
    for found, label, colour, marker in (
        (stable.scores, "scores", INK, "o"),
        (stable.classes, "classes", "#c2702b", "s"),
    ):
        axes.plot(x, [s.psi for s in found], marker=marker, color=colour, label=label, markersize=5)
        axes.plot(x, [s.alarm_level for s in found], color=colour, linestyle=":", linewidth=1.2)
        loud = [k for k, s in enumerate(found) if s.alarm]
        axes.plot(loud, [found[k].psi for k in loud], "x", color=ALARM, markersize=11, markeredgewidth=2)
    axes.set_xticks(x, months, rotation=45 if len(months) > 6 else 0, fontsize=8)
    axes.set_ylim(0, 1.3 * max(max(s.psi, s.alarm_level) for s in (*stable.scores, *stable.classes)))
    axes.set_ylabel("PSI against the first month")
    axes.set_title("Dotted: alarm level of each; ×: an alarm", fontsize=9, loc="left")
    axes.legend(frameon=False, fontsize=8, loc="upper left", ncols=2)
    return figure


def class_mix(stable: Stable) -> Figure:
    """Share of each class, first month and every later one."""
    classes = stable.classes
    first = stable.migrations[0].month if stable.migrations else "first"
    figure, axes = plots.figure_of(5.4, 3.0)
    shares = np.array([classes[0].shares_then, *(c.shares for c in classes)])
    names = [first, *(c.month for c in classes)]
    left = np.zeros(len(names))
    y = np.arange(len(names))[::-1]
    for i, grade in enumerate(GRADES):
        axes.barh(y, shares[:, i], left=left, color=CLASS_COLOURS[i], height=0.72, edgecolor="white")
        for row, share in enumerate(shares[:, i]):
            if share >= 0.025:
                says = f"{grade} {share:.0%}" if share >= 0.06 else grade
                colour = "white" if i in (0, 3) else "#1d2733"
                axes.text(left[row] + share / 2, y[row], says, ha="center", va="center", fontsize=7.5, color=colour)
        left = left + shares[:, i]
    axes.set_yticks(y, names, fontsize=8)
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    axes.grid(visible=False)
    axes.set_title("Classes of the enterprises followed, by score", fontsize=9, loc="left")
    return figure


def expected_observed(stable: Stable) -> Figure:
    """Rate said of each month's visits before any result, with its interval, beside what was found."""
    figure, axes = plots.figure_of(5.4, 3.0)
    expected = [e for e in stable.expected if e.visits]
    months = [e.month for e in expected]
    x = np.arange(len(months))
    middle = np.array([e.rate for e in expected])
    axes.fill_between(
        x,
        [e.low for e in expected],
        [e.high for e in expected],
        color=INK,
        alpha=0.15,
        linewidth=0,
        label="95 % of months, if probabilities hold",
    )
    axes.plot(x, middle, color=INK, marker="o", markersize=4, label="expected of all visits, results in or not")
    seen = {m.month: m for m in stable.calibration.months}
    for ripe, marker, label in ((True, "D", "found, 95 % interval"), (False, "d", "found so far, results to come")):
        at = [k for k, m in enumerate(months) if m in seen and seen[m].visits and seen[m].ripe == ripe]
        if at:
            face = "#c2702b" if ripe else "white"
            found = [seen[months[k]] for k in at]
            # Beside the months' marks, so that the bars don't hide what was expected.
            place = np.asarray(at) + 0.12
            bars = np.clip(
                [[m.observed - m.observed_low for m in found], [m.observed_high - m.observed for m in found]], 0, None
            )
            rate = [m.observed for m in found]
            axes.errorbar(
                place, rate, yerr=bars, fmt=marker, color="#c2702b", markerfacecolor=face, markersize=6, capsize=2,
                label=label,
            )  # fmt: skip
    axes.set_xticks(x, months, rotation=45 if len(months) > 6 else 0, fontsize=8)
    axes.set_xlim(-0.4, len(months) - 0.6)
    tops = [*(e.high for e in expected), *(m.observed_high for m in seen.values() if m.visits)]
    axes.set_ylim(0, 1.1 * max(tops, default=1.0))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set_ylabel("violation rate")
    axes.legend(frameon=False, fontsize=8, loc="lower center", bbox_to_anchor=(0.45, 1.0), ncols=2)
    return figure


def shape_picture(value: Floats, part: Floats, unit: str) -> Figure:
    """Contribution, log-odds, against value; unknown values stand apart on the left, in grey.

    Parameters
    ----------
    value, part
        Of each row; NaN is unknown.
    unit
        Of the value: fen are drawn as ten thousand yuan, shares in percent, flags as no and yes.
    """
    figure, axes = plots.figure_of(3.1, 2.3)
    known = ~np.isnan(value)
    x = value / 1e6 if unit == "fen" else value
    jitter = np.random.default_rng(0).uniform(-0.06, 0.06, len(x))
    if unit == "0/1":
        x = x + jitter
        axes.set_xticks([0, 1], ["no", "yes"])
        axes.set_xlim(-0.4, 1.4)
    elif known.any() and _skewed(x[known]):
        middle = float(np.median(np.abs(x[known][x[known] != 0])))
        axes.set_xscale("symlog", linthresh=max(middle, 1e-9))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: _short(v, unit)))
        axes.xaxis.set_major_locator(plots.symlog_ticks(max(middle, 1e-9), float(x[known].max())))
    else:
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: _short(v, unit)))
    axes.scatter(x[known], part[known], s=7, color=INK, alpha=0.45, linewidths=0)
    if (~known).any():
        low, high = np.quantile(part[~known], [0.05, 0.95])
        axes.axhspan(float(low), float(high), color=GREY, alpha=0.25, linewidth=0)
        axes.axhline(float(part[~known].mean()), color=GREY, linewidth=1.2, linestyle="-.")
        axes.text(
            1.0, float(part[~known].mean()), "unknown", ha="right", va="bottom", fontsize=7, color="#555",
            transform=axes.get_yaxis_transform(),
        )  # fmt: skip
    axes.axhline(0, color="#333", linewidth=0.8)
    axes.tick_params(labelsize=7.5)
    axes.set_xlabel({"fen": "10,000 yuan", "0/1": "", "share": ""}.get(unit, unit), fontsize=8)
    axes.set_ylabel("adds, log-odds", fontsize=8)
    return figure


def _skewed(x: Floats) -> bool:
    size = np.abs(x[x != 0])
    return bool(len(size)) and float(size.max()) > RANGE_FOR_LOG * float(np.median(size))


def _short(value: float, unit: str) -> str:
    if unit == "share":
        return f"{value:.0%}"
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"
