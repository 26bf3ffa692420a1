"""Association family 关联关系信息: whom the enterprise is connected with (SAMR (4)).

``related`` has one row for every other enterprise that shares its legal representative or a shareholder, is its
investor or its investee, with that enterprise's state at the cut-off; ``cluster`` counts the other
enterprises registered at its address.
"""

from __future__ import annotations

from features.declare import indicator
from features.expressions import Formula, Rows, shrunk_share


@indicator(
    "association",
    "people",
    "同一法定代表人企业数",
    direction="raises",
    unit="enterprises",
    policy="SAMR (12)",
)
def firms_per_representative(related: Rows) -> Formula:
    """Other enterprises of the province with the same legal representative at the cut-off."""
    return related.where("link = 'representative'").distinct("other_id")


@indicator("association", "people", "关联企业数", direction="either", unit="enterprises", policy="SAMR (4)")
def related_enterprises(related: Rows) -> Formula:
    """Other enterprises it is connected with, by any link."""
    return related.distinct("other_id")


@indicator("association", "bad neighbours", "关联企业不良占比", direction="raises", unit="share", policy="SAMR (4)")
def related_bad_share(related: Rows) -> Formula:
    """Share of its related enterprises that are revoked, listed or penalised in 3 years, (bad + 1) / (all + 9).

    Bad: licence revoked, open on the abnormal, serious or a black list, or penalised in 3 years. 1 of 9 is the
    prior [K]: few neighbours say little.
    """
    bad = related.where("bad = 1").distinct("other_id")
    return shrunk_share(bad, related.distinct("other_id"), bad=1, of=9)


@indicator(
    "association",
    "bad neighbours",
    "关联企业处罚次数",
    direction="raises",
    unit="penalties",
    policy="SAMR (4)",
)
def related_penalties_3y(related: Rows) -> Formula:
    """Most penalties in 3 years of any one of its related enterprises."""
    return related.greatest("penalties_3y", empty=0)


@indicator("association", "address", "同地址企业数", direction="raises", unit="enterprises", policy="SAMR (12)")
def address_cluster_size(cluster: Rows) -> Formula:
    """Other enterprises of the province registered at the same address, known at the cut-off."""
    return cluster.total("others")


@indicator("association", "address", "同日同址登记企业数", direction="raises", unit="enterprises", policy="SAMR (12)")
def same_day_batch(cluster: Rows) -> Formula:
    """Other enterprises established at the same address on the same day: batch registration."""
    return cluster.total("same_day")
