"""Measures of the rules alone on a study's test: cards, fitted and expert, beside each other and a model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from features.population.groups import enterprise_groups, groups_policy
from features.records.store import RecordStore
from models.arrays import Floats
from models.evaluation import ClassRate
from models.evaluation.band_contract.contract import BandContract, check_band_contract
from models.evaluation.metrics import Evaluation, Sample, Scored, evaluate
from models.evaluation.policies import load_contract
from models.evaluation.visits import gather_visits
from models.learning.learner import bands_of, calibrated
from models.learning.scorecard_fit import FittedCard
from models.review.review import direct_grades
from models.scoring.classification import GRADES
from models.scoring.risk_model import RiskModel
from models.scoring.rules.scorecard import load_scorecard
from models.study.dataset import Dataset
from models.study.experiment import Experiment

FITTED, EXPERT, MODEL = "fitted card", "expert card", "model"
_MIDDLE, _SPREAD = 500.0, 150.0
"""A score as a margin, so that calibration begins near its answer; any straight line would do."""


@dataclass(frozen=True)
class CardsMeasured:
    """What the scorers, the fitted card first, show on the test.

    Parameters
    ----------
    evaluation
        Figures of each, and of the fitted card less each other one, on the same resamples.
    contracts
        The band contract of each: rates of its classes against what the province promises of them.
    """

    evaluation: Evaluation
    contracts: dict[str, BandContract]

    def classes(self, scorer: str) -> tuple[ClassRate, ...]:
        """Return the score classes of a scorer, before direct determinations."""
        return tuple(c for c in self.contracts[scorer].classes if not c.direct)


def measure_cards(
    source: Path | RecordStore,
    experiment: Experiment,
    dataset: Dataset,
    fitted: FittedCard,
    model: RiskModel | None = None,
) -> CardsMeasured:
    """Measure cards on the test's visits, and a model where one is given.

    Parameters
    ----------
    source
        Clean folder, or the store of one, for the groups of the contract.
    experiment, dataset
        The study; its test took no part in anything measured here.
    fitted
        The card fitted on the study.
    model
        Learned from the same rows.

    Notes
    -----
    A card states no probability. To see how its classes and scores are calibrated it gets one, fitted as a model's is:
    on the visits of the rolling origins, before the test; a fitted card's own scores there are out of time.
    """
    bands, test, earlier = bands_of(experiment), dataset.parts["test"], dataset.parts["calibrate"]
    expert = load_scorecard(bands.scorecard)
    scores = {FITTED: fitted.card.evaluate(test.frame).score, EXPERT: expert.evaluate(test.frame).score}
    before = {FITTED: fitted.scores, EXPERT: expert.evaluate(earlier.frame).score}
    scorers = {
        name: Scored(score, calibrated(experiment, earlier, _margin(before[name]))[0].probability(_margin(score)))
        for name, score in scores.items()
    }
    if model is not None:
        margin = model.margin(test.X)
        scorers[MODEL] = Scored(margin, model.probability(margin))
        scores[MODEL] = np.round(model.score(margin), 1)
    e = experiment.evaluation
    found = evaluate(
        Sample.of(test.y, test.enterprise, test.weight),
        scorers,
        repetitions=e.repetitions,
        level=e.level,
        seed=experiment.seed,
    )
    groups = enterprise_groups(source, test.outcomes[["enterprise_id", "cutoff"]], groups_policy(experiment.province))
    direct = direct_grades(test.frame, experiment.province)
    contracts = {}
    for name, scored in scorers.items():
        visits = gather_visits(
            test.outcomes,
            probability=np.clip(np.asarray(scored.probability), 0.0, 1.0),
            score=scores[name],
            grade=[GRADES[i] for i in bands.grade_index(scores[name])],
            groups=groups,
            direct=direct,
        )
        contracts[name] = check_band_contract(visits, bands, load_contract(experiment.province), seed=experiment.seed)
    return CardsMeasured(found, contracts)


def _margin(score: Floats) -> Floats:
    return np.asarray((score - _MIDDLE) / _SPREAD, dtype=np.float64)


def card_metrics(found: CardsMeasured, scorer: str) -> dict[str, float]:
    """Return a card's figures under the names that every run has, its classes among them."""
    e, contract = found.evaluation, found.contracts[scorer]
    out: dict[str, float] = {"test_visits": e.visits, "test_violations": e.violations}
    named = {"test_rate": e.rate, **e.values[scorer]}
    if scorer == FITTED:
        named |= {f"{metric}_minus_scorecard": i for metric, i in e.differences[EXPERT].items()}
    for name, i in named.items():
        out |= {name: i.value, f"{name}_low": i.low, f"{name}_high": i.high}
    for verdict, name in (("pass", "passes"), ("fail", "fails"), ("cannot tell", "cannot_tell")):
        out[f"contract_{name}"] = sum(k.verdict == verdict for k in contract.checks)
    for k in contract.of("calibration_slope"):
        out |= {k.check: k.value, f"{k.check}_low": k.low, f"{k.check}_high": k.high}
    for r in found.classes(scorer):
        out |= {f"class_{r.grade}_share": r.share, f"class_{r.grade}_rate": r.rate, f"class_{r.grade}_visits": r.visits}
    return {name: float(value) for name, value in out.items() if np.isfinite(value)}
