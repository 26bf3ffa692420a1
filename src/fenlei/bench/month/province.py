"""A simulated province and a model of all its indicators, for measuring months."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np

from features import Scope, cohort, compute_indicators
from features.catalogue import CATALOGUE, catalogue_hash
from features.check import check_folder
from features.policy import policy_hash
from models.learning.calibration import fit_calibrator
from models.learning.classifier import RiskClassifier
from models.scoring.bands import load_bands
from models.scoring.risk_model import RiskModel, assemble
from models.scoring.rules.province import POLICIES, load_rules
from serving.current.served import Served
from serving.ledger.publish import Outcome, classify_month
from serving.ledger.run import Ask

END = date(2026, 1, 1)
MONTHS = 36
FIRMS = 20_000
"""Enterprises that the model learns from; its size is a real model's, its truth is nobody's."""


def simulated(folder: Path, enterprises: int) -> int:
    """Simulate a province; return its rows."""
    from simulation import simulate

    return sum(simulate(folder, enterprises=enterprises, months=MONTHS, seed=7, end=END).rows.values())


def save_model(folder: Path) -> None:
    """Fit a model of all indicators to a made-up risk of a small province and save it."""
    simulated(folder / "small", FIRMS)
    check_folder(folder / "small", END, folder / "checked")
    clean = folder / "checked" / "clean"
    frame = compute_indicators(clean, cohort(clean, [END], Scope("hebei")), Scope("hebei"))
    names = list(CATALOGUE)
    values = frame[names]
    rank = values[["penalties_3y", "complaints_1y", "problem_rate_random"]].rank(pct=True).mean(axis=1)
    chance = 0.03 + 0.3 * rank.to_numpy() ** 3
    y = (np.random.default_rng(7).random(len(values)) < chance).astype(np.int8)
    monotone = {name: CATALOGUE[name].monotone for name in names}
    learner = RiskClassifier(monotone=monotone).fit(values, y)
    margin = learner.decision_function(values)
    model = assemble(
        booster_text=learner.booster_text(), linear=learner.linear_, tree_share=learner.tree_share,
        calibrator=fit_calibrator("platt", margin, y), bands=load_bands("hebei"), reference=margin,
        indicator_names=names, families={n: CATALOGUE[n].family for n in names}, directions=monotone,
        nullable=names, province="hebei", catalogue_hash=catalogue_hash(CATALOGUE),
        policy_hash=policy_hash("hebei", *POLICIES), arm="a made-up risk",
    )  # fmt: skip
    model.save(folder / "model")


def month(source: Path, ledger: Path, model: Path, cutoff: date, memory: str | None) -> Outcome:
    """Make and publish one month by the saved model."""
    served = Served("hebei", RiskModel.load(model), "1")
    ask = Ask(source, cutoff, served, load_rules("hebei"), memory=memory)
    return classify_month(ask, ledger, on=END)
