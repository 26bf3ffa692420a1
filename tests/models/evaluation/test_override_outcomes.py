"""Who was right, officials or model, is told from visits while the override held, by arm, and only where it can be."""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd
import pytest

from models.evaluation.override_outcomes import override_outcomes
from models.scoring.classification import Grade
from models.scoring.overridden import Decided, Overrides

SINCE, UNTIL = date(2026, 1, 5), date(2026, 7, 1)
PROMISES: dict[Grade, tuple[float, float]] = {"A": (0.0, 0.09), "B": (0.09, 0.18), "C": (0.18, 0.35), "D": (0.35, 1.0)}


def moved(n: int, before: Grade, after: Grade) -> Overrides:
    return Overrides(tuple(Decided(k, f"E{k}", after, before, "seen", SINCE, UNTIL) for k in range(n)))


def visits(n: int, violations: int, arm: str = "random", on: date = SINCE + timedelta(days=30)) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "enterprise_id": [f"E{k}" for k in range(n)],
            "visited_on": on,
            "arm": arm,
            "probability_ppm": pd.array([100_000] * n, dtype="Int64"),
            "violation": [1] * violations + [0] * (n - violations),
        }
    )


@pytest.mark.parametrize(("violations", "right"), [(120, "person"), (4, "model"), (40, "cannot tell")])
def test_the_class_whose_promise_alone_is_kept_was_right(violations: int, right: str) -> None:
    kind, whole = override_outcomes(visits(200, violations), moved(200, "A", "D"), PROMISES)
    assert (kind.instead_of, kind.grade, kind.stricter) == ("A", "D", True)
    assert (kind.enterprises, kind.visits, kind.violations) == (200, 200, violations)
    assert kind.rate.value == pytest.approx(violations / 200)
    assert kind.rate.low < violations / 200 < kind.rate.high
    assert kind.right == right
    assert (whole.grade, whole.visits, whole.right) == ("all", 200, "cannot tell")


def test_few_visits_can_not_tell() -> None:
    assert override_outcomes(visits(3, 1), moved(3, "A", "D"), PROMISES)[0].right == "cannot tell"


def test_arms_and_directions_are_never_mixed() -> None:
    both = Overrides((*moved(5, "A", "D").decided, Decided(9, "E9", "A", "C", "seen", SINCE, UNTIL)))
    seen = pd.concat([visits(5, 2), visits(5, 5, "complaint"), visits(10, 0).tail(1)])
    found = override_outcomes(seen, both, PROMISES)
    assert [(f.arm, f.stricter, f.instead_of, f.grade, f.visits) for f in found] == [
        ("complaint", True, "A", "D", 5),
        ("complaint", True, "all", "all", 5),
        ("random", False, "C", "A", 1),
        ("random", False, "all", "all", 1),
        ("random", True, "A", "D", 5),
        ("random", True, "all", "all", 5),
    ]


@pytest.mark.parametrize("on", [SINCE - timedelta(days=1), SINCE, UNTIL])
def test_visits_before_the_approval_on_its_day_or_after_the_end_do_not_count(on: date) -> None:
    assert override_outcomes(visits(5, 2, on=on), moved(5, "A", "D"), PROMISES) == []


def test_the_random_arm_counts_by_its_draw_probabilities() -> None:
    seen = visits(2, 1)
    seen["probability_ppm"] = pd.array([500_000, 100_000], dtype="Int64")
    assert override_outcomes(seen, moved(2, "A", "D"), PROMISES)[0].rate.value == pytest.approx(2 / 12)
