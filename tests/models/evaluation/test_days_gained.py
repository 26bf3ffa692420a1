"""Days earlier: the same visits in another order, as slowly and plainly re-ordered; rivals are measured beside it."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.henan_year import CUTS, henan_year
from models.errors import ModelInputError
from models.evaluation import WINDOWS, TestVisits, days_earlier
from models.evaluation.days_gained import Window
from models.evaluation.visits import Arm


def list_of(rows: Sequence[tuple[str, int, float]], arm: Arm = "random") -> TestVisits:
    """(day, y, score) in 2026-03 unless the day says another month."""
    frame = pd.DataFrame(rows, columns=["visited_on", "y", "score"])
    frame["visited_on"] = pd.to_datetime(frame["visited_on"])
    return TestVisits(
        frame.assign(
            enterprise_id=[f"E{i}" for i in range(len(frame))],
            cutoff=frame["visited_on"],
            severity=frame["y"] * 2,
            restates=0,
            weight=1.0,
            probability=0.2,
            grade=np.asarray(list("ABCD"))[np.searchsorted(CUTS, frame["score"] / 1000)],
        ),
        arm,
    )


def test_days_earlier_by_hand() -> None:
    visits = list_of([("2026-03-01", 0, 100), ("2026-03-05", 1, 300), ("2026-03-11", 1, 900), ("2026-03-21", 0, 200)])
    found = days_earlier(visits, repetitions=50)
    # 900 goes to the 1st (10 days earlier), 300 to the 5th (0): on average 5; at best both in the first two slots: 5.
    assert (found.days, found.best) == (5.0, 5.0)
    assert found.random == pytest.approx((5 + 11) / 2 - (1 + 5 + 11 + 21) / 4)
    assert found.days_severity == 5.0


def test_a_list_is_ordered_within_its_month_only() -> None:
    march = [("2026-03-01", 0, 100), ("2026-03-05", 1, 300)]
    april = [("2026-04-01", 0, 800), ("2026-04-05", 1, 900)]
    assert days_earlier(list_of(march + april), repetitions=20).days == 4.0
    assert days_earlier(list_of(march), repetitions=20).days == 4.0


def test_a_score_that_knows_nothing_finds_nothing_earlier_and_one_that_knows_stays_below_the_best() -> None:
    visits = henan_year(100_000, seed=7)
    knows = days_earlier(visits, repetitions=200)
    assert 0 < knows.days_low < knows.days < knows.days_high < knows.best
    rng = np.random.default_rng(8)
    blind = days_earlier(TestVisits(visits.frame.assign(score=rng.random(len(visits))), "random"), repetitions=200)
    assert blind.days_low < 0 < blind.days_high
    assert blind.random == pytest.approx(0, abs=1.0)


def test_a_list_without_violations_has_nothing_to_find() -> None:
    found = days_earlier(list_of([("2026-03-01", 0, 100)]), repetitions=5)
    assert np.isnan(found.days)
    assert found.as_dict()["days"] is None


def slowly(visits: TestVisits, score: np.ndarray, window: str, value: str = "y") -> float:
    """Give each list's days out again, one visit after the other; ties by the hash of the enterprise."""
    f = visits.frame.assign(by=score, tie=visits.sample().tie, day=pd.to_datetime(visits.frame["visited_on"]))
    f["list"] = f["day"].dt.to_period("M").astype(str) if window == "month" else "all"
    earlier, weight = 0.0, 0.0
    for _, own in f.groupby("list"):
        days = sorted(own["day"])
        ranked = sorted(own.to_dict("records"), key=lambda r: (-r["by"], r["tie"]))
        for slot, row in zip(days, ranked, strict=True):
            earlier += row[value] * (row["day"] - slot).days
            weight += row[value]
    return earlier / weight


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("codes", ["all", "without 6 and B"])
def test_every_order_is_as_when_re_ordered_slowly(window: Window, codes: str) -> None:
    visits = henan_year(20_000, seed=3, repeat=0.2)
    rng = np.random.default_rng(4)
    rivals = {
        "scorecard": visits.score + rng.normal(0, 200, len(visits)),
        "past_rate": rng.integers(0, 3, len(visits)) / 2,  # mostly ties
    }
    found = days_earlier(visits, window=window, rivals=rivals, codes=codes, repetitions=20)
    rows = np.ones(len(visits), dtype=bool) if codes == "all" else (visits.frame["restates"] == 0).to_numpy()
    kept = visits.take(rows)
    assert (found.window, found.codes, found.visits) == (window, codes, int(rows.sum()))
    assert found.days == pytest.approx(slowly(kept, kept.score, window))
    assert found.days_severity == pytest.approx(slowly(kept, kept.score, window, "severity"))
    assert found.best == pytest.approx(slowly(kept, kept.y, window))
    assert [r.rival for r in found.rivals] == list(rivals)
    for r in found.rivals:
        assert r.days == pytest.approx(slowly(kept, rivals[r.rival][rows], window))
        assert r.difference == pytest.approx(found.days - r.days)
        assert r.difference_severity == pytest.approx(found.days_severity - r.days_severity)


@given(st.data())
def test_a_resampled_list_is_ordered_anew(data: st.DataObject) -> None:
    """A visit that stands on the list k times counts as k visits: the same as a list with its copies written out."""
    from models.evaluation.days_gained import _Lists

    n = data.draw(st.integers(1, 12))
    days = data.draw(st.lists(st.integers(0, 70), min_size=n, max_size=n))
    y = data.draw(st.lists(st.integers(0, 1), min_size=n, max_size=n))
    scores = data.draw(st.lists(st.integers(0, 3), min_size=n, max_size=n))
    times = np.asarray(data.draw(st.lists(st.integers(0, 3), min_size=n, max_size=n)), dtype=np.int64)
    start = pd.Timestamp("2026-03-01")
    rows = [(str(start + pd.Timedelta(days=d)), v, 100.0 * s) for d, v, s in zip(days, y, scores, strict=True)]
    visits = list_of(rows)
    copies = TestVisits(visits.frame.loc[np.repeat(np.arange(n), times)].reset_index(drop=True), "random")
    for window in WINDOWS:
        found = _Lists(visits, window, {}).figures(times)
        if not copies.y.any():
            assert np.isnan(found[:, :2]).all()
            continue
        assert found[0, 0] == pytest.approx(slowly(copies, copies.score, window), abs=1e-9)
        assert found[1, 0] == pytest.approx(slowly(copies, copies.y, window), abs=1e-9)
        assert found[-1, 0] == pytest.approx(by_lot(copies, window), abs=1e-9)


def by_lot(visits: TestVisits, window: str) -> float:
    """The mean over all orders of a list: every visit is equally often in each of its slots."""
    day = pd.to_datetime(visits.frame["visited_on"])
    lists = day.dt.to_period("M").astype(str) if window == "month" else pd.Series("all", index=day.index)
    number = (day - pd.Timestamp("2026-01-01")).dt.days.astype(float)
    return float(np.average(number - number.groupby(lists).transform("mean"), weights=visits.y))


def test_the_whole_test_is_one_list_across_months() -> None:
    march = [("2026-03-01", 0, 100), ("2026-03-05", 1, 300)]
    april = [("2026-04-01", 0, 800), ("2026-04-05", 1, 900)]
    visits = list_of(march + april)
    whole = days_earlier(visits, window="whole test", repetitions=20)
    # 900 goes to 1 March (35 days earlier), 300 to 1 April, behind 800: 27 days later.
    assert whole.days == pytest.approx((35 - 27) / 2)
    assert whole.best == pytest.approx((35 + 0) / 2)
    assert "2 months as one list" in whole.text
    assert "each of 2 months one list" in days_earlier(visits, repetitions=20).text


def test_one_months_whole_test_is_that_months_list() -> None:
    visits = list_of([("2026-03-01", 0, 100), ("2026-03-05", 1, 300), ("2026-03-11", 1, 900)])
    month, whole = (days_earlier(visits, window=w, repetitions=30) for w in WINDOWS)
    assert (month.days, month.days_low, month.days_high) == (whole.days, whole.days_low, whole.days_high)


def test_a_rival_with_the_models_order_differs_by_exactly_nothing_and_a_blind_one_beyond_its_interval() -> None:
    visits = henan_year(100_000, seed=7)
    rivals = {"logistic": visits.probability, "past_rate": np.random.default_rng(1).random(len(visits))}
    for window in WINDOWS:
        same, blind = days_earlier(visits, window=window, rivals=rivals, repetitions=200).rivals
        assert (same.difference, same.difference_low, same.difference_high) == (0, 0, 0)
        assert blind.difference_low > 0


def test_the_difference_is_paired() -> None:
    """Of two orders that are nearly one the difference is far surer than either: both see the same resamples."""
    visits = henan_year(60_000, seed=9)
    near = visits.score + np.random.default_rng(2).normal(0, 10, len(visits))
    found = days_earlier(visits, rivals={"logistic": near}, repetitions=300)
    [rival] = found.rivals
    assert rival.difference_high - rival.difference_low < (found.days_high - found.days_low) / 4


def test_rivals_change_nothing_of_the_models_own_figures() -> None:
    visits = henan_year(20_000, seed=2)
    alone = days_earlier(visits, repetitions=50)
    beside = days_earlier(visits, rivals={"logistic": -visits.score}, repetitions=50)
    assert (alone.days, alone.days_low, alone.days_high) == (beside.days, beside.days_low, beside.days_high)


def test_the_first_half_by_hand() -> None:
    rows = [("2026-03-01", 0, 100), ("2026-03-05", 1, 300), ("2026-03-11", 1, 900), ("2026-03-21", 0, 200)]
    found = days_earlier(list_of(rows), repetitions=50)
    assert (found.first_half, found.first_half_made) == (1.0, 0.5)
    odd = days_earlier(
        list_of([("2026-03-01", 0, 900), ("2026-03-05", 1, 300), ("2026-03-11", 0, 100)]), repetitions=50
    )
    assert odd.first_half == odd.first_half_made == 0.5  # the visit in the middle counts half


def test_the_text_names_the_arm() -> None:
    rows = [("2026-03-01", 0, 100), ("2026-03-05", 1, 300)]
    assert "(random arm)" in days_earlier(list_of(rows), repetitions=20).text
    assert "(no random arm, unknown visits)" in days_earlier(list_of(rows, "unknown"), repetitions=20).text


def test_scores_of_other_visits_are_refused() -> None:
    visits = list_of([("2026-03-01", 0, 100), ("2026-03-05", 1, 300)])
    with pytest.raises(ModelInputError, match="logistic has scores of shape \\(3,\\) for 2 visits"):
        days_earlier(visits, rivals={"logistic": np.zeros(3)})


def test_a_list_with_rivals_and_nothing_to_find_is_still_plain() -> None:
    found = days_earlier(list_of([("2026-03-01", 0, 100)]), rivals={"logistic": np.zeros(1)}, repetitions=5)
    assert found.rivals == ()
    json.dumps(found.as_dict(), allow_nan=False)
