"""Circumstances of a visit become numbers: a term for each that is common enough, counted from the average visit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from models.study.circumstances import LEAST_VISITS, Circumstances, Coding
from models.study.experiment import Arms

KNOWN = Arms(learn=("random", "targeted"), arm="known")


def visits(
    arm: list[str], trigger: Sequence[str | None] | None = None, inspector: Sequence[str | None] | None = None
) -> pd.DataFrame:
    n = len(arm)
    return pd.DataFrame(
        {
            "arm": arm,
            "trigger": np.array(trigger or [None] * n, dtype=object),
            "field": np.array([None] * n, dtype=object),
            "inspector_id": np.array(inspector or [None] * n, dtype=object),
        }
    )


def test_the_arm_is_one_term_that_is_nought_for_the_visits_that_measure() -> None:
    coding = Coding.of(visits(["random", "targeted", "unknown", "random"]), KNOWN)
    assert (coding.names, coding.means, coding.pairs) == (("arm: not random",), (0.0,), ())
    seen = coding.code(visits(["random", "targeted", "unknown"]))
    assert seen.terms.tolist() == [[0.0], [1.0], [1.0]]
    assert seen.pair.tolist() == [-1, -1, -1]
    assert seen.known


def test_what_a_study_does_not_ask_for_is_not_known() -> None:
    fit = visits(["random", "targeted"] * 40, ["1", "2"] * 40, ["P1", "P2"] * 40)
    coding = Coding.of(fit, Arms())
    assert (coding.names, coding.pairs) == ((), ())
    assert not coding.code(fit).known
    assert len(coding.code(fit)) == 80


def test_a_trigger_has_a_term_where_there_are_enough_visits_and_the_usual_one_is_what_others_differ_from() -> None:
    n = LEAST_VISITS
    trigger: list[str | None] = ["1"] * (3 * n) + ["2"] * n + ["3"] * (n - 1) + [None] * 5
    fit = visits(["unknown"] * len(trigger), trigger)
    asked = Arms(measure=("unknown",), weights="equal", trigger="known")
    coding = Coding.of(fit, asked)
    assert coding.names == ("trigger: 2",)  # not 1, the usual one; not 3, too rare; not what is unknown
    share = n / len(trigger)
    assert coding.means == pytest.approx((share,))
    terms = coding.code(visits(["unknown"] * 5, ["1", "2", "3", None, "4"])).terms
    assert terms[:, 0] == pytest.approx(np.array([0, 1, 0, 0, 0]) - share)
    assert coding.code(fit).terms.mean() == pytest.approx(0.0)  # the average visit's terms are 0


def test_terms_are_counted_from_the_average_of_the_visits_that_measure_alone() -> None:
    n = 2 * LEAST_VISITS
    fit = visits(["random"] * n + ["targeted"] * n, ["1"] * n + ["2"] * n)
    asked = Arms(learn=("random", "targeted"), trigger="known", arm="known")
    coding = Coding.of(fit, asked)
    # As many of both: the greater name counts as the usual one. All random visits are of the other.
    assert coding.names == ("arm: not random", "trigger: 1")
    assert coding.means == (0.0, 1.0)


def test_a_pair_that_the_fit_had_not_is_not_known() -> None:
    asked = Arms(inspector="known")
    coding = Coding.of(visits(["random"] * 4, inspector=["P2", "P1", None, "P2"]), asked)
    assert coding.pairs == ("P1", "P2")
    assert coding.code(visits(["random"] * 4, inspector=["P1", "P2", None, "P9"])).pair.tolist() == [0, 1, -1, -1]


def test_those_of_some_visits_are_theirs() -> None:
    whole = Circumstances(np.arange(8.0).reshape(4, 2), np.array([3, -1, 0, 1]))
    assert (whole.pairs, len(whole)) == (4, 4)
    part = whole.take(np.array([False, True, True, False]))
    assert part.terms.tolist() == [[2.0, 3.0], [4.0, 5.0]]
    assert part.pair.tolist() == [-1, 0]
    assert not Circumstances.none(3).known
    assert Circumstances.none(3).pairs == 0
