"""Regulatory family 监管信息: what regulators, courts and laboratories found (SAMR (4), (5)).

What visits found stands in `features.catalogue.families.inspections`.
"""

from __future__ import annotations

from features.catalogue.declaration import indicator
from features.catalogue.expressions import NEVER, Formula, Rows, combine, shrunk_share
from features.contract.codes import PENALTY_KIND
from features.policies import threshold

SAFETY_FIELDS = "field IN ('food', 'drug', 'special_equipment', 'product_quality')"
"""Key areas of HB 14."""

SEVERE = "['suspension', 'licence_revoked', 'business_licence_revoked']"
"""Penalties that stop a business or part of it."""


def _debts(blacklists: Rows) -> Rows:
    recent = "(ended_on IS NULL OR ended_on >= c.cutoff OR occurred_at >= CAST(c.cutoff - INTERVAL 60 MONTH AS DATE))"
    return blacklists.where("list_kind = 'judgment_debtor'").where(recent)


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
    "regulatory", "abnormal list", "近三年未报年报列入次数", direction="raises", unit="entries", policy="SAMR (5)"
)
def report_listings_3y(abnormal_list: Rows) -> Formula:
    """Entries because an annual report was not published, in the 3 years before the cut-off."""
    return abnormal_list.where("reason = 'no_annual_report'").within(months=36).count()


@indicator("regulatory", "abnormal list", "列入异常名录将满三年", direction="raises", unit="0/1", policy="HB 13(1)")
def abnormal_nearing_3y(abnormal_list: Rows) -> Formula:
    """1 when an entry open at the cut-off began more than $abnormal_nearing_months months before.

    At 3 years it turns serious.
    """
    old = f"occurred_at < CAST(c.cutoff - INTERVAL {threshold('abnormal_nearing_months')} MONTH AS DATE)"
    return abnormal_list.open().where(old).greatest("CAST(1 AS BIGINT)", empty=0)


@indicator("regulatory", "abnormal list", "近三年移出异常名录耗时", direction="raises", unit="days", policy="SAMR (5)")
def abnormal_removal_days_3y(abnormal_list: Rows) -> Formula:
    """Most days that an entry which ended in the 3 years before the cut-off had stood; 0 without any."""
    return abnormal_list.ended_within(months=36).greatest("greatest(0, ended_on - occurred_at)", empty=0)


@indicator(
    "regulatory",
    "serious and black lists",
    "是否曾列入严重违法失信名单",
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
    direction="raises",
    unit="entries",
    policy="HB 13(2)",
)
def judgment_debtor_5y(blacklists: Rows) -> Formula:
    """Entries in the courts' list of dishonest judgment debtors, still open or begun in 5 years."""
    return _debts(blacklists).count()


@indicator(
    "regulatory", "serious and black lists", "近五年失信被执行金额", direction="raises", unit="fen", policy="HB 13(2)"
)
def judgment_debt_5y(blacklists: Rows) -> Formula:
    """Amounts of the entries in the courts' list of dishonest judgment debtors, open or begun in 5 years."""
    return _debts(blacklists).total("amount_fen")


@indicator(
    "regulatory", "serious and black lists", "当前其他黑名单数", direction="raises", unit="entries", policy="HB 13(3)"
)
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


@indicator("regulatory", "penalties", "近三年最高罚款", direction="raises", unit="fen", policy="SAMR (5); HB 6")
def largest_fine_3y(penalties: Rows) -> Formula:
    """Greatest single fine of the 3 years before the cut-off; 0 without any."""
    return penalties.within(months=36).greatest("fine_fen", empty=0)


@indicator("regulatory", "penalties", "近三年处罚种类数", direction="raises", unit="kinds", policy="SAMR (5); HB 6")
def penalty_kinds_3y(penalties: Rows) -> Formula:
    """Different kinds of penalty decided in the 3 years before the cut-off."""
    recent = penalties.within(months=36)
    there = [
        recent.where(f"list_contains(string_split(penalty_kinds, ';'), '{kind}')").greatest(
            "CAST(1 AS BIGINT)", empty=0
        )
        for kind in PENALTY_KIND.codes
    ]
    return combine("(" + " + ".join("{}" for _ in there) + ")", *there)


@indicator(
    "regulatory", "penalties", "近三年严重处罚次数", direction="raises", unit="penalties", policy="HB 12(2), (3)"
)
def severe_penalties_3y(penalties: Rows) -> Formula:
    """Penalties of the 3 years before that suspended business, revoked a licence or the business licence."""
    severe = f"list_has_any(string_split(penalty_kinds, ';'), {SEVERE})"
    return penalties.where(severe).within(months=36).count()


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


@indicator("regulatory", "courts", "近三年被诉次数", direction="raises", unit="lawsuits", policy="SAMR (4)")
def lawsuits_defendant_3y(lawsuits: Rows) -> Formula:
    """Lawsuits against it filed in the 3 years before the cut-off."""
    return lawsuits.where("suit_role = 'defendant'").within(months=36).count()


@indicator("regulatory", "courts", "近三年被诉金额", direction="raises", unit="fen", policy="SAMR (4)")
def lawsuit_amount_3y(lawsuits: Rows) -> Formula:
    """Amounts of the lawsuits against it filed in the 3 years before the cut-off."""
    return lawsuits.where("suit_role = 'defendant'").within(months=36).total("amount_fen")


@indicator("regulatory", "products", "近两年抽检不合格数", direction="raises", unit="samples", policy="HB 14")
def samples_failed_2y(product_samples: Rows) -> Formula:
    """Product samples taken in the 2 years before the cut-off that failed."""
    return product_samples.where("result = 'failed'").within(months=24).count()


@indicator("regulatory", "products", "近两年抽检不合格率", direction="raises", unit="share", policy="HB 14")
def samples_failed_share_2y(product_samples: Rows) -> Formula:
    """Share of its product samples of 2 years with a result that failed, (failed + 1) / (all + $sample_prior_tests)."""
    failed = product_samples.where("result = 'failed'").within(months=24)
    tested = product_samples.where("result IS NOT NULL").within(months=24)
    return shrunk_share(failed.count(), tested.count(), bad=1, of=threshold("sample_prior_tests"))


@indicator("regulatory", "products", "近三年责令召回次数", direction="raises", unit="recalls", policy="SAMR (5); HB 14")
def recalls_ordered_3y(recalls: Rows) -> Formula:
    """Recalls of its products that a regulator ordered in the 3 years before the cut-off."""
    return recalls.where("recall_kind = 'ordered'").within(months=36).count()


@indicator("regulatory", "products", "近三年主动召回次数", direction="either", unit="recalls", policy="SAMR (5); HB 14")
def recalls_voluntary_3y(recalls: Rows) -> Formula:
    """Recalls that it began itself in the 3 years before the cut-off: a fault, and that it owns up to it."""
    return recalls.where("recall_kind = 'voluntary'").within(months=36).count()


@indicator("regulatory", "products", "未完成召回数", direction="raises", unit="recalls", policy="SAMR (5); HB 14")
def recalls_unfinished(recalls: Rows) -> Formula:
    """Recalls, ordered or voluntary, that have not ended before the cut-off."""
    return recalls.open().count()


@indicator("regulatory", "products", "有效认证证书数", direction="either", unit="certificates", policy="HB 19(4)")
def certificates_valid(certificates: Rows) -> Formula:
    """Valid certificates at the cut-off, neither ended nor past their last day of validity."""
    in_force = "certificate_status = 'valid' AND (valid_to IS NULL OR valid_to >= c.cutoff)"
    return certificates.open().where(in_force).count()


@indicator("regulatory", "products", "近三年证书撤销数", direction="raises", unit="certificates", policy="HB 19(4)")
def certificates_withdrawn_3y(certificates: Rows) -> Formula:
    """Certificates withdrawn or suspended that ended in the 3 years before the cut-off."""
    return certificates.where("certificate_status IN ('withdrawn', 'suspended')").ended_within(months=36).count()


@indicator("regulatory", "products", "在用特种设备数", direction="either", unit="pieces", policy="HB 18(2)")
def equipment_in_use(special_equipment: Rows) -> Formula:
    """Pieces of special equipment in use at the cut-off."""
    return special_equipment.where("equipment_status = 'in_use'").count()


@indicator("regulatory", "products", "超期未检特种设备数", direction="raises", unit="pieces", policy="HB 18(2)")
def equipment_overdue(special_equipment: Rows) -> Formula:
    """Pieces of special equipment in use whose inspection was due before the cut-off."""
    return special_equipment.where("equipment_status = 'in_use' AND inspection_due < c.cutoff").count()


@indicator("regulatory", "talks and repair", "近一年警示约谈次数", direction="raises", unit="talks", policy="SC (9)")
def warning_talks_1y(warning_talks: Rows) -> Formula:
    """Reminders, warnings and talks in the year before the cut-off."""
    return warning_talks.within(months=12).count()


@indicator("regulatory", "talks and repair", "近三年信用修复次数", direction="either", unit="repairs", policy="SC (13)")
def repairs_granted_3y(repairs: Rows) -> Formula:
    """Repairs granted that were applied for in the 3 years before the cut-off."""
    return repairs.where("state = 'granted'").within(months=36).count()


@indicator(
    "regulatory", "talks and repair", "近三年异议成立次数", direction="either", unit="objections", policy="HB 11(4)"
)
def objections_upheld_3y(objections: Rows) -> Formula:
    """Objections raised in the 3 years before the cut-off that were upheld: the record was wrong."""
    return objections.where("state = 'upheld'").within(months=36).count()
