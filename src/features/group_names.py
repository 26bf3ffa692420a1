"""What the groups of `features.population.groups` are called, in English and Chinese; a code without a name stays a
code."""

from __future__ import annotations

from features.contract.national_names import DISTRICT, INDUSTRY_SECTION
from features.population.groups import SIZES, UNKNOWN, GroupsPolicy, visited_group

ATTRIBUTE_ZH = {"region": "地区", "size": "规模", "ownership": "经济成分", "industry": "行业", "visited": "近期检查"}
"""Chinese name of each column of groups."""

SIZE_ZH = dict(zip(SIZES, ("微型", "小型", "中型", "大型"), strict=True))
"""As 国统字〔2017〕213号 calls them."""


def group_name(attribute: str, group: str, policy: GroupsPolicy) -> tuple[str, str] | None:
    """Return the English and the Chinese name of a group, or None where nobody has given it one.

    Parameters
    ----------
    attribute, group
        Column of `features.population.groups.enterprise_groups` and a value of it.
    policy
        Whose groups they are.
    """
    if group == UNKNOWN:
        return UNKNOWN, "不详"
    named: dict[str, dict[str, tuple[str, str]]] = {
        "region": DISTRICT.codes,
        "industry": INDUSTRY_SECTION.codes,
        "size": {size: (size, zh) for size, zh in SIZE_ZH.items()},
        "ownership": policy.ownership_names,
        "visited": _visited(policy.visited_months),
    }
    return named.get(attribute, {}).get(group)


def _visited(months: int) -> dict[str, tuple[str, str]]:
    words = {True: f"近{months}个月内被检查过", False: f"近{months}个月内未被检查"}
    named = {visited: visited_group(months, visited=visited) for visited in words}
    return {named[visited]: (named[visited], zh) for visited, zh in words.items()}
