"""What a source does not cover is unknown, but for a few days of a window; so is all of an unknown enterprise."""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.catalogue.evidence import EVIDENCE
from features.catalogue.expressions import Window
from features.contract import TABLES
from features.engine.duckdb_engine import evaluate
from features.engine.plan import covered_by
from features.engine.record.record import Record, extract_context, indicators_of
from features.policies import features_policy
from features.records.store import open_frames
from helpers.records import CUTOFF, ENTERPRISES, frame, province
from helpers.scope import HEBEI
from helpers.thorough import examples

EARLY = {t: date(2000, 1, 1) for t in TABLES}
PAIRS = pd.DataFrame({"enterprise_id": list(ENTERPRISES), "cutoff": CUTOFF})


@pytest.mark.parametrize(
    ("window", "days"),
    [
        (Window(months=60), 7),
        (Window(months=12), 7),
        (Window(months=6), 3),
        (Window(months=3), 1),
        (Window(months=1), 0),
        (Window(days=90), 1),
    ],
)
def test_a_year_may_lack_a_week_a_shorter_window_less_in_proportion_and_none_more(window: Window, days: int) -> None:
    policy = features_policy("hebei")
    assert window.tolerated(policy.uncovered_days_a_year) == days
    assert window.tolerated(0) == 0


def test_the_last_day_on_which_records_may_begin_is_said_in_days() -> None:
    assert covered_by(Window(months=12), CUTOFF, 7) == (date(2023, 1, 1), date(2023, 1, 8))
    assert covered_by(Window(months=1), date(2024, 3, 31), 7) == (date(2024, 2, 29), date(2024, 2, 29))
    assert covered_by(None, CUTOFF, 7) == (date(2023, 12, 31), date(2023, 12, 31))


@pytest.mark.parametrize(("begins", "known"), [(date(2023, 1, 8), True), (date(2023, 1, 9), False)])
def test_a_window_that_lacks_a_few_days_is_counted_and_one_that_lacks_more_is_unknown(
    begins: date, known: bool
) -> None:
    tables = province(3)
    store = open_frames(tables, {**EARLY, "penalties": begins})
    whole = evaluate(store, PAIRS, HEBEI)
    records = extract_context(store, ENTERPRISES, CUTOFF, HEBEI)
    store.close()
    covered = open_frames(tables, EARLY)
    expected = evaluate(covered, PAIRS, HEBEI)
    covered.close()
    assert whole["penalties_1y"].notna().all() == known
    if known:
        assert whole["penalties_1y"].tolist() == expected["penalties_1y"].tolist()
    assert whole["penalties_3y"].isna().all()
    pd.testing.assert_frame_equal(indicators_of(records, HEBEI), whole)


@settings(max_examples=examples(2), deadline=None)
@given(seed=st.integers(0, 10**6), days=st.integers(-2, 12), months=st.sampled_from([3, 6, 12, 36]))
def test_a_record_is_cut_short_where_its_province_is(seed: int, days: int, months: int) -> None:
    begins = covered_by(Window(months=months), CUTOFF, 0)[0] + timedelta(days=days)
    store = open_frames(province(seed, records=8), dict.fromkeys(TABLES, begins))
    whole = evaluate(store, PAIRS, HEBEI)
    records = extract_context(store, ENTERPRISES, CUTOFF, HEBEI)
    store.close()
    pd.testing.assert_frame_equal(indicators_of(records, HEBEI), whole)


def test_of_an_enterprise_that_the_register_does_not_have_nothing_is_known() -> None:
    tables = province(3)
    store = open_frames(tables, EARLY)
    pairs = pd.DataFrame({"enterprise_id": ["E1", "NOBODY", "E1"], "cutoff": [CUTOFF, CUTOFF, date(2021, 5, 17)]})
    found = evaluate(store, pairs, HEBEI)
    context = extract_context(store, ["NOBODY"], CUTOFF, HEBEI)
    store.close()
    assert found["penalties_3y"].notna().tolist() == [False, True, False]
    not_yet, _, nobody = (found.iloc[k] for k in range(3))
    assert nobody.isna().all()
    assert not_yet.drop(list(EVIDENCE)).isna().all()  # registered on that day: not known before it
    pd.testing.assert_frame_equal(indicators_of(context, HEBEI), found.tail(1))


def test_what_is_found_against_an_unknown_enterprise_is_said_all_the_same() -> None:
    """A hit is a fact; that there is none would be a guess."""
    row = {"record_id": "s1", "version": 1, "enterprise_id": "NOBODY", "occurred_at": date(2023, 5, 1)}
    listed = frame("serious_list", [{**row, "known_at": date(2023, 5, 2), "reason": "R1", "record_state": "active"}])
    store = open_frames({**province(3), "serious_list": listed}, EARLY)
    found = evaluate(store, pd.DataFrame({"enterprise_id": ["NOBODY"], "cutoff": [CUTOFF]}), HEBEI).iloc[0]
    store.close()
    assert found["evidence_H13_1"] == "serious_list:s1"
    assert found[[c for c in found.index if c != "evidence_H13_1"]].isna().all()


def test_an_objection_to_its_registration_does_not_make_an_enterprise_unknown() -> None:
    tables = province(3)
    first = tables["registration"].query("enterprise_id == 'E1'").iloc[0]
    objection = {
        "record_id": "o1", "version": 1, "enterprise_id": "E1", "occurred_at": date(2023, 5, 1), "state": "open",
        "known_at": date(2023, 5, 1), "ref_table": "registration", "ref_record_id": first["record_id"],
        "record_state": "active",
    }  # fmt: skip
    store = open_frames({**tables, "objections": frame("objections", [objection])}, EARLY)
    found = evaluate(store, PAIRS, HEBEI)
    store.close()
    assert found["penalties_3y"].notna().all()


def test_a_record_that_names_no_register_can_not_tell_and_one_with_an_empty_register_does() -> None:
    silent = Record("E1", CUTOFF, {"penalties": []})
    empty = Record("E1", CUTOFF, {"penalties": [], "registration": []})
    assert indicators_of([silent], HEBEI)["penalties_3y"].tolist() == [0.0]
    assert indicators_of([empty], HEBEI)[["penalties_3y", *EVIDENCE]].isna().all().all()
