"""A change splits into its causes, in a stated order, and the parts sum to it to the last digit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import small_model as small
from helpers.thorough import examples
from models.arrays import Floats, Ints
from models.errors import ModelInputError
from models.scoring.bands import BandPolicy
from models.scoring.classification import GRADES
from models.scoring.classify import classify_frame
from models.scoring.reasons.change_texts import Change, why_moved
from models.scoring.reasons.changes import CAUSES, Changes, Worlds, changes, split, standing
from models.scoring.risk_model import RiskModel
from models.scoring.rules.province import ProvinceRules, load_rules


@pytest.fixture(scope="module")
def model() -> RiskModel:
    return small.model()


@pytest.fixture(scope="module")
def rules() -> ProvinceRules:
    return load_rules("hebei")


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return small.rows(300, 5)[0]


def still(frame: pd.DataFrame, model: RiskModel | None, rules: ProvinceRules) -> Worlds:
    """Two months in which nothing changed."""
    return Worlds(frame, frame, frame, frame, (model, model), (rules, rules))


def with_cuts(rules: ProvinceRules, cuts: tuple[float, float, float]) -> ProvinceRules:
    bands = BandPolicy.model_validate({**rules.bands.model_dump(), "cuts": cuts})
    return replace(rules, bands=bands, version="other")


def another(model: RiskModel) -> RiskModel:
    """The same model but for its trees' weight: other scores, other version."""
    return model.model_copy(update={"tree_share": 0.3})


def only(found: Changes, cause: str) -> None:
    """Nothing but one cause moved anything, and it did move something."""
    at = CAUSES.index(cause)
    others = np.delete(found.tenths, at, axis=1)
    assert (others == 0).all()
    assert (np.delete(found.steps, at, axis=1) == 0).all()


scores = st.lists(st.lists(st.integers(0, 10_000), min_size=6, max_size=6), min_size=1, max_size=8)


@settings(max_examples=examples(50), deadline=None)
@given(scores)
def test_parts_sum_to_the_change_to_the_last_digit(tenths: list[list[int]]) -> None:
    given_scores = np.array(tenths).T / 10
    grades = np.array(tenths).T % 4
    found = split(list(given_scores), list(grades))
    assert (found.tenths.sum(axis=1) == np.array(tenths)[:, 5] - np.array(tenths)[:, 0]).all()
    assert (found.steps.sum(axis=1) == grades[5] - grades[0]).all()
    table = found.columns()
    parts = [f"{value:.1f}" for value in (table[f"change_{cause}"][0] for cause in CAUSES)]
    change = sum(round(10 * float(part)) for part in parts)
    assert f"{change / 10:.1f}" == f"{(tenths[0][5] - tenths[0][0]) / 10:.1f}"


@settings(max_examples=examples(5), deadline=None)
@given(st.integers(0, 1000))
def test_parts_of_scored_worlds_sum_to_what_both_months_published(seed: int) -> None:
    model, rules = small.model(), load_rules("hebei")
    index = small.rows(40, seed)[0].index
    a, b, c, d = (small.rows(40, seed + k)[0].set_index(index) for k in range(4))
    newer, other = another(model), with_cuts(rules, (250.0, 450.0, 700.0))
    found = changes(Worlds(a, b, c, d, (model, newer), (rules, other)))
    table = found.columns()
    before, after = standing(a, model, rules), standing(d, newer, other)
    assert table["score_before"] == pytest.approx(before.score, abs=0)
    assert table["score_after"] == pytest.approx(after.score, abs=0)
    assert (table["grade_before"] == before.grade).all()
    assert (table["grade_after"] == after.grade).all()
    assert (found.tenths.sum(axis=1) == np.round(10 * (after.score - before.score))).all()
    assert np.count_nonzero(found.tenths[:, :4], axis=0).min() > 0


@pytest.mark.parametrize("by_model", [True, False])
def test_a_world_is_scored_as_it_is_published(
    frame: pd.DataFrame, model: RiskModel, rules: ProvinceRules, by_model: bool
) -> None:
    told = ["blacklists:b1" if k % 7 == 0 else None if k % 5 == 0 else "" for k in range(len(frame))]
    direct = frame.assign(evidence_H12_3=pd.Series(told, index=frame.index, dtype=object))
    asked = model if by_model else None
    answers = classify_frame(direct, asked, rules, catalogue=small.CATALOGUE)
    found = standing(direct, asked, rules)
    assert found.score.tolist() == [answer.score for answer in answers]
    assert [GRADES[at] for at in found.grade] == [answer.grade for answer in answers]


def test_nothing_exchanged_moves_nothing(frame: pd.DataFrame, model: RiskModel, rules: ProvinceRules) -> None:
    found = changes(still(frame, model, rules))
    assert (found.tenths == 0).all()
    assert (found.steps == 0).all()


@pytest.mark.parametrize(("cause", "first"), [("aged", "aged"), ("corrections", "corrected"), ("new_records", "now")])
def test_what_comes_with_one_world_is_that_worlds_part(
    frame: pd.DataFrame, model: RiskModel, rules: ProvinceRules, cause: str, first: str
) -> None:
    moved = frame.assign(penalties_3y=frame["penalties_3y"] + 2)
    worlds = ["aged", "corrected", "now"]
    later = dict.fromkeys(worlds[worlds.index(first) :], moved)
    aged, corrected, now = (later.get(name, frame) for name in worlds)
    found = changes(Worlds(frame, aged, corrected, now, (model, model), (rules, rules)))
    only(found, cause)
    assert (found.tenths[:, CAUSES.index(cause)] > 0).all()


def test_a_model_swapped_alone_is_the_model(frame: pd.DataFrame, model: RiskModel, rules: ProvinceRules) -> None:
    found = changes(replace(still(frame, model, rules), models=(model, another(model))))
    only(found, "model")
    assert (found.tenths[:, CAUSES.index("model")] != 0).any()


def test_the_rules_answering_instead_is_the_model_too(
    frame: pd.DataFrame, model: RiskModel, rules: ProvinceRules
) -> None:
    found = changes(replace(still(frame, model, rules), models=(None, model)))
    only(found, "model")


def test_cuts_alone_are_the_policy_and_move_the_class_alone(
    frame: pd.DataFrame, model: RiskModel, rules: ProvinceRules
) -> None:
    found = changes(replace(still(frame, model, rules), rules=(rules, with_cuts(rules, (50.0, 120.0, 300.0)))))
    only(found, "policy")
    assert (found.tenths == 0).all()
    assert (found.steps[:, CAUSES.index("policy")] >= 0).all()
    assert (found.steps[:, CAUSES.index("policy")] > 0).any()


def test_records_counted_otherwise_are_the_policy(frame: pd.DataFrame, model: RiskModel, rules: ProvinceRules) -> None:
    counted = frame.assign(penalties_3y=frame["penalties_3y"] + 1)
    found = changes(replace(still(frame, model, rules), anew=counted))
    only(found, "policy")
    assert (found.tenths[:, CAUSES.index("policy")] > 0).all()


def test_worlds_of_other_enterprises_are_refused(frame: pd.DataFrame, model: RiskModel, rules: ProvinceRules) -> None:
    worlds = still(frame, model, rules)
    with pytest.raises(ModelInputError, match="now holds 299 enterprises, last 300"):
        changes(replace(worlds, now=frame.iloc[1:]))
    with pytest.raises(ModelInputError, match="aged, row 0: expected enterprise E000000, got E000299"):
        changes(replace(worlds, aged=frame.iloc[::-1]))


@pytest.mark.parametrize(
    ("spoilt", "told"),
    [
        (np.array([1.0, 2.25]), "row 1, world 2: expected a published score, with one decimal, got 2.25"),
        (np.array([np.nan, 2.0]), "row 0, world 2: expected a published score, with one decimal, got nan"),
    ],
)
def test_scores_that_nobody_published_are_refused(spoilt: Floats, told: str) -> None:
    good, grades = np.array([1.0, 2.0]), np.array([0, 1])
    with pytest.raises(ModelInputError, match=told):
        split([good, good, spoilt, good, good, good], [grades] * 6)


def test_worlds_that_are_missing_and_classes_that_are_none_are_refused() -> None:
    good, grades = np.array([1.0, 2.0]), np.array([0, 1])
    with pytest.raises(ModelInputError, match=r"in 6 worlds.*got 5 and 6"):
        split([good] * 5, [grades] * 6)
    wrong: Ints = np.array([0, 4])
    with pytest.raises(ModelInputError, match="row 1, world 0: expected a class 0 to 3, got 4"):
        split([good] * 6, [wrong, *[grades] * 5])


def told(worlds: Worlds) -> Change:
    found = why_moved(worlds, small.CATALOGUE)
    assert Change.model_validate_json(found.model_dump_json()) == found
    change = round(10 * found.score_after) - round(10 * found.score_before)
    assert sum(round(10 * part.points) for part in found.parts) == change
    assert [part.cause for part in found.parts] == list(CAUSES)
    grades = [found.grade_before, *(part.grade_after for part in found.parts)]
    assert [part.grade_before for part in found.parts] == grades[:-1]
    assert grades[-1] == found.grade_after
    return found


def test_one_enterprise_is_told_in_both_languages(frame: pd.DataFrame, model: RiskModel, rules: ProvinceRules) -> None:
    one = frame.iloc[:1].assign(penalties_3y=3.0)
    none = one.assign(penalties_3y=0.0)
    found = told(replace(still(one, model, rules), corrected=none, now=none))
    part = found.parts[CAUSES.index("corrections")]
    points = f"{abs(part.points):.1f}"
    assert part.points < 0
    assert part.indicators == ("penalties_3y",)
    assert f"Corrections of records known before: −{points} points" in found.text_en
    assert "(no penalties in the last three years, before: 3 penalties in the last three years)" in found.text_en
    assert f"既有记录更正：−{points}分" in found.text_zh
    assert "（近三年无行政处罚（此前近三年行政处罚3次））" in found.text_zh
    assert "New records" not in found.text_en


def test_the_class_is_told_where_in_the_chain_it_changed(
    frame: pd.DataFrame, model: RiskModel, rules: ProvinceRules
) -> None:
    one = frame.iloc[:1]
    score = float(standing(one, model, rules).score[0])
    low = with_cuts(rules, (score / 4, score / 3, score / 2))
    found = told(replace(still(one, model, rules), rules=(rules, low)))
    policy = found.parts[CAUSES.index("policy")]
    assert (policy.points, policy.grade_after) == (0.0, "D")
    assert f"The new policy: ±0.0 points, class {found.grade_before} to D." in found.text_en
    assert f"政策调整：±0.0分，类别由{found.grade_before}变为D。" in found.text_zh


def test_what_did_not_move_is_said_to_have_not(frame: pd.DataFrame, model: RiskModel, rules: ProvinceRules) -> None:
    found = told(still(frame.iloc[:1], model, rules))
    assert found.text_en.endswith("±0.0 points. Nothing moved it.")
    assert found.text_zh.endswith("±0.0分。无变动原因。")


def test_only_one_enterprise_can_be_told(frame: pd.DataFrame, model: RiskModel, rules: ProvinceRules) -> None:
    with pytest.raises(ModelInputError, match="one enterprise, got 300"):
        why_moved(still(frame, model, rules), small.CATALOGUE)
