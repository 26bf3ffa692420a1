"""Bounds: what an indicator's value can be is told by its unit, and every value that is computed keeps to it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from features.catalogue import CATALOGUE, with_sector
from features.catalogue.bounds import COUNT, DIFFERENCE, FLAG, GROWTH, RATIO, SHARE, Bounds, bounds_of
from features.catalogue.sectors import load_sector
from features.catalogue.sectors.declared import DeclaredIndicator
from features.engine.duckdb_engine import compute_indicators
from features.population.cohort import cohort
from features.scope import Scope


@pytest.mark.parametrize(
    ("bounds", "can", "cannot", "words"),
    [
        (COUNT, (0, 1, 1e15), (-1, 0.5, float("inf"), float("nan")), "a whole number of at least 0"),
        (FLAG, (0, 1), (-1, 0.5, 2), "0 or 1"),
        (SHARE, (0, 0.5, 1), (-0.01, 1.01, float("nan")), "a number from 0 to 1"),
        (RATIO, (0, 0.5, 7.25), (-0.01, float("inf")), "a number of at least 0"),
        (DIFFERENCE, (-3, 0, 3), (0.5, -float("inf")), "a whole number"),
        (GROWTH, (-1, -0.5, 12.5), (-1.01,), "a number of at least -1"),
        (Bounds(low=None), (-0.5,), (float("nan"), float("inf")), "a number"),
        (Bounds(low=None, high=3), (-0.5, 3), (3.5,), "a number of at most 3"),
        (Bounds(high=9, whole=True), (9,), (10,), "a whole number from 0 to 9"),
    ],
)
def test_bounds_hold_what_can_be_and_say_it_in_words(
    bounds: Bounds, can: tuple[float, ...], cannot: tuple[float, ...], words: str
) -> None:
    assert all(map(bounds.hold, can))
    assert not any(map(bounds.hold, cannot))
    assert str(bounds) == words


def test_the_unit_tells_the_bounds_of_all_but_the_few_that_say_otherwise() -> None:
    told = {name: i.bounds for name, i in CATALOGUE.items() if i.bounds != bounds_of(i.unit)}
    assert told == {
        "annual_reports_missed_3y": COUNT,
        "loss_years_3y": COUNT,
        "revenue_change": GROWTH,
        "debt_ratio": RATIO,
        "paid_in_ratio": RATIO,
        "insured_staff_change_1y": DIFFERENCE,
        "complaints_growth_3m": DIFFERENCE,
        "items_failed_change": Bounds(low=None),
    }
    assert {i.bounds for i in CATALOGUE.values() if i.unit in ("penalties", "fen", "days")} == {COUNT}


def test_a_sectors_total_of_what_can_be_a_loss_can_be_below_zero() -> None:
    given = {
        "name": "x_profit", "zh": "利润", "en": "profit", "family": "dynamic", "group": "finances",
        "direction": "either", "unit": "fen", "policy": "HB 15", "doc": "Profit.", "table": "annual_reports",
        "measure": "total",
    }  # fmt: skip
    profit, revenue = (
        DeclaredIndicator.model_validate(given | {"column": column}).indicator.bounds
        for column in ("profit_fen", "revenue_fen")
    )
    assert (profit, revenue) == (DIFFERENCE, COUNT)


@pytest.mark.parametrize("sector", [None, "food"])
def test_every_value_of_a_simulated_province_is_within_its_bounds(small_clean: Path, sector: str | None) -> None:
    scope = Scope("hebei", sector=sector)
    days = [date(2024, 7, 1), date(2025, 3, 15), date(2026, 1, 1)]
    frame = compute_indicators(small_clean, cohort(small_clean, days, scope), scope)
    every = with_sector(load_sector("hebei", sector) if sector else None)
    beyond = {
        name: found
        for name, i in every.items()
        if (found := [v for v in frame[name].dropna().unique() if not i.bounds.hold(v)])
    }
    assert beyond == {}
    assert len(frame) > 100
    assert frame["complaints_growth_3m"].min() < 0 or sector
