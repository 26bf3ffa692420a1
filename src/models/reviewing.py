"""What a reviewer signs by: the contract, the worth, fairness, stability and drift of one run, gathered in one place.

The figures are those of `models.evaluation`; here they get their visits, groups and months, and are written down:
``evaluation.json`` with every figure (the gate reads its verdicts), ``frozen.json`` with the distributions that later
months are compared with.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.groups import enterprise_groups
from features.outcomes import read_awaited
from models.dataset import Dataset
from models.evaluation import BandContract, TestVisits, check_band_contract, load_contract
from models.evaluation.days_earlier import WINDOWS, DaysEarlier, days_earlier
from models.evaluation.drift import (
    CalibrationDrift,
    IndicatorDrift,
    Retrain,
    ask_retrain,
    calibration_drift,
    freeze_indicators,
    indicator_drift,
)
from models.evaluation.fairness import Fairness, fairness
from models.evaluation.moves import Migration, migration
from models.evaluation.policies import DriftPolicy, load_drift, load_sampling
from models.evaluation.stability import Frozen, Stability, freeze_classes, freeze_numbers, monthly
from models.evaluation.unlabelled import BeforeLabels, before_labels
from models.evaluation.visits import gather_visits
from models.evaluation.worth import CODES, Worth, worth
from models.experiment import Experiment
from models.learning import Learned
from models.metrics import Scored
from models.panel import Panel
from models.retrain import EVALUATION
from models.risk_model import RiskModel

Floats = NDArray[np.float64]
FROZEN = "frozen.json"


@dataclass(frozen=True)
class Stable:
    """The followed enterprises against the first month, and what labels say as they ripen.

    ``expected`` is the rate that the calibrated probabilities alone let expect of each month's visits, before any
    result is known.
    """

    enterprises: int
    months: int
    scores: tuple[Stability, ...]
    classes: tuple[Stability, ...]
    indicators: tuple[tuple[IndicatorDrift, ...], ...]
    migrations: tuple[Migration, ...]
    calibration: CalibrationDrift
    expected: tuple[BeforeLabels, ...]
    retrain: Retrain


@dataclass(frozen=True)
class Review:
    """Everything beyond the rivals that a reviewer is told."""

    visits: TestVisits
    contract: BandContract
    worth: tuple[Worth, ...]
    earlier: tuple[DaysEarlier, ...]
    fairness: Fairness
    stable: Stable
    frozen: dict[str, Frozen]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; the keys that the gate reads are ``band_contract`` and ``drift``."""
        s = self.stable
        latest = s.indicators[-1] if s.indicators else ()
        return {
            "arm": self.visits.statement,
            "band_contract": self.contract.as_dict(),
            "worth": [w.as_dict() for w in self.worth],
            "days_earlier": [d.as_dict() for d in self.earlier],
            "fairness": self.fairness.as_dict(),
            "drift": s.retrain.as_dict(),
            "stability": {
                "enterprises": s.enterprises,
                "months": s.months,
                "scores": [x.as_dict() for x in s.scores],
                "classes": [x.as_dict() for x in s.classes],
                "indicators_last_month": [x.as_dict() for x in latest],
                "migrations": [x.as_dict() for x in s.migrations],
                "calibration": s.calibration.as_dict(),
                "expected": [x.as_dict() for x in s.expected],
            },
        }


def review(
    clean: Path,
    experiment: Experiment,
    dataset: Dataset,
    learned: Learned,
    panel: Panel,
    scorers: Mapping[str, Scored],
) -> Review:
    """Gather the review of a run.

    Parameters
    ----------
    clean
        Clean folder, for the groups.
    experiment, dataset, learned
        The run.
    panel
        Enterprises followed through the test.
    scorers
        The model's and its rivals' scores of the test's visits, as they were measured; "model" is the model.
    """
    model, province, seed = learned.model, experiment.province, experiment.seed
    contract_policy, sampling = load_contract(province), load_sampling(province)
    visits = tested_visits(clean, experiment, dataset, model)
    contract = check_band_contract(visits, model.bands, contract_policy, seed=seed)
    plan = sampling.plans.get(province) or next(iter(sampling.plans.values()))
    name = province if province in sampling.plans else next(iter(sampling.plans))
    awaited = awaited_results(clean, experiment, dataset.as_of)
    stable, frozen = stability_of(model, panel, visits, awaited, load_drift(province), seed)
    repetitions = experiment.evaluation.repetitions
    rivals = {name: scored.score for name, scored in scorers.items() if name != "model"}
    return Review(
        visits,
        contract,
        worth(visits, sampling, contract_policy, repetitions=repetitions, seed=seed),
        tuple(
            days_earlier(visits, window=w, rivals=rivals, codes=codes, repetitions=repetitions, seed=seed)
            for codes in CODES
            for w in WINDOWS
        ),
        fairness(visits, plan, contract_policy, name=name, seed=seed, checks=contract.checks),
        stable,
        frozen,
    )


def tested_visits(clean: Path, experiment: Experiment, dataset: Dataset, model: RiskModel) -> TestVisits:
    """Return the test's visits with what the model says of them, their groups and their direct determinations."""
    test = dataset.parts["test"]
    margin = model.margin(test.X)
    score = np.round(model.score(margin), 1)
    return gather_visits(
        test.outcomes,
        probability=model.probability(margin),
        score=score,
        grade=model.grades(score),
        groups=enterprise_groups(clean, test.outcomes[["enterprise_id", "cutoff"]], province=experiment.province),
        direct=direct_grades(test.frame, experiment.province),
    )


def direct_grades(frame: pd.DataFrame, province: str) -> list[str]:
    """Return the class of each row's direct determination (HB 12, 13), the worst of several; empty without one."""
    from models.bands import load_bands
    from models.classification import GRADES
    from models.determinations import load_determinations

    hits, _ = load_determinations(load_bands(province).determinations).hits(frame)
    return [max((d.grade for d in row), key=GRADES.index, default="") for row in hits]


def stability_of(
    model: RiskModel,
    panel: Panel,
    visits: TestVisits,
    awaited: dict[str, int],
    policy: DriftPolicy,
    seed: int,
) -> tuple[Stable, dict[str, Frozen]]:
    """Compare the followed enterprises of each month with those of the first, which is when the model is frozen."""
    names = list(model.indicator_names)
    X = np.ascontiguousarray(panel.frame[names].to_numpy(dtype=np.float64))
    usable = ~model.unusable(X).any(axis=1)
    score = np.full(len(X), np.nan)
    score[usable] = np.round(model.score(model.margin(X[usable])), 1)
    month = panel.month
    grade = np.full(len(X), "", dtype=object)
    grade[usable] = model.grades(score[usable])
    first = np.asarray(month == min(month.tolist(), default=""))
    frozen = {
        "score": freeze_numbers("score", score[first & usable], policy.bins),
        "class": freeze_classes(grade[first & usable]),
        **freeze_indicators(panel.frame.loc[first, names], policy),
    }
    later = usable & ~first
    scores = monthly(frozen["score"], score[later], month[later], policy, seed=seed)
    classes = monthly(frozen["class"], grade[later], month[later], policy, seed=seed)
    own = {name: frozen[name] for name in names}
    indicators = tuple(
        indicator_drift(own, panel.frame.loc[month == m, names], policy, month=m, seed=seed)
        for m in sorted(set(month[~first]))
    )
    ledger = pd.DataFrame(
        {
            "enterprise_id": panel.frame.index.get_level_values("enterprise_id").to_numpy()[usable],
            "month": month[usable],
            "grade": grade[usable],
        }
    )
    calibration = calibration_drift(visits, awaited, policy)
    expected = tuple(
        before_labels(visits.probability[visits.month == m], visits.weight[visits.month == m], month=m, seed=seed)
        for m in sorted(set(visits.month))
    )
    asked = ask_retrain(policy, scores=scores, classes=classes, indicators=indicators, calibration=calibration)
    return (
        Stable(
            panel.enterprises,
            len(panel.months),
            scores,
            classes,
            indicators,
            migration(ledger),
            calibration,
            expected,
            asked,
        ),
        frozen,
    )


def awaited_results(clean: Path, experiment: Experiment, as_of: date) -> dict[str, int]:
    """Return how many visits of each test month, of the arms that measure, have no result yet in the records."""
    waiting = read_awaited(clean, as_of + timedelta(days=1))
    days = waiting["visited_on"]
    own = waiting["arm"].isin(experiment.arms.measure) & (days >= experiment.split.test_from)
    found = pd.to_datetime(days[own & (days < experiment.split.test_to)]).dt.strftime("%Y-%m").value_counts()
    return {str(m): int(n) for m, n in sorted(found.items())}


def write_review(found: Review, folder: Path) -> None:
    """Write ``evaluation.json`` and ``frozen.json`` into the folder of a run's artifacts."""
    text = json.dumps(found.as_dict(), ensure_ascii=False, indent=1, sort_keys=True, default=_plain)
    (folder / EVALUATION).write_text(text + "\n", encoding="utf-8")
    frozen = {name: f.model_dump(mode="json") for name, f in found.frozen.items()}
    (folder / FROZEN).write_text(json.dumps(frozen, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in {EVALUATION}")
