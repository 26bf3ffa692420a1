"""What a rate ratio promises: it says where a group stands among all, and finding a violation never lowers it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.catalogue import CATALOGUE
from features.contract import TABLES
from features.engine.duckdb_engine import evaluate
from features.records.store import open_frames
from features.scope import Scope
from helpers.records import CUTOFF, ENTERPRISES, frame, province, rows_of
from helpers.thorough import examples

RATIOS = [name for name in CATALOGUE if "_rate_ratio_" in name]
EARLY = {t: date(2000, 1, 1) for t in TABLES}
DAY = date(2023, 1, 9)


def ratios(tables: Mapping[str, pd.DataFrame], enterprises: Sequence[str] = ENTERPRISES) -> pd.DataFrame:
    store = open_frames(tables, EARLY)
    try:
        pairs = pd.DataFrame([(e, CUTOFF) for e in enterprises], columns=["enterprise_id", "cutoff"])
        return evaluate(store, pairs, Scope("hebei", names=RATIOS)).droplevel("cutoff")[RATIOS]
    finally:
        store.close()


def visit(record: str, enterprise: str, *, found: bool, draw: str | None) -> dict[str, object]:
    columns = TABLES["inspections"].columns
    plain: dict[str, object] = {c.name: None for c in columns}
    known = {"record_id": record, "enterprise_id": enterprise, "occurred_at": DAY, "known_at": DAY}
    outcome = {"arm": "random" if draw else "targeted", "draw_id": draw, "result_codes": "5" if found else "1"}
    return plain | known | outcome | {"record_state": "active"}


@given(seed=st.integers(0, 10_000), who=st.sampled_from(ENTERPRISES), drawn=st.booleans())
@settings(deadline=None, max_examples=examples(25))
def test_a_visit_that_finds_a_violation_never_lowers_an_enterprises_own_ratios(
    seed: int, who: str, drawn: bool
) -> None:
    tables = province(seed)
    draws = tables["draws"]["record_id"].tolist()
    more = visit("added", who, found=True, draw=draws[seed % len(draws)] if drawn and draws else None)
    after = {**tables, "inspections": frame("inspections", [*rows_of(tables["inspections"]), more])}
    before, now = ratios(tables).loc[who], ratios(after).loc[who]
    both = (before.notna() & now.notna()).to_numpy()
    # Ratios are whole parts per million, rounded down.
    assert (now[both] >= before[both] - 2e-6).all(), pd.DataFrame({"before": before, "now": now})[both]


def two_industries(found: Mapping[str, int], visits: int) -> dict[str, pd.DataFrame]:
    """One enterprise in each of two industries, so many of whose visits found a violation."""
    template = rows_of(province(1)["registration"])[0]
    entries, rows = [], []
    for k, (industry, bad) in enumerate(found.items()):
        own = {"enterprise_id": f"F{k}", "record_id": f"r{k}", "industry": industry, "region": f"13010{k}"}
        entries.append(template | own | {"known_at": date(2010, 1, 1), "occurred_at": date(2010, 1, 1)})
        rows += [visit(f"v{k}_{n}", f"F{k}", found=n < bad, draw=None) for n in range(visits)]
    return {"registration": frame("registration", entries), "inspections": frame("inspections", rows)}


def test_when_everybody_is_found_violating_twice_as_often_no_ratio_moves() -> None:
    """A plain rate would double: what changes for all belongs to the calibration, not to the order of firms."""
    once, twice = (
        ratios(two_industries({"C13": 40 * k, "H62": 120 * k}, 1000), ["F0", "F1"])["industry_rate_ratio_all"]
        for k in (1, 2)
    )
    assert once["F0"] == pytest.approx(1 / 3, rel=0.05)
    assert once["F1"] == pytest.approx(3, rel=0.05)
    assert twice.to_numpy() == pytest.approx(once.to_numpy(), rel=0.03)


def test_where_there_is_nobody_else_the_ratio_is_one() -> None:
    alone = ratios(two_industries({"C13": 7}, 50), ["F0"])
    assert list(alone.loc["F0", ["industry_rate_ratio_all", "region_rate_ratio_1y"]]) == [1.0, 1.0]
