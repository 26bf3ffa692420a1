"""Requests: what may be asked, and that what is wrong is named and never answered for something else."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.catalogue import CATALOGUE
from features.contract.uscc import repair
from models.scoring.classification import Classification
from serving.answers.answer import answer
from serving.answers.requests import Item, parse
from serving.current.snapshot import State
from serving.current.table import CurrentTable
from serving.errors import RequestError

from ..conftest import World


def problems(body: str | bytes | dict[str, Any]) -> dict[str, str]:
    """What a request is refused for, by place."""
    raw = json.dumps(body) if isinstance(body, dict) else body
    with pytest.raises(RequestError) as told:
        parse(raw.encode() if isinstance(raw, str) else raw, 10)
    assert told.value.status == 422
    return {p.where: p.what for p in told.value.problems}


def by_indicators(**values: float | None) -> dict[str, Any]:
    return {"enterprise_id": "E1", "cutoff": "2026-01-01", "indicators": values}


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ('{"enterprise_id": "E1", "enterprise_id": "E2"}', ["enterprise_id"]),
        ('{"items": [{"uscc": "a"}, {"uscc": "a", "uscc": "b"}]}', ["items[1].uscc"]),
        ('{"items": [{"uscc": "a"}], "items": [{"uscc": "b"}]}', ["items"]),
        (
            '{"enterprise_id": "E1", "cutoff": "2026-01-01", "indicators": {"penalties_3y": 1, "penalties_3y": 0}}',
            ["indicators.penalties_3y"],
        ),
        (
            '{"enterprise_id": "E1", "cutoff": "2026-01-01", "record": {"tables": {"penalties": [{"a": 1, "a": 1}]}, '
            '"tables": {}, "covers_from": {"penalties": "2020-01-01", "\\u0070enalties": "2020-01-01"}}}',
            ["record.tables", "record.covers_from.penalties"],
        ),
    ],
)
def test_a_key_given_twice_is_refused_and_named_at_any_depth(body: str, where: list[str]) -> None:
    assert problems(body) == dict.fromkeys(where, "the key is given twice: which value holds is not said")


def test_a_value_that_an_indicator_cannot_have_is_refused_at_its_name() -> None:
    asked = by_indicators(penalties_3y=-1, complaints_1y=0.5, problem_rate_all=1.01, state_held=2, debt_ratio=-0.5)
    assert problems({"items": [{"enterprise_id": "E1"}, asked]}) == {
        "items[1].indicators.penalties_3y": "expected a whole number of at least 0 (penalties)",
        "items[1].indicators.complaints_1y": "expected a whole number of at least 0 (complaints)",
        "items[1].indicators.problem_rate_all": "expected a number from 0 to 1 (share)",
        "items[1].indicators.state_held": "expected 0 or 1 (0/1)",
        "items[1].indicators.debt_ratio": "expected a number of at least 0 (share)",
    }


@given(st.sampled_from(sorted(CATALOGUE)), st.floats(-5, 5) | st.integers(-5, 5).map(float))
def test_a_value_is_read_if_and_only_if_it_is_within_the_bounds(name: str, value: float) -> None:
    body = by_indicators(**{name: value})
    if CATALOGUE[name].bounds.hold(value):
        ([item], _) = parse(json.dumps(body).encode(), 10)
        assert item.indicators == {name: value}
    else:
        assert list(problems(body)) == [f"indicators.{name}"]


def test_signed_indicators_ratios_above_1_and_unknown_values_are_read() -> None:
    signed = {"complaints_growth_3m": -3.0, "insured_staff_change_1y": -40.0, "revenue_change": -0.5, "debt_ratio": 4.0}
    ([item], single) = parse(json.dumps(by_indicators(**signed, penalties_3y=None)).encode(), 10)
    assert single
    assert item.indicators == {**signed, "penalties_3y": None}


NO_MONTH = "expected the first day of a month such as 2026-01-01, or 2026-01: classes are made monthly"


@pytest.mark.parametrize(
    "cutoff",
    ["2026-01-15", "2026-01-31", "2026-13", "2026-00-01", "January", "20260101", "2026-01-01T00:00:00Z", "２０２６-01",
     "2026-W01", "", 1767225600, 202601, True, ["2026-01"]],
)  # fmt: skip
def test_a_cut_off_that_is_no_first_of_a_month_is_refused_at_its_field(cutoff: object) -> None:
    asked = by_indicators(penalties_3y=1) | {"cutoff": cutoff}
    assert problems(asked) == {"cutoff": NO_MONTH}
    assert problems({"items": [by_indicators(), asked | {"enterprise_id": "E2"}]}) == {"items[1].cutoff": NO_MONTH}
    given = {"enterprise_id": "E1", "cutoff": cutoff, "record": {"tables": {}}}
    assert problems(given) == {"cutoff": NO_MONTH}


@pytest.mark.parametrize(("cutoff", "day"), [("2026-01-01", date(2026, 1, 1)), ("2025-12", date(2025, 12, 1))])
def test_a_cut_off_is_a_month_or_its_first_day(cutoff: str, day: date) -> None:
    ([item], _) = parse(json.dumps(by_indicators() | {"cutoff": cutoff}).encode(), 10)
    assert item.cutoff == day


@pytest.mark.parametrize("cutoff", ["1989-12", "2100-02-01"])
def test_a_cut_off_that_no_record_can_reach_is_refused_at_its_field(cutoff: str) -> None:
    (found,) = problems(by_indicators() | {"cutoff": cutoff}).items()
    assert found[0] == "cutoff"
    assert found[1].startswith("Input should be ")


@pytest.mark.parametrize("day", [1735689600, "2025-01", "2025-01-01T00:00:00+08:00", "spring"])
def test_a_first_day_covered_that_is_not_written_as_a_day_is_refused_at_its_table(day: object) -> None:
    record = {"tables": {"penalties": []}, "covers_from": {"penalties": day}}
    asked = {"enterprise_id": "E1", "cutoff": "2026-01-01", "record": record}
    assert problems(asked) == {"record.covers_from.penalties": "expected a day such as 2026-01-31"}


def test_an_indicator_that_is_not_there_is_answered_with_the_one_meant() -> None:
    assert problems(by_indicators(problem_rate_al=0.1)) == {
        "indicators": "unknown indicator: problem_rate_al; did you mean problem_rate_all?"
    }


def test_a_field_that_is_not_there_is_answered_with_the_one_meant() -> None:
    said = "Extra inputs are not permitted; did you mean enterprise_id?"
    assert problems({"uscc": "a", "enterprise": "E1"}) == {"enterprise": said}
    assert problems({"items": [{"uscc": "a", "enterprise": "E1"}]}) == {"items[0].enterprise": said}


@pytest.mark.parametrize(
    "written", ["91110000600037341l", " ９１１１００００６０００３７３４１Ｌ", "9111 0000 6000 3734 1L"]
)
def test_a_code_is_asked_for_in_any_spelling(written: str) -> None:
    ([item], _) = parse(json.dumps({"uscc": written}).encode(), 10)
    assert item.uscc == "91110000600037341L"


@pytest.mark.parametrize("written", [" ", "\u3000", "\u200b"])
def test_a_code_of_blanks_is_refused(written: str) -> None:
    assert problems({"uscc": written}) == {"uscc": "expected a social credit code, got only blanks"}


@pytest.mark.slow
def test_the_same_enterprise_is_answered_in_whatever_spelling_its_code_is_written(world: World) -> None:
    place = next(i for i, code in enumerate(world.codes) if pd.notna(code))
    code = str(world.codes.iloc[place])
    wide = "".join(chr(ord(sign) + 0xFEE0) for sign in code)
    ways = [code, code.lower(), wide, f" {code[:4]} {code[4:]}\u200b"]
    assert {repair(way) for way in ways} == {code}
    found = answer([Item(uscc=way) for way in ways], State(world.settings).snapshot)
    assert all(isinstance(one, Classification) for one in found)
    assert {one.enterprise_id for one in found if isinstance(one, Classification)} == {world.frame.index[place][0]}


@pytest.mark.slow
def test_a_table_that_holds_codes_as_they_came_is_looked_up_by_the_usual_spelling(world: World, tmp_path: Path) -> None:
    assert world.settings.table is not None
    table = pq.read_table(world.settings.table)
    small = pc.utf8_lower(table["uscc"])
    path = tmp_path / "older.parquet"
    pq.write_table(table.set_column(table.column_names.index("uscc"), "uscc", small), path)
    codes = [str(code) for code in world.codes.dropna()]
    found: dict[str, list[str]] = {}
    usual: dict[str, list[str]] = {}
    for into, file in ((found, path), (usual, world.settings.table)):
        opened = CurrentTable.open(file, "hebei")
        for code in codes:
            if places := opened.places_of(code):
                into[code] = [opened.store.line(place).enterprise_id for place in places]
    assert found == usual
    assert set(found) == set(codes)
