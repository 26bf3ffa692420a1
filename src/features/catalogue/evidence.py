"""Evidence for direct determinations (HB 12, 13): which records hit which rule at a cut-off.

Evidence columns stand beside the indicators, so that every caller gets the floors. A value is the
``;``-joined ``table:record_id`` of the records that hit the rule, sorted; an empty string when none does; and null
(not checked) when none does but the source lacks a table that the rule reads. Repair ends
a direct effect (SC (13)), and an open objection suspends it (HB 11(4)).
"""

from __future__ import annotations

from features.policies import FeaturesPolicy
from features.records.visibility import Moment, seen_sql

OPEN = "(r.ended_on IS NULL OR r.ended_on >= c.cutoff)"

EVIDENCE: dict[str, str] = {
    "evidence_H12_2": "ordered to suspend production or business 责令停产停业",
    "evidence_H12_3": "licence revoked by the market regulator 吊销许可证件",
    "evidence_H12_4": "strong negative consumer reports, confirmed by a human 负面舆情",
    "evidence_H13_1": "on the market regulator's serious-violation list 严重违法失信名单",
    "evidence_H13_2": "on the courts' list of dishonest judgment debtors 失信被执行人",
    "evidence_H13_3": "on another department's blacklist 其他部门黑名单",
}
"""Evidence columns, with what they say."""


EVIDENCE_TABLES: dict[str, tuple[str, ...]] = {
    "evidence_H12_2": ("penalties",),
    "evidence_H12_3": ("penalties", "licences"),
    "evidence_H12_4": ("public_opinion",),
    "evidence_H13_1": ("serious_list",),
    "evidence_H13_2": ("blacklists",),
    "evidence_H13_3": ("blacklists",),
}
"""Tables that must be there before 'no record hits the rule' may be said."""


def _tests(policy: FeaturesPolicy) -> list[tuple[str, str, str]]:
    """Rule, table that it reads, and SQL condition over the table's record ``r`` and the key row ``c``."""

    def recent(rule: str, date: str = "r.occurred_at") -> str:
        return f"{date} >= CAST(c.cutoff - INTERVAL {policy.evidence_months[rule]} MONTH AS DATE)"

    def kind(code: str) -> str:
        return f"list_contains(string_split(r.penalty_kinds, ';'), '{code}')"

    ours = "r.authority_kind = 'market_regulation'"
    revoked = f"{recent('H12_3', 'r.ended_on')} AND r.ended_on < c.cutoff"
    negative = f"r.tone = 'negative' AND r.attention = 'high' AND r.confirmed AND {recent('H12_4')}"
    return [
        ("H12_2", "penalties", f"{ours} AND {kind('suspension')} AND {recent('H12_2')}"),
        ("H12_3", "penalties", f"{ours} AND {kind('licence_revoked')} AND {recent('H12_3')}"),
        ("H12_3", "licences", f"{ours} AND r.licence_status = 'revoked' AND {revoked}"),
        ("H12_4", "public_opinion", negative),
        ("H13_1", "serious_list", OPEN),
        ("H13_2", "blacklists", f"{OPEN} AND r.list_kind = 'judgment_debtor'"),
        ("H13_3", "blacklists", f"{OPEN} AND r.list_kind <> 'judgment_debtor'"),
    ]


def hits_sql(
    policy: FeaturesPolicy,
    *,
    keys: str = "part",
    table: str | None = None,
    at: Moment | None = None,
    between: tuple[str, str] | None = None,
    plain: bool = False,
) -> str:
    """SQL of the records that hit a rule: pair, rule and hit; of one table where it is named. Else as `seen_sql`."""
    return " UNION ALL ".join(
        "SELECT pair, rule, hit FROM ("
        + seen_sql(
            of,
            keys=keys,
            columns=f"c.pair, '{rule}' AS rule, '{of}:' || r.record_id AS hit, {test} AS ok",
            unless="released",
            at=at,
            between=between,
            plain=plain,
        )
        + ") WHERE ok"
        for rule, of, test in _tests(policy)
        if table in (None, of)
    )


def by_rule_sql(hits: str) -> str:
    """SQL of one row per ``pair`` of `hits_sql`, one column per rule."""
    columns = ", ".join(
        f"coalesce(string_agg(hit, ';' ORDER BY hit) FILTER (WHERE rule = '{c.removeprefix('evidence_')}'), '') AS {c}"
        for c in EVIDENCE
    )
    return f"SELECT pair, {columns} FROM ({hits}) GROUP BY pair"


def evidence_sql(
    policy: FeaturesPolicy, *, keys: str = "part", at: Moment | None = None, between: tuple[str, str] | None = None
) -> str:
    """SQL of one row per key row (``pair``) that hits any rule, one column per rule; parameters as `seen_sql`."""
    return by_rule_sql(hits_sql(policy, keys=keys, at=at, between=between))
