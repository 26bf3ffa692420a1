"""Measured figures of the simulated province: ``fenlei bench province`` fills docs/simulation.md."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

from fenlei.bench.common.page import markdown
from fenlei.bench.truth.bias import HUNCHES, Learned, learn_at
from fenlei.bench.truth.published import Compared, compare, shown_value
from fenlei.bench.truth.ranking import Ranking, rank
from models.evaluation.metrics import Interval
from simulation import simulate

END = date(2026, 1, 1)
MONTHS = 60
Say = Callable[[str], None]


def measured(enterprises: int, seeds: list[int], say: Say) -> dict[str, str]:
    """Simulate and measure; return the page's blocks as Markdown, by name.

    Parameters
    ----------
    enterprises
        Size of each province.
    seeds
        The first one's province is compared with what is published and used for the hunches; the learners are
        ranked in each.
    say
        Told of each step.
    """
    rankings, compared, learned = [], list[Compared](), list[Learned]()
    for seed in seeds:
        with tempfile.TemporaryDirectory(prefix="fenlei-") as scratch:
            folder = Path(scratch) / "province"
            say(f"seed {seed}: simulating")
            simulate(folder, enterprises=enterprises, months=MONTHS, seed=seed, end=END)
            if not compared:
                say(f"seed {seed}: published figures")
                compared = compare(folder, END)
            say(f"seed {seed}: ranking")
            rankings.append(rank(folder, seed=seed, enterprises=enterprises))
    for hunch in HUNCHES:
        with tempfile.TemporaryDirectory(prefix="fenlei-") as scratch:
            folder = Path(scratch) / "province"
            say(f"hunch {hunch:g}")
            simulate(folder, enterprises=enterprises, months=MONTHS, seed=seeds[0], end=END, hunch=hunch)
            learned += learn_at(folder, hunch)
    return {
        "published": published_table(compared),
        "ranking": "\n\n".join(ranking_table(r) for r in rankings),
        "hunch": hunch_table(learned),
    }


def published_table(rows: list[Compared]) -> str:
    """Return published beside simulated."""
    lines = []
    for f, simulated in ((r.figure, r.simulated) for r in rows):
        shown = [shown_value(v, f) for v in (f.published, simulated, f.low, f.high)]
        lines.append([f.title, *shown[:2], f"{shown[2]} to {shown[3]}", f.source])
    return markdown(["figure", "published", "simulated", "tolerance", "source"], lines)


def ranking_table(ranking: Ranking) -> str:
    """Return one province's learners."""
    head = (
        f"Seed {ranking.seed}, {ranking.enterprises:,} enterprises: {ranking.labels:,} labels to learn from, "
        f"{ranking.visits:,} visits to measure on.\n\n"
    )
    lines = [
        [r.name, _three(r.auc), f"{r.expected:.3f}", _two(r.lift), _percent(r.gain), f"{r.expected_gain:.0%}"]
        for r in ranking.rows
    ]
    columns = ["learner", "AUC", "AUC without label noise", "lift of the top tenth"]
    return head + markdown([*columns, "share of the ceiling's gain", "the same without label noise"], lines)


def hunch_table(rows: list[Learned]) -> str:
    """Return bias and error at each hunch."""
    lines = [
        [f"{r.hunch:g}", r.arms, f"{r.labels:,}", f"{r.targeted:.0%}", _signed(r.bias), _scaled(r.mse)] for r in rows
    ]
    columns = ["hunch", "learned from", "labels", "targeted", "bias: mean probability less truth, points"]
    return markdown([*columns, "mean squared error to the truth × 1000"], lines)


def _three(i: Interval) -> str:
    return f"{i.value:.3f} ({i.low:.3f} to {i.high:.3f})"


def _two(i: Interval) -> str:
    return f"{i.value:.2f} ({i.low:.2f} to {i.high:.2f})"


def _percent(i: Interval) -> str:
    return f"{i.value:.0%} ({i.low:.0%} to {i.high:.0%})"


def _signed(i: Interval) -> str:
    return f"{100 * i.value:+.2f} ({100 * i.low:+.2f} to {100 * i.high:+.2f})"


def _scaled(i: Interval) -> str:
    return f"{1000 * i.value:.2f} ({1000 * i.low:.2f} to {1000 * i.high:.2f})"
