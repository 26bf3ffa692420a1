"""A session answers for record after record: none sees anything of another, in whatever order or thread they come."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.contract import TABLES
from features.engine.duckdb_engine import evaluate
from features.engine.record import session as sessions
from features.engine.record.record import Record, extract_context, indicators_of, session_input
from features.engine.record.session import Session
from features.errors import SourceError
from features.policies import features_policy, outcomes_policy
from features.records.store import open_frames
from features.records.visibility import MOMENT_TABLES
from helpers.records import CUTOFF, ENTERPRISES, province
from helpers.scope import HEBEI
from helpers.thorough import examples

EARLY = {t: date(2000, 1, 1) for t in TABLES}


def taken(seed: int) -> list[Record]:
    """Records of a random province, some of them with tables or neighbours left out."""
    rng = random.Random(seed)
    store = open_frames(province(seed, records=12), EARLY)
    found = extract_context(store, ENTERPRISES, CUTOFF, HEBEI)
    store.close()
    thinned = []
    for r in found:
        name = f"{r.enterprise_id}-{seed}"
        tables = {t: [own(row, name) for row in rows] for t, rows in r.tables.items() if rng.random() < 0.8}
        relations = r.relations if rng.random() < 0.7 else {}
        covers = {t: date(2022, 6, 1) for t in tables if rng.random() < 0.2}
        thinned.append(Record(name, r.cutoff, tables, relations, covers))
    return thinned


def own(row: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The row under a name of its enterprise alone, with the records it names."""
    named = {k: f"{name}:{row[k]}" for k in ("record_id", "ref_record_id", "draw_id") if row.get(k)}
    return {k: v for k, v in row.items() if k != "enterprise_id"} | named


@pytest.fixture(scope="module")
def records() -> list[Record]:
    return [r for seed in (1, 2) for r in taken(seed)]


@pytest.fixture(scope="module")
def alone(records: list[Record]) -> list[pd.DataFrame]:
    """Each record's answer by a session that has seen no other."""
    found = []
    for r in records:
        sessions.forget()
        found.append(indicators_of([r], HEBEI))
    return found


def test_nothing_of_a_record_stays_for_the_next(records: list[Record], alone: list[pd.DataFrame]) -> None:
    order = list(range(len(records))) * 2
    random.Random(5).shuffle(order)
    for k in order:
        pd.testing.assert_frame_equal(indicators_of([records[k]], HEBEI), alone[k])


def test_many_records_in_one_call_are_the_same_as_one_by_one(records: list[Record], alone: list[pd.DataFrame]) -> None:
    """Records that cover different tables go through one run, in the order in which they were given."""
    order = list(range(len(records)))
    random.Random(6).shuffle(order)
    together = indicators_of([records[k] for k in order], HEBEI)
    pd.testing.assert_frame_equal(together, pd.concat([alone[k] for k in order]))


def test_threads_get_their_own_answers(records: list[Record], alone: list[pd.DataFrame]) -> None:
    order = list(range(len(records))) * 2
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda k: indicators_of([records[k]], HEBEI), order))
    for k, frame in zip(order, found, strict=True):
        pd.testing.assert_frame_equal(frame, alone[k])


def test_a_refused_record_leaves_nothing_behind(records: list[Record], alone: list[pd.DataFrame]) -> None:
    bad = Record("E1", CUTOFF, {"penalties": [{"record_id": "p", "occurred_at": "never"}]})
    with pytest.raises(SourceError, match="occurred_at"):
        indicators_of([bad], HEBEI)
    with pytest.raises(SourceError, match="twice"):
        indicators_of([records[0], records[0]], HEBEI)
    pd.testing.assert_frame_equal(indicators_of([records[0]], HEBEI), alone[0])


def test_neighbours_given_do_not_stand_for_tables_not_given() -> None:
    """Rate ratios are made of inspections, but say nothing of whether this enterprise's own are known."""
    peers = [{"kind": "industry_random", "ratio_ppm": 1_200_000}]
    found = indicators_of([Record("E1", CUTOFF, {}, {"peers": peers})], HEBEI)
    assert found["clean_visits_ever"].isna().all()
    assert found[[c for c in found.columns if "industry" in c]].notna().any(axis=None)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"kind": 7, "ratio_ppm": 1}, "relation peers, row 0, column kind"),
        ({"kid": "x"}, r"unknown column kid; did you mean kind\?"),
        ({"kind": "industry_random", "ratio_ppm": -1}, "row 0, column ratio_ppm: got -1, expected at least 0"),
    ],
)
def test_a_bad_neighbour_is_named(row: dict[str, object], message: str) -> None:
    with pytest.raises(SourceError, match=message):
        indicators_of([Record("E1", CUTOFF, {}, {"peers": [row]})], HEBEI)


@pytest.mark.parametrize(
    ("relation", "row", "message"),
    [
        ("cluster", {"others": -3}, "relation cluster, row 0, column others: got -3, expected at least 0"),
        ("related", {"other_id": "E2", "bad": 2}, "relation related, row 0, column bad: got 2, expected at most 1"),
        ("two_hop", {"paths": 1, "bad_paths": 2}, "column bad_paths: got 2, expected no more than paths"),
    ],
)
def test_neighbours_that_cannot_be_are_refused(relation: str, row: dict[str, object], message: str) -> None:
    with pytest.raises(SourceError, match=message):
        indicators_of([Record("E1", CUTOFF, {}, {relation: [row]})], HEBEI)


@pytest.fixture(scope="module")
def two() -> Iterator[tuple[Session, Session]]:
    """A session as it is used, and one that executes every statement, with every join, for every record."""
    policies = features_policy("hebei"), outcomes_policy("hebei")
    both = Session(*policies), Session(*policies, shortcuts=False)
    yield both
    for one in both:
        one.close()


@settings(max_examples=examples(6), deadline=None)
@given(seed=st.integers(0, 10**6), kept=st.floats(0, 1), together=st.booleans())
def test_what_is_left_out_would_have_found_nothing(
    seed: int, kept: float, together: bool, two: tuple[Session, Session]
) -> None:
    """Records of few tables, of first versions alone, without objections or with: the same as by all statements."""
    rng = random.Random(seed)
    some = [few_rows(rng, r, kept) for r in taken(seed)]
    for records in [some] if together else [[r] for r in some]:
        pairs = [(r.enterprise_id, r.cutoff) for r in records]
        short, all_of_it = (one.run(pairs, *session_input(records, one.sources)) for one in two)
        assert short == all_of_it


def few_rows(rng: random.Random, record: Record, kept: float) -> Record:
    """The record with some tables emptied, some down to first versions, most without objections and repairs."""
    tables = {}
    for name, rows in record.tables.items():
        chosen = rows if rng.random() < kept and (name not in MOMENT_TABLES or rng.random() < 0.3) else []
        first = rng.random() < 0.5
        tables[name] = [row for row in chosen if not first or row["version"] == 1]
    return replace(record, tables=tables)


@pytest.mark.parametrize("text", ["it's", 'a "b" \\u0041', "{}", "nul\x00 and\nline", "企业😀", "$part' --"])
def test_any_text_comes_through_as_it_is(text: str) -> None:
    """Rows travel as a JSON text within SQL: evidence names a record by exactly the identifier it was given."""
    row = {"record_id": text, "occurred_at": date(2023, 1, 1), "known_at": date(2023, 1, 9), "reason": "quality"}
    found = indicators_of([Record(text, CUTOFF, {"serious_list": [row]})], HEBEI)
    assert found["evidence_H13_1"].tolist() == [f"serious_list:{text}"]
    assert found.index.tolist() == [(text, CUTOFF)]


def test_a_text_that_cannot_be_written_is_refused() -> None:
    row = {
        "record_id": "half \ud800",
        "occurred_at": date(2023, 1, 1),
        "known_at": date(2023, 1, 9),
        "reason": "quality",
    }
    with pytest.raises(SourceError, match="table serious_list, row 0, column record_id"):
        indicators_of([Record("E1", CUTOFF, {"serious_list": [row]})], HEBEI)


@pytest.mark.parametrize("part", [1, 3])
def test_taking_a_cohort_in_parts_changes_nothing(part: int) -> None:
    store = open_frames(province(8, records=20), EARLY)
    cutoffs = [CUTOFF, date(2023, 1, 1)]
    pairs = pd.DataFrame([(e, c) for e in ENTERPRISES for c in cutoffs], columns=["enterprise_id", "cutoff"])
    whole = evaluate(store, pairs, HEBEI)
    pd.testing.assert_frame_equal(evaluate(store, pairs, HEBEI, part=part), whole)
    one = pairs[pairs["cutoff"] == CUTOFF]
    pd.testing.assert_frame_equal(
        evaluate(store, one, HEBEI, part=part), whole[whole.index.get_level_values("cutoff") == CUTOFF]
    )
    store.close()
