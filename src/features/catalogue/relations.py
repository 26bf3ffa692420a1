"""Relations derived from the tables: visits with their outcome, neighbours, address clusters, peers.

A relation is a table ``rel_<name>`` with ``enterprise_id`` and ``cutoff`` besides its own columns; indicators
aggregate it like a source table. For one enterprise's record alone, the rows of the population's relations
come from the ``context`` that a run over the whole province extracts.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from features.catalogue.expressions import Aggregate, Window
from features.catalogue.nearby import COLUMNS as NEARBY_COLUMNS
from features.catalogue.nearby import create_nearby
from features.catalogue.neighbours import create_cluster, create_related
from features.catalogue.recent import COLUMNS as RECENT_COLUMNS
from features.catalogue.recent import create_recent
from features.policies import FeaturesPolicy, OutcomesPolicy
from features.records.connection import Connection
from features.records.visibility import seen_sql

BASES: dict[str, tuple[str, ...]] = {
    "visits": ("inspections",),
    "item_visits": ("inspection_items",),
    "holdings_out": ("shareholdings",),
    "related": ("persons_roles", "shareholdings"),
    "two_hop": ("persons_roles", "shareholdings"),
    "cluster": ("registration",),
    "peers": ("registration", "inspections"),
    "recent": ("registration", "inspections"),
    "nearby": ("positions",),
}
"""The tables that a relation needs; it covers what all of them cover. What it reads besides: `LOOKS_INTO`."""

Look = tuple[str, Window | None]
"""A table of other enterprises, and the window that it must cover; None: everything known before the cut-off."""

_PENALTIES: Look = ("penalties", Window(36))
_BAD: tuple[Look, ...] = (
    ("registration", None),
    ("abnormal_list", None),
    ("serious_list", None),
    ("blacklists", None),
    _PENALTIES,
)
LOOKS_INTO: dict[str, dict[str, tuple[Look, ...]]] = {
    "related": {
        "revoked": (("registration", None),),
        "abnormal": (("abnormal_list", None),),
        "blacklisted": (("serious_list", None), ("blacklists", None)),
        "debtor": (("blacklists", None),),
        "penalties_3y": (_PENALTIES,),
        "bad": _BAD,
    },
    "two_hop": {"bad_paths": _BAD},
    "peers": {f"{key}_random": (("draws", None),) for key in ("industry", "region", "local", "type")},
    "nearby": {name: (("place_events", Window(months)),) for name, (_, _, months) in NEARBY_COLUMNS.items()},
}
"""What else a relation reads, by the word in an aggregate's SQL that makes use of it: a column, or a kind of rate.

An aggregate that uses none of these words, such as a number of neighbours, asks nothing of their tables.
"""

OTHERS = "others_"
"""Before a table's name: that table as the other enterprises have it, which a single record never holds."""


def looks(aggregate: Aggregate) -> tuple[Look, ...]:
    """Return the tables of other enterprises that an aggregate makes use of, named with `OTHERS`, sorted."""
    words = set(re.findall(r"\w+", aggregate.sql))
    found = {look for word, needs in LOOKS_INTO.get(aggregate.table, {}).items() if word in words for look in needs}
    return tuple((OTHERS + table, window) for table, window in sorted(found, key=lambda look: look[0]))


def tables_read(aggregates: Iterable[Aggregate]) -> tuple[str, ...]:
    """Return the contract tables whose coverage decides whether an indicator of these parts has a value, sorted."""
    found: set[str] = set()
    for a in aggregates:
        found.update(BASES.get(a.table, (a.table,)))
        found.update(table.removeprefix(OTHERS) for table, _ in looks(a))
    return tuple(sorted(found))


POPULATION: dict[str, str] = {
    "holdings_out": "other_id VARCHAR, occurred_at DATE, ended_on DATE, record_id VARCHAR",
    "related": "other_id VARCHAR, link VARCHAR, revoked BIGINT, abnormal BIGINT, blacklisted BIGINT, debtor BIGINT,"
    " penalties_3y BIGINT, bad BIGINT",
    "two_hop": "paths BIGINT, bad_paths BIGINT",
    "cluster": "others BIGINT, same_day BIGINT, same_phone BIGINT, same_agent BIGINT",
    "peers": "kind VARCHAR, ratio_ppm BIGINT",
    "recent": ", ".join(f"{column} BIGINT" for column in RECENT_COLUMNS),
    "nearby": ", ".join(f"{column} BIGINT" for column in NEARBY_COLUMNS),
}
"""Relations that other enterprises' records make, with their columns: a context can give them."""


def outcome_sql(policy: OutcomesPolicy, column: str = "result_codes") -> str:
    """SQL of a visit's outcome: 1 violation, 0 nothing found, NULL censored or not yet known.

    Violation: any violation code. None: the 'nothing found' code alone. Else no label.
    """
    codes = f"string_split({column}, ';')"
    bad = ", ".join(f"'{c}'" for c in policy.violation)
    good = ", ".join(f"'{c}'" for c in policy.none)
    return (
        f"(CASE WHEN {column} IS NULL OR {column} = '' THEN NULL WHEN list_has_any({codes}, [{bad}]) THEN 1"
        f" WHEN list_has_all([{good}], {codes}) THEN 0 ELSE NULL END)"
    )


DERIVED = ("visits", "item_visits")
"""Relations made of the seen rows of one table of the enterprise's own: `derived_sql`."""

SEVERITIES = ("critical", "serious", "minor")


def derived_sql(
    relation: str, outcomes: OutcomesPolicy, *, between: tuple[str, str] | None = None, plain: bool = False
) -> str:
    """SQL of ``rel_<relation>``, one of `DERIVED`, for ``part``; parameters as `seen_sql`."""
    if relation == "visits":
        return visits_sql(outcomes, between=between, plain=plain)
    rows = seen_sql("inspection_items", keys="part", columns="c.cutoff, r.*", between=between, plain=plain)
    failed = ", ".join(
        f"count(*) FILTER (WHERE result = 'failed' AND severity = '{severity}') AS {severity}"
        for severity in SEVERITIES
    )
    return (
        "SELECT enterprise_id, cutoff, inspection_id AS record_id, max(occurred_at) AS occurred_at,"
        " max(known_at) AS known_at, "
        f"count(*) FILTER (WHERE result = 'failed') AS failed, {failed} FROM ({rows})"
        " GROUP BY enterprise_id, cutoff, inspection_id"
    )


def visits_sql(outcomes: OutcomesPolicy, *, between: tuple[str, str] | None = None, plain: bool = False) -> str:
    """SQL of ``rel_visits``: the seen inspections of ``part`` with ``violation``; parameters as `seen_sql`."""
    violation = f"{outcome_sql(outcomes, 'r.result_codes')} AS violation"
    return seen_sql("inspections", keys="part", columns=f"c.cutoff, {violation}, r.*", between=between, plain=plain)


def create_population(
    con: Connection, features: FeaturesPolicy, outcomes: OutcomesPolicy, wanted: Collection[str] = POPULATION
) -> None:
    """Create the relations that need the whole province; ``recent`` and ``nearby`` only where they are wanted."""
    con.execute(
        "CREATE OR REPLACE TABLE rel_holdings_out AS "
        + seen_sql(
            "shareholdings",
            on="holder_id",
            columns="c.enterprise_id, c.cutoff, r.enterprise_id AS other_id, r.occurred_at, r.ended_on, r.record_id",
        )
    )
    create_related(con)
    create_cluster(con)
    _create_placed(con)
    _create_peers(con, features, outcomes)
    if "nearby" in wanted:
        create_nearby(con)
    if "recent" in wanted:
        create_recent(con, features, outcome_sql(outcomes, "r.result_codes"))


PEER_KEYS = {
    "industry": "industry",
    "region": "region",
    "local": "region || '|' || industry",
    "type": "enterprise_type",
    "address": "address_id",
}
"""What makes peers: the same industry, the same district, both, the same legal form, or the same address."""

PEER_KINDS = {
    "random": "CASE WHEN v.arm = 'random' THEN 1000000000 // d.probability_ppm END",
    "all": "1000",
    "1y": "CASE WHEN v.occurred_at >= CAST(v.cutoff - INTERVAL 12 MONTH AS DATE) THEN 1000 END",
}
"""Which visits make a rate ratio, as a weight in thousandths: random ones by 1 / draw probability, all alike, or
all of the last 12 months alike."""

PEER_RATIOS = {
    "industry": ("random", "all", "1y"),
    "region": ("random", "all", "1y"),
    "local": ("random", "1y"),
    "type": ("random",),
}
"""The rate ratios that indicators read."""


def _create_placed(con: Connection) -> None:
    """Create ``placed``: everyone's `PEER_KEYS` at each cut-off, by the register."""
    keys = ", ".join(f"{sql} AS {key}" for key, sql in PEER_KEYS.items())
    everyone = seen_sql(
        "registration",
        keys="moments",
        on=None,
        columns="c.cutoff, r.enterprise_id, r.industry, r.region, r.enterprise_type, r.address_id",
    )
    con.execute(f"CREATE OR REPLACE TABLE placed AS SELECT cutoff, enterprise_id, {keys} FROM ({everyone})")


def _create_peers(con: Connection, features: FeaturesPolicy, outcomes: OutcomesPolicy) -> None:
    """Create ``rel_peers``: rate ratios of industries, districts, both and legal forms, in parts per million.

    A rate ratio is the violation rate at visits to a peer group over that at visits to the rest of the province. It
    says where a group stands among all: whom inspectors choose, and how many they find, changes from year to year for
    everyone, and a rate by itself would carry that into the score of firms that did not change.
    """
    violation = outcome_sql(outcomes, "r.result_codes")
    rated = seen_sql(
        "inspections",
        keys="moments",
        on=None,
        columns=f"c.cutoff, r.enterprise_id, r.occurred_at, r.arm, r.draw_id, {violation} AS violation",
    )
    drawn = seen_sql("draws", keys="moments", on=None, columns="c.cutoff, r.record_id, r.probability_ppm")
    weights = ", ".join(f"{sql} AS weight_{kind}" for kind, sql in PEER_KINDS.items())
    con.execute(
        f"""
        CREATE OR REPLACE TABLE rated AS
        SELECT p.*, v.violation, {weights}
        FROM ({rated}) v LEFT JOIN ({drawn}) d ON d.record_id = v.draw_id AND d.cutoff = v.cutoff
        JOIN placed p ON p.enterprise_id = v.enterprise_id AND p.cutoff = v.cutoff
        WHERE v.violation IS NOT NULL
        """
    )
    ratios = " UNION ALL ".join(_ratio_sql(key, kind, features) for key, kinds in PEER_RATIOS.items() for kind in kinds)
    con.execute(f"CREATE OR REPLACE TABLE ratios AS {ratios}")
    values = " ".join(f"WHEN '{key}' THEN p.{key}" for key in PEER_RATIOS)
    con.execute(
        f"""
        CREATE OR REPLACE TABLE rel_peers AS
        SELECT c.enterprise_id, c.cutoff, k.kind, coalesce(r.ratio_ppm, k.ratio_ppm) AS ratio_ppm
        FROM cohort c JOIN placed p USING (enterprise_id, cutoff)
        JOIN ratios k ON k.cutoff = c.cutoff AND k.value IS NULL
        LEFT JOIN ratios r ON r.cutoff = c.cutoff AND r.kind = k.kind
          AND r.value = CASE k.peers {values} END
        """
    )


def _ratio_sql(key: str, kind: str, features: FeaturesPolicy) -> str:
    """SQL of the rate ratios of all groups of one key at each cut-off; 1 for a group without visits (``value`` null).

    With y, w the weight of the group's visits that found a violation and of all, y_r, w_r those of the rest, m the
    rest's average weight, the rest's rate is r = (y_r + m) / (w_r + $problem_prior_visits * m), and the ratio
    (y / r + K) / (w + K) with K = peer_shrink_visits * m: 1 where little was seen, and where there is no rest. Integers
    throughout, so that threads can't change it. A violation found never lowers its own group's ratio.
    """
    weight = f"weight_{kind}"
    sums = f"count({weight}) AS n, sum({weight})::HUGEINT AS w, sum({weight} * violation)::HUGEINT AS y"
    head = f"'{key}' AS peers, '{key}_{kind}' AS kind"
    rest, prior = f"w_r + {features.thresholds.problem_prior_visits} * m", f"{features.peer_shrink_visits} * m"
    return f"""
        SELECT cutoff, {head}, value, CASE WHEN n_r = 0 THEN 1000000 ELSE
          CAST(((y * ({rest}) + {prior} * (y_r + m)) * 1000000) // ((y_r + m) * (w + {prior})) AS BIGINT) END
          AS ratio_ppm
        FROM (
            SELECT g.cutoff, g.{key} AS value, g.w, g.y, p.n - g.n AS n_r, p.w - g.w AS w_r, p.y - g.y AS y_r,
              (p.w - g.w) // nullif(p.n - g.n, 0) AS m
            FROM (SELECT cutoff, {key}, {sums} FROM rated WHERE {key} IS NOT NULL GROUP BY ALL) g
            JOIN (SELECT cutoff, {sums} FROM rated GROUP BY ALL) p USING (cutoff) WHERE g.n > 0
        )
        UNION ALL
        SELECT cutoff, {head}, NULL, 1000000
        FROM (SELECT cutoff, count({weight}) AS n FROM rated GROUP BY ALL) WHERE n > 0
    """
