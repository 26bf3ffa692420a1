"""The page of a backtest: what the learner, its parts and its rivals showed at every moment, and pooled."""

from __future__ import annotations

from pathlib import Path

from models.backtest.figures import Figures
from models.backtest.result import BacktestResult
from models.backtest.scorers import INSPECTOR, MODEL, PARTS
from models.evaluation.days_gained import RivalDays
from models.evaluation.metrics import METRICS
from models.reporting.figures import plots
from models.reporting.html import STYLE, Raw, badge, bullets, folded, image, number, paragraph, percent, table, text
from models.reporting.page import METRIC_TEXT, SCORER_TEXT, verdict


def render_page(result: BacktestResult) -> str:
    """Return the page of a backtest as HTML; its picture is drawn beside it."""
    found, experiment = result.found, result.experiment
    e = found.pooled
    title = f"Backtest 回测: {experiment.title} ({experiment.name})"
    parts = [
        f"<h1>{text(title)}</h1>",
        paragraph(
            f"{len(found.origins)} moments, {experiment.backtest.every} months apart. At each the learner was fitted "
            "on what was known then, as production would fit it, and told the risk of the visits that followed: "
            f"{e.visits:,} visits of {e.enterprises:,} enterprises, {e.violations:,} with a violation "
            f"({percent(e.rate.value, e.rate.low, e.rate.high)}). {arm_text(result)}"
        ),
        paragraph(result.prepared.summary, "dim"),
        "<h2>In short 要点</h2>",
        bullets(short(result)),
        image(draw(found, result.folder / "backtest.png"), "AUC of learner and rivals at each moment"),
        "<h2>At each moment 各时点</h2>",
        moments(found),
        "<h2>Pooled 合计</h2>",
        paragraph(
            "Ranking figures are measured within each moment and averaged by violations; probabilities over all "
            f"visits. Intervals: {e.repetitions:,} resamples of whole enterprises; differences are paired."
        ),
        pooled(found),
        "<h2>Days earlier 提前天数</h2>",
        paragraph(found.days.text),
        days(found),
    ]
    if result.lost:
        parts += ["<h2>AUC lost without 去除后的损失</h2>", lost(result)]
    if result.subsets:
        parts += ["<h2>Within groups 分组结果</h2>", subsets(result)]
    body = "".join(parts)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{text(title)}</title>'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{STYLE}</style></head>'
        f"<body>{body}</body></html>\n"
    )


def arm_text(result: BacktestResult) -> str:
    """Say on which visits it was measured, and for whom that holds."""
    arms = sorted(set().union(*(set(one.window.fold.validate.outcomes["arm"]) for one in result.told)))
    if arms == ["random"]:
        return "Random arm, weighted by 1/draw probability."
    return (
        f"No random arm ({', '.join(arms)} visits): the figures hold for enterprises chosen for a visit as these were, "
        "not for all enterprises."
    )


def short(result: BacktestResult) -> list[str]:
    """Return what a reader should know first."""
    found = result.found
    auc = found.pooled.values[MODEL]["auc"]
    out = [f"AUC {number(auc.value, auc.low, auc.high, '.3f')}."]
    for name in ("logistic", "lightgbm_default", "scorecard", "past_rate"):
        d = found.pooled.differences[name]["auc"]
        out.append(
            f"Against {SCORER_TEXT.get(name, name)}: AUC {number(d.value, d.low, d.high, '+.3f')}, {verdict('auc', d)}."
        )
    if INSPECTOR in found.pooled.differences:
        own = found.pooled.values[INSPECTOR]["auc"]
        out.append(
            f"With the pair that made the visit known: AUC {number(own.value, own.low, own.high, '.3f')}. No plan "
            "knows the pair before it is drawn: this says how much pairs differ, not how well the model ranks."
        )
    out.append(
        f"Mean forecast within two points of the rate that was found at {found.near} of {len(found.origins)} moments."
    )
    many, share = found.best_blend
    out.append(
        f"The blends chosen at each moment by the moments before cost {max(found.regret, 0.0):.4f} AUC against the one "
        f"that was best over all of them, known only afterwards: {many} trees at a share of {share:g}."
    )
    return out


def moments(found: Figures) -> Raw:
    """Return the table of moments."""
    names = [n for n in found.origins[0].aucs if n not in PARTS]
    head = ["moment", "visits known", "indicators", "visits after", "violations", "trees", "share", "forecast", "found"]
    rows = [
        [
            o.day,
            f"{o.known:,}",
            o.indicators,
            f"{o.visits:,}",
            f"{o.violations:,}",
            o.rounds,
            f"{o.tree_share:g}",
            percent(o.forecast),
            percent(o.found.value, o.found.low, o.found.high),
            *(f"{o.aucs[n].value:.3f}" for n in names),
        ]
        for o in found.origins
    ]
    head += [f"AUC {SCORER_TEXT.get(n, n)}" for n in names]
    return table(head, rows, align="k" + "n" * (len(head) - 1), label="each moment")


def pooled(found: Figures) -> Raw:
    """Return a scorer's pooled figures a row, and the model's AUC less its own."""
    rows = []
    for name, row in found.pooled.values.items():
        cells: list[object] = [SCORER_TEXT.get(name, name)]
        cells += ["–" if (i := row.get(m)) is None else number(i.value, i.low, i.high, ".3f") for m in METRICS]
        less = found.pooled.differences.get(name, {}).get("auc")
        if less is None:
            cells += ["–", ""]
        else:
            cells += [number(less.value, less.low, less.high, "+.3f"), badge(verdict("auc", less))]
        rows.append(cells)
    head = ["", *(METRIC_TEXT[m][0] for m in METRICS), "AUC, model less it", "the model is"]
    return table(head, rows, align="t" + "w" * (len(METRICS) + 1) + "k", label="pooled figures")


def days(found: Figures) -> Raw:
    """Return how much earlier by which order."""
    d = found.days

    def row(r: RivalDays) -> list[object]:
        return [
            SCORER_TEXT.get(r.rival, r.rival),
            number(r.days, r.days_low, r.days_high, ".1f"),
            number(r.difference, r.difference_low, r.difference_high, "+.1f"),
        ]

    first = [SCORER_TEXT.get(MODEL, MODEL), number(d.days, d.days_low, d.days_high, ".1f"), "–"]
    return table(["order by", "days earlier", "model less it"], [first, *map(row, d.rivals)], align="tnn")


def lost(result: BacktestResult) -> Raw:
    """Return the AUC lost without each family or group, the dearest first."""
    order = sorted(result.lost.items(), key=lambda one: -one[1].value)
    rows = [[name.replace("_", " "), number(i.value, i.low, i.high, "+.4f")] for name, i in order]
    return table(["without", "AUC lost"], rows, align="tn")


def subsets(result: BacktestResult) -> Raw:
    """Return AUCs within groups of enterprises."""
    names = list(result.told[0].margins)
    rows = []
    for group, row in result.subsets.items():
        aucs = [row["auc"][n] for n in names]
        first = aucs[0]
        nan = float("nan")
        cells = [number(first["value"], first["low"] or nan, first["high"] or nan, ".3f")]
        cells += [f"{a['value']:.3f}" for a in aucs[1:]]
        rows.append([group, f"{row['visits']:,}", f"{row['violations']:,}", *cells])
    head = ["group", "visits", "violations", *(f"AUC {SCORER_TEXT.get(n, n)}" for n in names)]
    return folded("AUC within groups of enterprises", table(head, rows, align="t" + "n" * (len(head) - 1)), opened=True)


def draw(found: Figures, path: Path) -> Path:
    """Draw the AUC of learner and rivals at each moment."""
    figure, axes = plots.figure_of(8.6, 3.4)
    at = range(len(found.origins))
    shown = [MODEL, "logistic", "lightgbm_default", "scorecard", "past_rate"]
    for name, colour in zip(shown, (plots.INK, *plots.RIVALS), strict=False):
        values = [o.aucs[name].value for o in found.origins]
        axes.plot(
            at,
            values,
            marker="o",
            color=colour,
            linewidth=2.2 if name == MODEL else 1.2,
            label=name.replace("_", " "),
        )
    low = [o.aucs[MODEL].low for o in found.origins]
    axes.fill_between(at, low, [o.aucs[MODEL].high for o in found.origins], color=plots.INK, alpha=0.12, linewidth=0)
    axes.axhline(0.5, color=plots.GREY, linewidth=0.8)
    axes.set_xticks(list(at), [o.day for o in found.origins])
    axes.set_ylabel("AUC of the visits that followed")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    return plots.save(figure, path)
