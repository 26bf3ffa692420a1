"""Outcomes of inspections: the one place that says what result codes mean; models import it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from typing import Literal

import duckdb
import pandas as pd

from features.catalogue.relations import outcome_sql
from features.given import DayLike, PathLike, as_day
from features.policies import outcomes_policy
from features.records.store import RecordStore, opened
from features.records.visibility import create_unusable, seen_sql


def read_outcomes(source: PathLike | RecordStore, known_before: DayLike, *, province: str) -> pd.DataFrame:
    """Return the inspections whose outcome was known before a day and gives a label.

    Parameters
    ----------
    source
        Clean folder written by `features.check.check_folder`, or an open store.
    known_before
        Only versions with ``known_at < known_before`` are read; the latest of them counts.
    province
        Whose ``outcomes.toml`` says what the codes mean.

    Returns
    -------
    pandas.DataFrame
        One row per inspection with a label, sorted by visit: inspection_id, enterprise_id, visited_on, cutoff (first
        day of the visit's month), known_at (when the first version with a result became known), arm, trigger, field,
        inspector_id (None where not told), probability_ppm (Int64, missing without a known draw), violation (0 or 1),
        severity (greatest of its codes; 0 without violation), restates (1 when only codes that restate indicators make
        it a violation), result_codes.
        Censored and pending visits are left out.

    Examples
    --------
    With ``clean`` a clean folder:

    >>> found = read_outcomes(clean, date(2026, 1, 1), province="hebei")
    >>> sorted(found["violation"].unique().tolist())
    [0, 1]
    """
    day = as_day(known_before, "known_before")
    return outcomes_by_day(source, [day], province=province)[day]


Cutoff = Literal["month", "week"]
"""As known on the first of the visit's month, or on the Monday of its week."""


def outcomes_by_day(
    source: PathLike | RecordStore, known_before: Collection[date], *, province: str, cutoff: Cutoff = "month"
) -> dict[date, pd.DataFrame]:
    """Return, of one read, what `read_outcomes` gives for each of several days.

    Parameters
    ----------
    source, province
        As for `read_outcomes`.
    known_before
        Days; a result corrected between two of them differs.
    cutoff
        Where the ``cutoff`` of a visit lies.
    """
    policy, days = outcomes_policy(province), sorted(set(known_before))
    severity = " ".join(f"WHEN '{code}' THEN {points}" for code, points in policy.severity.items())
    restating = ", ".join(f"'{c}'" for c in policy.restating)
    bad = ", ".join(f"'{c}'" for c in policy.violation)
    with opened(source) as store:
        visits, draws = _as_known(store.con, days)
        frame = store.con.execute(
            f"""
            SELECT v.asked, v.record_id AS inspection_id, v.enterprise_id, v.occurred_at AS visited_on,
              CAST(date_trunc('{cutoff}', v.occurred_at) AS DATE) AS cutoff, first.known_at AS known_at, v.arm,
              v.trigger, v.field, v.inspector_id,
              d.probability_ppm, CAST(v.violation AS TINYINT) AS violation,
              CAST(CASE WHEN v.violation = 1 THEN list_max(list_transform(string_split(v.result_codes, ';'),
                lambda x: CASE x {severity} ELSE 0 END)) ELSE 0 END AS TINYINT) AS severity,
              CAST(v.violation = 1 AND NOT list_has_any(list_filter(string_split(v.result_codes, ';'),
                lambda x: x NOT IN ({restating})), [{bad}]) AS TINYINT) AS restates,
              v.result_codes
            FROM (SELECT *, {outcome_sql(policy)} AS violation FROM ({visits})) v
            LEFT JOIN ({draws}) d ON d.record_id = v.draw_id AND d.asked = v.asked
            JOIN (SELECT record_id, min(known_at) AS known_at FROM raw_inspections
                  WHERE result_codes IS NOT NULL AND result_codes <> '' GROUP BY record_id) first
              ON first.record_id = v.record_id
            WHERE v.violation IS NOT NULL ORDER BY v.asked, v.occurred_at, v.record_id
            """
        ).df()
    frame = _dated(frame, "asked", "visited_on", "cutoff", "known_at")
    return {
        day: frame[(frame["asked"] == day).to_numpy(dtype=bool)].drop(columns="asked").reset_index(drop=True)
        for day in days
    }


def _as_known(con: duckdb.DuckDBPyConnection, days: Sequence[date]) -> tuple[str, str]:
    """Set the moments and return the SQL of inspections and of draws as known before each day, ``asked``."""
    moments = ", ".join(f"(DATE '{day}', DATE '{day}')" for day in days)
    con.execute(f"CREATE OR REPLACE TABLE moments AS SELECT * FROM (VALUES {moments}) AS m(cutoff, known_as_of)")
    create_unusable(con, repaired_feed=True)
    return (
        seen_sql("inspections", keys="moments", on=None, columns="c.cutoff AS asked, r.*"),
        seen_sql("draws", keys="moments", on=None, columns="c.cutoff AS asked, r.record_id, r.probability_ppm"),
    )


def _dated(frame: pd.DataFrame, *days: str) -> pd.DataFrame:
    """Give the columns of days Python's dates, and the probabilities a type that holds missing ones."""
    for column in days:
        frame[column] = pd.to_datetime(frame[column]).dt.date
    frame["probability_ppm"] = frame["probability_ppm"].astype("Int64")
    return frame


def read_awaited(source: PathLike | RecordStore, known_before: DayLike) -> pd.DataFrame:
    """Return the inspections known before a day that have no result yet.

    Parameters
    ----------
    source, known_before
        As for `read_outcomes`.

    Returns
    -------
    pandas.DataFrame
        inspection_id, enterprise_id, visited_on, cutoff, arm, probability_ppm as `read_outcomes` gives them, sorted by
        visit.
    """
    with opened(source) as store:
        visits, draws = _as_known(store.con, [as_day(known_before, "known_before")])
        frame = store.con.execute(
            f"""
            SELECT v.record_id AS inspection_id, v.enterprise_id, v.occurred_at AS visited_on,
              CAST(date_trunc('month', v.occurred_at) AS DATE) AS cutoff, v.arm, d.probability_ppm
            FROM ({visits}) v LEFT JOIN ({draws}) d ON d.record_id = v.draw_id
            WHERE coalesce(v.result_codes, '') = '' ORDER BY v.occurred_at, v.record_id
            """
        ).df()
    return _dated(frame, "visited_on", "cutoff")
