"""Measures by field and class: what HB 18 and 19 say, and the stricter of class and sector grade."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from features.records.store import open_frames
from models.scoring.classification import Grade
from serving.ledger.place import LedgerError
from serving.ledger.read import Ledger
from supervision.measures import FIELDS, MeasuresPolicy, load_measures, measures_for
from supervision.standing import Span, find_month, month_measures, standing, year_start

HEBEI = load_measures("hebei")
MONTH = "2025-11"


def bit(*fields: str) -> int:
    return sum(1 << FIELDS.index(field) for field in fields)


def graded(field: str, grade: int) -> int:
    return grade << (2 * FIELDS.index(field))


@pytest.mark.parametrize(
    ("field", "grade", "least", "most", "months", "must"),
    [
        ("certification", "A", None, 1, 24, ""),
        ("certification", "B", None, 1, 12, ""),
        ("certification", "C", 1, None, 12, ""),
        ("certification", "D", 2, None, 12, "yearly"),
        ("special_equipment", "C", 1, None, 12, ""),
        ("special_equipment", "D", 1, None, 12, "yearly"),
        ("product_quality", "D", 1, None, 12, "yearly"),
        ("price", "D", None, None, 12, "special_action"),
        ("competition", "D", None, None, 12, "special_action"),
        ("intellectual_property", "D", None, None, 12, "special_action"),
        ("advertising", "D", None, None, 12, ""),
    ],
)
def test_numbers_are_those_of_the_articles(
    field: str, grade: Grade, least: int | None, most: int | None, months: int, must: str
) -> None:
    """HB 18(2), 18(3), 19(1) to 19(5)."""
    one = HEBEI.of(field).of(grade)
    assert (one.least, one.most, one.months, one.must) == (least, most, months, must)


@pytest.mark.parametrize(
    ("grade", "sector", "expected", "by"),
    [("B", 0, "B", "class"), ("B", 1, "B", "class"), ("B", 2, "C", "sector grade"), ("D", 1, "D", "class")],
)
def test_the_stricter_of_class_and_sector_grade_sets_the_measure(
    grade: Grade, sector: int, expected: str, by: str
) -> None:
    """SAMR (9): the general class never replaces the sector's own grade."""
    [food, *rest] = measures_for(HEBEI, grade, bit("food"), graded("food", sector))
    assert (food.field, food.grade, food.by, food.article) == ("food", expected, by, "HB 18(1)")
    assert {a.field for a in rest} == set(HEBEI.everywhere)
    assert {a.grade for a in rest} == {grade}


def test_a_field_without_measures_of_its_own_has_those_of_other_fields() -> None:
    [labour] = [a for a in measures_for(HEBEI, "C", bit("labour"), 0) if a.field == "labour"]
    assert labour.article == "HB 17, 19(6)"
    assert labour.field_zh == "劳动保障"


@pytest.mark.parametrize(
    ("level", "levels", "expected"), [(1, 4, 0), (2, 4, 1), (4, 4, 3), (1, 3, 1), (3, 3, 3), (5, 10, 1)]
)
def test_a_grade_is_read_as_a_class_by_its_place_among_its_departments_grades(
    level: int, levels: int, expected: int
) -> None:
    rows = pd.DataFrame({"field": ["drug"], "place": [level / levels]})
    store = open_frames({})
    store.con.register("given", rows)
    [(packed,)] = store.con.execute(f"SELECT {HEBEI.packed_sql('field', 'place')} FROM given").fetchall()
    store.close()
    assert packed == graded("drug", expected)
    assert HEBEI.strictest(np.array([1]), np.array([packed])).tolist() == [max(1, expected)]


def test_the_main_field_is_the_first_of_the_policys_order() -> None:
    masks = np.array([bit("certification", "food"), bit("labour"), 0, bit("drug", "special_equipment")])
    assert [FIELDS[k] for k in HEBEI.main_field(masks)] == ["food", "other", "other", "special_equipment"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"order": ("foods",)}, "'foods' is no field"),
        ({"fields": {}}, "'other' is missing"),
        ({"sector_cuts": (0.5, 0.4, 0.9)}, "must rise"),
    ],
)
def test_a_policy_that_can_not_hold_is_refused(change: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        MeasuresPolicy.model_validate(HEBEI.model_dump() | change)


def test_everyones_measures_of_a_month_are_one_row_a_field(ledger_root: Path) -> None:
    month = find_month(Ledger.open(ledger_root, "hebei"), None)
    found = month_measures(month, "hebei")
    assert month.month == MONTH
    assert not found.duplicated(["enterprise_id", "field"]).any()
    assert (found["measure_grade"] >= found["grade"]).all()
    assert (found.loc[found["by"] == "class", "measure_grade"] == found.loc[found["by"] == "class", "grade"]).all()
    assert (found["by"] == "sector grade").any()
    one = month_measures(month, "hebei", who=found["enterprise_id"].iloc[0])
    pd.testing.assert_frame_equal(one, found[found["enterprise_id"] == one["enterprise_id"].iloc[0]], check_dtype=False)


def test_an_enterprise_that_the_month_does_not_have_is_named(ledger_root: Path) -> None:
    with pytest.raises(LedgerError, match="no enterprise 'E9' in 2025-11 of hebei"):
        month_measures(find_month(Ledger.open(ledger_root, "hebei"), MONTH), "hebei", who="E9")


def test_an_empty_ledger_has_no_measures(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="no published month"):
        find_month(Ledger.open(tmp_path / "L", "hebei"), None)


def row(table: str, k: int, who: str, day: str, **values: object) -> dict[str, object]:
    known = values.pop("known_at", day)
    return {"record_id": f"{table}{k}", "version": 1, "enterprise_id": who, "occurred_at": date.fromisoformat(day),
            "known_at": date.fromisoformat(str(known)), **values}  # fmt: skip


def test_standing_is_as_it_was_known_when_the_month_began(ledger_root: Path) -> None:
    """What became known on the first of the month or later does not count, nor what has ended."""
    month = Ledger.open(ledger_root, "hebei").month(MONTH)
    who = "E0000000"
    tables = {
        "licences": [
            row("l", 1, who, "2020-01-01", licence_kind="food", licence_status="valid"),
            row("l", 2, who, "2020-01-01", licence_kind="drug", licence_status="valid", valid_to=date(2025, 10, 31)),
            row("l", 3, who, "2025-10-01", licence_kind="culture", licence_status="valid", known_at="2025-11-01"),
            row("l", 4, who, "2020-01-01", licence_kind="hazardous", licence_status="revoked"),
        ],
        "special_equipment": [row("s", 1, who, "2020-01-01", equipment_kind="elevator", equipment_status="in_use")],
        "certificates": [row("c", 1, who, "2020-01-01", certificate_status="expired")],
        "sector_grades": [
            row("g", 1, who, "2024-03-01", field="food", level=4, levels=4),
            row("g", 2, who, "2025-03-01", field="food", level=3, levels=4),
        ],
        "inspections": [
            row("i", 1, who, "2024-12-31", arm="random"),
            row("i", 2, who, "2025-01-01", arm="random", draw_id="d1"),
            row("i", 3, who, "2025-05-01", arm="targeted"),
        ],
        "draws": [
            row("d", 1, who, "2025-01-01", plan_id="p", probability_ppm=1, fate="pending"),
            row("d", 2, who, "2025-10-01", plan_id="p", probability_ppm=1, fate="pending"),
            row("d", 3, who, "2025-10-01", plan_id="p", probability_ppm=1, fate="capped"),
        ],
        "complaints": [
            row("k", 1, who, "2025-10-01", complaint_kind="complaint"),
            row("k", 2, who, "2025-10-01", complaint_kind="report", outcome="pending"),
            row("k", 3, who, "2025-10-01", complaint_kind="report", outcome="upheld"),
            row("k", 4, who, "2025-07-31", complaint_kind="report", outcome="pending"),
        ],
    }
    store = open_frames({name: pd.DataFrame(rows) for name, rows in tables.items()})
    found = standing(month, store, Span(date(2025, 1, 1), date(2025, 8, 1)), HEBEI).set_index("enterprise_id")
    store.close()
    assert found.loc[who, "fields"] == bit("food", "special_equipment")
    assert found.loc[who, "sector"] == graded("food", 2)
    assert found.loc[who, "visits"] == 3
    assert found.loc[who, "complaints"] == 2
    assert found.drop(index=who)[["fields", "visits", "complaints"]].to_numpy().sum() == 0


@pytest.mark.parametrize(
    ("month", "first", "start"), [(1, 1, date(2025, 1, 1)), (3, 4, date(2024, 4, 1)), (4, 4, date(2025, 4, 1))]
)
def test_the_year_of_plans_begins_in_its_first_month(month: int, first: int, start: date) -> None:
    assert year_start(date(2025, month, 1), first) == start
