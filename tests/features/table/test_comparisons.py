"""Comparisons of a month's table: exact, by trade and size, and small enough to travel with one record."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.catalogue import CATALOGUE
from features.errors import SourceError
from features.population.groups import UNKNOWN, enterprise_groups, groups_policy
from features.records.store import opened
from features.table.comparisons import Comparisons, comparison_paths, read_comparisons, reasons_policy
from features.table.month import read_table, write_clean_table
from features.table.peers import PERCENTS
from features.table.spread import COUNTED, Grouping
from helpers.scope import HEBEI

CUTOFF = date(2026, 1, 1)
LEAST = reasons_policy("hebei").least_peers


@pytest.fixture(scope="module")
def table(small_clean: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("comparisons") / "i.parquet"
    write_clean_table(small_clean, CUTOFF, path, HEBEI)
    return path


@pytest.fixture(scope="module")
def grouped(table: Path, small_clean: Path) -> pd.DataFrame:
    """The indicators with trade and size, as the groups of the population say them."""
    frame, _ = read_table(table)
    pairs = frame.index.to_frame(index=False)
    with opened(small_clean) as store:
        groups = enterprise_groups(store, pairs, groups_policy("hebei"))
    return frame.assign(trade=groups["industry"].to_numpy(), size_of=groups["size"].to_numpy())


def order_statistics(known: list[float]) -> list[float]:
    """Of each percent, the least value that so many do not exceed: as it is defined, slowly."""
    return [min(v for v in known if 100 * sum(k <= v for k in known) >= percent * len(known)) for percent in PERCENTS]


@given(st.data())
def test_counted_and_sorted_columns_give_the_order_statistics_of_each_group(data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 40))
    trade = np.array(data.draw(st.lists(st.sampled_from(["A", "C", "F"]), min_size=n, max_size=n)))
    size = np.array(data.draw(st.lists(st.sampled_from(["micro", "small"]), min_size=n, max_size=n)))
    value = st.sampled_from([np.nan, 0.0, 1.0, 2.0, 3650.0, COUNTED - 1.0])
    other = st.sampled_from([-2.0, 0.5, float(COUNTED), 1e12])
    values = np.array(data.draw(st.lists(value | other if data.draw(st.booleans()) else value, min_size=n, max_size=n)))
    found = dict(Grouping.of(trade, size).spread(values, 0.0, 2))
    cells = zip(trade, size, strict=True)
    groups = [("", "", "everyone"), *((t, "", "trade") for t in trade), *((t, s, "trade and size") for t, s in cells)]
    for t, s, among in groups:
        inside = ((trade == t) | (t == "")) & ((size == s) | (s == ""))
        known = [float(v) for v in values[inside] if not np.isnan(v)]
        if len(known) < 2:
            assert (t, s, among) not in found
        else:
            assert found[t, s, among] == (len(known), known.count(0.0), *order_statistics(known))  # type: ignore[index]


def test_peers_are_the_narrowest_group_with_enough_known_values_and_exact(table: Path, grouped: pd.DataFrame) -> None:
    everyone, seen = read_comparisons(table), set()
    some = grouped.iloc[::37]
    for enterprise_id, (_, row) in zip(some.index.get_level_values(0), some.iterrows(), strict=True):
        peers = everyone.of(str(enterprise_id))
        for name in ("penalties_ever", "insured_staff", "days_since_penalty", "debt_ratio", "abnormal_listed_now"):
            trade = grouped["trade"] == row["trade"]
            choices = [("everyone", grouped[name].dropna())]
            if row["trade"] != UNKNOWN:
                choices.insert(0, ("trade", grouped.loc[trade, name].dropna()))
                if row["size_of"] != UNKNOWN:
                    both = trade & (grouped["size_of"] == row["size_of"])
                    choices.insert(0, ("trade and size", grouped.loc[both, name].dropna()))
            among, known = next(((a, k) for a, k in choices if len(k) >= LEAST), ("", pd.Series(dtype=float)))
            if not among:
                assert name not in peers
                continue
            seen.add(among)
            found = peers[name]
            nothing = 3650 if name == "days_since_penalty" else 0
            assert (found.among, found.known, found.none) == (among, len(known), (known == nothing).sum())
            assert list(found.quantiles) == order_statistics(known.tolist())
    assert len(seen) > 1


def test_what_is_the_same_for_a_whole_trade_is_not_compared(table: Path) -> None:
    peers = read_comparisons(table).among(UNKNOWN, UNKNOWN)
    assert "penalties_ever" in peers
    assert not [name for name in peers if CATALOGUE[name].shared]


def test_an_enterprise_that_the_month_does_not_have_is_compared_with_everyone(table: Path) -> None:
    peers = read_comparisons(table).of("nobody")
    assert {p.among for p in peers.values()} == {"everyone"}


def test_the_same_table_gives_the_same_bytes(table: Path, small_clean: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.parquet"
    write_clean_table(small_clean, CUTOFF, again, HEBEI)
    for one, other in zip(comparison_paths(table), comparison_paths(again), strict=True):
        assert one.read_bytes() == other.read_bytes()


def test_peers_travel_as_json_beside_a_record(table: Path, grouped: pd.DataFrame) -> None:
    everyone, enterprise_id = read_comparisons(table), str(grouped.index[0][0])
    context = json.loads(json.dumps(everyone.context(enterprise_id)))
    assert Comparisons.from_context(enterprise_id, context).of(enterprise_id) == everyone.of(enterprise_id)


@pytest.mark.parametrize(
    "wrong", [["trade", 3], ["neighbours", 3, 1, 0, 0, 0, 0, 0], ["trade", 3, 1, 0, "x", 0, 0, 0], 7]
)
def test_a_wrong_context_is_told_which_indicator_and_what_was_expected(wrong: object) -> None:
    with pytest.raises(SourceError, match="'penalties_3y': expected"):
        Comparisons.from_context("E1", {"penalties_3y": wrong})


def test_a_table_without_comparisons_says_what_writes_them(table: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone.parquet"
    alone.write_bytes(table.read_bytes())
    with pytest.raises(SourceError, match=r"alone\.parquet: no comparisons stand beside it, `fenlei features`"):
        read_comparisons(alone)
