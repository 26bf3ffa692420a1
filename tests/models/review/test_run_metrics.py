"""MLflow and ``fenlei compare`` get what the report says, under names that say what it is of, with intervals."""

from __future__ import annotations

import math

import pytest

from helpers.report_page import review
from models.review.review import Review
from models.review.run_metrics import own_plan, review_metrics
from models.tracking.metric_names import headline


@pytest.fixture(scope="module")
def found() -> Review:
    return review()


@pytest.fixture(scope="module")
def metrics(found: Review) -> dict[str, float]:
    return review_metrics(found)


PREFIX = {"all": "", "without 6 and B": "without_6_and_B_"}


def three(metrics: dict[str, float], name: str) -> list[float]:
    return [metrics[f"{name}{end}"] for end in ("", "_low", "_high")]


def test_every_plans_worth_is_there_by_violations_and_severity_with_and_without_codes_6_and_b(
    found: Review, metrics: dict[str, float]
) -> None:
    assert {(w.what, w.codes) for w in found.worth} == {(a, b) for a in ("violations", "severity") for b in PREFIX}
    for w in found.worth:
        name = f"{PREFIX[w.codes]}worth_{w.plan}{'_severity' if w.what == 'severity' else ''}"
        assert three(metrics, f"{name}_lift") == [w.lift, w.lift_low, w.lift_high]
        assert three(metrics, f"{name}_saved") == [w.saved, w.saved_low, w.saved_high]
        assert three(metrics, f"{name}_per_inspection") == [
            w.per_inspection,
            w.per_inspection_low,
            w.per_inspection_high,
        ]
    assert metrics["worth_hebei_lift"] != metrics["worth_hebei_severity_lift"]
    assert metrics["worth_hebei_lift"] != metrics["without_6_and_B_worth_hebei_lift"]


def test_days_earlier_are_there_by_severity_and_without_codes_6_and_b_the_rivals_too(
    found: Review, metrics: dict[str, float]
) -> None:
    names = {"month": "days_earlier", "whole test": "days_earlier_whole_test"}
    assert len(found.earlier) == 4
    for d in found.earlier:
        before, name = PREFIX[d.codes], names[d.window]
        assert three(metrics, f"{before}{name}") == [d.days, d.days_low, d.days_high]
        severe = f"{before}{name}_severity"
        assert three(metrics, severe) == [d.days_severity, d.days_severity_low, d.days_severity_high]
        for r in d.rivals:
            assert metrics[f"{before}{r.rival}_{name}"] == r.days
            assert metrics[f"{before}{r.rival}_{name}_severity"] == r.days_severity
            assert three(metrics, f"{severe}_minus_{r.rival}") == [
                r.difference_severity,
                r.difference_severity_low,
                r.difference_severity_high,
            ]


def test_a_figure_stands_under_one_name(metrics: dict[str, float]) -> None:
    assert not [m for m in metrics if "ece" in m.split("_")]
    # The error itself is logged with the test's figures, beside its rivals' and with its interval.
    assert {m for m in metrics if m.startswith("calibration_error")} == {
        "calibration_error_if_perfect",
        "calibration_error_limit",
    }


def test_every_metric_is_a_number_and_an_interval_holds_its_figure(metrics: dict[str, float]) -> None:
    assert all(math.isfinite(v) for v in metrics.values())
    ends = [m.removesuffix("_low") for m in metrics if m.endswith("_low")]
    assert len(ends) > 100
    for name in ends:
        assert metrics[f"{name}_low"] <= metrics[name] <= metrics[f"{name}_high"]


def test_mlflow_shows_the_provinces_own_plan_and_what_a_reviewer_asks_first(
    found: Review, metrics: dict[str, float]
) -> None:
    shown = headline(metrics, own_plan(found, "hebei"))
    assert shown["worth/lift"] == metrics["worth_hebei_lift"]
    assert headline(metrics, own_plan(found, "nowhere"))["worth/lift"] == metrics[f"worth_{found.worth[0].plan}_lift"]
    assert shown["contract/fails"] == metrics["contract_fails"]
    assert three(shown, "worth/days_earlier") == three(metrics, "days_earlier")
    assert len(shown) < len(metrics) / 5
