"""Dynamic family 企业动态信息: licences, and changes in the register (SAMR (4)).

What it reports, earns and pays stands in `features.catalogue.families.accounts`, what it owns and has pledged in
`features.catalogue.families.assets`.
"""

from __future__ import annotations

from features.catalogue.declaration import indicator
from features.catalogue.expressions import NEVER, Formula, Rows
from features.policies import threshold


def _in_force(licences: Rows) -> Rows:
    return licences.open().where("licence_status = 'valid' AND (valid_to IS NULL OR valid_to >= c.cutoff)")


@indicator(
    "dynamic", "licences", "持有许可数", "licences in force", direction="either", unit="licences", policy="SAMR (5)"
)
def licences_held(licences: Rows) -> Formula:
    """Licences in force at the cut-off."""
    return _in_force(licences).count()


@indicator(
    "dynamic",
    "licences",
    "重点领域许可数",
    "licences in force in key safety fields",
    direction="either",
    unit="licences",
    policy="HB 14",
)
def safety_licences_held(licences: Rows) -> Formula:
    """Licences in force for food, drugs, special equipment, industrial products or hazardous goods."""
    key = "licence_kind IN ('food', 'drug', 'special_equipment', 'industrial_product', 'hazardous')"
    return _in_force(licences).where(key).count()


@indicator(
    "dynamic",
    "licences",
    "许可过期数",
    "expired licences not given back",
    direction="raises",
    unit="licences",
    policy="SAMR (5)",
)
def licences_expired(licences: Rows) -> Formula:
    """Licences whose validity ran out before the cut-off and that were neither given back nor ended."""
    return licences.open().where("licence_status = 'valid' AND valid_to < c.cutoff").count()


@indicator(
    "dynamic",
    "licences",
    "即将到期许可数",
    "licences about to expire",
    direction="raises",
    unit="licences",
    policy="SAMR (5)",
)
def licences_expiring(licences: Rows) -> Formula:
    """Licences in force whose last day of validity is one of the $licence_expiring_days days from the cut-off on."""
    days = threshold("licence_expiring_days")
    soon = f"licence_status = 'valid' AND valid_to >= c.cutoff AND valid_to < c.cutoff + {days}"
    return licences.open().where(soon).count()


@indicator(
    "dynamic",
    "licences",
    "近三年被吊销许可数",
    "licences revoked or withdrawn in the last three years",
    direction="raises",
    unit="licences",
    policy="HB 12(3)",
)
def licences_revoked_3y(licences: Rows) -> Formula:
    """Licences revoked or withdrawn that ended in the 3 years before the cut-off."""
    return licences.where("licence_status IN ('revoked', 'withdrawn')").ended_within(months=36).count()


@indicator(
    "dynamic",
    "changes",
    "近一年法定代表人变更",
    "changes of legal representative in the last year",
    direction="raises",
    unit="changes",
    policy="SAMR (12)",
)
def representative_changes_1y(changes: Rows) -> Formula:
    """Changes of the legal representative in the year before the cut-off."""
    return changes.where("item = 'legal_representative'").within(months=12).count()


@indicator(
    "dynamic",
    "changes",
    "近一年名称变更",
    "changes of name in the last year",
    direction="raises",
    unit="changes",
    policy="SAMR (12)",
)
def name_changes_1y(changes: Rows) -> Formula:
    """Changes of name in the year before the cut-off."""
    return changes.where("item = 'name'").within(months=12).count()


@indicator(
    "dynamic",
    "changes",
    "近一年住所变更",
    "changes of address in the last year",
    direction="raises",
    unit="changes",
    policy="SAMR (12)",
)
def address_changes_1y(changes: Rows) -> Formula:
    """Changes of address in the year before the cut-off."""
    return changes.where("item = 'address'").within(months=12).count()


@indicator(
    "dynamic",
    "changes",
    "近一年经营范围变更",
    "changes of business scope in the last year",
    direction="raises",
    unit="changes",
    policy="SAMR (12)",
)
def scope_changes_1y(changes: Rows) -> Formula:
    """Changes of business scope in the year before the cut-off."""
    return changes.where("item = 'scope'").within(months=12).count()


@indicator(
    "dynamic",
    "changes",
    "近一年股东变更",
    "changes of shareholders in the last year",
    direction="raises",
    unit="changes",
    policy="SAMR (12)",
)
def shareholder_changes_1y(changes: Rows) -> Formula:
    """Changes of shareholders in the year before the cut-off."""
    return changes.where("item = 'shareholders'").within(months=12).count()


@indicator(
    "dynamic",
    "changes",
    "近一年变更总数",
    "changes of registered items in the last year",
    direction="raises",
    unit="changes",
    policy="SAMR (12)",
)
def changes_1y(changes: Rows) -> Formula:
    """Changes of any registered item in the year before the cut-off."""
    return changes.within(months=12).count()


@indicator(
    "dynamic",
    "changes",
    "近三年注册资本大幅变动",
    "large changes of registered capital in the last three years",
    direction="raises",
    unit="changes",
    policy="SAMR (12)",
)
def capital_jumps_3y(changes: Rows) -> Formula:
    """Changes of capital in the 3 years before that multiplied or divided it by at least $capital_jump_factor."""
    factor = threshold("capital_jump_factor")
    big = f"(after_fen >= {factor} * before_fen OR before_fen >= {factor} * after_fen)"
    jump = f"{big} AND after_fen <> before_fen"
    return changes.where("item = 'capital'").where(jump).within(months=36).count()


@indicator(
    "dynamic",
    "changes",
    "距最近变更天数",
    "days since the latest change of a registered item",
    direction="lowers",
    unit="days",
    policy="SAMR (12)",
)
def days_since_change(changes: Rows) -> Formula:
    """Days since the latest change of any registered item, at most 3650; 3650 stands for never."""
    return changes.days_since_last(never=NEVER)


@indicator(
    "dynamic",
    "changes",
    "近一年退出股东数",
    "shareholders who left in the last year",
    direction="raises",
    unit="holders",
    policy="SAMR (12)",
)
def shareholders_left_1y(shareholdings: Rows) -> Formula:
    """Different holders of whom a share ended in the year before the cut-off."""
    return shareholdings.ended_within(months=12).distinct("holder_id")


@indicator("dynamic", "changes", "是否清算", "in liquidation", direction="raises", unit="0/1", policy="SAMR (4)")
def in_liquidation(registration: Rows) -> Formula:
    """1 when the register says that it is in liquidation."""
    return registration.latest("CAST(status = 'liquidating' AS BIGINT)", empty=None)


@indicator(
    "dynamic",
    "changes",
    "自愿注册信息数",
    "voluntary filings of credit information",
    direction="lowers",
    unit="filings",
    policy="SC (5)",
)
def voluntary_filings(filings: Rows) -> Formula:
    """Filings of voluntarily registered credit information."""
    return filings.where("filing_kind = 'voluntary_information'").count()
