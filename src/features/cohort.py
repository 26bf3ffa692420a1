"""Whom the classification covers at a cut-off: enterprises that exist and can be visited."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd

from features.seen import create_unusable, seen_sql
from features.settings import CohortPolicy, cohort_policy
from features.store import Store, open_folder


def member_sql(policy: CohortPolicy) -> str:
    """SQL condition on a seen registration ``r`` and its moment ``c``: the enterprise belongs to the cohort."""

    def quoted(values: Sequence[str]) -> str:
        return ", ".join(f"'{v}'" for v in values) or "''"

    return (
        f"r.enterprise_type NOT IN ({quoted(policy.exclude_types)}) AND r.status IN ({quoted(policy.statuses)})"
        f" AND r.occurred_at + {policy.min_age_days} <= c.cutoff"
    )


def _members(con: duckdb.DuckDBPyConnection, policy: CohortPolicy) -> str:
    create_unusable(con, repaired_feed=True)
    seen = seen_sql(
        "registration",
        keys="moments",
        on=None,
        columns=f"c.cutoff, r.enterprise_id, {member_sql(policy)} AS member",
    )
    return f"SELECT DISTINCT enterprise_id, cutoff FROM ({seen}) WHERE member"


def _set_moments(con: duckdb.DuckDBPyConnection, cutoffs: Sequence[date], known_as_of: date | None = None) -> None:
    con.register("given_moments", pd.DataFrame({"cutoff": sorted(set(cutoffs))}))
    known = f"DATE '{known_as_of}'" if known_as_of else "CAST(cutoff AS DATE)"
    con.execute(
        f"CREATE OR REPLACE TABLE moments AS SELECT CAST(cutoff AS DATE) AS cutoff, {known} AS known_as_of"
        " FROM given_moments"
    )
    con.unregister("given_moments")


def _frame(con: duckdb.DuckDBPyConnection, sql: str) -> pd.DataFrame:
    frame = con.execute(sql).df()
    frame["cutoff"] = pd.to_datetime(frame["cutoff"]).dt.date
    return frame


def cohort(
    source: Path | Store,
    cutoffs: Sequence[date],
    *,
    province: str = "hebei",
    policy: CohortPolicy | None = None,
    known_as_of: date | None = None,
) -> pd.DataFrame:
    """Return every enterprise of the cohort at each cut-off.

    Parameters
    ----------
    source
        Clean folder, or an open store.
    cutoffs
        Dates; only what was known before each counts for it, unless ``known_as_of`` says otherwise.
    province, policy
        Whose rules hold; an explicit policy wins.
    known_as_of
        Knowledge to use instead of each cut-off's own, as in `features.compute_indicators`.

    Returns
    -------
    pandas.DataFrame
        Columns enterprise_id and cutoff, sorted.
    """
    store = source if isinstance(source, Store) else open_folder(source)
    try:
        _set_moments(store.con, cutoffs, known_as_of)
        members = _members(store.con, policy or cohort_policy(province))
        return _frame(store.con, f"SELECT * FROM ({members}) ORDER BY enterprise_id, cutoff")
    finally:
        if store is not source:
            store.close()


def members_of(
    source: Path | Store,
    pairs: pd.DataFrame,
    *,
    province: str = "hebei",
    policy: CohortPolicy | None = None,
) -> pd.DataFrame:
    """Return the different pairs (enterprise_id, cutoff) among ``pairs`` that belong to the cohort, sorted."""
    store = source if isinstance(source, Store) else open_folder(source)
    try:
        _set_moments(store.con, list(pairs["cutoff"]))
        store.con.register("given_pairs", pairs[["enterprise_id", "cutoff"]])
        members = _members(store.con, policy or cohort_policy(province))
        frame = _frame(
            store.con,
            f"""SELECT DISTINCT m.enterprise_id, m.cutoff FROM ({members}) m JOIN given_pairs p
            ON p.enterprise_id = m.enterprise_id AND CAST(p.cutoff AS DATE) = m.cutoff ORDER BY 1, 2""",
        )
        store.con.unregister("given_pairs")
        return frame
    finally:
        if store is not source:
            store.close()
