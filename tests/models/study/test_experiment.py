"""The experiment files say everything, in order, before anything is fitted."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from features.catalogue import RECENT
from features.errors import ConfigError
from features.policy import policy_hash
from helpers.root import ROOT
from models.scoring.rules.province import POLICIES
from models.study.experiment import Arms, Experiment, Split, experiment_hash, load_experiment
from models.study.indicators import catalogue, choose, policies_hash
from models.study.splits import folds

FOLDER = ROOT / "experiments"
FILES = sorted(FOLDER.glob("*.toml"))


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_every_committed_experiment_is_valid_and_named_after_its_file(path: Path) -> None:
    experiment = load_experiment(path)
    assert experiment.name == path.stem
    assert experiment.split.learn_from is not None
    origins = folds(experiment.split, experiment.origins, experiment.split.learn_from)
    assert len(origins) >= 2  # one alone could choose no blend


def test_the_three_studies_are_there() -> None:
    assert {"demo", "beijing_culture", "beijing_miyun"} <= {p.stem for p in FILES}


@pytest.mark.parametrize(
    ("find", "replace", "message"),
    [
        ("seed = 20260101", "seed = 20260101\nsede = 1", "sede"),
        ("gap_days = 28", "gap_days = 400", "gap_days"),
        ("learn_from = 2022-01-01", "learn_from = 2024-12-01", "learn_from 2024-12-01 must be before test_from"),
        ("learn_from = 2022-01-01", "fit_from = 2022-01-01", "fit_from"),
        ("[learner]", "[origins]\ncount = 0\n\n[learner]", "origins.*count"),
        ("test_from = 2024-12-01", "test_from = 2024-12-15", "first of a month"),
        ('weights = "design"', 'weights = "designed"', "weights"),
        ('measure = ["random"]', 'measure = ["random", "targeted"]', r'needs measure = \["random"\]'),
        ("low = 0.02, high = 0.12", "low = 0.2, high = 0.12", "low < high"),
        ('name = "demo"', 'name = "Demo study"', "name"),
        ("[split]", "[split", "TOML"),
    ],
)
def test_a_mistake_in_the_file_is_named(tmp_path: Path, find: str, replace: str, message: str) -> None:
    text = (FOLDER / "demo.toml").read_text(encoding="utf-8")
    assert find in text
    path = tmp_path / "e.toml"
    path.write_text(text.replace(find, replace), encoding="utf-8")
    with pytest.raises(ConfigError, match=message) as caught:
        load_experiment(path)
    assert str(path) in str(caught.value)


def test_comments_change_no_hash_and_every_value_does(tmp_path: Path) -> None:
    text = (FOLDER / "demo.toml").read_text(encoding="utf-8")
    path = tmp_path / "e.toml"
    path.write_text("# a remark\n" + text, encoding="utf-8")
    same = load_experiment(path)
    assert experiment_hash(same) == experiment_hash(load_experiment(FOLDER / "demo.toml"))
    path.write_text(text.replace("gap_days = 28", "gap_days = 27"), encoding="utf-8")
    assert experiment_hash(load_experiment(path)) != experiment_hash(same)


def test_what_measures_calibrates_too_and_the_learning_arms_teach() -> None:
    arms = Arms(learn=("random", "targeted"))
    assert arms.of("fit") == ("random", "targeted")
    assert {arms.of(stage) for stage in ("validate", "calibrate", "test")} == {("random",)}
    with pytest.raises(ValidationError, match="at least one arm"):
        Arms(measure=(), weights="equal")


def test_a_study_needs_no_more_than_the_day_its_test_begins() -> None:
    split = Split.model_validate({"test_from": "2025-01-01"})
    assert (split.learn_from, split.gap_days) == (None, 0)
    plain = Experiment.model_validate({"name": "x", "title": "x", "province": "hebei", "seed": 1, "split": split})
    assert (plain.origins.count, plain.origins.months) == (6, 2)
    assert plain.tuning.blend == "chosen"


def test_trials_without_a_search_space_are_refused() -> None:
    plain = load_experiment(FOLDER / "beijing_miyun.toml").model_dump()
    with pytest.raises(ValidationError, match="search space"):
        Experiment.model_validate({**plain, "tuning": {"trials": 3}})


def test_a_general_study_hashes_as_if_there_were_no_sectors() -> None:
    general = load_experiment(FOLDER / "demo.toml")
    assert '"sector"' not in general.model_dump_json()
    food = general.model_copy(update={"sector": "food"})
    assert food.model_dump()["sector"] == "food"
    assert experiment_hash(food) != experiment_hash(general)
    assert policies_hash(general) == policy_hash("hebei", *POLICIES)
    assert policies_hash(food) != policies_hash(general)
    assert Experiment.model_validate(food.model_dump()) == food


def test_a_sector_is_about_its_own_enterprises() -> None:
    plain = load_experiment(FOLDER / "demo.toml").model_dump()
    with pytest.raises(ValidationError, match="members_only"):
        Experiment.model_validate({**plain, "sector": "food", "cohort": {"members_only": False}})


def test_a_study_without_recent_peer_rates_hashes_as_if_there_were_none() -> None:
    demo = load_experiment(FOLDER / "demo.toml")
    assert '"peers"' not in demo.model_dump_json()
    asked = demo.model_copy(update={"indicators": demo.indicators.model_copy(update={"peers": True})})
    assert experiment_hash(asked) != experiment_hash(demo)
    assert not set(RECENT) & set(catalogue(demo))
    assert set(RECENT) <= set(choose(asked.indicators, catalogue(asked)))


def test_a_recent_peer_rate_is_named_only_where_they_are_on() -> None:
    named = load_experiment(FOLDER / "demo.toml").indicators.model_copy(update={"only": ("recent_own_ratio_30d",)})
    with pytest.raises(ConfigError, match="say peers = true"):
        choose(named)
