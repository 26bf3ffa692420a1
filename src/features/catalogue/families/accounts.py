"""Dynamic family 企业动态信息, accounts: annual reports, finances, staff and tax (SAMR (4))."""

from __future__ import annotations

from features.catalogue.bounds import COUNT, DIFFERENCE, GROWTH, RATIO
from features.catalogue.declaration import indicator
from features.catalogue.expressions import Formula, Rows, combine, ratio
from features.policies import threshold

_DUE = f"{threshold('report_due_month')}, {threshold('report_due_day')}"
_THIS_YEAR = "CAST(year(c.cutoff) AS BIGINT)"

LAST_YEAR_DUE = f"({_THIS_YEAR} - CASE WHEN c.cutoff > make_date({_THIS_YEAR}, {_DUE}) THEN 1 ELSE 2 END)"
"""SQL of the last year whose report was due: a report of year y is due on 30 June of y + 1 (`features.toml`)."""


@indicator(
    "dynamic",
    "annual reports",
    "年报是否逾期",
    "latest annual report was late",
    direction="raises",
    unit="0/1",
    policy="SAMR (5)",
)
def annual_report_late(annual_reports: Rows) -> Formula:
    """1 when the latest report was submitted after it was due in the year after the one it reports.

    Due by day $report_due_day of month $report_due_month.
    """
    late = f"CAST(occurred_at > make_date(report_year + 1, {_DUE}) AS BIGINT)"
    return annual_reports.latest(late, empty=0)


@indicator(
    "dynamic",
    "annual reports",
    "近三年缺报年数",
    "annual reports missed in the last three years",
    direction="raises",
    unit="years",
    policy="SAMR (5)",
    bounds=COUNT,
)
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


@indicator(
    "dynamic",
    "annual reports",
    "近三年年报更正次数",
    "annual reports amended in the last three years",
    direction="raises",
    unit="reports",
    policy="SAMR (5)",
)
def annual_reports_amended_3y(annual_reports: Rows) -> Formula:
    """Reports submitted in the 3 years before the cut-off that were amended."""
    return annual_reports.where("amended").within(months=36).count()


@indicator(
    "dynamic",
    "annual reports",
    "最近年报是否零申报",
    "latest annual report shows only zeros",
    direction="raises",
    unit="0/1",
    policy="SAMR (8)",
)
def all_zero_report(annual_reports: Rows) -> Formula:
    """1 when the latest report that can tell shows no revenue, no assets and no staff.

    A report with any figure above zero tells; so does one with all three at zero.
    """
    zero = "CAST(revenue_fen = 0 AND assets_fen = 0 AND employees = 0 AS BIGINT)"
    return annual_reports.latest(zero, empty=0)


@indicator(
    "dynamic",
    "finances",
    "营业收入",
    "revenue in the latest annual report",
    direction="either",
    unit="fen",
    policy="SAMR (4)",
)
def revenue(annual_reports: Rows) -> Formula:
    """Revenue of the latest report."""
    return annual_reports.latest("revenue_fen", empty=None)


@indicator(
    "dynamic",
    "finances",
    "营业收入年变动",
    "change of revenue from the year before",
    direction="either",
    unit="share",
    policy="SAMR (4)",
    bounds=GROWTH,
)
def revenue_change(annual_reports: Rows) -> Formula:
    """Revenue reported for the last year due over that of the year before, minus 1.

    Missing when a year is not reported or the earlier revenue is zero.
    """
    now = annual_reports.where(f"report_year = {LAST_YEAR_DUE}").latest("revenue_fen", empty=None)
    before = annual_reports.where(f"report_year = {LAST_YEAR_DUE} - 1").latest("revenue_fen", empty=None)
    return ratio(now - before, before)


@indicator(
    "dynamic",
    "finances",
    "近三年亏损年数",
    "years with a loss in the last three years",
    direction="raises",
    unit="years",
    policy="SAMR (4)",
    bounds=COUNT,
)
def loss_years_3y(annual_reports: Rows) -> Formula:
    """Different years with a loss, in reports submitted in the 3 years before the cut-off."""
    return annual_reports.where("profit_fen < 0").within(months=36).distinct("report_year")


@indicator(
    "dynamic",
    "finances",
    "资产负债率",
    "liabilities as a share of assets",
    direction="raises",
    unit="share",
    policy="SAMR (4)",
    bounds=RATIO,
)
def debt_ratio(annual_reports: Rows) -> Formula:
    """Liabilities over assets in the latest report that states both; missing without assets."""
    debt = annual_reports.where("assets_fen IS NOT NULL").latest("liabilities_fen", empty=None)
    assets = annual_reports.where("liabilities_fen IS NOT NULL").latest("assets_fen", empty=None)
    return ratio(debt, assets)


@indicator(
    "dynamic",
    "finances",
    "实缴出资比例",
    "paid-in share of the subscribed capital",
    direction="lowers",
    unit="share",
    policy="SAMR (4)",
    bounds=RATIO,
)
def paid_in_ratio(shareholdings: Rows) -> Formula:
    """Paid-in over subscribed capital of the shares held at the cut-off that state both; missing without any."""
    paid_in = shareholdings.open().where("subscribed_fen IS NOT NULL").total("paid_in_fen")
    return ratio(paid_in, shareholdings.open().where("paid_in_fen IS NOT NULL").total("subscribed_fen"))


@indicator(
    "dynamic", "staff and tax", "参保人数", "insured staff", direction="either", unit="persons", policy="SAMR (4)"
)
def insured_staff(social_insurance: Rows) -> Formula:
    """Insured staff in the latest period."""
    return social_insurance.latest("insured_staff", empty=0)


@indicator(
    "dynamic",
    "staff and tax",
    "近一年参保人数变动",
    "change of insured staff in the last year",
    direction="either",
    unit="persons",
    policy="SAMR (4)",
    bounds=DIFFERENCE,
)
def insured_staff_change_1y(social_insurance: Rows) -> Formula:
    """Insured staff of the year's latest period minus that of the latest period before the year.

    Missing when there is no period in the year or none before it.
    """
    now = social_insurance.within(months=12).latest("insured_staff", empty=None)
    earlier = social_insurance.where("occurred_at < CAST(c.cutoff - INTERVAL 12 MONTH AS DATE)")
    return now - earlier.latest("insured_staff", empty=None)


@indicator(
    "dynamic",
    "staff and tax",
    "大额资本零参保",
    "large registered capital but no insured staff",
    direction="raises",
    unit="0/1",
    policy="SAMR (4)",
)
def large_capital_no_staff(registration: Rows, social_insurance: Rows) -> Formula:
    """1 with a registered capital of at least $large_capital_fen fen and no insured staff in the latest period."""
    capital = registration.latest("registered_capital_fen", empty=None)
    staff = social_insurance.latest("insured_staff", empty=0)
    unknown, large = "{} IS NULL OR {} IS NULL", threshold("large_capital_fen")
    test = f"(CASE WHEN {unknown} THEN NULL WHEN {{}} >= {large} AND {{}} = 0 THEN 1 ELSE 0 END)"
    return combine(test, capital, staff, capital, staff)


@indicator(
    "dynamic",
    "staff and tax",
    "欠缴社保金额",
    "unpaid social insurance",
    direction="raises",
    unit="fen",
    policy="SAMR (4)",
)
def insurance_arrears(social_insurance: Rows) -> Formula:
    """Social insurance not paid in the latest period that states it."""
    return social_insurance.latest("unpaid_fen", empty=0)


@indicator(
    "dynamic",
    "staff and tax",
    "纳税金额",
    "tax paid in the latest period",
    direction="lowers",
    unit="fen",
    policy="SAMR (4)",
)
def tax_paid(tax: Rows) -> Formula:
    """Tax paid in the latest period that states it."""
    return tax.latest("tax_paid_fen", empty=0)


@indicator("dynamic", "staff and tax", "欠税金额", "tax in arrears", direction="raises", unit="fen", policy="SAMR (4)")
def tax_arrears(tax: Rows) -> Formula:
    """Tax in arrears in the latest period that states it."""
    return tax.latest("arrears_fen", empty=0)


@indicator(
    "dynamic", "staff and tax", "纳税信用是否A级", "tax credit grade A", direction="lowers", unit="0/1", policy="SC (6)"
)
def tax_grade_a(tax: Rows) -> Formula:
    """1 when the latest tax credit grade is A."""
    return tax.latest("CAST(credit_grade = 'A' AS BIGINT)", empty=0)


@indicator(
    "dynamic",
    "staff and tax",
    "纳税信用是否C或D级",
    "tax credit grade C or D",
    direction="raises",
    unit="0/1",
    policy="SC (6)",
)
def tax_grade_poor(tax: Rows) -> Formula:
    """1 when the latest tax credit grade is C or D."""
    return tax.latest("CAST(credit_grade IN ('C', 'D') AS BIGINT)", empty=0)
