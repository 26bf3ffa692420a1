"""Model or rules: each row that the model can't answer is answered by the rules, which say why."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from lightgbm.basic import LightGBMError
from pydantic import PrivateAttr

from helpers import small_model as small
from models.arrays import Floats
from models.errors import ModelError, ModelInputError
from models.scoring.classification import Classification
from models.scoring.classify import classify_frame
from models.scoring.risk_model import RiskModel
from models.scoring.rules.province import load_rules
from serving.answers.fallback import classify
from serving.current.served import NO_MODEL, Served


@pytest.fixture(scope="module")
def model() -> RiskModel:
    return small.model()


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return small.rows(400, 21)[0]


def ask(frame: pd.DataFrame, model: RiskModel | None, province: str = "hebei") -> list[Classification]:
    return classify_frame(frame, model, load_rules(province), catalogue=small.CATALOGUE)


def answer(frame: pd.DataFrame, model: RiskModel | None, province: str) -> list[Classification]:
    return classify(frame, Served(province, model), load_rules(province), catalogue=small.CATALOGUE)


def test_a_model_signed_under_other_cuts_does_not_answer(frame: pd.DataFrame, model: RiskModel) -> None:
    for province in ("henan", "ningxia"):
        (one,) = answer(frame.head(1), model, province)
        assert one.source == "rules"
        assert "must be signed again" in (one.fallback or "")


def test_without_a_model_the_rules_answer_and_say_so(frame: pd.DataFrame) -> None:
    for a in answer(frame.head(3), None, "hebei"):
        assert (a.source, a.fallback) == ("rules", NO_MODEL)


def test_only_the_rows_the_model_cannot_use_fall_back(frame: pd.DataFrame, model: RiskModel) -> None:
    gap = frame.head(10).copy()
    gap.iloc[[2, 5], list(gap.columns).index("penalties_3y")] = np.nan
    answers = answer(gap, model, "hebei")
    assert [i for i, a in enumerate(answers) if a.source == "rules"] == [2, 5]
    assert [a.enterprise_id for a in answers] == list(gap.index.get_level_values(0))
    assert "penalties_3y" in (answers[2].fallback or "")
    assert "registered_capital" not in (answers[2].fallback or "")
    plain = ask(frame.head(10), model)
    assert [a for a in answers if a.source == "model"] == [a for i, a in enumerate(plain) if i not in (2, 5)]


@pytest.mark.parametrize("rows", [1, 10])
def test_where_no_row_is_usable_each_answer_names_the_column(frame: pd.DataFrame, model: RiskModel, rows: int) -> None:
    everyone = answer(frame.head(rows).assign(years_operating=np.nan), model, "hebei")
    assert [a.source for a in everyone] == ["rules"] * rows
    for a in everyone:
        assert a.fallback == (
            f"model {model.version} learned from known values only; unknown or infinite here: years_operating"
        )


def test_a_missing_column_makes_all_fall_back_with_its_name(frame: pd.DataFrame, model: RiskModel) -> None:
    for a in answer(frame.head(3).drop(columns="years_operating"), model, "hebei"):
        assert a.source == "rules"
        assert "years_operating" in (a.fallback or "")
        assert model.version in (a.fallback or "")


class Broken(RiskModel):
    """A model whose booster raises what it is told to."""

    _fault: type[Exception] = PrivateAttr(ModelError)

    def margin(self, X: Floats) -> Floats:
        raise self._fault("boom")


def broken(model: RiskModel, fault: type[Exception]) -> Broken:
    one = Broken(**{name: getattr(model, name) for name in RiskModel.model_fields})
    one._fault = fault
    return one


@pytest.mark.parametrize("fault", [ModelError, LightGBMError])
def test_a_declared_fault_of_the_model_lets_the_rules_answer(
    frame: pd.DataFrame, model: RiskModel, fault: type[Exception]
) -> None:
    with pytest.raises(fault):
        ask(frame, broken(model, fault))
    (one,) = answer(frame.head(1), broken(model, fault), "hebei")
    assert one.source == "rules"
    assert "boom" in (one.fallback or "")


def test_an_unreadable_booster_lets_the_rules_answer(frame: pd.DataFrame, model: RiskModel) -> None:
    torn = model.model_copy(update={"booster_text": "tree\nbroken"})
    (one,) = answer(frame.head(1), torn, "hebei")
    assert one.source == "rules"
    assert "can't be read" in (one.fallback or "")


def test_any_other_fault_is_logged_and_the_rules_answer(frame: pd.DataFrame, model: RiskModel) -> None:
    answers = answer(frame.head(3), broken(model, ZeroDivisionError), "hebei")
    assert {(a.source, a.fallback) for a in answers} == {("rules", f"model {model.version} failed: ZeroDivisionError")}


def test_a_row_is_read_once_and_explained_once(
    frame: pd.DataFrame, model: RiskModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: Counter[str] = Counter()
    for name in ("read", "margin", "contributions"):
        plain = getattr(RiskModel, name)
        monkeypatch.setattr(
            RiskModel, name, lambda self, X, n=name, f=plain: (asked.update({n: len(X)}), f(self, X))[1]
        )
    _ = model.base_margin, model.base_score
    asked.clear()
    gap = frame.head(10).copy()
    gap.iloc[[2, 5], list(gap.columns).index("penalties_3y")] = np.nan
    answer(gap, model, "hebei")
    assert asked == {"read": 10, "margin": 8, "contributions": 8}


def test_no_rows_no_answers(frame: pd.DataFrame, model: RiskModel) -> None:
    assert answer(frame.head(0), model, "hebei") == []


def test_rows_without_their_keys_are_refused(frame: pd.DataFrame, model: RiskModel) -> None:
    for source in (model, None):
        with pytest.raises(ModelInputError, match="indexed by enterprise_id and cutoff"):
            answer(frame.reset_index(drop=True), source, "hebei")
