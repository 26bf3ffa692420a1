"""A request that holds a person's identity number is refused: the field is named, the number never repeated."""

from __future__ import annotations

import json
from typing import Any

import pytest

from serving.answers.requests import parse
from serving.errors import RequestError

PERSON = "11010519491231002X"
EXPECTED = "expected no person's identity number (GB 11643); give an opaque id in its place"
MOMENT = {"enterprise_id": "e1", "cutoff": "2026-01-01"}


def refused(body: dict[str, Any]) -> RequestError:
    with pytest.raises(RequestError) as told:
        parse(json.dumps(body).encode(), 10)
    assert told.value.status == 422
    assert "19491231" not in json.dumps(told.value.as_dict())
    return told.value


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"uscc": PERSON}, "uscc"),
        ({"uscc": "110105 19491231 002x"}, "uscc"),
        ({"uscc": "110105491231002"}, "uscc"),
        ({"enterprise_id": PERSON}, "enterprise_id"),
        ({"items": [{"enterprise_id": "e1"}, {"enterprise_id": f"owner-{PERSON}"}]}, "items[1].enterprise_id"),
        ({**MOMENT, "indicators": {}, "evidence": {"evidence_H13_1": [f"serious_list:{PERSON}"]}},
         "evidence.evidence_H13_1[0]"),
    ],
)  # fmt: skip
def test_a_persons_number_where_an_id_belongs_names_the_field(body: dict[str, Any], where: str) -> None:
    assert [(p.where, p.what) for p in refused(body).problems] == [(where, EXPECTED)]


def test_a_persons_number_in_the_context_names_relation_row_and_column() -> None:
    rows = [{"other_id": "e2"}, {"other_id": PERSON}]
    [problem] = refused({**MOMENT, "record": {"tables": {}, "context": {"related": rows}}}).problems
    assert (problem.where, problem.what) == ("record.context", f"related, row 1, column other_id: {EXPECTED}")


@pytest.mark.parametrize(
    "body",
    [
        {PERSON: 1},
        {**MOMENT, "indicators": {PERSON: 1}},
        {**MOMENT, "record": {"tables": {PERSON: []}}},
        {**MOMENT, "record": {"tables": {}, "context": {"related": [{PERSON: 1}]}}},
    ],
)
def test_a_persons_number_in_the_place_of_a_name_is_masked(body: dict[str, Any]) -> None:
    assert "1101**************" in json.dumps(refused(body).as_dict())


def test_a_social_credit_code_is_no_persons_number() -> None:
    [item], single = parse(b'{"uscc": "91110000600037341L"}', 1)
    assert (item.uscc, single) == ("91110000600037341L", True)
