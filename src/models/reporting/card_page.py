"""Review page of a fitted points card: what it says, how it does beside the expert card, and what it rests on."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from models.evaluation import ClassRate
from models.learning.scorecard_fit import FittedCard
from models.reporting.html import STYLE, Raw, badge, number, paragraph, percent, table
from models.review.cards import CardsMeasured
from models.scoring.bands import BandPolicy
from models.scoring.rules.scorecard import Flag, PerUnit, Steps

TITLE = "Points card 评分卡"


def card_page(
    fitted: FittedCard, found: CardsMeasured, bands: BandPolicy, *, study: str, arm: str, facts: dict[str, str]
) -> str:
    """Return the page as one HTML text that needs no other file.

    Parameters
    ----------
    fitted, found
        The card, and what it shows on the test beside the others.
    bands
        Of the province: cuts and the rates that belong there.
    study, arm
        Title of the study; the sentence on which visits the figures hold for.
    facts
        Hashes and dates.
    """
    e = found.evaluation
    auc = [(name, number(row["auc"].value, row["auc"].low, row["auc"].high, ".3f")) for name, row in e.values.items()]
    less = [
        (f"fitted less {name}", number(row["auc"].value, row["auc"].low, row["auc"].high, "+.3f"))
        for name, row in e.differences.items()
    ]
    cuts = [
        (f"{cut:g}", f"{asked:.1%}", f"{here:.1%}")
        for cut, asked, here in zip(bands.cuts, bands.rates, fitted.rates_at_cuts, strict=True)
    ]
    parts = [
        paragraph(arm, "say"),
        _heading("Ranking 排序能力"),
        paragraph(f"{e.visits:,} visits after the moment, {e.violations:,} with a violation; area under the curve."),
        table(["", "AUC, interval"], [*auc, *less], align="kn", label="AUC of the cards"),
        _heading("Classes 分类"),
        *(_classes(name, found.classes(name), found.contracts[name].verdict) for name in found.contracts),
        _heading("Scale 分值尺度"),
        paragraph(
            "Points that add up make a straight scale. It is laid through the province's cuts as near as a line can; "
            "the risk at each cut, measured out of time, stands beside the policy's."
        ),
        table(["cut", "rate of the policy", "rate of the card"], cuts, align="nnn", label="risk at each cut"),
        _heading(f"Entries 评分项: {len(fitted.card.entries)}, base {fitted.card.base:g}"),
        _entries(fitted),
        _heading("Choice 指标选取"),
        paragraph(
            "AUC at the rolling origins, out of time, with the first 1, 2, … indicators: "
            + ", ".join(f"{value:.3f}" for value in fitted.path)
        ),
        _heading("What it rests on 依据"),
        table(["", ""], list(facts.items()), label="facts"),
    ]
    title = f"{TITLE}: {study}"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style></head><body><header><h1>{escape(title)}</h1></header>"
        f"<main>{''.join(parts)}</main></body></html>\n"
    )


def _heading(words: str) -> Raw:
    return Raw(f"<h2>{escape(words)}</h2>")


def _classes(name: str, classes: Sequence[ClassRate], verdict: str) -> Raw:
    rows = [
        (
            c.grade,
            f"{c.visits:,}",
            f"{c.violations:,}",
            percent(c.share),
            percent(c.rate, c.low, c.high),
            f"{c.promised_low:.0%} to {c.promised_high:.0%}",
        )
        for c in classes
    ]
    head = ["class", "visits", "violations", "share", "rate, interval", "promised"]
    return Raw(f"<h3>{escape(name)} {badge(verdict)}</h3>{table(head, rows, align='knnnnn', label=name)}")


def _entries(fitted: FittedCard) -> Raw:
    rows = [(f"{e.indicator} {e.zh}", _points(e.rule), f"{e.missing:+g}", e.why) for e in fitted.card.entries]
    return table(["indicator", "points", "unknown", "violations, by bin"], rows, align="kwnw", label="entries")


def _points(rule: PerUnit | Steps | Flag) -> str:
    if not isinstance(rule, Steps):
        return f"{rule.points:+g}"
    steps = [f"below {rule.steps[0].at_least:g}: {rule.below:+g}"]
    return "; ".join([*steps, *(f"from {s.at_least:g}: {s.points:+g}" for s in rule.steps)])
