"""Regulatory family 监管信息: what regulators, courts and laboratories found (SAMR (4), (5)).

What visits drive is split by arm and set against the number of visits, so that being looked at is
not mistaken for being bad.
"""

from __future__ import annotations

from features.declare import indicator
from features.expressions import Formula, Rows, shrunk_share

NEVER = 3650
"""Days that stand for 'never': ten years, the safe end."""

SAFETY_FIELDS = "field IN ('food', 'drug', 'special_equipment', 'product_quality')"
"""Key areas of HB 14."""


@indicator(
    "regulatory",
    "abnormal list",
    "当前是否列入经营异常名录",
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
    direction="raises",
    unit="entries",
    policy="SAMR (5)",
)
def abnormal_listings_3y(abnormal_list: Rows) -> Formula:
    """Entries in the abnormal-operation list in the 3 years before the cut-off."""
    return abnormal_list.within(months=36).count()


@indicator("regulatory", "abnormal list", "当前异常名录列入天数", direction="raises", unit="days", policy="SAMR (5)")
def days_abnormal_listed(abnormal_list: Rows) -> Formula:
    """Days since the oldest entry that is still open at the cut-off; 0 when there is none.

    After three years an open entry leads to the serious list.
    """
    return abnormal_list.open().greatest("c.cutoff - occurred_at", empty=0)


@indicator("regulatory", "abnormal list", "近三年失联列入次数", direction="raises", unit="entries", policy="SAMR (5)")
def not_contactable_3y(abnormal_list: Rows) -> Formula:
    """Entries because it could not be contacted or published falsehoods, in 3 years."""
    reasons = "reason IN ('not_contactable', 'false_information')"
    return abnormal_list.where(reasons).within(months=36).count()


@indicator(
    "regulatory",
    "serious list",
    "是否曾列入严重违法失信名单",
    direction="raises",
    unit="0/1",
    policy="HB 13(1)",
)
def serious_list_ever(serious_list: Rows) -> Formula:
    """1 when it was ever on the serious-violation list."""
    return serious_list.greatest("CAST(1 AS BIGINT)", empty=0)


@indicator("regulatory", "blacklists", "近五年失信被执行次数", direction="raises", unit="entries", policy="HB 13(2)")
def judgment_debtor_5y(blacklists: Rows) -> Formula:
    """Entries in the courts' list of dishonest judgment debtors, still open or begun in 5 years."""
    recent = "(ended_on IS NULL OR ended_on >= c.cutoff OR occurred_at >= CAST(c.cutoff - INTERVAL 60 MONTH AS DATE))"
    return blacklists.where("list_kind = 'judgment_debtor'").where(recent).count()


@indicator("regulatory", "blacklists", "当前其他黑名单数", direction="raises", unit="entries", policy="HB 13(3)")
def other_blacklists_now(blacklists: Rows) -> Formula:
    """Entries in other departments' blacklists that are open at the cut-off."""
    return blacklists.open().where("list_kind <> 'judgment_debtor'").count()


@indicator(
    "regulatory",
    "penalties",
    "近一年行政处罚次数",
    direction="raises",
    unit="penalties",
    policy="SAMR (5); HB 6",
)
def penalties_1y(penalties: Rows) -> Formula:
    """Penalties decided in the year before the cut-off."""
    return penalties.within(months=12).count()


@indicator(
    "regulatory",
    "penalties",
    "近三年行政处罚次数",
    direction="raises",
    unit="penalties",
    policy="SAMR (5); HB 6",
)
def penalties_3y(penalties: Rows) -> Formula:
    """Penalties decided in the 3 years before the cut-off."""
    return penalties.within(months=36).count()


@indicator("regulatory", "penalties", "近三年罚没金额", direction="raises", unit="fen", policy="SAMR (5); HB 6")
def fines_3y(penalties: Rows) -> Formula:
    """Fines and confiscations decided in the 3 years before the cut-off."""
    recent = penalties.within(months=36)
    return recent.total("fine_fen") + recent.total("confiscated_fen")


@indicator(
    "regulatory",
    "penalties",
    "历次行政处罚次数",
    direction="raises",
    unit="penalties",
    policy="SAMR (5); HB 6",
)
def penalties_ever(penalties: Rows) -> Formula:
    """All known penalties decided before the cut-off."""
    return penalties.count()


@indicator("regulatory", "penalties", "距最近处罚天数", direction="lowers", unit="days", policy="SAMR (5); HB 6")
def days_since_penalty(penalties: Rows) -> Formula:
    """Days since the latest penalty, at most 3650; 3650 stands for never."""
    return penalties.days_since_last(never=NEVER)


@indicator("regulatory", "penalties", "近三年重点领域处罚", direction="raises", unit="penalties", policy="HB 14")
def safety_field_penalties_3y(penalties: Rows) -> Formula:
    """Penalties on food, drugs, special equipment or product quality in the 3 years before."""
    return penalties.where(SAFETY_FIELDS).within(months=36).count()


@indicator("regulatory", "visits", "随机检查历史问题率", direction="raises", unit="share", policy="SAMR (8)")
def problem_rate_random(visits: Rows) -> Formula:
    """Share of its random-arm visits with a result that found a violation, as (found + 1) / (visits + 9).

    1 of 9 stands for the population's rate [K]; a firm never visited has 0.11.
    """
    rated = visits.where("arm = 'random' AND violation IS NOT NULL")
    return shrunk_share(rated.where("violation = 1").count(), rated.count(), bad=1, of=9)


@indicator("regulatory", "visits", "其他检查历史问题率", direction="raises", unit="share", policy="SAMR (8)")
def problem_rate_targeted(visits: Rows) -> Formula:
    """The same for all other visits, as (found + 1) / (visits + 4): targeted visits find more [K]."""
    rated = visits.where("arm <> 'random' AND violation IS NOT NULL")
    return shrunk_share(rated.where("violation = 1").count(), rated.count(), bad=1, of=4)


@indicator("regulatory", "visits", "历史检查问题率", direction="raises", unit="share", policy="SAMR (8)")
def problem_rate_all(visits: Rows) -> Formula:
    """Share of all its visits with a result that found a violation, as (found + 1) / (visits + 9)."""
    rated = visits.where("violation IS NOT NULL")
    return shrunk_share(rated.where("violation = 1").count(), rated.count(), bad=1, of=9)


@indicator("regulatory", "visits", "最近检查是否发现问题", direction="raises", unit="0/1", policy="SAMR (8)")
def last_problem_found(visits: Rows) -> Formula:
    """1 when the latest visit with a result found a violation; 0 also when there was none."""
    return visits.latest("CAST(violation AS BIGINT)", empty=0)


@indicator("regulatory", "visits", "距最近发现问题天数", direction="lowers", unit="days", policy="SAMR (8)")
def days_since_problem(visits: Rows) -> Formula:
    """Days since the latest visit that found a violation, at most 3650; 3650 stands for never."""
    return visits.where("violation = 1").days_since_last(never=NEVER)


@indicator("regulatory", "visits", "近三年拒绝检查次数", direction="raises", unit="visits", policy="SAMR (8)")
def visits_refused_3y(visits: Rows) -> Formula:
    """Visits refused (code 8) in the 3 years before the cut-off."""
    return visits.where("list_contains(string_split(result_codes, ';'), '8')").within(months=36).count()


@indicator("regulatory", "visits", "距最近检查天数", direction="either", unit="days", policy="SAMR (8)")
def days_since_visit(visits: Rows) -> Formula:
    """Days since the latest visit, at most 3650; 3650 stands for never."""
    return visits.days_since_last(never=NEVER)


@indicator("regulatory", "visits", "近一年检查次数", direction="either", unit="visits", policy="SAMR (8)")
def visits_1y(visits: Rows) -> Formula:
    """Visits in the year before the cut-off, whatever the arm."""
    return visits.within(months=12).count()


@indicator("regulatory", "visits", "历次检查次数", direction="either", unit="visits", policy="SAMR (8)")
def visits_ever(visits: Rows) -> Formula:
    """All known visits before the cut-off."""
    return visits.count()


@indicator("regulatory", "visits", "近三年抽中未检次数", direction="either", unit="draws", policy="SAMR (8)")
def draws_unvisited_3y(draws: Rows) -> Formula:
    """Random draws in the 3 years before that led to no visit (excused, capped or not carried out)."""
    return draws.where("fate IN ('not_carried_out', 'excused', 'capped')").within(months=36).count()


@indicator("regulatory", "courts", "近三年被诉次数", direction="raises", unit="lawsuits", policy="SAMR (4)")
def lawsuits_defendant_3y(lawsuits: Rows) -> Formula:
    """Lawsuits against it filed in the 3 years before the cut-off."""
    return lawsuits.where("suit_role = 'defendant'").within(months=36).count()


@indicator("regulatory", "products", "近两年抽检不合格数", direction="raises", unit="samples", policy="HB 14")
def samples_failed_2y(product_samples: Rows) -> Formula:
    """Product samples taken in the 2 years before the cut-off that failed."""
    return product_samples.where("result = 'failed'").within(months=24).count()


@indicator("regulatory", "products", "近三年证书撤销数", direction="raises", unit="certificates", policy="HB 19(4)")
def certificates_withdrawn_3y(certificates: Rows) -> Formula:
    """Certificates withdrawn or suspended that ended in the 3 years before the cut-off."""
    gone = "certificate_status IN ('withdrawn', 'suspended')"
    return certificates.where(f"{gone} AND ended_on >= CAST(c.cutoff - INTERVAL 36 MONTH AS DATE)").count()


@indicator("regulatory", "products", "超期未检特种设备数", direction="raises", unit="pieces", policy="HB 18(2)")
def equipment_overdue(special_equipment: Rows) -> Formula:
    """Pieces of special equipment in use whose inspection was due before the cut-off."""
    return special_equipment.where("equipment_status = 'in_use' AND inspection_due < c.cutoff").count()


@indicator("regulatory", "talks", "近一年警示约谈次数", direction="raises", unit="talks", policy="SC (9)")
def warning_talks_1y(warning_talks: Rows) -> Formula:
    """Reminders, warnings and talks in the year before the cut-off."""
    return warning_talks.within(months=12).count()


@indicator("regulatory", "repair", "近三年信用修复次数", direction="either", unit="repairs", policy="SC (13)")
def repairs_granted_3y(repairs: Rows) -> Formula:
    """Repairs granted that were applied for in the 3 years before the cut-off."""
    return repairs.where("state = 'granted'").within(months=36).count()


@indicator("regulatory", "repair", "近三年异议成立次数", direction="either", unit="objections", policy="HB 11(4)")
def objections_upheld_3y(objections: Rows) -> Formula:
    """Objections raised in the 3 years before the cut-off that were upheld: the record was wrong."""
    return objections.where("state = 'upheld'").within(months=36).count()
