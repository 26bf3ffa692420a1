"""Plain counts of a month, the rival of the warnings: a threshold on how many, whoever it is."""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd

from features.records.store import RecordStore
from supervision.alerts.policy import WarningsPolicy


def plain_counts(store: RecordStore, cutoff: date, policy: WarningsPolicy) -> pd.DataFrame:
    """Return each cell's count in the windows that the warnings use.

    Returns
    -------
    pandas.DataFrame
        Columns kind, cell (for registration the first enterprise of the fullest window) and n.
    """
    known = f"known_at < DATE '{cutoff}'"
    window = policy.complaints.window_days
    parts = [
        store.con.execute(
            f"""SELECT 'complaints' AS kind, enterprise_id AS cell, count(*) AS n FROM (SELECT enterprise_id, record_id,
            min(known_at) AS first FROM raw_complaints WHERE {known} GROUP BY 1, 2)
            WHERE first >= DATE '{cutoff - timedelta(days=window)}' GROUP BY 2"""
        ).df(),
        store.con.execute(
            f"""SELECT 'sectors' AS kind, cell, count(*) AS n FROM (SELECT enterprise_id, min(known_at) AS first
            FROM raw_penalties WHERE {known} GROUP BY enterprise_id, record_id) JOIN bench_cells USING (enterprise_id)
            WHERE first >= DATE '{cutoff - timedelta(days=policy.sectors.window_days)}' GROUP BY 2"""
        ).df(),
        _runs(store, "changes", "enterprise_id", "enterprise_id", policy.changes.window_days, cutoff),
    ]
    for link in ("address_id", "agent_id"):
        parts.append(_runs(store, "registration", link, "min(enterprise_id)", policy.registration.window_days, cutoff))
    return pd.concat(parts, ignore_index=True)


def _runs(store: RecordStore, table: str, key: str, cell: str, window: int, cutoff: date) -> pd.DataFrame:
    """Return the fullest window of each key among the events known in the month."""
    shown = "cell" if cell == "enterprise_id" else "arg_max(cell, n)"
    return store.con.execute(
        f"""WITH events AS (SELECT arg_min({key}, version) AS key, any_value(enterprise_id) AS cell,
            min(occurred_at) AS day, min(known_at) AS first FROM raw_{table} WHERE known_at < DATE '{cutoff}'
            GROUP BY record_id),
        runs AS (SELECT key, cell, first, count(*) OVER (PARTITION BY key ORDER BY day
            RANGE BETWEEN INTERVAL {window - 1} DAY PRECEDING AND CURRENT ROW) AS n FROM events WHERE key IS NOT NULL)
        SELECT '{table}' AS kind, {shown} AS cell, max(n) AS n FROM runs
        WHERE first >= DATE '{cutoff - timedelta(days=30)}' GROUP BY key{", cell" if shown == "cell" else ""}"""
    ).df()
