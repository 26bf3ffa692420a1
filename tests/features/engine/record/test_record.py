"""One enterprise's record goes through the same SQL as its province and gives the same indicators."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.contract import TABLES
from features.engine.duckdb_engine import evaluate
from features.engine.record.record import Record, extract_context, indicators_of
from features.errors import SourceError
from features.records.store import open_frames
from helpers.records import CUTOFF, ENTERPRISES, province
from helpers.scope import EVERYTHING
from helpers.thorough import examples

EARLY = {t: date(2000, 1, 1) for t in TABLES}


@settings(max_examples=examples(6), deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_record_path_equals_the_province_cell_for_cell(seed: int) -> None:
    tables = province(seed, records=12)
    store = open_frames(tables, EARLY)
    pairs = pd.DataFrame({"enterprise_id": list(ENTERPRISES), "cutoff": CUTOFF})
    whole = evaluate(store, pairs, EVERYTHING)
    records = extract_context(store, ENTERPRISES, CUTOFF, EVERYTHING)
    store.close()
    pd.testing.assert_frame_equal(indicators_of(records, EVERYTHING), whole)


def test_an_enterprise_is_not_asked_about_by_a_persons_number() -> None:
    with pytest.raises(SourceError, match=r"^record of 1101\*{14}, column enterprise_id: expected no person's"):
        indicators_of([Record("11010519491231002X", CUTOFF, {"penalties": []})], EVERYTHING)


def test_many_greatest_amounts_of_one_record_stop_at_the_greatest_total() -> None:
    fine = {"occurred_at": "2023-01-01", "known_at": "2023-01-09", "penalty_kinds": "fine", "fine_fen": 10**16}
    found = indicators_of(
        [Record("E1", CUTOFF, {"penalties": [{**fine, "record_id": f"p{i}"} for i in range(1000)]})], EVERYTHING
    )
    assert found["fines_3y"].tolist() == [1e18]


def test_tables_and_neighbours_not_given_are_unknown_not_zero() -> None:
    found = indicators_of([Record("E1", CUTOFF, {"penalties": []})], EVERYTHING)
    assert found["penalties_3y"].eq(0).all()
    assert found["complaints_1y"].isna().all()
    assert found["related_bad_share"].isna().all()
    assert found["evidence_H12_2"].tolist() == [""]
    assert found["evidence_H13_1"].isna().all()  # not looked at is not 'not on the list'


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"fine_fen": "ten"}, "row 0, column fine_fen: got 'ten', expected a whole number"),
        ({"occurred_at": "2023-13-01"}, "column occurred_at: got '2023-13-01', expected a date"),
        ({"known_at": datetime(2023, 1, 9, 16, 30, tzinfo=UTC)}, "column known_at: got .*, without a zone"),
        ({"fine_fen": 500.0}, "column fine_fen: got 500.0, expected a whole number"),
        ({"penalty_kinds": "fine;prison"}, "column penalty_kinds: got 'fine;prison', expected one of"),
        ({"penalty_kinds": None}, "column penalty_kinds: got None, expected a value"),
        ({"fine_fen": -1}, "expected at least 0"),
        ({"fine_fen": 9 * 10**18}, "column fine_fen: got 9000000000000000000, expected at most 10000000000000000"),
        ({"occurred_at": "1900-01-01"}, "column occurred_at: got .*, expected a day from 1949-10-01 on other than"),
        ({"document_no": "11010519491231002X"}, r"column document_no: got '1101\*{14}', expected no person's"),
        ({"record_id": "11010519491231002X"}, r"column record_id: got '1101\*{14}', expected no person's"),
        ({"weight": 1}, "unknown column weight"),
    ],
)
def test_a_bad_value_is_named_by_table_row_and_column(row: dict[str, object], message: str) -> None:
    good = {"record_id": "p", "occurred_at": "2023-01-01", "known_at": "2023-01-09", "penalty_kinds": "fine"}
    with pytest.raises(SourceError, match=message.replace("[", r"\[")):
        indicators_of([Record("E1", CUTOFF, {"penalties": [{**good, **row}]})], EVERYTHING)


def test_an_unknown_table_is_an_error() -> None:
    with pytest.raises(SourceError, match="horoscopes"):
        indicators_of([Record("E1", CUTOFF, {"horoscopes": []})], EVERYTHING)
