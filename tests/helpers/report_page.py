"""A whole page of a made-up run: real visits, review, model and pictures of a small known province."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.catalogue import CATALOGUE
from helpers.henan_year import henan_year
from helpers.small_model import NAMES, model, outcomes, rows
from models.evaluation import (
    WINDOWS,
    TestVisits,
    check_band_contract,
    days_earlier,
    fairness,
    load_contract,
    load_drift,
    load_sampling,
    worth,
    worth_by_group,
)
from models.evaluation.metrics import Interval, Sample, Scored, evaluate
from models.evaluation.visits import gather_visits
from models.learning.rolling import Origin
from models.reporting.content.cases import most_wrong
from models.reporting.content.differences import differences
from models.reporting.content.shapes import shapes
from models.reporting.figures import plots
from models.reporting.figures.pictures import draw
from models.reporting.gather import group_names
from models.reporting.page import Differences, IndicatorRow, Page
from models.review.review import Review, stability_of
from models.study.circumstances import Circumstances
from models.study.dataset import Part
from models.study.panel import Panel
from models.study.pending import Awaited

RIVALS = ("scorecard", "past_rate", "logistic")
MONTHS = (date(2025, 1, 1), date(2025, 2, 1), date(2025, 3, 1))


def panel(firms: int = 300, months: tuple[date, ...] = MONTHS) -> Panel:
    """The same firms month by month; a few are penalised between two months."""
    frames = []
    for k, month in enumerate(months):
        frame, _ = rows(firms, 21)
        frame.loc[frame.index[: 10 * k], "penalties_3y"] += 2
        frame.index = pd.MultiIndex.from_product(
            [frame.index.get_level_values(0), [pd.Timestamp(month)]], names=["enterprise_id", "cutoff"]
        )
        frames.append(frame)
    return Panel(pd.concat(frames), months)


def random_visits(n: int = 600) -> tuple[Part, TestVisits]:
    """A test of ``n`` random visits with what the model says of them; the first two are as wrong as can be."""
    frame, truth = rows(n, 31)
    y = outcomes(truth, 32)
    X = frame[list(NAMES)].to_numpy(dtype=np.float64)
    found = model()
    margin = found.margin(X)
    y[int(np.argmin(margin))], y[int(np.argmax(margin))] = 1, 0
    made = pd.DataFrame(
        {
            "inspection_id": [f"V{i}" for i in range(n)],
            "enterprise_id": frame.index.get_level_values(0),
            "visited_on": date(2026, 11, 10),
            "cutoff": date(2026, 11, 1),
            "arm": "random",
            "probability_ppm": pd.array([100_000] * n, dtype="Int64"),
            "violation": y,
            "severity": 3 * y,
            "restates": 0,
            "result_codes": np.where(y == 1, "3;6", "1"),
        }
    )
    score = np.round(found.score(margin), 1)
    visits = gather_visits(made, probability=found.probability(margin), score=score, grade=found.grades(score))
    return Part(made, frame, X, y, np.ones(n), Circumstances.none(n)), visits


def rival_scores(visits: TestVisits) -> dict[str, NDArray[np.float64]]:
    """Scores of rivals that each know something, or hardly anything, of what the model knows."""
    rng = np.random.default_rng(5)
    noise = rng.normal(0, 1, (3, len(visits)))
    return {n: visits.score + s * e for n, s, e in zip(RIVALS, (150, 3000, 20), noise, strict=True)}


def grouped_year() -> TestVisits:
    """A year of Henan's sampling in groups as a province has them; one region is of no district that has a name."""
    codes = {
        "size": ("micro", "small"),
        "region": ("1301", "9901", "unknown"),
        "industry": ("N", "F"),
        "visited": ("within 24 months", "not within 24 months"),
    }
    year = henan_year(seed=1, groups={name: len(groups) for name, groups in codes.items()})
    given = {
        name: year.frame[name].map({f"{name}{k}": code for k, code in enumerate(groups)})
        for name, groups in codes.items()
    }
    return TestVisits(year.frame.assign(**given), "random")


def review(visits: TestVisits | None = None, seed: int = 0) -> Review:
    """Everything a reviewer is told, of a year of Henan's sampling unless other visits are given."""
    seen = grouped_year() if visits is None else visits
    found, contract, sampling = model(), load_contract("hebei"), load_sampling("hebei")
    checked = check_band_contract(seen, found.bands, contract, seed=seed)
    # Of December some visits have no result yet, of January none has.
    awaited = {"2025-12": 300, "2026-01": 120}
    late = Awaited(np.repeat(list(awaited), list(awaited.values())), np.linspace(0.02, 0.3, 420), np.full(420, 50.0))
    stable, frozen = stability_of(found, panel(), seen, awaited, load_drift("hebei"), seed, waiting=late)
    return Review(
        visits=seen,
        contract=checked,
        worth=worth(seen, sampling, contract, repetitions=50, seed=seed),
        worth_groups=worth_by_group(seen, sampling, contract, repetitions=50, seed=seed),
        earlier=tuple(
            days_earlier(seen, window=w, rivals=rival_scores(seen), codes=c, repetitions=20, seed=seed)
            for c in ("all", "without 6 and B")
            for w in WINDOWS
        ),
        fairness=fairness(seen, sampling.plans["hebei"], contract, name="hebei", seed=seed, checks=checked.checks),
        stable=stable,
        frozen=frozen,
    )


def page(folder: Path, *, found: Review | None = None, compared: Differences | None = None) -> Page:
    """The page of the made-up run; names hold what HTML would choke on."""
    reviewed = review() if found is None else found
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 300)
    score = y + rng.normal(0, 1, 300)
    sample = Sample.of(y, np.arange(300).astype(str).astype(object), np.ones(300))
    scorers = {"model": Scored(score, 1 / (1 + np.exp(-score))), "scorecard": Scored(rng.normal(size=300))}
    part, visits = random_visits()
    return Page(
        title="A <b>study</b>",
        summary="Learnt from 10 visits & 3 indicators.",
        arm_statement="There is no random arm to measure on.",
        learnt=[
            {
                "segment": "fit",
                "arm": "unknown",
                "first": "2021-01-01",
                "last": "2021-02-01",
                "visits": 10,
                "violations": 2,
                "enterprises": 9,
            }
        ],
        dropped={"visited outside every segment": 1234},
        arm_effect=float(np.log(2)),
        evaluation=evaluate(sample, scorers, repetitions=50),
        without=None,
        indicators=[IndicatorRow("penalties_3y", "近三年行政处罚", "regulatory", "raises the risk", 0.31)],
        review=reviewed,
        origins=[Origin("2024-01-01", "2024-02-28", 200, 30, Interval(0.7, 0.61, 0.78), Interval(0.3, 0.2, 0.4))],
        shapes=shapes(model(), panel(), CATALOGUE, folder, shown=3),
        cases=most_wrong(model(), part, visits, CATALOGUE),
        differences=differences(model(), "7", model(), panel(), CATALOGUE) if compared is None else compared,
        plots={"gain": plots.save(plots.gain(sample, scorers), folder / "gain.png"), **draw(reviewed, folder)},
        limits=["Few visits."],
        indicator_zh={n: CATALOGUE[n].zh for n in NAMES},
        group_names=group_names(reviewed, "hebei"),
        facts={"data_hash": "abc"},
    )
