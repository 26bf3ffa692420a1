"""Names of the figures that MLflow shows of a run: at most forty, by group, and whether more of one is better.

Everything else that was measured stands in the run's ``evaluation.json``, under ``metrics``.
"""

from __future__ import annotations

BASELINES = ("scorecard", "past_rate", "logistic")


def _three(shown: str, measured: str) -> dict[str, str]:
    return {f"{shown}{end}": f"{measured}{end}" for end in ("", "_low", "_high")}


HEADLINE: dict[str, str] = {
    "test/visits": "test_visits",
    "test/violations": "test_violations",
    **_three("test/rate", "test_rate"),
    **_three("test/auc", "auc"),
    "test/average_precision": "average_precision",
    "test/precision_top_tenth": "precision_top_tenth",
    "test/log_loss": "log_loss",
    "test/brier": "brier",
    "test/calibration_error": "calibration_error",
    **_three("test/calibration_slope", "calibration_slope"),
    **{k: v for b in BASELINES for k, v in _three(f"baseline/{b}/auc_difference", f"auc_minus_{b}").items()},
    "contract/passes": "contract_passes",
    "contract/fails": "contract_fails",
    "contract/cannot_tell": "contract_cannot_tell",
    "drift/psi_score": "psi_score_last",
    "drift/psi_classes": "psi_classes_last",
    **_three("worth/days_earlier", "days_earlier"),
    **_three("worth/lift", "worth_{plan}_lift"),
    "learnt/arm_effect": "arm_effect_log_odds",
    "learnt/tree_share": "tree_share",
}
"""Name in MLflow to the name of the figure in ``evaluation.json``; ``{plan}`` is the province's own sampling plan."""

GROUPS = ("test", "baseline", "contract", "worth", "drift", "learnt")
"""Groups in the order in which `fenlei compare` shows them: what a name begins with."""

BETTER = dict.fromkeys(
    ("auc", "auc_difference", "average_precision", "precision_top_tenth", "passes", "days_earlier", "lift"), 1
) | dict.fromkeys(("log_loss", "brier", "calibration_error", "fails", "cannot_tell", "psi_score", "psi_classes"), -1)
"""Last part of a name to 1 where more is better, -1 where less is."""


def headline(measured: dict[str, float], plan: str) -> dict[str, float]:
    """Return the figures that MLflow shows.

    Parameters
    ----------
    measured
        Every figure of a run, by the names of `models.review.run_metrics`.
    plan
        The province's sampling plan.
    """
    wanted = {shown: name.format(plan=plan) for shown, name in HEADLINE.items()}
    return {shown: measured[name] for shown, name in wanted.items() if name in measured}


def better(metric: str) -> int:
    """Return 1 where a greater value of a figure is better, -1 where a smaller one is, 0 where neither.

    Examples
    --------
    >>> better("test/auc"), better("test/log_loss"), better("test/visits")
    (1, -1, 0)
    """
    return BETTER.get(metric.rpartition("/")[2], 0)


def group_of(metric: str) -> str:
    """Return the group that a figure is shown in; empty for one that is of none."""
    group = metric.partition("/")[0]
    return group if group in GROUPS else ""
