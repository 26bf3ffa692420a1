"""What is not known of other enterprises' tables is missing, and only for the indicators that look into them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import pandas as pd
import pytest

from features.catalogue import CATALOGUE
from features.catalogue.relations import LOOKS_INTO, looks, tables_read
from features.contract import TABLES
from features.engine.duckdb_engine import evaluate
from features.engine.record.record import Record, extract_context, indicators_of
from features.records.store import open_frames
from features.scope import Scope
from helpers.records import CUTOFF, ENTERPRISES, province
from helpers.scope import HEBEI

EARLY = {t: date(2000, 1, 1) for t in TABLES}
ASSOCIATION = [n for n, i in CATALOGUE.items() if set(i.tables) & {"related", "two_hop", "cluster", "peers"}]
LISTS = {"related_abnormal_share", "related_bad_share", "two_hop_bad_share"}
PENALTIES = {"related_penalised_share", "related_penalties_3y", "related_bad_share", "two_hop_bad_share"}
BLACK = {"related_blacklisted_share", "related_debtor_share", "related_bad_share", "two_hop_bad_share"}
SERIOUS = {"related_blacklisted_share", "related_bad_share", "two_hop_bad_share"}
DRAWN = {n for n in ASSOCIATION if n.endswith("_rate_ratio_random")}


def missing(covers: Mapping[str, date]) -> set[str]:
    """Association and peer indicators without a value, where those with full coverage have one."""
    tables = province(12, records=40)
    pairs = pd.DataFrame({"enterprise_id": list(ENTERPRISES), "cutoff": CUTOFF})
    found = []
    for covered in (EARLY, covers):
        store = open_frames({t: f for t, f in tables.items() if t in covered}, covered)
        found.append(evaluate(store, pairs, Scope("hebei", names=ASSOCIATION)))
        store.close()
    assert found[0].notna().all(axis=None)
    return {n for n in ASSOCIATION if found[1][n].isna().all()}


@pytest.mark.parametrize(
    ("change", "gone"),
    [
        ({"penalties": None}, PENALTIES),
        ({"penalties": date(2021, 1, 9)}, PENALTIES),  # a day more is lacking than the policy tolerates
        ({"penalties": date(2021, 1, 8)}, set()),
        ({"abnormal_list": None}, LISTS),
        ({"abnormal_list": date(2023, 12, 31)}, set()),  # a list is read as it stands: any day before will do
        ({"abnormal_list": CUTOFF}, LISTS),
        ({"blacklists": None}, BLACK),
        ({"serious_list": None}, SERIOUS),
        ({"draws": None}, DRAWN),
        ({"complaints": None, "lawsuits": None}, set()),
    ],
)
def test_a_table_of_the_neighbours_takes_its_indicators_along_and_no_others(
    change: dict[str, date | None], gone: set[str]
) -> None:
    assert missing({t: d for t, d in {**EARLY, **change}.items() if d is not None}) == gone


@pytest.mark.parametrize("lacks", ["penalties", "blacklists", "shareholdings", "draws"])
def test_a_record_knows_from_its_context_what_the_province_lacked(lacks: str) -> None:
    tables = province(12, records=40)
    store = open_frames({t: f for t, f in tables.items() if t != lacks}, EARLY)
    pairs = pd.DataFrame({"enterprise_id": list(ENTERPRISES), "cutoff": CUTOFF})
    whole = evaluate(store, pairs, HEBEI)
    records = extract_context(store, ENTERPRISES, CUTOFF, HEBEI)
    store.close()
    assert whole[ASSOCIATION].isna().any(axis=None)
    pd.testing.assert_frame_equal(indicators_of(records, HEBEI), whole)


def test_own_tables_not_given_say_nothing_of_the_neighbours() -> None:
    near = [{"other_id": "E2", "link": "investor", "revoked": 0, "abnormal": 0, "blacklisted": 0, "debtor": 0,
             "penalties_3y": 2, "bad": 1}]  # fmt: skip
    found = indicators_of([Record("E1", CUTOFF, {}, {"related": near})], HEBEI).iloc[0]
    assert found["related_penalties_3y"] == 2
    assert pd.isna(found["penalties_3y"])


def test_an_aggregate_that_counts_only_neighbours_looks_into_nothing() -> None:
    [count] = CATALOGUE["related_enterprises"].formula.parts
    assert looks(count) == ()
    assert tables_read([count]) == ("persons_roles", "shareholdings")
    bad, every = CATALOGUE["related_bad_share"].formula.parts
    assert {t for t, _ in looks(bad)} == {f"others_{t}" for t, _ in LOOKS_INTO["related"]["bad"]}
    assert looks(every) == ()
