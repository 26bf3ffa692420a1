"""Speed of a month's plan: enterprises as they stand, made up in memory, to a plan dealt to pairs and its figures."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Annotated, TypeVar

import numpy as np
import pandas as pd
import typer
from rich.table import Table
from rich.text import Text

from fenlei.bench.common.measure import measure
from fenlei.terminal import progress, show

T = TypeVar("T")
MONTH = "2026-11"
DISTRICTS = 170
"""Counties of Hebei, in round numbers."""


def made_up(enterprises: int) -> pd.DataFrame:
    """Return enterprises as `supervision.standing.standing` gives them, with published shares of classes [K]."""
    r = np.random.default_rng(0)
    grade = r.choice(4, enterprises, p=[0.55, 0.32, 0.09, 0.04])
    chance = np.array([0.06, 0.12, 0.27, 0.45])[grade] * r.uniform(0.7, 1.3, enterprises)
    district = np.array([f"13{k // 18:02d}{k % 18:02d}" for k in range(DISTRICTS)], dtype=object)
    return pd.DataFrame(
        {
            "enterprise_id": [f"E{k:08d}" for k in range(enterprises)],
            "region": district[r.integers(0, DISTRICTS, enterprises)],
            "industry": np.array(["F52", "C14", "I64", "H62"], dtype=object)[r.integers(0, 4, enterprises)],
            "grade": np.array(list("ABCD"), dtype=object)[grade],
            "probability": chance,
            "probability_low": chance * 0.9,
            "probability_high": chance * 1.1,
            "determined": grade == 3,
            "fields": r.choice([0, 1, 4, 5, 8], enterprises),
            "sector": r.choice([0, 0, 0, 1, 2], enterprises),
            "visits": r.choice(3, enterprises, p=[0.9, 0.09, 0.01]),
            "established": np.datetime64("2015-01-01"),
            "complaints": 0,
        }
    )


def plan_once(enterprises: int) -> tuple[dict[str, float], int, int]:
    """Plan a month; return the seconds of each step, the draws and the visits."""
    from supervision.plan.chance import Chance
    from supervision.plan.expected import expect
    from supervision.plan.given import Inspector
    from supervision.plan.plan import Asked, draw_plan
    from supervision.plan.policy import plan_rules

    seconds: dict[str, float] = {}

    def timed(name: str, work: Callable[[], T]) -> T:
        begun = time.perf_counter()
        done = work()
        seconds[name] = time.perf_counter() - begun
        return done

    stands, rules = made_up(enterprises), plan_rules("hebei")
    pairs = 2 + enterprises // 60_000
    staff = [Inspector(f"I{d}-{k}", d) for d in sorted(stands["region"].unique()) for k in range(2 * pairs)]
    made = timed("draw and deal", lambda: draw_plan(stands, Chance("bench", MONTH), Asked(rules, staff)))
    timed("figures", lambda: expect(made.frame, made.drawn & made.going, rules.plan.level))
    return seconds, int(made.drawn.sum()), int(made.going.sum())


def plan_verb(
    enterprises: Annotated[int, typer.Option(help="How many enterprises the month has.")] = 300_000,
) -> None:
    """Time and memory of a month's spot-check plan, from enterprises as they stand."""
    with progress("planning"):
        cost = measure(plan_once, enterprises)
    seconds, draws, visits = cost.value
    table = Table(title=f"a plan of {enterprises:,} enterprises")
    for column in ("step", "seconds"):
        table.add_column(column, justify="left" if column == "step" else "right")
    for name, took in seconds.items():
        table.add_row(name, f"{took:.1f}")
    show(table)
    show(Text(f"{draws:,} draws, {visits:,} visits; peak {cost.peak_mb:,.0f} MiB with the enterprises made up"))
