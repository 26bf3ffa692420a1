"""What a rate ratio promises: it says where a group stands among all, and finding a violation never lowers it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.catalogue import CATALOGUE, RECENT
from features.contract import TABLES
from features.engine.duckdb_engine import evaluate
from features.records.store import open_frames
from features.scope import Scope
from helpers.records import CUTOFF, ENTERPRISES, frame, province, rows_of
from helpers.thorough import examples

RATIOS = [*(name for name in CATALOGUE if "_rate_ratio_" in name), *RECENT]
EARLY = {t: date(2000, 1, 1) for t in TABLES}
DAY = date(2023, 1, 9)
ONE_DAY = timedelta(days=1)


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


def test_recent_rates_go_by_what_was_found_lately_and_by_what_is_nearest() -> None:
    tables = two_industries({"C13": 40, "H62": 40}, 100)
    late = [visit(f"late{k}", "F0", found=True, draw=None) | {"occurred_at": CUTOFF - ONE_DAY} for k in range(30)]
    tables["inspections"] = frame("inspections", [*rows_of(tables["inspections"]), *late])
    found = ratios(tables, ["F0", "F1"])
    own = {half: found[f"recent_own_ratio_{half}d"].astype(float) for half in (30, 600)}
    for half, ratio in own.items():
        assert ratio["F0"] > found[f"recent_industry_ratio_{half}d"].astype(float)["F0"] > 1.2
        assert ratio["F0"] > ratio["F1"]
    assert own[30]["F0"] > own[600]["F0"]


def test_half_as_much_is_made_of_a_finding_after_every_half_life() -> None:
    """Of one finding and nothing else ever found: (w * 9 + 20) / (w + 20) at its trade, w its weight."""
    for age, weight in ((30, 0.5), (60, 0.25), (45, 0.375), (600, 0.0)):
        tables = two_industries({"C13": 1, "H62": 0}, 1)
        rows = rows_of(tables["inspections"])
        rows[0] |= {"occurred_at": CUTOFF - age * ONE_DAY, "known_at": CUTOFF - age * ONE_DAY}
        tables["inspections"] = frame("inspections", rows[:1])
        found = ratios(tables, ["F0"]).loc["F0", "recent_industry_ratio_30d"]
        assert found == pytest.approx((weight * 9 + 20) / (weight + 20), abs=2e-6)


def test_where_there_is_nobody_else_the_ratio_is_one() -> None:
    alone = ratios(two_industries({"C13": 7}, 50), ["F0"])
    assert list(alone.loc["F0", ["industry_rate_ratio_all", "region_rate_ratio_1y"]]) == [1.0, 1.0]
