"""Phrases of what regulators, courts and inspections found at an enterprise: the regulatory family."""

from __future__ import annotations

from features.catalogue.phrases.say import Say

CONDUCT: dict[str, Say] = {
    # abnormal list
    "abnormal_listed_now": Say(
        "on the abnormal-operation list",
        "not on the abnormal-operation list",
        "已列入经营异常名录",
        "未列入经营异常名录",
    ),
    "abnormal_listings_3y": Say(zh="近三年列入经营异常名录{v}", none_zh="近三年未列入经营异常名录"),
    "days_abnormal_listed": Say(
        "on the abnormal-operation list for {v} so far",
        "not on the abnormal-operation list at present",
        "列入经营异常名录已{v}",
        "当前不在经营异常名录",
    ),
    "not_contactable_3y": Say(
        "{n} (entry|entries) in the abnormal-operation list as not contactable or for false information in the last"
        " three years",
        "not listed as not contactable or for false information in the last three years",
        "近三年因失联或弄虚作假列入经营异常名录{v}",
        "近三年未因失联或弄虚作假列入经营异常名录",
    ),
    "report_listings_3y": Say(
        "{n} (entry|entries) in the abnormal-operation list for an unpublished annual report in the last three years",
        "not listed for an unpublished annual report in the last three years",
        "近三年因未公示年报列入经营异常名录{v}",
        "近三年无因未公示年报列入经营异常名录记录",
    ),
    "abnormal_nearing_3y": Say(
        "nearing three years on the abnormal-operation list",
        "not nearing three years on the abnormal-operation list",
        "列入经营异常名录将满三年",
        "无列入经营异常名录将满三年情形",
    ),
    "abnormal_removal_days_3y": Say(
        "longest stay on the abnormal-operation list that ended in the last three years: {v}",
        "no stay on the abnormal-operation list ended in the last three years",
        "近三年移出经营异常名录最长历时{v}",
        "近三年无移出经营异常名录记录",
    ),
    # serious and black lists
    "serious_list_ever": Say(
        "has been on the serious-violation list",
        "never on the serious-violation list",
        "曾列入严重违法失信名单",
        "从未列入严重违法失信名单",
    ),
    "serious_list_repaired": Say(
        zh="经信用修复移出严重违法失信名单{v}", none_zh="无经信用修复移出严重违法失信名单记录"
    ),
    "judgment_debtor_5y": Say(zh="近五年被列为失信被执行人{v}", none_zh="近五年未被列为失信被执行人"),
    "judgment_debt_5y": Say(
        "judgment debts of {v} in the last five years",
        "no judgment debts in the last five years",
        "近五年失信被执行金额{v}",
        "近五年无失信被执行金额",
    ),
    "other_blacklists_now": Say(zh="列入其他部门黑名单{v}", none_zh="未列入其他部门黑名单"),
    # penalties and courts
    "fines_3y": Say(
        "fines and confiscations of {v} in the last three years",
        "no fines or confiscations in the last three years",
        "近三年罚没{v}",
        "近三年无罚没",
    ),
    "largest_fine_3y": Say(
        "largest fine in the last three years: {v}",
        "no fine in the last three years",
        "近三年单笔最高罚款{v}",
        "近三年无罚款",
    ),
    "penalty_kinds_3y": Say(
        none_en="no penalties of any kind in the last three years",
        zh="近三年行政处罚涉及{v}",
        none_zh="近三年未受任何种类行政处罚",
    ),
    "penalties_ever": Say(
        "{n} (penalty|penalties) on record", "no penalties on record", "历史累计行政处罚{v}", "历史无行政处罚"
    ),
    "days_since_penalty": Say(
        "last penalised {v} ago", "never penalised", "最近一次行政处罚距今{v}", "从未受到行政处罚"
    ),
    "safety_field_penalties_3y": Say(zh="近三年重点领域行政处罚{v}", none_zh="近三年重点领域无行政处罚"),
    "lawsuits_defendant_3y": Say(zh="近三年被诉{v}", none_zh="近三年未被起诉"),
    "lawsuit_amount_3y": Say(
        "lawsuits for {v} against it in the last three years",
        "no sums claimed from it in court in the last three years",
        "近三年被诉金额{v}",
        "近三年无被诉金额",
    ),
    # grades
    "sector_grade_now": Say(
        "strictest risk grade that a department gives it in its own field: {v} of the scale",
        "no risk grade from a department in its own field",
        "专业领域最严风险等级为满级的{v}",
        "无专业领域风险等级",
    ),
    "days_since_graded": Say(
        "last graded by a department {v} ago",
        "never graded by a department",
        "最近一次专业分级距今{v}",
        "从未进行专业分级",
    ),
    # visits
    "last_problem_found": Say(
        "latest inspection found a violation",
        "latest inspection found no violation, or there was none",
        "最近一次检查发现问题",
        "最近一次检查未发现问题或未经检查",
    ),
    "days_since_problem": Say(
        "an inspection last found a violation {v} ago",
        "no inspection ever found a violation",
        "最近一次检查发现问题距今{v}",
        "从未在检查中发现问题",
    ),
    "recent_own_ratio_30d": Say(
        "its own recent violation rate (the same as|{n} times) that of all others, half-life 30 days"
    ),
    "recent_own_ratio_600d": Say(
        "its own recent violation rate (the same as|{n} times) that of all others, half-life 600 days"
    ),
    "visits_refused_3y": Say(none_zh="近三年未拒绝检查"),
    "handling_pending_3y": Say(zh="近三年检查发现问题待处理{v}", none_zh="近三年检查无待处理问题"),
    "ordered_corrected_3y": Say(zh="近三年被责令改正{v}", none_zh="近三年未被责令改正"),
    "clean_visits_2y": Say(
        "random inspections of the last two years found nothing",
        "no random inspections of the last two years, or some found a violation",
        "近两年随机检查均未发现问题",
        "近两年未经随机检查或随机检查发现问题",
    ),
    "days_since_clean_visit": Say(
        "an inspection last found nothing {v} ago",
        "no inspection on record that found nothing",
        "最近一次检查未发现问题距今{v}",
        "从无检查合格记录",
    ),
    "clean_visits_1y": Say(
        "{n} (inspection|inspections) of the last year found nothing",
        "no inspection of the last year that found nothing",
        "近一年检查未发现问题{v}",
        "近一年无检查合格记录",
    ),
    "clean_visits_ever": Say(
        "{n} (inspection|inspections) on record found nothing",
        "no inspections on record that found nothing",
        "历次检查中未发现问题{v}",
        "历次检查无合格记录",
    ),
    "draws_unvisited_3y": Say(
        "",
        "never drawn without being inspected in the last three years",
        "近三年抽中未检{v}",
        "近三年无抽中未检情形",
    ),
    "critical_items_average": Say(zh="历次检查平均每次严重不合格事项{n}项", none_zh="历次检查无严重不合格事项"),
    "serious_items_average": Say(zh="历次检查平均每次较重不合格事项{n}项", none_zh="历次检查无较重不合格事项"),
    "minor_items_average": Say(zh="历次检查平均每次一般不合格事项{n}项", none_zh="历次检查无一般不合格事项"),
    "items_failed_change": Say(
        "{n} more (item|items) failed at the latest inspection than on average before",
        "no more and no fewer items failed at the latest inspection than on average before",
        "最近检查不合格事项比此前平均增加{n}项",
        "最近检查不合格事项与此前平均持平",
        "{n} fewer (item|items) failed at the latest inspection than on average before",
        "最近检查不合格事项比此前平均减少{n}项",
    ),
    "days_since_serious_item": Say(
        "a serious or critical item last failed {v} ago",
        "no serious or critical item ever failed",
        "最近一次较重以上不合格距今{v}",
        "从无较重以上不合格事项",
    ),
    # products, talks and repair
    "samples_failed_2y": Say(zh="近两年产品抽检不合格{v}", none_zh="近两年产品抽检无不合格"),
    "recalls_ordered_3y": Say(zh="近三年被责令召回{v}", none_zh="近三年未被责令召回"),
    "recalls_unfinished": Say(
        "{n} unfinished (recall|recalls)", "no unfinished recalls", zh="尚未完成的召回{v}", none_zh="无未完成的召回"
    ),
    "certificates_withdrawn_3y": Say(zh="近三年证书被撤销或暂停{v}", none_zh="近三年无证书被撤销或暂停"),
    "equipment_in_use": Say("{n} (piece|pieces) of special equipment in use", "no special equipment in use"),
    "equipment_overdue": Say(
        "{n} (piece|pieces) of special equipment overdue for inspection",
        "no special equipment overdue for inspection",
    ),
    "warning_talks_1y": Say(zh="近一年被警示约谈{v}", none_zh="近一年未被警示约谈"),
    "repairs_granted_3y": Say(zh="近三年获准信用修复{v}"),
    "objections_upheld_3y": Say(none_zh="近三年无成立的异议"),
}
"""By indicator; what is not here is said by the rule of its unit."""
