"""The rival of the warnings: a plain count, as low as the policy's rate lets it be."""

from __future__ import annotations

import pandas as pd

from fenlei.bench.alerts.verb import FALSE, POWER, plain_threshold
from fenlei.bench.common.page import check_page
from helpers.root import ROOT


def test_the_plain_threshold_is_the_least_count_that_raises_no_more_than_policy_lets() -> None:
    counts = pd.Series([1] * 50 + [2] * 10 + [3] * 3 + [9])
    assert plain_threshold(counts, 1000, 0.0045) == 3
    assert plain_threshold(counts, 1000, 0.001) == 4
    assert plain_threshold(counts, 1000, 0.0005) == 10


def test_the_page_of_the_warnings_has_the_places_that_the_bench_fills() -> None:
    check_page(ROOT / "docs" / "warnings.md", FALSE, POWER, "about")
