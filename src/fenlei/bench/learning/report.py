"""``fenlei bench learn``: one study a province and hunch, each kept when done, and the tables over all of them."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path

import numpy as np
from scipy.stats import t

from features.catalogue import catalogue_hash
from features.check import check_folder
from fenlei.bench.common.page import markdown
from fenlei.bench.learning.study import CEILING, GROUPS, JUDGED, NAIVE, TAUGHT, Study, read_study, study
from models.evaluation.metrics import Interval
from models.study.experiment import Experiment
from models.study.indicators import catalogue, policies_hash
from simulation import simulate

END = date(2026, 1, 1)
MONTHS = 168
"""Records of fourteen years: three that only fill the longest windows, eleven of random draws (asked for everywhere
since the General Office of the State Council's 2015 No. 58)."""
GAIN, LIFT, ERROR = 0.95, 0.9, 0.5
"""Targets: least share of the ceiling's AUC gain and lift, greatest share of the naive learner's excess error."""
Say = Callable[[str], None]


def run(
    experiment: Experiment,
    seeds: Sequence[int],
    hunches: Sequence[float],
    *,
    enterprises: int,
    out: Path,
    say: Say,
) -> list[Study]:
    """Run every study that ``out`` does not hold yet, and return all of them.

    Parameters
    ----------
    experiment
        See `fenlei.bench.learning.study.study`.
    seeds, hunches, enterprises
        Of the simulated provinces.
    out
        Folder of finished studies, one file each; a run that was stopped goes on with the first one missing. Other
        depths and constraints are tried in the first province.
    say
        Told of each step.
    """
    out.mkdir(parents=True, exist_ok=True)
    found = []
    for seed in seeds:
        for hunch in hunches:
            kept = out / kept_name(experiment, enterprises, seed, hunch)
            if not kept.exists():
                scratch = out / f"scratch_{seed}_{hunch:g}"
                shutil.rmtree(scratch, ignore_errors=True)
                here = f"seed {seed}, hunch {hunch:g}: "
                say(here + "simulating")
                folder = scratch / "province"
                simulate(folder, enterprises=enterprises, months=MONTHS, seed=seed, end=END, hunch=hunch)
                say(here + "checking")
                check_folder(folder, END, scratch / "checked")
                done = study(
                    folder,
                    scratch / "checked" / "clean",
                    experiment,
                    seed=seed,
                    hunch=hunch,
                    as_of=END,
                    shapes=(seed, hunch) == (seeds[0], hunches[0]),
                    say=_said(say, here),
                )
                partial = kept.with_suffix(".part")
                partial.write_text(done.as_json(), encoding="utf-8")
                partial.rename(kept)
                shutil.rmtree(scratch)
            found.append(read_study(kept))
    return sorted(found, key=lambda s: (s.hunch, s.seed))


def kept_name(experiment: Experiment, enterprises: int, seed: int, hunch: float) -> str:
    """Name of a finished study's file: another experiment, catalogue, history or judge makes another study."""
    hashes = catalogue_hash(catalogue(experiment)) + policies_hash(experiment)
    decides = f"{END} {MONTHS} {TAUGHT} {JUDGED} {GROUPS} " + experiment.model_dump_json() + hashes
    code = hashlib.sha256(decides.encode()).hexdigest()[:8]
    return f"{experiment.name}_{code}_{enterprises}_{seed}_{hunch:g}.json"


def _said(say: Say, here: str) -> Say:
    """Name the province before each step."""
    return lambda step: say(here + step)


def mean(values: Sequence[float]) -> Interval:
    """Return the mean over provinces with its 95 % t interval; no ends where there is one province alone."""
    x = np.asarray(values, dtype=np.float64)
    if len(x) < 2:
        return Interval(float(x.mean()))
    half = float(t.ppf(0.975, len(x) - 1)) * float(x.std(ddof=1)) / len(x) ** 0.5
    return Interval(float(x.mean()), float(x.mean()) - half, float(x.mean()) + half)


def excess(found: Study, name: str) -> float:
    """Error above the ceiling's as a share of the naive learner's."""
    mse = {r.name: r.mse for r in found.learners}
    return (mse[name] - mse[CEILING]) / (mse[NAIVE] - mse[CEILING])


def ways_table(studies: Sequence[Study]) -> str:
    """Every way of learning at every hunch, over the provinces."""
    lines = []
    for hunch in sorted({s.hunch for s in studies}):
        own = [s for s in studies if s.hunch == hunch]
        for name in [r.name for r in own[0].learners]:
            rows = [next(r for r in s.learners if r.name == name) for s in own]
            bold = "**" if name == own[0].chosen else ""
            lines.append(
                [
                    f"{hunch:g}",
                    f"{bold}{name}{bold}",
                    _show(mean([r.auc for r in rows]), 3),
                    _show(mean([100 * r.gain for r in rows]), 1),
                    _show(mean([100 * r.lift_share for r in rows]), 1),
                    _show(mean([r.bias for r in rows]), 2),
                    _show(mean([r.mse for r in rows]), 2),
                    _show(mean([excess(s, name) for s in own]), 2),
                    f"{sum(r.error > r.error_limit for r in rows)} of {len(rows)}",
                ]
            )
    columns = ["hunch", "learned from", "AUC", "% of the ceiling's gain", "% of its lift", "bias, points"]
    columns += ["MSE to the truth × 1000", "MSE above the ceiling's, share of the naive one's"]
    return markdown([*columns, "provinces whose calibration error is above a perfect model's 95th percentile"], lines)


def targets_table(studies: Sequence[Study]) -> str:
    """What was asked of the chosen way, province by province, and whether it was reached."""
    lines = []
    for s in studies:
        row = next(r for r in s.learners if r.name == s.chosen)
        share = excess(s, s.chosen)
        counts = [sum(c["verdict"] == v for c in s.contract["checks"]) for v in ("pass", "cannot tell", "fail")]
        lines.append(
            [
                f"{s.hunch:g}",
                str(s.seed),
                _against(row.gain, row.gain_low, row.gain_high, GAIN),
                _against(row.lift_share, row.lift_share_low, row.lift_share_high, LIFT),
                f"{share:.2f} {_met(share <= ERROR)}",
                f"{np.exp(s.arm_effect):.2f}",
                f"{s.held:.0%}",
                f"{s.contract['verdict']} ({' / '.join(map(str, counts))})",
            ]
        )
    return markdown(
        [
            "hunch",
            "seed",
            f"gain ≥ {GAIN}",
            f"lift ≥ {LIFT}",
            f"error ≤ {ERROR}",
            "arm's odds ratio found",
            "score groups whose mean risk lies in the interval",
            "band contract (pass / cannot tell / fail)",
        ],
        lines,
    )


def _against(value: float, low: float, high: float, least: float) -> str:
    return f"{value:.3f} [{low:.3f}, {high:.3f}] {_met(value >= least)}"


def contract_text(studies: Sequence[Study]) -> str:
    """Every check of the contract that did not pass, with how often over the provinces."""
    seen: dict[str, list[str]] = {}
    for s in studies:
        for c in s.contract["checks"]:
            if c["verdict"] != "pass":
                seen.setdefault(f"{c['check']} {c['subject']}: {c['verdict']}", []).append(f"{s.seed}/{s.hunch:g}")
    lines = [[what, f"{len(where)} of {len(studies)}", ", ".join(where[:8])] for what, where in sorted(seen.items())]
    return markdown(["check", "provinces", "seed/hunch"], lines) if lines else "Every check passes in every province."


def shapes_table(studies: Sequence[Study]) -> str:
    """Other depths and constraints, where they were tried."""
    lines = []
    for s in studies:
        base = next(r for r in s.learners if r.name == s.chosen)
        for r in (base, *s.shapes) if s.shapes else ():
            name = "as chosen" if r is base else r.name
            figures = (
                f"{r.auc:.4f}",
                f"{r.auc - base.auc:+.4f}",
                f"{r.true_auc:.4f}",
                f"{r.true_auc - base.true_auc:+.4f}",
            )
            lines.append([f"{s.hunch:g}", name, *figures, f"{r.mse:.2f}"])
    columns = ["hunch", "shape", "AUC, random arm", "less chosen", "AUC on the truth", "less chosen", "MSE × 1000"]
    return markdown(columns, lines)


def about(studies: Sequence[Study], experiment: Experiment) -> str:
    """What was measured."""
    first = studies[0]
    return (
        f"{len(studies)} studies, each of a province of {first.enterprises:,} enterprises ever registered. The first"
        " learns from"
        f" {first.fit_visits:,} visits ({first.targeted:.0%} targeted) and is tested on {first.test_visits:,} random"
        f" visits with {first.test_violations:,} violations. Experiment `{experiment.name}`, learner"
        f" {', '.join(f'{k} {v}' for k, v in experiment.learner.items())}."
    )


def as_dict(studies: Sequence[Study]) -> list[dict[str, object]]:
    """Plain values for ``--json``."""
    return [asdict(s) for s in studies]


def _show(i: Interval, digits: int) -> str:
    if np.isnan(i.low):
        return f"{i.value:.{digits}f}"
    return f"{i.value:.{digits}f} [{i.low:.{digits}f}, {i.high:.{digits}f}]"


def _met(yes: bool) -> str:
    return "✓" if yes else "✗"
