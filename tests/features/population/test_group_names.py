"""Groups are called by name where the standard, the policy or the records have one; nothing is made up."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from features.adapters.beijing.industry import DISTRICTS
from features.contract.national_names import DISTRICT, INDUSTRY_SECTION
from features.policy import policy_root
from features.population.groups import ATTRIBUTE_ZH, enterprise_groups, group_name, groups_policy

POLICY = groups_policy("hebei")


@pytest.mark.parametrize(
    ("attribute", "group", "name"),
    [
        ("region", "13", ("Hebei", "河北省")),
        ("region", "1301", ("Shijiazhuang", "石家庄市")),
        ("region", "110118", ("Miyun", "密云区")),
        ("industry", "H", ("lodging and catering", "住宿和餐饮业")),
        ("size", "micro", ("micro", "微型")),
        ("ownership", "foreign", ("foreign-invested", "外资")),
        ("visited", "within 24 months", ("within 24 months", "近24个月内被检查过")),
        ("visited", "not within 24 months", ("not within 24 months", "近24个月内未被检查")),
        ("industry", "unknown", ("unknown", "不详")),
    ],
)
def test_a_group_has_the_name_of_its_standard_or_policy(attribute: str, group: str, name: tuple[str, str]) -> None:
    assert group_name(attribute, group, POLICY) == name


@pytest.mark.parametrize(
    ("attribute", "group"),
    [("region", "9901"), ("region", "0606"), ("industry", "Z"), ("ownership", "mixed"), ("colour", "red"),
     ("visited", "within 12 months")],
)  # fmt: skip
def test_what_nobody_named_has_no_name(attribute: str, group: str) -> None:
    assert group_name(attribute, group, POLICY) is None


def test_the_visited_are_named_by_the_policys_months() -> None:
    year = POLICY.model_copy(update={"visited_months": 12})
    assert group_name("visited", "within 12 months", year) == ("within 12 months", "近12个月内被检查过")
    assert group_name("visited", "within 24 months", year) is None


def test_the_twenty_sections_are_there_each_in_both_languages() -> None:
    assert "".join(INDUSTRY_SECTION.codes) == "ABCDEFGHIJKLMNOPQRST"
    for names in (*INDUSTRY_SECTION.codes.values(), *DISTRICT.codes.values()):
        en, zh = names
        assert not re.search("[一-鿿]", en)
        assert re.fullmatch("[一-鿿、]+", zh)


def test_districts_agree_with_those_that_the_adapter_of_beijing_reads() -> None:
    for zh, code in DISTRICTS.items():
        assert DISTRICT.codes[code][1] == f"{zh}区"
    assert len([c for c in DISTRICT.codes if len(c) == 6]) == len(DISTRICTS)
    for code in DISTRICT.codes:
        assert code[:2] in DISTRICT.codes


@pytest.mark.parametrize("province", sorted(p.parent.name for p in policy_root().glob("*/bands.toml")))
def test_every_ownership_of_a_province_has_a_name(province: str) -> None:
    policy = groups_policy(province)
    for group in {*policy.ownership_by_type.values(), *policy.ownership_by_shareholder.values()}:
        assert group_name("ownership", group, policy) is not None


def test_every_group_of_a_province_but_its_made_up_regions_has_a_name(small_clean: Path) -> None:
    firms = pd.read_parquet(small_clean / "registration.parquet")["enterprise_id"].unique()
    groups = enterprise_groups(
        small_clean, pd.DataFrame({"enterprise_id": firms, "cutoff": pd.Timestamp(2025, 6, 1)}), groups_policy("hebei")
    )
    assert set(groups.columns) == set(ATTRIBUTE_ZH)
    for attribute in groups.columns:
        for group in set(groups[attribute]):
            named = group_name(attribute, group, POLICY) is not None
            assert named == (attribute != "region" or group == "unknown"), (attribute, group)
