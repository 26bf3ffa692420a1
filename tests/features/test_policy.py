"""Policies: found in one place, a province's own before its base's, errors that name file and key."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from features.contract.believable import believable
from features.errors import ConfigError
from features.policies import OutcomesPolicy, cohort_policy, features_policy, outcomes_policy
from features.policy import load_toml, policy_path, policy_root
from helpers.here import here
from models.signoff.record.signers import signers_path

PROVINCES = sorted(p.parent.name for p in policy_root().glob("*/bands.toml"))


@pytest.mark.parametrize("province", PROVINCES)
def test_every_province_with_bands_has_all_the_features_need(province: str) -> None:
    assert features_policy(province).peer_shrink_visits > 0
    assert outcomes_policy(province).violation
    assert cohort_policy(province).statuses


def test_a_province_falls_back_to_its_base_only_for_what_it_does_not_state() -> None:
    assert policy_path("henan", "bands").parent.name == "henan"
    assert policy_path("henan", "outcomes").parent.name == "hebei"


def test_an_unknown_province_or_policy_lists_who_has_it() -> None:
    with pytest.raises(ConfigError, match="hebei"):
        policy_path("atlantis", "outcomes")
    with pytest.raises(ConfigError, match="horoscope"):
        policy_path("hebei", "horoscope")


def test_a_code_left_out_or_unknown_key_is_named(tmp_path: Path) -> None:
    text = policy_path("hebei", "outcomes").read_text(encoding="utf-8")
    file = tmp_path / "outcomes.toml"
    file.write_text(text.replace('"A", ', "", 1), encoding="utf-8")
    with pytest.raises(ConfigError, match="must be named once"):
        load_toml(file, OutcomesPolicy)
    file.write_text(text + "\n[moods]\nX = 1\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="moods"):
        load_toml(file, OutcomesPolicy)


def test_ones_own_folder_is_looked_through_first_and_hebei_is_nobodys_base_unless_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = policy_path("hebei", "cohort").read_text(encoding="utf-8")
    for place in ("oldtown", "hebei"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "cohort.toml").write_text(text.replace("min_age_days = 0", "min_age_days = 30"), "utf-8")
    assert cohort_policy("hebei").min_age_days == 0
    monkeypatch.setenv("FENLEI_POLICIES", str(tmp_path))
    assert cohort_policy("hebei").min_age_days == cohort_policy("oldtown").min_age_days == 30
    with pytest.raises(ConfigError, match="no policy 'outcomes' for province 'oldtown'"):
        outcomes_policy("oldtown")  # no base is said, so there is none
    (tmp_path / "oldtown" / "province.toml").write_text('name_zh = "旧镇"\nbase = "city"\n', "utf-8")
    assert outcomes_policy("oldtown").restating == ()


def test_what_is_believable_can_be_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = policy_path("national", "believable").read_text(encoding="utf-8")
    (tmp_path / "national").mkdir()
    (tmp_path / "national" / "believable.toml").write_text(text.replace("1949-10-01", "1850-01-01"), "utf-8")
    assert believable().is_placeholder(date(1901, 5, 1))
    monkeypatch.setenv("FENLEI_POLICIES", str(tmp_path))
    assert not believable().is_placeholder(date(1901, 5, 1))


def test_a_places_signers_are_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FENLEI_POLICIES", str(tmp_path))
    assert signers_path(here(), "oldtown").parent.parent == policy_root()
    (tmp_path / "oldtown").mkdir()
    assert signers_path(here(), "oldtown") == tmp_path / "oldtown" / "signers.toml"
    assert signers_path(here(), "hebei").parent.parent == policy_root()
