"""An override shows as what it is, leaves score and reasons alone, and ends on its day."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from models.scoring.classification import GRADES, Classification, Determination, Grade
from models.scoring.overridden import NONE, Decided, Overrides, override_grades, with_floors, with_overrides

SINCE, UNTIL = date(2026, 1, 5), date(2026, 7, 1)


def classified(enterprise: str = "E1", grade: Grade = "B", direct: tuple[Determination, ...] = ()) -> Classification:
    return Classification(
        enterprise_id=enterprise,
        cutoff=date(2026, 1, 1),
        score=300.0,
        grade=grade,
        score_grade="B",
        source="rules",
        determinations=direct,
        base_score=100.0,
        family_points={"basic": 200.0},
    )


def decided(grade: Grade = "D", enterprise: str = "E1", since: date = SINCE, until: date = UNTIL) -> Decided:
    return Decided(4, enterprise, grade, "B", "Seen at the door.", since, until)


@pytest.mark.parametrize(
    ("on", "holds"),
    [
        (SINCE - timedelta(days=1), False),
        (SINCE, True),
        (UNTIL - timedelta(days=1), True),
        (UNTIL, False),
    ],
)
def test_an_override_holds_from_its_first_day_until_before_its_end(on: date, holds: bool) -> None:
    [one] = with_overrides([classified()], Overrides((decided(),)), on)
    assert one.grade == ("D" if holds else "B")
    assert (one.override is not None) == holds
    assert (one.score, one.score_grade, one.reasons) == (300.0, "B", ())


def test_an_override_is_shown_with_what_it_replaces_and_survives_json() -> None:
    [one] = with_overrides([classified()], Overrides((decided("A"),)), SINCE)
    assert one.override is not None
    assert (one.grade, one.override.grade, one.override.instead_of) == ("A", "A", "B")
    assert one.override.text_en == (
        "Set to class A by two officials (HB 8), instead of B, from 2026-01-05 until before 2026-07-01: "
        "Seen at the door."
    )
    assert "经两名工作人员研判调整为A类" in one.override.text_zh
    assert "原为B类" in one.override.text_zh
    assert Classification.from_json(one.to_json()) == one


def test_an_override_never_lifts_a_class_out_of_a_direct_determination() -> None:
    direct = Determination(rule="H13.1", grade="D", evidence=("serious_list:s1",), text_en="x", text_zh="x")
    [one] = with_overrides([classified(grade="D", direct=(direct,))], Overrides((decided("A"),)), SINCE)
    assert one.grade == "D"
    assert one.override is not None
    assert one.override.text_en.endswith("A direct determination keeps class D.")


def test_the_class_returns_when_the_override_ends_also_on_an_answer_that_carried_it() -> None:
    overrides = Overrides((decided(),))
    [carried] = with_overrides([classified()], overrides, SINCE)
    assert with_overrides([carried], overrides, SINCE) == [carried]
    assert with_overrides([carried], overrides, UNTIL) == [classified()]


def test_only_the_named_enterprise_changes_and_the_columns_say_the_same_as_the_answers() -> None:
    rng = np.random.default_rng(3)
    grades: list[Grade] = [GRADES[k] for k in rng.integers(0, 4, 60)]
    answers = [classified(f"E{k}", grade) for k, grade in enumerate(grades)]
    overrides = Overrides(
        tuple(
            decided(GRADES[int(rng.integers(0, 4))], f"E{k}", SINCE, SINCE + timedelta(days=k)) for k in range(1, 50, 3)
        )
    )
    on = SINCE + timedelta(days=20)
    found = override_grades([one.enterprise_id for one in answers], overrides, on)
    computed = np.array([GRADES.index(one.grade) for one in answers], dtype=np.int8)
    final = with_floors(computed, found, np.zeros(60, dtype=np.int8))
    shown = with_overrides(answers, overrides, on)
    assert [GRADES[k] for k in final] == [one.grade for one in shown]
    assert [k != NONE for k in found] == [one.override is not None for one in shown]
    assert sum(k != NONE for k in found) == 10  # of E1, E4, …, E49 those that hold 21 days or more


def test_without_overrides_no_column_changes() -> None:
    assert override_grades(["E1", "E2"], Overrides(), SINCE).tolist() == [NONE, NONE]
