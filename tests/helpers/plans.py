"""Small worlds for plans: enterprises as they stand, inspectors, and policies with a few words changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from serving.ledger.read import Month
from supervision.measures import load_measures
from supervision.plan.given import Inspector
from supervision.plan.policy import PlanPolicy, Rules, plan_rules

MONTH = "2026-11"
CUTOFF = date(2026, 11, 1)
OLD = pd.Timestamp("2010-01-01")


def rules(shares: Sequence[float] | None = None, caps: Sequence[int] | None = None, **changes: Any) -> Rules:
    """Hebei's policies, with other shares, caps or keys of plan.toml; a part's keys are changed one by one."""
    own = plan_rules("hebei")
    said = own.plan.model_dump()
    for key, value in changes.items():
        said[key] = said[key] | value if isinstance(value, dict) and isinstance(said[key], dict) else value
    drawn = own.shares.model_dump()
    drawn |= {"shares": tuple(shares)} if shares is not None else {}
    drawn |= {"caps": tuple(caps)} if caps is not None else {}
    return Rules(
        "hebei", PlanPolicy.model_validate(said), type(own.shares).model_validate(drawn), load_measures("hebei")
    )


def stands(grades: str, **columns: Any) -> pd.DataFrame:
    """Enterprises E0, E1, … of these classes, in one district, with nothing on record; columns may be given."""
    n = len(grades)
    chance = np.array([{"A": 0.05, "B": 0.1, "C": 0.3, "D": 0.5}[g] for g in grades])
    frame = pd.DataFrame(
        {
            "enterprise_id": [f"E{k:05d}" for k in range(n)],
            "region": "130101",
            "industry": "F52",
            "grade": list(grades),
            "probability": chance,
            "probability_low": chance * 0.8,
            "probability_high": chance * 1.2,
            "determined": False,
            "fields": 0,
            "sector": 0,
            "visits": 0,
            "established": OLD,
            "complaints": 0,
        }
    )
    return frame.assign(**columns)


def regions(month: Month) -> list[str]:
    """Districts of a published month, sorted."""
    with duckdb.connect() as con:
        found = con.execute(f"SELECT DISTINCT region FROM {month.latest_sql()} ORDER BY 1").fetchall()
    return [region for (region,) in found]


def inspectors(count: int, district: str = "130101") -> list[Inspector]:
    """Inspectors of one district for everything, without conflicts."""
    return [Inspector(f"I{district}-{k}", district) for k in range(count)]
