"""Policies: found in one place, a province's own before its base's, errors that name file and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.errors import ConfigError
from features.policies import OutcomesPolicy, cohort_policy, features_policy, outcomes_policy
from features.policy import load_toml, policy_path, policy_root

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
