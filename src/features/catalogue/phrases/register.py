"""Phrases of what the register, licences and accounts say of an enterprise: the basic and the dynamic family."""

from __future__ import annotations

from features.catalogue.phrases.say import Say

REGISTER: dict[str, Say] = {
    # basic
    "registered_capital": Say(none_en="no registered capital", none_zh="注册资本为零"),
    "corporate_shareholders": Say(
        "{n} (shareholder that is an enterprise or state body|shareholders that are enterprises or state bodies)",
        "no shareholder that is an enterprise or state body",
    ),
    "shareholders_now": Say(none_en="no shareholders on record", none_zh="无登记股东"),
    "outbound_investments": Say(
        none_en="holds no share in other enterprises", zh="对外投资企业{v}", none_zh="无对外投资"
    ),
    "corporate_owned": Say(
        "has shareholders other than natural persons",
        "has no shareholders other than natural persons",
        "有非自然人股东",
        "无非自然人股东",
    ),
    "state_held": Say("state-held", "not state-held", "属国有企业", "非国有企业"),
    "listed": Say("a listed company", "not a listed company", "属上市公司", "非上市公司"),
    "branches_open": Say(zh="存续分支机构{v}", none_zh="无存续分支机构"),
    "years_operating": Say("established {v} ago", "established just before the cut-off", "成立已{v}", "新近成立"),
    "high_tech": Say(
        "a certified high-tech enterprise",
        "not a certified high-tech enterprise",
        "属高新技术企业",
        "非高新技术企业",
    ),
    "is_company": Say("a company by its legal form", "no company by its legal form", "属公司制企业", "非公司制企业"),
    "is_branch": Say("a branch of an enterprise", "no branch of an enterprise", "属分支机构", "非分支机构"),
    "has_credit_code": Say(
        "has a unified social credit code",
        "has no unified social credit code",
        "有统一社会信用代码",
        "无统一社会信用代码",
    ),
    # licences and changes
    "licences_held": Say(zh="持有有效许可{v}", none_zh="未持有有效许可"),
    "safety_licences_held": Say(zh="持有重点领域有效许可{v}", none_zh="未持有重点领域有效许可"),
    "licences_expired": Say(zh="许可过期未注销{v}", none_zh="无过期未注销的许可"),
    "licences_revoked_3y": Say(zh="近三年许可被吊销或撤销{v}", none_zh="近三年无许可被吊销或撤销"),
    "representative_changes_1y": Say(none_zh="近一年未变更法定代表人"),
    "name_changes_1y": Say(none_zh="近一年未变更名称"),
    "address_changes_1y": Say(none_zh="近一年未变更住所"),
    "scope_changes_1y": Say(none_zh="近一年未变更经营范围"),
    "shareholder_changes_1y": Say(none_zh="近一年股东无变更"),
    "changes_1y": Say(zh="近一年登记事项变更{v}", none_zh="近一年登记事项无变更"),
    "capital_jumps_3y": Say(none_zh="近三年注册资本无大幅变动"),
    "days_since_change": Say(
        "a registered item last changed {v} ago",
        "no registered item ever changed",
        "最近一次变更登记距今{v}",
        "从未变更登记",
    ),
    "shareholders_left_1y": Say(zh="近一年退出股东{v}", none_zh="近一年无股东退出"),
    "in_liquidation": Say("in liquidation", "not in liquidation", "正在清算", "未处于清算状态"),
    "voluntary_filings": Say(zh="自愿注册信用信息{v}", none_zh="未自愿注册信用信息"),
    # annual reports and finances
    "annual_report_late": Say(
        "latest annual report was late", "latest annual report was not late", "最近年报逾期", "最近年报未逾期"
    ),
    "annual_reports_missed_3y": Say(zh="近三年有{n}年未报送年报", none_zh="近三年无缺报年报"),
    "annual_reports_amended_3y": Say(zh="近三年更正年报{n}次", none_zh="近三年未更正年报"),
    "all_zero_report": Say(
        "latest annual report shows only zeros",
        "no latest annual report of only zeros",
        "最近年报为零申报",
        "最近年报无零申报情形",
    ),
    "revenue": Say(
        "revenue of {v} in the latest annual report",
        "no revenue in the latest annual report",
        "最近年报营业收入{v}",
        "最近年报无营业收入",
    ),
    "revenue_change": Say(
        "revenue up {v} on the year before",
        "revenue as in the year before",
        "营业收入同比增长{v}",
        "营业收入同比持平",
        "revenue down {v} on the year before",
        "营业收入同比下降{v}",
    ),
    "loss_years_3y": Say(zh="近三年有{n}年亏损", none_zh="近三年无亏损年度"),
    "debt_ratio": Say("debt ratio {v}", "debt ratio 0 %", "资产负债率{v}", "资产负债率为0"),
    "paid_in_ratio": Say(
        "{v} of the subscribed capital paid in",
        "nothing of the subscribed capital paid in",
        "认缴资本已实缴{v}",
        "认缴资本尚未实缴",
    ),
    # staff and tax
    "insured_staff": Say("{n} insured (employee|employees)", "no insured employees", "参保职工{n}人", "无参保职工"),
    "insured_staff_change_1y": Say(
        "{n} more insured (employee|employees) than a year before",
        "as many insured employees as a year before",
        "参保人数比一年前增加{n}人",
        "参保人数与一年前持平",
        "{n} fewer insured (employee|employees) than a year before",
        "参保人数比一年前减少{n}人",
    ),
    "large_capital_no_staff": Say(
        "large registered capital but no insured staff",
        "not both large registered capital and no insured staff",
        "注册资本大额而无人参保",
        "无注册资本大额而零参保情形",
    ),
    "insurance_arrears": Say(
        "social insurance of {v} unpaid", "no unpaid social insurance", "欠缴社保费{v}", "无欠缴社保费"
    ),
    "tax_paid": Say(
        "tax of {v} paid in the latest period", "no tax paid in the latest period", "最近一期纳税{v}", "最近一期无纳税"
    ),
    "tax_arrears": Say("tax of {v} in arrears", "no tax in arrears", "欠税{v}", "无欠税"),
    "tax_grade_a": Say("tax credit grade is A", "tax credit grade is not A", "纳税信用为A级", "纳税信用非A级"),
    "tax_grade_poor": Say(
        "tax credit grade is C or D", "tax credit grade is not C or D", "纳税信用为C级或D级", "纳税信用无C级、D级评价"
    ),
    # intellectual property
    "intellectual_property_held": Say(zh="拥有知识产权{v}"),
    "trademarks_held": Say(zh="拥有商标{n}件"),
    "patents_held": Say(zh="拥有专利{n}件"),
    "software_held": Say(zh="拥有软件著作权{n}件"),
    "ip_pledges_now": Say(zh="知识产权质押{n}笔"),
    "equity_freezes_now": Say(zh="股权被冻结{n}笔", none_zh="股权未被冻结"),
    "chattel_mortgages_now": Say(zh="动产抵押{n}笔"),
    "equity_pledges_now": Say(zh="股权出质{n}笔"),
}
"""By indicator; what is not here is said by the rule of its unit."""
