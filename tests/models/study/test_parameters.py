"""A wrong parameter of the learner is found in the file, by line and key, and never by LightGBM."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from features.errors import ConfigError
from helpers.root import ROOT
from helpers.thorough import examples
from models.learning.classifier import RiskClassifier
from models.study.experiment import load_experiment
from models.study.parameters import LearnerParameters, check_parameters

DEMO = (ROOT / "experiments" / "demo.toml").read_text(encoding="utf-8")


def line_with(text: str, beginning: str) -> int:
    return next(n for n, line in enumerate(text.splitlines(), start=1) if line.startswith(beginning))


@pytest.mark.parametrize(
    ("find", "replace", "key", "said"),
    [
        ("learning_rate = 0.05", "learning_rate = -1", "learner.learning_rate", "greater than 0"),
        ("learning_rate = 0.05", "learning_rate = nan", "learner.learning_rate", "finite"),
        ("num_leaves = 8", "num_leaves = 1", "learner.num_leaves", "greater than or equal to 2"),
        ("num_leaves = 8", "num_leaves = 8.5", "learner.num_leaves", "valid integer"),
        ("num_leaves = 8", "num_leaves = true", "learner.num_leaves", "valid integer"),
        ("num_leaves = 8", "num_leafs = 8", "learner.num_leafs", "no parameter 'num_leafs'; it has ["),
        ("feature_fraction = 0.6", "feature_fraction = 1.5", "learner.feature_fraction", "less than or equal to 1"),
        ("num_leaves = { low = 4", "num_leaves = { low = 4.5", "tuning.space.num_leaves.low", "valid integer"),
        ("num_leaves = { low = 4, high = 15", "num_leaves = { low = 4, high = inf", "tuning.space.num_leaves.high", ""),
        ("seed = 20260101", "seed = 4294967296", "seed", "less than or equal to 2147483647"),
        ("num_leaves = { low = 4", "num_leafs = { low = 4", "tuning.space.num_leafs", "no parameter 'num_leafs'"),
        ("num_leaves = { low = 4", "num_leaves = { low = 1", "tuning.space.num_leaves.low", "or equal to 2"),
        (
            "lambda_l2 = { low = 0.1",
            'lambda_l2 = { kind = "int", low = 0.1',
            "tuning.space.lambda_l2",
            'kind = "float"',
        ),
    ],
)
def test_a_wrong_parameter_is_told_by_file_line_and_key(
    tmp_path: Path, find: str, replace: str, key: str, said: str
) -> None:
    assert find in DEMO
    path = tmp_path / "demo.toml"
    path.write_text(DEMO.replace(find, replace), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_experiment(path)
    first, wrong = str(caught.value).splitlines()
    assert first == f"{path} is not a valid Experiment:"
    assert wrong.startswith(f"  line {line_with(path.read_text(encoding='utf-8'), replace)}: {key}: ")
    assert said in wrong


def test_the_parameters_are_the_classifiers_with_its_defaults() -> None:
    of_the_study = {"monotone", "families", "seed"}
    own = {k: v for k, v in RiskClassifier().get_params().items() if k not in of_the_study}
    assert LearnerParameters().model_dump() == own


@settings(max_examples=examples(40), deadline=None)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "learning_rate": st.floats(-1, 2) | st.just(float("inf")),
            "num_leaves": st.integers(-2, 40),
            "max_depth": st.integers(-2, 6),
            "min_data_in_leaf": st.integers(-2, 60),
            "feature_fraction": st.floats(-0.5, 1.5),
            "lambda_l1": st.floats(-1, 5),
            "lambda_l2": st.floats(-1, 5),
            "min_gain_to_split": st.floats(-1, 1),
            "max_bin": st.integers(-1, 300),
            "monotone_penalty": st.floats(-1, 3),
        },
    )
)
def test_what_is_let_through_lightgbm_takes_and_the_rest_never_reaches_it(given: dict[str, Any]) -> None:
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(120, 3)), np.arange(120) % 2
    model = RiskClassifier(n_estimators=2, monotone=[1, 0, -1], num_threads=1, **given)
    try:
        check_parameters(given)
    except ValidationError as err:
        with pytest.raises(ValueError, match=str(err.errors()[0]["loc"][0])):
            model.fit(x, y)
    else:
        try:
            model.fit(x, y)
        except lgb.basic.LightGBMError as err:
            raise AssertionError(f"let through, but LightGBM says {err}") from err
