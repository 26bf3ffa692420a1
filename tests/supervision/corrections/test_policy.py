"""What a province says of corrections is checked when it is loaded."""

from __future__ import annotations

from datetime import date

import pytest
from pydantic import ValidationError

from supervision.corrections.policy import CorrectionsPolicy, load_corrections, months_later

TIMES = {"review_days": 1, "decide_days": 2}
REPAIR = TIMES | {"effective_days": 0, "required": [], "one_of": [], "never": [], "least_months": {"penalties": 6}}


def policy(**changes: object) -> CorrectionsPolicy:
    return CorrectionsPolicy.model_validate({"objection": TIMES, "repair": REPAIR | changes})


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"required": ["patience"]}, "required or one_of names .*patience"),
        ({"never": ["scolding"]}, "never names .*scolding"),
        ({"least_months": {"penaltys": 6}}, "least_months names .*penaltys"),
        ({"field_months": {"foods": 12}}, "field_months names .*foods"),
        ({"least_months": {"penalties": -1}}, "expected 0 or more"),
        ({"effective_days": -1}, "effective_days"),
        ({"colour": 1}, "colour"),
    ],
)
def test_a_slip_in_the_policy_is_named(changes: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        policy(**changes)


def test_hebei_asks_for_longer_where_food_drugs_and_equipment_are_concerned() -> None:
    repair = load_corrections("hebei").repair
    assert repair.field_months["food"] > repair.least_months["penalties"] > repair.least_months["abnormal_list"]


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2025, 8, 31), 6, date(2026, 2, 28)),
        (date(2023, 12, 31), 2, date(2024, 2, 29)),
        (date(2025, 11, 30), 1, date(2025, 12, 30)),
        (date(2025, 12, 5), 12, date(2026, 12, 5)),
        (date(2025, 12, 31), 0, date(2025, 12, 31)),
    ],
)
def test_months_end_on_the_last_day_of_a_shorter_month(day: date, months: int, expected: date) -> None:
    assert months_later(day, months) == expected
