from __future__ import annotations

import json
import math
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from helpers.thorough import examples
from models.scoring.classification import GRADES, Classification, Determination, Grade, Reason, worse

NUMBER = st.floats(-1e6, 1e6, allow_nan=False)
TEXT = st.text(max_size=20)
REASONS = st.builds(
    Reason,
    indicator=TEXT,
    zh=TEXT,
    family=TEXT,
    value=st.one_of(NUMBER, st.just(math.nan)),
    points=NUMBER,
    text_en=TEXT,
    text_zh=TEXT,
)
DETERMINATIONS = st.builds(
    Determination,
    rule=TEXT,
    grade=st.sampled_from(GRADES),
    evidence=st.lists(TEXT, min_size=1, max_size=3).map(tuple),
    text_en=TEXT,
    text_zh=TEXT,
)
ANSWERS = st.builds(
    Classification,
    enterprise_id=TEXT,
    cutoff=st.dates(),
    score=st.floats(0, 1000).map(lambda s: round(s, 1)),
    grade=st.sampled_from(GRADES),
    score_grade=st.sampled_from(GRADES),
    source=st.sampled_from(["model", "rules"]),
    probability=st.one_of(st.none(), st.floats(0, 1)),
    reasons=st.lists(REASONS, max_size=3).map(tuple),
    determinations=st.lists(DETERMINATIONS, max_size=2).map(tuple),
    base_score=NUMBER,
    family_points=st.dictionaries(TEXT, NUMBER, max_size=3),
    missing=st.lists(TEXT, max_size=3).map(tuple),
    fallback=st.one_of(st.none(), TEXT),
    versions=st.dictionaries(TEXT, TEXT, max_size=3),
)


def answer(**more: object) -> Classification:
    data = {
        "enterprise_id": "E1",
        "cutoff": date(2026, 11, 1),
        "score": 612.3,
        "grade": "D",
        "score_grade": "C",
        "source": "model",
        "base_score": 200.0,
        "family_points": {"regulatory": 412.3},
    }
    return Classification.model_validate({**data, **more})


@settings(max_examples=examples(100), deadline=None)
@given(ANSWERS)
def test_an_answer_survives_json(one: Classification) -> None:
    text = one.to_json()
    again = Classification.from_json(text)
    assert again == one
    assert again.to_json() == text
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def test_an_unknown_value_is_null_in_json_and_chinese_stays_readable() -> None:
    reason = Reason(indicator="x", zh="某", family="basic", value=math.nan, points=1, text_en="", text_zh="未知")
    text = answer(reasons=[reason]).to_json()
    assert '"value":null' in text
    assert "未知" in text


def test_an_answer_cannot_be_changed() -> None:
    one = answer()
    with pytest.raises(ValidationError, match="frozen"):
        one.grade = "A"  # type: ignore[misc]  # what the types forbid, the object forbids too


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"score": 1000.1}, "1000"),
        ({"score": float("nan")}, "score"),
        ({"grade": "E"}, "grade"),
        ({"probability": 1.2}, "probability"),
        ({"colour": "red"}, "colour"),
        ({"source": "oracle"}, "source"),
    ],
)
def test_what_is_no_answer_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        answer(**change)


def test_a_line_written_before_a_field_was_added_can_still_be_read() -> None:
    data = json.loads(answer().to_json())
    for name in ("missing", "fallback", "determinations", "reasons", "probability", "versions"):
        del data[name]
    assert Classification.from_json(json.dumps(data)) == answer()


def test_a_determination_names_its_records() -> None:
    with pytest.raises(ValidationError, match="evidence"):
        Determination(rule="H13.1", grade="D", evidence=(), text_en="", text_zh="")


@given(st.sampled_from(GRADES), st.sampled_from(GRADES))
def test_the_worse_of_two_grades_is_the_later_letter(one: Grade, other: Grade) -> None:
    assert worse(one, other) == max(one, other)
