"""Basic family 企业基础属性信息: what the enterprise is (SAMR (4))."""

from __future__ import annotations

from features.catalogue.declaration import indicator
from features.catalogue.expressions import Formula, Rows, combine

RATIO = "times the rest's rate"
"""Unit of a rate ratio: a peer group's violation rate over that of the rest of the province (decision 3)."""


def _ratio(peers: Rows, kind: str) -> Formula:
    parts_per_million = peers.where(f"kind = '{kind}'").greatest("ratio_ppm", empty=None)
    return combine("(CAST({} AS DOUBLE) / 1000000)", parts_per_million)


@indicator("basic", "capital", "注册资本", "registered capital", direction="either", unit="fen", policy="SAMR (4)")
def registered_capital(registration: Rows) -> Formula:
    """Registered capital."""
    return registration.latest("registered_capital_fen", empty=None)


@indicator(
    "basic", "nature", "经营年限", "years since it was established", direction="lowers", unit="years", policy="SAMR (4)"
)
def years_operating(registration: Rows) -> Formula:
    """Years of 365.25 days since the enterprise was established, by the register's date."""
    days = registration.latest("c.cutoff - occurred_at", empty=None)
    return combine("(CAST({} AS DOUBLE) / 365.25)", days)


@indicator(
    "basic",
    "ownership",
    "法人股东数",
    "shareholders that are enterprises or state bodies",
    direction="lowers",
    unit="holders",
    policy="SAMR (4)",
)
def corporate_shareholders(shareholdings: Rows) -> Formula:
    """Shareholders that are enterprises or state bodies, at the cut-off."""
    return shareholdings.open().where("holder_kind IN ('enterprise', 'state')").distinct("holder_id")


@indicator("basic", "ownership", "股东数", "shareholders", direction="either", unit="holders", policy="SAMR (4)")
def shareholders_now(shareholdings: Rows) -> Formula:
    """Shareholders of any kind at the cut-off."""
    return shareholdings.open().distinct("holder_id")


@indicator(
    "basic",
    "ownership",
    "对外投资企业数",
    "enterprises in which it holds a share",
    direction="either",
    unit="enterprises",
    policy="SAMR (4)",
)
def outbound_investments(holdings_out: Rows) -> Formula:
    """Enterprises of the province in which it holds a share at the cut-off."""
    return holdings_out.open().distinct("other_id")


@indicator(
    "basic",
    "ownership",
    "是否含法人股东",
    "has shareholders other than natural persons",
    direction="either",
    unit="0/1",
    policy="SAMR (4)",
)
def corporate_owned(registration: Rows) -> Formula:
    """1 when the register says that it has corporate, state or foreign shareholders."""
    return registration.latest("CAST(shareholder_type <> 'natural' AS BIGINT)", empty=None)


@indicator("basic", "ownership", "是否国有", "state-held", direction="either", unit="0/1", policy="SAMR (4)")
def state_held(registration: Rows) -> Formula:
    """1 when the register says that it is state-held."""
    return registration.latest("CAST(shareholder_type = 'state' AS BIGINT)", empty=None)


@indicator("basic", "ownership", "是否上市", "listed company", direction="lowers", unit="0/1", policy="SAMR (4)")
def listed(registration: Rows) -> Formula:
    """1 for a listed company."""
    return registration.latest("CAST(listed AS BIGINT)", empty=None)


@indicator(
    "basic",
    "nature",
    "是否高新技术企业",
    "certified high-tech enterprise",
    direction="lowers",
    unit="0/1",
    policy="SAMR (4)",
)
def high_tech(registration: Rows) -> Formula:
    """1 for a certified high-tech enterprise."""
    return registration.latest("CAST(high_tech AS BIGINT)", empty=None)


@indicator("basic", "nature", "是否公司制企业", "is a company", direction="either", unit="0/1", policy="SAMR (4)")
def is_company(registration: Rows) -> Formula:
    """1 for a limited liability, joint stock or foreign-invested company."""
    test = "enterprise_type IN ('limited_company', 'joint_stock', 'foreign_invested')"
    return registration.latest(f"CAST({test} AS BIGINT)", empty=None)


@indicator(
    "basic", "nature", "是否分支机构", "is a branch of an enterprise", direction="either", unit="0/1", policy="SAMR (4)"
)
def is_branch(registration: Rows) -> Formula:
    """1 for a branch of an enterprise, which is a subject of its own (HB 2)."""
    return registration.latest("CAST(enterprise_type = 'branch' AS BIGINT)", empty=None)


@indicator(
    "basic",
    "nature",
    "同类型企业随机检查问题率比",
    "violation rate of its legal form compared with all others, random inspections",
    direction="raises",
    unit=RATIO,
    policy="SAMR (4)",
)
def type_rate_ratio_random(peers: Rows) -> Formula:
    """Violation rate of enterprises of its legal form over that of all others, at random-arm visits.

    Known by the cut-off, weighted by 1 / draw probability, shrunk towards 1, like its industry's.
    """
    return _ratio(peers, "type_random")


@indicator(
    "basic",
    "nature",
    "是否有统一社会信用代码",
    "has a unified social credit code",
    direction="either",
    unit="0/1",
    policy="SAMR (5)",
)
def has_credit_code(registration: Rows) -> Formula:
    """1 when the source gives a unified social credit code."""
    return registration.latest("CAST(uscc IS NOT NULL AS BIGINT)", empty=None)


@indicator("basic", "ownership", "分支机构数", "open branches", direction="either", unit="branches", policy="SAMR (4)")
def branches_open(branches: Rows) -> Formula:
    """Branches open at the cut-off."""
    return branches.open().count()


@indicator(
    "basic",
    "industry",
    "行业随机检查问题率比",
    "violation rate of its trade compared with all others, random inspections",
    direction="raises",
    unit=RATIO,
    policy="SAMR (4)",
)
def industry_rate_ratio_random(peers: Rows) -> Formula:
    """Violation rate of its industry (section and division) over that of all others, at random-arm visits.

    Known by the cut-off, weighted by 1 / draw probability, shrunk towards 1 (`peer_shrink_visits`); 1
    also where nobody else was visited. A visit whose draw is not known has no weight and is left out; the
    enterprise's own visits count like any other's.
    """
    return _ratio(peers, "industry_random")


@indicator(
    "basic",
    "industry",
    "行业全部检查问题率比",
    "violation rate of its trade compared with all others",
    direction="raises",
    unit=RATIO,
    policy="SAMR (4)",
)
def industry_rate_ratio_all(peers: Rows) -> Formula:
    """Violation rate of its industry over that of all others, at all visits known by the cut-off, shrunk towards 1.

    Whatever the arm and unweighted: targeted visits are no random sample; for sources without a random arm.
    """
    return _ratio(peers, "industry_all")


@indicator(
    "basic",
    "region",
    "地区随机检查问题率比",
    "violation rate of its district compared with all others, random inspections",
    direction="raises",
    unit=RATIO,
    policy="SAMR (4)",
)
def region_rate_ratio_random(peers: Rows) -> Formula:
    """Violation rate of its district over that of all others, at random-arm visits, weighted and shrunk towards 1."""
    return _ratio(peers, "region_random")


@indicator(
    "basic",
    "region",
    "地区全部检查问题率比",
    "violation rate of its district compared with all others",
    direction="raises",
    unit=RATIO,
    policy="SAMR (4)",
)
def region_rate_ratio_all(peers: Rows) -> Formula:
    """Violation rate of its district over that of all others, at all visits known by the cut-off, shrunk towards 1."""
    return _ratio(peers, "region_all")


@indicator(
    "basic",
    "industry",
    "近一年行业检查问题率比",
    "violation rate of its trade compared with all others, last year",
    direction="raises",
    unit=RATIO,
    policy="SAMR (4)",
)
def industry_rate_ratio_1y(peers: Rows) -> Formula:
    """Violation rate of its industry over that of all others, at all visits of the last 12 months, shrunk towards 1."""
    return _ratio(peers, "industry_1y")


@indicator(
    "basic",
    "region",
    "近一年地区检查问题率比",
    "violation rate of its district compared with all others, last year",
    direction="raises",
    unit=RATIO,
    policy="SAMR (4)",
)
def region_rate_ratio_1y(peers: Rows) -> Formula:
    """Violation rate of its district over that of all others, at all visits of the last 12 months, shrunk towards 1."""
    return _ratio(peers, "region_1y")


@indicator(
    "basic",
    "region",
    "近一年同地区同行业检查问题率比",
    "violation rate of its trade in its district compared with all others, last year",
    direction="raises",
    unit=RATIO,
    policy="SAMR (13)",
)
def local_industry_rate_ratio_1y(peers: Rows) -> Formula:
    """Violation rate of its industry within its district over that of all others, at all visits of 12 months.

    Shrunk towards 1; a district or an industry alone says less than both.
    """
    return _ratio(peers, "local_1y")


@indicator(
    "basic",
    "region",
    "同地区同行业随机检查问题率比",
    "violation rate of its trade in its district compared with all others, random inspections",
    direction="raises",
    unit=RATIO,
    policy="SAMR (13)",
)
def local_industry_rate_ratio_random(peers: Rows) -> Formula:
    """Violation rate of its industry within its district over that of all others, at random-arm visits.

    Weighted by 1 / draw probability and shrunk towards 1.
    """
    return _ratio(peers, "local_random")
