"""Dates held against other rows: an event before its enterprise was registered, or decades before it was known.

What a row says by itself is `features.check.rules`' matter. These rows are read well and yet can't be what they say,
so they go to quarantine, and feed no window and no recency.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from features.check.reading import literal
from features.contract import TABLES
from features.contract.believable import believable


def set_aside(con: duckdb.DuckDBPyConnection, table: str, registration: Path) -> dict[str, int]:
    """Put the rows whose event lies too early into ``bad``, out of those of ``stage`` that are good so far.

    Parameters
    ----------
    table
        Its name; tables of lasting records are left alone.
    registration
        The clean registration, checked before.

    Returns
    -------
    dict
        Number of rows by reason; only reasons that there are.
    """
    policy = believable()
    if TABLES[table].required or table in policy.lasting_tables:
        return {}
    years = policy.longest_lag_years
    register = f"read_parquet({literal(str(registration))})"
    founded = f"SELECT enterprise_id, min(occurred_at) AS founded FROM {register} GROUP BY enterprise_id"
    late = f"known_at > CAST(occurred_at + INTERVAL {years} YEAR AS DATE)"
    con.execute(
        f"""CREATE OR REPLACE TABLE early AS
            SELECT file_row, 'occurred_at: before_registration' AS kind, 'occurred_at is ' || occurred_at
                || ', expected a day no earlier than the registration of the enterprise on ' || founded AS reason
            FROM stage JOIN ({founded}) AS register USING (enterprise_id)
            WHERE reasons IS NULL AND occurred_at < founded
            UNION ALL
            SELECT file_row, 'occurred_at: known_too_late', 'occurred_at is ' || occurred_at
                || ', expected within {years} years before known_at ' || known_at
            FROM stage WHERE reasons IS NULL AND {late} AND record_id NOT IN (
                SELECT record_id FROM stage WHERE reasons IS NULL AND NOT {late} AND record_id IN (
                    SELECT record_id FROM stage WHERE reasons IS NULL AND {late}))"""
    )
    con.execute("DELETE FROM early WHERE file_row IN (SELECT file_row FROM bad)")
    found = con.execute("SELECT kind, count(*) FROM early GROUP BY kind").fetchall()
    if found:
        con.execute(
            "INSERT INTO bad SELECT file_row, string_agg(reason, '; ' ORDER BY kind) FROM early GROUP BY file_row"
        )
        con.execute("DELETE FROM further WHERE file_row IN (SELECT file_row FROM bad)")
    return dict(found)
