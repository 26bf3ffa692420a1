"""What happened near an enterprise: dated events at places that no enterprise is named in, counted by distance.

Positions are whole metres. Events and positions are put into squares of `SQUARE` metres, the greatest distance asked
about, so that a position meets the events of nine squares alone; events of one place and positions of one address are
taken together. Memory grows with the places, not with the pairs.
"""

from __future__ import annotations

from features.records.connection import Connection
from features.records.visibility import seen_sql

DISTANCES = (500, 1000, 2000)
MONTHS = (3, 12)
KINDS = ("crime", "sanitation", "accident")
"""Kinds that are counted on their own, within `OWN_DISTANCE` and `OWN_MONTHS`."""
OWN_DISTANCE, OWN_MONTHS = 1000, 12
SQUARE = max(DISTANCES)

COLUMNS: dict[str, tuple[str | None, int, int]] = {
    **{f"events_{d}m_{m}m": (None, d, m) for m in MONTHS for d in DISTANCES},
    **{f"{kind}_{OWN_DISTANCE}m_{OWN_MONTHS}m": (kind, OWN_DISTANCE, OWN_MONTHS) for kind in KINDS},
}
"""Columns of ``rel_nearby`` besides the keys: kind of event (None: all), most metres, months before the cut-off."""


def create_nearby(con: Connection) -> None:
    """Create ``rel_nearby`` for the cohort, one row for every enterprise whose position is known at its cut-off."""
    positions = seen_sql(
        "positions", columns="c.enterprise_id, c.cutoff, r.east_m, r.north_m, r.occurred_at, r.record_id"
    )
    con.execute(
        f"""
        CREATE OR REPLACE TABLE located AS
        SELECT enterprise_id, cutoff, east_m, north_m FROM (
            SELECT *, row_number() OVER (
                PARTITION BY enterprise_id, cutoff ORDER BY occurred_at DESC, record_id DESC) AS place
            FROM ({positions})) WHERE place = 1
        """
    )
    events = seen_sql(
        "place_events", keys="moments", on=None, columns="c.cutoff, r.kind, r.east_m, r.north_m, r.occurred_at"
    )
    sums = ", ".join(
        f"count(*) FILTER (WHERE occurred_at >= CAST(cutoff - INTERVAL {m} MONTH AS DATE)) AS n_{m}" for m in MONTHS
    )
    con.execute(
        f"""
        CREATE OR REPLACE TABLE happened AS
        SELECT cutoff, kind, east_m, north_m, east_m // {SQUARE} AS x, north_m // {SQUARE} AS y, {sums}
        FROM ({events}) WHERE occurred_at >= CAST(cutoff - INTERVAL {max(MONTHS)} MONTH AS DATE)
        GROUP BY cutoff, kind, east_m, north_m
        """
    )
    steps = " UNION ALL ".join(f"SELECT {dx} AS dx, {dy} AS dy" for dx in (-1, 0, 1) for dy in (-1, 0, 1))
    near = ", ".join(
        f"CAST(coalesce(sum(n_{months}) FILTER (WHERE squared <= {distance**2}"
        f"{f' AND kind = {kind!r}' if kind else ''}), 0) AS BIGINT) AS {name}"
        for name, (kind, distance, months) in COLUMNS.items()
    )
    con.execute(
        f"""
        CREATE OR REPLACE TABLE around AS
        SELECT cutoff, east_m, north_m, {near} FROM (
            SELECT p.cutoff, p.east_m, p.north_m, h.kind, {", ".join(f"h.n_{m}" for m in MONTHS)},
              (h.east_m - p.east_m) * (h.east_m - p.east_m) + (h.north_m - p.north_m) * (h.north_m - p.north_m)
                AS squared
            FROM (SELECT q.*, q.east_m // {SQUARE} + s.dx AS x, q.north_m // {SQUARE} + s.dy AS y
                  FROM (SELECT DISTINCT cutoff, east_m, north_m FROM located) q CROSS JOIN ({steps}) s) p
            JOIN happened h ON h.cutoff = p.cutoff AND h.x = p.x AND h.y = p.y)
        WHERE squared <= {SQUARE**2} GROUP BY cutoff, east_m, north_m
        """
    )
    columns = ", ".join(f"coalesce(a.{name}, 0) AS {name}" for name in COLUMNS)
    con.execute(
        f"""
        CREATE OR REPLACE TABLE rel_nearby AS
        SELECT l.enterprise_id, l.cutoff, {columns} FROM located l
        LEFT JOIN around a ON a.cutoff = l.cutoff AND a.east_m = l.east_m AND a.north_m = l.north_m
        """
    )
