"""A change of policy is seen before it is made: who moves class, from where to where, and why."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.errors import ConfigError
from features.policy import own_policies, policy_root
from helpers import small_model as small
from models.scoring.classify import classify_frame
from models.scoring.policy_diff import Policies, PolicyDiff, load_policies, policy_diff


def changed(tmp_path: Path, name: str, right: str, wrong: str) -> Policies:
    """Hebei's policies with one change, in a folder of its own."""
    home = tmp_path / "new" / "hebei"
    if not home.is_dir():
        shutil.copytree(policy_root() / "hebei", home)
    file = home / f"{name}.toml"
    text = file.read_text(encoding="utf-8")
    assert right in text
    file.write_text(text.replace(right, wrong), encoding="utf-8")
    return load_policies(str(tmp_path / "new"))


def firms() -> pd.DataFrame:
    """300 enterprises of few indicators; the first has a record for H13.3."""
    frame, _ = small.rows(300, 5)
    frame["evidence_H13_3"] = ["blacklists:B1", *[""] * 299]
    frame["insured_staff"] = 5.0
    frame["tax_grade_a"] = 0.0
    frame["changes_1y"] = 0.0
    frame["abnormal_listed_now"] = 0.0
    return frame


def row(found: PolicyDiff, enterprise: str) -> pd.Series:
    """One mover."""
    [at] = np.flatnonzero(found.movers["enterprise_id"] == enterprise)
    one: pd.Series = found.movers.iloc[int(at)]
    return one


def test_the_same_policies_move_nobody_and_every_class_is_that_of_the_classification() -> None:
    frame, same = firms(), load_policies("hebei")
    found = policy_diff(frame, same, same)
    answers = classify_frame(frame, None, same.rules)
    assert found.movers.empty
    assert found.causes == {}
    stays = {r["old"]: r["enterprises"] for _, r in found.moves.iterrows()}
    assert stays == pd.Series([a.grade for a in answers]).value_counts().to_dict()


def test_movers_are_those_whose_classification_differs_and_each_says_from_where_to_where(tmp_path: Path) -> None:
    frame = firms()
    new = changed(tmp_path, "scorecard", "base = 148.0", "base = 248.0")
    new = changed(tmp_path, "bands", "[200.0, 500.0", "[260.0, 420.0")
    old = load_policies("hebei")
    found = policy_diff(frame, old, new)
    before, after = (classify_frame(frame, None, side.rules) for side in (old, new))
    expected = {
        (a.enterprise_id, a.grade, b.grade, a.score, b.score)
        for a, b in zip(before, after, strict=True)
        if a.grade != b.grade
    }
    columns = ["enterprise_id", "old", "new", "old_score", "new_score"]
    assert expected == set(found.movers[columns].itertuples(index=False, name=None))
    assert expected
    assert sum(found.causes.values()) == len(expected)


def test_a_changed_determination_is_named(tmp_path: Path) -> None:
    new = changed(tmp_path, "determinations", 'id = "H13.3"\ngrade = "D"', 'id = "H13.3"\ngrade = "C"')
    found = policy_diff(firms(), load_policies("hebei"), new)
    mover = row(found, "E000000")
    assert (mover["old"], mover["new"], mover["cause"]) == ("D", "C", "determination")
    assert mover["why"] == "H13.3 gives C, before D"
    assert len(found.movers) == 1


def test_a_changed_entry_is_named_with_its_points(tmp_path: Path) -> None:
    new = changed(tmp_path, "scorecard", "points = 75.0, cap = 250.0", "points = 240.0, cap = 480.0")
    found = policy_diff(firms(), load_policies("hebei"), new)
    assert set(found.movers["cause"]) == {"scorecard"}
    one = found.movers.iloc[0]
    assert one["why"].startswith("penalties_3y +")
    assert one["new_score"] > one["old_score"]


def test_a_changed_cut_is_named_and_nobodys_score_moves(tmp_path: Path) -> None:
    new = changed(tmp_path, "bands", "cuts = [200.0", "cuts = [150.0")
    found = policy_diff(firms(), load_policies("hebei"), new)
    assert set(found.movers["cause"]) == {"cut"}
    assert (found.movers["old_score"] == found.movers["new_score"]).all()
    assert found.movers["why"].str.contains("cuts 150/500/750").all()
    assert set(zip(found.movers["old"], found.movers["new"], strict=True)) == {("A", "B")}


def test_what_must_be_known_is_named(tmp_path: Path) -> None:
    new = changed(tmp_path, "bands", "minimum_known = 0.15", "minimum_known = 0.5")
    found = policy_diff(firms(), load_policies("hebei"), new)
    assert set(found.movers["cause"]) == {"known"}
    assert found.movers["why"].str.contains("50% must be known, before 15%").all()


def test_a_models_classes_move_with_the_rates_at_the_cuts_and_it_must_be_signed_again(tmp_path: Path) -> None:
    frame, model = firms(), small.model()
    new = changed(tmp_path, "bands", "rates = [0.09, 0.18, 0.35]", "rates = [0.05, 0.18, 0.35]")
    found = policy_diff(frame, load_policies("hebei"), new, model=model)
    assert found.by == "model"
    probability = model.probability(model.margin(model.matrix(frame)))
    between = {e for e, p in zip(frame.index.get_level_values(0), probability, strict=True) if 0.051 < p < 0.089}
    movers = set(found.movers.loc[found.movers["old"] == "A", "enterprise_id"])
    assert between - {"E000000"} <= movers
    assert (found.movers["cause"] == "cut").all()
    assert any("must be signed again" in note for note in found.notes)


def test_groups_count_everyone_once_by_region_and_by_trade(tmp_path: Path) -> None:
    frame = firms()
    groups = pd.DataFrame({"region": np.repeat(["1301", "1302"], 150), "trade": np.tile(["C", "F", "H"], 100)})
    new = changed(tmp_path, "bands", "cuts = [200.0", "cuts = [150.0")
    found = policy_diff(frame, load_policies("hebei"), new, groups=groups)
    for by, names in (("region", ["1301", "1302"]), ("trade", ["C", "F", "H"])):
        one = found.groups[found.groups["by"] == by]
        assert one["group"].tolist() == names
        assert one["enterprises"].sum() == 300
        assert one["riskier"].sum() == len(found.movers)
        assert one["safer"].sum() == 0


def test_what_decides_the_table_itself_is_said_to_need_another_table(tmp_path: Path) -> None:
    new = changed(tmp_path, "cohort", "min_age_days = 0", "min_age_days = 90")
    found = policy_diff(firms(), load_policies("hebei"), new)
    assert found.movers.empty
    assert found.as_dict()["changed"] == ["cohort"]
    assert "cohort.toml changed" in found.notes[0]


def test_what_a_province_does_not_state_is_its_bases_also_in_a_folder(tmp_path: Path) -> None:
    home = tmp_path / "henan"
    shutil.copytree(policy_root() / "henan", home)
    inside, outside = load_policies(str(home)), load_policies("henan")
    assert inside.rules == outside.rules
    assert inside.hashes == outside.hashes
    assert own_policies() is None


def test_a_folder_without_the_policies_asked_for_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such folder; expected a folder of policies or the name of a province"):
        load_policies(str(tmp_path / "nowhere"))
    with pytest.raises(ConfigError, match="say --province; it has policies of no place"):
        load_policies(str(tmp_path))
    with pytest.raises(ConfigError, match=r"no policy 'bands' for province 'hebie'.*hebei"):
        load_policies("hebie")
