"""Where a value stands among its peers is true, whatever the peers."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.catalogue import lookup
from features.table.peers import PERCENTS, Peers
from models.scoring.reasons.standing import standing


def peers_of(values: list[float], nothing: float = 0.0) -> Peers:
    """The slow, obvious summary of some values."""
    a, b, c, d, e = (sorted(values)[(p * len(values) + 99) // 100 - 1] for p in PERCENTS)
    return Peers("trade", len(values), sum(v == nothing for v in values), (a, b, c, d, e))


@given(st.lists(st.integers(0, 12), min_size=1, max_size=60), st.integers(0, 14))
def test_what_is_said_of_the_peers_holds_of_them(others: list[int], value: int) -> None:
    word, english, _ = standing(lookup("insured_staff"), float(value), peers_of([float(o) for o in others]))
    below, above = sum(o < value for o in others), sum(o > value for o in others)
    zero = sum(o == 0 for o in others)
    if word.startswith("above_"):
        assert 100 * below >= int(word[-2:]) * len(others)
    elif word.startswith("below_"):
        assert 100 * above >= int(word[-2:]) * len(others) - 1e-9
    elif word == "median":
        assert 2 * below <= len(others)
        assert 2 * above <= len(others)
    else:
        assert 2 * zero > len(others)
        assert (word == "as_most") == (value == 0)
        assert ("nine of ten" in english) == (10 * zero >= 9 * len(others))


def test_a_flag_is_compared_by_how_many_are_alike() -> None:
    entry = lookup("abnormal_listed_now")
    peers = Peers("trade and size", 200, 194, (0.0,) * 5)
    assert standing(entry, 1.0, peers) == (
        "unlike_most", "like 3 % of the firms of its trade and size", "同行业同规模企业中仅3%如此",
    )  # fmt: skip
    assert standing(entry, 0.0, peers)[1:] == (
        "like 97 % of the firms of its trade and size", "同行业同规模企业中97%如此",
    )  # fmt: skip
    assert standing(entry, 1.0, Peers("everyone", 9, 9, (0.0,) * 5))[1:] == ("unlike all firms", "全部企业均非如此")
    assert standing(entry, 0.0, Peers("everyone", 9, 9, (0.0,) * 5))[1:] == ("like all firms", "全部企业均如此")
    assert standing(entry, 1.0, Peers("everyone", 999, 998, (0.0,) * 5))[1] == "like fewer than 1 % of all firms"


@pytest.mark.parametrize("value", [math.nan])
def test_the_unknown_is_compared_with_nobody(value: float) -> None:
    assert standing(lookup("penalties_3y"), value, peers_of([0.0, 1.0])) == ("", "", "")
    assert standing(lookup("penalties_3y"), 1.0, None) == ("", "", "")


def test_what_a_whole_trade_shares_is_not_compared_within_it() -> None:
    assert standing(lookup("industry_rate_ratio_all"), 2.0, peers_of([1.0, 2.0])) == ("", "", "")


def test_never_is_what_most_have_where_most_have_never() -> None:
    entry = lookup("days_since_penalty")
    peers = peers_of([3650.0] * 8 + [20.0, 400.0], nothing=3650.0)
    assert standing(entry, 3650.0, peers) == ("as_most", "as in most firms of its trade", "与同行业多数企业相同")
    assert standing(entry, 20.0, peers) == ("most_none", "most firms of its trade: never", "同行业多数企业从未发生")
