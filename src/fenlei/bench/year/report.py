"""Report of the year: what visits found, whom they went to, and whether the random share told the true rate."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features import cohort
from features.check import check_folder
from features.errors import SourceError
from features.population.groups import enterprise_groups, groups_policy
from features.scope import Scope
from fenlei.bench.common.page import markdown
from fenlei.bench.feedback.world import END, World, make_world, number_of
from fenlei.bench.year.measures import FAR, Found, GroupOf, Told, Work, Z, group_visits, over_cap, told, work
from fenlei.bench.year.run import POLICIES, Policy, YearRun, run_year
from models.evaluation.intervals import wilson
from models.evaluation.metrics import Interval
from models.evaluation.policies import Plan
from models.study.experiment import Experiment

Say = Callable[[str], None]
KINDS = ("size", "ownership", "region", "industry")
ARRAYS = tuple(f.name for f in fields(YearRun) if f.name != "policy")
MONTHS, HISTORY = 12, 72
AIM = 0.93
"""Share of months whose interval must hold the true rate."""


def province(
    experiment: Experiment, plan: Plan, out: Path, *, enterprises: int, hunch: float, seed: int, say: Say
) -> Found:
    """Run all policies in one province, or read what an earlier run of the same kept in ``out``.

    Raises
    ------
    SourceError
        If a policy's records break the source contract.
    """
    out.mkdir(parents=True, exist_ok=True)
    kept = out / f"year_{experiment.name}_{enterprises}_{hunch:g}_{seed}.npz"
    if not kept.exists():
        scratch = out / f"year_scratch_{seed}"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        say("simulating and checking")
        world = make_world(
            scratch, enterprises=enterprises, history=HISTORY, months=MONTHS, hunch=hunch, seed=seed
        )  # fmt: skip
        runs = run_year(world, experiment, plan, scratch, say)
        for policy in POLICIES:
            say(f"{policy}: checking the records")
            folder = next((scratch / policy).iterdir())
            totals = check_folder(folder, END, scratch / f"checked_{policy}").totals
            if totals["quarantined"]:
                raise SourceError(f"the year's records of {policy} break the contract: {totals}")
        arrays: dict[str, Any] = {f"{p}_{name}": getattr(run, name) for p, run in runs.items() for name in ARRAYS}
        partial = kept.with_suffix(".part.npz")
        np.savez_compressed(partial, truth=world.truth[:, world.history :], **arrays | _groups(world))
        partial.rename(kept)
        shutil.rmtree(scratch)
    with np.load(kept) as read:
        runs = {p: YearRun(p, **{name: read[f"{p}_{name}"] for name in ARRAYS}) for p in POLICIES}
        return Found(runs, read["truth"], {kind: read[f"group_{kind}"] for kind in KINDS})


def _groups(world: World) -> dict[str, NDArray[np.str_]]:
    """Return each firm's groups as known on the first day of the year, else of its last month."""
    named = {f"group_{kind}": np.full(len(world.truth), "unknown", dtype="U40") for kind in KINDS}
    for month in (world.months - 1, world.history):
        pairs = cohort(world.base, [world.firsts[month]], Scope("hebei"))
        found = enterprise_groups(world.base, pairs, groups_policy("hebei"))
        who = [number_of(e) for e in pairs["enterprise_id"]]
        for kind in KINDS:
            named[f"group_{kind}"][who] = found[kind].astype(str).to_numpy()
    return named


def joined(found: Sequence[Found]) -> Found:
    """Put the enterprises of several provinces into one, to be measured together."""
    runs: dict[Policy, YearRun] = {
        p: YearRun(p, **{name: np.vstack([getattr(f.runs[p], name) for f in found]) for name in ARRAYS})
        for p in POLICIES
    }
    groups = {kind: np.concatenate([f.groups[kind] for f in found]) for kind in KINDS}
    return Found(runs, np.vstack([f.truth for f in found]), groups)


def blocks(found: Found, plan: Plan, seeds: Sequence[int]) -> dict[str, str]:
    """Return the page's blocks as Markdown; ``told`` is counted province by province, as a regulator would."""
    measured = work(found, seeds[0])
    drawn: list[Policy] = [p for p in POLICIES if p != "highest"]
    size = len(found.truth) // len(seeds)
    each = {
        p: [
            told(_part(found.runs[p], slice(k * size, (k + 1) * size)), found.truth[k * size : (k + 1) * size])
            for k in range(len(seeds))
        ]
        for p in drawn
    }
    grouped = {p: group_visits(found.runs[p], found.groups) for p in drawn}
    return {
        "year verdict": verdict(measured, each, grouped, found, plan),
        "year work": _work_table(measured),
        "year told": _told_table(each),
        "year groups": _group_table(grouped, found),
    }


def _part(run: YearRun, rows: slice) -> YearRun:
    return YearRun(run.policy, **{name: getattr(run, name)[rows] for name in ARRAYS})


def verdict(
    measured: Mapping[Policy, Work],
    each: Mapping[Policy, Sequence[Told]],
    grouped: Mapping[Policy, Sequence[GroupOf]],
    found: Found,
    plan: Plan,
) -> str:
    """Say of each aim whether it is met."""
    ours = measured["model"]
    above = ours.above_rules
    months, inside = (sum(getattr(x, name) for x in each["model"]) for name in ("months", "inside"))
    most = wilson(inside / months, months, Z)[1]
    far = [g for g in grouped["model"] if g.above > FAR]
    beyond = over_cap(found.runs["model"], plan.caps)
    return "\n".join(
        [
            f"- **Findings.** The model's plan finds {_times(ours.times)} times uniform's violations a visit"
            f" (aim: 1.5): {_said(ours.times.low >= 1.5, ours.times.high < 1.5)}.",
            f"- **Against the rules' plan** it finds a violation in {_points(above)} points more of the visits:"
            f" {_said(above.low > 0, above.high < 0)}.",
            f"- **What the random share tells.** The true rate lies in its interval in {inside} of {months} months,"
            f" {inside / months:.1%} (aim: {AIM:.0%}): {_said(inside / months >= AIM, most < AIM)}.",
            f"- **Groups.** Of {len(grouped['model'])} groups {len(far)} got more visits than the stated chances bring"
            f" (beyond {FAR:g} standard errors); {beyond} visits to a firm beyond its class's cap:"
            f" {'met' if not far and not beyond else 'not met'}.",
        ]
    )


def _said(met: bool, missed: bool) -> str:
    return "met" if met else "not met" if missed else "cannot tell, the interval holds both"


def _work_table(measured: Mapping[Policy, Work]) -> str:
    columns = ["policy", "visits", "violations a visit", "times uniform's", "firms visited", "Gini of visits"]
    lines = [
        [p, f"{w.visits:,}", _percent(w.rate), _times(w.times), f"{w.firms:,}", f"{w.gini:.3f}", f"{w.top:.0%}"]
        for p, w in measured.items()
    ]
    return markdown([*columns, "visits on the 5 % visited most"], lines)


def _told_table(each: Mapping[Policy, Sequence[Told]]) -> str:
    columns = ["policy", "months", "true rate inside", "share [95 %]", "visits of the random share", "estimate"]
    lines = []
    for policy, rows in each.items():
        months, inside, visits = (sum(getattr(r, name) for r in rows) for name in ("months", "inside", "visits"))
        low, high = wilson(inside / months, months, Z)
        estimate = sum(r.estimate * r.visits for r in rows) / max(1, visits)
        lines.append(
            [policy, str(months), str(inside), f"{inside / months:.1%} [{low:.1%}, {high:.1%}]", f"{visits:,}",
             f"{estimate:.1%}", f"{np.mean([r.truth for r in rows]):.1%}",
             f"± {100 * np.mean([r.half_width for r in rows]):.1f} points"]
        )  # fmt: skip
    return markdown([*columns, "true rate", "a month's interval"], lines)


def _group_table(grouped: Mapping[Policy, Sequence[GroupOf]], found: Found) -> str:
    """Visits by group: observed beside what the chances bring, and the true risk that is there."""
    columns = ["kind", "group", "firms", "true risk"]
    shown = [g for g in grouped["model"] if g.kind in ("size", "ownership")]
    by = {p: {(g.kind, g.name): g for g in rows} for p, rows in grouped.items()}
    lines = []
    for g in shown:
        own = found.groups[g.kind] == g.name
        risk = float(np.nanmean(np.where(found.runs["model"].grade[own] >= 0, found.truth[own], np.nan)))
        cells = []
        for rows in by.values():
            one = rows[g.kind, g.name]
            cells.append(f"{one.visits:,} / {one.expected:,.0f} ({one.above:+.1f})")
        top = int(found.runs["highest"].visited[own].sum())
        lines.append([g.kind, g.name, f"{g.firms:,}", f"{risk:.1%}", *cells, f"{top:,}"])
    names = [f"{p}: visits / by its chances (standard errors)" for p in by]
    return markdown([*columns, *names, "highest: visits"], lines)


def about(enterprises: int, seeds: Sequence[int], hunch: float, found: Found) -> str:
    """What was measured."""
    members = int((found.runs["model"].grade >= 0).sum(axis=0).mean()) // len(seeds)
    return (
        f"{len(seeds)} provinces (seeds {', '.join(map(str, seeds))}) of {enterprises:,} enterprises ever registered,"
        f" on average {members:,} of them in the cohort; hunch {hunch:g}; {HISTORY} months of records, then a year to"
        f" {END:%Y-%m}; learning every three months."
    )


def _percent(i: Interval) -> str:
    return f"{100 * i.value:.1f} % [{100 * i.low:.1f}, {100 * i.high:.1f}]"


def _points(i: Interval) -> str:
    return f"{100 * i.value:+.1f} [{100 * i.low:+.1f}, {100 * i.high:+.1f}]"


def _times(i: Interval) -> str:
    return f"{i.value:.2f} [{i.low:.2f}, {i.high:.2f}]"
