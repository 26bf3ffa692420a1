"""Dynamic family 企业动态信息, assets: intellectual property, and what is pledged, frozen or mortgaged (SAMR (4))."""

from __future__ import annotations

from features.catalogue.declaration import indicator
from features.catalogue.expressions import Formula, Rows


@indicator(
    "dynamic",
    "intellectual property",
    "知识产权数",
    "intellectual property rights",
    direction="lowers",
    unit="rights",
    policy="SAMR (4)",
)
def intellectual_property_held(intellectual_property: Rows) -> Formula:
    """Trademarks, patents and software copyrights held at the cut-off."""
    return intellectual_property.open().count()


@indicator(
    "dynamic", "intellectual property", "商标数", "trademarks", direction="lowers", unit="rights", policy="SAMR (4)"
)
def trademarks_held(intellectual_property: Rows) -> Formula:
    """Trademarks held at the cut-off."""
    return intellectual_property.open().where("ip_kind = 'trademark'").count()


@indicator(
    "dynamic", "intellectual property", "专利数", "patents", direction="lowers", unit="rights", policy="SAMR (4)"
)
def patents_held(intellectual_property: Rows) -> Formula:
    """Patents held at the cut-off."""
    return intellectual_property.open().where("ip_kind = 'patent'").count()


@indicator(
    "dynamic",
    "intellectual property",
    "软件著作权数",
    "software copyrights",
    direction="lowers",
    unit="rights",
    policy="SAMR (4)",
)
def software_held(intellectual_property: Rows) -> Formula:
    """Software copyrights held at the cut-off."""
    return intellectual_property.open().where("ip_kind = 'software'").count()


@indicator(
    "dynamic",
    "encumbrances",
    "股权冻结数",
    "equity freezes in force",
    direction="raises",
    unit="freezes",
    policy="SAMR (5)",
)
def equity_freezes_now(encumbrances: Rows) -> Formula:
    """Equity freezes in force at the cut-off."""
    return encumbrances.open().where("encumbrance_kind = 'equity_freeze'").count()


@indicator(
    "dynamic",
    "encumbrances",
    "动产抵押数",
    "chattel mortgages in force",
    direction="raises",
    unit="mortgages",
    policy="SAMR (5)",
)
def chattel_mortgages_now(encumbrances: Rows) -> Formula:
    """Chattel mortgages in force at the cut-off."""
    return encumbrances.open().where("encumbrance_kind = 'chattel_mortgage'").count()


@indicator(
    "dynamic",
    "encumbrances",
    "股权出质数",
    "equity pledges in force",
    direction="raises",
    unit="pledges",
    policy="SAMR (5)",
)
def equity_pledges_now(encumbrances: Rows) -> Formula:
    """Equity pledges in force at the cut-off."""
    return encumbrances.open().where("encumbrance_kind = 'equity_pledge'").count()


@indicator(
    "dynamic",
    "encumbrances",
    "知识产权质押数",
    "intellectual property pledges in force",
    direction="either",
    unit="pledges",
    policy="SAMR (5)",
)
def ip_pledges_now(encumbrances: Rows) -> Formula:
    """Pledges of intellectual property in force at the cut-off: it owns something that is worth a loan."""
    return encumbrances.open().where("encumbrance_kind = 'ip_pledge'").count()
