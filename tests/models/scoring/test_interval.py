"""The interval that a model keeps is read in order, around the model's own point, also from a model of earlier code."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.special import expit, logit

from helpers import small_model
from helpers.thorough import examples
from models.scoring.interval import Uncertainty
from models.scoring.risk_model import RiskModel

KEPT = Uncertainty(
    level=0.95, visits=900, enterprises=400,
    margins=(-3.0, -1.0, 0.0, 2.0), low=(-4.0, -2.0, -1.5, 0.0), high=(-2.0, -1.0, 0.5, 3.0),
)  # fmt: skip
EARLIER = {
    "level": 0.95, "visits": 900, "enterprises": 400,
    "margins": [-4.0, -2.0, -1.0, 1.0], "low": [-5.0, -2.5, -1.5, 0.5], "high": [-1.0, -1.0, -1.0, 2.0],
}  # fmt: skip
"""As an earlier version wrote it: one flat upper end for the lower half."""


def test_between_and_beyond_the_knots_the_ends_are_straight_in_log_odds() -> None:
    at = np.array([-5.0, -3.0, -2.0, 1.0, 4.0])
    low, high = KEPT.interval(at, np.array([-5.5, -3.2, -2.2, 0.2, 3.0]))
    assert logit(low) == pytest.approx([-6.0, -4.0, -3.0, -0.75, 1.5])
    assert logit(high) == pytest.approx([-3.0, -2.0, -1.5, 1.75, 5.5])


@given(st.lists(st.tuples(st.floats(-20, 20), st.floats(-20, 20)), min_size=1, max_size=30))
@settings(deadline=None, max_examples=examples(100))
def test_whatever_the_point_it_is_never_left_outside(rows: list[tuple[float, float]]) -> None:
    margin, odds = np.array(rows).T
    low, high = KEPT.interval(margin, odds)
    assert ((low <= expit(odds)) & (expit(odds) <= high)).all()


def test_an_interval_out_of_order_is_refused() -> None:
    good = KEPT.model_dump()
    for change in ({"low": good["high"], "high": good["low"]}, {"margins": good["margins"][::-1]}, {"low": ()}):
        with pytest.raises(ValidationError):
            Uncertainty.model_validate({**good, **change})


def test_a_model_signed_with_an_earlier_interval_is_read_and_answers_as_it_was_signed(tmp_path: Path) -> None:
    """Also where its upper end is flat: only a point it left outside is let in."""
    model = small_model.model().model_copy(update={"uncertainty": EARLIER})
    model.save(tmp_path)
    assert json.loads((tmp_path / "bundle.json").read_text(encoding="utf-8"))["model"]["uncertainty"] == EARLIER
    read = RiskModel.load(tmp_path)
    assert read.content_hash == model.content_hash
    at = np.array([-4.0, -3.0, -2.0, 0.0])
    ends = read.interval(at)
    assert ends is not None
    point = read.calibrator.log_odds(at)
    assert logit(ends[0]) == pytest.approx(np.minimum([-5.0, -3.75, -2.5, -0.5], point))
    assert logit(ends[1]) == pytest.approx(np.maximum([-1.0, -1.0, -1.0, 0.5], point))
