"""Phrases of related enterprises and of what the public says: the association and the societal family."""

from __future__ import annotations

from features.catalogue.phrases.say import Say

SURROUNDINGS: dict[str, Say] = {
    # association
    "firms_per_representative": Say(zh="同一法定代表人的其他企业{v}", none_zh="无同一法定代表人的其他企业"),
    "firms_per_shareholder": Say(
        "{n} other (enterprise shares|enterprises share) a shareholder with it",
        "no other enterprise shares a shareholder with it",
        "有共同股东的其他企业{v}",
        "无共同股东的其他企业",
    ),
    "related_penalties_3y": Say(
        "up to {n} (penalty|penalties) of a single related enterprise in the last three years",
        "no penalties of related enterprises in the last three years",
        "单户关联企业近三年行政处罚最多{v}",
        "关联企业近三年无行政处罚",
    ),
    "address_cluster_size": Say(zh="同地址其他企业{v}", none_zh="同地址无其他企业"),
    "same_day_batch": Say(zh="同日同址登记的其他企业{v}", none_zh="无同日同址登记的其他企业"),
    "shared_phone": Say(zh="使用同一电话的其他企业{v}", none_zh="无使用同一电话的其他企业"),
    "shared_agent": Say(zh="同一代理机构登记的其他企业{v}", none_zh="无同一代理机构登记的其他企业"),
    # societal
    "complaints_growth_3m": Say(
        "{n} more (complaint|complaints) in the last three months than in the three before",
        "as many complaints in the last three months as in the three before",
        "近三个月投诉举报比前三个月增加{n}件",
        "近三个月投诉举报与前三个月持平",
        "{n} fewer (complaint|complaints) in the last three months than in the three before",
        "近三个月投诉举报比前三个月减少{n}件",
    ),
    "complaints_per_employee_1y": Say(zh="近一年人均投诉举报{n}件", none_zh="近一年人均投诉举报为零"),
    "complaints_malicious_share_1y": Say(
        none_en="no complaints found malicious in the last year", none_zh="近一年无恶意投诉"
    ),
    "negative_news_1m": Say(zh="近一个月负面舆情{n}条", none_zh="近一个月无负面舆情"),
    "negative_news_1y": Say(zh="近一年负面舆情{n}条"),
    "honours_3y": Say(
        "{n} (honour|honours) in the last three years",
        "no honours in the last three years",
        "近三年获得荣誉{v}",
        "近三年未获得荣誉",
    ),
    "credit_grade_poor": Say(
        "public credit evaluation is poor",
        "public credit evaluation is not poor",
        "公共信用评价为差",
        "公共信用评价不为差",
    ),
    "credit_grade_good": Say(
        "public credit evaluation is good or excellent",
        "public credit evaluation is not good or excellent",
        "公共信用评价为优良",
        "公共信用评价非优良",
    ),
    "commitments_broken_3y": Say(none_zh="近三年未违背承诺"),
    "commitments_kept_3y": Say(none_zh="近三年无履行承诺记录"),
}
"""By indicator; what is not here is said by the rule of its unit."""
