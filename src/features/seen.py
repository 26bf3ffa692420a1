"""What could be seen at a moment: versions, exclusions H11, and the past.

Every read of records goes through `seen_sql`. A version is seen at a moment iff it is the latest
one of its record with ``known_at < known_as_of``; it feeds an indicator iff, besides,
``occurred_at < cutoff``, its state allows use (H11.1, H11.3, H11.5), no objection to it is open
(H11.4) and, by policy, it has not been repaired (SC (13)). H11.2 needs no rule: a changed act is a
later version.
"""

from __future__ import annotations

import duckdb

from features.contract import TABLES

MOMENT_TABLES = ("objections", "repairs")


def create_versions(con: duckdb.DuckDBPyConnection, table: str) -> None:
    """Create ``versions_<table>`` over ``raw_<table>``, with the day a version stops being the latest.

    ``known_until`` is the earliest ``known_at`` of any higher version, so version v is the latest
    one known at k iff ``known_at < k <= known_until``, also when versions became known out of order.
    """
    con.execute(
        f"""
        CREATE OR REPLACE VIEW versions_{table} AS
        SELECT r.*, l.known_until
        FROM raw_{table} r LEFT JOIN (
            SELECT a.record_id, a.version, min(b.known_at) AS known_until
            FROM raw_{table} a JOIN raw_{table} b ON b.record_id = a.record_id AND b.version > a.version
            WHERE a.record_id IN (SELECT record_id FROM raw_{table} WHERE version > 1)
            GROUP BY a.record_id, a.version
        ) l ON l.record_id = r.record_id AND l.version = r.version
        """
    )


def visible(record: str = "r", moment: str = "c") -> str:
    """SQL condition: this version is the latest known one, usable by its state, and in the past."""
    return (
        f"{record}.known_at < {moment}.known_as_of"
        f" AND ({record}.known_until IS NULL OR {record}.known_until >= {moment}.known_as_of)"
        f" AND {record}.occurred_at < {moment}.cutoff AND {record}.record_state = 'active'"
    )


def create_unusable(con: duckdb.DuckDBPyConnection, *, repaired_feed: bool) -> None:
    """Create ``open_objections`` and ``unusable``: (cutoff, ref_table, ref_record_id) left out at a moment.

    ``unusable`` feeds indicators. ``released`` feeds direct determinations: there, repair always
    ends the effect (SC (13)), whatever the switch.
    """
    parts = {
        "objections": "state = 'open'",
        "repairs": "state = 'granted'",
    }
    found = {
        table: f"""SELECT DISTINCT c.cutoff, r.ref_table, r.ref_record_id
            FROM moments c JOIN versions_{table} r ON {visible()} WHERE r.{test}"""
        for table, test in parts.items()
    }
    con.execute(f"CREATE OR REPLACE TABLE released AS {found['objections']} UNION {found['repairs']}")
    con.execute(
        f"CREATE OR REPLACE TABLE unusable AS {found['objections']}"
        + (f" UNION {found['repairs']}" if not repaired_feed else "")
    )


def seen_sql(
    table: str,
    *,
    keys: str = "cohort",
    on: str | None = "enterprise_id",
    columns: str = "r.*",
    unless: str = "unusable",
) -> str:
    """SQL of the seen records of a table, one row for every key row and record.

    Parameters
    ----------
    table
        Source table.
    keys
        Relation with ``enterprise_id``, ``cutoff`` and ``known_as_of``, as ``c`` in ``columns``; ``moments``
        for the whole province.
    on
        Record column that equals the key's ``enterprise_id``; None takes every record.
    columns
        What to select, from ``c`` and the record ``r``.
    unless
        ``unusable`` or ``released``.
    """
    join = f"r.{on} = c.enterprise_id AND {visible()}" if on else visible()
    base = f"FROM {keys} c JOIN versions_{table} r ON {join}"
    if table not in TABLES:
        raise KeyError(f"{table} is no table of the contract")
    if table in MOMENT_TABLES:
        return f"SELECT {columns} {base}"
    return (
        f"SELECT {columns} {base} WHERE NOT EXISTS (SELECT 1 FROM {unless} u"
        f" WHERE u.ref_table = '{table}' AND u.ref_record_id = r.record_id AND u.cutoff = c.cutoff)"
    )
