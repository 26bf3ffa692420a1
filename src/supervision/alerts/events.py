"""Events of keys for the scan: base rates counted where the records are, and the events of the few keys in question."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from supervision.alerts.moment import Moment
from supervision.alerts.policy import Bursts
from supervision.alerts.scan import Scan, gamma_rates

FOREVER = date(1900, 1, 1)


def scanned(moment: Moment, sql: str, policy: Bursts, begin: date | None, keys: str = "") -> pd.DataFrame:
    """Return the events of every burst.

    Parameters
    ----------
    moment
        When.
    sql
        SQL of key, occurred_at, known (first known), record_id, enterprise_id and item.
    policy
        Windows and rate.
    begin
        First day that the events cover; None: all there ever were.
    keys
        SQL of a column ``key`` with those that may have no event; empty: those of the events.

    Returns
    -------
    pandas.DataFrame
        Columns burst (number), chance, key, record_id, enterprise_id, occurred_at, known, item; ordered.
    """
    con = moment.store.con
    con.execute(f"CREATE OR REPLACE TEMP TABLE scan_events AS SELECT * FROM ({sql}) WHERE key IS NOT NULL")
    first = max(begin or FOREVER, date.fromordinal(moment.since.toordinal() - policy.base_days))
    base = f"occurred_at >= DATE '{first}' AND occurred_at < DATE '{moment.since}'"
    universe = keys or "SELECT DISTINCT key FROM scan_events"
    counted = con.execute(
        f"""SELECT coalesce(n, 0) AS n, count(*) AS cells FROM ({universe})
        LEFT JOIN (SELECT key, count(*) AS n FROM scan_events WHERE {base} GROUP BY key) USING (key)
        GROUP BY 1 ORDER BY 1"""
    ).df()
    days = max(1, (moment.since - first).days)
    shape, rate = gamma_rates(counted["n"].to_numpy(np.int64), counted["cells"].to_numpy(np.int64), float(days))
    newest = date.fromordinal(moment.since.toordinal() - policy.look_back_days)
    events = con.execute(
        f"""WITH asked AS (SELECT key FROM scan_events WHERE occurred_at >= DATE '{newest}' GROUP BY key
            HAVING count(*) >= {policy.least} AND max(known) >= DATE '{moment.since}')
        SELECT key, record_id, enterprise_id, occurred_at, known, item FROM scan_events SEMI JOIN asked USING (key)
        WHERE occurred_at >= DATE '{newest}' - {policy.base_days} ORDER BY key, occurred_at, record_id"""
    ).df()
    epoch = pd.Timestamp(FOREVER)
    plain = pd.DataFrame(
        {
            "key": pd.factorize(events["key"])[0].astype(np.int64),
            "day": (events["occurred_at"] - epoch).dt.days.astype(np.int64),
            "known": (events["known"] - epoch).dt.days.astype(np.int64),
        }
    )
    scan = Scan(
        policy.window_days, policy.base_days, policy.least, policy.alpha, shape, rate,
        ((begin or FOREVER) - FOREVER).days, (moment.since - FOREVER).days,
    )  # fmt: skip
    parts = [
        events.iloc[burst.rows].assign(burst=number, chance=burst.chance)
        for number, burst in enumerate(scan.bursts(plain))
    ]
    return pd.concat(parts, ignore_index=True) if parts else events.iloc[:0].assign(burst=0, chance=1.0)


def newest(rows: pd.DataFrame) -> str:
    """Return the day (ISO) on which the newest of the events became known."""
    return str(rows["known"].max().date())
