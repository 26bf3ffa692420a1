"""``fenlei bench fit``: what one fit with its rolling origins and its calibration costs on many training pairs."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from datetime import date
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, logit

from fenlei.bench.common.grid import Grid
from fenlei.bench.common.measure import measure

END = date(2026, 1, 1)
MONTHS = 60
SPAN = (date(2021, 7, 1), date(2025, 12, 1))
TARGETED, HUNCH = 0.35, 2.5
"""Share of the rows that count as targeted visits, and the odds ratio that sets them apart."""
TARGET = 180.0
"""Seconds asked of 200,000 pairs x 81 indicators on 2 processors, the looks back from the rolling origins included."""


def make_rows(folder: Path, clean: Path, experiment: Path, pairs: int, out: Path) -> int:
    """Write indicators, outcomes and arms of enterprise-months to ``out``; return how many indicators vary.

    Outcomes are drawn from the true risk, those of a targeted visit with its odds raised.
    """
    from fenlei.bench.learning.study import truth_rows
    from models.study.experiment import load_experiment
    from models.study.indicators import catalogue, choose

    asked = load_experiment(experiment)
    names = np.array(choose(asked.indicators, catalogue(asked)))
    rows = truth_rows(folder, clean, asked, tuple(names), SPAN, int(1.1 * pairs))
    X, risk = rows.X[:pairs], rows.risk[:pairs]
    varies = np.array([len(np.unique(column[~np.isnan(column)])) > 1 for column in X.T])
    rng = np.random.default_rng(7)
    apart = rng.random(len(X)) < TARGETED
    y = rng.random(len(X)) < expit(logit(risk) + np.log(HUNCH) * apart)
    np.savez(out, X=X[:, varies], y=y.astype(np.int8), apart=apart, names=names[varies])
    return int(varies.sum())


def fit_once(rows: Path, experiment: Path, indicators: int) -> dict[str, float]:
    """Look back, fit, calibrate and freeze on the first so many indicators; return the seconds of each step.

    Rows count as visits in time: of the months of `SPAN` each origin leaves as many to its fit, and has as many to tell
    of, as the experiment says. With them come "rounds", "tree_share" and the number of "origins".
    """
    from models.learning.fit import fitted
    from models.learning.learner import freeze
    from models.learning.rolling import choose_blend, look_back, out_of_time_margins, with_blend
    from models.learning.search import Tuned
    from models.study.circumstances import Coding
    from models.study.dataset import Dataset, Fold, Part, out_of_time
    from models.study.experiment import load_experiment

    asked = load_experiment(experiment)
    held = np.load(rows)
    X, y, apart = np.ascontiguousarray(held["X"][:, :indicators]), held["y"], held["apart"]
    names = tuple(str(n) for n in held["names"][:indicators])
    outcomes = pd.DataFrame({"enterprise_id": np.arange(len(X)).astype(str)}, dtype=object)
    outcomes = outcomes.assign(arm=np.where(apart, "targeted", "random"), inspector_id=None, probability_ppm=10_000)
    coding = Coding.of(outcomes, asked.arms)

    def part(own: NDArray[np.intp]) -> Part:
        visits = outcomes.iloc[own].reset_index(drop=True)
        return Part(visits, pd.DataFrame(), X[own], y[own], np.ones(len(own)), coding.code(visits))

    months = (SPAN[1].year - SPAN[0].year) * 12 + SPAN[1].month - SPAN[0].month
    ends = [len(X) * (months - k * asked.origins.months) // months for k in range(asked.origins.count + 1)]
    every = np.arange(len(X))
    folds = tuple(
        Fold(END, part(every[:start]), part(every[start:end][~apart[start:end]])) for end, start in pairwise(ends)
    )
    parts = {"fit": part(every), "calibrate": out_of_time(folds, asked)}
    dataset = Dataset(parts, folds, coding, names, (), X[:20_000], pd.DataFrame(), pd.DataFrame(), {}, "", END)
    begin = time.perf_counter()
    params = dict(asked.learner)
    seen = [look_back(asked, names, fold, params) for fold in folds]
    chosen = choose_blend(asked, seen, params)
    params, margin = with_blend(params, chosen), out_of_time_margins(seen, chosen)
    looked = time.perf_counter()
    found = fitted(asked, names, parts["fit"], params)
    learnt = time.perf_counter()
    freeze(asked, dataset, found, Tuned(params, None), margin=margin, arm="random")
    took = {"look back": looked - begin, "fit": learnt - looked, "calibrate": time.perf_counter() - learnt}
    return {**took, "rounds": chosen.rounds, "tree_share": chosen.tree_share, "origins": len(folds)}


def measured(enterprises: int, pairs: int, experiment: Path, say: Callable[[str], None]) -> Grid:
    """Measure the fit on 81 indicators and on all that vary."""
    from features.check import check_folder
    from simulation import simulate

    grid = Grid(
        "fit",
        f"One fit of `{experiment.stem}` with the arm's effect, the looks back from its rolling origins, the choice of "
        "the number of trees and their share, calibration, choice of its kind and 400 refits for the interval (target "
        f"for 200,000 pairs × 81 indicators: {TARGET:.0f} s)",
        (
            "pairs", "indicators", "origins", "trees", "their share", "look back s", "fit s", "calibrate s",
            "together s", "processor s", "peak MiB",
        ),
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="fenlei-") as scratch:
        folder, rows = Path(scratch) / "province", Path(scratch) / "rows.npz"
        say("simulating and checking")
        simulate(folder, enterprises=enterprises, months=MONTHS, seed=7, end=END)
        check_folder(folder, END, Path(scratch) / "checked")
        say("indicators")
        every = make_rows(folder, Path(scratch) / "checked" / "clean", experiment, pairs, rows)
        for indicators in (81, every):
            say(f"fitting on {indicators} indicators")
            cost = measure(fit_once, rows, experiment, indicators)
            took = cost.value
            steps = [took[step] for step in ("look back", "fit", "calibrate")]
            cells = [f"{took['origins']}", f"{took['rounds']}", f"{took['tree_share']:g}"]
            cells += [f"{seconds:.1f}" for seconds in (*steps, sum(steps), cost.cpu_seconds)]
            cells += [f"{cost.peak_mb:,.0f}"]
            grid.rows.append((f"{pairs:,}", f"{indicators}", *cells))
    return grid
