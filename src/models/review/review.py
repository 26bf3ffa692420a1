"""Review of one run: the contract, the worth, fairness, stability and drift, gathered for whoever signs.

The figures are those of `models.evaluation`; here they get their visits, groups and months, and are written down:
``evaluation.json`` with every figure (the gate reads its verdicts), ``frozen.json`` with the distributions that later
months are compared with.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from features.catalogue import with_sector
from features.policy import policy_hash
from features.population.groups import enterprise_groups, groups_policy
from features.records.store import RecordStore
from models.evaluation import BandContract, TestVisits, check_band_contract, load_contract
from models.evaluation.days_gained import WINDOWS, DaysEarlier, days_earlier
from models.evaluation.drift.drift import (
    CalibrationDrift,
    IndicatorDrift,
    Retrain,
    ask_retrain,
    calibration_drift,
    freeze_indicators,
    indicator_drift,
)
from models.evaluation.drift.expected import BeforeLabels, before_labels
from models.evaluation.drift.migration import Migration, migration
from models.evaluation.drift.psi import Frozen, Stability, freeze_classes, freeze_numbers, monthly
from models.evaluation.group_fairness import Fairness, fairness
from models.evaluation.metrics import Scored
from models.evaluation.plan_worth import CODES, Worth, worth, worth_by_group
from models.evaluation.policies import JUDGED_BY, DriftPolicy, load_drift, load_sampling
from models.evaluation.visits import gather_visits
from models.learning.learner import Learned
from models.scoring.bands import load_bands
from models.scoring.classification import GRADES
from models.scoring.risk_model import RiskModel
from models.scoring.rules.determinations import load_determinations
from models.study.dataset import Dataset, Part
from models.study.experiment import Experiment
from models.study.panel import Panel
from models.study.pending import Awaited, awaited_visits, count_by_month, score_awaited
from models.tracking.artifacts import EVALUATION, FROZEN

SHARED = frozenset(name for name, i in with_sector(None, peers=True).items() if i.shared)
"""Indicators of which one value stands for all of an industry, district or legal form."""


@dataclass(frozen=True, kw_only=True)
class Stable:
    """The followed enterprises against the first month, and what labels say as they ripen.

    ``expected`` is the rate that the calibrated probabilities alone let expect of each month's visits, whether their
    results have come in or not; ``expected_arrived`` that of the visits with a result alone, month by month what the
    observed rate can be compared with.
    """

    enterprises: int
    months: int
    scores: tuple[Stability, ...]
    classes: tuple[Stability, ...]
    indicators: tuple[tuple[IndicatorDrift, ...], ...]
    migrations: tuple[Migration, ...]
    calibration: CalibrationDrift
    expected: tuple[BeforeLabels, ...]
    expected_arrived: tuple[BeforeLabels, ...]
    retrain: Retrain


@dataclass(frozen=True, kw_only=True)
class Review:
    """Everything beyond the baselines that a reviewer is told.

    ``policies``: each policy it was judged by, and no model is made by, to its hash; the gate asks for today's.
    """

    visits: TestVisits
    contract: BandContract
    worth: tuple[Worth, ...]
    worth_groups: tuple[Worth, ...]
    earlier: tuple[DaysEarlier, ...]
    fairness: Fairness
    stable: Stable
    frozen: dict[str, Frozen]
    policies: dict[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; the gate reads ``band_contract``, ``drift`` and ``policies``."""
        s = self.stable
        latest = s.indicators[-1] if s.indicators else ()
        return {
            "arm": self.visits.statement,
            "policies": self.policies,
            "band_contract": self.contract.as_dict(),
            "worth": [w.as_dict() for w in self.worth],
            "worth_by_group": [w.as_dict() for w in self.worth_groups],
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
                "expected_arrived": [x.as_dict() for x in s.expected_arrived],
            },
        }


def review(
    source: Path | RecordStore,
    experiment: Experiment,
    dataset: Dataset,
    learned: Learned,
    panel: Panel,
    scorers: Mapping[str, Scored],
) -> Review:
    """Gather the review of a run.

    Parameters
    ----------
    source
        Clean folder, or the store of one, for the groups.
    experiment, dataset, learned
        The run.
    panel
        Enterprises followed through the test.
    scorers
        The model's and its baselines' scores of the test's visits, as they were measured; "model" is the model.
    """
    model, province, seed = learned.model, experiment.province, experiment.seed
    contract_policy, sampling = load_contract(province), load_sampling(province)
    visits = tested_visits(source, experiment, dataset.parts["test"], model)
    contract = check_band_contract(visits, model.bands, contract_policy, seed=seed)
    plan = sampling.plans.get(province) or next(iter(sampling.plans.values()))
    name = province if province in sampling.plans else next(iter(sampling.plans))
    rows = awaited_visits(source, experiment, dataset.as_of)
    waiting = score_awaited(source, experiment, model, rows, weighted=visits.arm == "random")
    drift = load_drift(province)
    stable, frozen = stability_of(model, panel, visits, count_by_month(rows), drift, seed, waiting=waiting)
    repetitions = experiment.evaluation.repetitions
    rivals = {name: scored.score for name, scored in scorers.items() if name != "model"}
    return Review(
        visits=visits,
        contract=contract,
        worth=worth(visits, sampling, contract_policy, repetitions=repetitions, seed=seed),
        worth_groups=worth_by_group(visits, sampling, contract_policy, repetitions=repetitions, seed=seed),
        earlier=tuple(
            days_earlier(visits, window=w, rivals=rivals, codes=codes, repetitions=repetitions, seed=seed)
            for codes in CODES
            for w in WINDOWS
        ),
        fairness=fairness(visits, plan, contract_policy, name=name, seed=seed, checks=contract.checks),
        stable=stable,
        frozen=frozen,
        policies={policy: policy_hash(province, policy) for policy in JUDGED_BY},
    )


def tested_visits(source: Path | RecordStore, experiment: Experiment, test: Part, model: RiskModel) -> TestVisits:
    """Return visits with what the model says of them, their groups and their direct determinations."""
    margin = model.margin(test.X)
    score = np.round(model.score(margin), 1)
    return gather_visits(
        test.outcomes,
        probability=model.probability(margin),
        score=score,
        grade=model.grades(score),
        groups=enterprise_groups(
            source, test.outcomes[["enterprise_id", "cutoff"]], groups_policy(experiment.province)
        ),
        direct=direct_grades(test.frame, experiment.province),
    )


def direct_grades(frame: pd.DataFrame, province: str) -> list[str]:
    """Return the class of each row's direct determination (HB 12, 13), the worst of several; empty without one."""
    hits, _ = load_determinations(load_bands(province).determinations).hits(frame)
    return [max((d.grade for d in row), key=GRADES.index, default="") for row in hits]


def stability_of(
    model: RiskModel,
    panel: Panel,
    visits: TestVisits,
    awaited: dict[str, int],
    policy: DriftPolicy,
    seed: int,
    frozen: Mapping[str, Frozen] | None = None,
    waiting: Awaited | None = None,
) -> tuple[Stable, dict[str, Frozen]]:
    """Compare the followed enterprises of each month with what was frozen.

    Without ``frozen`` that is their own first month, which is when the model could first have been used. ``awaited``
    says how many visits of a month have no result, ``waiting`` what the model says of them; without it what is expected
    before results is of the visits with a result alone.
    """
    names = list(model.indicator_names)
    X = np.ascontiguousarray(panel.frame[names].to_numpy(dtype=np.float64))
    usable = ~model.unusable(X).any(axis=1)
    score = np.full(len(X), np.nan)
    score[usable] = np.round(model.score(model.margin(X[usable])), 1)
    month = panel.month
    grade = np.full(len(X), "", dtype=object)
    grade[usable] = model.grades(score[usable])
    first = np.asarray(month == min(month.tolist(), default=""))
    if frozen is None:
        frozen = {
            "score": freeze_numbers("score", score[first & usable], policy.bins),
            "class": freeze_classes(grade[first & usable]),
            **freeze_indicators(panel.frame.loc[first, names], policy, shared=SHARED),
        }
    else:
        first = np.zeros(len(month), dtype=bool)
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
    asked = ask_retrain(policy, scores=scores, classes=classes, indicators=indicators, calibration=calibration)
    return (
        Stable(
            enterprises=panel.enterprises,
            months=len(panel.months),
            scores=scores,
            classes=classes,
            indicators=indicators,
            migrations=migration(ledger),
            calibration=calibration,
            expected=expected_by_month(visits, waiting, seed),
            expected_arrived=expected_by_month(visits, None, seed),
            retrain=asked,
        ),
        dict(frozen),
    )


def expected_by_month(visits: TestVisits, waiting: Awaited | None, seed: int) -> tuple[BeforeLabels, ...]:
    """Estimate each month's rate from the probabilities of its visits, those without a result among them."""
    month, p, w = visits.month, visits.probability, visits.weight
    if waiting is not None:
        month = np.concatenate([month, waiting.month])
        p, w = np.concatenate([p, waiting.probability]), np.concatenate([w, waiting.weight])
    late = np.arange(len(month)) >= len(visits)
    return tuple(
        before_labels(p[month == m], w[month == m], month=str(m), awaited=int(late[month == m].sum()), seed=seed)
        for m in sorted(set(month))
    )


def write_review(found: Review, folder: Path, metrics: Mapping[str, float] | None = None) -> None:
    """Write ``evaluation.json`` and ``frozen.json`` into the folder of a run's artifacts.

    Parameters
    ----------
    found, folder
        The review, and where its files go.
    metrics
        Every finite figure of the run by its name, of which MLflow shows a few.
    """
    finite = {name: value for name, value in (metrics or {}).items() if np.isfinite(value)}
    text = json.dumps(
        {**found.as_dict(), "metrics": finite}, ensure_ascii=False, indent=1, sort_keys=True, default=_plain
    )
    (folder / EVALUATION).write_text(text + "\n", encoding="utf-8")
    frozen = {name: f.model_dump(mode="json") for name, f in found.frozen.items()}
    (folder / FROZEN).write_text(json.dumps(frozen, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in {EVALUATION}")
