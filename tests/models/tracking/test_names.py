"""A version's name says province and study, and leads back to its registered model."""

from __future__ import annotations

import pytest

from models.tracking.names import LEGACY, is_of, model_name, split_version, version_of


@pytest.mark.parametrize(
    ("model", "number", "version"),
    [
        (model_name("hebei", "demo"), "3", "hebei.demo/3"),
        (model_name("chicago", "chicago_food"), "12", "chicago.chicago_food/12"),
        (LEGACY, "7", "7"),
    ],
)
def test_a_version_leads_back_to_its_model(model: str, number: str, version: str) -> None:
    assert version_of(model, number) == version
    assert split_version(version) == (model, number)


def test_a_provinces_models_are_its_own_and_those_of_before() -> None:
    assert is_of(model_name("hebei", "demo"), "hebei")
    assert is_of(LEGACY, "hebei")
    assert not is_of(model_name("hebei_north", "demo"), "hebei")
    assert not is_of(model_name("chicago", "chicago_food"), "hebei")
