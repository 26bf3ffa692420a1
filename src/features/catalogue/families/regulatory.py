"""Regulatory family 监管信息: abnormal list, serious list and blacklists (SAMR (4), (5)).

Penalties and lawsuits stand in `features.catalogue.families.penalties`, products and talks in
`features.catalogue.families.products`, what visits found in `features.catalogue.families.inspections`.
"""

from __future__ import annotations

from features.catalogue.declaration import indicator
from features.catalogue.expressions import Formula, Rows
from features.policies import threshold


def _debts(blacklists: Rows) -> Rows:
    recent = "(ended_on IS NULL OR ended_on >= c.cutoff OR occurred_at >= CAST(c.cutoff - INTERVAL 60 MONTH AS DATE))"
    return blacklists.where("list_kind = 'judgment_debtor'").where(recent)


@indicator(
    "regulatory",
    "abnormal list",
    "当前是否列入经营异常名录",
    "on the abnormal-operation list",
    direction="raises",
    unit="0/1",
    policy="SAMR (5)",
)
def abnormal_listed_now(abnormal_list: Rows) -> Formula:
    """1 when it is on the abnormal-operation list at the cut-off."""
    return abnormal_list.open().greatest("CAST(1 AS BIGINT)", empty=0)


@indicator(
    "regulatory",
    "abnormal list",
    "近三年列入异常名录次数",
    "entries in the abnormal-operation list in the last three years",
    direction="raises",
    unit="entries",
    policy="SAMR (5)",
)
def abnormal_listings_3y(abnormal_list: Rows) -> Formula:
    """Entries in the abnormal-operation list in the 3 years before the cut-off."""
    return abnormal_list.within(months=36).count()


@indicator(
    "regulatory",
    "abnormal list",
    "当前异常名录列入天数",
    "days on the abnormal-operation list so far",
    direction="raises",
    unit="days",
    policy="SAMR (5)",
)
def days_abnormal_listed(abnormal_list: Rows) -> Formula:
    """Days since the oldest entry that is still open at the cut-off; 0 when there is none.

    After three years an open entry leads to the serious list.
    """
    return abnormal_list.open().greatest("c.cutoff - occurred_at", empty=0)


@indicator(
    "regulatory",
    "abnormal list",
    "近三年失联列入次数",
    "entries as not contactable or for false information in the last three years",
    direction="raises",
    unit="entries",
    policy="SAMR (5)",
)
def not_contactable_3y(abnormal_list: Rows) -> Formula:
    """Entries because it could not be contacted or published falsehoods, in 3 years."""
    reasons = "reason IN ('not_contactable', 'false_information')"
    return abnormal_list.where(reasons).within(months=36).count()


@indicator(
    "regulatory",
    "abnormal list",
    "近三年未报年报列入次数",
    "entries for an unpublished annual report in the last three years",
    direction="raises",
    unit="entries",
    policy="SAMR (5)",
)
def report_listings_3y(abnormal_list: Rows) -> Formula:
    """Entries because an annual report was not published, in the 3 years before the cut-off."""
    return abnormal_list.where("reason = 'no_annual_report'").within(months=36).count()


@indicator(
    "regulatory",
    "abnormal list",
    "列入异常名录将满三年",
    "nearing three years on the abnormal-operation list",
    direction="raises",
    unit="0/1",
    policy="HB 13(1)",
)
def abnormal_nearing_3y(abnormal_list: Rows) -> Formula:
    """1 when an entry open at the cut-off began more than $abnormal_nearing_months months before.

    At 3 years it turns serious.
    """
    old = f"occurred_at < CAST(c.cutoff - INTERVAL {threshold('abnormal_nearing_months')} MONTH AS DATE)"
    return abnormal_list.open().where(old).greatest("CAST(1 AS BIGINT)", empty=0)


@indicator(
    "regulatory",
    "abnormal list",
    "近三年移出异常名录耗时",
    "longest stay on the abnormal-operation list that ended in the last three years",
    direction="raises",
    unit="days",
    policy="SAMR (5)",
)
def abnormal_removal_days_3y(abnormal_list: Rows) -> Formula:
    """Most days that an entry which ended in the 3 years before the cut-off had stood; 0 without any."""
    return abnormal_list.ended_within(months=36).greatest("greatest(0, ended_on - occurred_at)", empty=0)


@indicator(
    "regulatory",
    "serious and black lists",
    "是否曾列入严重违法失信名单",
    "ever on the serious-violation list",
    direction="raises",
    unit="0/1",
    policy="HB 13(1)",
)
def serious_list_ever(serious_list: Rows) -> Formula:
    """1 when it was ever on the serious-violation list."""
    return serious_list.greatest("CAST(1 AS BIGINT)", empty=0)


@indicator(
    "regulatory",
    "serious and black lists",
    "严重违法失信修复次数",
    "entries in the serious-violation list ended by credit repair",
    direction="lowers",
    unit="entries",
    policy="SC (13)",
)
def serious_list_repaired(serious_list: Rows) -> Formula:
    """Entries in the serious-violation list that ended before the cut-off by credit repair."""
    return serious_list.where("end_reason = 'repaired' AND ended_on < c.cutoff").count()


@indicator(
    "regulatory",
    "serious and black lists",
    "近五年失信被执行次数",
    "entries as dishonest judgment debtor in the last five years",
    direction="raises",
    unit="entries",
    policy="HB 13(2)",
)
def judgment_debtor_5y(blacklists: Rows) -> Formula:
    """Entries in the courts' list of dishonest judgment debtors, still open or begun in 5 years."""
    return _debts(blacklists).count()


@indicator(
    "regulatory",
    "serious and black lists",
    "近五年失信被执行金额",
    "judgment debts in the last five years",
    direction="raises",
    unit="fen",
    policy="HB 13(2)",
)
def judgment_debt_5y(blacklists: Rows) -> Formula:
    """Amounts of the entries in the courts' list of dishonest judgment debtors, open or begun in 5 years."""
    return _debts(blacklists).total("amount_fen")


@indicator(
    "regulatory",
    "serious and black lists",
    "当前其他黑名单数",
    "entries in other departments' blacklists",
    direction="raises",
    unit="entries",
    policy="HB 13(3)",
)
def other_blacklists_now(blacklists: Rows) -> Formula:
    """Entries in other departments' blacklists that are open at the cut-off."""
    return blacklists.open().where("list_kind <> 'judgment_debtor'").count()
