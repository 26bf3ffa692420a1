"""The evaluation a reviewer signs by: pure functions of tested visits, each result flat, named and with its arm."""

from models.evaluation.band_contract.contract import BandContract, ClassRate, check_band_contract
from models.evaluation.days_gained import WINDOWS, DaysEarlier, RivalDays, days_earlier
from models.evaluation.drift.drift import (
    CalibrationDrift,
    IndicatorDrift,
    MonthCalibration,
    Retrain,
    ask_retrain,
    calibration_drift,
    freeze_indicators,
    indicator_drift,
)
from models.evaluation.drift.expected import BeforeLabels, before_labels, expected_auc
from models.evaluation.drift.migration import Migration, migration
from models.evaluation.drift.psi import (
    Frozen,
    Stability,
    freeze_classes,
    freeze_numbers,
    monthly,
    stability,
)
from models.evaluation.group_fairness import Fairness, GroupFairness, fairness
from models.evaluation.plan_worth import Worth, worth, worth_by_group
from models.evaluation.policies import (
    ContractPolicy,
    DriftPolicy,
    Plan,
    SamplingPolicy,
    load_contract,
    load_drift,
    load_sampling,
)
from models.evaluation.verdicts import Check, Verdict
from models.evaluation.visits import TestVisits, gather_visits

__all__ = [
    "WINDOWS",
    "BandContract",
    "BeforeLabels",
    "CalibrationDrift",
    "Check",
    "ClassRate",
    "ContractPolicy",
    "DaysEarlier",
    "DriftPolicy",
    "Fairness",
    "Frozen",
    "GroupFairness",
    "IndicatorDrift",
    "Migration",
    "MonthCalibration",
    "Plan",
    "Retrain",
    "RivalDays",
    "SamplingPolicy",
    "Stability",
    "TestVisits",
    "Verdict",
    "Worth",
    "ask_retrain",
    "before_labels",
    "calibration_drift",
    "check_band_contract",
    "days_earlier",
    "expected_auc",
    "fairness",
    "freeze_classes",
    "freeze_indicators",
    "freeze_numbers",
    "gather_visits",
    "indicator_drift",
    "load_contract",
    "load_drift",
    "load_sampling",
    "migration",
    "monthly",
    "stability",
    "worth",
    "worth_by_group",
]
