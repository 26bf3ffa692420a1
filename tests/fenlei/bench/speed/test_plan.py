"""The bench of a plan plans what it says: made-up enterprises of all classes, and visits that pairs can make."""

from __future__ import annotations

from fenlei.bench.speed.plan import made_up, plan_once


def test_a_small_bench_draws_and_deals() -> None:
    assert set(made_up(1_000)["grade"]) == set("ABCD")
    seconds, draws, visits = plan_once(2_000)
    assert set(seconds) == {"draw and deal", "figures"}
    assert 0 < visits <= draws
