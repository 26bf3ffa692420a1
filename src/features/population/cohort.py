"""Cohort: the enterprises classified at a cut-off, those that exist and can be visited."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import date

import pandas as pd

from features.catalogue.sectors import Sector, sector_or_none
from features.frames import as_pairs
from features.given import DayLike, PathLike, as_days
from features.policies import CohortPolicy, cohort_policy
from features.records.connection import Connection, Opened
from features.records.moments import check_begins, check_ends
from features.records.store import RecordStore, opened
from features.records.visibility import create_unusable, seen_sql
from features.scope import Scope, checked_scope


def member_sql(policy: CohortPolicy) -> str:
    """SQL condition on a seen registration ``r`` and its moment ``c``: the enterprise belongs to the cohort."""

    def quoted(values: Sequence[str]) -> str:
        return ", ".join(f"'{v}'" for v in values) or "''"

    return (
        f"r.enterprise_type NOT IN ({quoted(policy.exclude_types)}) AND r.status IN ({quoted(policy.statuses)})"
        f" AND r.occurred_at + {policy.min_age_days} <= c.cutoff"
    )


def _members(con: Connection, policy: CohortPolicy, sector: Sector | None) -> str:
    create_unusable(con, repaired_feed=True)
    seen = seen_sql(
        "registration",
        keys="moments",
        on=None,
        columns=f"c.cutoff, r.enterprise_id, {member_sql(policy)} AS member",
    )
    members = f"SELECT DISTINCT enterprise_id, cutoff FROM ({seen}) WHERE member"
    return f"{members} INTERSECT {sector.members_sql()}" if sector else members


def _members_in(con: Connection, scope: Scope, policy: CohortPolicy | None) -> str:
    """Return the members' SQL under a scope, or under a policy given instead of its province's."""
    return _members(con, policy or cohort_policy(scope.province), sector_or_none(scope.province, scope.sector))


def _set_moments(con: Connection, cutoffs: Sequence[date], known_as_of: date | None = None) -> None:
    days = ", ".join(f"('{pd.Timestamp(day).date()}')" for day in sorted(set(cutoffs)))
    known = f"DATE '{known_as_of}'" if known_as_of else "CAST(day AS DATE)"
    con.execute(
        f"CREATE OR REPLACE TABLE moments AS SELECT CAST(day AS DATE) AS cutoff, {known} AS known_as_of"
        f" FROM (VALUES {days}) AS given(day)"
    )


def _frame(con: Connection, sql: str) -> pd.DataFrame:
    frame: pd.DataFrame = con.sql(sql).to_arrow_table().to_pandas()
    return frame


def cohort(
    source: PathLike | Opened,
    cutoffs: Sequence[DayLike] | DayLike,
    scope: Scope,
    *,
    policy: CohortPolicy | None = None,
) -> pd.DataFrame:
    """Return every enterprise of the cohort at each cut-off.

    Parameters
    ----------
    source
        Clean folder, or an open store of either engine.
    cutoffs
        Days, or one; only what was known before each counts for it, unless the scope says otherwise.
    scope
        Whose rules hold, and what is known; with a sector, only the enterprises that belong to it by its declaration
        (`features.catalogue.sectors`).
    policy
        Instead of the province's.

    Returns
    -------
    pandas.DataFrame
        Columns enterprise_id and cutoff, sorted.

    Raises
    ------
    ConfigError
        If a cut-off is after the day the records of a clean folder were taken, or before they begin.

    Examples
    --------
    With ``clean`` a clean folder:

    >>> month = cohort(clean, [date(2026, 1, 1)], Scope("hebei"))
    >>> list(month.columns)
    ['enterprise_id', 'cutoff']
    """
    if isinstance(source, str | os.PathLike):
        with opened(source) as store:
            return cohort(store, cutoffs, scope, policy=policy)
    checked_scope(scope)
    days = as_days(cutoffs, "cut-off")
    check_ends(source, days, scope.known_as_of)
    check_begins(source, days, scope.known_as_of)
    _set_moments(source.con, days, scope.known_as_of)
    members = _members_in(source.con, scope, policy)
    return _frame(source.con, f"SELECT * FROM ({members}) ORDER BY enterprise_id, cutoff")


def members_of(
    source: PathLike | RecordStore,
    pairs: pd.DataFrame,
    scope: Scope,
    *,
    policy: CohortPolicy | None = None,
) -> pd.DataFrame:
    """Return the different pairs (enterprise_id, cutoff) among ``pairs`` that belong to the cohort, sorted.

    With a sector in the scope, to the cohort of the sector; see `cohort`.

    Examples
    --------
    With ``clean`` a clean folder:

    >>> month = cohort(clean, [date(2026, 1, 1)], Scope("hebei")).head(3)
    >>> members_of(clean, month, Scope("hebei")).equals(month)
    True
    """
    asked, scope = as_pairs(pairs, "the pairs"), checked_scope(scope)
    with opened(source) as store:
        if asked.empty:
            return asked
        check_ends(store, asked["cutoff"], scope.known_as_of)
        _set_moments(store.con, list(asked["cutoff"].unique()), scope.known_as_of)
        store.con.register("given_pairs", asked)
        members = _members_in(store.con, scope, policy)
        frame = _frame(
            store.con,
            f"""SELECT DISTINCT m.enterprise_id, m.cutoff FROM ({members}) m JOIN given_pairs p
            ON p.enterprise_id = m.enterprise_id AND CAST(p.cutoff AS DATE) = m.cutoff ORDER BY 1, 2""",
        )
        store.con.unregister("given_pairs")
        return frame
