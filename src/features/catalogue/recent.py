"""Recent peer rates: what visits found lately among an enterprise's peers, from wide to narrow, down to itself.

A visit weighs less the older it is. Along a chain of ever narrower groups, each group's rate is shrunken into that of
the one before, and all are said as ratios to the level of the time, so that a year in which more is found everywhere
moves nobody. Visits are summed by enterprise, enterprises by group: nothing pairs enterprises, and a cut-off costs one
pass over the visits known by then.
"""

from __future__ import annotations

from features.policies import FeaturesPolicy
from features.records.connection import Connection
from features.records.visibility import seen_sql

HALF_LIVES = (30, 600)
"""Days after which a visit weighs half: a season's findings and those of some years."""

LEVELS = ("industry", "type", "region", "local", "address", "own")
"""The chain from wide to narrow, columns of ``placed``; ``own`` is the enterprise itself. Before it stand all."""

WHOLE = 1_000_000
"""A visit's weight on its own day, and a ratio of 1."""
HALVINGS = 20
"""So many half-lives after a visit it weighs nothing: it would be less than a millionth."""

COLUMNS = tuple(f"{level}_{days}d" for days in HALF_LIVES for level in LEVELS)
"""Columns of ``rel_recent`` besides the keys: ratios in parts per million."""


def weight_sql(age: str, half: int) -> str:
    """SQL of the whole weight of a visit so many days old: halved every ``half`` days, evenly in between."""
    halved = f"{2 * half} * (1 << CAST({age} // {half} AS INTEGER))"
    return (
        f"CASE WHEN {age} < {HALVINGS * half} THEN ({WHOLE} * ({2 * half} - {age} % {half})) // ({halved}) ELSE 0 END"
    )


def create_recent(con: Connection, features: FeaturesPolicy, violation: str) -> None:
    """Create ``rel_recent`` for the cohort, one row for every enterprise that ``placed`` has at its cut-off.

    With n and y the weights of a group's visits and of those that found a violation, N and Y those of all visits but
    the enterprise's own, the level of the time is r = (Y + 1) / (N + $problem_prior_visits), and the group's ratio
    (y / r + K * ratio of the group before) / (n + K), K being peer_shrink_visits; $problem_prior_visits for the
    enterprise itself. Each ratio is rounded down to whole parts per million. A violation found at an enterprise never
    lowers any of its own ratios: r is the others'. ``violation`` is the SQL of an inspection's outcome.
    """
    rated = seen_sql(
        "inspections",
        keys="moments",
        on=None,
        columns=f"c.cutoff, r.enterprise_id, c.cutoff - r.occurred_at AS age, {violation} AS violation",
    )
    weights = ", ".join(f"{weight_sql('age', days)} AS w_{days}" for days in HALF_LIVES)
    sums = ", ".join(
        f"CAST(sum(w_{days}) AS BIGINT) AS n_{days}, CAST(sum(w_{days} * violation) AS BIGINT) AS y_{days}"
        for days in HALF_LIVES
    )
    groups = [level for level in LEVELS if level != "own"]
    con.execute(
        f"""
        CREATE OR REPLACE TABLE recent_own AS
        SELECT p.*, {_columns("s.{0}_{1} AS {0}_{1}")}
        FROM (SELECT cutoff, enterprise_id, {sums}
              FROM (SELECT cutoff, enterprise_id, violation, {weights} FROM ({rated}) WHERE violation IS NOT NULL)
              GROUP BY cutoff, enterprise_id) s
        JOIN placed p ON p.enterprise_id = s.enterprise_id AND p.cutoff = s.cutoff
        """
    )
    totals = _columns("CAST(sum({0}_{1}) AS BIGINT) AS {0}_{1}")
    joins = " ".join(
        f"LEFT JOIN (SELECT cutoff, {group} AS place, {totals} FROM recent_own WHERE {group} IS NOT NULL"
        f" GROUP BY cutoff, {group}) g_{group} ON g_{group}.cutoff = p.cutoff AND g_{group}.place = p.{group}"
        for group in groups
    )
    given = ", ".join(_columns(f"{_whole('g_' + group)} AS {group}_{{0}}_{{1}}") for group in groups)
    con.execute(
        f"""
        CREATE OR REPLACE TABLE recent_sums AS
        SELECT c.enterprise_id, c.cutoff, {_columns(f"{_whole('t')} - {_whole('o')} AS rest_{{0}}_{{1}}")},
          {_columns(f"{_whole('o')} AS own_{{0}}_{{1}}")}, {given}
        FROM cohort c JOIN placed p ON p.enterprise_id = c.enterprise_id AND p.cutoff = c.cutoff
        LEFT JOIN (SELECT cutoff, {totals} FROM recent_own GROUP BY cutoff) t ON t.cutoff = c.cutoff
        LEFT JOIN recent_own o ON o.enterprise_id = c.enterprise_id AND o.cutoff = c.cutoff {joins}
        """
    )
    con.execute(f"CREATE OR REPLACE TABLE rel_recent AS {_chain_sql(features)}")


def _columns(template: str) -> str:
    """Fill a template of one column with weights (n) and found weights (y) of every half-life."""
    return ", ".join(template.format(sort, days) for days in HALF_LIVES for sort in ("n", "y"))


def _whole(table: str) -> str:
    """SQL, as a template of `_columns`, of a sum in 128 bits; 0 where a table has no row."""
    return f"CAST(coalesce({table}.{{0}}_{{1}}, 0) AS HUGEINT)"


def _chain_sql(features: FeaturesPolicy) -> str:
    """SQL of the ratios from ``recent_sums``, level inside level: each needs the one before.

    With weights of up to 10^14 (a hundred million visits of today) no product leaves 38 digits.
    """
    prior = features.thresholds.problem_prior_visits
    levels = ", ".join(
        f"rest_n_{d} + {prior * WHOLE} AS level_n_{d}, rest_y_{d} + {WHOLE} AS level_y_{d}" for d in HALF_LIVES
    )
    sql, before = f"SELECT *, {levels} FROM recent_sums", dict.fromkeys(HALF_LIVES, str(WHOLE))
    for level in LEVELS:
        shrink = (prior if level == "own" else features.peer_shrink_visits) * WHOLE
        ratios = [
            f"CAST(({WHOLE} * {level}_y_{d} * level_n_{d} + level_y_{d} * {shrink} * {before[d]})"
            f" // (level_y_{d} * ({level}_n_{d} + {shrink})) AS BIGINT) AS {level}_{d}d"
            for d in HALF_LIVES
        ]
        sql, before = f"SELECT *, {', '.join(ratios)} FROM ({sql})", {d: f"{level}_{d}d" for d in HALF_LIVES}
    return f"SELECT enterprise_id, cutoff, {', '.join(COLUMNS)} FROM ({sql})"
