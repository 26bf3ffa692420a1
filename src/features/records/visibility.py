"""Visibility of records at a moment: latest known versions, H11's exclusions, and the past alone.

Every read of records goes through `seen_sql`. A version is seen at a moment iff it is the latest
one of its record with ``known_at < known_as_of``; it feeds an indicator iff, besides,
``occurred_at < cutoff``, its state allows use (H11.1, H11.3, H11.5), no objection to it is open
(H11.4) and, by policy, it has not been repaired (SC (13)). H11.2 needs no rule: a changed act is a
later version.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from features.contract import TABLES
from features.records.connection import Connection

MOMENT_TABLES = ("objections", "repairs")


def later_sql(table: str) -> str:
    """SQL of the versions that a higher one replaced: record_id, version, ``known_until``.

    ``known_until`` is the earliest ``known_at`` of any higher version, so version v is the latest
    one known at k iff ``known_at < k <= known_until``, also when versions became known out of order.
    """
    return f"""SELECT a.record_id, a.version, min(b.known_at) AS known_until
        FROM raw_{table} a JOIN raw_{table} b ON b.record_id = a.record_id AND b.version > a.version
        WHERE a.record_id IN (SELECT record_id FROM raw_{table} WHERE version > 1)
        GROUP BY a.record_id, a.version"""


def create_versions(con: Connection, table: str, *, keep: bool = False) -> None:
    """Create ``versions_<table>`` over ``raw_<table>``, with the day a version stops being the latest.

    Few records have several versions: with ``keep``, what `later_sql` finds is kept as a small table for all the
    reads that follow, and left out where it is empty; without, every read looks again.
    """
    later = f"({later_sql(table)})"
    if keep:
        con.execute(f"CREATE OR REPLACE TABLE later_{table} AS {later_sql(table)}")
        [[found]] = con.execute(f"SELECT count(*) FROM later_{table}").fetchall()
        later = f"later_{table}" if found else ""
    create_versions_view(con, table, later)


def create_versions_view(con: Connection, table: str, later: str) -> None:
    """Create ``versions_<table>``; see `versions_sql`."""
    con.execute(f"CREATE OR REPLACE VIEW versions_{table} AS {versions_sql(table, later)}")


def versions_sql(table: str, later: str) -> str:
    """SQL of ``versions_<table>`` from the relation ``later``; an empty string says that no version was replaced."""
    until, join = "CAST(NULL AS DATE) AS known_until", ""
    if later:
        until = "l.known_until"
        join = f"LEFT JOIN {later} l ON l.record_id = r.record_id AND l.version = r.version"
    return f"SELECT r.*, {until} FROM raw_{table} r {join}"


def known_before_sql(table: str, day: date) -> str:
    """SQL condition on the rows of a table: some version of this record was known before a day.

    Later versions of such a record are rows like all others; a record first known since is none. So a month's
    corrections are seen without its new records. Nearly all rows are decided by their own ``known_at``.
    """
    since = f"SELECT record_id FROM {table} WHERE known_at >= DATE '{day}'"
    before = f"SELECT record_id FROM {table} WHERE known_at < DATE '{day}' AND record_id IN ({since})"
    return f"(known_at < DATE '{day}' OR record_id IN ({before}))"


class Moment(NamedTuple):
    """The one cut-off of a whole run, and the knowledge used: said as literals, they reach down into a file's scan."""

    cutoff: date
    known_as_of: date


def visible(record: str = "r", moment: str = "c", at: Moment | None = None, *, replaced: bool = True) -> str:
    """SQL condition: this version is the latest known one, usable by its state, and in the past."""
    known = f"DATE '{at.known_as_of}'" if at else f"{moment}.known_as_of"
    cutoff = f"DATE '{at.cutoff}'" if at else f"{moment}.cutoff"
    latest = f" AND ({record}.known_until IS NULL OR {record}.known_until >= {known})" if replaced else ""
    return (
        f"{record}.known_at < {known}{latest} AND {record}.occurred_at < {cutoff} AND {record}.record_state = 'active'"
    )


def unusable_sql(*, repaired_feed: bool) -> dict[str, str]:
    """SQL of ``released`` and ``unusable``: (cutoff, ref_table, ref_record_id) left out at a moment.

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
    return {
        "released": f"{found['objections']} UNION {found['repairs']}",
        "unusable": found["objections"] + (f" UNION {found['repairs']}" if not repaired_feed else ""),
    }


def create_unusable(con: Connection, *, repaired_feed: bool) -> None:
    """Create ``released`` and ``unusable``; see `unusable_sql`."""
    for name, sql in unusable_sql(repaired_feed=repaired_feed).items():
        con.execute(f"CREATE OR REPLACE TABLE {name} AS {sql}")


def seen_sql(
    table: str,
    *,
    keys: str = "cohort",
    on: str | None = "enterprise_id",
    columns: str = "r.*",
    unless: str = "unusable",
    at: Moment | None = None,
    between: tuple[str, str] | None = None,
    plain: bool = False,
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
    at
        The moment of all keys, where they have the same.
    plain
        Read the rows as they are: right only where no record has two versions and nothing is left out.
    between
        First and last ``enterprise_id`` of the keys: a sorted file is then read in part.
    """
    seen = visible(at=at, replaced=not plain)
    join = f"r.{on} = c.enterprise_id AND {seen}" if on else seen
    if between and on:
        first, last = (value.replace("'", "''") for value in between)
        join += f" AND r.{on} BETWEEN '{first}' AND '{last}'"
    base = f"FROM {keys} c JOIN {'raw' if plain else 'versions'}_{table} r ON {join}"
    if table not in TABLES:
        raise KeyError(f"{table} is no table of the contract")
    if table in MOMENT_TABLES or plain:
        return f"SELECT {columns} {base}"
    return (
        f"SELECT {columns} {base} WHERE NOT EXISTS (SELECT 1 FROM {unless} u"
        f" WHERE u.ref_table = '{table}' AND u.ref_record_id = r.record_id AND u.cutoff = c.cutoff)"
    )
