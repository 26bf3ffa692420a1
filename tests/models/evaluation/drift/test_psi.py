"""Stability: the index by hand, an alarm that knows how many firms there are, classes that vanish, who moved."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.thorough import examples
from models.arrays import Floats
from models.errors import ModelError
from models.evaluation import Frozen, freeze_classes, freeze_numbers, load_drift, migration, stability
from models.evaluation.drift.psi import psi, under_no_drift

POLICY = load_drift("hebei")


def grades(a: int, b: int, c: int, d: int) -> np.ndarray:
    return np.repeat(np.array(list("ABCD"), dtype=object), [a, b, c, d])


def test_the_index_by_hand() -> None:
    then, now = np.array([0.5, 0.3, 0.2]), np.array([0.4, 0.4, 0.2])
    by_hand = (0.4 - 0.5) * np.log(0.4 / 0.5) + (0.4 - 0.3) * np.log(0.4 / 0.3)
    assert psi(then, now, 1e-4) == pytest.approx(by_hand)


@given(st.lists(st.integers(0, 50), min_size=2, max_size=8), st.data())
@settings(deadline=None, max_examples=examples(60))
def test_the_index_is_never_negative_nor_infinite(counts: list[int], data: st.DataObject) -> None:
    other = data.draw(st.lists(st.integers(0, 50), min_size=len(counts), max_size=len(counts)))
    a, b = (np.asarray(c, float) / max(1, sum(c)) for c in (counts, other))
    assert 0 <= psi(a, b, 1e-4) < np.inf
    assert psi(a, a, 1e-4) == 0


def test_bins_are_of_equal_share_and_the_unknown_have_their_own() -> None:
    values = np.r_[np.random.default_rng(0).normal(size=10_000), np.full(500, np.nan)]
    frozen = freeze_numbers("x", values, 10)
    assert len(frozen.counts) == 11
    assert frozen.counts[-1] == 500
    assert np.asarray(frozen.counts[:-1]) == pytest.approx(1000, abs=2)


@pytest.mark.parametrize(
    ("values", "moved"),
    [
        (np.zeros(1000), np.r_[np.zeros(900), np.ones(100)]),
        (np.zeros(1000), np.r_[np.zeros(900), -np.ones(100)]),
        (np.r_[np.zeros(990), np.ones(10)], np.r_[np.zeros(900), np.ones(100)]),
        (np.full(1000, np.nan), np.r_[np.full(900, np.nan), np.ones(100)]),
        (np.r_[np.zeros(700), np.full(300, 1e9)], np.r_[np.zeros(900), np.full(100, 1e9)]),
    ],
)
def test_values_that_many_share_still_show_what_moves(values: Floats, moved: Floats) -> None:
    frozen = freeze_numbers("x", values, 10)
    assert frozen.rows == 1000
    assert stability(frozen, values, POLICY).psi == 0
    assert stability(frozen, moved, POLICY).alarm


def test_what_was_frozen_survives_json_to_the_last_bit() -> None:
    frozen = freeze_numbers("x", np.random.default_rng(1).normal(size=999), 10)
    assert Frozen.model_validate_json(frozen.model_dump_json()) == frozen


def test_an_alarm_knows_how_many_firms_there_are() -> None:
    """The same index of 0.02 is chance among 200 firms and news among 200,000; the trade calls both stable."""
    then, now = (500, 320, 120, 60), (570, 280, 100, 50)
    few = stability(freeze_classes(grades(*(n // 5 for n in then))), grades(*(n // 5 for n in now)), POLICY)
    many = stability(freeze_classes(grades(*(n * 100 for n in then))), grades(*(n * 100 for n in now)), POLICY)
    assert few.psi == pytest.approx(many.psi, rel=0.2)
    assert (few.alarm, many.alarm) == (False, True)
    assert few.folklore == many.folklore == "stable"
    assert few.alarm_level > many.alarm_level


def test_a_class_that_vanishes_alarms_though_the_trade_calls_it_stable() -> None:
    seen = stability(freeze_classes(grades(5600, 3200, 1180, 20)), grades(5610, 3205, 1185, 0), POLICY)
    assert seen.folklore == "stable"
    assert seen.vanished == ("D",)
    assert seen.alarm
    assert "nobody left in D" in seen.text


def test_a_class_too_rare_to_be_missed_is_named_without_alarm() -> None:
    seen = stability(freeze_classes(grades(5600, 3200, 1190, 10)), grades(16, 10, 4, 0), POLICY)
    assert seen.vanished == ("D",)
    assert not seen.alarm


def test_a_class_that_appears_alarms() -> None:
    seen = stability(freeze_classes(grades(6000, 3000, 1000, 0)), grades(5900, 3000, 1000, 100), POLICY)
    assert seen.appeared == ("D",)
    assert seen.alarm


def test_chi_squared_and_simulation_agree_where_both_hold() -> None:
    counts = (5500, 3200, 900, 400)
    frozen = freeze_classes(grades(*counts))
    level = stability(frozen, grades(*counts), POLICY).alarm_level
    drawn = under_no_drift(counts, 10_000, POLICY.floor, draws=40_000)
    assert np.quantile(drawn, 0.99) == pytest.approx(level, rel=0.05)


def test_the_alarm_holds_its_size_under_no_drift_in_small() -> None:
    """One alarm in a hundred; a thousand months, checked to 4.5 standard errors. The long test is stricter."""
    rng = np.random.default_rng(2)
    p = np.array([0.55, 0.32, 0.09, 0.04])
    alarms = 0
    for _ in range(400):
        frozen = Frozen(name="class", labels=tuple("ABCD"), counts=tuple(rng.multinomial(2000, p).tolist()))
        alarms += stability(frozen, grades(*rng.multinomial(1000, p)), POLICY).alarm
    assert alarms <= 400 * 0.01 + 4.5 * np.sqrt(400 * 0.01 * 0.99)


def test_a_strange_class_or_nothing_at_all_is_refused() -> None:
    frozen = freeze_classes(grades(1, 1, 1, 1))
    with pytest.raises(ModelError, match="'E'"):
        stability(frozen, np.array(["E"], dtype=object), POLICY)
    with pytest.raises(ModelError, match="no rows"):
        stability(frozen, np.array([], dtype=object), POLICY)


def ledger() -> pd.DataFrame:
    rows = [("1", "2026-01", "A"), ("2", "2026-01", "B"), ("3", "2026-01", "D"), ("4", "2026-01", "C"),
            ("1", "2026-02", "A"), ("2", "2026-02", "D"), ("3", "2026-02", "C"), ("5", "2026-02", "B"),
            ("1", "2026-03", "A")]  # fmt: skip
    return pd.DataFrame(rows, columns=["enterprise_id", "month", "grade"])


def test_migration_by_hand() -> None:
    first, second = migration(ledger())
    assert (first.month, first.next_month, first.firms) == ("2026-01", "2026-02", 3)
    assert first.counts[1][3] == 1
    assert first.counts[3][2] == 1
    assert (first.stayed, first.worse, first.better, first.far) == pytest.approx((1 / 3, 1 / 3, 1 / 3, 1 / 3))
    assert first.left == (0, 0, 1, 0)
    assert first.entered == (0, 1, 0, 0)
    assert second.stayed == 1
    assert np.isnan(second.shares[1][0])
    json.dumps([m.as_dict() for m in (first, second)], allow_nan=False)


def test_everyone_is_counted_once_in_a_migration() -> None:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(
        [(str(i), m, "ABCD"[rng.integers(4)]) for m in ("2026-01", "2026-02") for i in rng.permutation(300)[:250]],
        columns=["enterprise_id", "month", "grade"],
    )
    [m] = migration(frame)
    assert m.firms == sum(map(sum, m.counts))
    assert m.firms + sum(m.left) == m.firms + sum(m.entered) == 250
    assert m.stayed + m.worse + m.better == pytest.approx(1)


def test_an_enterprise_twice_in_a_month_is_refused() -> None:
    twice = pd.concat([ledger(), ledger().iloc[:1]])
    with pytest.raises(ModelError, match="twice"):
        migration(twice)
