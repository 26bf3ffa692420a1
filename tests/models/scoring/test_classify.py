from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from features.errors import ConfigError
from helpers import small_model as small
from models.errors import ModelError, ModelInputError
from models.scoring.bands import load_bands
from models.scoring.classification import LIMIT, Classification
from models.scoring.classify import classify_frame, classify_scored
from models.scoring.columns import scored_by_model
from models.scoring.risk_model import RiskModel
from models.scoring.rules.province import load_rules


@pytest.fixture(scope="module")
def model() -> RiskModel:
    return small.model()


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return small.rows(400, 21)[0]


def ask(frame: pd.DataFrame, model: RiskModel | None, province: str = "hebei", top: int = 5) -> list[Classification]:
    return classify_frame(frame, model, load_rules(province), top=top, catalogue=small.CATALOGUE)


@pytest.fixture(scope="module")
def whole(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with everything else the scorecard asks for looked at and found to be 0."""
    others = [name for name in load_rules("hebei").scorecard.indicators if name not in frame.columns]
    return frame.assign(**dict.fromkeys(others, 0.0))


@pytest.mark.parametrize("with_model", [True, False])
def test_every_answer_adds_up_and_its_class_is_read_off_the_published_score(
    whole: pd.DataFrame, model: RiskModel, with_model: bool
) -> None:
    bands = load_bands("hebei")
    answers = ask(whole, model if with_model else None, top=99)
    assert [(a.enterprise_id, a.cutoff) for a in answers] == [
        (e, date(2026, 11, 1)) for e in whole.index.get_level_values(0)
    ]
    for a in answers:
        assert a.score == round(a.score, 1)
        assert a.base_score + sum(a.family_points.values()) == pytest.approx(a.score, abs=1e-6)
        explained = sum(r.points for r in a.reasons) + a.family_points.get(LIMIT, 0.0)
        assert a.base_score + explained == pytest.approx(a.score, abs=1e-6)
        assert a.score_grade == a.grade == bands.grade(a.score)
        assert a.source == ("model" if with_model else "rules")
        assert (a.probability is not None) == with_model
        assert set(a.versions) == {"model", "catalogue", "policy"}
        assert Classification.from_json(a.to_json()) == a


def test_score_and_probability_rank_firms_as_the_margin_does(frame: pd.DataFrame, model: RiskModel) -> None:
    answers = ask(frame, model)
    margin = model.margin(model.matrix(frame))
    order = np.argsort(margin, kind="stable")
    score = np.array([a.score for a in answers])[order]
    probability = np.array([a.probability for a in answers])[order]
    assert (np.diff(score) >= 0).all()
    assert (np.diff(probability)[np.diff(margin[order]) > 0] > 0).all()


def test_the_strongest_reasons_come_first_and_are_as_many_as_asked(frame: pd.DataFrame, model: RiskModel) -> None:
    for a in ask(frame, model, top=2):
        sizes = [abs(r.points) for r in a.reasons]
        assert len(sizes) <= 2
        assert sizes == sorted(sizes, reverse=True)
    full = {a.enterprise_id: a for a in ask(frame, model, top=99)}
    for a in ask(frame, model, top=2):
        assert a.reasons == full[a.enterprise_id].reasons[:2]


def test_a_batch_and_single_rows_get_the_same_answers(frame: pd.DataFrame, model: RiskModel) -> None:
    whole = ask(frame, model)
    assert [ask(frame.iloc[i : i + 1], model)[0] for i in range(15)] == whole[:15]


def test_direct_determinations_lift_the_class_and_leave_the_score(frame: pd.DataFrame, model: RiskModel) -> None:
    hit = frame.head(50).assign(evidence_H13_2="judgment_debtors:J1", evidence_H12_3="licences:L1;licences:L2")
    for source in (model, None):
        before, after = ask(frame.head(50), source), ask(hit, source)
        assert [a.score for a in after] == [b.score for b in before]
        assert [a.score_grade for a in after] == [b.score_grade for b in before]
        assert {a.grade for a in after} == {"D"}
        assert [d.rule for d in after[0].determinations] == ["H13.2", "H12.3"]
        assert after[0].determinations[1].evidence == ("licences:L1", "licences:L2")
    only_c = ask(frame.assign(evidence_H12_3="licences:L1"), model)
    assert {a.grade for a in only_c if a.score_grade == "D"} == {"D"}
    assert {a.grade for a in only_c if a.score_grade != "D"} == {"C"}


def test_more_penalties_never_make_a_better_class(frame: pd.DataFrame, model: RiskModel) -> None:
    worse = ask(frame.assign(penalties_3y=frame["penalties_3y"] + 1), model)
    assert all(w.score >= a.score for w, a in zip(worse, ask(frame, model), strict=True))


def test_the_model_refuses_what_the_rules_still_answer(frame: pd.DataFrame, model: RiskModel) -> None:
    short = frame.drop(columns="complaints_1y")
    with pytest.raises(ModelInputError, match="complaints_1y"):
        ask(short, model)
    for a in ask(short, None):
        assert "complaints_1y" in a.missing
        assert a.family_points["societal"] == 0


def test_the_rules_name_what_they_had_to_do_without(frame: pd.DataFrame) -> None:
    one = ask(frame.head(1).drop(columns=["evidence_H13_1"]), None)[0]
    assert "evidence_H13_1" in one.missing
    assert "tax_arrears" in one.missing
    assert not {"penalties_3y", "complaints_1y"} & set(one.missing)


def test_the_model_names_values_it_took_as_unknown(frame: pd.DataFrame, model: RiskModel) -> None:
    for a, capital in zip(ask(frame, model), frame["registered_capital"], strict=True):
        assert a.missing == (("registered_capital",) if np.isnan(capital) else ())


def test_clipping_to_the_scale_is_shown_as_points(frame: pd.DataFrame) -> None:
    awful = frame.head(1).assign(
        penalties_3y=50.0, penalties_1y=50.0, serious_list_ever=1.0, judgment_debtor_5y=9.0, visits_refused_3y=9.0
    )
    (one,) = ask(awful, None)
    assert (one.score, one.grade) == (1000.0, "D")
    assert one.family_points[LIMIT] < 0


def test_provinces_cut_the_same_score_differently(whole: pd.DataFrame) -> None:
    card = load_rules("hebei").scorecard  # the same points for all: only the cuts differ then
    rules = {
        p: classify_frame(whole, None, replace(load_rules(p), scorecard=card), catalogue=small.CATALOGUE)
        for p in ("hebei", "henan", "ningxia")
    }
    scores = [a.score for a in rules["hebei"]]
    assert scores == [a.score for a in rules["ningxia"]] == [a.score for a in rules["henan"]]
    between = [i for i, s in enumerate(scores) if 200 < s <= 250]
    assert between
    assert {rules["hebei"][i].grade for i in between} == {"B"}
    assert {rules["ningxia"][i].grade for i in between} == {"A"}
    assert len({a[0].versions["policy"] for a in rules.values()}) == 3


def test_who_is_hardly_known_is_never_in_the_best_class(
    frame: pd.DataFrame, whole: pd.DataFrame, model: RiskModel
) -> None:
    """15 % of the scorecard's 53 indicators are 8; the frame alone has 4 of them."""
    for one in ask(frame, None):
        assert one.insufficient
        assert one.grade != "A"
        assert Classification.from_json(one.to_json()) == one
    assert "A" in {one.score_grade for one in ask(frame, None)}
    assert not any(one.insufficient for one in [*ask(whole, None), *ask(frame, model)])
    hit = ask(frame.assign(evidence_H13_2="judgment_debtors:J1"), None)
    assert {one.grade for one in hit} == {"D"}


def test_an_indicator_that_left_the_catalogue_is_still_explained(frame: pd.DataFrame, model: RiskModel) -> None:
    (one,) = classify_frame(frame.head(1), model, load_rules("hebei"), catalogue={}, top=99)
    assert {r.family for r in one.reasons} <= set(small.FAMILIES.values())
    assert all(r.text_en and r.text_zh for r in one.reasons)


def test_the_catalogue_of_features_speaks_by_default(frame: pd.DataFrame, model: RiskModel) -> None:
    (one,) = classify_frame(frame.head(1), model, load_rules("hebei"), top=99)
    penalties = next(r for r in one.reasons if r.indicator == "penalties_3y")
    assert "近三年" in penalties.text_zh
    assert penalties.group == "penalties"


def test_an_unknown_province_is_told_which_there_are(frame: pd.DataFrame) -> None:
    with pytest.raises(ConfigError, match="hebei"):
        load_rules("atlantis")


def test_a_model_signed_under_other_cuts_does_not_answer(frame: pd.DataFrame, model: RiskModel) -> None:
    for province in ("henan", "ningxia"):
        with pytest.raises(ModelError, match="must be signed again"):
            ask(frame, model, province)


def test_no_rows_no_answers(frame: pd.DataFrame, model: RiskModel) -> None:
    assert classify_frame(frame.head(0), model, load_rules("hebei")) == []


def test_rows_without_their_keys_are_refused(frame: pd.DataFrame, model: RiskModel) -> None:
    for source in (model, None):
        with pytest.raises(ModelInputError, match="indexed by enterprise_id and cutoff"):
            classify_frame(frame.reset_index(drop=True), source, load_rules("hebei"))


def test_rows_are_explained_once_and_answer_as_the_frame_does(frame: pd.DataFrame, model: RiskModel) -> None:
    explained = model.explain(model.matrix(frame))
    some = np.arange(len(frame)) % 3 == 0
    rules = load_rules("hebei")
    scored = scored_by_model(explained.take(some), model, rules)
    answers = classify_scored(frame.loc[some], scored, rules, catalogue=small.CATALOGUE)
    assert answers == ask(frame.loc[some], model)
    assert np.allclose(explained.contributions.sum(axis=1), explained.margin - model.base_margin)


@pytest.mark.parametrize("by_model", [True, False])
def test_groups_add_up_to_the_score_and_raising_and_lowering_stand_apart(
    frame: pd.DataFrame, model: RiskModel, by_model: bool
) -> None:
    given = frame.head(50).assign(penalties_1y=frame["penalties_3y"])
    for one in classify_frame(given, model if by_model else None, load_rules("hebei"), top=99):
        assert one.base_score + sum(one.group_points.values()) == pytest.approx(one.score, abs=1e-6)
        assert {reason.group for reason in one.reasons} <= set(one.group_points)
        raising, lowering = [r.points for r in one.raising], [r.points for r in one.lowering]
        assert raising == sorted(raising, reverse=True)
        assert lowering == sorted(lowering)
        assert all(points > 0 for points in raising)
        assert all(points < 0 for points in lowering)
        assert len(raising) + len(lowering) == len(one.reasons)
