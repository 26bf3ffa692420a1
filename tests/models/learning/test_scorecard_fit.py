"""A points card from data: it learns from what teaches alone, adds up in whole points and reads back as written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from features.policy import load_toml
from helpers import small_study
from helpers.small_model import DIRECTIONS
from models.learning.scorecard_fit import FittedCard, fit_card
from models.scoring.rules.card_text import card_text
from models.scoring.rules.scorecard import Scorecard, Steps, load_scorecard
from models.study.dataset import Dataset


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return small_study.dataset()


@pytest.fixture(scope="module")
def fitted(dataset: Dataset) -> FittedCard:
    return fit_card(small_study.experiment(), dataset, "small")


def test_points_are_whole_and_the_score_is_the_evidence_on_the_policys_scale(
    dataset: Dataset, fitted: FittedCard
) -> None:
    test = dataset.parts["test"]
    found = fitted.card.evaluate(test.frame)
    assert (found.tenths % 10 == 0).all()
    assert fitted.card.base == round(fitted.card.base)
    margin = fitted.evidence.margin(test.X, {n: j for j, n in enumerate(dataset.names)})
    exact = fitted.scale[0] + fitted.scale[1] * margin
    inside = found.limit == 0
    assert inside.any()
    # Every entry is rounded, and so is the base.
    assert np.abs(found.score[inside] - exact[inside]).max() <= 1 + len(fitted.evidence.names)


def test_points_rise_where_the_catalogue_says_that_risk_does(fitted: FittedCard) -> None:
    assert fitted.card.entries
    for entry in fitted.card.entries:
        assert isinstance(entry.rule, Steps)
        points = [entry.rule.below, *(s.points for s in entry.rule.steps)]
        if (way := DIRECTIONS[entry.indicator]) != 0:
            assert (np.diff(points) * way >= 0).all()
        assert entry.missing >= min(points)


def test_nothing_of_the_test_touches_the_card(dataset: Dataset, fitted: FittedCard) -> None:
    test = dataset.parts["test"]
    other = replace(test, y=(1 - test.y).astype(np.int8), X=test.X[::-1].copy())
    again = fit_card(small_study.experiment(), replace(dataset, parts={**dataset.parts, "test": other}), "small")
    assert again.card == fitted.card
    assert again.rates_at_cuts == fitted.rates_at_cuts


def test_a_card_reads_back_as_it_was_written(fitted: FittedCard, tmp_path: Path) -> None:
    for card in (fitted.card, *(load_scorecard(p) for p in ("hebei", "henan", "ningxia", "city"))):
        file = tmp_path / "scorecard.toml"
        file.write_text(card_text(card, ["where it comes from"]), encoding="utf-8")
        assert load_toml(file, Scorecard) == card
