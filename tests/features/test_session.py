"""A session answers for record after record: none sees anything of another, in whatever order or thread they come."""

from __future__ import annotations

import random
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pandas as pd
import pytest

from features import session as sessions
from features.contract import TABLES
from features.engine import evaluate
from features.errors import SourceError
from features.record import Record, extract_context, indicators_of
from features.store import open_frames
from helpers.records import CUTOFF, ENTERPRISES, province

EARLY = {t: date(2000, 1, 1) for t in TABLES}


def taken(seed: int) -> list[Record]:
    """Records of a random province, some of them with tables or neighbours left out."""
    rng = random.Random(seed)
    store = open_frames(province(seed, records=12), EARLY)
    found = extract_context(store, ENTERPRISES, CUTOFF)
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
        found.append(indicators_of([r]))
    return found


def test_nothing_of_a_record_stays_for_the_next(records: list[Record], alone: list[pd.DataFrame]) -> None:
    order = list(range(len(records))) * 2
    random.Random(5).shuffle(order)
    for k in order:
        pd.testing.assert_frame_equal(indicators_of([records[k]]), alone[k])


def test_many_records_in_one_call_are_the_same_as_one_by_one(records: list[Record], alone: list[pd.DataFrame]) -> None:
    """Records that cover different tables go through one run, in the order in which they were given."""
    order = list(range(len(records)))
    random.Random(6).shuffle(order)
    together = indicators_of([records[k] for k in order])
    pd.testing.assert_frame_equal(together, pd.concat([alone[k] for k in order]))


def test_threads_get_their_own_answers(records: list[Record], alone: list[pd.DataFrame]) -> None:
    order = list(range(len(records))) * 2
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda k: indicators_of([records[k]]), order))
    for k, frame in zip(order, found, strict=True):
        pd.testing.assert_frame_equal(frame, alone[k])


def test_a_refused_record_leaves_nothing_behind(records: list[Record], alone: list[pd.DataFrame]) -> None:
    bad = Record("E1", CUTOFF, {"penalties": [{"record_id": "p", "occurred_at": "never"}]})
    with pytest.raises(SourceError, match="occurred_at"):
        indicators_of([bad])
    with pytest.raises(SourceError, match="twice"):
        indicators_of([records[0], records[0]])
    pd.testing.assert_frame_equal(indicators_of([records[0]]), alone[0])


def test_neighbours_given_do_not_stand_for_tables_not_given() -> None:
    """Peer rates are made of inspections, but say nothing of whether this enterprise's own are known."""
    peers = [{"kind": "industry_random", "rate_ppm": 120_000}]
    found = indicators_of([Record("E1", CUTOFF, {}, {"peers": peers})])
    assert found["clean_visits_ever"].isna().all()
    assert found[[c for c in found if "industry" in c]].notna().any(axis=None)


@pytest.mark.parametrize(
    ("row", "message"),
    [({"kind": 7, "rate_ppm": 1}, "relation peers, row 0, column kind"), ({"kid": "x"}, "unknown column kid")],
)
def test_a_bad_neighbour_is_named(row: dict[str, object], message: str) -> None:
    with pytest.raises(SourceError, match=message):
        indicators_of([Record("E1", CUTOFF, {}, {"peers": [row]})])


@pytest.mark.parametrize("part", [1, 3])
def test_taking_a_cohort_in_parts_changes_nothing(part: int) -> None:
    store = open_frames(province(8, records=20), EARLY)
    cutoffs = [CUTOFF, date(2023, 1, 1)]
    pairs = pd.DataFrame([(e, c) for e in ENTERPRISES for c in cutoffs], columns=["enterprise_id", "cutoff"])
    whole = evaluate(store, pairs)
    pd.testing.assert_frame_equal(evaluate(store, pairs, part=part), whole)
    one = pairs[pairs["cutoff"] == CUTOFF]
    pd.testing.assert_frame_equal(
        evaluate(store, one, part=part), whole[whole.index.get_level_values("cutoff") == CUTOFF]
    )
    store.close()
