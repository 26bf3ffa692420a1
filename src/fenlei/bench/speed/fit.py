"""``fenlei bench fit``: what one fit with its calibration costs on many training pairs."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from datetime import date
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
STOP, CALIBRATE = 10_000, 20_000
TARGET = 60.0
"""Seconds asked of 200,000 pairs x 81 indicators on 2 processors."""


def make_rows(folder: Path, clean: Path, experiment: Path, pairs: int, out: Path) -> int:
    """Write indicators, outcomes and arms of enterprise-months to ``out``; return how many indicators vary.

    Outcomes are drawn from the true risk, those of a targeted visit with its odds raised.
    """
    from fenlei.bench.learning.study import truth_rows
    from models.study.experiment import load_experiment
    from models.study.indicators import catalogue, choose

    asked = load_experiment(experiment)
    names = np.array(choose(asked.indicators, catalogue(asked)))
    rows = truth_rows(folder, clean, asked, tuple(names), SPAN, int(1.1 * (pairs + STOP + CALIBRATE)))
    X, risk = rows.X[: pairs + STOP + CALIBRATE], rows.risk[: pairs + STOP + CALIBRATE]
    varies = np.array([len(np.unique(column[~np.isnan(column)])) > 1 for column in X.T])
    rng = np.random.default_rng(7)
    apart = rng.random(len(X)) < TARGETED
    y = rng.random(len(X)) < expit(logit(risk) + np.log(HUNCH) * apart)
    np.savez(out, X=X[:, varies], y=y.astype(np.int8), apart=apart, names=names[varies])
    return int(varies.sum())


def fit_once(rows: Path, experiment: Path, indicators: int) -> dict[str, float]:
    """Fit, calibrate and freeze on the first so many indicators; return the seconds of each step and the rounds."""
    from models.learning.fit import fitted
    from models.learning.learner import freeze
    from models.learning.search import Tuned
    from models.study.dataset import Dataset, Part
    from models.study.experiment import load_experiment

    asked = load_experiment(experiment)
    held = np.load(rows)
    X, y, apart = np.ascontiguousarray(held["X"][:, :indicators]), held["y"], held["apart"]
    names = tuple(str(n) for n in held["names"][:indicators])

    def part(first: int, last: int, chosen: NDArray[np.bool_]) -> Part:
        own = np.flatnonzero(chosen[first:last]) + first
        outcomes = pd.DataFrame(
            {"enterprise_id": own.astype(str), "arm": np.where(apart[own], "targeted", "random")}, dtype=object
        )
        return Part(outcomes, pd.DataFrame(), X[own], y[own], np.ones(len(own)))

    n, every = len(X), np.ones(len(X), dtype=bool)
    parts = {
        "fit": part(0, n - STOP - CALIBRATE, every),
        "stop": part(n - STOP - CALIBRATE, n - CALIBRATE, every),
        "calibrate": part(n - CALIBRATE, n, ~apart),
    }
    dataset = Dataset(parts, (), names, (), X[:20_000], pd.DataFrame(), pd.DataFrame(), {}, "", END)
    begin = time.perf_counter()
    found = fitted(asked, names, parts, dict(asked.learner))
    trees = time.perf_counter()
    freeze(asked, dataset, found, Tuned(dict(asked.learner), None), arm="random")
    return {"fit": trees - begin, "calibrate": time.perf_counter() - trees, "rounds": found.classifier.best_iteration_}


def measured(enterprises: int, pairs: int, experiment: Path, say: Callable[[str], None]) -> Grid:
    """Measure the fit on 81 indicators and on all that vary."""
    from features.check import check_folder
    from simulation import simulate

    grid = Grid(
        "fit",
        f"One fit of `{experiment.stem}` with the arm's effect, calibration, choice of its kind and 400 refits for the "
        f"interval (target for 200,000 pairs × 81 indicators: {TARGET:.0f} s)",
        ("pairs", "indicators", "trees", "fit s", "calibrate s", "together s", "processor s", "peak MiB"),
    )
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
            seconds = (f"{took['fit']:.1f}", f"{took['calibrate']:.1f}", f"{took['fit'] + took['calibrate']:.1f}")
            cells = (f"{took['rounds']}", *seconds, f"{cost.cpu_seconds:.1f}", f"{cost.peak_mb:,.0f}")
            grid.rows.append((f"{pairs:,}", f"{indicators}", *cells))
    return grid
