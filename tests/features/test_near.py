"""Near names: a slip in a name is answered with the name that was meant."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.catalogue import CATALOGUE, lookup
from features.catalogue.sectors import load_sector
from features.errors import CatalogueError, ConfigError
from features.near import did_you_mean
from features.policies import CohortPolicy, features_policy
from features.policy import load_toml
from helpers.thorough import examples


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("problem_rate_al", "; did you mean problem_rate_all?"),
        ("Penalties_3Y", "; did you mean penalties_3y?"),
        ("complaint", "; did you mean complaints_3m or complaints_1y?"),
        ("penalties_4y", "; did you mean penalties_3y, penalties_1y or penalties_ever?"),
        ("horoscopes", ""),
        ("", ""),
    ],
)
def test_the_nearest_names_are_told_and_where_none_is_near_nothing(asked: str, told: str) -> None:
    assert did_you_mean(asked, CATALOGUE) == told


@settings(max_examples=examples(100), deadline=None)
@given(st.sampled_from(sorted(CATALOGUE)), st.data())
def test_a_name_that_lost_a_letter_is_among_the_names_told(name: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(name) - 1))
    slip = name[:place] + name[place + 1 :]
    assert slip in CATALOGUE or name in did_you_mean(slip, CATALOGUE)


def test_an_indicator_a_sector_and_a_province_that_are_not_there_are_answered_with_those_meant() -> None:
    with pytest.raises(CatalogueError, match=r"^no indicator 'problem_rate_al'; did you mean problem_rate_all\?$"):
        lookup("problem_rate_al")
    with pytest.raises(CatalogueError, match=r"^no indicator 'horoscopes'; `fenlei indicators` lists them$"):
        lookup("horoscopes")
    with pytest.raises(ConfigError, match=r"it has \['food'\]; did you mean food\?$"):
        load_sector("hebei", "foods")
    with pytest.raises(ConfigError, match=r"; did you mean hebei\?$"):
        features_policy("hebe")


def test_a_key_that_a_policy_does_not_have_is_answered_with_the_one_meant(tmp_path: Path) -> None:
    text = 'exclude_types = []\nstatuses = ["active"]\nmin_age_days = 0\nmin_age_day = 30\n'
    (tmp_path / "cohort.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"min_age_day: Extra inputs are not permitted; did you mean min_age_days\?"):
        load_toml(tmp_path / "cohort.toml", CohortPolicy)
