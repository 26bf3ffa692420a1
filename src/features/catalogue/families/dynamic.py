"""Dynamic family 企业动态信息: what the enterprise does and how it changes (SAMR (4))."""

from __future__ import annotations

from features.catalogue.declaration import indicator
from features.catalogue.expressions import NEVER, Formula, Rows, combine, ratio
from features.policies import threshold

_DUE = f"{threshold('report_due_month')}, {threshold('report_due_day')}"
_THIS_YEAR = "CAST(year(c.cutoff) AS BIGINT)"

LAST_YEAR_DUE = f"({_THIS_YEAR} - CASE WHEN c.cutoff > make_date({_THIS_YEAR}, {_DUE}) THEN 1 ELSE 2 END)"
"""SQL of the last year whose report was due: a report of year y is due on 30 June of y + 1 (`features.toml`)."""


def _in_force(licences: Rows) -> Rows:
    return licences.open().where("licence_status = 'valid' AND (valid_to IS NULL OR valid_to >= c.cutoff)")


@indicator("dynamic", "licences", "持有许可数", direction="either", unit="licences", policy="SAMR (5)")
def licences_held(licences: Rows) -> Formula:
    """Licences in force at the cut-off."""
    return _in_force(licences).count()


@indicator("dynamic", "licences", "重点领域许可数", direction="either", unit="licences", policy="HB 14")
def safety_licences_held(licences: Rows) -> Formula:
    """Licences in force for food, drugs, special equipment, industrial products or hazardous goods."""
    key = "licence_kind IN ('food', 'drug', 'special_equipment', 'industrial_product', 'hazardous')"
    return _in_force(licences).where(key).count()


@indicator("dynamic", "licences", "许可过期数", direction="raises", unit="licences", policy="SAMR (5)")
def licences_expired(licences: Rows) -> Formula:
    """Licences whose validity ran out before the cut-off and that were neither given back nor ended."""
    return licences.open().where("licence_status = 'valid' AND valid_to < c.cutoff").count()


@indicator("dynamic", "licences", "即将到期许可数", direction="raises", unit="licences", policy="SAMR (5)")
def licences_expiring(licences: Rows) -> Formula:
    """Licences in force whose last day of validity is one of the $licence_expiring_days days from the cut-off on."""
    days = threshold("licence_expiring_days")
    soon = f"licence_status = 'valid' AND valid_to >= c.cutoff AND valid_to < c.cutoff + {days}"
    return licences.open().where(soon).count()


@indicator("dynamic", "licences", "近三年被吊销许可数", direction="raises", unit="licences", policy="HB 12(3)")
def licences_revoked_3y(licences: Rows) -> Formula:
    """Licences revoked or withdrawn that ended in the 3 years before the cut-off."""
    return licences.where("licence_status IN ('revoked', 'withdrawn')").ended_within(months=36).count()


@indicator("dynamic", "changes", "近一年法定代表人变更", direction="raises", unit="changes", policy="SAMR (12)")
def representative_changes_1y(changes: Rows) -> Formula:
    """Changes of the legal representative in the year before the cut-off."""
    return changes.where("item = 'legal_representative'").within(months=12).count()


@indicator("dynamic", "changes", "近一年名称变更", direction="raises", unit="changes", policy="SAMR (12)")
def name_changes_1y(changes: Rows) -> Formula:
    """Changes of name in the year before the cut-off."""
    return changes.where("item = 'name'").within(months=12).count()


@indicator("dynamic", "changes", "近一年住所变更", direction="raises", unit="changes", policy="SAMR (12)")
def address_changes_1y(changes: Rows) -> Formula:
    """Changes of address in the year before the cut-off."""
    return changes.where("item = 'address'").within(months=12).count()


@indicator("dynamic", "changes", "近一年经营范围变更", direction="raises", unit="changes", policy="SAMR (12)")
def scope_changes_1y(changes: Rows) -> Formula:
    """Changes of business scope in the year before the cut-off."""
    return changes.where("item = 'scope'").within(months=12).count()


@indicator("dynamic", "changes", "近一年股东变更", direction="raises", unit="changes", policy="SAMR (12)")
def shareholder_changes_1y(changes: Rows) -> Formula:
    """Changes of shareholders in the year before the cut-off."""
    return changes.where("item = 'shareholders'").within(months=12).count()


@indicator("dynamic", "changes", "近一年变更总数", direction="raises", unit="changes", policy="SAMR (12)")
def changes_1y(changes: Rows) -> Formula:
    """Changes of any registered item in the year before the cut-off."""
    return changes.within(months=12).count()


@indicator("dynamic", "changes", "近三年注册资本大幅变动", direction="raises", unit="changes", policy="SAMR (12)")
def capital_jumps_3y(changes: Rows) -> Formula:
    """Changes of capital in the 3 years before that multiplied or divided it by at least $capital_jump_factor."""
    factor = threshold("capital_jump_factor")
    big = f"(after_fen >= {factor} * before_fen OR before_fen >= {factor} * after_fen)"
    jump = f"{big} AND after_fen <> before_fen"
    return changes.where("item = 'capital'").where(jump).within(months=36).count()


@indicator("dynamic", "changes", "距最近变更天数", direction="lowers", unit="days", policy="SAMR (12)")
def days_since_change(changes: Rows) -> Formula:
    """Days since the latest change of any registered item, at most 3650; 3650 stands for never."""
    return changes.days_since_last(never=NEVER)


@indicator("dynamic", "changes", "近一年退出股东数", direction="raises", unit="holders", policy="SAMR (12)")
def shareholders_left_1y(shareholdings: Rows) -> Formula:
    """Different holders of whom a share ended in the year before the cut-off."""
    return shareholdings.ended_within(months=12).distinct("holder_id")


@indicator("dynamic", "changes", "是否清算", direction="raises", unit="0/1", policy="SAMR (4)")
def in_liquidation(registration: Rows) -> Formula:
    """1 when the register says that it is in liquidation."""
    return registration.latest("CAST(status = 'liquidating' AS BIGINT)", empty=None)


@indicator("dynamic", "changes", "自愿注册信息数", direction="lowers", unit="filings", policy="SC (5)")
def voluntary_filings(filings: Rows) -> Formula:
    """Filings of voluntarily registered credit information."""
    return filings.where("filing_kind = 'voluntary_information'").count()


@indicator("dynamic", "annual reports", "年报是否逾期", direction="raises", unit="0/1", policy="SAMR (5)")
def annual_report_late(annual_reports: Rows) -> Formula:
    """1 when the latest report was submitted after it was due in the year after the one it reports.

    Due by day $report_due_day of month $report_due_month.
    """
    late = f"CAST(occurred_at > make_date(report_year + 1, {_DUE}) AS BIGINT)"
    return annual_reports.latest(late, empty=0)


@indicator("dynamic", "annual reports", "近三年缺报年数", direction="raises", unit="years", policy="SAMR (5)")
def annual_reports_missed_3y(annual_reports: Rows, registration: Rows) -> Formula:
    """Reports due in the 3 years before the cut-off that were not submitted by it.

    A report of year y is due from an enterprise founded by the end of y, by day $report_due_day of month
    $report_due_month of y + 1, and counts as missed after that day.
    """
    missed = []
    for back in range(3):
        year = f"{LAST_YEAR_DUE} - {back}"
        due = registration.latest(f"CAST(year(occurred_at) <= {year} AS BIGINT)", empty=None)
        given = annual_reports.where(f"report_year = {year}").greatest("CAST(1 AS BIGINT)", empty=0)
        missed.append(combine("(CASE WHEN {} IS NULL THEN NULL ELSE greatest(0, {} - {}) END)", due, due, given))
    covered = annual_reports.within(months=36).count()
    return combine("(CASE WHEN {} IS NULL THEN NULL ELSE {} + {} + {} END)", covered, *missed)


@indicator("dynamic", "annual reports", "近三年年报更正次数", direction="raises", unit="reports", policy="SAMR (5)")
def annual_reports_amended_3y(annual_reports: Rows) -> Formula:
    """Reports submitted in the 3 years before the cut-off that were amended."""
    return annual_reports.where("amended").within(months=36).count()


@indicator("dynamic", "annual reports", "最近年报是否零申报", direction="raises", unit="0/1", policy="SAMR (8)")
def all_zero_report(annual_reports: Rows) -> Formula:
    """1 when the latest report that can tell shows no revenue, no assets and no staff.

    A report with any figure above zero tells; so does one with all three at zero.
    """
    zero = "CAST(revenue_fen = 0 AND assets_fen = 0 AND employees = 0 AS BIGINT)"
    return annual_reports.latest(zero, empty=0)


@indicator("dynamic", "finances", "营业收入", direction="either", unit="fen", policy="SAMR (4)")
def revenue(annual_reports: Rows) -> Formula:
    """Revenue of the latest report."""
    return annual_reports.latest("revenue_fen", empty=None)


@indicator("dynamic", "finances", "营业收入年变动", direction="either", unit="share", policy="SAMR (4)")
def revenue_change(annual_reports: Rows) -> Formula:
    """Revenue reported for the last year due over that of the year before, minus 1.

    Missing when a year is not reported or the earlier revenue is zero.
    """
    now = annual_reports.where(f"report_year = {LAST_YEAR_DUE}").latest("revenue_fen", empty=None)
    before = annual_reports.where(f"report_year = {LAST_YEAR_DUE} - 1").latest("revenue_fen", empty=None)
    return ratio(now - before, before)


@indicator("dynamic", "finances", "近三年亏损年数", direction="raises", unit="years", policy="SAMR (4)")
def loss_years_3y(annual_reports: Rows) -> Formula:
    """Different years with a loss, in reports submitted in the 3 years before the cut-off."""
    return annual_reports.where("profit_fen < 0").within(months=36).distinct("report_year")


@indicator("dynamic", "finances", "资产负债率", direction="raises", unit="share", policy="SAMR (4)")
def debt_ratio(annual_reports: Rows) -> Formula:
    """Liabilities over assets in the latest report that states both; missing without assets."""
    debt = annual_reports.where("assets_fen IS NOT NULL").latest("liabilities_fen", empty=None)
    assets = annual_reports.where("liabilities_fen IS NOT NULL").latest("assets_fen", empty=None)
    return ratio(debt, assets)


@indicator("dynamic", "finances", "实缴出资比例", direction="lowers", unit="share", policy="SAMR (4)")
def paid_in_ratio(shareholdings: Rows) -> Formula:
    """Paid-in over subscribed capital of the shares held at the cut-off that state both; missing without any."""
    paid_in = shareholdings.open().where("subscribed_fen IS NOT NULL").total("paid_in_fen")
    return ratio(paid_in, shareholdings.open().where("paid_in_fen IS NOT NULL").total("subscribed_fen"))


@indicator("dynamic", "staff and tax", "参保人数", direction="either", unit="persons", policy="SAMR (4)")
def insured_staff(social_insurance: Rows) -> Formula:
    """Insured staff in the latest period."""
    return social_insurance.latest("insured_staff", empty=0)


@indicator("dynamic", "staff and tax", "近一年参保人数变动", direction="either", unit="persons", policy="SAMR (4)")
def insured_staff_change_1y(social_insurance: Rows) -> Formula:
    """Insured staff of the year's latest period minus that of the latest period before the year.

    Missing when there is no period in the year or none before it.
    """
    now = social_insurance.within(months=12).latest("insured_staff", empty=None)
    earlier = social_insurance.where("occurred_at < CAST(c.cutoff - INTERVAL 12 MONTH AS DATE)")
    return now - earlier.latest("insured_staff", empty=None)


@indicator("dynamic", "staff and tax", "大额资本零参保", direction="raises", unit="0/1", policy="SAMR (4)")
def large_capital_no_staff(registration: Rows, social_insurance: Rows) -> Formula:
    """1 with a registered capital of at least $large_capital_fen fen and no insured staff in the latest period."""
    capital = registration.latest("registered_capital_fen", empty=None)
    staff = social_insurance.latest("insured_staff", empty=0)
    unknown, large = "{} IS NULL OR {} IS NULL", threshold("large_capital_fen")
    test = f"(CASE WHEN {unknown} THEN NULL WHEN {{}} >= {large} AND {{}} = 0 THEN 1 ELSE 0 END)"
    return combine(test, capital, staff, capital, staff)


@indicator("dynamic", "staff and tax", "欠缴社保金额", direction="raises", unit="fen", policy="SAMR (4)")
def insurance_arrears(social_insurance: Rows) -> Formula:
    """Social insurance not paid in the latest period that states it."""
    return social_insurance.latest("unpaid_fen", empty=0)


@indicator("dynamic", "staff and tax", "纳税金额", direction="lowers", unit="fen", policy="SAMR (4)")
def tax_paid(tax: Rows) -> Formula:
    """Tax paid in the latest period that states it."""
    return tax.latest("tax_paid_fen", empty=0)


@indicator("dynamic", "staff and tax", "欠税金额", direction="raises", unit="fen", policy="SAMR (4)")
def tax_arrears(tax: Rows) -> Formula:
    """Tax in arrears in the latest period that states it."""
    return tax.latest("arrears_fen", empty=0)


@indicator("dynamic", "staff and tax", "纳税信用是否A级", direction="lowers", unit="0/1", policy="SC (6)")
def tax_grade_a(tax: Rows) -> Formula:
    """1 when the latest tax credit grade is A."""
    return tax.latest("CAST(credit_grade = 'A' AS BIGINT)", empty=0)


@indicator("dynamic", "staff and tax", "纳税信用是否C或D级", direction="raises", unit="0/1", policy="SC (6)")
def tax_grade_poor(tax: Rows) -> Formula:
    """1 when the latest tax credit grade is C or D."""
    return tax.latest("CAST(credit_grade IN ('C', 'D') AS BIGINT)", empty=0)


@indicator("dynamic", "intellectual property", "知识产权数", direction="lowers", unit="rights", policy="SAMR (4)")
def intellectual_property_held(intellectual_property: Rows) -> Formula:
    """Trademarks, patents and software copyrights held at the cut-off."""
    return intellectual_property.open().count()


@indicator("dynamic", "intellectual property", "商标数", direction="lowers", unit="rights", policy="SAMR (4)")
def trademarks_held(intellectual_property: Rows) -> Formula:
    """Trademarks held at the cut-off."""
    return intellectual_property.open().where("ip_kind = 'trademark'").count()


@indicator("dynamic", "intellectual property", "专利数", direction="lowers", unit="rights", policy="SAMR (4)")
def patents_held(intellectual_property: Rows) -> Formula:
    """Patents held at the cut-off."""
    return intellectual_property.open().where("ip_kind = 'patent'").count()


@indicator("dynamic", "intellectual property", "软件著作权数", direction="lowers", unit="rights", policy="SAMR (4)")
def software_held(intellectual_property: Rows) -> Formula:
    """Software copyrights held at the cut-off."""
    return intellectual_property.open().where("ip_kind = 'software'").count()


@indicator("dynamic", "encumbrances", "股权冻结数", direction="raises", unit="freezes", policy="SAMR (5)")
def equity_freezes_now(encumbrances: Rows) -> Formula:
    """Equity freezes in force at the cut-off."""
    return encumbrances.open().where("encumbrance_kind = 'equity_freeze'").count()


@indicator("dynamic", "encumbrances", "动产抵押数", direction="raises", unit="mortgages", policy="SAMR (5)")
def chattel_mortgages_now(encumbrances: Rows) -> Formula:
    """Chattel mortgages in force at the cut-off."""
    return encumbrances.open().where("encumbrance_kind = 'chattel_mortgage'").count()


@indicator("dynamic", "encumbrances", "股权出质数", direction="raises", unit="pledges", policy="SAMR (5)")
def equity_pledges_now(encumbrances: Rows) -> Formula:
    """Equity pledges in force at the cut-off."""
    return encumbrances.open().where("encumbrance_kind = 'equity_pledge'").count()


@indicator("dynamic", "encumbrances", "知识产权质押数", direction="either", unit="pledges", policy="SAMR (5)")
def ip_pledges_now(encumbrances: Rows) -> Formula:
    """Pledges of intellectual property in force at the cut-off: it owns something that is worth a loan."""
    return encumbrances.open().where("encumbrance_kind = 'ip_pledge'").count()
