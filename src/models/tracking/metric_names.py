"""Names of a run's metrics: whether more is better, and the group each belongs to."""

from __future__ import annotations

import re

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
"""Metric to 1 where more is better, -1 where less is; under a baseline's prefix or as a difference too."""


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
"""Metrics that `fenlei compare` shows, by group; `group_of` adds every plan's lift and saving and every origin."""


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
