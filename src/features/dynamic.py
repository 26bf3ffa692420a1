"""Dynamic family 企业动态信息: what the enterprise does and how it changes (SAMR (4))."""

from __future__ import annotations

from features.declare import indicator
from features.expressions import Formula, Rows, combine, ratio


def _in_force(licences: Rows) -> Rows:
    return licences.open().where("licence_status = 'valid' AND (valid_to IS NULL OR valid_to >= c.cutoff)")


@indicator("dynamic", "licences", "持有许可数", direction="either", unit="licences", policy="SAMR (5)")
def licences_held(licences: Rows) -> Formula:
    """Licences in force at the cut-off."""
    return _in_force(licences).count()


@indicator("dynamic", "licences", "许可过期数", direction="raises", unit="licences", policy="SAMR (5)")
def licences_expired(licences: Rows) -> Formula:
    """Licences whose validity ran out before the cut-off and that were neither given back nor ended."""
    return licences.open().where("licence_status = 'valid' AND valid_to < c.cutoff").count()


@indicator("dynamic", "licences", "90天内到期许可数", direction="raises", unit="licences", policy="SAMR (5)")
def licences_expiring_90d(licences: Rows) -> Formula:
    """Licences in force whose last day of validity lies within 90 days from the cut-off."""
    return _in_force(licences).where("valid_to < c.cutoff + 90").count()


@indicator("dynamic", "licences", "近三年被吊销许可数", direction="raises", unit="licences", policy="HB 12(3)")
def licences_revoked_3y(licences: Rows) -> Formula:
    """Licences revoked or withdrawn that ended in the 3 years before the cut-off."""
    gone = "licence_status IN ('revoked', 'withdrawn')"
    return licences.where(f"{gone} AND ended_on >= CAST(c.cutoff - INTERVAL 36 MONTH AS DATE)").count()


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


@indicator("dynamic", "changes", "近一年变更总数", direction="raises", unit="changes", policy="SAMR (12)")
def changes_1y(changes: Rows) -> Formula:
    """Changes of any registered item in the year before the cut-off."""
    return changes.within(months=12).count()


@indicator("dynamic", "filings", "自愿注册信息数", direction="lowers", unit="filings", policy="SC (5)")
def voluntary_filings(filings: Rows) -> Formula:
    """Filings of voluntarily registered credit information."""
    return filings.where("filing_kind = 'voluntary_information'").count()


@indicator("dynamic", "annual reports", "年报是否逾期", direction="raises", unit="0/1", policy="SAMR (5)")
def annual_report_late(annual_reports: Rows) -> Formula:
    """1 when the latest report was submitted after 30 June of the year after the one it reports."""
    late = "CAST(occurred_at > make_date(report_year + 1, 6, 30) AS BIGINT)"
    return annual_reports.latest(late, empty=0)


@indicator("dynamic", "annual reports", "近三年缺报年数", direction="raises", unit="years", policy="SAMR (5)")
def annual_reports_missed_3y(annual_reports: Rows, registration: Rows) -> Formula:
    """Reports due in the 3 years before the cut-off that were not submitted by it.

    A report of year y is due from an enterprise founded by the end of y on 30 June of y + 1, and counts as
    missed from 1 July on.
    """
    due_year = "(CAST(year(c.cutoff) AS BIGINT) - CASE WHEN month(c.cutoff) >= 7 THEN 1 ELSE 2 END)"
    due = registration.latest(f"greatest(0, least(3, {due_year} - CAST(year(occurred_at) AS BIGINT) + 1))", empty=None)
    given = annual_reports.where(f"report_year <= {due_year} AND report_year > {due_year} - 3").distinct("report_year")
    covered = annual_reports.within(months=36).count()
    return combine("CASE WHEN {} IS NULL THEN NULL ELSE greatest(0, {} - {}) END", covered, due, given)


@indicator("dynamic", "annual reports", "最近年报是否零申报", direction="raises", unit="0/1", policy="SAMR (8)")
def all_zero_report(annual_reports: Rows) -> Formula:
    """1 when the latest report shows no revenue, no assets and no staff."""
    zero = "CAST(revenue_fen = 0 AND assets_fen = 0 AND employees = 0 AS BIGINT)"
    return annual_reports.latest(zero, empty=0)


@indicator("dynamic", "annual reports", "营业收入", direction="either", unit="fen", policy="SAMR (4)")
def revenue(annual_reports: Rows) -> Formula:
    """Revenue of the latest report."""
    return annual_reports.latest("revenue_fen", empty=None)


@indicator("dynamic", "annual reports", "资产负债率", direction="raises", unit="share", policy="SAMR (4)")
def debt_ratio(annual_reports: Rows) -> Formula:
    """Liabilities over assets in the latest report that states both; missing without assets."""
    both = annual_reports.where("liabilities_fen IS NOT NULL AND assets_fen IS NOT NULL")
    return ratio(both.latest("liabilities_fen", empty=None), both.latest("assets_fen", empty=None))


@indicator("dynamic", "staff and tax", "参保人数", direction="either", unit="persons", policy="SAMR (4)")
def insured_staff(social_insurance: Rows) -> Formula:
    """Insured staff in the latest period."""
    return social_insurance.latest("insured_staff", empty=0)


@indicator("dynamic", "staff and tax", "欠税金额", direction="raises", unit="fen", policy="SAMR (4)")
def tax_arrears(tax: Rows) -> Formula:
    """Tax in arrears in the latest period."""
    return tax.latest("arrears_fen", empty=0)


@indicator("dynamic", "staff and tax", "纳税信用是否A级", direction="lowers", unit="0/1", policy="SC (6)")
def tax_grade_a(tax: Rows) -> Formula:
    """1 when the latest tax credit grade is A."""
    return tax.latest("CAST(credit_grade = 'A' AS BIGINT)", empty=0)


@indicator("dynamic", "intellectual property", "知识产权数", direction="lowers", unit="rights", policy="SAMR (4)")
def intellectual_property_held(intellectual_property: Rows) -> Formula:
    """Trademarks, patents and software copyrights held at the cut-off."""
    return intellectual_property.open().count()


@indicator("dynamic", "intellectual property", "商标数", direction="lowers", unit="rights", policy="SAMR (4)")
def trademarks_held(intellectual_property: Rows) -> Formula:
    """Trademarks held at the cut-off."""
    return intellectual_property.open().where("ip_kind = 'trademark'").count()


@indicator("dynamic", "encumbrances", "股权冻结数", direction="raises", unit="freezes", policy="SAMR (5)")
def equity_freezes_now(encumbrances: Rows) -> Formula:
    """Equity freezes in force at the cut-off."""
    return encumbrances.open().where("encumbrance_kind = 'equity_freeze'").count()


@indicator("dynamic", "encumbrances", "动产抵押数", direction="raises", unit="mortgages", policy="SAMR (5)")
def chattel_mortgages_now(encumbrances: Rows) -> Formula:
    """Chattel mortgages in force at the cut-off."""
    return encumbrances.open().where("encumbrance_kind = 'chattel_mortgage'").count()
