"""Regulatory family 监管信息, penalties and lawsuits (SAMR (4), (5))."""

from __future__ import annotations

from features.catalogue.declaration import indicator
from features.catalogue.expressions import NEVER, Formula, Rows, combine
from features.contract.codes import PENALTY_KIND

SAFETY_FIELDS = "field IN ('food', 'drug', 'special_equipment', 'product_quality')"
"""Key areas of HB 14."""

SEVERE = "['suspension', 'licence_revoked', 'business_licence_revoked']"
"""Penalties that stop a business or part of it."""


@indicator(
    "regulatory",
    "penalties",
    "近一年行政处罚次数",
    "penalties in the last year",
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
    "penalties in the last three years",
    direction="raises",
    unit="penalties",
    policy="SAMR (5); HB 6",
)
def penalties_3y(penalties: Rows) -> Formula:
    """Penalties decided in the 3 years before the cut-off."""
    return penalties.within(months=36).count()


@indicator(
    "regulatory",
    "penalties",
    "近三年罚没金额",
    "fines and confiscations in the last three years",
    direction="raises",
    unit="fen",
    policy="SAMR (5); HB 6",
)
def fines_3y(penalties: Rows) -> Formula:
    """Fines and confiscations decided in the 3 years before the cut-off."""
    recent = penalties.within(months=36)
    return recent.total("fine_fen") + recent.total("confiscated_fen")


@indicator(
    "regulatory",
    "penalties",
    "近三年最高罚款",
    "largest fine in the last three years",
    direction="raises",
    unit="fen",
    policy="SAMR (5); HB 6",
)
def largest_fine_3y(penalties: Rows) -> Formula:
    """Greatest single fine of the 3 years before the cut-off; 0 without any."""
    return penalties.within(months=36).greatest("fine_fen", empty=0)


@indicator(
    "regulatory",
    "penalties",
    "近三年处罚种类数",
    "kinds of penalty in the last three years",
    direction="raises",
    unit="kinds",
    policy="SAMR (5); HB 6",
)
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
    "regulatory",
    "penalties",
    "近三年严重处罚次数",
    "severe penalties in the last three years",
    direction="raises",
    unit="penalties",
    policy="HB 12(2), (3)",
)
def severe_penalties_3y(penalties: Rows) -> Formula:
    """Penalties of the 3 years before that suspended business, revoked a licence or the business licence."""
    severe = f"list_has_any(string_split(penalty_kinds, ';'), {SEVERE})"
    return penalties.where(severe).within(months=36).count()


@indicator(
    "regulatory",
    "penalties",
    "历次行政处罚次数",
    "penalties ever",
    direction="raises",
    unit="penalties",
    policy="SAMR (5); HB 6",
)
def penalties_ever(penalties: Rows) -> Formula:
    """All known penalties decided before the cut-off."""
    return penalties.count()


@indicator(
    "regulatory",
    "penalties",
    "距最近处罚天数",
    "days since the latest penalty",
    direction="lowers",
    unit="days",
    policy="SAMR (5); HB 6",
)
def days_since_penalty(penalties: Rows) -> Formula:
    """Days since the latest penalty, at most 3650; 3650 stands for never."""
    return penalties.days_since_last(never=NEVER)


@indicator(
    "regulatory",
    "penalties",
    "近三年重点领域处罚",
    "penalties in key safety fields in the last three years",
    direction="raises",
    unit="penalties",
    policy="HB 14",
)
def safety_field_penalties_3y(penalties: Rows) -> Formula:
    """Penalties on food, drugs, special equipment or product quality in the 3 years before."""
    return penalties.where(SAFETY_FIELDS).within(months=36).count()


@indicator(
    "regulatory",
    "courts",
    "近三年被诉次数",
    "lawsuits against it in the last three years",
    direction="raises",
    unit="lawsuits",
    policy="SAMR (4)",
)
def lawsuits_defendant_3y(lawsuits: Rows) -> Formula:
    """Lawsuits against it filed in the 3 years before the cut-off."""
    return lawsuits.where("suit_role = 'defendant'").within(months=36).count()


@indicator(
    "regulatory",
    "courts",
    "近三年被诉金额",
    "amount of the lawsuits against it in the last three years",
    direction="raises",
    unit="fen",
    policy="SAMR (4)",
)
def lawsuit_amount_3y(lawsuits: Rows) -> Formula:
    """Amounts of the lawsuits against it filed in the 3 years before the cut-off."""
    return lawsuits.where("suit_role = 'defendant'").within(months=36).total("amount_fen")
