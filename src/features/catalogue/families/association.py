"""Association family 关联关系信息: whom the enterprise is connected with (SAMR (4)).

``related`` has one row for every other enterprise that shares its legal representative or a shareholder, is its
investor or its investee, with that enterprise's state at the cut-off; ``two_hop`` counts paths of two such links;
``cluster`` counts the other enterprises registered at its address, with its phone or by its agent.
"""

from __future__ import annotations

from features.catalogue.declaration import indicator
from features.catalogue.expressions import Formula, Rows, shrunk_share
from features.policies import threshold

PRIOR = threshold("neighbour_prior")


def _share(related: Rows, test: str) -> Formula:
    return shrunk_share(related.where(test).distinct("other_id"), related.distinct("other_id"), bad=1, of=PRIOR)


@indicator(
    "association",
    "people",
    "同一法定代表人企业数",
    "other enterprises with the same legal representative",
    direction="raises",
    unit="enterprises",
    policy="SAMR (12)",
)
def firms_per_representative(related: Rows) -> Formula:
    """Other enterprises of the province with the same legal representative at the cut-off."""
    return related.where("link = 'representative'").count()


@indicator(
    "association",
    "people",
    "同一股东企业数",
    "other enterprises that share a shareholder with it",
    direction="either",
    unit="enterprises",
    policy="SAMR (4)",
)
def firms_per_shareholder(related: Rows) -> Formula:
    """Other enterprises of the province in which one of its holders (person or enterprise) has a share too."""
    return related.where("link = 'shareholder'").count()


@indicator(
    "association",
    "people",
    "关联企业数",
    "related enterprises",
    direction="either",
    unit="enterprises",
    policy="SAMR (4)",
)
def related_enterprises(related: Rows) -> Formula:
    """Other enterprises it is connected with, by any link."""
    return related.distinct("other_id")


@indicator(
    "association",
    "bad neighbours",
    "关联企业不良占比",
    "share of related enterprises with a bad record",
    direction="raises",
    unit="share",
    policy="SAMR (4)",
)
def related_bad_share(related: Rows) -> Formula:
    """Share of its related enterprises that are bad, (bad + 1) / (all + $neighbour_prior): few neighbours say little.

    Bad: licence revoked, open on the abnormal, serious or a black list, or penalised in 3 years.
    """
    return _share(related, "bad = 1")


@indicator(
    "association",
    "bad neighbours",
    "关联企业吊销占比",
    "share of related enterprises with a revoked business licence",
    direction="raises",
    unit="share",
    policy="SAMR (4)",
)
def related_revoked_share(related: Rows) -> Formula:
    """Share of its related enterprises whose business licence is revoked, (such + 1) / (all + $neighbour_prior)."""
    return _share(related, "revoked = 1")


@indicator(
    "association",
    "bad neighbours",
    "关联企业经营异常占比",
    "share of related enterprises on the abnormal-operation list",
    direction="raises",
    unit="share",
    policy="SAMR (4)",
)
def related_abnormal_share(related: Rows) -> Formula:
    """Share of its related enterprises on the abnormal-operation list now, (such + 1) / (all + $neighbour_prior)."""
    return _share(related, "abnormal = 1")


@indicator(
    "association",
    "bad neighbours",
    "关联企业黑名单占比",
    "share of related enterprises on the serious-violation list or a blacklist",
    direction="raises",
    unit="share",
    policy="SAMR (4)",
)
def related_blacklisted_share(related: Rows) -> Formula:
    """Share of its related enterprises on the serious list or a blacklist now, (such + 1) / (all + $neighbour_prior).

    Serious-violation list of the market regulator, or another department's blacklist.
    """
    return _share(related, "blacklisted = 1")


@indicator(
    "association",
    "bad neighbours",
    "关联企业失信被执行占比",
    "share of related enterprises that are judgment debtors",
    direction="raises",
    unit="share",
    policy="SAMR (4)",
)
def related_debtor_share(related: Rows) -> Formula:
    """Share of its related enterprises that are judgment debtors now, (such + 1) / (all + $neighbour_prior).

    Judgment debtors: on the courts' list of dishonest ones.
    """
    return _share(related, "debtor = 1")


@indicator(
    "association",
    "bad neighbours",
    "关联企业受罚占比",
    "share of related enterprises penalised in the last three years",
    direction="raises",
    unit="share",
    policy="SAMR (4)",
)
def related_penalised_share(related: Rows) -> Formula:
    """Share of its related enterprises that were penalised in 3 years, (such + 1) / (all + $neighbour_prior)."""
    return _share(related, "penalties_3y > 0")


@indicator(
    "association",
    "bad neighbours",
    "二度关联不良占比",
    "share of enterprises two links away with a bad record",
    direction="raises",
    unit="share",
    policy="SAMR (4)",
)
def two_hop_bad_share(two_hop: Rows) -> Formula:
    """Share of paths of two links, to an enterprise other than itself, that end at a bad one.

    As (bad + 1) / (all + $neighbour_prior); bad as for related enterprises. An enterprise that
    several paths reach counts several times.
    """
    return shrunk_share(two_hop.total("bad_paths"), two_hop.total("paths"), bad=1, of=PRIOR)


@indicator(
    "association",
    "bad neighbours",
    "关联企业处罚次数",
    "most penalties of a related enterprise in the last three years",
    direction="raises",
    unit="penalties",
    policy="SAMR (4)",
)
def related_penalties_3y(related: Rows) -> Formula:
    """Most penalties in 3 years of any one of its related enterprises."""
    return related.greatest("penalties_3y", empty=0)


@indicator(
    "association",
    "address",
    "同地址企业数",
    "other enterprises at the same address",
    direction="raises",
    unit="enterprises",
    policy="SAMR (12)",
)
def address_cluster_size(cluster: Rows) -> Formula:
    """Other enterprises of the province registered at the same address, known at the cut-off."""
    return cluster.total("others")


@indicator(
    "association",
    "address",
    "同日同址登记企业数",
    "other enterprises established at the same address on the same day",
    direction="raises",
    unit="enterprises",
    policy="SAMR (12)",
)
def same_day_batch(cluster: Rows) -> Formula:
    """Other enterprises established at the same address on the same day: batch registration."""
    return cluster.total("same_day")


@indicator(
    "association",
    "address",
    "同电话企业数",
    "other enterprises with the same phone",
    direction="raises",
    unit="enterprises",
    policy="SAMR (12)",
)
def shared_phone(cluster: Rows) -> Formula:
    """Other enterprises of the province registered with the same phone, known at the cut-off."""
    return cluster.total("same_phone")


@indicator(
    "association",
    "address",
    "同代理机构企业数",
    "other enterprises registered by the same agent",
    direction="raises",
    unit="enterprises",
    policy="SAMR (12)",
)
def shared_agent(cluster: Rows) -> Formula:
    """Other enterprises of the province registered by the same agent, known at the cut-off."""
    return cluster.total("same_agent")
