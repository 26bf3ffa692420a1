"""``fenlei bench loop``: provinces one after the other, each kept when done, and the tables over all of them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from datetime import date
from pathlib import Path

import numpy as np

from features.check import check_folder
from features.errors import SourceError
from fenlei.bench.common.page import markdown
from fenlei.bench.feedback.effects import ALL, Drift, Resamples, YearOf, drifts, years
from fenlei.bench.feedback.loop import WAYS, YEAR, Pace, Run, Way, run_all
from fenlei.bench.feedback.lots import Effect, against_lots, effect
from fenlei.bench.feedback.world import END, make_world
from models.arrays import Floats
from models.evaluation.metrics import Interval
from models.evaluation.policies import Plan
from models.study.experiment import Experiment

Say = Callable[[str], None]
LAGS = (YEAR // 2, YEAR)
"""Months after a visit at which its effect is told."""
ARRAYS = tuple(f.name for f in fields(Run) if f.name not in ("way", "folder", "learned"))


def province(
    experiment: Experiment,
    plan: Plan,
    out: Path,
    *,
    enterprises: int,
    history: int,
    months: int,
    hunch: float,
    seed: int,
    say: Say,
    pace: Pace | None = None,
) -> tuple[dict[Way, Run], Floats]:
    """Run all policies in one province, or read what an earlier run of the same kept in ``out``.

    Returns
    -------
    tuple
        Runs by policy, and the truth of the loop's months.

    Raises
    ------
    SourceError
        If a policy's records break the source contract.
    """
    out.mkdir(parents=True, exist_ok=True)
    kept = out / f"{experiment.name}_{enterprises}_{history}_{months}_{hunch:g}_{seed}.npz"
    if not kept.exists():
        scratch = out / f"scratch_{seed}"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        say("simulating and checking")
        world = make_world(scratch, enterprises=enterprises, history=history, months=months, hunch=hunch, seed=seed)
        runs = run_all(world, experiment, plan, scratch, say, pace)
        for way, run in runs.items():
            say(f"{way}: checking the records")
            report = check_folder(run.folder, END, scratch / f"checked_{way}")
            if report.totals["quarantined"]:
                raise SourceError(f"the loop's records of {way} break the contract: {report.totals}")
        arrays = {f"{way}_{name}": getattr(run, name) for way, run in runs.items() for name in ARRAYS}
        partial = kept.with_suffix(".part.npz")
        np.savez_compressed(partial, truth=world.truth[:, history:], **arrays)
        partial.rename(kept)
        shutil.rmtree(scratch)
    with np.load(kept) as found:
        read: dict[Way, Run] = {
            way: Run(way=way, folder=out, learned=(), **{n: found[f"{way}_{n}"] for n in ARRAYS}) for way in WAYS
        }
        return read, found["truth"]


def joined(found: Sequence[tuple[dict[Way, Run], Floats]]) -> tuple[dict[Way, Run], Floats]:
    """Put the enterprises of several provinces into one, to be measured together."""
    runs: dict[Way, Run] = {
        way: Run(
            way=way,
            folder=found[0][0][way].folder,
            learned=(),
            **{name: np.vstack([getattr(runs[way], name) for runs, _ in found]) for name in ARRAYS},
        )
        for way in WAYS
    }
    return runs, np.vstack([truth for _, truth in found])


def blocks(runs: Mapping[Way, Run], truth: Floats, plan: Plan, margin: float, seed: int) -> dict[str, str]:
    """Return the page's blocks as Markdown.

    Parameters
    ----------
    runs, truth
        From `joined`.
    plan
        Ours; its caps hold for the other lots, too.
    margin
        A drift of the mean prediction away from the truth that matters, as a probability.
    seed
        Of the resamples.
    """
    resamples = Resamples(len(truth), seed)
    by_year = {way: years(run, truth) for way, run in runs.items()}
    moved = {way: drifts(run, truth, resamples) for way, run in runs.items()}
    compared = {}
    for way, run in runs.items():
        lots = against_lots(run, truth, resamples, np.array(plan.caps) * (way == "ours"), seed)
        if lots:
            moved[way].append(lots[0])
            compared[way] = lots[1:]
    effects = {way: [effect(run, truth, resamples, lag) for lag in LAGS] for way, run in runs.items()}
    return {
        "verdict": verdict(moved, compared, effects, margin),
        "risk": risk_table(by_year),
        "work": work_table(by_year),
        "drift": drift_table(moved),
        "effect": effect_table(effects),
    }


def verdict(
    moved: Mapping[Way, Sequence[Drift]],
    compared: Mapping[Way, tuple[Interval, Interval]],
    effects: Mapping[Way, Sequence[Effect]],
    margin: float,
) -> str:
    """Say of each policy whether its predictions ran away from the truth of those it visited twice."""
    lines = []
    for way, rows in moved.items():
        found = next((r for r in rows if r.name == ALL), None)
        if found is None:
            lines.append(f"- **{way}**: cannot tell: nobody was visited twice early enough.")
            continue
        lines.append(
            f"- **{way}**, {found.firms:,} firms visited twice: prediction {_signed(found.predicted)} points,"
            f" truth {_signed(found.true)}; predicted less true moved by {_signed(found.gap)}, from"
            f" {_signed(found.gap_before)} to {_signed(found.gap_after)}."
        )
        if way not in compared:
            lines[-1] += " How much of that the visits did cannot be told: nothing in this policy is at random."
            continue
        year = effects[way][-1]
        lines[-1] += (
            f" Of those that other lots of the same chances draw twice it moves, too; the visits did the rest,"
            f" {_signed(compared[way][0])}: **{_said(compared[way][0], margin)}**. In the end the gap of"
            f" the visited is {_signed(compared[way][1])} wider than that of the others. A visit moves the prediction"
            f" of a year later by {_signed(year.predicted)} points on average and brings about"
            f" {_times(year.again)} draws in that year: **{_grows(year.again)}**."
        )
    return "\n".join(lines)


def _said(moved: Interval, margin: float) -> str:
    if -margin < moved.low and moved.high < margin:
        return f"within the margin of {_points(margin)} points"
    if moved.low >= margin or moved.high <= -margin:
        return f"beyond the margin of {_points(margin)} points"
    return f"cannot tell, the interval reaches over the margin of {_points(margin)} points"


def _grows(again: Interval) -> str:
    if again.high < 1:
        return "no runaway feedback"
    return "runaway feedback" if again.low >= 1 else "cannot tell whether it runs away"


def drift_table(moved: Mapping[Way, Sequence[Drift]]) -> str:
    """The drift of each group under each policy, in points."""
    lines = [
        [way, r.name, f"{r.firms:,}", *map(_signed, (r.predicted, r.true, r.gap_before, r.gap_after, r.gap))]
        for way, rows in moved.items()
        for r in rows
    ]
    columns = ["policy", "firms", "number", "prediction moved", "truth moved", "predicted less true, before"]
    return markdown([*columns, "the same, after", "moved by"], lines)


def effect_table(effects: Mapping[Way, Sequence[Effect]]) -> str:
    """What a visit alone did, where the draw was at random."""
    lines = [
        [way, str(e.months), f"{e.visits:,}", _signed(e.predicted), _signed(e.true), _times(e.again)]
        for way, rows in effects.items()
        for e in rows
        if e.visits
    ]
    columns = ["policy", "months later", "visits", "prediction, points", "truth, points", "draws brought about"]
    return markdown(columns, lines)


def risk_table(by_year: Mapping[Way, Sequence[YearOf]]) -> str:
    """Predicted beside true risk by year, and how well they rank."""
    lines = [
        [
            way,
            str(number),
            *(_group(g) for g in (y.everyone, y.twice, y.never)),
            " / ".join(f"{a:.3f}" for a in y.auc),
            " / ".join(f"{100 * m:.0f}" for m in y.mix),
        ]
        for way, rows in by_year.items()
        for number, y in enumerate(rows, start=1)
    ]
    columns = ["policy", "year", "everyone", "visited twice so far", "never visited so far"]
    return markdown([*columns, "AUC to the truth, by half-year", "A / B / C / D, %"], lines)


def work_table(by_year: Mapping[Way, Sequence[YearOf]]) -> str:
    """What the visits of each year found and whom they went to."""
    lines = [
        [
            way,
            str(number),
            f"{y.visits:,}",
            f"{y.found / max(1, y.visits):.1%}",
            f"{y.visited:.2%}",
            f"{y.caught:.2%}",
            f"{y.caught / y.visited:.2f}" if y.visits else "",
            f"{y.top:.0%}",
            f"{y.gini:.2f}",
        ]
        for way, rows in by_year.items()
        for number, y in enumerate(rows, start=1)
    ]
    columns = ["policy", "year", "visits", "found a violation", "visited", "violations found", "ratio"]
    return markdown([*columns, "visits on the 5 % visited most", "Gini"], lines)


def about(
    enterprises: int, seeds: Sequence[int], hunch: float, history: int, months: int, runs: Mapping[Way, Run]
) -> str:
    """What was measured."""
    members = int(np.isfinite(runs["ours"].probability).sum(axis=0).mean()) // len(seeds)
    return (
        f"{len(seeds)} {'province' if len(seeds) == 1 else 'provinces'} (seed {', '.join(map(str, seeds))}) of"
        f" {enterprises:,} enterprises ever registered, on average {members:,} of them in the cohort;"
        f" hunch {hunch:g}; {history} months of records, then {months} months of loop to {END:%Y-%m}."
    )


def command(enterprises: int, seeds: Sequence[int], today: str) -> str:
    """Return the line that says by what the page was filled."""
    options = "".join(f" --seed {s}" for s in seeds)
    when = f" on {date.fromisoformat(today)}" if today else ""
    return f"Measured by `fenlei bench loop --enterprises {enterprises}{options}`{when}."


def _group(g: object) -> str:
    firms, predicted, true = (getattr(g, k) for k in ("firms", "predicted", "true"))
    return f"{100 * predicted:.1f} / {100 * true:.1f} ({firms:,})" if firms else "–"


def _points(value: float) -> str:
    return f"{100 * value:g}"


def _times(i: Interval) -> str:
    return f"{i.value:+.3f} [{i.low:+.3f}, {i.high:+.3f}]"


def _signed(i: Interval) -> str:
    return f"{100 * i.value:+.1f} [{100 * i.low:+.1f}, {100 * i.high:+.1f}]"
