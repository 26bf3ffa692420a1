"""A person's identity number is refused in every column of a given record that may hold text, in any spelling."""

from __future__ import annotations

import pytest

from features import Record, indicators_of
from features.contract import TABLES, Column
from features.engine.record.rows import checked_columns
from features.errors import RecordError
from helpers.scope import HEBEI

from .test_identity import CUTOFF

NUMBER = "11010519491231002X"
SPELLINGS = (NUMBER, NUMBER.lower(), "１１０１０５１９４９１２３１００２Ｘ", "110105 19491231 002X")
COLUMNS = [(table, column) for table in TABLES for column in TABLES[table].columns if column.is_text]


def test_text_stands_in_what_is_no_code_day_or_number() -> None:
    assert {column.type for _, column in COLUMNS} == {"text", "uscc"}


@pytest.mark.parametrize(("table", "column"), COLUMNS, ids=lambda x: x if isinstance(x, str) else x.name)
def test_no_column_of_text_takes_an_identity_number(table: str, column: Column) -> None:
    for given in SPELLINGS:
        with pytest.raises(RecordError, match=r"expected no person's identity number \(GB 11643\)") as told:
            checked_columns(table, [column], [("E1", 0, {column.name: given})], {})
        assert NUMBER[6:14] not in str(told.value)


def test_a_registration_with_one_for_its_code_is_refused() -> None:
    entry = {
        "record_id": "r1", "occurred_at": "2015-01-01", "known_at": "2015-01-05", "uscc": NUMBER, "name": "甲",
        "enterprise_type": "limited_company", "industry": "F5211", "region": "130102", "status": "active",
    }  # fmt: skip
    with pytest.raises(RecordError, match=r"column uscc: got '1101\*+', expected no person's identity number"):
        indicators_of([Record("E1", CUTOFF, {"registration": [entry]})], HEBEI)
