"""A small province of indicators and a model of it: the learners' tests share it. Known truth, no files."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from scipy.special import expit

from features.catalogue.phrases.say import AS_ITS_UNIT, Say
from models.learning.calibration import fit_calibrator
from models.learning.classifier import RiskClassifier
from models.scoring.bands import load_bands
from models.scoring.risk_model import RiskModel, assemble

NAMES = ("registered_capital", "years_operating", "penalties_3y", "problem_rate_random", "complaints_1y")
FAMILIES = dict(zip(NAMES, ("basic", "basic", "regulatory", "regulatory", "societal"), strict=True))
DIRECTIONS = dict(zip(NAMES, (0, -1, 1, 1, 1), strict=True))
EVIDENCE = tuple(f"evidence_{rule}" for rule in ("H12_2", "H12_3", "H12_4", "H13_1", "H13_2", "H13_3"))


@dataclass(frozen=True)
class Entry:
    """A catalogue entry made up for a test: the learners need no more of it."""

    name: str
    zh: str
    en: str
    family: str
    unit: str
    direction: str
    group: str = ""
    say: Say = AS_ITS_UNIT
    never: float | None = None
    shared: bool = False


CATALOGUE = {
    "registered_capital": Entry("registered_capital", "注册资本", "registered capital", "basic", "fen", "either"),
    "years_operating": Entry(
        "years_operating", "经营年限", "years since it was established", "basic", "years", "lowers"
    ),
    "penalties_3y": Entry(
        "penalties_3y",
        "近三年行政处罚次数",
        "penalties in the last three years",
        "regulatory",
        "penalties",
        "raises",
    ),
    "problem_rate_random": Entry(
        "problem_rate_random",
        "随机检查历史问题率",
        "share of its random inspections that found a violation",
        "regulatory",
        "share",
        "raises",
    ),
    "complaints_1y": Entry(
        "complaints_1y", "近一年投诉举报数", "complaints in the last year", "societal", "complaints", "raises"
    ),
}


def rows(n: int, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """n rows of indicators and evidence (none hit), and the true risk of each."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "registered_capital": rng.lognormal(18, 2, n).round(),
            "years_operating": rng.gamma(2.0, 4.0, n),
            "penalties_3y": rng.poisson(0.3, n).astype(float),
            "problem_rate_random": (rng.binomial(3, 0.1, n) + 1) / 12,
            "complaints_1y": rng.poisson(0.5, n).astype(float),
        }
    )
    frame.loc[rng.random(n) < 0.1, "registered_capital"] = np.nan
    truth = expit(
        -2.6
        - 0.05 * frame["years_operating"]
        + 0.8 * frame["penalties_3y"]
        + 4.0 * frame["problem_rate_random"]
        + 0.4 * frame["complaints_1y"]
    ).to_numpy()
    for column in EVIDENCE:
        frame[column] = ""
    enterprises = [f"E{i:06d}" for i in range(n)]
    frame.index = pd.MultiIndex.from_product(
        [enterprises, [pd.Timestamp("2026-11-01")]], names=["enterprise_id", "cutoff"]
    )
    return frame, truth


def outcomes(truth: np.ndarray, seed: int) -> np.ndarray:
    """One visit's outcome of each row."""
    return (np.random.default_rng(seed).random(len(truth)) < truth).astype(np.int8)


@lru_cache(maxsize=2)
def model(province: str = "hebei") -> RiskModel:
    """A model of both parts, fitted on 6,000 rows and calibrated on 3,000 later ones."""
    fit, fit_truth = rows(6_000, 1)
    later, later_truth = rows(3_000, 3)
    names = list(NAMES)
    learner = RiskClassifier(n_estimators=60, monotone=DIRECTIONS).fit(fit[names], outcomes(fit_truth, 11))
    margin = learner.decision_function(later[names])
    return assemble(
        booster_text=learner.booster_text(),
        linear=learner.linear_,
        tree_share=learner.tree_share,
        calibrator=fit_calibrator("platt", margin, outcomes(later_truth, 13)),
        bands=load_bands(province),
        reference=margin,
        indicator_names=NAMES,
        families=FAMILIES,
        directions=DIRECTIONS,
        nullable=["registered_capital"],
        province=province,
        catalogue_hash="c" * 64,
        policy_hash="p" * 64,
        arm="random arm of a made-up province",
        about={"fit_rows": 6_000},
    )
