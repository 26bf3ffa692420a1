"""The visits needed to find a share of the violations are those a person would count."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models.learning.backtest import visits_needed
from numpy.typing import ArrayLike

from helpers.thorough import examples
from models.errors import ModelError


def needed(margin: ArrayLike, y: ArrayLike, weight: ArrayLike | None = None, share: float = 0.5) -> float:
    margin, y = np.asarray(margin, dtype=float), np.asarray(y)
    return visits_needed(margin, y, np.ones(len(y)) if weight is None else np.asarray(weight, dtype=float), share)


def test_the_visits_are_counted_from_the_riskiest_on() -> None:
    # Violations at the 1st, 3rd, 4th and 8th place of eight: two are found after three visits, three after four.
    y = [1, 0, 1, 1, 0, 0, 0, 1]
    assert needed(-np.arange(8), y) == 3 / 8
    assert needed(-np.arange(8), y, share=0.75) == 4 / 8
    assert needed(np.arange(8), y) == 5 / 8  # the other way round: 8th, 7th, 6th, 5th


def test_visits_that_find_nothing_more_are_not_counted() -> None:
    # Half is found by the first visit; the six clean ones before the next violation are not needed for it.
    assert needed(-np.arange(8), [1, 0, 0, 0, 0, 0, 0, 1]) == 1 / 8


def test_what_lies_between_two_violations_is_shared_out() -> None:
    assert needed([3, 2, 1, 0], [1, 0, 0, 0], share=0.5) == 0.5 / 4  # half a visit finds half of the one violation
    assert needed([3, 2, 1, 0], [0, 1, 1, 0], share=0.75) == 2.5 / 4


def test_a_visit_counts_as_many_as_it_stands_for() -> None:
    # Weights 1/draw probability: the riskiest stands for one enterprise, the next for three, two clean ones for six.
    y, weight = [1, 1, 0, 0], [1, 3, 2, 4]
    assert needed([3, 2, 1, 0], y, weight, share=0.25) == pytest.approx(1 / 10)
    assert needed([3, 2, 1, 0], y, weight, share=0.625) == pytest.approx(2.5 / 10)
    assert needed([3, 2, 1, 0], y, weight, share=0.25) != needed([3, 2, 1, 0], y, share=0.25)


def test_visits_of_equal_margin_come_in_no_order() -> None:
    # Of the two firms tied at the top one violates: half of the violations asks for both, whichever is listed first.
    for y in ([1, 0, 1, 0], [0, 1, 1, 0]):
        assert needed([5, 5, 1, 0], y) == 2 / 4
        assert needed([5, 5, 1, 0], y, share=0.25) == 1 / 4
    assert needed([7, 7, 7, 7], [0, 0, 1, 1], share=0.3) == pytest.approx(0.3)  # who can't rank saves nothing


def test_where_there_is_nothing_to_find_it_is_said() -> None:
    with pytest.raises(ModelError, match="no violation"):
        needed([3, 2, 1], [0, 0, 0])


@settings(max_examples=examples(200), deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 1), st.integers(1, 5)), min_size=1, max_size=12),
    st.floats(0.05, 0.95),
)
def test_it_is_what_going_down_the_list_by_hand_gives(rows: list[tuple[int, int, int]], share: float) -> None:
    margin, y, weight = (np.array(c, dtype=float) for c in zip(*rows, strict=True))
    if not (y * weight).sum():
        return
    # By hand: go down the margins, take whole groups until one reaches what is wanted, of that one a part.
    wanted, found, visited = share * (y @ weight), 0.0, 0.0
    for level in sorted(set(margin), reverse=True):
        of = margin == level
        here = float((y * weight)[of].sum())
        if here and found + here >= wanted:
            visited += (wanted - found) / here * float(weight[of].sum())
            break
        found, visited = found + here, visited + float(weight[of].sum())
    assert visits_needed(margin, y, weight, share) == pytest.approx(visited / weight.sum(), abs=1e-9)
