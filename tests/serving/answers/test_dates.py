"""A record's events are held against its registration and against the day they became known."""

from __future__ import annotations

import pytest

from serving.answers.dates import too_early

REGISTERED = {"record_id": "r", "occurred_at": "2015-03-01", "known_at": "2015-03-05"}
FOUNDED = "a day no earlier than the registration of the enterprise on 2015-03-01"
SOON = "a day within 20 years before known_at"


def event(occurred: object, known: object, name: str = "i") -> dict[str, object]:
    return {"record_id": name, "occurred_at": occurred, "known_at": known}


@pytest.mark.parametrize(
    ("table", "rows", "found"),
    [
        ("inspections", [event("2015-03-01", "2015-03-09")], []),
        ("inspections", [event("2015-02-28", "2015-03-09")], [("inspections", 0, FOUNDED)]),
        ("shareholdings", [event("2015-02-28", "2040-03-09")], []),
        ("penalties", [event("2016-02-29", "2036-02-29")], []),
        ("penalties", [event("2016-02-29", "2036-03-01")], [("penalties", 0, SOON)]),
        ("penalties", [event("2016-02-29", "2016-03-01"), event("2016-02-29", "2040-03-01")], []),
        ("penalties", [event("soon", "2036-03-01"), event(None, 7), {}], []),
    ],
)
def test_an_event_that_lies_too_early_is_named(
    table: str, rows: list[dict[str, object]], found: list[tuple[str, int, str]]
) -> None:
    assert list(too_early({"registration": [REGISTERED], table: rows})) == found


def test_without_a_registration_nothing_is_before_it() -> None:
    assert list(too_early({"inspections": [event("1990-01-01", "1990-01-09")]})) == []
