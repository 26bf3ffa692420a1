"""The rivals know no more than the model may, and are what they say."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.review.baselines import LogisticBaseline, past_violation_rate

visit = st.tuples(st.sampled_from("abc"), st.integers(0, 300), st.integers(0, 60), st.integers(0, 1))


def frame(rows: list[tuple[str, int, int, int]]) -> pd.DataFrame:
    visited = [date(2024, 1, 1) + timedelta(days=d) for _, d, _, _ in rows]
    return pd.DataFrame(
        {
            "enterprise_id": [f for f, _, _, _ in rows],
            "visited_on": visited,
            "cutoff": [d.replace(day=1) for d in visited],
            "known_at": [v + timedelta(days=lag) for v, (_, _, lag, _) in zip(visited, rows, strict=True)],
            "violation": [y for _, _, _, y in rows],
        }
    )


def by_hand(data: pd.DataFrame, prior: float, strength: float) -> list[float]:
    out = []
    for _, row in data.iterrows():
        past = data[
            (data["enterprise_id"] == row["enterprise_id"])
            & (data["visited_on"] < row["cutoff"])
            & (data["known_at"] < row["cutoff"])
        ]
        out.append((past["violation"].sum() + prior * strength) / (len(past) + strength))
    return out


@given(st.lists(visit, min_size=1, max_size=40))
@settings(deadline=None)
def test_the_past_rate_counts_only_what_was_known_before_the_cut_off(rows: list[tuple[str, int, int, int]]) -> None:
    data = frame(rows)
    assert past_violation_rate(data, prior=0.1, strength=4) == pytest.approx(by_hand(data, 0.1, 4))


def test_a_firm_never_visited_gets_the_prior() -> None:
    assert past_violation_rate(frame([("a", 10, 5, 1)]), prior=0.2, strength=4)[0] == pytest.approx(0.2)


def test_the_logistic_rival_learns_with_unknown_values_and_empty_columns() -> None:
    rng = np.random.default_rng(0)
    X = rng.exponential(1000, size=(3000, 4))
    margin = np.log1p(X[:, 0]) - 6
    y = (rng.uniform(size=3000) < 1 / (1 + np.exp(-margin))).astype(int)
    X[rng.uniform(size=3000) < 0.2, 1] = np.nan
    X[:, 2] = np.nan
    rival = LogisticBaseline().fit(X[:2000], y[:2000])
    found = rival.margin(X[2000:])
    assert np.isfinite(found).all()
    assert np.corrcoef(found, margin[2000:])[0, 1] > 0.95
