"""Rows as arrays and rows as a frame are answered alike: one truth, whichever way an enterprise comes in."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from helpers import small_model as small
from models.scoring.classify import classify_frame
from models.scoring.risk_model import RiskModel
from models.scoring.rows import Rows, Scorer
from models.scoring.rules.province import load_rules
from serving.answers.fallback import classify
from serving.current.ready import Ready
from serving.current.served import Served

ROWS = 2_000


@pytest.fixture(scope="module")
def model() -> RiskModel:
    return small.model()


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """Rows with values that are unknown or infinite, direct rules hit, and others not looked at."""
    made = small.rows(ROWS, 31)[0]
    rng = np.random.default_rng(5)
    for name in small.NAMES:
        made.loc[rng.random(ROWS) < 0.03, name] = np.nan
    made.loc[rng.random(ROWS) < 0.01, "registered_capital"] = np.inf
    for name in small.EVIDENCE:
        draw = rng.random(ROWS)
        made[name] = np.where(draw < 0.03, "penalties:p2;penalties:p3", "")
        made[name] = made[name].astype(object).where(draw < 0.98, None)
    return made


def as_rows(frame: pd.DataFrame) -> Rows:
    evidence: list[dict[Any, Any]] = frame[list(small.EVIDENCE)].astype(object).to_dict("records")
    return Rows(
        list(frame.index.get_level_values("enterprise_id")),
        [day.date() for day in frame.index.get_level_values("cutoff")],
        frame[list(small.NAMES)].to_numpy(dtype=np.float64),
        [{k: v if isinstance(v, str) else None for k, v in row.items()} for row in evidence],
    )


@pytest.mark.parametrize("top", [0, 3, 99])
def test_every_cell_of_two_thousand_rows_is_the_same_both_ways(frame: pd.DataFrame, model: RiskModel, top: int) -> None:
    rules = load_rules("hebei")
    served = Served("hebei", model, "7")
    expected = classify(frame, served, rules, top=top, catalogue=small.CATALOGUE)
    found = Ready(small.NAMES, served, rules, small.CATALOGUE).classify(as_rows(frame), top=top)
    assert found == expected
    assert [one.to_json() for one in found] == [one.to_json() for one in expected]
    sources = {one.source for one in expected}
    assert sources == {"model", "rules"}
    assert any(one.determinations for one in expected)
    assert any("evidence_H13_1" in one.missing for one in expected)


def test_one_row_alone_is_answered_as_among_others(frame: pd.DataFrame, model: RiskModel) -> None:
    ready = Ready(small.NAMES, Served("hebei", model), load_rules("hebei"), small.CATALOGUE)
    rows = as_rows(frame.head(60))
    assert [ready.classify(rows.take([i]))[0] for i in range(60)] == ready.classify(rows)


def test_without_a_model_the_rules_answer_the_same_both_ways(frame: pd.DataFrame) -> None:
    rules = load_rules("hebei")
    expected = classify(frame, Served("hebei"), rules, catalogue=small.CATALOGUE)
    assert Ready(small.NAMES, Served("hebei"), rules, small.CATALOGUE).classify(as_rows(frame)) == expected


def test_a_model_of_other_cuts_and_one_that_is_broken_are_told_the_same_both_ways(
    frame: pd.DataFrame, model: RiskModel
) -> None:
    few = frame.head(5)
    torn = model.model_copy(update={"booster_text": "tree\nbroken"})
    for province, one in (("henan", model), ("hebei", torn)):
        rules = load_rules(province)
        expected = classify(few, Served(province, one), rules, catalogue=small.CATALOGUE)
        assert {answer.source for answer in expected} == {"rules"}
        assert Ready(small.NAMES, Served(province, one), rules, small.CATALOGUE).classify(as_rows(few)) == expected


def test_a_column_that_is_absent_counts_as_unknown_for_the_rules(frame: pd.DataFrame) -> None:
    rules = load_rules("hebei")
    fewer = frame[[*small.NAMES[:3], *small.EVIDENCE]].head(50)
    expected = classify_frame(fewer, None, rules, catalogue=small.CATALOGUE)
    whole = as_rows(frame.head(50))
    rows = Rows(whole.enterprises, whole.cutoffs, whole.part(0, 50).values[:, :3], whole.evidence)  # noqa: PD011
    assert Scorer(small.NAMES[:3], None, rules, catalogue=small.CATALOGUE).classify(rows) == expected
