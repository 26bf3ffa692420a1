"""A ranked list has every enterprise once, the riskiest first, and says who has no place on it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from helpers import small_model as small
from models.errors import ModelInputError
from models.scoring.ranked import UNRANKED, ranked


def test_the_riskiest_comes_first_with_what_the_model_says_of_it() -> None:
    model = small.model()
    frame, _ = small.rows(200, 5)
    found = ranked(model, frame)
    assert found["rank"].tolist() == list(range(1, 201))
    assert (np.diff(found["margin"].to_numpy()) <= 0).all()
    assert set(found["enterprise_id"]) == set(frame.index.get_level_values("enterprise_id"))
    margin = model.margin(model.matrix(frame))
    by_id = dict(zip(frame.index.get_level_values("enterprise_id"), margin, strict=True))
    assert [by_id[e] for e in found["enterprise_id"]] == found["margin"].tolist()
    assert found["probability"].to_numpy() == pytest.approx(model.probability(found["margin"].to_numpy()))
    assert found["class"].tolist() == model.grades(found["score"].to_numpy())
    assert (found[UNRANKED] == "").all()


def test_ties_stand_in_the_order_of_ids_whatever_the_order_of_the_rows() -> None:
    model = small.model()
    frame, _ = small.rows(40, 6)
    twin = pd.concat([frame.iloc[:1], frame.iloc[:1]])
    twin.index = pd.MultiIndex.from_tuples(
        [("Z", pd.Timestamp("2026-11-01")), ("A", pd.Timestamp("2026-11-01"))], names=frame.index.names
    )
    for rows in (twin, twin.iloc[::-1]):
        assert ranked(model, rows)["enterprise_id"].tolist() == ["A", "Z"]


def test_who_can_not_be_read_comes_last_without_a_rank_and_with_the_reason() -> None:
    model = small.model()
    frame, _ = small.rows(10, 7)
    name = next(n for n in model.indicator_names if n not in model.nullable)
    frame = frame.copy()
    frame[name] = np.where(np.arange(10) == 3, np.nan, frame[name].astype(float))
    found = ranked(model, frame)
    assert found["rank"].isna().tolist() == [False] * 9 + [True]
    last = found.iloc[-1]
    assert last["enterprise_id"] == frame.index[3][0]
    assert last[UNRANKED] == f"unknown or infinite: {name}"
    assert pd.isna(last["probability"])
    assert pd.isna(last["class"])


def test_a_table_without_the_models_columns_is_refused() -> None:
    frame, _ = small.rows(5, 8)
    with pytest.raises(ModelInputError, match="indicator columns missing"):
        ranked(small.model(), frame.iloc[:, :1])
