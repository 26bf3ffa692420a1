"""Neighbours of an enterprise: links, the bad records of those linked, paths of two links, shared addresses.

Everything is counted by group or joined along links; nothing pairs all members of a group that only has to be counted.
"""

from __future__ import annotations

from features.records.connection import Connection
from features.records.visibility import seen_sql

OPEN_NOW = "(r.ended_on IS NULL OR r.ended_on >= c.cutoff)"

NEIGHBOUR_FLAGS = ("revoked", "abnormal", "blacklisted", "debtor")
"""What makes a neighbour bad, besides penalties in 3 years."""


def _create_links(con: Connection, keys: str, links: str) -> None:
    """Create ``links``: the neighbours ``other_id`` of every key enterprise at its cut-off, by kind of link."""
    own = "c.enterprise_id, c.cutoff, c.known_as_of"
    roles = seen_sql("persons_roles", keys=keys, columns=f"{own}, r.person_id AS via, r.role, {OPEN_NOW} AS now")
    shares = seen_sql(
        "shareholdings", keys=keys, columns=f"{own}, r.holder_id AS via, r.holder_kind, {OPEN_NOW} AS now"
    )
    # A key relation names what it joins on `enterprise_id`: here that is the person or holder.
    key = "DISTINCT via AS enterprise_id, enterprise_id AS owner, cutoff, known_as_of"
    con.execute(
        f"CREATE OR REPLACE TABLE via_people AS SELECT {key} FROM ({roles}) WHERE now AND role = 'legal_representative'"
    )
    con.execute(f"CREATE OR REPLACE TABLE own_shares AS {shares}")
    con.execute(
        f"CREATE OR REPLACE TABLE via_holders AS SELECT {key} FROM own_shares"
        " WHERE now AND holder_kind IN ('person', 'enterprise')"
    )
    owned = f"c.owner AS enterprise_id, c.cutoff, r.enterprise_id AS other_id, {OPEN_NOW} AS now"
    posts = seen_sql("persons_roles", keys="via_people", on="person_id", columns=f"{owned}, r.role")
    held = seen_sql("shareholdings", keys="via_holders", on="holder_id", columns=owned)
    investees = seen_sql(
        "shareholdings",
        keys=keys,
        on="holder_id",
        columns=f"c.enterprise_id, c.cutoff, r.enterprise_id AS other_id, {OPEN_NOW} AS now",
    )
    con.execute(
        f"""
        CREATE OR REPLACE TABLE {links} AS
        SELECT DISTINCT * FROM (
            SELECT enterprise_id, cutoff, other_id, 'representative' AS link FROM ({posts})
            WHERE now AND role = 'legal_representative'
            UNION ALL SELECT enterprise_id, cutoff, other_id, 'shareholder' FROM ({held}) WHERE now
            UNION ALL SELECT enterprise_id, cutoff, via, 'investor' FROM own_shares
            WHERE now AND holder_kind = 'enterprise'
            UNION ALL SELECT enterprise_id, cutoff, other_id, 'investee' FROM ({investees}) WHERE now
        ) WHERE other_id <> enterprise_id
        """
    )


def _create_states(con: Connection) -> None:
    """Create ``states``: what is bad about each enterprise of ``ends`` at the cut-off; none is no row."""

    def flag(table: str, name: str, test: str) -> str:
        return seen_sql(table, keys="ends", columns=f"c.enterprise_id, c.cutoff, '{name}' AS flag, {test} AS hit")

    recent = "r.occurred_at >= CAST(c.cutoff - INTERVAL 36 MONTH AS DATE)"
    flags = " UNION ALL ".join(
        [
            flag("registration", "revoked", "r.status = 'revoked'"),
            flag("abnormal_list", "abnormal", OPEN_NOW),
            flag("serious_list", "blacklisted", OPEN_NOW),
            flag("blacklists", "blacklisted", f"{OPEN_NOW} AND r.list_kind <> 'judgment_debtor'"),
            flag("blacklists", "debtor", f"{OPEN_NOW} AND r.list_kind = 'judgment_debtor'"),
            flag("penalties", "penalised", recent),
        ]
    )
    columns = ", ".join(f"CAST(max(CAST(flag = '{f}' AS BIGINT)) AS BIGINT) AS {f}" for f in NEIGHBOUR_FLAGS)
    con.execute(
        f"""
        CREATE OR REPLACE TABLE states AS
        SELECT enterprise_id, cutoff, {columns}, count(*) FILTER (WHERE flag = 'penalised') AS penalties_3y
        FROM ({flags}) WHERE hit GROUP BY enterprise_id, cutoff
        """
    )


def create_related(con: Connection) -> None:
    """Create ``rel_related`` and ``rel_two_hop``.

    A path of two links leads over a neighbour to an enterprise other than the first. Paths are counted from each
    neighbour's number of neighbours, never listed, so that a large group costs no more than its links.
    """
    _create_links(con, "cohort", "links")
    con.execute(
        """CREATE OR REPLACE TABLE outside AS SELECT DISTINCT l.other_id AS enterprise_id, m.cutoff, m.known_as_of
        FROM links l JOIN moments m USING (cutoff)
        WHERE NOT EXISTS (SELECT 1 FROM cohort c WHERE c.enterprise_id = l.other_id AND c.cutoff = l.cutoff)"""
    )
    _create_links(con, "outside", "outside_links")
    con.execute(
        """CREATE OR REPLACE TABLE pairs AS SELECT DISTINCT enterprise_id, cutoff, other_id FROM links
        UNION ALL SELECT DISTINCT enterprise_id, cutoff, other_id FROM outside_links"""
    )
    con.execute(
        """CREATE OR REPLACE TABLE ends AS SELECT DISTINCT p.other_id AS enterprise_id, m.cutoff, m.known_as_of
        FROM pairs p JOIN moments m USING (cutoff)"""
    )
    _create_states(con)
    flags = ", ".join(f"coalesce(s.{f}, 0) AS {f}" for f in (*NEIGHBOUR_FLAGS, "penalties_3y"))
    con.execute(
        f"""
        CREATE OR REPLACE TABLE rel_related AS
        SELECT l.*, {flags}, CAST(s.enterprise_id IS NOT NULL AS BIGINT) AS bad
        FROM links l LEFT JOIN states s ON s.enterprise_id = l.other_id AND s.cutoff = l.cutoff
        """
    )
    con.execute(
        """
        CREATE OR REPLACE TABLE rel_two_hop AS
        WITH degrees AS (
            SELECT p.enterprise_id, p.cutoff, count(*) AS n, count(s.enterprise_id) AS bad
            FROM pairs p LEFT JOIN states s ON s.enterprise_id = p.other_id AND s.cutoff = p.cutoff
            GROUP BY p.enterprise_id, p.cutoff
        )
        SELECT c.enterprise_id, c.cutoff,
          CAST(sum(d.n - CAST(back.other_id IS NOT NULL AS BIGINT)) AS BIGINT) AS paths,
          CAST(sum(d.bad - CAST(back.other_id IS NOT NULL AND own.enterprise_id IS NOT NULL AS BIGINT)) AS BIGINT)
            AS bad_paths
        FROM cohort c JOIN pairs p ON p.enterprise_id = c.enterprise_id AND p.cutoff = c.cutoff
        JOIN degrees d ON d.enterprise_id = p.other_id AND d.cutoff = p.cutoff
        LEFT JOIN pairs back
          ON back.enterprise_id = p.other_id AND back.other_id = p.enterprise_id AND back.cutoff = p.cutoff
        LEFT JOIN states own ON own.enterprise_id = c.enterprise_id AND own.cutoff = c.cutoff
        GROUP BY c.enterprise_id, c.cutoff
        """
    )


SHARED = {
    "others": ("address_id",),
    "same_day": ("address_id", "occurred_at"),
    "same_phone": ("phone_id",),
    "same_agent": ("agent_id",),
}
"""What other enterprises may share with one, by column of ``rel_cluster``."""


def create_cluster(con: Connection) -> None:
    """Create ``rel_cluster``: how many other enterprises share address, day, phone or agent; counted, never paired."""
    everyone = seen_sql(
        "registration",
        keys="moments",
        on=None,
        columns="c.cutoff, r.enterprise_id, r.occurred_at, r.address_id, r.phone_id, r.agent_id",
    )
    counts = " ".join(
        f"LEFT JOIN (SELECT cutoff, {', '.join(same)}, count(*) AS n FROM entries WHERE {same[0]} IS NOT NULL"
        f" GROUP BY ALL) {name} ON {' AND '.join(f'{name}.{k} = p.{k}' for k in ('cutoff', *same))}"
        for name, same in SHARED.items()
    )
    columns = ", ".join(f"coalesce({name}.n - 1, 0) AS {name}" for name in SHARED)
    con.execute(
        f"""
        CREATE OR REPLACE TABLE rel_cluster AS
        WITH entries AS ({everyone})
        SELECT c.enterprise_id, c.cutoff, {columns}
        FROM cohort c JOIN entries p USING (enterprise_id, cutoff) {counts}
        """
    )
