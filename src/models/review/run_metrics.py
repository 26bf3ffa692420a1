"""Figures of a run by name: ``evaluation.json`` holds them all, MLflow shows `models.tracking.metric_names`."""

from __future__ import annotations

import math

from models.evaluation import DaysEarlier
from models.learning.learner import Learned
from models.review.measure import Measured
from models.review.review import Review
from models.study.experiment import Experiment


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
        # The error itself and its interval stand among the test's figures, beside the baselines'; here what a perfect
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


def own_plan(found: Review, province: str) -> str:
    """Return the sampling plan that stands for the province: its own, else the first."""
    plans = [w.plan for w in found.worth]
    return province if province in plans else next(iter(plans), "")


def _days_earlier(d: DaysEarlier) -> dict[str, float]:
    """Days earlier on one kind of list: the model's, its baselines', and the model less each of them."""
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
    """Run parameters that a study decides and by which its figures are comparable with another's, or not."""
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
    out |= {"rounds": found.rounds, "tree_share": found.model.tree_share}
    if found.arm_effect is not None:
        out["arm_effect_log_odds"] = found.arm_effect
    return {name: float(value) for name, value in out.items() if math.isfinite(value)}


def _three(name: str, value: float, low: float, high: float) -> dict[str, float]:
    return {name: value, f"{name}_low": low, f"{name}_high": high}
