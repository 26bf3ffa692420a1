"""The metrics of a run under the names all runs share, so that sorting runs in MLflow ranks them."""

from __future__ import annotations

import math
import re

from models.evaluation import DaysEarlier
from models.learning.learn import Learned
from models.review.measure import Measured
from models.review.review import Review
from models.study.experiment import Experiment

_HIGHER = (
    *("auc", "average_precision", "precision_top_tenth", "days_earlier", "contract_passes", "contract_months"),
    *("days_earlier_whole_test", "days_earlier_severity", "days_earlier_whole_test_severity"),
    *("per_inspection", "lift", "saved"),
)
_LOWER = (
    *("log_loss", "brier", "calibration_error", "contract_fails", "contract_cannot_tell"),
    *("psi_score_last", "psi_classes_last"),
)
BETTER = dict.fromkeys(_HIGHER, 1) | dict.fromkeys(_LOWER, -1)
"""Metric to 1 where more is better, -1 where less is; under a rival's prefix or as a difference it means the same."""

GROUPS: dict[str, tuple[str, ...]] = {
    "ranking": ("auc", "average_precision", "precision_top_tenth", "auc_minus_scorecard", "auc_minus_past_rate",
                "auc_minus_logistic", "without_6_and_B_auc"),
    "probability": ("log_loss", "brier", "calibration_error", "calibration_slope"),
    "contract": ("contract_passes", "contract_fails", "contract_cannot_tell", "contract_months", "class_A_rate",
                 "class_B_rate", "class_C_rate", "class_D_rate"),
    "worth": ("days_earlier", "days_earlier_minus_scorecard", "days_earlier_minus_past_rate",
              "days_earlier_minus_logistic", "days_earlier_severity", "without_6_and_B_days_earlier",
              "days_earlier_whole_test"),
    "stability": ("psi_score_last", "psi_classes_last", "arm_effect_log_odds"),
}  # fmt: skip
"""What `fenlei compare` shows, by group; `group_of` adds every plan's lift and saving and every origin."""

_OWN = {"worth": r"worth_(?!.+_severity_).+_(lift|saved)", "stability": r"origin_\d+_(auc|log_loss)"}
_RIVAL = re.compile(r"^(scorecard|past_rate|logistic)_|^without_6_and_B_|_minus_(scorecard|past_rate|logistic)$")


def better(metric: str) -> int:
    """Return 1 where a greater value of a metric is better, -1 where a smaller one is, 0 where neither."""
    name = _RIVAL.sub("", _RIVAL.sub("", metric))
    if name.startswith(("worth_", "origin_")):
        name = next((n for n in BETTER if name.endswith(f"_{n}")), name)
    return BETTER.get(name, 0)


def group_of(metric: str) -> str:
    """Return the group that a metric is shown in; empty for those shown only when all are asked for."""
    for group, names in GROUPS.items():
        if metric in names or (group in _OWN and re.fullmatch(_OWN[group], metric)):
            return group
    return ""


def metrics_of(measured: Measured) -> dict[str, float]:
    """Metrics under the names all runs share: ``auc``, ``auc_low``, ``scorecard_auc``, ``auc_minus_scorecard``…"""
    out: dict[str, float] = {}
    for prefix, evaluation in (("", measured.evaluation), ("without_6_and_B_", measured.without)):
        if evaluation is None:
            continue
        out |= {f"{prefix}test_visits": evaluation.visits, f"{prefix}test_violations": evaluation.violations}
        out |= _three(f"{prefix}test_rate", evaluation.rate.value, evaluation.rate.low, evaluation.rate.high)
        named = {
            f"{prefix}{'' if scorer == 'model' else scorer + '_'}{metric}": interval
            for scorer, row in evaluation.values.items()
            for metric, interval in row.items()
        } | {
            f"{prefix}{metric}_minus_{rival}": interval
            for rival, row in evaluation.differences.items()
            for metric, interval in row.items()
        }
        for name, i in named.items():
            out |= {name: i.value, f"{name}_low": i.low, f"{name}_high": i.high}
    return out


def review_metrics(found: Review) -> dict[str, float]:
    """Metrics of the review: ``contract_*``, ``calibration_*``, ``worth_<plan>_*``, ``days_earlier*``, ``psi_*``…

    Verdicts are counts of checks, so that they sort: ``contract_fails``, ``contract_cannot_tell``. Without result codes
    6 and B alone a name begins as ever with ``without_6_and_B_``; what is weighted by severity has ``severity`` in it.
    """
    c = found.contract
    out: dict[str, float] = {
        "contract_passes": sum(k.verdict == "pass" for k in c.checks),
        "contract_fails": sum(k.verdict == "fail" for k in c.checks),
        "contract_cannot_tell": sum(k.verdict == "cannot tell" for k in c.checks),
        "contract_months": c.months,
    }
    for k in c.of("calibration_error"):
        # The error itself and its interval stand among the test's figures, beside the rivals'; here what a perfect
        # model shows, and the most it may show.
        out |= {"calibration_error_if_perfect": k.low, "calibration_error_limit": k.high}
    for k in c.of("calibration_slope"):
        out |= _three(k.check, k.value, k.low, k.high)
    for r in c.classes:
        if not r.direct:
            out |= {f"class_{r.grade}_share": r.share, f"class_{r.grade}_visits": r.visits}
            out |= _three(f"class_{r.grade}_rate", r.rate, r.low, r.high)
    for w in found.worth:
        name = f"{_codes(w.codes)}worth_{w.plan}{'' if w.what == 'violations' else f'_{w.what}'}"
        out |= _three(f"{name}_per_inspection", w.per_inspection, w.per_inspection_low, w.per_inspection_high)
        out |= _three(f"{name}_lift", w.lift, w.lift_low, w.lift_high)
        out |= _three(f"{name}_saved", w.saved, w.saved_low, w.saved_high)
    for d in found.earlier:
        out |= _days_earlier(d)
    if found.stable.scores:
        out |= {"psi_score_last": found.stable.scores[-1].psi, "psi_classes_last": found.stable.classes[-1].psi}
    return {name: float(value) for name, value in out.items() if math.isfinite(value)}


def _days_earlier(d: DaysEarlier) -> dict[str, float]:
    """Days earlier on one kind of list: the model's, its rivals', and the model less each of them."""
    before = _codes(d.codes)
    # Of a month's list without more words: that name is older than the other window.
    name = "days_earlier" if d.window == "month" else f"days_earlier_{d.window.replace(' ', '_')}"
    severe = f"{name}_severity"
    out = _three(f"{before}{name}", d.days, d.days_low, d.days_high)
    out |= _three(f"{before}{severe}", d.days_severity, d.days_severity_low, d.days_severity_high)
    for r in d.rivals:
        days = (r.days_severity, r.days_severity_low, r.days_severity_high)
        less = (r.difference_severity, r.difference_severity_low, r.difference_severity_high)
        out |= _three(f"{before}{r.rival}_{name}", r.days, r.days_low, r.days_high)
        out |= _three(f"{before}{name}_minus_{r.rival}", r.difference, r.difference_low, r.difference_high)
        out |= _three(f"{before}{r.rival}_{severe}", *days) | _three(f"{before}{severe}_minus_{r.rival}", *less)
    return out


def _codes(codes: str) -> str:
    """Return how a name begins that is of these result codes: as among the test's figures."""
    return "" if codes == "all" else "without_6_and_B_"


def design_params(experiment: Experiment) -> dict[str, object]:
    """What a study decides that makes its figures comparable with another's, or not, as run parameters."""
    a, split = experiment.arms, experiment.split
    return {
        "learn_arms": "+".join(a.learn),
        "measure_arms": "+".join(a.measure),
        "arm": a.arm,
        "weights": a.weights,
        "fit_weights": a.fit_weights,
        "label_codes": experiment.label.codes,
        "sector": experiment.sector or "general",
        "test_from": split.test_from.isoformat(),
        "test_to": split.test_to.isoformat(),
    }


def learned_metrics(found: Learned) -> dict[str, float]:
    """Metrics of the fit: what each rolling origin showed, the latest first, and the arm's effect."""
    out: dict[str, float] = {}
    for k, o in enumerate(found.origins, start=1):
        out |= {f"origin_{k}_visits": o.visits, f"origin_{k}_violations": o.violations}
        for name, i in (("auc", o.auc), ("log_loss", o.log_loss)):
            out |= _three(f"origin_{k}_{name}", i.value, i.low, i.high)
    if found.arm_effect is not None:
        out["arm_effect_log_odds"] = found.arm_effect
    return {name: float(value) for name, value in out.items() if math.isfinite(value)}


def _three(name: str, value: float, low: float, high: float) -> dict[str, float]:
    return {name: value, f"{name}_low": low, f"{name}_high": high}
