"""Visits of a simulated province with their outcome, draw weight and true risk, for benchmarks alone."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pandas as pd

from features.catalogue.relations import outcome_sql
from features.policies import outcomes_policy

LATEST = "QUALIFY row_number() OVER (PARTITION BY record_id ORDER BY version DESC) = 1"


def truth_of(folder: Path) -> Path:
    """Return the file of the true risk that lies beside a simulated folder."""
    return folder.parent / f"{folder.name}_truth" / "risk.parquet"


def labelled_visits(folder: Path, rules: str = "hebei") -> pd.DataFrame:
    """Return every visit with a label, sorted: enterprise_id, cutoff, targeted, weight, risk, y.

    ``cutoff`` is the first day of the visit's month, ``weight`` 1 / draw probability (NaN for a targeted visit),
    ``risk`` the truth of that month, ``y`` 1 for a violation. Results known by the end of the history count.
    """
    label = outcome_sql(outcomes_policy(rules))
    with duckdb.connect() as con:
        frame = con.execute(
            f"""
            WITH i AS (SELECT *, {label} AS y FROM '{folder}/inspections.parquet' {LATEST}),
                d AS (FROM '{folder}/draws.parquet' {LATEST})
            SELECT i.enterprise_id, CAST(date_trunc('month', i.occurred_at) AS DATE) AS cutoff,
                i.arm = 'targeted' AS targeted, 1e6 / d.probability_ppm AS weight, t.risk, CAST(i.y AS DOUBLE) AS y
            FROM i LEFT JOIN d ON d.record_id = i.draw_id
            JOIN '{truth_of(folder)}' t
                ON t.enterprise_id = i.enterprise_id AND t.month = date_trunc('month', i.occurred_at)
            WHERE i.y IS NOT NULL ORDER BY i.enterprise_id, i.occurred_at, i.record_id"""
        ).df()
    frame["cutoff"] = pd.to_datetime(frame["cutoff"]).dt.date
    return frame


def enterprise_months(folder: Path, first: date, last: date, most: int) -> pd.DataFrame:
    """Return at most so many enterprise-months with their risk, evenly taken: enterprise_id, cutoff, risk."""
    with duckdb.connect() as con:
        frame = con.execute(
            f"""SELECT enterprise_id, month AS cutoff, risk FROM '{truth_of(folder)}'
            WHERE month BETWEEN DATE '{first}' AND DATE '{last}'
            ORDER BY md5(enterprise_id || month::VARCHAR) LIMIT {most}"""
        ).df()
    frame["cutoff"] = pd.to_datetime(frame["cutoff"]).dt.date
    return frame
